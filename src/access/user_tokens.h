// User tokens: compact JWS (RFC 7515) with EdDSA alone, and the keys that sign them, which all nodes share through storage.
//
// A key signs for 30 days; then one of the nodes makes the next, and the old one verifies for another day, longer than any
// token lives. A token says who and which session, never what one may do: that is read from storage at each request.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "access/vault.h"
#include "base/id.h"
#include "base/signature.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::access {

inline constexpr std::int64_t kTokenLifeS = 3'600;
inline constexpr std::int64_t kClockSkewS = 30;
inline constexpr std::int64_t kSigningMs = 30ll * 24 * 3'600'000, kVerifyingMs = 24 * 3'600'000;

struct TokenClaims {
  PublicId account;
  PublicId session;
  std::optional<PublicId> scope;  // a community; nothing for the whole installation
};

// All functions from any thread.
class SessionKeys {
 public:
  // Reads the keys, and makes the first one. Throws VaultError when those that are stored were enciphered with another secret.
  SessionKeys(sql::Database& database, Vault const& vault, TimeMs now);

  // Looks at storage when a minute has passed: for keys that other nodes made, and for the time to make the next. Not inside of
  // a transaction.
  void keep_fresh(TimeMs now);
  std::string sign(TokenClaims const& claims, TimeMs now) const;
  // The refresh token that comes after this one: the same for two calls at once, so that both go on with it.
  std::string next_refresh_token(std::string_view token) const;
  // Nothing for whatever is no token of this installation, or is over, or comes from the future.
  std::optional<TokenClaims> verify(std::string_view token, TimeMs now);

 private:
  struct Key {
    SigningKey key;
    TimeMs created_at;
    std::optional<TimeMs> retired_at;
  };
  void load(TimeMs now);
  std::optional<SigningKey> find(std::string_view name, TimeMs now);

  sql::Database& database_;
  Vault const& vault_;
  mutable std::mutex mutex_;
  std::map<std::string, Key, std::less<>> keys_;
  std::string newest_;
  TimeMs loaded_at_ = 0;
};

// Whether something is stored that only the installation's secret can read.
bool has_signing_keys(sql::Database& database);
// Whether a credential has the form of a user token: everything else may be a key.
bool looks_like_token(std::string_view text);

}  // namespace fealty::access
