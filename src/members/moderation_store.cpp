#include "members/moderation_store.h"

#include "members/history_removal_store.h"
#include "members/member_changes.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

Statement const kLock{"moderation.lock",
                      "SELECT m.state, m.state_until, m.deleted_at, m.former_states, m.left_by_self, m.erased_at FROM memberships m "
                      "WHERE m.community_id = $1 AND m.member_id = $2 {lock m}"};
Statement const kStore{"moderation.store",
                       "UPDATE memberships SET state = $3, state_until = $4, deleted_at = $5, former_states = $6, left_by_self = $7 "
                       "WHERE community_id = $1 AND member_id = $2"};
Statement const kRestoreDays{"moderation.restore_days", "SELECT restore_days FROM communities WHERE community_id = $1"};
// Bit 6 is server_administrator (catalogue_store.cpp).
Statement const kAdministrator{
    "moderation.administrator",
    "SELECT count(*) FROM member_roles s JOIN roles r ON r.community_id = s.community_id "
    "AND r.role_id = s.role_id WHERE s.community_id = $1 AND s.member_id = $2 AND (r.server_permissions & 64) <> 0"};
Statement const kRevokeKeys{"moderation.revoke_keys",
                            "UPDATE api_keys SET revoked_at = $3 WHERE community_id = $1 AND account_id = $2 AND account_id <> 0 "
                            "AND revoked_at IS NULL"};
Statement const kInsert{
    "misconduct.insert",
    "INSERT INTO misconduct_records (community_id, record_id, member_id, action, reason, until_at, actor_type, actor_id, "
    "actor_name, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};
Statement const kList{"misconduct.list",
                      "SELECT record_id, action, reason, until_at, actor_type, actor_id, actor_name, created_at FROM misconduct_records "
                      "WHERE community_id = $1 AND member_id = $2 ORDER BY record_id DESC LIMIT $4 OFFSET $3"};
Statement const kCount{"misconduct.count", "SELECT count(*) FROM misconduct_records WHERE community_id = $1 AND member_id = $2"};

Statement const kErasable{"erasure.due",
                          "SELECT m.community_id, m.member_id FROM memberships m JOIN communities c ON c.community_id = m.community_id "
                          "WHERE m.deleted_at IS NOT NULL AND m.erased_at IS NULL AND m.state = 4 "
                          "AND m.deleted_at <= $1 - c.restore_days * 86400000 ORDER BY m.deleted_at, m.community_id, m.member_id LIMIT $2"};
Statement const kEraseValues{"erasure.values", "DELETE FROM field_values WHERE community_id = $1 AND member_id = $2"};
Statement const kEraseRoles{"erasure.roles", "DELETE FROM member_roles WHERE community_id = $1 AND member_id = $2"};
Statement const kEraseTags{"erasure.tags", "DELETE FROM member_tags WHERE community_id = $1 AND member_id = $2"};
Statement const kErasePassword{"erasure.password", "DELETE FROM community_passwords WHERE community_id = $1 AND member_id = $2"};
Statement const kEraseMisconduct{
    "erasure.misconduct",
    "DELETE FROM misconduct_records WHERE community_id = $1 AND member_id = $2 AND (action <> 'ban' OR CAST($3 AS BIGINT) = 0)"};
Statement const kEraseMembership{
    "erasure.membership",
    "UPDATE memberships SET display_name = NULL, first_name = NULL, last_name = NULL, phone = NULL, country = NULL, language = NULL, "
    "time_zone = NULL, avatar = NULL, hidden = 0, referred_by = NULL, last_online_at = NULL, erased_at = $3 "
    "WHERE community_id = $1 AND member_id = $2"};

}  // namespace

std::optional<ModeratedMember> lock_member(sql::Tx& tx, CommunityNo community, MemberNo member) {
  ledger::lock_ranges_later(tx, community, {member}, ledger::RangeLock::shared);
  return tx.one(
      kLock,
      [](Row const& r) {
        ModeratedMember m;
        m.facts = {static_cast<MembershipState>(r.integer(0)), r.optional_integer(1), r.optional_integer(2), r.integer(3), r.boolean(4)};
        m.is_erased = !r.is_null(5);
        return m;
      },
      community, member);
}

void store_state(sql::Tx& tx, CommunityNo community, MemberNo member, StateFacts const& f) {
  tx.exec(kStore, community, member, static_cast<std::int64_t>(f.state), f.until, f.deleted_at, f.former_states, f.left_by_self);
}

std::int64_t restore_ms(sql::Tx& tx, CommunityNo community) {
  constexpr std::int64_t kDayMs = 86'400'000;
  return tx.one(kRestoreDays, [](Row const& r) { return r.integer(0); }, community).value_or(0) * kDayMs;
}

bool is_administrator(sql::Tx& tx, CommunityNo community, MemberNo member) {
  return tx.one(kAdministrator, [](Row const& r) { return r.integer(0) > 0; }, community, member).value_or(false);
}

void revoke_user_keys(sql::Tx& tx, CommunityNo community, MemberNo member, TimeMs now) { tx.exec(kRevokeKeys, community, member, now); }

void insert_misconduct(sql::Tx& tx, CommunityNo community, MisconductRecord const& r) {
  tx.exec(kInsert, community, r.number, r.member, r.action, r.reason, r.until, r.actor.type, r.actor.id, r.actor.name, r.created_at);
}

std::vector<MisconductRecord> list_misconduct(sql::Tx& tx, CommunityNo community, MemberNo member, std::int64_t skip, std::int64_t most) {
  std::vector<MisconductRecord> out;
  tx.each(
      kList,
      [&](Row const& r) {
        out.push_back(
            {r.integer(0), member, r.string(1), r.string(2), r.optional_integer(3), {r.string(4), r.string(5), r.string(6)}, r.integer(7)});
      },
      community, member, skip, most);
  return out;
}

std::int64_t count_misconduct(sql::Tx& tx, CommunityNo community, MemberNo member) {
  return tx.one(kCount, [](Row const& r) { return r.integer(0); }, community, member).value_or(0);
}

std::vector<ErasableMember> erasable_members(sql::Tx& tx, TimeMs now, std::int64_t most) {
  std::vector<ErasableMember> out;
  tx.each(kErasable, [&](Row const& r) { out.push_back({{r.integer(0)}, {r.integer(1)}}); }, now, most);
  return out;
}

void erase_member(sql::Tx& tx, CommunityNo community, MemberNo member, bool is_banned, TimeMs now) {
  auto const catalogue = load_catalogue(tx, community);
  std::vector<std::pair<FieldNo, std::string>> identifiers;
  load_values(tx, community, {member}, [&](StoredValue v) {
    auto const field = std::find_if(catalogue.fields.begin(), catalogue.fields.end(), [&](auto const& f) { return f.number == v.field; });
    if (field == catalogue.fields.end() || !field->identifier || (!v.number && !v.text)) return;
    identifiers.emplace_back(v.field, MemberChanges::identifier_key(v.number ? Value::of(Decimal{*v.number}) : Value::of(*v.text)));
  });
  for (auto const& [field, key] : identifiers) remove_identifiers(tx, community, field, {key});
  remove_items_of_member(tx, community, member);
  for (auto const* statement : {&kEraseValues, &kEraseRoles, &kEraseTags, &kErasePassword}) tx.exec(*statement, community, member);
  tx.exec(kEraseMisconduct, community, member, is_banned);
  tx.exec(kEraseMembership, community, member, now);
}

}  // namespace fealty::members
