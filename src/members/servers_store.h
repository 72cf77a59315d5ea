// SQL and row mapping of communities as the API shows them: no rules.
#pragma once
#include "members/members.h"

namespace fealty::members {

struct ServerRow {
  CommunityNo number;
  std::string title, description;
  MemberNo owner;
  TimeMs created_at = 0, updated_at = 0;
  std::int64_t version = 0;
  std::string time_zone, default_language;
  std::vector<std::string> languages;
  bool is_public = false;
  PublicId id() const { return PublicId::of(number.value, created_at); }
};
std::optional<ServerRow> find_server(sql::Tx& tx, CommunityNo community);
// Those where a person is owner or an active member.
std::vector<ServerRow> servers_of(sql::Tx& tx, MemberNo account, TimeMs now);
// Members that are not deleted. Goes through all of them: not while others wait to write.
std::int64_t count_members(sql::Tx& tx, CommunityNo community);
void update_server(sql::Tx& tx, ServerRow const& server);
std::int64_t count_owned(sql::Tx& tx, MemberNo account);

// Whether an account is an operator's, and its state.
struct Creator {
  bool is_operator = false;
  AccountState state = AccountState::unclaimed;
};
std::optional<Creator> find_creator(sql::Tx& tx, MemberNo account);

}  // namespace fealty::members
