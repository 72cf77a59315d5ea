// SQL and row mapping of profiles as the application shows them: no rules.
#pragma once
#include "members/profiles.h"
#include "sql/sql.h"

namespace fealty::members {

// Whoever has joined here and is not deleted, with the state as of `now`.
std::optional<Profile> find_profile(sql::Tx& tx, CommunityNo community, MemberNo member, TimeMs now);

enum class ProfileSort : std::uint8_t { created_at, display_name, last_login, xp };
struct ProfileFilter {
  bool active = true, suspended = true, banned = true;
  std::string keyword;  // empty: none
  std::optional<std::string> role, tag;
  ProfileSort sort = ProfileSort::created_at;
  bool descending = true;
};
// Where a page goes on: behind this member, whose place in the order was this key.
struct ProfilePlace {
  std::string key;
  MemberNo member;
};
std::int64_t count_profiles(sql::Tx& tx, CommunityNo community, ProfileFilter const& filter, TimeMs now);
void list_profiles(sql::Tx& tx, CommunityNo community, ProfileFilter const& filter, std::optional<ProfilePlace> const& after,
                   std::int64_t skip, std::int64_t limit, TimeMs now, std::function<void(Profile, std::string key)> const& on_profile);

// The name under which the community's own pages answer; empty when it has none.
std::string community_host(sql::Tx& tx, CommunityNo community);
void set_time_zone(sql::Tx& tx, CommunityNo community, MemberNo member, std::optional<std::string> const& zone);
void set_hidden(sql::Tx& tx, CommunityNo community, MemberNo member, std::int64_t hidden);

}  // namespace fealty::members
