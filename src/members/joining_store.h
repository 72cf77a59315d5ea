// SQL of joining and leaving: no rules.
#pragma once
#include "members/members.h"

namespace fealty::members {

struct JoinSettings {
  bool is_open = false;
  MemberNo owner;
};
std::optional<JoinSettings> join_settings(sql::Tx& tx, CommunityNo community);
void set_joined(sql::Tx& tx, CommunityNo community, MemberNo member, TimeMs now);

}  // namespace fealty::members
