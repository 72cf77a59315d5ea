#include "members/catalogue_store.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

Statement const kFields{"fields.list",
                        "SELECT field_id, field_key, name, type, description, required, default_number, default_text, options, visibility, "
                        "member_editable, identifier, created_at, updated_at FROM fields "
                        "WHERE community_id = $1 AND deleted_at IS NULL ORDER BY field_id"};
Statement const kRoles{"roles.list",
                       "SELECT role_id, title, server_permissions, position FROM roles WHERE community_id = $1 ORDER BY position, role_id"};
Statement const kTags{"tags.list", "SELECT tag_id, name FROM tags WHERE community_id = $1 ORDER BY tag_id"};
Statement const kFindName{"fields.find_name", "SELECT field_id FROM field_names WHERE community_id = $1 AND folded = $2"};
Statement const kInsertField{"fields.insert",
                             "INSERT INTO fields (community_id, field_id, field_key, name, type, description, required, default_number, "
                             "default_text, options, identifier, created_at, updated_at) "
                             "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)"};
Statement const kInsertName{"fields.insert_name",
                            "INSERT INTO field_names (community_id, folded, field_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};
Statement const kDeleteField{
    "fields.delete", "UPDATE fields SET deleted_at = $3, updated_at = $3 WHERE community_id = $1 AND field_id = $2 AND deleted_at IS NULL"};
Statement const kDeleteNames{"fields.delete_names", "DELETE FROM field_names WHERE community_id = $1 AND field_id = $2"};
Statement const kInsertRole{"roles.insert",
                            "INSERT INTO roles (community_id, role_id, title, position, created_at) VALUES ($1, $2, $3, $4, $5)"};
Statement const kInsertTag{"tags.insert", "INSERT INTO tags (community_id, tag_id, name, created_at) VALUES ($1, $2, $3, $4)"};
Statement const kInsertCommunity{
    "communities.insert", "INSERT INTO communities (community_id, title, time_zone, owner_id, created_at) VALUES ($1, $2, $3, $4, $5)"};
Statement const kListCommunities{"communities.list",
                                 "SELECT c.community_id, c.created_at, c.title, (SELECT count(*) FROM memberships m "
                                 "WHERE m.community_id = c.community_id AND m.state <> 4) FROM communities c ORDER BY c.community_id"};

Statement const kCommunityNumbers{"communities.numbers", "SELECT community_id, created_at FROM communities ORDER BY community_id"};

// Bits of serverPermissions in the order of community.md: 2 kick, 3 ban, 4 manage_roles, 5 manage_channels,
// 6 server_administrator, 7 warn, 8 suspend, 9 broadcast.
constexpr std::int64_t kServerAdministrator = 1 << 6;
constexpr std::int64_t kPowerful = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9;

}  // namespace

Catalogue load_catalogue(sql::Tx& tx, CommunityNo community) {
  Catalogue c;
  c.currencies = ledger::load_currencies(tx, community);
  tx.each(
      kFields,
      [&](Row const& r) {
        CustomField f;
        f.number = {r.integer(0)};
        f.key = r.string(1);
        f.name = r.string(2);
        f.type = parse_field_type(r.text(3)).value_or(FieldType::text);
        f.description = r.string(4);
        f.required = r.boolean(5);
        if (!r.is_null(6))
          f.default_value = {true, true, r.integer(6), {}};
        else if (!r.is_null(7))
          f.default_value = Value::of(r.string(7));
        if (!r.text(8).empty())
          for (auto const option : split(r.text(8), '\n')) f.options.emplace_back(option);
        f.visibility = r.string(9);
        f.member_editable = r.boolean(10);
        f.identifier = r.boolean(11);
        f.created_at = r.integer(12);
        f.updated_at = r.integer(13);
        c.fields.push_back(std::move(f));
      },
      community);
  tx.each(
      kRoles,
      [&](Row const& r) {
        if (r.text(1) == "@all") return;
        c.roles.push_back(
            {r.integer(0), r.string(1), (r.integer(2) & kServerAdministrator) != 0, (r.integer(2) & kPowerful) != 0, r.integer(3)});
      },
      community);
  tx.each(kTags, [&](Row const& r) { c.tags.push_back({r.integer(0), r.string(1), false, false, 0}); }, community);
  return c;
}

std::optional<FieldNo> find_field_name(sql::Tx& tx, CommunityNo community, std::string_view folded) {
  return tx.one(kFindName, [](Row const& r) { return FieldNo{r.integer(0)}; }, community, folded);
}

bool insert_field(sql::Tx& tx, CommunityNo community, CustomField const& f, std::vector<std::string> const& folded_names) {
  std::optional<std::int64_t> number;
  std::optional<std::string> text;
  if (f.default_value.present) {
    if (f.default_value.is_number)
      number = f.default_value.number;
    else
      text = f.default_value.text;
  }
  tx.exec(kInsertField, community, f.number, f.key, f.name, to_string(f.type), f.description, f.required, number, text,
          join(f.options, "\n"), f.identifier, f.created_at);
  std::set<std::string> const distinct(folded_names.begin(), folded_names.end());
  return std::all_of(distinct.begin(), distinct.end(),
                     [&](auto const& name) { return tx.exec(kInsertName, community, name, f.number) == 1; });
}

void mark_field_deleted(sql::Tx& tx, CommunityNo community, FieldNo field, TimeMs now) {
  tx.exec(kDeleteField, community, field, now);
  tx.exec(kDeleteNames, community, field);
}

void insert_role(sql::Tx& tx, CommunityNo community, NamedNumber const& role, TimeMs now) {
  tx.exec(kInsertRole, community, role.number, role.name, role.position, now);
}

void insert_tag(sql::Tx& tx, CommunityNo community, NamedNumber const& tag, TimeMs now) {
  tx.exec(kInsertTag, community, tag.number, tag.name, now);
}

void insert_community(sql::Tx& tx, CommunityNo community, NewCommunity const& made, MemberNo owner, TimeMs now) {
  tx.exec(kInsertCommunity, community, made.title, made.time_zone, owner, now);
}

std::vector<std::pair<CommunityNo, PublicId>> community_numbers(sql::Tx& tx) {
  std::vector<std::pair<CommunityNo, PublicId>> all;
  tx.each(kCommunityNumbers, [&](Row const& r) { all.emplace_back(CommunityNo{r.integer(0)}, PublicId::of(r.integer(0), r.integer(1))); });
  return all;
}

std::vector<CommunitySummary> list_communities(sql::Tx& tx) {
  std::vector<CommunitySummary> all;
  tx.each(kListCommunities, [&](Row const& r) { all.push_back({PublicId::of(r.integer(0), r.integer(1)), r.string(2), r.integer(3)}); });
  return all;
}

}  // namespace fealty::members
