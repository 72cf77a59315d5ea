// Typed handlers: query and body are parsed by their schemas, all problems of both are answered together, and what the
// service function gives is written by its schema. A handler that needs more takes the raw Request instead.
//
//   Route route = typed_route<None, CreateIn, CreateOut>(
//       {.method = Method::post, .path = "/users", .family = Family::integration, .needs = Needs::key({Permission::create_user}),
//        .id = "users.create", .summary = "Create a user"},
//       "User created", [&](Context& context, None const&, CreateIn const& in) { return service.create(context, in); });
#pragma once
#include <concepts>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include "api/route.h"

namespace fealty::api {

// No query, no body or no data.
struct None {};

// One 400 with all of them; says so when there were more than kRequestIssuesMax.
Error invalid_request(std::vector<Issue> issues);

// The id in the index-th {…} part of the path; anything that is no id names no record, so it answers `not_found`.
Result<PublicId> path_id(Request const& request, int index, ErrorDef const& not_found);

// ---- Lists ----

inline constexpr std::int64_t kPageLimitDefault = 20, kPageLimitMax = 100;
inline constexpr std::int64_t kPageNumberMax = 1'000'000'000;  // page · limit stays far inside 64 bits

// The query of a list that takes nothing else. Others repeat the two members and declare them by page_field, limit_field.
struct ListQuery {
  std::int64_t page = 1;
  std::int64_t limit = kPageLimitDefault;
};
template <auto Member>
consteval FieldDef page_field() {
  return field<Member>("page", "Page, from 1.", {.min = 1, .max = kPageNumberMax, .example = "1"});
}
// `doc` must say the default when the struct has another one than 20.
template <auto Member>
consteval FieldDef limit_field(std::int64_t most = kPageLimitMax, std::string_view doc = "Items of a page; 20 when not given.") {
  return field<Member>("limit", doc, {.min = 1, .max = most, .example = "20"});
}

struct Page {
  std::int64_t total = 0;
  std::int64_t current_page = 1;
  std::int64_t total_pages = 0;
  bool has_next = false;
  bool has_prev = false;
  std::int64_t limit = kPageLimitDefault;
  std::optional<std::string> next_cursor = {};  // written as nextCursor when set

  static Page of(std::int64_t total, std::int64_t page, std::int64_t limit);
  // Integration: `"pagination":{"total":…,"currentPage":…,"totalPages":…,"hasNextPage":…,"hasPrevPage":…}`.
  std::string pagination() const;
  // Application: `"page":…,"limit":…,"total":…`.
  std::string meta() const;
};

// `"pagination":{"limit":…,"hasNextPage":…,"nextCursor":…}` of a list that is read by cursor alone.
std::string cursor_pagination(std::int64_t limit, std::optional<std::string> const& next_cursor);

template <class T>
struct Listing {
  std::vector<T> items;
  Page page;
};

// ---- Handlers ----

namespace detail {

// Query parameters by schema, then the JSON body (no body counts as {}, so that every missing member is named).
std::optional<Error> parse_input(Request const& request, StructDef const* query_def, void* query, StructDef const* body_def, void* body);

template <class T>
constexpr StructDef const* def_of() {
  if constexpr (std::same_as<T, None>) {
    return nullptr;
  } else {
    return &Schema<T>::def;
  }
}

template <class Out>
Result<Answer> written(int status, std::string const& message, Result<Out>&& result) {
  if (!result) return std::unexpected(std::move(result).error());
  Answer answer{.status = status, .message = message, .data = ""};
  if constexpr (!std::same_as<Out, None>) CodecFor<Out>::value.write(answer.data, &*result);
  return answer;
}
template <class Item>
Result<Answer> written(int status, std::string const& message, Result<Listing<Item>>&& result) {
  if (!result) return std::unexpected(std::move(result).error());
  Answer answer{.status = status, .message = message, .data = "", .extra = result->page.pagination(), .meta_extra = result->page.meta()};
  CodecFor<std::vector<Item>>::value.write(answer.data, &result->items);
  return answer;
}

}  // namespace detail

// Calls Result<Out> fn(Context&, Query const&, Body const&), or fn(Context&, Request const&, Query const&, Body const&) for
// what needs the path's ids; either without the Body when that is None. Out: a struct with a schema, Json, a vector, None,
// or Listing<Item>.
template <class Query, class Body, class Out, class Fn>
Handler typed(std::string message, Fn fn, int status = 200) {
  return [message = std::move(message), fn = std::move(fn), status](Context& context, Request& request) -> Result<Answer> {
    Query query{};
    Body body{};
    if (auto error = detail::parse_input(request, detail::def_of<Query>(), &query, detail::def_of<Body>(), &body)) {
      return std::unexpected(std::move(*error));
    }
    Request const& read_only = request;
    Query const& q = query;
    Body const& b = body;
    if constexpr (std::is_invocable_v<Fn const&, Context&, Query const&, Body const&>) {
      return detail::written(status, message, Result<Out>(fn(context, q, b)));
    } else if constexpr (std::is_invocable_v<Fn const&, Context&, Request const&, Query const&, Body const&>) {
      return detail::written(status, message, Result<Out>(fn(context, read_only, q, b)));
    } else if constexpr (std::is_invocable_v<Fn const&, Context&, Request const&, Query const&>) {
      static_assert(std::same_as<Body, None>, "the function must take the body");
      return detail::written(status, message, Result<Out>(fn(context, read_only, q)));
    } else {
      static_assert(std::same_as<Body, None>, "the function must take the body");
      return detail::written(status, message, Result<Out>(fn(context, q)));
    }
  };
}

// A list: fn gives Result<Listing<Item>>; data is the array, with "pagination" beside it (or page, limit, total in "meta").
template <class Query, class Item, class Fn>
Handler typed_list(std::string message, Fn fn) {
  return typed<Query, None, Listing<Item>>(std::move(message), std::move(fn));
}

// The route's declaration and its handler from one place, so that they cannot drift apart.
template <class Query, class Body, class Out, class Fn>
Route typed_route(Route route, std::string message, Fn fn, int status = 200) {
  route.query = detail::def_of<Query>();
  route.in = detail::def_of<Body>();
  if constexpr (!std::same_as<Body, None>) route.body = BodyKind::json;
  if constexpr (requires { Schema<Out>::def; }) route.out = &Schema<Out>::def;
  route.success_status = status;
  route.handler = typed<Query, Body, Out>(std::move(message), std::move(fn), status);
  return route;
}
template <class Query, class Item, class Fn>
Route list_route(Route route, std::string message, Fn fn) {
  route.query = detail::def_of<Query>();
  route.out = &Schema<Item>::def;
  route.list = true;
  route.handler = typed_list<Query, Item>(std::move(message), std::move(fn));
  return route;
}

}  // namespace fealty::api

FEALTY_SCHEMA(fealty::api::ListQuery, page_field<&fealty::api::ListQuery::page>(), limit_field<&fealty::api::ListQuery::limit>())
