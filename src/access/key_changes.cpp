#include "access/key_rules.h"
#include "access/key_store.h"
#include "access/keys.h"
#include "api/json_writer.h"

namespace fealty::access {
namespace {

void lock(sql::Tx& tx, KeyHolder const& holder) {
  holder.kind == KeyKind::user ? lock_user_keys(tx, holder.account) : lock_keys(tx, holder.community);
}

// Living keys of the holder alone.
std::vector<StoredKey> keys_of(sql::Tx& tx, KeyHolder const& holder) {
  auto all = holder.kind == KeyKind::user ? list_user_keys(tx, holder.account) : list_keys(tx, holder.community);
  std::erase_if(all, [&](StoredKey const& k) { return k.summary.revoked_at || k.summary.kind != holder.kind; });
  return all;
}

Result<StoredKey> key_of(sql::Tx& tx, KeyHolder const& holder, PublicId id) {
  auto key = holder.kind == KeyKind::user ? find_user_key(tx, holder.account, {id.number}) : find_key(tx, holder.community, {id.number});
  if (!key || key->summary.id != id || key->summary.kind != holder.kind || key->summary.revoked_at)
    return fail(errors::kKeyNotFound, "There is no key " + id.to_string() + ".");
  return *std::move(key);
}

// Names and values of what is changed. No secret is among them.
std::string detail_of(KeyChange const& change) {
  api::JsonWriter w;
  w.begin_object();
  if (change.name) w.key("name").string(*change.name);
  if (change.permissions) w.key("permissions").value(change.permissions->identifiers());
  if (change.expire_days) w.key("expirePeriod").integer(*change.expire_days);
  if (change.expire_date) w.key("expireDate").string(*change.expire_date ? to_iso(**change.expire_date) : "");
  if (change.allowed_ips) w.key("allowedIps").value(*change.allowed_ips);
  if (change.channel_ids) w.key("channelIds").value(*change.channel_ids);
  if (change.is_active) w.key("isActive").boolean(*change.is_active);
  w.end_object();
  return w.take();
}

}  // namespace

std::vector<KeySummary> KeyService::list(KeyHolder const& holder) {
  return database_.read([&](sql::Tx& tx) {
    std::vector<KeySummary> out;
    for (auto& key : keys_of(tx, holder)) out.push_back(std::move(key.summary));
    return out;
  });
}

Result<KeySummary> KeyService::find(KeyHolder const& holder, PublicId id) {
  return database_.read([&](sql::Tx& tx) { return find_in(tx, holder, id); });
}

Result<KeySummary> KeyService::find_in(sql::Tx& tx, KeyHolder const& holder, PublicId id) {
  auto key = key_of(tx, holder, id);
  if (!key) return std::unexpected(std::move(key).error());
  return std::move(key->summary);
}

Result<KeySummary> KeyService::change(KeyHolder const& holder, PublicId id, KeyChange const& change, Actor const& actor, TimeMs now,
                                      std::string_view address) {
  std::vector<Issue> issues;
  if (change.name) check_key_name(*change.name, "", issues);
  if (change.permissions && change.permissions->bits() == 0) issues.push_back({"permissions", "required", "Name at least one permission."});
  check_key_end(change.expire_days, change.expire_date.value_or(std::nullopt), now, "", issues);
  if (change.allowed_ips) check_key_networks(*change.allowed_ips, "", issues);
  if (!issues.empty()) return fail(fealty::errors::kInvalidRequest, "The key could not be changed.", std::move(issues));

  return database_.write([&](sql::Tx& tx) -> Result<KeySummary> {
    lock(tx, holder);
    auto found = key_of(tx, holder, id);
    if (!found) return std::unexpected(std::move(found).error());
    auto& key = *found;
    auto& s = key.summary;
    if (s.is_replaced) return fail(errors::kKeyReplaced, "This key was rotated and ends by itself; change the one that replaced it.");
    if (change.name && *change.name != s.name) {
      for (auto const& other : keys_of(tx, holder))
        if (other.summary.name == *change.name && !other.summary.is_replaced) return name_taken(*change.name);
      s.name = *change.name;
    }
    if (change.permissions) s.permissions = *change.permissions;
    if (change.expire_days) {
      s.expire_days = *change.expire_days;
      key.period_from = now;
    }
    if (change.expire_date) key.expire_date = *change.expire_date;
    if (change.expire_days || change.expire_date) s.expires_at = end_of_key(key.period_from, s.expire_days, key.expire_date);
    if (change.allowed_ips) s.allowed_ips = *change.allowed_ips;
    if (change.channel_ids) s.channel_ids = *change.channel_ids;
    if (change.is_active) s.is_active = *change.is_active;
    s.updated_at = now;
    update_key(tx, key, now);
    write_audit(tx, key.community, numbers_.next(),
                {.actor = actor,
                 .action = "api_key.update",
                 .target = id.to_string(),
                 .detail = detail_of(change),
                 .remote_address = std::string(address),
                 .at = now});
    return s;
  });
}

Result<IssuedKey> KeyService::rotate(KeyHolder const& holder, std::optional<PublicId> id, std::int64_t grace_s, Actor const& actor,
                                     TimeMs now, std::string_view address) {
  return database_.write([&](sql::Tx& tx) { return rotate_in(tx, holder, id, grace_s, actor, now, address); });
}

Result<IssuedKey> KeyService::rotate_in(sql::Tx& tx, KeyHolder const& holder, std::optional<PublicId> id, std::int64_t grace_s,
                                        Actor const& actor, TimeMs now, std::string_view address) {
  lock(tx, holder);
  auto const living = keys_of(tx, holder);
  auto const old =
      std::find_if(living.begin(), living.end(), [&](StoredKey const& k) { return id ? k.summary.id == *id : !k.summary.is_replaced; });
  if (old == living.end()) {
    if (id) return fail(errors::kKeyNotFound, "There is no key " + id->to_string() + ".");
    return create_in(tx, holder.community, {holder.kind, "System key", api::PermissionSet::everything()}, actor, now, address);
  }
  auto const& s = old->summary;
  if (s.is_replaced) return fail(errors::kKeyReplaced, "This key was rotated before; rotate the one that replaced it.");
  if (s.expires_at && *s.expires_at <= now) return fail(errors::kKeyExpired, "This key has expired; give it a later end first.");
  auto const in_grace = std::count_if(living.begin(), living.end(), [&](StoredKey const& k) {
    return k.summary.is_replaced && k.summary.expires_at && *k.summary.expires_at > now;
  });
  if (in_grace >= kReplacedKeysMax)
    return fail(errors::kTooManyKeys, "Too many rotated keys are still in their grace; revoke some of them first.");

  NewKey const key{.kind = s.kind,
                   .name = s.name,
                   .permissions = s.permissions,
                   .expire_days = s.expire_days,
                   .expire_date = old->expire_date,
                   .allowed_ips = s.allowed_ips,
                   .channel_ids = s.channel_ids,
                   .account = old->account,
                   .is_active = s.is_active};
  // Keys of the first version know their end alone.
  auto const end = s.expire_days || old->expire_date ? end_of_key(now, s.expire_days, old->expire_date) : s.expires_at;
  auto issued = issue(tx, old->community, key, end, actor, now);
  if (grace_s == 0) {
    mark_revoked(tx, old->community, old->number, now);
  } else {
    TimeMs const grace_end = now + grace_s * 1'000;
    mark_replaced(tx, old->community, old->number, {issued.id.number}, s.expires_at ? std::min(*s.expires_at, grace_end) : grace_end, now);
  }
  write_audit(tx, old->community, numbers_.next(),
              {.actor = actor,
               .action = "api_key.rotate",
               .target = s.id.to_string(),
               .detail = R"({"replacedBy":")" + issued.id.to_string() + R"(","graceSeconds":)" + std::to_string(grace_s) + "}",
               .remote_address = std::string(address),
               .at = now});
  return issued;
}

Result<KeySummary> KeyService::remove(KeyHolder const& holder, PublicId id, Actor const& actor, TimeMs now, std::string_view address) {
  return database_.write([&](sql::Tx& tx) -> Result<KeySummary> {
    lock(tx, holder);
    auto key = key_of(tx, holder, id);
    if (!key) return std::unexpected(std::move(key).error());
    mark_revoked(tx, key->community, key->number, now);
    key->summary.revoked_at = now;
    write_audit(tx, key->community, numbers_.next(),
                {.actor = actor, .action = "api_key.revoke", .target = id.to_string(), .remote_address = std::string(address), .at = now});
    return key->summary;
  });
}

}  // namespace fealty::access
