#include "access/authenticator.h"

#include "base/text.h"

namespace fealty::access {
namespace {

std::unexpected<Error> refused(std::string message) { return fail(fealty::errors::kUnauthorized, std::move(message)); }

// What the route takes, for a credential of another kind.
std::string taken(api::Needs const& needs) {
  std::vector<std::string> ways;
  if (needs.community_key) ways.emplace_back("a community API key (Authorization: Bearer)");
  if (needs.system_key) ways.emplace_back("the system key (x-api-key)");
  if (needs.user_key) ways.emplace_back("a user key (Authorization: Bearer)");
  if (needs.user) ways.emplace_back("a signed-in user's token (Authorization: Bearer)");
  return "This route takes " + join(ways, " or ") + ".";
}

std::unexpected<Error> lacking(api::Permission permission) {
  auto const& p = api::info(permission);
  return fail(fealty::errors::kInsufficientPermission,
              "The key lacks the permission \"" + std::string(p.label) + "\" (" + std::string(p.identifier) + ").");
}

}  // namespace

std::optional<std::string_view> community_in_path(api::Route const& route, api::Request const& request) {
  std::size_t index = 0;
  for (auto const segment : split(route.path, '/')) {
    if (!segment.starts_with('{')) continue;
    if (segment == "{communityId}" && index < request.path_args.size()) return std::string_view(request.path_args[index]);
    ++index;
  }
  return std::nullopt;
}

Error credential_needed(api::Needs const& needs) { return Error{&fealty::errors::kUnauthorized, taken(needs)}; }

Error foreign_community() { return Error{&fealty::errors::kForbidden, "This credential is not for that community."}; }

Result<void> Authenticator::admit(api::Principal& who, api::Route const& route, api::Request const& request, TimeMs) {
  using api::PrincipalKind;
  auto const& needs = route.needs;
  bool const fits = (who.kind == PrincipalKind::community_key && needs.community_key) ||
                    (who.kind == PrincipalKind::system_key && needs.system_key) || (who.kind == PrincipalKind::user_key && needs.user_key);
  if (!fits) return refused(taken(needs));
  if (who.kind == PrincipalKind::community_key) {
    for (auto const& p : needs.all_of)
      if (!who.permissions.has(p)) return lacking(p);
  }
  if (who.kind == PrincipalKind::user_key && needs.user_permission && !who.permissions.has(*needs.user_permission))
    return lacking(*needs.user_permission);
  // Whether the other community exists is nobody's business: one answer for both.
  if (auto const named = community_in_path(route, request); named && PublicId::parse(*named) != who.community_id)
    return std::unexpected(foreign_community());
  return {};
}

}  // namespace fealty::access
