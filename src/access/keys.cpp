#include "access/keys.h"

#include "access/key_store.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/text.h"
#include "sql/counters.h"

namespace fealty::access {
namespace {

constexpr std::size_t kPrefixCharacters = 8;
constexpr std::size_t kSecretCharacters = 43;  // 62^43 > 2^256
constexpr std::size_t kChecksumCharacters = 6;
constexpr std::size_t kKeyLength = 3 + kPrefixCharacters + 1 + kSecretCharacters + kChecksumCharacters;
// Longest credential that is looked at; anything longer is no key.
constexpr std::size_t kCredentialBytesMax = 512;

std::string checksum_of(std::string_view text) {
  static constexpr char kAlphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  auto const digest = sha256(text);
  std::string out;
  for (std::size_t i = 0; i < kChecksumCharacters; ++i) out += kAlphabet[static_cast<unsigned char>(digest[i]) % 62];
  return out;
}

bool has_key_form(std::string_view text) {
  return text.size() == kKeyLength && text[0] == 'f' && (text[1] == 'k' || text[1] == 's' || text[1] == 'u') && text[2] == '_' &&
         text[3 + kPrefixCharacters] == '_';
}

Error unauthorized(std::string message) { return Error{&fealty::errors::kUnauthorized, std::move(message)}; }

// The credential of a request and the kind of key that its header may carry.
struct Credential {
  std::string_view text;
  KeyKind kind;
};
std::optional<Credential> credential_of(api::Request const& request) {
  if (auto const key = request.header("x-api-key"); key && !trim_space(*key).empty()) return Credential{trim_space(*key), KeyKind::system};
  auto const header = request.header("authorization");
  if (!header || trim_space(*header).empty()) return std::nullopt;
  std::string_view text = trim_space(*header);
  if (text.size() > 7 && equals_ignore_ascii_case(text.substr(0, 7), "bearer ")) text = trim_space(text.substr(7));
  return Credential{text, KeyKind::community};
}

}  // namespace

bool is_mistyped_key(std::string_view text) {
  if (text.size() < 3 || (text.substr(0, 3) != "fk_" && text.substr(0, 3) != "fs_" && text.substr(0, 3) != "fu_")) return false;
  return !has_key_form(text) ||
         checksum_of(text.substr(0, kKeyLength - kChecksumCharacters)) != text.substr(kKeyLength - kChecksumCharacters);
}

Result<CommunityNo> find_community(sql::Tx& tx, PublicId id) {
  CommunityNo const number{id.number};
  auto const created = community_created_at(tx, number);
  if (!created || PublicId::of(number.value, *created) != id)
    return fail(errors::kCommunityNotFound, "There is no community " + id.to_string() + ".");
  return number;
}

Result<IssuedKey> KeyService::create(CommunityNo community, NewKey const& key, Actor const& actor, TimeMs now) {
  return database_.write([&](sql::Tx& tx) { return create_in(tx, community, key, actor, now); });
}

Result<IssuedKey> KeyService::create_in(sql::Tx& tx, CommunityNo community, NewKey const& key, Actor const& actor, TimeMs now) {
  std::vector<Issue> issues;
  if (!is_valid_utf8(key.name)) {
    issues.push_back({"name", "invalid_name", "A key's name must be UTF-8 text."});
  } else if (std::size_t const length = code_points(key.name); length < 1 || length > 100 || has_control_characters(key.name, false)) {
    issues.push_back(
        {"name", "invalid_name", "A key's name has 1 to 100 characters on one line; this has " + std::to_string(length) + "."});
  }
  if (key.permissions.bits() == 0) issues.push_back({"permissions", "required", "Name at least one permission, or all."});
  if (key.expire_days < 0 || key.expire_days > kKeyExpiryDaysMax)
    issues.push_back({"expirePeriod", "out_of_range", "A key lives 1 to 3,650 days, or 0 for no end."});
  if (!issues.empty()) return fail(fealty::errors::kInvalidRequest, "The key could not be made.", std::move(issues));

  lock_keys(tx, community);
  int living = 0;
  for (auto const& other : list_keys(tx, community)) {
    if (other.summary.revoked_at) continue;
    ++living;
    if (other.summary.name == key.name && other.summary.kind == key.kind)
      return fail(errors::kKeyNameTaken, "There is a key named \"" + key.name + "\" already; choose another name or revoke that one.");
  }
  if (living >= kKeysPerCommunityMax)
    return fail(errors::kTooManyKeys, "A community can have " + std::to_string(kKeysPerCommunityMax) + " keys; revoke one first.");

  std::string const prefix = (key.kind == KeyKind::system ? "fs_" : "fk_") + random_base62(kPrefixCharacters);
  std::string text = prefix + "_" + random_base62(kSecretCharacters);
  text += checksum_of(text);
  KeyNo const number{sql::draw_numbers(tx, "key")};
  std::optional<TimeMs> const expires = key.expire_days ? std::optional(now + key.expire_days * 86'400'000) : std::nullopt;
  insert_key(tx, community, number, key, prefix, sha256(text), now, expires, actor.id);
  IssuedKey issued{PublicId::of(number.value, now), std::move(text), prefix};
  write_audit(tx, community, numbers_.next(), {.actor = actor, .action = "api_key.create", .target = issued.id.to_string(), .at = now});
  return issued;
}

std::vector<KeySummary> KeyService::list(CommunityNo community) {
  return database_.read([&](sql::Tx& tx) {
    std::vector<KeySummary> out;
    for (auto& key : list_keys(tx, community)) out.push_back(std::move(key.summary));
    return out;
  });
}

Result<KeySummary> KeyService::revoke(CommunityNo community, PublicId id, Actor const& actor, TimeMs now) {
  return database_.write([&](sql::Tx& tx) -> Result<KeySummary> {
    auto key = find_key(tx, community, {id.number});
    if (!key || key->summary.id != id) return fail(errors::kKeyNotFound, "This community has no key " + id.to_string() + ".");
    if (!key->summary.revoked_at) {
      mark_revoked(tx, community, key->number, now);
      write_audit(tx, community, numbers_.next(), {.actor = actor, .action = "api_key.revoke", .target = id.to_string(), .at = now});
      key->summary.revoked_at = now;
    }
    return key->summary;
  });
}

Result<api::Principal> KeyService::check(api::Request const& request, TimeMs now) {
  auto const credential = credential_of(request);
  if (!credential) return api::Principal{};
  static constexpr char kWrong[] = "This key is not valid: check that it is complete, or make a new one.";
  if (credential->text.size() > kCredentialBytesMax || is_mistyped_key(credential->text)) return std::unexpected(unauthorized(kWrong));

  auto const hash = sha256(credential->text);
  auto const key = database_.read([&](sql::Tx& tx) { return find_key_by_hash(tx, hash); });
  if (!key || !equal_constant_time(key->hash, hash) || key->summary.kind != credential->kind) return std::unexpected(unauthorized(kWrong));
  if (key->summary.revoked_at) return std::unexpected(unauthorized("This key was revoked; make a new one."));
  if (key->summary.expires_at && *key->summary.expires_at <= now)
    return std::unexpected(unauthorized("This key expired on " + to_day(*key->summary.expires_at) + "; make a new one."));

  api::Principal who;
  who.kind = key->summary.kind == KeyKind::system ? api::PrincipalKind::system_key : api::PrincipalKind::community_key;
  who.community = key->community;
  who.community_id = PublicId::of(key->community.value, key->community_created_at);
  who.key = key->number;
  who.key_id = key->summary.id;
  who.key_prefix = key->summary.prefix;
  who.name = key->summary.name;
  who.permissions = key->summary.permissions;
  return who;
}

}  // namespace fealty::access
