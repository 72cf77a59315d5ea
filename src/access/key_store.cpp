#include "access/key_store.h"

#include "base/text.h"

namespace fealty::access {
namespace {

// States of accounts and memberships are the numbers of members/members.h: a disabled account, a membership that is active or
// whose suspension is over.
#define ACTIVE_MEMBER(now) "a.state <> 2 AND (m.state = 0 OR (m.state = 2 AND m.state_until <= " now "))"
// Keys of communities have no person: nothing is looked up for them.
#define KEY_COLUMNS(now) \
  "SELECT k.community_id, c.created_at, k.key_id, k.kind, k.name, k.prefix, k.permissions, k.created_at, k.expires_at, k.revoked_at, " \
  "k.secret_hash, k.account_id, CASE WHEN k.account_id <> 0 THEN (SELECT a.created_at FROM accounts a "                                 \
  "WHERE a.account_id = k.account_id) END, k.expire_period, k.period_from, k.expire_date, k.allowed_ips, k.channel_ids, "           \
  "k.is_active, k.replaced_by, k.updated_at, k.last_used_at, k.created_by, "                                                           \
  "CAST(CASE WHEN k.account_id <> 0 AND EXISTS (SELECT 1 FROM accounts a CROSS JOIN memberships m WHERE a.account_id = k.account_id " \
  "AND m.community_id = k.community_id AND m.member_id = k.account_id AND " ACTIVE_MEMBER(now) ") THEN 1 ELSE 0 END AS {int}) "         \
  "FROM api_keys k JOIN communities c ON c.community_id = k.community_id "

// Before the community is known, the secret alone decides: the one look-up without a community.
sql::Statement const kByHash{"keys.by_hash", KEY_COLUMNS("$2") "WHERE k.secret_hash = $1"};
sql::Statement const kByNumber{"keys.by_number", KEY_COLUMNS("0") "WHERE k.community_id = $1 AND k.key_id = $2"};
sql::Statement const kOfUser{"keys.of_user", KEY_COLUMNS("0") "WHERE k.account_id = $1 AND k.account_id <> 0 AND k.key_id = $2"};
sql::Statement const kList{"keys.list", KEY_COLUMNS("0") "WHERE k.community_id = $1 ORDER BY k.key_id"};
sql::Statement const kListOfUser{"keys.list_of_user", KEY_COLUMNS("0") "WHERE k.account_id = $1 AND k.account_id <> 0 ORDER BY k.key_id"};
#undef KEY_COLUMNS
sql::Statement const kMember{"keys.member",
                             "SELECT 1 FROM memberships m JOIN accounts a ON a.account_id = m.member_id WHERE m.community_id = $1 "
                             "AND m.member_id = $2 AND " ACTIVE_MEMBER("$3")};
#undef ACTIVE_MEMBER
sql::Statement const kInsert{"keys.insert",
                             "INSERT INTO api_keys (community_id, key_id, kind, name, prefix, secret_hash, permissions, created_at, "
                             "expires_at, created_by, account_id, expire_period, period_from, expire_date, allowed_ips, channel_ids, "
                             "is_active, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $8, $13, $14, $15, $16, "
                             "$8)"};
sql::Statement const kUpdate{"keys.update",
                             "UPDATE api_keys SET name = $3, permissions = $4, expires_at = $5, expire_period = $6, period_from = $7, "
                             "expire_date = $8, allowed_ips = $9, channel_ids = $10, is_active = $11, updated_at = $12 "
                             "WHERE community_id = $1 AND key_id = $2"};
sql::Statement const kRevoke{"keys.revoke",
                             "UPDATE api_keys SET revoked_at = $3 WHERE community_id = $1 AND key_id = $2 AND revoked_at IS NULL"};
sql::Statement const kReplace{"keys.replace",
                              "UPDATE api_keys SET replaced_by = $3, expires_at = $4, updated_at = $5 WHERE community_id = $1 AND "
                              "key_id = $2"};
sql::Statement const kLockAccount{"keys.lock_account", "SELECT a.account_id FROM accounts a WHERE a.account_id = $1 {lock a}"};
sql::Statement const kLockCommunity{"keys.lock_community", "SELECT c.community_id FROM communities c WHERE c.community_id = $1 {lock c}"};
sql::Statement const kCommunity{"keys.community", "SELECT created_at FROM communities WHERE community_id = $1"};

constexpr std::string_view kKindNames[] = {"community", "system", "user"};

std::string joined(std::vector<std::string> const& parts) { return join(parts, ","); }
std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> out;
  if (text.empty()) return out;
  for (auto const part : split(text, ',')) out.emplace_back(part);
  return out;
}

StoredKey read(sql::Row const& r) {
  StoredKey k;
  k.community = {r.integer(0)};
  k.community_created_at = r.integer(1);
  k.number = {r.integer(2)};
  auto const kind = std::find(std::begin(kKindNames), std::end(kKindNames), r.text(3)) - std::begin(kKindNames);
  k.summary.kind = static_cast<KeyKind>(kind);
  k.summary.name = r.string(4);
  k.summary.prefix = r.string(5);
  k.summary.permissions = api::PermissionSet(static_cast<std::uint64_t>(r.integer(6)));
  k.summary.created_at = r.integer(7);
  k.summary.id = PublicId::of(k.number.value, k.summary.created_at);
  k.summary.expires_at = r.optional_integer(8);
  k.summary.revoked_at = r.optional_integer(9);
  k.hash = r.string(10);
  k.summary.community_id = PublicId::of(k.community.value, k.community_created_at);
  k.account = {r.integer(11)};
  k.account_created_at = r.integer(12);
  if (k.account) k.summary.user_id = PublicId::of(k.account.value, k.account_created_at);
  k.summary.expire_days = r.integer(13);
  // Keys of the first version have no start of their own: their period counts from their creation.
  k.period_from = r.integer(14) ? r.integer(14) : k.summary.created_at;
  k.expire_date = r.optional_integer(15);
  k.summary.allowed_ips = parts_of(r.text(16));
  k.summary.channel_ids = parts_of(r.text(17));
  k.summary.is_active = r.boolean(18);
  k.summary.is_replaced = !r.is_null(19);
  k.summary.updated_at = r.integer(20) ? r.integer(20) : k.summary.created_at;
  k.summary.last_used_at = r.optional_integer(21);
  k.summary.created_by = r.string(22);
  k.member_is_active = r.boolean(23);
  return k;
}

}  // namespace

std::optional<StoredKey> find_key_by_hash(sql::Tx& tx, std::string_view hash, TimeMs now) {
  return tx.one(kByHash, read, sql::Blob{hash}, now);
}
std::optional<StoredKey> find_key(sql::Tx& tx, CommunityNo community, KeyNo number) { return tx.one(kByNumber, read, community, number); }
std::optional<StoredKey> find_user_key(sql::Tx& tx, MemberNo account, KeyNo number) { return tx.one(kOfUser, read, account, number); }

void lock_keys(sql::Tx& tx, CommunityNo community) {
  tx.each(kLockCommunity, [](sql::Row const&) {}, community);
}
void lock_user_keys(sql::Tx& tx, MemberNo account) {
  tx.each(kLockAccount, [](sql::Row const&) {}, account);
}

std::vector<StoredKey> list_keys(sql::Tx& tx, CommunityNo community) {
  std::vector<StoredKey> all;
  tx.each(kList, [&](sql::Row const& r) { all.push_back(read(r)); }, community);
  return all;
}
std::vector<StoredKey> list_user_keys(sql::Tx& tx, MemberNo account) {
  std::vector<StoredKey> all;
  tx.each(kListOfUser, [&](sql::Row const& r) { all.push_back(read(r)); }, account);
  return all;
}

void insert_key(sql::Tx& tx, CommunityNo community, KeyNo number, NewKey const& key, std::string_view prefix, std::string_view hash,
                TimeMs now, std::optional<TimeMs> expires_at, std::string_view created_by) {
  tx.exec(kInsert, community, number, kKindNames[static_cast<int>(key.kind)], key.name, prefix, sql::Blob{hash},
          static_cast<std::int64_t>(key.permissions.bits()), now, expires_at, created_by, key.account, key.expire_days, key.expire_date,
          joined(key.allowed_ips), joined(key.channel_ids), key.is_active);
}

void update_key(sql::Tx& tx, StoredKey const& key, TimeMs now) {
  auto const& s = key.summary;
  tx.exec(kUpdate, key.community, key.number, s.name, static_cast<std::int64_t>(s.permissions.bits()), s.expires_at, s.expire_days,
          key.period_from, key.expire_date, joined(s.allowed_ips), joined(s.channel_ids), s.is_active, now);
}

void mark_revoked(sql::Tx& tx, CommunityNo community, KeyNo number, TimeMs now) { tx.exec(kRevoke, community, number, now); }

void mark_replaced(sql::Tx& tx, CommunityNo community, KeyNo number, KeyNo by, TimeMs expires_at, TimeMs now) {
  tx.exec(kReplace, community, number, by, expires_at, now);
}

std::optional<TimeMs> community_created_at(sql::Tx& tx, CommunityNo community) {
  return tx.one(kCommunity, [](sql::Row const& r) { return r.integer(0); }, community);
}

bool member_is_active(sql::Tx& tx, CommunityNo community, MemberNo account, TimeMs now) {
  return tx.one(kMember, [](sql::Row const&) { return true; }, community, account, now).has_value();
}

}  // namespace fealty::access
