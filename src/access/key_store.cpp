#include "access/key_store.h"

namespace fealty::access {
namespace {

#define KEY_COLUMNS                                                                                                                    \
  "SELECT k.community_id, c.created_at, k.key_id, k.kind, k.name, k.prefix, k.permissions, k.created_at, k.expires_at, k.revoked_at, " \
  "k.secret_hash FROM api_keys k JOIN communities c ON c.community_id = k.community_id "

// Before the community is known, the secret alone decides: the one look-up without a community.
sql::Statement const kByHash{"keys.by_hash", KEY_COLUMNS "WHERE k.secret_hash = $1"};
sql::Statement const kByNumber{"keys.by_number", KEY_COLUMNS "WHERE k.community_id = $1 AND k.key_id = $2"};
sql::Statement const kList{"keys.list", KEY_COLUMNS "WHERE k.community_id = $1 ORDER BY k.key_id"};
#undef KEY_COLUMNS
sql::Statement const kInsert{"keys.insert",
                             "INSERT INTO api_keys (community_id, key_id, kind, name, prefix, secret_hash, permissions, created_at, "
                             "expires_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};
sql::Statement const kRevoke{"keys.revoke",
                             "UPDATE api_keys SET revoked_at = $3 WHERE community_id = $1 AND key_id = $2 AND revoked_at IS NULL"};
sql::Statement const kLockCommunity{"keys.lock_community", "SELECT c.community_id FROM communities c WHERE c.community_id = $1 {lock c}"};
sql::Statement const kCommunity{"keys.community", "SELECT created_at FROM communities WHERE community_id = $1"};

constexpr std::string_view kKindNames[] = {"community", "system"};

StoredKey read(sql::Row const& r) {
  StoredKey k;
  k.community = {r.integer(0)};
  k.community_created_at = r.integer(1);
  k.number = {r.integer(2)};
  k.summary.kind = r.text(3) == "system" ? KeyKind::system : KeyKind::community;
  k.summary.name = r.string(4);
  k.summary.prefix = r.string(5);
  k.summary.permissions = api::PermissionSet(static_cast<std::uint64_t>(r.integer(6)));
  k.summary.created_at = r.integer(7);
  k.summary.id = PublicId::of(k.number.value, k.summary.created_at);
  k.summary.expires_at = r.optional_integer(8);
  k.summary.revoked_at = r.optional_integer(9);
  k.hash = r.string(10);
  return k;
}

}  // namespace

std::optional<StoredKey> find_key_by_hash(sql::Tx& tx, std::string_view hash) { return tx.one(kByHash, read, sql::Blob{hash}); }

std::optional<StoredKey> find_key(sql::Tx& tx, CommunityNo community, KeyNo number) { return tx.one(kByNumber, read, community, number); }

void lock_keys(sql::Tx& tx, CommunityNo community) {
  tx.each(kLockCommunity, [](sql::Row const&) {}, community);
}

std::vector<StoredKey> list_keys(sql::Tx& tx, CommunityNo community) {
  std::vector<StoredKey> all;
  tx.each(kList, [&](sql::Row const& r) { all.push_back(read(r)); }, community);
  return all;
}

void insert_key(sql::Tx& tx, CommunityNo community, KeyNo number, NewKey const& key, std::string_view prefix, std::string_view hash,
                TimeMs now, std::optional<TimeMs> expires_at, std::string_view created_by) {
  tx.exec(kInsert, community, number, kKindNames[static_cast<int>(key.kind)], key.name, prefix, sql::Blob{hash},
          static_cast<std::int64_t>(key.permissions.bits()), now, expires_at, created_by);
}

void mark_revoked(sql::Tx& tx, CommunityNo community, KeyNo number, TimeMs now) { tx.exec(kRevoke, community, number, now); }

std::optional<TimeMs> community_created_at(sql::Tx& tx, CommunityNo community) {
  return tx.one(kCommunity, [](sql::Row const& r) { return r.integer(0); }, community);
}

}  // namespace fealty::access
