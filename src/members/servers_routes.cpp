#include "access/written_once.h"
#include "members/servers.h"

namespace fealty::members {
namespace {

using api::Context;
using api::Family;
using api::Method;
using api::Needs;
using api::None;
using api::Route;

// The system key of a community, or who is signed in.
Needs key_or_session() {
  Needs needs = Needs::session();
  needs.system_key = true;
  return needs;
}

Route base(Method method, std::string path, Needs needs, std::string id, std::string summary, std::string description,
           std::vector<ErrorDef const*> errors) {
  return {.method = method,
          .path = std::move(path),
          .family = Family::system,
          .needs = std::move(needs),
          .id = std::move(id),
          .summary = std::move(summary),
          .description = std::move(description),
          .tag = "Servers",
          .errors = std::move(errors)};
}

}  // namespace

std::vector<Route> servers_routes(ServersService& service) {
  std::vector<Route> routes;
  routes.push_back(access::once_route<ServerIn, ServerOut>(
      base(Method::post, "/servers", Needs::account(), "servers.create", "Create new server",
           "Makes a community that the caller owns, with his membership, @all and the currencies. Whom it is open to is a setting of the "
           "installation: operators, or everybody with a claimed account.",
           {&fealty::errors::kForbidden, &errors::kTooManyCommunities}),
      [&service](Context& c, ServerIn const& in, auto const& key) { return service.create(c, in, key); }));

  Route list = base(Method::get, "/servers", key_or_session(), "servers.list", "Get my servers",
                    "The system key's community; of a person those that he owns or is an active member of.", {});
  list.out = &api::Schema<ServerOut>::def;
  list.list = true;
  list.handler = api::typed<None, None, std::vector<ServerOut>>("Servers fetched successfully",
                                                                [&service](Context& c, None const&) { return service.list(c); });
  routes.push_back(std::move(list));

  routes.push_back(api::typed_route<None, ServerChange, ServerOut>(
      base(Method::put, "/servers/{communityId}", Needs::system(), "servers.update", "Update server",
           "What is absent stays. A new time zone moves the days that come, not those that were.", {&errors::kVersionConflict}),
      "Server has been updated successfully",
      [&service](Context& c, None const&, ServerChange const& in) { return service.change(c, in); }));
  return routes;
}

}  // namespace fealty::members
