#include "api/json_writer.h"
#include "api/typed.h"
#include "base/text.h"
#include "members/member_reference.h"
#include "members/profiles.h"
#include "members/users_filter.h"

namespace fealty::members {
namespace {

using api::Answer;
using api::Context;
using api::Family;
using api::Method;
using api::Needs;
using api::Permission;
using api::PrincipalKind;
using api::Request;
using api::Route;

enum class Viewer : std::uint8_t { oneself, another };

bool wants_all(ProfileFlags const& f) {
  for (auto const& flag : {f._id, f.id, f.avatar, f.displayName, f.username, f.firstName, f.lastName, f.email, f.isOnline, f.lastLogin})
    if (flag.value_or(false)) return false;
  return true;
}

void write_text(api::JsonWriter& w, std::optional<std::string> const& text) {
  if (text)
    w.string(*text);
  else
    w.null();
}

void write_profile(api::JsonWriter& w, Profile const& p, std::string_view host, ProfileFlags const& flags, Viewer viewer, bool listed) {
  bool const all = wants_all(flags);
  auto const wanted = [&](std::optional<bool> const& flag) { return all || flag.value_or(false); };
  // What is hidden shows as such even where there is nothing to hide: that would tell something, too.
  auto const seen = [&](std::int64_t bit, std::optional<std::string> const& text) {
    return viewer == Viewer::another && (p.hidden & bit) != 0 ? std::optional(std::string(kHiddenText)) : text;
  };
  w.begin_object();
  if (wanted(flags._id)) w.key("_id").string(p.id().to_string());
  if (wanted(flags.id)) w.key("id").integer(p.member.value);
  if (wanted(flags.avatar)) write_text(w.key("avatar"), p.avatar ? std::optional(avatar_url(host, *p.avatar)) : std::nullopt);
  if (wanted(flags.displayName)) write_text(w.key("displayName"), p.display_name);
  if (wanted(flags.username)) w.key("username").string(p.username);
  if (wanted(flags.firstName)) write_text(w.key("firstName"), seen(kHidesName, p.first_name));
  if (wanted(flags.lastName)) write_text(w.key("lastName"), seen(kHidesName, p.last_name));
  if (wanted(flags.email)) write_text(w.key("email"), seen(kHidesEmail, p.email));
  if (wanted(flags.isOnline)) w.key("isOnline").boolean(false);  // nobody is connected before there are live connections
  if (wanted(flags.lastLogin)) write_text(w.key("lastLogin"), p.last_login ? std::optional(to_iso(*p.last_login)) : std::nullopt);
  if (listed && all) {
    w.key("roles").value(p.roles).key("tags").value(p.tags);
    w.key("joinedAt").string(to_iso(p.joined_at)).key("status").string(to_string(p.state));
  }
  w.end_object();
}

std::string profile_json(Profile const& p, std::string_view host, ProfileFlags const& flags, Viewer viewer) {
  api::JsonWriter w;
  write_profile(w, p, host, flags, viewer, false);
  return w.take();
}

// The person whom the path names, as far as the caller may go: oneself, or anybody for the community's administrators. All
// others are told the same of members, strangers and what is no id.
struct Meant {
  PublicId id;
  Viewer viewer = Viewer::another;
};
Result<Meant> meant_user(Context const& c, Request const& request) {
  auto const id = PublicId::parse(request.path_args.at(0));
  if (id && *id == c.principal.account_id) return Meant{*id, Viewer::oneself};
  if (auto allowed = may_touch_others(c.principal); !allowed) return std::unexpected(std::move(allowed).error());
  if (!id) return std::unexpected(no_such_member());
  return Meant{*id, Viewer::another};
}

Result<ProfileFlags> read_flags(Request const& request) {
  ProfileFlags flags;
  std::vector<Issue> issues;
  if (!api::from_pairs(request.query, flags, issues)) return std::unexpected(api::invalid_request(std::move(issues)));
  return flags;
}

// The part of the path that names the member, and then the answer for those who may see everybody of the community.
Result<Answer> read_of_community(ProfileService& service, Context& c, Request& request) {
  auto const flags = read_flags(request);
  if (!flags) return std::unexpected(flags.error());
  auto const id = api::path_id(request, 1, errors::kUserNotFound);
  if (!id) return std::unexpected(id.error());
  auto const found = service.read(c.community, *id, c.now);
  if (!found) return std::unexpected(found.error());
  auto const viewer = c.principal.kind == PrincipalKind::user && *id == c.principal.account_id ? Viewer::oneself : Viewer::another;
  return Answer{.message = "Get user success.", .data = profile_json(found->profile, found->host, *flags, viewer)};
}

Result<Answer> list_of_community(ProfileService& service, Context& c, Request& request) {
  ProfileListQuery query;
  std::vector<Issue> issues;
  if (!api::from_pairs(request.query, query, issues)) return std::unexpected(api::invalid_request(std::move(issues)));
  auto const found = service.list(c.community, query, c.now);
  if (!found) return std::unexpected(found.error());
  api::JsonWriter w;
  w.begin_array();
  for (auto const& p : found->items) {
    auto const viewer = c.principal.kind == PrincipalKind::user && p.member == c.principal.account ? Viewer::oneself : Viewer::another;
    write_profile(w, p, found->host, query.flags(), viewer, true);
  }
  w.end_array();
  auto page = api::Page::of(found->total, found->page, found->limit);
  page.next_cursor = found->next_cursor;
  return Answer{.message = "Get community users success.", .data = w.take(), .meta_extra = page.meta()};
}

Result<Answer> read_user(ProfileService& service, Context& c, Request& request) {
  auto const flags = read_flags(request);
  if (!flags) return std::unexpected(flags.error());
  auto const meant = meant_user(c, request);
  if (!meant) return std::unexpected(meant.error());
  auto const found = service.read(c.community, meant->id, c.now);
  if (!found) return std::unexpected(found.error());
  return Answer{.message = "Get user success.", .data = profile_json(found->profile, found->host, *flags, meant->viewer)};
}

Result<Answer> update_user(ProfileService& service, Context& c, Request& request) {
  auto const meant = meant_user(c, request);
  if (!meant) return std::unexpected(meant.error());
  ProfileChange change;
  std::vector<Issue> issues;
  // Members that were refused are not filled in: what is wrong with the others is told together with them.
  api::from_json(trim_space(request.body).empty() ? "{}" : request.body, change, issues);
  auto const known = [&](std::string_view place) {
    return std::any_of(issues.begin(), issues.end(), [&](Issue const& i) { return i.field == place; });
  };
  for (auto const& [place, text] : {std::pair{"/displayName", &ProfileChange::displayName},
                                    {"/firstName", &ProfileChange::firstName},
                                    {"/lastName", &ProfileChange::lastName},
                                    {"/phone", &ProfileChange::phone},
                                    {"/country", &ProfileChange::country},
                                    {"/language", &ProfileChange::language},
                                    {"/timeZone", &ProfileChange::timeZone}})
    if (known(place)) (change.*text).reset();
  auto const updated = service.update(c, meant->id, change, std::move(issues));
  if (!updated) return std::unexpected(updated.error());
  return Answer{.message = "Update user success.", .data = profile_json(updated->profile, updated->host, {}, meant->viewer)};
}

}  // namespace

std::vector<Route> profile_routes(ProfileService& service) {
  auto const bound = [&service](Result<Answer> (*run)(ProfileService&, Context&, Request&)) {
    return [&service, run](Context& c, Request& r) { return run(service, c, r); };
  };
  std::vector<Route> routes;
  routes.push_back({.method = Method::get,
                    .path = "/users/{userId}",
                    .family = Family::application,
                    .needs = Needs::member_or_user_key(Permission::read_own_profile),
                    .id = "user.get",
                    .summary = "Get user",
                    .description = "One's own profile in the community; its administrators may ask for any member's. Without flags all "
                                   "members of the answer are given, else those whose flag is true.",
                    .tag = "Application users",
                    .query = &api::Schema<ProfileFlags>::def,
                    .out = &api::Schema<ProfileOut>::def,
                    .errors = {&fealty::errors::kForbidden, &errors::kUserNotFound},
                    .handler = bound(read_user)});
  routes.push_back({.method = Method::patch,
                    .path = "/users/{userId}",
                    .family = Family::application,
                    .needs = Needs::member_or_user_key(Permission::update_own_profile),
                    .body = api::BodyKind::json,
                    .id = "user.update",
                    .summary = "Update user",
                    .description = "Changes what is given and leaves the rest. Oneself, or an administrator of the community.",
                    .tag = "Application users",
                    .in = &api::Schema<ProfileChange>::def,
                    .out = &api::Schema<ProfileOut>::def,
                    .errors = {&fealty::errors::kForbidden, &errors::kUserNotFound},
                    .handler = bound(update_user)});
  routes.push_back({.method = Method::get,
                    .path = "/communities/{communityId}/users",
                    .family = Family::application,
                    .needs = Needs::key({Permission::get_user_data}),
                    .id = "community.users",
                    .summary = "Get community users",
                    .description = "Members who have joined. nextCursor goes on behind the last one, however many there are.",
                    .tag = "Application users",
                    .query = &api::Schema<ProfileListQuery>::def,
                    .out = &api::Schema<ListedProfileOut>::def,
                    .list = true,
                    .errors = {&fealty::errors::kForbidden, &errors::kInvalidCursor},
                    .handler = bound(list_of_community)});
  routes.push_back({.method = Method::get,
                    .path = "/communities/{communityId}/users/{userId}",
                    .family = Family::application,
                    .needs = Needs::key({Permission::get_user_data}),
                    .id = "community.user",
                    .summary = "Get user of a community",
                    .description = "The profile of a member who has joined.",
                    .tag = "Application users",
                    .query = &api::Schema<ProfileFlags>::def,
                    .out = &api::Schema<ProfileOut>::def,
                    .errors = {&fealty::errors::kForbidden, &errors::kUserNotFound},
                    .handler = bound(read_of_community)});
  return routes;
}

}  // namespace fealty::members
