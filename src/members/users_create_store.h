// SQL of what a new member needs beside account, membership and values: no rules.
#pragma once
#include "members/member_store.h"

namespace fealty::members {

// Numbers of the roles of an access level; nothing when there is no such level. Level 0 is always there.
std::optional<std::vector<std::int64_t>> access_level_roles(sql::Tx& tx, CommunityNo community, std::int64_t level);

// What stands about a person in this community, whatever his state.
struct Standing {
  MembershipState state = MembershipState::active;
  std::optional<TimeMs> until;
  std::int64_t former_states = 0;
  bool is_erased = false;
};
std::optional<Standing> standing_of(sql::Tx& tx, CommunityNo community, MemberNo member);

// An erased member comes back as a new one, on the balances that stayed.
void revive_membership(sql::Tx& tx, CommunityNo community, MemberNo member, MembershipState state, TimeMs now);
void set_referrer(sql::Tx& tx, CommunityNo community, MemberNo member, MemberNo referrer);
void set_community_password(sql::Tx& tx, CommunityNo community, MemberNo member, std::string_view hash, TimeMs now);
// A registration that nobody verified gives way to a key that names its e-mail.
void forget_registration(sql::Tx& tx, std::string_view email_key);
std::string community_title(sql::Tx& tx, CommunityNo community);

}  // namespace fealty::members
