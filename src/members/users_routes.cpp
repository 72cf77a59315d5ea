#include "api/typed.h"
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

}  // namespace

std::vector<Route> users_routes(UsersService& service) {
  std::vector<Route> routes;
  routes.push_back(api::typed_route<None, UserInfoIn, UserInfo>(
      {.method = Method::post,
       .path = "/users/info",
       .family = Family::integration,
       .needs = Needs::key({Permission::get_user_data}),
       .id = "users.info",
       .summary = "Get user data",
       .description = "Everything about one member, invited ones too. Default and custom fields are always there, null when empty.",
       .tag = "Users",
       .errors = {&errors::kUserNotFound, &errors::kAmbiguousMember}},
      "", [&service](Context& c, None const&, UserInfoIn const& in) { return service.info(c, in); }));
  for (std::string const path : {"/users/filter", "/users/filters", "/users/search"}) {
    routes.push_back(api::typed_route<None, FilterIn, FilterOut>(
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
                    &errors::kAmbiguousMember}},
        "Users fetched successfully", [&service](Context& c, None const&, FilterIn const& in) { return service.filter(c, in); }));
  }
  routes.push_back(activity_route(service, Method::post));
  routes.push_back(activity_route(service, Method::get));
  return routes;
}

}  // namespace fealty::members
