// API keys: made, listed, changed, rotated, revoked, and checked on every request.
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
inline constexpr ErrorDef kKeyReplaced{"api_key_replaced", 409};
inline constexpr ErrorDef kKeyExpired{"api_key_expired", 409};
}  // namespace errors

// Of a community (fk_), of its login management (fs_), of a person in one community (fu_).
enum class KeyKind : std::uint8_t { community, system, user };

inline constexpr int kKeysPerCommunityMax = 100;
inline constexpr int kKeysPerUserMax = 20;
// Keys that were rotated live on for their grace beside those that replaced them; at most so many of one holder.
inline constexpr int kReplacedKeysMax = 100;
inline constexpr int kKeyExpiryDaysMax = 3'650;
inline constexpr std::int64_t kRotationGraceSecondsMax = 604'800;
inline constexpr std::size_t kAllowedNetworksMax = 50;
inline constexpr std::size_t kChannelsPerKeyMax = 100;

struct NewKey {
  KeyKind kind = KeyKind::community;
  std::string name;  // 1 to 100 characters, unique among the holder's living keys of this kind
  api::PermissionSet permissions;
  std::int64_t expire_days = 0;               // 0 = never, at most 3,650
  std::optional<TimeMs> expire_date = {};     // with both the earlier one counts
  std::vector<std::string> allowed_ips = {};  // addresses and networks; empty: from everywhere
  std::vector<std::string> channel_ids = {};  // user keys; empty: all
  MemberNo account = {};                      // user keys
  bool is_active = true;
  // A key that another system has given out, 40 or 64 hex digits, which is to open this one too: for the operator alone.
  std::string foreign = {};
};

struct KeySummary {
  PublicId id;
  KeyKind kind = KeyKind::community;
  std::string name, prefix;
  api::PermissionSet permissions;
  TimeMs created_at = 0;
  std::optional<TimeMs> expires_at, revoked_at;
  PublicId community_id;
  std::optional<PublicId> user_id;  // user keys
  std::int64_t expire_days = 0;
  std::vector<std::string> allowed_ips, channel_ids;
  bool is_active = true;
  bool is_replaced = false;  // it lives for the grace of its rotation alone
  TimeMs updated_at = 0;
  std::optional<TimeMs> last_used_at;  // to the minute
  std::string created_by;

  // What stands where the key itself may not: "fk_7Q2xLm0a…".
  std::string masked() const { return prefix + "…"; }
};

struct IssuedKey {
  PublicId id;
  std::string key;  // complete; it cannot be shown again
  std::string prefix;
};

// Whose keys an operation is about: those of a community, its system key, or those of a person in all communities.
struct KeyHolder {
  KeyKind kind = KeyKind::community;
  CommunityNo community;  // of community and system keys
  MemberNo account;       // of user keys
};

// What is given is changed, all else stays. A period counts from now.
struct KeyChange {
  std::optional<std::string> name;
  std::optional<api::PermissionSet> permissions;
  std::optional<std::int64_t> expire_days;
  std::optional<std::optional<TimeMs>> expire_date;  // the inner one empty: no date any more
  std::optional<std::vector<std::string>> allowed_ips, channel_ids;
  std::optional<bool> is_active;
};

// The community that a public id names, or community_not_found.
Result<CommunityNo> find_community(sql::Tx& tx, PublicId id);

// All functions from any thread.
class KeyService : public Authenticator {
 public:
  KeyService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}

  // `address`: where the request came from, for the audit trail.
  Result<IssuedKey> create(CommunityNo community, NewKey const& key, Actor const& actor, TimeMs now, std::string_view address = {});
  // The same inside a transaction of the caller's (a new community gets its system key together with itself).
  Result<IssuedKey> create_in(sql::Tx& tx, CommunityNo community, NewKey const& key, Actor const& actor, TimeMs now,
                              std::string_view address = {});
  // All keys of a community, of every kind and state.
  std::vector<KeySummary> list(CommunityNo community);
  // Those that are not revoked.
  std::vector<KeySummary> list(KeyHolder const& holder);
  Result<KeySummary> find(KeyHolder const& holder, PublicId id);
  Result<KeySummary> find_in(sql::Tx& tx, KeyHolder const& holder, PublicId id);
  Result<KeySummary> change(KeyHolder const& holder, PublicId id, KeyChange const& change, Actor const& actor, TimeMs now,
                            std::string_view address);
  // A new key with the same settings; the old one lives for the grace. Of a system key without one, the first is made.
  Result<IssuedKey> rotate(KeyHolder const& holder, std::optional<PublicId> id, std::int64_t grace_s, Actor const& actor, TimeMs now,
                           std::string_view address);
  Result<IssuedKey> rotate_in(sql::Tx& tx, KeyHolder const& holder, std::optional<PublicId> id, std::int64_t grace_s, Actor const& actor,
                              TimeMs now, std::string_view address);
  // Stops the key on every node at once: each request reads it. Repeating the call is fine.
  Result<KeySummary> revoke(CommunityNo community, PublicId id, Actor const& actor, TimeMs now);
  // The same for one of the holder's living keys.
  Result<KeySummary> remove(KeyHolder const& holder, PublicId id, Actor const& actor, TimeMs now, std::string_view address);

  // A user key is good while its person is an active member of its community.
  Result<api::Principal> check(api::Request const& request, TimeMs now) override;
  bool is_quick(api::Request const&) const override { return true; }

 private:
  IssuedKey issue(sql::Tx& tx, CommunityNo community, NewKey const& key, std::optional<TimeMs> expires_at, Actor const& actor, TimeMs now);
  sql::Database& database_;
  NumberSource& numbers_;
};

// True for strings that have the form of our keys but a wrong checksum.
bool is_mistyped_key(std::string_view text);

// Whether this person is an active member of the community now (a suspension that is over does not count).
bool is_active_member(sql::Tx& tx, CommunityNo community, MemberNo account, TimeMs now);

// What the names, networks and times of a key break; `prefix` stands in front of the fields' names ("/" for JSON Pointers).
void check_key_name(std::string_view name, std::string_view prefix, std::vector<Issue>& issues);
void check_key_networks(std::vector<std::string> const& networks, std::string_view prefix, std::vector<Issue>& issues);
void check_key_end(std::optional<std::int64_t> days, std::optional<TimeMs> date, TimeMs now, std::string_view prefix,
                   std::vector<Issue>& issues);

}  // namespace fealty::access
