// Named permissions of keys (conventions.md). The order is the bit number in storage: append, never reorder.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fealty::api {

enum class Permission : std::uint8_t {
  create_user,
  manage_user,
  get_user_data,
  get_user_stats,
  bulk_update_user,
  user_fields,
  get_messages,
  send_message,
  reply_message,
  react_message,
  leaderboard,
  store,
  get_channels,
  redemption,
  streak,
  mini_games,
  analysis,
  analytics,
  badge,
  role,
  channel,
  // Of user keys alone.
  send_messages,
  read_own_profile,
  update_own_profile,
  read_own_messages,
};
// Those of community keys come first.
inline constexpr int kPermissionCount = 25, kCommunityPermissionCount = 21;

struct PermissionInfo {
  Permission permission;
  std::string_view identifier;  // "bulkUpdateUser"
  std::string_view label;       // "Bulk Update User"
};
// Community keys and user keys have separate lists (conventions.md).
std::span<PermissionInfo const> all_permissions();
std::span<PermissionInfo const> user_key_permissions();
PermissionInfo const& info(Permission p);
// Among those of `list`, by identifier or label, exact.
std::optional<Permission> find_permission(std::string_view text, std::span<PermissionInfo const> list = all_permissions());

class PermissionSet {
 public:
  constexpr PermissionSet() = default;
  constexpr explicit PermissionSet(std::uint64_t bits) : bits_(bits) {}
  // All that a community key can have.
  static constexpr PermissionSet everything() { return PermissionSet((1ull << kCommunityPermissionCount) - 1); }
  constexpr bool has(Permission p) const { return bits_ >> static_cast<int>(p) & 1; }
  constexpr void add(Permission p) { bits_ |= 1ull << static_cast<int>(p); }
  constexpr std::uint64_t bits() const { return bits_; }
  std::vector<std::string> identifiers() const;

 private:
  std::uint64_t bits_ = 0;
};

}  // namespace fealty::api
