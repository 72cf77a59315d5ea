#include "access/key_routes.h"

#include "access/key_desk.h"

namespace fealty::access {
namespace {

using api::Answer;
using api::Context;
using api::Family;
using api::Method;
using api::Needs;
using api::Request;
using api::Route;

KeyHolder of_community(Context const& c) { return {KeyKind::community, c.community, {}}; }
KeyHolder of_system(Context const& c) { return {KeyKind::system, c.community, {}}; }
KeyHolder of_user(Context const& c) { return {KeyKind::user, {}, c.principal.account}; }

Result<PublicId> key_id(std::optional<std::string> const& text) {
  auto const id = text ? PublicId::parse(*text) : std::nullopt;
  if (!id) return fail(errors::kKeyNotFound, "There is no key with this id.");
  return *id;
}

// Keys of others are 403, whatever the id is.
std::optional<Error> not_oneself(Context const& c, std::string_view user) {
  if (c.principal.account && PublicId::parse(user) == c.principal.account_id) return std::nullopt;
  return Error{&fealty::errors::kForbidden, "A person manages his own keys alone."};
}

template <class Query, class Fn>
api::Handler with_query(Fn fn) {
  return [fn = std::move(fn)](Context& c, Request& request) -> Result<Answer> {
    Query query{};
    if (auto error = api::detail::parse_input(request, &api::Schema<Query>::def, &query, nullptr, nullptr))
      return std::unexpected(std::move(*error));
    return fn(c, request, query);
  };
}

void add_community_routes(std::vector<Route>& routes, std::shared_ptr<KeyDesk> const& desk) {
  auto const needs = Needs::role(api::CommunityRole::administrator);
  std::string const path = "/communities/{communityId}/api-keys", one = path + "/{apiKeyId}", tag = "API keys";
  auto* const out = &api::Schema<KeyOut>::def;
  auto* const in = &api::Schema<KeyIn>::def;
  auto const id_of = [](Request const& r) { return api::path_id(r, 1, errors::kKeyNotFound); };

  routes.push_back(
      {.method = Method::post,
       .path = path,
       .family = Family::application,
       .needs = needs,
       .body = api::BodyKind::json,
       .id = "api_keys.create",
       .summary = "Create an API key",
       .description = "The complete key stands in this answer alone; a repetition with the same Idempotency-Key gives it masked.",
       .tag = tag,
       .in = in,
       .out = out,
       .errors = {&errors::kKeyNameTaken, &errors::kTooManyKeys, &fealty::errors::kIdempotencyKeyReused},
       .handler = [desk](Context& c, Request& r) { return desk->create_community_key(c, r); },
       .success_status = 201});
  routes.push_back({.method = Method::get,
                    .path = path,
                    .family = Family::application,
                    .needs = needs,
                    .id = "api_keys.list",
                    .summary = "List the API keys",
                    .tag = tag,
                    .query = &api::Schema<KeyListQuery>::def,
                    .out = out,
                    .list = true,
                    .handler = with_query<KeyListQuery>([desk](Context& c, Request const&, KeyListQuery const& q) {
                      return desk->list(of_community(c), q.page, q.limit, q.sort);
                    })});
  routes.push_back({.method = Method::get,
                    .path = one,
                    .family = Family::application,
                    .needs = needs,
                    .id = "api_keys.get",
                    .summary = "Look at an API key",
                    .tag = tag,
                    .out = out,
                    .errors = {&errors::kKeyNotFound},
                    .handler = [desk, id_of](Context& c, Request& r) { return desk->get(of_community(c), id_of(r)); }});
  routes.push_back({.method = Method::put,
                    .path = one,
                    .family = Family::application,
                    .needs = needs,
                    .body = api::BodyKind::json,
                    .id = "api_keys.update",
                    .summary = "Change an API key",
                    .description = "Members that are absent stay as they are. A period counts from now.",
                    .tag = tag,
                    .in = in,
                    .out = out,
                    .errors = {&errors::kKeyNotFound, &errors::kKeyNameTaken, &errors::kKeyReplaced},
                    .handler = [desk, id_of](Context& c, Request& r) { return desk->update(c, r, of_community(c), id_of(r)); }});
  routes.push_back(
      {.method = Method::del,
       .path = one,
       .family = Family::application,
       .needs = needs,
       .id = "api_keys.delete",
       .summary = "Delete an API key",
       .description = "The key is refused everywhere at once and for ever. Its accepted bulk jobs go on: activeJobs names them.",
       .tag = tag,
       .out = out,
       .errors = {&errors::kKeyNotFound},
       .handler = [desk, id_of](Context& c, Request& r) { return desk->remove(c, of_community(c), id_of(r)); }});
  routes.push_back({.method = Method::post,
                    .path = one + "/rotate",
                    .family = Family::application,
                    .needs = needs,
                    .body = api::BodyKind::json,
                    .id = "api_keys.rotate",
                    .summary = "Rotate an API key",
                    .description = "Makes a new key with the same settings. The old one stays good for graceSeconds.",
                    .tag = tag,
                    .in = &api::Schema<RotateIn>::def,
                    .out = out,
                    .errors = {&errors::kKeyNotFound, &errors::kKeyReplaced, &errors::kKeyExpired, &errors::kTooManyKeys,
                               &fealty::errors::kIdempotencyKeyReused},
                    .handler = [desk, id_of](Context& c, Request& r) -> Result<Answer> {
                      auto const id = id_of(r);
                      if (!id) return std::unexpected(id.error());
                      return desk->rotate(c, r, of_community(c), *id, "Rotate API key success.");
                    },
                    .success_status = 201});
}

void add_system_routes(std::vector<Route>& routes, std::shared_ptr<KeyDesk> const& desk) {
  auto const needs = Needs::role(api::CommunityRole::owner);
  std::string const path = "/communities/{communityId}/system-key", tag = "API keys";
  routes.push_back({.method = Method::get,
                    .path = path,
                    .family = Family::application,
                    .needs = needs,
                    .id = "system_key.get",
                    .summary = "Look at the system key",
                    .tag = tag,
                    .out = &api::Schema<KeyOut>::def,
                    .errors = {&errors::kKeyNotFound},
                    .handler = [desk](Context& c, Request&) { return desk->system_key(of_system(c)); }});
  routes.push_back(
      {.method = Method::post,
       .path = path + "/rotate",
       .family = Family::application,
       .needs = needs,
       .body = api::BodyKind::json,
       .id = "system_key.rotate",
       .summary = "Rotate the system key",
       .description = "The old key stays good for graceSeconds. Where there is none, the first one is made.",
       .tag = tag,
       .in = &api::Schema<RotateIn>::def,
       .out = &api::Schema<KeyOut>::def,
       .errors = {&errors::kTooManyKeys, &errors::kKeyExpired, &fealty::errors::kIdempotencyKeyReused},
       .handler = [desk](Context& c, Request& r) { return desk->rotate(c, r, of_system(c), std::nullopt, "Rotate system key success."); },
       .success_status = 201});
}

// One operation under both published spellings: /users/apikeys with the ids in the query, /users/{userId}/api-keys with the ids
// in the path. `fn` gets the id of the user, and of the key where there is one.
using UserKeyHandler = std::function<Result<Answer>(Context&, Request&, Result<PublicId> const& key, UserKeyListQuery const&)>;

void add_user_route(std::vector<Route>& routes, Route route, bool has_key, UserKeyHandler const& fn) {
  Route in_query = route, in_path = std::move(route);
  in_query.path = "/users/apikeys";
  in_query.query = &api::Schema<UserKeyQuery>::def;
  if (in_query.list) in_query.query = &api::Schema<UserKeyListQuery>::def;
  in_query.handler = with_query<UserKeyListQuery>([fn](Context& c, Request& r, UserKeyListQuery const& q) -> Result<Answer> {
    if (auto error = not_oneself(c, q.userId.value_or(""))) return std::unexpected(*std::move(error));
    return fn(c, r, key_id(q.apiKeyId), q);
  });
  in_path.id += "_by_path";
  in_path.path = std::string("/users/{userId}/api-keys") + (has_key ? "/{apiKeyId}" : "");
  if (in_path.list) in_path.query = &api::Schema<KeyListQuery>::def;
  in_path.handler = with_query<KeyListQuery>([fn, has_key](Context& c, Request& r, KeyListQuery const& q) -> Result<Answer> {
    if (auto error = not_oneself(c, r.path_args.at(0))) return std::unexpected(*std::move(error));
    return fn(c, r, key_id(has_key ? std::optional(r.path_args.at(1)) : std::nullopt), {q.page, q.limit, q.sort, {}, {}});
  });
  routes.push_back(std::move(in_query));
  routes.push_back(std::move(in_path));
}

void add_user_routes(std::vector<Route>& routes, std::shared_ptr<KeyDesk> const& desk) {
  std::string const tag = "User keys";
  auto const base = [&](Method method, std::string id, std::string summary) {
    return Route{.method = method,
                 .path = "",
                 .family = Family::application,
                 .needs = Needs::account(),
                 .id = std::move(id),
                 .summary = std::move(summary),
                 .tag = tag,
                 .out = &api::Schema<KeyOut>::def};
  };
  auto create = base(Method::post, "user_keys.create", "Create a key of one's own");
  create.description = "For a community that the caller is an active member of. The complete key stands in this answer alone.";
  create.body = api::BodyKind::json;
  create.in = &api::Schema<UserKeyIn>::def;
  create.errors = {&errors::kKeyNameTaken, &errors::kTooManyKeys, &fealty::errors::kIdempotencyKeyReused};
  create.success_status = 201;
  add_user_route(routes, std::move(create), false,
                 [desk](Context& c, Request& r, auto const&, auto const&) { return desk->create_user_key(c, r); });

  auto list = base(Method::get, "user_keys.list", "List one's own keys");
  list.list = true;
  add_user_route(routes, std::move(list), false, [desk](Context& c, Request&, auto const& id, UserKeyListQuery const& q) {
    return q.apiKeyId ? desk->get(of_user(c), id) : desk->list(of_user(c), q.page, q.limit, q.sort);
  });

  routes.push_back({.method = Method::get,
                    .path = "/users/{userId}/api-keys/{apiKeyId}",
                    .family = Family::application,
                    .needs = Needs::account(),
                    .id = "user_keys.get_by_path",
                    .summary = "Look at a key of one's own",
                    .tag = tag,
                    .out = &api::Schema<KeyOut>::def,
                    .errors = {&errors::kKeyNotFound},
                    .handler = [desk](Context& c, Request& r) -> Result<Answer> {
                      if (auto error = not_oneself(c, r.path_args.at(0))) return std::unexpected(*std::move(error));
                      return desk->get(of_user(c), api::path_id(r, 1, errors::kKeyNotFound));
                    }});

  auto update = base(Method::put, "user_keys.update", "Change a key of one's own");
  update.description = "Members that are absent stay as they are. A period counts from now.";
  update.body = api::BodyKind::json;
  update.in = &api::Schema<UserKeyIn>::def;
  update.errors = {&errors::kKeyNotFound, &errors::kKeyNameTaken};
  add_user_route(routes, std::move(update), true,
                 [desk](Context& c, Request& r, auto const& id, auto const&) { return desk->update(c, r, of_user(c), id); });

  auto remove = base(Method::del, "user_keys.delete", "Delete a key of one's own");
  remove.errors = {&errors::kKeyNotFound};
  add_user_route(routes, std::move(remove), true,
                 [desk](Context& c, Request&, auto const& id, auto const&) { return desk->remove(c, of_user(c), id); });
}

Route info_route(std::shared_ptr<KeyDesk> const& desk) {
  // Any key of a community or a user, whatever its permissions; no person.
  auto needs = Needs::key({});
  needs.user.reset();
  needs.user_key = true;
  return api::typed_route<api::None, api::None, KeyInfoOut>(
      {.method = Method::get,
       .path = "/users/apikeys/info",
       .family = Family::application,
       .needs = needs,
       .id = "user_keys.info",
       .summary = "What a key may do",
       .description = "Asked with the key itself as bearer.",
       .tag = "User keys"},
      "Get API key info success.", [desk](Context& c, api::None const&) {
        return desk->info(c.principal.kind == api::PrincipalKind::user_key ? of_user(c) : of_community(c), c.principal.key_id);
      });
}

}  // namespace

std::vector<Route> key_routes(KeyService& keys, sql::Database& database, OpenJobsOfKey open_jobs) {
  std::vector<Route> routes;
  auto const desk = std::make_shared<KeyDesk>(keys, database, std::move(open_jobs));
  add_community_routes(routes, desk);
  add_system_routes(routes, desk);
  add_user_routes(routes, desk);
  routes.push_back(info_route(desk));
  return routes;
}

}  // namespace fealty::access
