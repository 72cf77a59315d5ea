#include "access/written_once.h"
#include "api/typed.h"
#include "members/member_reference.h"
#include "members/moderation.h"

namespace fealty::members {
namespace {

using api::Context;
using api::Family;
using api::Method;
using api::Needs;
using api::Permission;
using api::Route;

}  // namespace

std::vector<Route> moderation_routes(ModerationService& service) {
  std::vector<Route> routes;
  routes.push_back(
      {.method = Method::post,
       .path = "/users/manage",
       .family = Family::integration,
       .needs = Needs::key({Permission::manage_user}),
       .body = api::BodyKind::json,
       .id = "users.manage",
       .summary = "Manage user account",
       .description = "Deletes a membership, or restores it with everything but keys and sessions as long as the community keeps "
                      "deleted members. Both may be repeated.",
       .tag = "Users",
       .in = &api::Schema<ManageUserIn>::def,
       .out = &api::Schema<ManageUserOut>::def,
       .errors = {&errors::kUserNotFound, &errors::kAmbiguousMember, &errors::kOwnerProtected, &errors::kRankTooLow,
                  &fealty::errors::kIdempotencyKeyReused},
       .handler = access::written_once<ManageUserIn>(
           "users.manage", [&service](Context& c, ManageUserIn const& in, auto const& key) { return service.manage(c, in, key); })});
  routes.push_back(
      {.method = Method::post,
       .path = "/users/moderation",
       .family = Family::integration,
       .needs = Needs::key({Permission::manage_user}),
       .body = api::BodyKind::json,
       .id = "users.moderate",
       .summary = "Warn, suspend, ban, kick, lift",
       .description = "Ends the member's sessions here unless it is a warning or a lift. A suspension with until ends by itself; a "
                      "ban outlives leaving and deletion.",
       .tag = "Users",
       .in = &api::Schema<ModerateIn>::def,
       .out = &api::Schema<MisconductOut>::def,
       .errors = {&errors::kUserNotFound, &errors::kAmbiguousMember, &errors::kOwnerProtected, &errors::kRankTooLow,
                  &errors::kNothingToLift, &errors::kAlreadyBanned, &fealty::errors::kIdempotencyKeyReused},
       .handler = access::written_once<ModerateIn>(
           "users.moderate", [&service](Context& c, ModerateIn const& in, auto const& key) { return service.moderate(c, in, key); })});
  routes.push_back(api::list_route<ModerationQuery, MisconductOut>(
      {.method = Method::get,
       .path = "/users/moderation",
       .family = Family::integration,
       .needs = Needs::key({Permission::manage_user}),
       .id = "users.misconduct",
       .summary = "Misconduct log of a member",
       .tag = "Users",
       .errors = {&errors::kUserNotFound, &errors::kAmbiguousMember}},
      "Misconduct records fetched successfully", [&service](Context& c, ModerationQuery const& q) { return service.list(c, q); }));
  return routes;
}

}  // namespace fealty::members
