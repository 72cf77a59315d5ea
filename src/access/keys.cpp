#include "access/keys.h"

#include "access/key_rules.h"
#include "access/key_store.h"
#include "api/json_writer.h"
#include "base/hash.h"
#include "base/networks.h"
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
  bool is_system;
};
std::optional<Credential> credential_of(api::Request const& request) {
  // Both spellings are published.
  for (auto const name : {"x-api-key", "apikey"})
    if (auto const key = request.header(name); key && !trim_space(*key).empty()) return Credential{trim_space(*key), true};
  auto const header = request.header("authorization");
  if (!header || trim_space(*header).empty()) return std::nullopt;
  std::string_view text = trim_space(*header);
  if (text.size() > 7 && equals_ignore_ascii_case(text.substr(0, 7), "bearer ")) text = trim_space(text.substr(7));
  return Credential{text, false};
}

std::string_view prefix_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::system: return "fs_";
    case KeyKind::user: return "fu_";
    case KeyKind::community: break;
  }
  return "fk_";
}

bool may_come_from(std::vector<std::string> const& networks, std::string_view remote_address) {
  if (networks.empty()) return true;
  auto const address = parse_ip(remote_address);
  return address && std::any_of(networks.begin(), networks.end(), [&](std::string const& text) {
           auto const network = IpNetwork::parse(text);
           return network && network->contains(*address);
         });
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

void check_key_name(std::string_view name, std::string_view prefix, std::vector<Issue>& issues) {
  std::string const field = std::string(prefix) + "name";
  if (!is_valid_utf8(name)) {
    issues.push_back({field, "invalid_name", "A key's name must be UTF-8 text."});
  } else if (std::size_t const length = code_points(name); length < 1 || length > 100 || has_control_characters(name, false)) {
    issues.push_back({field, "invalid_name", "A key's name has 1 to 100 characters on one line; this has " + std::to_string(length) + "."});
  }
}

void check_key_networks(std::vector<std::string> const& networks, std::string_view prefix, std::vector<Issue>& issues) {
  std::string const field = std::string(prefix) + "allowedIps";
  if (networks.size() > kAllowedNetworksMax)
    issues.push_back({field, "too_long", "A key has at most " + std::to_string(kAllowedNetworksMax) + " networks."});
  for (std::size_t i = 0; i < networks.size(); ++i)
    if (!IpNetwork::parse(networks[i]))
      issues.push_back({field + "/" + std::to_string(i), "not_a_network",
                        "allowedIps takes addresses and networks such as 203.0.113.7 and 10.0.0.0/8."});
}

void check_key_end(std::optional<std::int64_t> days, std::optional<TimeMs> date, TimeMs now, std::string_view prefix,
                   std::vector<Issue>& issues) {
  if (days && (*days < 0 || *days > kKeyExpiryDaysMax))
    issues.push_back({std::string(prefix) + "expirePeriod", "out_of_range", "A key lives 1 to 3,650 days, or 0 for no end."});
  if (!date) return;
  if (*date <= now) issues.push_back({std::string(prefix) + "expireDate", "in_the_past", "expireDate must lie in the future."});
  if (*date > now + kKeyExpiryDaysMax * kDayMs)
    issues.push_back({std::string(prefix) + "expireDate", "out_of_range", "expireDate may lie 3,650 days ahead at most."});
}

bool is_active_member(sql::Tx& tx, CommunityNo community, MemberNo account, TimeMs now) {
  return member_is_active(tx, community, account, now);
}

Result<IssuedKey> KeyService::create(CommunityNo community, NewKey const& key, Actor const& actor, TimeMs now, std::string_view address) {
  return database_.write([&](sql::Tx& tx) { return create_in(tx, community, key, actor, now, address); });
}

Result<IssuedKey> KeyService::create_in(sql::Tx& tx, CommunityNo community, NewKey const& key, Actor const& actor, TimeMs now,
                                        std::string_view address) {
  std::vector<Issue> issues;
  check_key_name(key.name, "", issues);
  if (key.permissions.bits() == 0) issues.push_back({"permissions", "required", "Name at least one permission, or all."});
  check_key_end(key.expire_days, key.expire_date, now, "", issues);
  check_key_networks(key.allowed_ips, "", issues);
  if (!key.foreign.empty() && ((key.foreign.size() != 40 && key.foreign.size() != 64) || !from_hex(key.foreign)))
    issues.push_back({"foreignKey", "invalid_key", "A key of another system has 40 or 64 hex digits."});
  if (!issues.empty()) return fail(fealty::errors::kInvalidRequest, "The key could not be made.", std::move(issues));

  bool const is_users = key.kind == KeyKind::user;
  is_users ? lock_user_keys(tx, key.account) : lock_keys(tx, community);
  int living = 0;
  for (auto const& other : is_users ? list_user_keys(tx, key.account) : list_keys(tx, community)) {
    if (other.summary.revoked_at || other.summary.is_replaced || (other.summary.kind == KeyKind::user) != is_users) continue;
    ++living;
    if (other.summary.name == key.name && other.summary.kind == key.kind) return name_taken(key.name);
  }
  if (int const most = is_users ? kKeysPerUserMax : kKeysPerCommunityMax; living >= most)
    return fail(errors::kTooManyKeys,
                (is_users ? "A person can have " : "A community can have ") + std::to_string(most) + " keys; revoke one first.");

  if (!key.foreign.empty() && find_key_by_hash(tx, sha256(key.foreign), now))
    return fail(errors::kKeyNameTaken, "This key of another system is registered already, here or in another community.");

  auto issued = issue(tx, community, key, end_of_key(now, key.expire_days, key.expire_date), actor, now);
  api::JsonWriter detail;
  detail.begin_object().key("name").string(key.name).key("permissions").value(key.permissions.identifiers()).end_object();
  write_audit(tx, community, numbers_.next(),
              {.actor = actor,
               .action = "api_key.create",
               .target = issued.id.to_string(),
               .detail = detail.take(),
               .remote_address = std::string(address),
               .at = now});
  return issued;
}

IssuedKey KeyService::issue(sql::Tx& tx, CommunityNo community, NewKey const& key, std::optional<TimeMs> expires_at, Actor const& actor,
                            TimeMs now) {
  // What a foreign key shows of itself leaves 128 bits at least.
  std::string const prefix =
      key.foreign.empty() ? std::string(prefix_of(key.kind)) + random_base62(kPrefixCharacters) : key.foreign.substr(0, kPrefixCharacters);
  std::string text = key.foreign;
  if (text.empty()) {
    text = prefix + "_" + random_base62(kSecretCharacters);
    text += checksum_of(text);
  }
  KeyNo const number{sql::draw_numbers(tx, "key")};
  insert_key(tx, community, number, key, prefix, sha256(text), now, expires_at, actor.id);
  return {PublicId::of(number.value, now), std::move(text), prefix};
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
  auto const key = database_.read([&](sql::Tx& tx) { return find_key_by_hash(tx, hash, now); });
  if (!key || !equal_constant_time(key->hash, hash) || (key->summary.kind == KeyKind::system) != credential->is_system)
    return std::unexpected(unauthorized(kWrong));
  if (key->summary.revoked_at) return std::unexpected(unauthorized("This key was revoked; make a new one."));
  if (key->summary.expires_at && *key->summary.expires_at <= now)
    return std::unexpected(unauthorized("This key expired on " + to_day(*key->summary.expires_at) + "; make a new one."));

  if (!key->summary.is_active) return std::unexpected(unauthorized("This key is switched off."));
  if (!may_come_from(key->summary.allowed_ips, request.remote_address))
    return std::unexpected(unauthorized("This key may not be used from this address."));
  if (key->summary.kind == KeyKind::user && !key->member_is_active)
    return std::unexpected(unauthorized("The person of this key is no active member of its community."));

  api::Principal who;
  switch (key->summary.kind) {
    case KeyKind::community: who.kind = api::PrincipalKind::community_key; break;
    case KeyKind::system: who.kind = api::PrincipalKind::system_key; break;
    case KeyKind::user:
      who.kind = api::PrincipalKind::user_key;
      who.account = key->account;
      who.account_id = *key->summary.user_id;
      who.scope = key->community;
      // Whatever its person may do beyond that, a key of his acts as a member.
      who.role = api::CommunityRole::member;
      who.channel_ids = key->summary.channel_ids;
      break;
  }
  who.community = key->community;
  who.community_id = key->summary.community_id;
  who.key = key->number;
  who.key_id = key->summary.id;
  who.key_prefix = key->summary.prefix;
  who.name = key->summary.name;
  who.permissions = key->summary.permissions;
  return who;
}

}  // namespace fealty::access
