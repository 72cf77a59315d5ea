// API keys: made, listed, revoked, and checked on every request.
//
// A key is shown once and stored as a SHA-256 hash; 256 random bits need no slow hash. Its form is
// <kind>_<8 public characters>_<43 secret characters><6 of checksum>: the public prefix stands in logs and lists, and a
// mistyped key of this form is refused without a read of storage.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/audit.h"
#include "access/authenticator.h"
#include "base/number_source.h"
#include "sql/sql.h"

namespace fealty::access {

namespace errors {
inline constexpr ErrorDef kCommunityNotFound{"community_not_found", 404};
inline constexpr ErrorDef kKeyNotFound{"api_key_not_found", 404};
inline constexpr ErrorDef kKeyNameTaken{"api_key_name_taken", 409};
inline constexpr ErrorDef kTooManyKeys{"too_many_keys", 409};
}  // namespace errors

enum class KeyKind : std::uint8_t { community, system };

inline constexpr int kKeysPerCommunityMax = 100;
inline constexpr int kKeyExpiryDaysMax = 3'650;

struct NewKey {
  KeyKind kind = KeyKind::community;
  std::string name;  // 1 to 100 characters, unique among the community's living keys
  api::PermissionSet permissions;
  std::int64_t expire_days = 0;  // 0 = never, at most 3,650
};

struct IssuedKey {
  PublicId id;
  std::string key;  // complete; it cannot be shown again
  std::string prefix;
};

struct KeySummary {
  PublicId id;
  KeyKind kind = KeyKind::community;
  std::string name, prefix;
  api::PermissionSet permissions;
  TimeMs created_at = 0;
  std::optional<TimeMs> expires_at, revoked_at;
};

// The community that a public id names, or community_not_found.
Result<CommunityNo> find_community(sql::Tx& tx, PublicId id);

// All functions from any thread.
class KeyService : public Authenticator {
 public:
  KeyService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}

  Result<IssuedKey> create(CommunityNo community, NewKey const& key, Actor const& actor, TimeMs now);
  // The same inside a transaction of the caller's (a new community gets its system key together with itself).
  Result<IssuedKey> create_in(sql::Tx& tx, CommunityNo community, NewKey const& key, Actor const& actor, TimeMs now);
  std::vector<KeySummary> list(CommunityNo community);
  // Stops the key on every node at once: each request reads it. Repeating the call is fine.
  Result<KeySummary> revoke(CommunityNo community, PublicId id, Actor const& actor, TimeMs now);

  Result<api::Principal> check(api::Request const& request, TimeMs now) override;

 private:
  sql::Database& database_;
  NumberSource& numbers_;
};

// True for strings that have the form of our keys but a wrong checksum.
bool is_mistyped_key(std::string_view text);

}  // namespace fealty::access
