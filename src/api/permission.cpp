#include "api/permission.h"

#include <array>

namespace fealty::api {

namespace {

using enum Permission;
constexpr std::array<PermissionInfo, kPermissionCount> kPermissions{{
    {create_user, "createUser", "Create User"},
    {manage_user, "manageUser", "Delete/Restore User"},
    {get_user_data, "getUserData", "Get User Data"},
    {get_user_stats, "getUserStats", "Get User Stats"},
    {bulk_update_user, "bulkUpdateUser", "Bulk Update User"},
    {user_fields, "userFields", "User Fields"},
    {get_messages, "getMessages", "Get Messages"},
    {send_message, "sendMessage", "Send Message"},
    {reply_message, "replyMessage", "Reply Message"},
    {react_message, "reactMessage", "React to Message"},
    {leaderboard, "leaderboard", "Leaderboard"},
    {store, "store", "Store"},
    {get_channels, "getChannels", "Get Channels"},
    {redemption, "redemption", "Redemption"},
    {streak, "streak", "Streak"},
    {mini_games, "miniGames", "Mini Games"},
    {analysis, "analysis", "Analysis"},
    {analytics, "analytics", "Analytics"},
    {badge, "badge", "Badge"},
    {role, "role", "Role"},
    {channel, "channel", "Channel"},
    {send_messages, "sendMessages", "Send Messages"},
    {read_own_profile, "readOwnProfile", "Read Own Profile"},
    {update_own_profile, "updateOwnProfile", "Update Own Profile"},
    {read_own_messages, "readOwnMessages", "Read Own Messages"},
}};

// info() looks up by number.
static_assert([] {
  for (std::size_t i = 0; i < kPermissions.size(); ++i) {
    if (static_cast<std::size_t>(kPermissions[i].permission) != i) return false;
  }
  return true;
}());

}  // namespace

std::span<PermissionInfo const> all_permissions() { return std::span(kPermissions).first(kCommunityPermissionCount); }
std::span<PermissionInfo const> user_key_permissions() { return std::span(kPermissions).subspan(kCommunityPermissionCount); }

PermissionInfo const& info(Permission p) { return kPermissions.at(static_cast<std::size_t>(p)); }

std::optional<Permission> find_permission(std::string_view text, std::span<PermissionInfo const> list) {
  for (auto const& entry : list) {
    if (entry.identifier == text || entry.label == text) return entry.permission;
  }
  return {};
}

std::vector<std::string> PermissionSet::identifiers() const {
  std::vector<std::string> out;
  for (auto const& entry : kPermissions) {
    if (has(entry.permission)) out.emplace_back(entry.identifier);
  }
  return out;
}

}  // namespace fealty::api
