// SQL of who administers a community: no rules.
#pragma once
#include "members/members.h"

namespace fealty::members {

struct AdministratorRow {
  MemberNo member;
  PublicId id;
  std::string username, email;
  std::optional<std::string> display_name;
  MembershipState state = MembershipState::active;
  std::optional<TimeMs> until;
  bool is_owner = false, is_claimed = false, has_second_factor = false;
};
// The owner, and members who have a role that administers; those who were deleted are none.
std::vector<AdministratorRow> list_administrators(sql::Tx& tx, CommunityNo community);
// The language in which an account, or else the community, is written to.
std::string mail_language(sql::Tx& tx, CommunityNo community, MemberNo account);

}  // namespace fealty::members
