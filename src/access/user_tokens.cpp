#include "access/user_tokens.h"

#include <algorithm>

#include "access/user_token_store.h"
#include "api/json_writer.h"
#include "api/schema.h"
#include "base/base64.h"
#include "base/random.h"
#include "base/text.h"

namespace fealty::access {

struct HeaderIn {
  std::string alg, kid;
};
struct ClaimsIn {
  std::string iss, scope;
  PublicId sub, sid;
  std::int64_t iat = 0, exp = 0;
};

}  // namespace fealty::access

FEALTY_SCHEMA(fealty::access::HeaderIn, field<&fealty::access::HeaderIn::alg>("alg", "", {.required = true}),
              field<&fealty::access::HeaderIn::kid>("kid", "", {.required = true}))
FEALTY_SCHEMA(fealty::access::ClaimsIn, field<&fealty::access::ClaimsIn::iss>("iss", "", {.required = true}),
              field<&fealty::access::ClaimsIn::scope>("scope", "", {.required = true}),
              field<&fealty::access::ClaimsIn::sub>("sub", "", {.required = true}),
              field<&fealty::access::ClaimsIn::sid>("sid", "", {.required = true}),
              field<&fealty::access::ClaimsIn::iat>("iat", "", {.required = true}),
              field<&fealty::access::ClaimsIn::exp>("exp", "", {.required = true}))

namespace fealty::access {
namespace {

constexpr std::int64_t kLookMs = 60'000;
constexpr std::size_t kTokenBytesMax = 2'048;
constexpr std::string_view kInstallation = "installation";

std::string purpose_of(std::string_view key_name) { return "signing key " + std::string(key_name); }

std::string header_of(std::string_view key_name) {
  api::JsonWriter w;
  return w.begin_object().key("alg").string("EdDSA").key("kid").string(key_name).key("typ").string("JWT").end_object().take();
}

template <class T>
std::optional<T> read_part(std::string_view part) {
  auto const json = from_base64url(part);
  T out;
  std::vector<Issue> issues;
  if (!json || !is_valid_utf8(*json) || !api::from_json(*json, out, issues)) return std::nullopt;
  return out;
}

}  // namespace

bool looks_like_token(std::string_view text) { return text.starts_with("eyJ") && std::count(text.begin(), text.end(), '.') == 2; }

bool has_signing_keys(sql::Database& database) {
  return !database.read([](sql::Tx& tx) { return read_signing_keys(tx); }).empty();
}

SessionKeys::SessionKeys(sql::Database& database, Vault const& vault, TimeMs now) : database_(database), vault_(vault) { load(now); }

void SessionKeys::keep_fresh(TimeMs now) {
  {
    std::lock_guard const lock(mutex_);
    if (now - loaded_at_ < kLookMs && now >= loaded_at_) return;
    loaded_at_ = now;  // the others go on with what is known while this one looks
  }
  load(now);
}

void SessionKeys::load(TimeMs now) {
  auto stored = database_.read([](sql::Tx& tx) { return read_signing_keys(tx); });
  auto const is_due = [&] { return stored.empty() || stored.front().retired_at || stored.front().created_at + kSigningMs <= now; };
  if (is_due()) {
    stored = database_.write([&](sql::Tx& tx) {
      lock_signing_keys(tx);
      // Another node may have made it while this one waited.
      stored = read_signing_keys(tx);
      if (is_due()) {
        std::string const name = random_base62(12);
        insert_signing_key(tx, name, vault_.seal(purpose_of(name), random_bytes(SigningKey::kSeedBytes)), now);
        retire_signing_keys(tx, name, now, now - kVerifyingMs);
      }
      return read_signing_keys(tx);
    });
  }
  std::map<std::string, Key, std::less<>> keys;
  for (auto const& s : stored) {
    auto const seed = vault_.open(purpose_of(s.name), s.sealed);
    if (!seed || seed->size() != SigningKey::kSeedBytes)
      throw VaultError(
          "The keys in the database were enciphered with another secret file. Give every node of an installation the same one "
          "(--secret-file), and bring back the right one with a restored database.");
    keys.emplace(s.name, Key{SigningKey(*seed), s.created_at, s.retired_at});
  }
  std::lock_guard const lock(mutex_);
  keys_ = std::move(keys);
  newest_ = stored.front().name;
  loaded_at_ = now;
}

std::string SessionKeys::sign(TokenClaims const& claims, TimeMs now) const {
  auto const key = [&] {
    std::lock_guard const lock(mutex_);
    return std::pair(newest_, keys_.find(newest_)->second.key);
  }();
  std::int64_t const now_s = now / 1000;
  api::JsonWriter w;
  w.begin_object()
      .key("iss")
      .string(vault_.name())
      .key("sub")
      .string(claims.account.to_string())
      .key("sid")
      .string(claims.session.to_string())
      .key("scope")
      .string(claims.scope ? claims.scope->to_string() : kInstallation)
      .key("iat")
      .integer(now_s)
      .key("exp")
      .integer(now_s + kTokenLifeS)
      .end_object();
  std::string text = to_base64url(header_of(key.first)) + "." + to_base64url(w.take());
  return text + "." + to_base64url(key.second.sign(text));
}

std::string SessionKeys::next_refresh_token(std::string_view token) const {
  return to_base64url(vault_.keyed_hash("refresh token", token));
}

std::optional<SigningKey> SessionKeys::find(std::string_view name, TimeMs now) {
  std::lock_guard const lock(mutex_);
  auto const found = keys_.find(name);
  if (found == keys_.end()) return std::nullopt;
  if (found->second.retired_at && *found->second.retired_at + kVerifyingMs <= now) return std::nullopt;
  return found->second.key;
}

std::optional<TokenClaims> SessionKeys::verify(std::string_view token, TimeMs now) {
  if (token.size() > kTokenBytesMax || !looks_like_token(token)) return std::nullopt;
  auto const parts = split(token, '.');
  auto const header = read_part<HeaderIn>(parts[0]);
  // The algorithm is not a choice of whoever sends the token: its header is the one that we write, to the letter.
  if (!header || parts[0] != to_base64url(header_of(header->kid))) return std::nullopt;
  auto key = find(header->kid, now);
  if (!key) {
    keep_fresh(now);
    key = find(header->kid, now);
  }
  auto const signature = from_base64url(parts[2]);
  if (!key || !signature || !key->verify(token.substr(0, parts[0].size() + 1 + parts[1].size()), *signature)) return std::nullopt;
  auto const claims = read_part<ClaimsIn>(parts[1]);
  std::int64_t const now_s = now / 1000;
  if (!claims || claims->iss != vault_.name() || claims->exp + kClockSkewS <= now_s || claims->iat - kClockSkewS > now_s)
    return std::nullopt;
  TokenClaims out{claims->sub, claims->sid, {}};
  if (claims->scope != kInstallation) {
    out.scope = PublicId::parse(claims->scope);
    if (!out.scope) return std::nullopt;
  }
  return out;
}

}  // namespace fealty::access
