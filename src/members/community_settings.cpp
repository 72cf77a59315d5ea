#include "members/community_settings.h"

#include "api/json_writer.h"
#include "base/text.h"
#include "members/community_settings_store.h"
#include "members/servers.h"

namespace fealty::members {
namespace {

constexpr std::size_t kHostMax = 253, kLabelMax = 63;  // RFC 1035, 2.3.4

std::string told(CommunityChange const& c) {
  api::JsonWriter w;
  w.begin_object();
  if (c.host) c.host->empty() ? w.key("host").null() : w.key("host").string(*c.host);
  if (c.open_registration) w.key("openRegistration").boolean(*c.open_registration);
  if (c.secure_auth_administrators) w.key("secureAuthAdministrators").boolean(*c.secure_auth_administrators);
  if (c.second_factor_required) w.key("secondFactorRequired").boolean(*c.second_factor_required);
  if (c.mail_include_passwords) w.key("mailIncludePasswords").boolean(*c.mail_include_passwords);
  if (c.restore_days) w.key("restoreDays").integer(*c.restore_days);
  if (c.file_retention_days) w.key("fileRetentionDays").integer(*c.file_retention_days);
  if (c.api_log_days) w.key("apiLogDays").integer(*c.api_log_days);
  if (c.log_reads) w.key("logReads").boolean(*c.log_reads);
  if (c.anonymous_import) w.key("anonymousImport").string(jobs::to_string(*c.anonymous_import));
  w.end_object();
  auto const json = w.take();
  return json.substr(1, json.size() - 2);
}

// Brings the host into its form, and notes what is wrong.
void check(CommunityChange& change, std::string_view prefix, std::vector<Issue>& issues) {
  auto const out_of_range = [&](std::string_view name, std::optional<std::int64_t> days, std::int64_t most, std::string what) {
    if (days && (*days < 1 || *days > most))
      issues.push_back(
          {std::string(prefix) + std::string(name), "out_of_range", std::move(what) + " 1 to " + std::to_string(most) + " days."});
  };
  if (change.host && !change.host->empty()) {
    if (auto const host = host_name(*change.host))
      change.host = host;
    else
      issues.push_back({std::string(prefix) + "host", "bad_value",
                        "\"" + *change.host + "\" is not a host name such as club.example.org (without port and scheme)."});
  }
  out_of_range("restoreDays", change.restore_days, kRestoreDaysMax, "Deleted members can be restored for");
  out_of_range("fileRetentionDays", change.file_retention_days, kFileRetentionDaysMax, "Files are kept");
  out_of_range("apiLogDays", change.api_log_days, kApiLogDaysMax, "Rows of the API log are kept");
}

struct Deed {
  access::Actor actor;
  std::string remote_address, request_id;
  TimeMs at = 0;
};
// What stands there already is no change, and needs no right.
Result<CommunitySettings> change_in(sql::Tx& tx, NumberSource& numbers, CommunityNo community, CommunityChange const& change,
                                    Deed const& deed,
                                    std::function<Result<void>(CommunitySettings const&, CommunitySettings const&)> const& may) {
  auto const created = lock_community(tx, community);
  if (!created) return fail(access::errors::kCommunityNotFound, "There is no such community.");
  auto const before = *read_settings(tx, community);
  if (change.host && !change.host->empty())
    if (auto const holder = community_with_host(tx, *change.host); holder && *holder != community)
      return fail(errors::kHostTaken, "Another community has the host " + *change.host + ".");
  update_community(tx, community, change);
  auto after = *read_settings(tx, community);
  if (api::to_json(before) == api::to_json(after)) return after;
  if (auto allowed = may(before, after); !allowed) return std::unexpected(std::move(allowed).error());
  access::write_audit(tx, community, numbers.next(),
                      {deed.actor, "settings.update", PublicId::of(community.value, *created).to_string(),
                       access::audit_changes(before, after, deed.request_id), deed.remote_address, deed.at});
  return after;
}

}  // namespace

std::optional<std::string> host_name(std::string_view text) {
  auto host = fold_case(trim_space(text));
  if (host.empty() || host.size() > kHostMax) return std::nullopt;
  for (auto const label : split(host, '.')) {
    bool const plain =
        std::all_of(label.begin(), label.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
    if (label.empty() || label.size() > kLabelMax || !plain || label.front() == '-' || label.back() == '-') return std::nullopt;
  }
  return host;
}

Result<std::string> change_community(sql::Database& database, NumberSource& numbers, CommunityNo community, CommunityChange const& in,
                                     access::Actor const& actor, TimeMs now) {
  CommunityChange change = in;
  std::vector<Issue> issues;
  auto facts = told(in);
  if (facts.empty()) issues.push_back({"", "required", "Say what is to be changed."});
  check(change, "", issues);
  if (!issues.empty()) return fail(errors::kInvalidCommunity, "The community was not changed.", std::move(issues));
  auto const changed = database.write([&](sql::Tx& tx) {
    return change_in(tx, numbers, community, change, {actor, "", "", now},
                     [](CommunitySettings const&, CommunitySettings const&) { return Result<void>(); });
  });
  if (!changed) return std::unexpected(changed.error());
  return told(change);
}

Result<CommunitySettings> CommunitySettingsService::get(api::Context const& c) {
  return database_.read([&](sql::Tx& tx) { return *read_settings(tx, c.community); });
}

Result<CommunitySettings> CommunitySettingsService::change(api::Context const& c, CommunitySettingsIn const& in) {
  CommunityChange change{in.host,
                         in.openRegistration,
                         in.secureAuthAdministrators,
                         in.secondFactorRequired,
                         in.mailIncludePasswords,
                         in.restoreDays,
                         in.fileRetentionDays,
                         in.apiLogDays,
                         in.logReads,
                         in.anonymousImport ? jobs::parse_anonymous_import(*in.anonymousImport) : std::nullopt};
  std::vector<Issue> issues;
  check(change, "/", issues);
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
  return database_.write([&](sql::Tx& tx) {
    Deed const deed{access::actor_of(c.principal), c.remote_address, c.request_id, c.now};
    return change_in(tx, numbers_, c.community, change, deed,
                     [&](CommunitySettings const& before, CommunitySettings const& after) -> Result<void> {
                       if (before.host != after.host && !is_operator(tx, c.principal.account))
                         return fail(fealty::errors::kForbidden, "The host of a community is set by an operator of this installation.");
                       bool const doors = before.secureAuthAdministrators != after.secureAuthAdministrators ||
                                          before.secondFactorRequired != after.secondFactorRequired;
                       if (doors && c.principal.role != api::CommunityRole::owner)
                         return fail(fealty::errors::kForbidden, "How owners and administrators sign in is for the owner to say.");
                       if (before.anonymousImport != after.anonymousImport && c.principal.role != api::CommunityRole::owner)
                         return fail(fealty::errors::kForbidden, "Whether imports need no key is for the owner to say.");
                       return {};
                     });
  });
}

std::vector<api::Route> community_settings_routes(CommunitySettingsService& service) {
  auto const route = [](api::Method method, std::string id, std::string summary, std::vector<ErrorDef const*> errors) {
    return api::Route{.method = method,
                      .path = "/communities/{communityId}/settings",
                      .family = api::Family::application,
                      .needs = api::Needs::role(api::CommunityRole::administrator),
                      .id = std::move(id),
                      .summary = std::move(summary),
                      .tag = "Settings",
                      .errors = std::move(errors)};
  };
  std::vector<api::Route> routes;
  routes.push_back(api::typed_route<api::None, api::None, CommunitySettings>(
      route(api::Method::get, "settings.get", "Get settings", {}), "Get settings success.",
      [&service](api::Context& c, api::None const&) { return service.get(c); }));
  auto change = route(api::Method::put, "settings.update", "Change settings", {&errors::kHostTaken, &fealty::errors::kForbidden});
  change.description = "What is absent stays. All or nothing.";
  routes.push_back(api::typed_route<api::None, CommunitySettingsIn, CommunitySettings>(
      std::move(change), "Update settings success.",
      [&service](api::Context& c, api::None const&, CommunitySettingsIn const& in) { return service.change(c, in); }));
  return routes;
}

}  // namespace fealty::members
