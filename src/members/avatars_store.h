// SQL of avatars: which picture is whose.
#pragma once
#include "base/id.h"
#include "sql/sql.h"

namespace fealty::members {

std::optional<std::string> avatar_of(sql::Tx& tx, CommunityNo community, MemberNo member);
void set_avatar(sql::Tx& tx, CommunityNo community, MemberNo member, std::optional<std::string> const& key);
// Those of the keys that somebody has, in whatever community: files know no tenants.
std::vector<std::string> avatars_in_use(sql::Tx& tx, std::vector<std::string> const& keys);

}  // namespace fealty::members
