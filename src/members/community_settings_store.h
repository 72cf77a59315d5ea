// SQL of a community's settings: no rules.
#pragma once
#include "members/community_settings.h"

namespace fealty::members {

// Locks the community; when it was made, or nothing when there is none.
std::optional<TimeMs> lock_community(sql::Tx& tx, CommunityNo community);
std::optional<CommunityNo> community_with_host(sql::Tx& tx, std::string_view host);
std::optional<CommunitySettings> read_settings(sql::Tx& tx, CommunityNo community);
void update_community(sql::Tx& tx, CommunityNo community, CommunityChange const& change);

}  // namespace fealty::members
