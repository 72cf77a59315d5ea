// Handlers of POSTs that repeat their answer to the same Idempotency-Key: the key comes to the service beside the body, and what
// is wrong with either is told together.
//
//   routes.push_back(once_route<CreateIn, ThingOut>(route, [&](Context& c, CreateIn const& in, auto const& key) {
//     return service.create(c, in, key); }, 201));   // which calls once_as()
#pragma once
#include "access/once.h"
#include "api/typed.h"
#include "base/text.h"

namespace fealty::access {

// fn(Context&, Request const&, In const&, std::optional<OnceKey> const&), or the same without the request.
template <class In, class Fn>
api::Handler written_once(std::string operation, Fn fn) {
  return [operation = std::move(operation), fn = std::move(fn)](api::Context& context, api::Request& request) -> Result<api::Answer> {
    In in;
    std::vector<Issue> issues;
    if constexpr (!std::same_as<In, api::None>) api::from_json(trim_space(request.body).empty() ? "{}" : request.body, in, issues);
    auto const key = once_key(context, request, operation, issues);
    if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
    if constexpr (std::is_invocable_v<Fn const&, api::Context&, api::Request const&, In const&, std::optional<OnceKey> const&>)
      return fn(context, request, in, key);
    else
      return fn(context, in, key);
  };
}

// The declaration and the handler of such a route from one place.
template <class In, class Out, class Fn>
api::Route once_route(api::Route route, Fn fn, int status = 200) {
  if constexpr (!std::same_as<In, api::None>) {
    route.body = api::BodyKind::json;
    route.in = &api::Schema<In>::def;
  }
  if constexpr (requires { api::Schema<Out>::def; }) route.out = &api::Schema<Out>::def;
  route.success_status = status;
  route.errors.push_back(&fealty::errors::kIdempotencyKeyReused);
  route.handler = written_once<In>(route.id, std::move(fn));
  return route;
}

// once() for a deed that gives what the route's schema writes.
template <class Out, class Fn>
Result<api::Answer> once_as(int status, std::string const& message, sql::Database& database, api::Context const& context,
                            std::optional<OnceKey> const& key, Fn const& deed) {
  return once(database, context.community, key, context.now,
              [&](sql::Tx& tx) { return api::detail::written(status, message, Result<Out>(deed(tx))); });
}

}  // namespace fealty::access
