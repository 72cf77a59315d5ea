#include "access/written_once.h"
#include "members/member_reference.h"
#include "members/moderation.h"
#include "members/roles.h"
#include "members/servers.h"

namespace fealty::members {
namespace {

using api::Context;
using api::Family;
using api::Method;
using api::Needs;
using api::None;
using api::Permission;
using api::Request;
using api::Route;

// A system key, a community key with `role`, or a member with manage_roles, which the service asks in its transaction.
Needs role_keepers() {
  Needs needs = Needs::system({Permission::role});
  needs.user = api::CommunityRole::member;
  return needs;
}

Route base(Method method, std::string path, std::string id, std::string summary, std::string description,
           std::vector<ErrorDef const*> errors) {
  errors.push_back(&fealty::errors::kInsufficientPermission);
  return {.method = method,
          .path = std::move(path),
          .family = Family::system,
          .needs = role_keepers(),
          .id = std::move(id),
          .summary = std::move(summary),
          .description = std::move(description),
          .tag = "Roles",
          .errors = std::move(errors)};
}

Route listing(Route route, std::string message, std::function<Result<std::vector<RoleOut>>(Context&, Request const&)> fn) {
  route.out = &api::Schema<RoleOut>::def;
  route.list = true;
  route.handler = api::typed<None, None, std::vector<RoleOut>>(
      std::move(message), [fn = std::move(fn)](Context& c, Request const& r, None const&) { return fn(c, r); });
  return route;
}

Route moving(RolesService& service, std::string const& word, std::string id, std::string summary, std::string description, Move move) {
  Route route = base(Method::post, "/roles/{id}/" + word, std::move(id), std::move(summary), std::move(description),
                     {&errors::kRoleNotFound, &errors::kUserNotFound, &errors::kAmbiguousMember, &errors::kBaseRole, &errors::kRankTooLow,
                      &errors::kPermissionNotHeld});
  route.list = true;
  return access::once_route<RoleMemberIn, RoleOut>(
      std::move(route), [&service, move](Context& c, Request const& r, RoleMemberIn const& in, auto const& key) -> Result<api::Answer> {
        auto const role = api::path_id(r, 0, errors::kRoleNotFound);
        if (!role) return std::unexpected(role.error());
        return service.move(c, *role, in.userId, move, key);
      });
}

}  // namespace

std::vector<Route> roles_routes(RolesService& service) {
  std::vector<Route> routes;
  for (auto const* path : {"/roles", "/servers/{communityId}/roles"})
    routes.push_back(listing(base(Method::get, path, std::string_view(path) == "/roles" ? "roles.list" : "servers.roles",
                                  "Role list of server", "The highest first; @all is the last of its order.", {}),
                             "Roles fetched successfully", [&service](Context& c, Request const&) { return service.list(c); }));
  routes.push_back(access::once_route<RoleIn, RoleOut>(
      base(Method::post, "/roles", "roles.create", "Create new role",
           "Permissions that are absent are off. A role ranks below who makes it, and grants nothing that he lacks.",
           {&errors::kRoleExists, &errors::kTooManyRoles, &errors::kRankTooLow, &errors::kPermissionNotHeld}),
      [&service](Context& c, RoleIn const& in, auto const& key) { return service.create(c, in, key); }));
  routes.push_back(api::typed_route<None, RoleIn, RoleOut>(
      base(Method::put, "/roles/{id}", "roles.update", "Update role",
           "What is absent stays. The role ranks below who changes it, before and after.",
           {&errors::kRoleNotFound, &errors::kRoleExists, &errors::kBaseRole, &errors::kVersionConflict, &errors::kRankTooLow,
            &errors::kPermissionNotHeld}),
      "Role has been updated successfully", [&service](Context& c, Request const& r, None const&, RoleIn const& in) -> Result<RoleOut> {
        auto const id = api::path_id(r, 0, errors::kRoleNotFound);
        if (!id) return std::unexpected(id.error());
        return service.change(c, *id, in);
      }));
  routes.push_back(api::typed_route<None, None, RoleOut>(
      base(Method::del, "/roles/{id}", "roles.delete", "Delete role", "It leaves all members and access levels at once.",
           {&errors::kRoleNotFound, &errors::kBaseRole, &errors::kRankTooLow}),
      "Role has been deleted successfully", [&service](Context& c, Request const& r, None const&) -> Result<RoleOut> {
        auto const id = api::path_id(r, 0, errors::kRoleNotFound);
        if (!id) return std::unexpected(id.error());
        return service.remove(c, *id);
      }));
  routes.push_back(listing(base(Method::get, "/roles/{userId}", "roles.of_user", "Get role list of user on a server",
                                "By short id; @all included.", {&errors::kUserNotFound, &errors::kAmbiguousMember}),
                           "User roles fetched successfully",
                           [&service](Context& c, Request const& r) { return service.of_user(c, r.path_args.at(0)); }));
  routes.push_back(
      moving(service, "add", "roles.give", "Add role to user", "Giving what the member has already changes nothing.", Move::give));
  routes.push_back(moving(service, "remove", "roles.take", "Remove role from user",
                          "Taking what the member has not changes nothing. Anybody who may come here may give up a role of his own.",
                          Move::take));
  return routes;
}

std::vector<Route> tags_routes(TagsService& service) {
  auto const route = [](Method method, bool one, std::string id, std::string summary, std::vector<ErrorDef const*> list) {
    return Route{.method = method,
                 .path = std::string("/communities/{communityId}/tags") + (one ? "/{tagId}" : ""),
                 .family = Family::application,
                 .needs = Needs::role(api::CommunityRole::administrator),
                 .id = std::move(id),
                 .summary = std::move(summary),
                 .tag = "Tags",
                 .errors = std::move(list)};
  };
  std::vector<Route> routes;
  auto list = route(Method::get, false, "tags.list", "Get tags", {});
  list.out = &api::Schema<TagOut>::def;
  list.list = true;
  list.handler = api::typed<None, None, api::Listing<TagOut>>("Get tags success.", [&service](Context& c, None const&) {
    api::Listing<TagOut> out{service.list(c), {}};
    auto const count = static_cast<std::int64_t>(out.items.size());
    out.page = api::Page::of(count, 1, std::max<std::int64_t>(count, 1));
    return Result<api::Listing<TagOut>>(std::move(out));
  });
  routes.push_back(std::move(list));
  routes.push_back(access::once_route<TagIn, TagOut>(
      route(Method::post, false, "tags.create", "Create a tag", {&errors::kTagExists, &errors::kTooManyTags}),
      [&service](Context& c, TagIn const& in, auto const& key) { return service.create(c, in, key); }, 201));
  routes.push_back(api::typed_route<None, TagIn, TagOut>(
      route(Method::put, true, "tags.update", "Rename a tag", {&errors::kTagNotFound, &errors::kTagExists}), "Update tag success.",
      [&service](Context& c, Request const& r, None const&, TagIn const& in) -> Result<TagOut> {
        auto const id = api::path_id(r, 1, errors::kTagNotFound);
        if (!id) return std::unexpected(id.error());
        return service.change(c, *id, in);
      }));
  routes.push_back(api::typed_route<None, None, TagOut>(route(Method::del, true, "tags.delete", "Delete a tag", {&errors::kTagNotFound}),
                                                        "Delete tag success.",
                                                        [&service](Context& c, Request const& r, None const&) -> Result<TagOut> {
                                                          auto const id = api::path_id(r, 1, errors::kTagNotFound);
                                                          if (!id) return std::unexpected(id.error());
                                                          return service.remove(c, *id);
                                                        }));
  for (auto const move : {Move::give, Move::take}) {
    bool const gives = move == Move::give;
    auto moving = route(Method::post, true, gives ? "tags.give" : "tags.take", gives ? "Add a tag to a user" : "Remove a tag from a user",
                        {&errors::kTagNotFound, &errors::kUserNotFound});
    if (gives) moving.errors.push_back(&errors::kTooManyTags);
    moving.path += gives ? "/add" : "/remove";
    moving.description = gives ? "Giving what the member has already changes nothing." : "Taking what the member has not changes nothing.";
    moving.needs = Needs::key({Permission::user_fields});
    routes.push_back(access::once_route<RoleMemberIn, MemberTagsOut>(
        std::move(moving), [&service, move](Context& c, Request const& r, RoleMemberIn const& in, auto const& key) -> Result<api::Answer> {
          auto const id = api::path_id(r, 1, errors::kTagNotFound);
          if (!id) return std::unexpected(id.error());
          return service.move(c, *id, in.userId, move, key);
        }));
  }
  return routes;
}

}  // namespace fealty::members
