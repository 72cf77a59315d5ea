// SQL of newcomers: no rules.
#pragma once
#include "members/members.h"

namespace fealty::members {

struct StoredStanding {
  MembershipState state = MembershipState::active;
  std::optional<TimeMs> until;
};
std::optional<StoredStanding> stored_standing(sql::Tx& tx, CommunityNo community, MemberNo member);
// As they were stored: numbers, joined by commas.
std::optional<std::string> stored_level_roles(sql::Tx& tx, CommunityNo community, std::int64_t level);
// A registration that nobody verified gives way to a key that names its e-mail.
void drop_registration(sql::Tx& tx, std::string_view email_key);

}  // namespace fealty::members
