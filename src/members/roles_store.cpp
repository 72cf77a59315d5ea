#include "members/roles_store.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

Statement const kInsertRole{"roles.insert",
                            "INSERT INTO roles (community_id, role_id, title, position, server_permissions, channel_permissions, "
                            "description, class, billable, title_translations, created_at, updated_at) "
                            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)"};
Statement const kUpdateRole{"roles.update",
                            "UPDATE roles SET title = $3, position = $4, server_permissions = $5, channel_permissions = $6, "
                            "description = $7, class = $8, billable = $9, title_translations = $10, updated_at = $11, version = $12 "
                            "WHERE community_id = $1 AND role_id = $2"};
Statement const kTakeRole{"roles.take_from_all", "DELETE FROM member_roles WHERE community_id = $1 AND role_id = $2"};
Statement const kDeleteRole{"roles.delete", "DELETE FROM roles WHERE community_id = $1 AND role_id = $2"};
Statement const kRoles{"roles.list_whole",
                       "SELECT role_id, title, position, server_permissions, channel_permissions, description, class, billable, "
                       "title_translations, created_at, updated_at, version FROM roles WHERE community_id = $1 "
                       "ORDER BY position DESC, role_id"};
Statement const kCountHolders{"roles.count_holders", "SELECT role_id, count(*) FROM member_roles WHERE community_id = $1 GROUP BY role_id"};
Statement const kCountRole{"roles.count_role", "SELECT count(*) FROM member_roles WHERE community_id = $1 AND role_id = $2"};
Statement const kCountTag{"tags.count_tag", "SELECT count(*) FROM member_tags WHERE community_id = $1 AND tag_id = $2"};
Statement const kRolesOf{"roles.of_member", "SELECT role_id FROM member_roles WHERE community_id = $1 AND member_id = $2 ORDER BY role_id"};
Statement const kLevels{"roles.levels", "SELECT level, roles FROM access_levels WHERE community_id = $1 ORDER BY level"};
Statement const kSetLevel{"roles.set_level", "UPDATE access_levels SET roles = $3 WHERE community_id = $1 AND level = $2"};
Statement const kTags{"tags.list_whole", "SELECT tag_id, name, created_at, updated_at FROM tags WHERE community_id = $1 ORDER BY tag_id"};
Statement const kRenameTag{"tags.rename", "UPDATE tags SET name = $3, updated_at = $4 WHERE community_id = $1 AND tag_id = $2"};
Statement const kTakeTag{"tags.take_from_all", "DELETE FROM member_tags WHERE community_id = $1 AND tag_id = $2"};
Statement const kDeleteTag{"tags.delete", "DELETE FROM tags WHERE community_id = $1 AND tag_id = $2"};

}  // namespace

void insert_role(sql::Tx& tx, CommunityNo community, RoleRow const& r) {
  tx.exec(kInsertRole, community, r.number, r.title, r.order, r.server_permissions, r.channel_permissions, r.description, r.colour,
          r.billable, r.title_translations, r.created_at);
}

void update_role(sql::Tx& tx, CommunityNo community, RoleRow const& r) {
  tx.exec(kUpdateRole, community, r.number, r.title, r.order, r.server_permissions, r.channel_permissions, r.description, r.colour,
          r.billable, r.title_translations, r.updated_at, r.version);
}

std::int64_t delete_role(sql::Tx& tx, CommunityNo community, std::int64_t role) {
  auto const holders = tx.exec(kTakeRole, community, role);
  tx.exec(kDeleteRole, community, role);
  return holders;
}

std::vector<RoleRow> list_roles(sql::Tx& tx, CommunityNo community) {
  std::vector<RoleRow> all;
  tx.each(
      kRoles,
      [&](Row const& r) {
        RoleRow role;
        role.number = r.integer(0);
        role.title = r.string(1);
        role.order = r.integer(2);
        role.server_permissions = r.integer(3);
        role.channel_permissions = r.integer(4);
        role.description = r.string(5);
        role.colour = r.string(6);
        role.billable = r.boolean(7);
        role.title_translations = r.string(8);
        role.created_at = r.integer(9);
        // Roles of before these times were kept have none.
        role.updated_at = r.integer(10) != 0 ? r.integer(10) : role.created_at;
        role.version = r.integer(11);
        all.push_back(std::move(role));
      },
      community);
  return all;
}

std::map<std::int64_t, std::int64_t> count_role_holders(sql::Tx& tx, CommunityNo community) {
  std::map<std::int64_t, std::int64_t> counts;
  tx.each(kCountHolders, [&](Row const& r) { counts.emplace(r.integer(0), r.integer(1)); }, community);
  return counts;
}

std::int64_t count_role_holders(sql::Tx& tx, CommunityNo community, std::int64_t role) {
  return tx.one(kCountRole, [](Row const& r) { return r.integer(0); }, community, role).value();
}

std::vector<std::int64_t> roles_of(sql::Tx& tx, CommunityNo community, MemberNo member) {
  std::vector<std::int64_t> all;
  tx.each(kRolesOf, [&](Row const& r) { all.push_back(r.integer(0)); }, community, member);
  return all;
}

std::vector<LevelRoles> list_level_roles(sql::Tx& tx, CommunityNo community) {
  std::vector<LevelRoles> all;
  tx.each(kLevels, [&](Row const& r) { all.push_back({r.integer(0), r.string(1)}); }, community);
  return all;
}

void set_level_roles(sql::Tx& tx, CommunityNo community, LevelRoles const& level) {
  tx.exec(kSetLevel, community, level.level, level.roles);
}

std::vector<TagRow> list_tags(sql::Tx& tx, CommunityNo community) {
  std::vector<TagRow> all;
  tx.each(
      kTags,
      [&](Row const& r) { all.push_back({r.integer(0), r.string(1), r.integer(2), r.integer(3) != 0 ? r.integer(3) : r.integer(2)}); },
      community);
  return all;
}

void rename_tag(sql::Tx& tx, CommunityNo community, std::int64_t tag, std::string_view name, TimeMs now) {
  tx.exec(kRenameTag, community, tag, name, now);
}

std::int64_t count_tag_holders(sql::Tx& tx, CommunityNo community, std::int64_t tag) {
  return tx.one(kCountTag, [](Row const& r) { return r.integer(0); }, community, tag).value();
}

std::int64_t delete_tag(sql::Tx& tx, CommunityNo community, std::int64_t tag) {
  auto const holders = tx.exec(kTakeTag, community, tag);
  tx.exec(kDeleteTag, community, tag);
  return holders;
}

}  // namespace fealty::members
