#include "identity/access_levels.h"

#include <charconv>

#include "access/audit.h"
#include "access/written_once.h"
#include "api/json_writer.h"
#include "api/typed.h"
#include "base/text.h"
#include "identity/access_levels_store.h"
#include "members/fields.h"

namespace fealty::identity {
namespace {

using api::Context;
using api::Method;
using api::Request;

constexpr std::string_view kAll = "@all";

// Level 0 stands in no table: it is always there, and the same everywhere.
AccessLevelOut level_zero() { return {0, "Everybody", {std::string(kAll)}}; }

AccessLevelOut shown(StoredLevel const& level, members::Catalogue const& catalogue) {
  AccessLevelOut out{level.number, level.name, {}};
  for (auto const part : split(level.roles, ','))
    for (auto const& role : catalogue.roles)
      if (std::to_string(role.number) == part) out.roles.push_back(role.name);
  return out;
}

// Titles to numbers. Everybody has @all without being given it; nobody comes to rule a community through another system.
std::string read_roles(std::vector<std::string> const& titles, members::Catalogue const& catalogue, std::vector<Issue>& issues) {
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < titles.size(); ++i) {
    if (titles[i] == kAll) continue;
    std::string const place = "/roles/" + std::to_string(i);
    auto const role =
        std::find_if(catalogue.roles.begin(), catalogue.roles.end(), [&](members::NamedNumber const& r) { return r.name == titles[i]; });
    if (role == catalogue.roles.end()) {
      api::add_issue(issues, {place, "unknown_role", "There is no role \"" + titles[i] + "\" (names are case-sensitive)."});
    } else if (role->administrator) {
      api::add_issue(issues,
                     {place, "role_not_allowed", "The role \"" + titles[i] + "\" administers the community; no access level gives it."});
    } else if (auto number = std::to_string(role->number); std::find(numbers.begin(), numbers.end(), number) == numbers.end()) {
      numbers.push_back(std::move(number));
    }
  }
  return join(numbers, ",");
}

std::optional<std::string> read_name(std::string_view text, std::vector<Issue>& issues) {
  std::string name(trim_blanks(text));
  if (!name.empty()) return name;
  api::add_issue(issues, {"/name", "required", "name must not be blank."});
  return std::nullopt;
}

std::unexpected<Error> no_level() { return fail(errors::kAccessLevelNotFound, "There is no such access level."); }
std::unexpected<Error> fixed_level() { return fail(errors::kAccessLevelFixed, "Access level 0 is always there, with @all alone."); }

void audit(sql::Tx& tx, NumberSource& numbers, Context const& c, std::string action, AccessLevelOut const& level) {
  access::write_audit(
      tx, c.community, numbers.next(),
      {access::actor_of(c.principal), std::move(action), std::to_string(level.number), api::to_json(level), c.remote_address, c.now});
}

Result<std::int64_t> path_number(Request const& request) {
  std::string_view const text = request.path_args.at(1);
  std::int64_t number = 0;
  auto const [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || at != text.data() + text.size() || number < 0) return no_level();
  return number;
}

}  // namespace

std::vector<AccessLevelOut> AccessLevelService::list(Context const& c) {
  return database_.read([&](sql::Tx& tx) {
    std::vector<AccessLevelOut> all{level_zero()};
    auto const catalogue = members::load_catalogue(tx, c.community);
    for (auto const& level : list_levels(tx, c.community)) all.push_back(shown(level, catalogue));
    return all;
  });
}

Result<api::Answer> AccessLevelService::create(Context const& c, AccessLevelIn const& in, std::optional<access::OnceKey> const& key) {
  return access::once_as<AccessLevelOut>(
      201, "Create access level success.", database_, c, key, [&](sql::Tx& tx) -> Result<AccessLevelOut> {
        auto const catalogue = members::load_catalogue(tx, c.community);
        std::vector<Issue> issues;
        auto const name = read_name(in.name, issues);
        auto roles = read_roles(in.roles, catalogue, issues);
        if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
        if (count_levels(tx, c.community) >= kAccessLevelsPerCommunityMax)
          return fail(errors::kTooManyAccessLevels,
                      "A community can have " + std::to_string(kAccessLevelsPerCommunityMax) + " access levels.");
        StoredLevel const level{in.number, *name, std::move(roles)};
        if (in.number == 0 || !insert_level(tx, c.community, level, c.now))
          return fail(errors::kAccessLevelExists, "There is an access level " + std::to_string(in.number) + " already.",
                      {{"/number", std::string(errors::kAccessLevelExists.code), "This number is in use."}});
        auto out = shown(level, catalogue);
        audit(tx, numbers_, c, "access_level.create", out);
        return out;
      });
}

Result<AccessLevelOut> AccessLevelService::change(Context const& c, std::int64_t number, AccessLevelChange const& in) {
  return database_.write([&](sql::Tx& tx) -> Result<AccessLevelOut> {
    if (number == 0) return fixed_level();
    auto level = lock_level(tx, c.community, number);
    if (!level) return no_level();
    auto const catalogue = members::load_catalogue(tx, c.community);
    std::vector<Issue> issues;
    if (in.number && *in.number != number) api::add_issue(issues, {"/number", "not_changeable", "An access level keeps its number."});
    if (in.name)
      if (auto name = read_name(*in.name, issues)) level->name = *std::move(name);
    if (in.roles) level->roles = read_roles(*in.roles, catalogue, issues);
    if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
    update_level(tx, c.community, *level);
    auto out = shown(*level, catalogue);
    audit(tx, numbers_, c, "access_level.update", out);
    return out;
  });
}

Result<AccessLevelOut> AccessLevelService::remove(Context const& c, std::int64_t number) {
  return database_.write([&](sql::Tx& tx) -> Result<AccessLevelOut> {
    if (number == 0) return fixed_level();
    auto const level = lock_level(tx, c.community, number);
    if (!level) return no_level();
    delete_level(tx, c.community, number);
    auto out = shown(*level, members::load_catalogue(tx, c.community));
    audit(tx, numbers_, c, "access_level.delete", out);
    return out;
  });
}

std::vector<api::Route> access_level_routes(AccessLevelService& service) {
  using api::None;
  auto const needs = api::Needs::role(api::CommunityRole::administrator);
  auto const route = [&](Method method, std::string id, std::string summary, std::vector<ErrorDef const*> errors, bool one) {
    return api::Route{.method = method,
                      .path = std::string("/communities/{communityId}/access-levels") + (one ? "/{number}" : ""),
                      .family = api::Family::application,
                      .needs = needs,
                      .id = std::move(id),
                      .summary = std::move(summary),
                      .tag = "Access levels",
                      .errors = std::move(errors)};
  };
  std::vector<api::Route> routes;
  auto list = route(Method::get, "access_levels.list", "Get access levels", {}, false);
  list.out = &api::Schema<AccessLevelOut>::def;
  list.list = true;
  list.handler = [&service](Context& c, Request&) -> Result<api::Answer> {
    auto const all = service.list(c);
    api::JsonWriter w;
    w.value(all);
    auto const count = static_cast<std::int64_t>(all.size());
    return api::Answer{.message = "Get access levels success.", .data = w.take(), .meta_extra = api::Page::of(count, 1, count).meta()};
  };
  routes.push_back(std::move(list));
  routes.push_back(access::once_route<AccessLevelIn, AccessLevelOut>(
      route(Method::post, "access_levels.create", "Create an access level", {&errors::kAccessLevelExists, &errors::kTooManyAccessLevels},
            false),
      [&service](Context& c, AccessLevelIn const& in, auto const& key) { return service.create(c, in, key); }, 201));
  routes.push_back(api::typed_route<None, AccessLevelChange, AccessLevelOut>(
      route(Method::put, "access_levels.update", "Change an access level", {&errors::kAccessLevelNotFound, &errors::kAccessLevelFixed},
            true),
      "Update access level success.", [&service](Context& c, Request const& r, None const&, AccessLevelChange const& in) {
        auto const number = path_number(r);
        return number ? service.change(c, *number, in) : Result<AccessLevelOut>(std::unexpected(number.error()));
      }));
  routes.push_back(api::typed_route<None, None, AccessLevelOut>(
      route(Method::del, "access_levels.delete", "Delete an access level", {&errors::kAccessLevelNotFound, &errors::kAccessLevelFixed},
            true),
      "Delete access level success.", [&service](Context& c, Request const& r, None const&) {
        auto const number = path_number(r);
        return number ? service.remove(c, *number) : Result<AccessLevelOut>(std::unexpected(number.error()));
      }));
  return routes;
}

}  // namespace fealty::identity
