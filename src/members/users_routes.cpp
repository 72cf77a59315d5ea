#include "api/typed.h"
#include "base/text.h"
#include "members/member_reference.h"
#include "members/users.h"
#include "members/users_filter.h"

namespace fealty::members {
namespace {

using api::Context;
using api::Family;
using api::Method;
using api::Needs;
using api::None;
using api::Permission;
using api::Route;

Route activity_route(UsersService& service, Method method) {
  Route route{.method = method,
              .path = "/users/activity/stats",
              .family = Family::integration,
              .needs = Needs::key({Permission::get_user_stats}),
              .id = method == Method::get ? "users.activity.get" : "users.activity",
              .summary = "Get user activity stats",
              .description =
                  "One entry for each day of the community's time zone ending today, the newest first. All counts are 0 until "
                  "the server has messages and posts to count.",
              .tag = "Users",
              .errors = {&errors::kUserNotFound}};
  constexpr auto kMessage = "User gamification stats fetched successfully";
  if (method == Method::get)
    return api::typed_route<ActivityIn, None, ActivityOut>(
        std::move(route), kMessage, [&service](Context& c, ActivityIn const& in) { return service.activity(c, in); });
  return api::typed_route<None, ActivityIn, ActivityOut>(
      std::move(route), kMessage, [&service](Context& c, None const&, ActivityIn const& in) { return service.activity(c, in); });
}

Route create_route(UsersService& service, access::PasswordHasher& hasher) {
  Route route{
      .method = Method::post,
      .path = "/users",
      .family = Family::integration,
      .needs = Needs::key({Permission::create_user}),
      .body = api::BodyKind::json,
      .id = "users.create",
      .summary = "Create new user",
      .description =
          "Account, membership, fields, roles and mails, all or nothing. An account that is there already keeps its e-mail, "
          "username and passwords; a claimed one is invited.",
      .tag = "Users",
      .in = &api::Schema<CreateUserIn>::def,
      .out = &api::Schema<CreateUserOut>::def,
      .errors = {&errors::kEmailTaken, &errors::kUsernameTaken, &errors::kExternalIdTaken, &errors::kUserDeleted, &errors::kUserBanned,
                 &errors::kNoIdentifierField, &errors::kUnknownField, &fealty::errors::kIdempotencyKeyReused}};
  auto create = [&service](Context& context, api::Request& request) -> Result<api::Answer> {
    CreateUserIn in;
    std::vector<Issue> issues;
    bool const parsed = api::from_json(trim_space(request.body).empty() ? "{}" : request.body, in, issues);
    // A body that is no JSON object has this one problem.
    if (!parsed && std::any_of(issues.begin(), issues.end(), [](Issue const& i) { return i.field.empty(); }))
      return std::unexpected(api::invalid_request(std::move(issues)));
    auto const key = access::once_key(context, request, "users.create", issues);
    return service.create(context, in, std::move(issues), key);
  };
  // Where a name is written with escapes, it is hashed as well, but a request thread waits for it.
  route.later = access::on_hasher(hasher, std::move(create), [](api::Request const& r) { return r.body.contains("\"password\""); });
  return route;
}

Route export_route(UsersService& service) {
  return {.method = Method::post,
          .path = "/users/export",
          .family = Family::integration,
          .needs = Needs::key({Permission::get_user_data}),
          .body = api::BodyKind::json,
          .id = "users.export",
          .summary = "Export users as CSV",
          .description =
              "All members who fit, in the order of their joining, as one file of any size. In the layout bulk it can be edited and given "
              "to the bulk update; cells that a spreadsheet program would run have an apostrophe in front, which an upload takes off. Who "
              "exported what is kept in the audit trail.",
          .tag = "Users",
          .in = &api::Schema<ExportIn>::def,
          .errors = {&errors::kUnknownColumn, &errors::kUnknownOperator, &errors::kAmbiguousMember},
          .raw_content_type = "text/csv",
          .handler = [&service](Context& context, api::Request& request) -> Result<api::Answer> {
            ExportIn in;
            if (auto error = api::detail::parse_input(request, nullptr, nullptr, &api::Schema<ExportIn>::def, &in))
              return std::unexpected(*std::move(error));
            auto file = service.export_file(context, request, in);
            if (!file) return std::unexpected(std::move(file).error());
            return api::Answer{.raw = *std::move(file)};
          }};
}

}  // namespace

std::vector<Route> users_routes(UsersService& service, access::PasswordHasher& hasher) {
  std::vector<Route> routes;
  routes.push_back(create_route(service, hasher));
  routes.push_back(api::typed_route<None, UserInfoIn, UserInfo>(
      {.method = Method::post,
       .path = "/users/info",
       .family = Family::integration,
       .needs = Needs::key({Permission::get_user_data}),
       .id = "users.info",
       .summary = "Get user data",
       .description = "Everything about one member, invited ones too. Default and custom fields are always there, null when empty.",
       .tag = "Users",
       .errors = {&errors::kUserNotFound, &errors::kAmbiguousMember},
       .quick = true},
      "", [&service](Context& c, None const&, UserInfoIn const& in) { return service.info(c, in); }));
  for (std::string const path : {"/users/filter", "/users/filters", "/users/search"}) {
    Route route = api::typed_route<None, FilterIn, api::Json>(
        {.method = Method::post,
         .path = path,
         .family = Family::integration,
         .needs = Needs::key({Permission::get_user_data}),
         .id = path == "/users/filter" ? "users.filter" : "users.filter." + path.substr(7),
         .summary = "Get users with filters",
         .description = "Up to 200 members who fit all conditions, in the order of their joining. Walk with next_cursor: every page costs "
                        "the same, and nobody is shown twice.",
         .tag = "Users",
         .errors = {&errors::kUnknownColumn, &errors::kUnknownOperator, &errors::kInvalidCursor, &errors::kPageTooDeep,
                    &errors::kAmbiguousMember},
         .quick = true},
        "Users fetched successfully", [&service](Context& c, None const&, FilterIn const& in) { return service.filter(c, in); });
    route.out = &api::Schema<FilterOut>::def;
    routes.push_back(std::move(route));
  }
  routes.push_back(export_route(service));
  routes.push_back(activity_route(service, Method::post));
  routes.push_back(activity_route(service, Method::get));
  return routes;
}

}  // namespace fealty::members
