#include "members/catalogue_store.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "members/member_store.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

#define FIELD_COLUMNS                                                                                                  \
  "SELECT field_id, field_key, name, type, description, required, default_number, default_text, options, visibility, " \
  "member_editable, identifier, created_at, updated_at, data_attribute, creator_id, deleted_at FROM fields "
Statement const kFields{"fields.list", FIELD_COLUMNS "WHERE community_id = $1 AND deleted_at IS NULL ORDER BY field_id"};
Statement const kDeletedField{"fields.find_deleted", FIELD_COLUMNS "WHERE community_id = $1 AND field_id = $2 AND deleted_at IS NOT NULL"};
#undef FIELD_COLUMNS
Statement const kRoles{"roles.list",
                       "SELECT role_id, title, server_permissions, position FROM roles WHERE community_id = $1 ORDER BY position, role_id"};
Statement const kTags{"tags.list", "SELECT tag_id, name FROM tags WHERE community_id = $1 ORDER BY tag_id"};
Statement const kFindName{"fields.find_name", "SELECT field_id FROM field_names WHERE community_id = $1 AND folded = $2"};
Statement const kInsertField{
    "fields.insert",
    "INSERT INTO fields (community_id, field_id, field_key, name, type, description, required, default_number, "
    "default_text, options, identifier, created_at, updated_at, visibility, member_editable, data_attribute, creator_id) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13, $14, $15, $16)"};
Statement const kUpdateField{
    "fields.update",
    "UPDATE fields SET name = $3, type = $4, description = $5, required = $6, default_number = $7, default_text = $8, "
    "options = $9, identifier = $10, updated_at = $11, visibility = $12, member_editable = $13, data_attribute = $14 "
    "WHERE community_id = $1 AND field_id = $2 AND deleted_at IS NULL"};
Statement const kLockField{"fields.lock", "SELECT f.field_id FROM fields f WHERE f.community_id = $1 AND f.field_id = $2 {lock f}"};
Statement const kCountValues{"field_values.count",
                             "SELECT count(*) FROM field_values WHERE community_id = $1 AND field_id = $2 "
                             "AND (number IS NOT NULL OR text IS NOT NULL)"};
Statement const kCountAmong{"field_values.count_among",
                            "SELECT count(*) FROM field_values WHERE community_id = $1 AND field_id = $2 "
                            "AND text IN (SELECT r.v FROM {rows r: v text})"};
Statement const kCountShared{"field_values.count_shared",
                             "SELECT count(*) FROM (SELECT 1 AS one FROM field_values WHERE community_id = $1 AND field_id = $2 "
                             "AND (number IS NOT NULL OR text IS NOT NULL) GROUP BY number, text HAVING count(*) > 1) t"};
Statement const kSomeValues{"field_values.some",
                            "SELECT member_id, number, text FROM field_values WHERE community_id = $1 AND member_id > $3 AND field_id = $2 "
                            "AND (number IS NOT NULL OR text IS NOT NULL) ORDER BY member_id LIMIT 5000"};
Statement const kForgetIdentifiers{"identifiers.forget", "DELETE FROM identifier_values WHERE community_id = $1 AND field_id = $2"};
Statement const kInsertName{"fields.insert_name",
                            "INSERT INTO field_names (community_id, folded, field_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};
Statement const kDeleteField{
    "fields.delete", "UPDATE fields SET deleted_at = $3, updated_at = $3 WHERE community_id = $1 AND field_id = $2 AND deleted_at IS NULL"};
Statement const kRestoreField{"fields.restore",
                              "UPDATE fields SET deleted_at = NULL, updated_at = $3 WHERE community_id = $1 AND field_id = $2"};
Statement const kDeleteNames{"fields.delete_names", "DELETE FROM field_names WHERE community_id = $1 AND field_id = $2"};
Statement const kInsertTag{"tags.insert", "INSERT INTO tags (community_id, tag_id, name, created_at) VALUES ($1, $2, $3, $4)"};
Statement const kInsertCommunity{
    "communities.insert",
    "INSERT INTO communities (community_id, title, time_zone, owner_id, created_at, description, default_language, languages, is_public, "
    "updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $5)"};
Statement const kListCommunities{"communities.list",
                                 "SELECT c.community_id, c.created_at, c.title, (SELECT count(*) FROM memberships m "
                                 "WHERE m.community_id = c.community_id AND m.state <> 4) FROM communities c ORDER BY c.community_id"};

Statement const kCommunityNumbers{"communities.numbers", "SELECT community_id, created_at FROM communities ORDER BY community_id"};

// Bits of serverPermissions in the order of community.md: 2 kick, 3 ban, 4 manage_roles, 5 manage_channels,
// 6 server_administrator, 7 warn, 8 suspend, 9 broadcast.
constexpr std::int64_t kServerAdministrator = 1 << 6;
constexpr std::int64_t kPowerful = 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9;

CustomField read_field(Row const& r) {
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
  f.data_attribute = r.string(14);
  f.creator = {r.integer(15)};
  f.deleted_at = r.optional_integer(16);
  return f;
}

}  // namespace

Catalogue load_catalogue(sql::Tx& tx, CommunityNo community) {
  Catalogue c;
  c.currencies = ledger::load_currencies(tx, community);
  tx.each(kFields, [&](Row const& r) { c.fields.push_back(read_field(r)); }, community);
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

namespace {

std::pair<std::optional<std::int64_t>, std::optional<std::string>> default_columns(CustomField const& f) {
  auto const& value = f.default_value;
  if (!value.present) return {};
  if (value.is_number) return {value.number, std::nullopt};
  return {std::nullopt, value.text};
}

bool insert_names(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<std::string> const& folded_names) {
  std::set<std::string> const distinct(folded_names.begin(), folded_names.end());
  return std::all_of(distinct.begin(), distinct.end(), [&](auto const& name) { return tx.exec(kInsertName, community, name, field) == 1; });
}

}  // namespace

bool insert_field(sql::Tx& tx, CommunityNo community, CustomField const& f, std::vector<std::string> const& folded_names) {
  auto const [number, text] = default_columns(f);
  tx.exec(kInsertField, community, f.number, f.key, f.name, to_string(f.type), f.description, f.required, number, text,
          join(f.options, "\n"), f.identifier, f.created_at, f.visibility, f.member_editable, f.data_attribute,
          f.creator ? std::optional(f.creator.value) : std::nullopt);
  return insert_names(tx, community, f.number, folded_names);
}

std::optional<CustomField> find_field(sql::Tx& tx, CommunityNo community, PublicId id) {
  for (auto& field : load_catalogue(tx, community).fields)
    if (field.id() == id) return std::move(field);
  return std::nullopt;
}

void lock_field(sql::Tx& tx, CommunityNo community, FieldNo field) { tx.exec(kLockField, community, field); }

bool update_field(sql::Tx& tx, CommunityNo community, CustomField const& f, std::vector<std::string> const& folded_names) {
  auto const [number, text] = default_columns(f);
  tx.exec(kUpdateField, community, f.number, f.name, to_string(f.type), f.description, f.required, number, text, join(f.options, "\n"),
          f.identifier, f.updated_at, f.visibility, f.member_editable, f.data_attribute);
  tx.exec(kDeleteNames, community, f.number);
  return insert_names(tx, community, f.number, folded_names);
}

std::int64_t count_values(sql::Tx& tx, CommunityNo community, FieldNo field) {
  return tx.one(kCountValues, [](Row const& r) { return r.integer(0); }, community, field).value();
}

std::int64_t count_values_among(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<std::string_view> const& texts) {
  sql::Batch batch{sql::Batch::Type::text};
  for (auto const text : texts) batch.add(text);
  std::int64_t count = 0;
  tx.each_batch(kCountAmong, batch, [&](Row const& r) { count = r.integer(0); }, community, field);
  return count;
}

std::int64_t count_shared_values(sql::Tx& tx, CommunityNo community, FieldNo field) {
  return tx.one(kCountShared, [](Row const& r) { return r.integer(0); }, community, field).value();
}

void index_identifiers(sql::Tx& tx, CommunityNo community, FieldNo field) {
  for (MemberNo last{0};;) {
    std::vector<std::pair<std::string, MemberNo>> found;
    tx.each(
        kSomeValues,
        [&](Row const& r) { found.emplace_back(r.is_null(1) ? r.string(2) : Decimal{r.integer(1)}.to_string(), MemberNo{r.integer(0)}); },
        community, field, last);
    if (found.empty()) return;
    last = found.back().second;
    add_identifiers(tx, community, field, {found.begin(), found.end()});
  }
}

void forget_identifiers(sql::Tx& tx, CommunityNo community, FieldNo field) { tx.exec(kForgetIdentifiers, community, field); }

void mark_field_deleted(sql::Tx& tx, CommunityNo community, FieldNo field, TimeMs now) {
  tx.exec(kDeleteField, community, field, now);
  tx.exec(kDeleteNames, community, field);
}

std::optional<CustomField> find_deleted_field(sql::Tx& tx, CommunityNo community, PublicId id) {
  auto field = tx.one(kDeletedField, read_field, community, id.number);
  return field && field->id() == id ? std::move(field) : std::nullopt;
}

bool restore_field(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<std::string> const& folded_names, TimeMs now) {
  tx.exec(kRestoreField, community, field, now);
  return insert_names(tx, community, field, folded_names);
}

void insert_tag(sql::Tx& tx, CommunityNo community, NamedNumber const& tag, TimeMs now) {
  tx.exec(kInsertTag, community, tag.number, tag.name, now);
}

void insert_community(sql::Tx& tx, CommunityNo community, NewCommunity const& made, MemberNo owner, TimeMs now) {
  tx.exec(kInsertCommunity, community, made.title, made.time_zone, owner, now, made.description, made.default_language,
          join(made.languages, ","), made.is_public);
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
