#include "api/file_problem.h"
#include "api/typed.h"
#include "ledger/ledger.h"
#include "members/avatars.h"
#include "members/member_reference.h"

namespace fealty::members {

std::vector<api::Route> avatar_routes(AvatarService& service) {
  std::vector<api::Route> routes;
  routes.push_back({.method = api::Method::post,
                    .path = "/users/avatar",
                    .family = api::Family::integration,
                    .needs = api::Needs::key_or_own(api::Permission::manage_user, api::Permission::update_own_profile),
                    .body = api::BodyKind::stream,
                    .id = "user.avatar",
                    .summary = "Upload User Avatar",
                    .description =
                        "A PNG, JPEG, WebP or GIF picture of at most 5 MiB and 4,096 pixels a side. Its middle is kept as a square; "
                        "everything else in the file is dropped.",
                    .tag = "Users",
                    .in = &api::Schema<AvatarForm>::def,
                    .out = &api::Schema<AvatarOut>::def,
                    .errors = {&errors::kInvalidImage, &errors::kUserNotFound, &errors::kAmbiguousMember, &fealty::errors::kForbidden,
                               &fealty::errors::kUnsupportedMediaType, &api::file_errors::kFileTooLarge, &api::file_errors::kInvalidForm,
                               &ledger::errors::kUserNotJoined, &errors::kNoRoomForFiles, &fealty::errors::kIdempotencyKeyReused},
                    .file_field = "avatar",
                    .handler = [&service](api::Context& c, api::Request& r) { return service.upload(c, r); }});
  routes.push_back({.method = api::Method::get,
                    .path = "/avatars/{key}",
                    .family = api::Family::plain,
                    .needs = api::Needs::nothing(),
                    .id = "avatar.get",
                    .summary = "A member's picture",
                    .description = "What this address gives never changes: a new picture has a new one.",
                    .tag = "Users",
                    .errors = {&errors::kAvatarNotFound},
                    .raw_content_type = "image/webp",
                    .handler = [&service](api::Context&, api::Request& r) -> Result<api::Answer> {
                      auto picture = service.files().read(r.path_args.at(0));
                      if (!picture) return fail(errors::kAvatarNotFound, "There is no such picture.");
                      api::Response response{.status = 200, .content_type = "image/webp", .body = *std::move(picture)};
                      response.headers = {{"cache-control", "public, max-age=31536000, immutable"},
                                          {"content-security-policy", "default-src 'none'"}};
                      return api::Answer{.raw = std::move(response)};
                    }});
  return routes;
}

}  // namespace fealty::members
