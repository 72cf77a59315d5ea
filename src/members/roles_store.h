// SQL and row mapping of roles, of who has them, and of tags: no rules.
#pragma once
#include "members/fields.h"

namespace fealty::members {

// Permissions are bits in the order of kServerPermissions and kChannelPermissions (roles.h).
struct RoleRow {
  std::int64_t number = 0;
  std::string title;
  std::int64_t order = 0;
  std::int64_t server_permissions = 0, channel_permissions = 0;
  std::string description = {}, colour = {};
  bool billable = false;
  std::string title_translations = "{}";  // JSON object
  TimeMs created_at = 0, updated_at = 0;  // the latter is the former for a new role
  std::int64_t version = 0;

  PublicId id() const { return PublicId::of(number, created_at); }
  bool is_base() const { return title == "@all"; }
};
// Unique titles: a second one is refused by the store (StorageError::Kind::constraint).
void insert_role(sql::Tx& tx, CommunityNo community, RoleRow const& role);
void update_role(sql::Tx& tx, CommunityNo community, RoleRow const& role);
// From everybody who has it, too. Gives how many had it.
std::int64_t delete_role(sql::Tx& tx, CommunityNo community, std::int64_t role);
// The highest first; of equal orders the older one.
std::vector<RoleRow> list_roles(sql::Tx& tx, CommunityNo community);
// Members who have each role, by its number; @all is not among them. Goes through all of them: not while others wait to write.
std::map<std::int64_t, std::int64_t> count_role_holders(sql::Tx& tx, CommunityNo community);
std::int64_t count_role_holders(sql::Tx& tx, CommunityNo community, std::int64_t role);
// Numbers of the roles that a member was given.
std::vector<std::int64_t> roles_of(sql::Tx& tx, CommunityNo community, MemberNo member);

// Role lists of access levels, as numbers joined by commas.
struct LevelRoles {
  std::int64_t level = 0;
  std::string roles;
};
std::vector<LevelRoles> list_level_roles(sql::Tx& tx, CommunityNo community);
void set_level_roles(sql::Tx& tx, CommunityNo community, LevelRoles const& level);

struct TagRow {
  std::int64_t number = 0;
  std::string name;
  TimeMs created_at = 0, updated_at = 0;
  PublicId id() const { return PublicId::of(number, created_at); }
};
// In the order of their making.
std::vector<TagRow> list_tags(sql::Tx& tx, CommunityNo community);
void rename_tag(sql::Tx& tx, CommunityNo community, std::int64_t tag, std::string_view name, TimeMs now);
std::int64_t count_tag_holders(sql::Tx& tx, CommunityNo community, std::int64_t tag);
// From everybody who has it, too. Gives how many had it.
std::int64_t delete_tag(sql::Tx& tx, CommunityNo community, std::int64_t tag);

}  // namespace fealty::members
