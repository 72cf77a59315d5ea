#include "access/user_token_store.h"

#include "access/user_tokens.h"

#include "sql/counters.h"

namespace fealty::access {
namespace {

using sql::Statement;

Statement const kRead{"signing_keys.read",
                      "SELECT key_name, secret, created_at, retired_at FROM signing_keys ORDER BY created_at DESC, key_name"};
Statement const kInsert{"signing_keys.insert", "INSERT INTO signing_keys (key_name, secret, created_at) VALUES ($1, $2, $3)"};
Statement const kRetire{"signing_keys.retire", "UPDATE signing_keys SET retired_at = $2 WHERE key_name <> $1 AND retired_at IS NULL"};
Statement const kRemove{"signing_keys.remove", "DELETE FROM signing_keys WHERE retired_at < $1"};

Statement const kForgetKeys{"signing_keys.forget", "DELETE FROM signing_keys"};
Statement const kForgetFactors{"credentials.forget_factors",
                               "UPDATE account_credentials SET totp_secret = NULL, totp_confirmed_at = NULL, recovery_hashes = NULL"};
Statement const kEndSessions{"sessions.end_everybodys", "UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL"};

}  // namespace

void forget_secrets(sql::Tx& tx, TimeMs now) {
  tx.exec(kForgetKeys);
  tx.exec(kForgetFactors);
  tx.exec(kEndSessions, now);
}

std::vector<StoredSigningKey> read_signing_keys(sql::Tx& tx) {
  std::vector<StoredSigningKey> all;
  tx.each(kRead, [&](sql::Row const& r) { all.push_back({r.string(0), r.string(1), r.integer(2), r.optional_integer(3)}); });
  return all;
}

// A counter's row is locked by drawing from it.
void lock_signing_keys(sql::Tx& tx) { sql::draw_numbers(tx, "signing_key"); }

void insert_signing_key(sql::Tx& tx, std::string_view name, std::string_view sealed, TimeMs now) {
  tx.exec(kInsert, name, sql::Blob{sealed}, now);
}

void retire_signing_keys(sql::Tx& tx, std::string_view but, TimeMs now, TimeMs removed_before) {
  tx.exec(kRetire, but, now);
  tx.exec(kRemove, removed_before);
}

}  // namespace fealty::access
