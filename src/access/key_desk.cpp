#include "access/key_desk.h"

#include "access/key_rules.h"
#include "access/once.h"
#include "base/text.h"

namespace fealty::access {

using api::Answer;
using api::Context;
using api::Request;

// ---- Reading: what the schema finds and what only these rules know come in one list

class KeyReader {
 public:
  explicit KeyReader(TimeMs now) : now_(now) {}

  template <class In>
  void parse(Request const& request, In& in) {
    bool const parsed = api::from_json(trim_space(request.body).empty() ? "{}" : request.body, in, issues_);
    // A body that is no JSON object has this one problem.
    readable_ = parsed || std::none_of(issues_.begin(), issues_.end(), [](Issue const& i) { return i.field.empty(); });
  }
  template <class In>
  void take(In const& in, std::span<api::PermissionInfo const> list) {
    if (!readable_) return;
    change_.name = in.name;
    if (in.name && !known("/name")) check_key_name(*in.name, "/", issues_);
    if (in.permissions && !known("/permissions")) permissions(*in.permissions, list);
    if (!known("/expirePeriod")) change_.expire_days = in.expirePeriod;
    if (in.expireDate && !known("/expireDate")) date(*in.expireDate);
    change_.allowed_ips = in.allowedIps;
    if (in.allowedIps && !known("/allowedIps")) check_key_networks(*in.allowedIps, "/", issues_);
    change_.is_active = in.isActive;
  }
  void need(bool present, std::string const& field) {
    if (readable_ && !present && !known("/" + field)) add({"/" + field, "required", field + " is required."});
  }
  void add(Issue issue) { api::add_issue(issues_, std::move(issue)); }
  KeyChange& change() { return change_; }
  std::vector<Issue>& issues() { return issues_; }
  bool failed() const { return !issues_.empty(); }
  std::unexpected<Error> failure() { return std::unexpected(api::invalid_request(std::move(issues_))); }

 private:
  bool known(std::string_view place) const {
    return std::any_of(issues_.begin(), issues_.end(), [&](Issue const& i) { return i.field.starts_with(place); });
  }
  void permissions(std::vector<std::string> const& names, std::span<api::PermissionInfo const> list) {
    if (names.empty()) return add({"/permissions", "required", "permissions names at least one."});
    api::PermissionSet set;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (auto const found = api::find_permission(names[i], list)) {
        set.add(*found);
        continue;
      }
      Issue issue{"/permissions/" + std::to_string(i), "unknown_permission", "There is no permission \"" + names[i] + "\" for such a key."};
      for (auto const& info : list)
        if (edit_distance(fold_case(names[i]), fold_case(info.identifier), 2) <= 2) issue.suggestions.emplace_back(info.identifier);
      add(std::move(issue));
    }
    change_.permissions = set;
  }
  void date(std::string const& given) {
    auto const text = trim_space(given);
    if (text.empty()) {
      change_.expire_date = std::optional<TimeMs>();
      return;
    }
    auto time = parse_iso(text);
    // A day counts to its end.
    if (!time)
      if (auto const day = parse_day(text)) time = *day + kDayMs - 1;
    if (!time)
      return add(
          {"/expireDate", "not_a_date", "expireDate must be a day like 2026-04-07 or a time with its zone like 2026-04-07T09:00:00.000Z."});
    check_key_end({}, time, now_, "/", issues_);
    change_.expire_date = time;
  }

  TimeMs now_;
  bool readable_ = true;
  std::vector<Issue> issues_;
  KeyChange change_;
};

namespace {

std::optional<std::string> optional_iso(std::optional<TimeMs> time) { return time ? std::optional(to_iso(*time)) : std::nullopt; }

// `complete`: the key itself, in the answers that make one.
KeyOut answer_of(KeySummary const& k, std::string const& complete = "") {
  return {._id = k.id.to_string(),
          .name = k.name,
          .key = complete.empty() ? k.masked() : complete,
          .permissions = k.permissions.identifiers(),
          .expirePeriod = k.expire_days,
          .expireDate = optional_iso(k.expires_at),
          .isActive = k.is_active,
          .communityId = k.community_id.to_string(),
          .userId = k.user_id ? std::optional(k.user_id->to_string()) : std::nullopt,
          .channelIds = k.channel_ids,
          .allowedIps = k.allowed_ips,
          .lastUsedAt = optional_iso(k.last_used_at),
          .createdBy = k.created_by,
          .createdAt = to_iso(k.created_at),
          .updatedAt = to_iso(k.updated_at),
          .activeJobs = {}};
}

NewKey new_key(KeyKind kind, KeyChange const& c) {
  return {.kind = kind,
          .name = c.name.value_or(""),
          .permissions = c.permissions.value_or(api::PermissionSet()),
          .expire_days = c.expire_days.value_or(0),
          .expire_date = c.expire_date.value_or(std::nullopt),
          .allowed_ips = c.allowed_ips.value_or(std::vector<std::string>()),
          .channel_ids = c.channel_ids.value_or(std::vector<std::string>()),
          .is_active = c.is_active.value_or(true)};
}

struct SortOrder {
  std::string_view field = "createdAt";
  bool descending = true;
};
Result<SortOrder> sort_of(std::optional<std::string> const& text) {
  static constexpr std::string_view kFields[] = {"createdAt", "updatedAt", "lastUsedAt", "name"};
  if (!text) return SortOrder{};
  std::string_view const all = *text;
  auto const colon = std::min(all.find(':'), all.size());
  auto const field = all.substr(0, colon), order = colon < all.size() ? all.substr(colon + 1) : "asc";
  auto const known = std::find(std::begin(kFields), std::end(kFields), field);
  if (known == std::end(kFields) || (order != "asc" && order != "desc"))
    return std::unexpected(api::invalid_request(
        {{"sort", "not_an_option", "sort takes createdAt, updatedAt, lastUsedAt or name, with :asc or :desc.", {}, {}, {}, {}, {}}}));
  return SortOrder{*known, order == "desc"};
}

Result<Answer> list_answer(std::vector<KeySummary> keys, std::int64_t page, std::int64_t limit, std::optional<std::string> const& sort,
                           char const* message) {
  auto const order = sort_of(sort);
  if (!order) return std::unexpected(order.error());
  auto const less = [&](KeySummary const& a, KeySummary const& b) {
    if (order->field == "name") return std::pair(fold_case(a.name), a.id.number) < std::pair(fold_case(b.name), b.id.number);
    auto const time = [&](KeySummary const& k) {
      return order->field == "updatedAt" ? k.updated_at : order->field == "lastUsedAt" ? k.last_used_at.value_or(0) : k.created_at;
    };
    return std::pair(time(a), a.id.number) < std::pair(time(b), b.id.number);
  };
  std::sort(keys.begin(), keys.end(), [&](auto const& a, auto const& b) { return order->descending ? less(b, a) : less(a, b); });
  api::Listing<KeyOut> out{.items = {}, .page = api::Page::of(static_cast<std::int64_t>(keys.size()), page, limit)};
  for (auto i = static_cast<std::size_t>((page - 1) * limit); i < keys.size() && out.items.size() < static_cast<std::size_t>(limit); ++i)
    out.items.push_back(answer_of(keys[i]));
  return api::detail::written(200, message, Result<api::Listing<KeyOut>>(std::move(out)));
}

Result<Answer> written(int status, std::string const& message, KeyOut out) {
  return api::detail::written(status, message, Result<KeyOut>(std::move(out)));
}

// The one answer with the key, and what a repetition of the request gets: the key is stored as a hash alone, so nothing can
// show it again, and whoever lost the first answer learns the id of the key to rotate.
SecretAnswer shown_once(std::string const& message, KeySummary const& made, IssuedKey const& issued) {
  return {*written(201, message, answer_of(made, issued.key)),
          *written(201, message + " The key itself stood in the first answer alone; rotate it if that was lost.", answer_of(made))};
}

}  // namespace

Result<Answer> KeyDesk::create_community_key(Context& c, Request const& request) {
  KeyReader reader(c.now);
  KeyIn in;
  reader.parse(request, in);
  reader.take(in, api::all_permissions());
  reader.need(in.name.has_value(), "name");
  reader.need(in.permissions.has_value(), "permissions");
  auto const once = once_key(c, request, "api_keys.create", reader.issues());
  if (reader.failed()) return reader.failure();
  return create(c, {KeyKind::community, c.community, {}}, c.community, new_key(KeyKind::community, reader.change()), once);
}

Result<Answer> KeyDesk::create_user_key(Context& c, Request const& request) {
  KeyReader reader(c.now);
  auto const in = read_user_key(request, reader);
  reader.need(in.name.has_value(), "name");
  reader.need(in.permissions.has_value(), "permissions");
  reader.need(in.communityId.has_value(), "communityId");
  auto const once = once_key(c, request, "user_keys.create", reader.issues());
  if (reader.failed()) return reader.failure();
  auto const community = community_of(c, *in.communityId);
  if (!community) return std::unexpected(community.error());
  auto key = new_key(KeyKind::user, reader.change());
  key.account = c.principal.account;
  return create(c, {KeyKind::user, {}, c.principal.account}, *community, key, once);
}

Result<Answer> KeyDesk::list(KeyHolder const& holder, std::int64_t page, std::int64_t limit, std::optional<std::string> const& sort) {
  return list_answer(keys_.list(holder), page, limit, sort, "Get API keys success.");
}

Result<Answer> KeyDesk::get(KeyHolder const& holder, Result<PublicId> const& id) {
  if (!id) return std::unexpected(id.error());
  auto key = keys_.find(holder, *id);
  if (!key) return std::unexpected(std::move(key).error());
  return written(200, "Get API key success.", answer_of(*key));
}

Result<Answer> KeyDesk::update(Context& c, Request const& request, KeyHolder const& holder, Result<PublicId> const& id) {
  if (!id) return std::unexpected(id.error());
  KeyReader reader(c.now);
  if (holder.kind == KeyKind::user) {
    auto const in = read_user_key(request, reader);
    if (in.communityId && !reader.failed()) {
      auto const now = keys_.find(holder, *id);
      if (!now) return std::unexpected(now.error());
      if (now->community_id.to_string() != *in.communityId)
        reader.add({"/communityId", "cannot_be_changed", "A key stays in its community; make another one."});
    }
  } else {
    KeyIn in;
    reader.parse(request, in);
    reader.take(in, api::all_permissions());
  }
  if (reader.failed()) return reader.failure();
  auto key = keys_.change(holder, *id, reader.change(), actor_of(c.principal), c.now, c.remote_address);
  if (!key) return std::unexpected(std::move(key).error());
  return written(200, "Update API key success.", answer_of(*key));
}

Result<Answer> KeyDesk::remove(Context& c, KeyHolder const& holder, Result<PublicId> const& id) {
  if (!id) return std::unexpected(id.error());
  auto key = keys_.remove(holder, *id, actor_of(c.principal), c.now, c.remote_address);
  if (!key) return std::unexpected(std::move(key).error());
  auto out = answer_of(*key);
  out.activeJobs = open_jobs_ ? open_jobs_({key->community_id.number}, key->prefix) : std::vector<std::string>();
  return written(200, "Delete API key success.", std::move(out));
}

Result<Answer> KeyDesk::rotate(Context& c, Request const& request, KeyHolder const& holder, std::optional<PublicId> id,
                               char const* message) {
  RotateIn in;
  KeyReader reader(c.now);
  reader.parse(request, in);
  auto const once = once_key(c, request, id ? "keys.rotate" : "system_key.rotate", reader.issues());
  if (reader.failed()) return reader.failure();
  return once_secret(database_, c.community, once, c.now, [&](sql::Tx& tx) -> Result<SecretAnswer> {
    auto issued = keys_.rotate_in(tx, holder, id, in.graceSeconds.value_or(0), actor_of(c.principal), c.now, c.remote_address);
    if (!issued) return std::unexpected(std::move(issued).error());
    auto key = keys_.find_in(tx, holder, issued->id);
    if (!key) return std::unexpected(std::move(key).error());
    return shown_once(message, *key, *issued);
  });
}

Result<KeyInfoOut> KeyDesk::info(KeyHolder const& holder, PublicId id) {
  auto const key = keys_.find(holder, id);
  if (!key) return std::unexpected(key.error());
  return KeyInfoOut{.name = key->name,
                    .permissions = key->permissions.identifiers(),
                    .expireDate = optional_iso(key->expires_at),
                    .communityId = key->community_id.to_string(),
                    .isActive = key->is_active,
                    .kind = holder.kind == KeyKind::user ? "user" : "community"};
}

Result<Answer> KeyDesk::system_key(KeyHolder const& holder) {
  for (auto const& key : keys_.list(holder))
    if (!key.is_replaced) return written(200, "Get system key success.", answer_of(key));
  return fail(errors::kKeyNotFound, "This community has no system key; rotate it to make one.");
}

UserKeyIn KeyDesk::read_user_key(Request const& request, KeyReader& reader) {
  UserKeyIn in;
  reader.parse(request, in);
  reader.take(in, api::user_key_permissions());
  reader.change().channel_ids = in.channelIds;
  return in;
}

Result<CommunityNo> KeyDesk::community_of(Context const& c, std::string const& id) {
  return database_.read([&](sql::Tx& tx) -> Result<CommunityNo> {
    auto const parsed = PublicId::parse(id);
    auto const community = parsed ? find_community(tx, *parsed) : std::unexpected(foreign_community());
    if (!community || !is_active_member(tx, *community, c.principal.account, c.now)) return std::unexpected(foreign_community());
    return *community;
  });
}

Result<Answer> KeyDesk::create(Context& c, KeyHolder const& holder, CommunityNo community, NewKey const& key,
                               std::optional<OnceKey> const& once) {
  return once_secret(database_, community, once, c.now, [&](sql::Tx& tx) -> Result<SecretAnswer> {
    auto issued = keys_.create_in(tx, community, key, actor_of(c.principal), c.now, c.remote_address);
    if (!issued) return std::unexpected(std::move(issued).error());
    auto made = keys_.find_in(tx, holder, issued->id);
    if (!made) return std::unexpected(std::move(made).error());
    return shown_once("Create API key success.", *made, *issued);
  });
}

}  // namespace fealty::access
