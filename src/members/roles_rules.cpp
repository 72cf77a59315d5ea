#include "members/roles_rules.h"

#include "api/json_tree.h"
#include "api/json_writer.h"
#include "base/locale_names.h"
#include "base/text.h"
#include "members/moderation.h"

namespace fealty::members {
namespace {

constexpr std::size_t kTranslationsMax = 50;
// What nobody may have by merely being here (community.md).
constexpr std::int64_t kNotForEverybody = kServerAdministrator | bit_of(kServerPermissions, "kick_members") |
                                          bit_of(kServerPermissions, "ban_members") | kManageRoles |
                                          bit_of(kServerPermissions, "manage_channels");

std::optional<std::size_t> place_of(std::span<std::string_view const> names, std::string_view name) {
  // The older form of one name.
  if (name == "overwrite_language") name = "overwrite_language_settings";
  auto const found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - names.begin()));
}

// Both spellings of one member, put over the bits that are there.
void read_permissions(std::span<std::string_view const> names,
                      std::initializer_list<std::pair<std::string_view, api::Json const*>> spellings, std::int64_t& bits,
                      std::vector<Issue>& issues) {
  std::vector<std::optional<bool>> said(names.size());
  for (auto const& [member, json] : spellings) {
    if (json->text.empty()) continue;
    std::string const place = "/" + std::string(member);
    api::JsonTree tree;
    std::vector<Issue> ignored;  // the body as a whole was parsed before
    tree.parse(json->text, ignored);
    if (tree.root().kind() != api::JsonKind::object) {
      api::add_issue(issues, {place, "wrong_type", std::string(member) + " is an object of permissions, each true or false."});
      continue;
    }
    for (auto const value : tree.root()) {
      std::string at = place;
      api::append_pointer(at, value.name());
      auto const index = place_of(names, value.name());
      if (!index) {
        api::add_issue(issues, {std::move(at), "unknown_permission", "There is no permission \"" + std::string(value.name()) + "\"."});
      } else if (value.kind() != api::JsonKind::boolean) {
        api::add_issue(issues, {std::move(at), "wrong_type", std::string(value.name()) + " is true or false."});
      } else if (said[*index] && *said[*index] != value.truth()) {
        api::add_issue(issues,
                       {std::move(at), "contradiction", std::string(names[*index]) + " is given in two spellings with different values."});
      } else {
        said[*index] = value.truth();
      }
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i)
    if (said[i]) bits = *said[i] ? bits | std::int64_t{1} << i : bits & ~(std::int64_t{1} << i);
}

bool is_title(std::string_view title) {
  return !title.empty() && code_points(title) <= 50 && title.find(',') == std::string_view::npos && !has_control_characters(title, false);
}

void read_translations(api::Json const& json, RoleRow& role, std::vector<Issue>& issues) {
  if (json.text.empty()) return;
  api::JsonTree tree;
  std::vector<Issue> ignored;
  tree.parse(json.text, ignored);
  auto const wrong = [&](std::string place, std::string message) {
    api::add_issue(issues, {std::move(place), "bad_value", std::move(message)});
  };
  if (tree.root().kind() != api::JsonKind::object || tree.root().size() > kTranslationsMax)
    return wrong("/titleTranslations", "titleTranslations is an object of up to 50 titles by language code.");
  std::map<std::string, std::string> titles;
  for (auto const value : tree.root()) {
    std::string place = "/titleTranslations";
    api::append_pointer(place, value.name());
    auto const language = find_language(value.name());
    auto const title = to_nfc(trim_space(value.text()));
    if (!language)
      wrong(std::move(place), "\"" + std::string(value.name()) + "\" is not a language such as en or pt-BR.");
    else if (value.kind() != api::JsonKind::string || !is_title(title))
      wrong(std::move(place), "A title has 1 to 50 characters, no comma, and stands on one line.");
    else
      titles.insert_or_assign(*language, title);
  }
  api::JsonWriter w;
  w.begin_object();
  for (auto const& [language, title] : titles) w.key(language).string(title);
  role.title_translations = w.end_object().take();
}

std::unexpected<Error> too_low() {
  return fail(errors::kRankTooLow, "This role does not rank below you; only who ranks higher changes it, gives it and takes it.");
}

// The first permission that is granted and not held.
std::optional<std::string_view> missing(std::span<std::string_view const> names, std::int64_t granted, std::int64_t held) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (granted & ~held & std::int64_t{1} << i) return names[i];
  return std::nullopt;
}
std::unexpected<Error> not_held(std::string_view name) {
  return fail(errors::kPermissionNotHeld, "You cannot give the permission " + std::string(name) + ": you do not have it yourself.");
}

}  // namespace

Rank rank_of(RoleRow const& role) {
  return {role.server_permissions & kServerAdministrator ? Rank::Tier::administrator : Rank::Tier::member, role.order};
}

Result<void> may_change(RoleKeeper const& keeper, RoleRow const* before, RoleRow const* after) {
  for (auto const* role : {before, after})
    // @all ranks below everybody, also below who has nothing else of that order.
    if (role && !(role->is_base() ? Rank{Rank::Tier::member, -1} < keeper.rank : rank_of(*role) < keeper.rank)) return too_low();
  if (!after) return {};
  auto const server = after->server_permissions & ~(before ? before->server_permissions : 0);
  auto const channel = after->channel_permissions & ~(before ? before->channel_permissions : 0);
  if (server & kServerAdministrator && !keeper.may_make_administrators)
    return fail(errors::kPermissionNotHeld, "Only the owner, or the system key, makes a role that administers the community.");
  if (auto name = missing(kServerPermissions, server, keeper.server_permissions)) return not_held(*name);
  if (auto name = missing(kChannelPermissions, channel, keeper.channel_permissions)) return not_held(*name);
  return {};
}

Result<void> may_give(RoleKeeper const& keeper, RoleRow const& role) {
  if (!(rank_of(role) < keeper.rank)) return too_low();
  if (auto name = missing(kServerPermissions, role.server_permissions, keeper.server_permissions)) return not_held(*name);
  return {};
}

Result<void> may_take(RoleKeeper const& keeper, RoleRow const& role, Rank const& member, bool from_himself) {
  // Anybody may give up what he has.
  if (from_himself) return {};
  if (!(rank_of(role) < keeper.rank)) return too_low();
  if (!(member < keeper.rank)) return fail(errors::kRankTooLow, "This member does not rank below you.");
  return {};
}

void read_role(RoleIn const& in, RoleRow& role, std::vector<Issue>& issues) {
  auto const wrong = [&](std::string place, std::string code, std::string message) {
    api::add_issue(issues, {std::move(place), std::move(code), std::move(message)});
  };
  bool const is_base = role.is_base();
  if (in.title) {
    auto title = to_nfc(trim_space(*in.title));
    if (!is_base && (!is_title(title) || title == "@all"))
      wrong("/title", "bad_value", "A role's title has 1 to 50 characters, no comma, and is not @all.");
    role.title = std::move(title);
  }
  if (in.description) role.description = to_nfc(trim_space(*in.description));
  if (in.colour) role.colour = to_nfc(trim_space(*in.colour));
  if (in.order) role.order = *in.order;
  if (in.billable) role.billable = *in.billable;
  read_permissions(kServerPermissions, {{"server_permissions", &in.server_permissions}, {"serverPermissions", &in.serverPermissions}},
                   role.server_permissions, issues);
  read_permissions(kChannelPermissions, {{"channel_permissions", &in.channel_permissions}, {"channelPermissions", &in.channelPermissions}},
                   role.channel_permissions, issues);
  read_translations(in.titleTranslations, role, issues);
  if (auto const name = is_base ? missing(kServerPermissions, role.server_permissions, ~kNotForEverybody) : std::nullopt)
    wrong("/serverPermissions/" + std::string(*name), "not_for_everybody", "Not everybody can have " + std::string(*name) + ".");
}

std::string permissions_json(std::span<std::string_view const> names, std::int64_t bits) {
  api::JsonWriter w;
  w.begin_object();
  for (std::size_t i = 0; i < names.size(); ++i) w.key(names[i]).boolean((bits & std::int64_t{1} << i) != 0);
  return w.end_object().take();
}

RoleOut shown_role(RoleRow const& r, PublicId community, std::int64_t members) {
  RoleOut out;
  out._id = r.id().to_string();
  out.order = r.order;
  out.billable = r.billable;
  out.title = r.title;
  out.description = r.description;
  out.serverPermissions.text = permissions_json(kServerPermissions, r.server_permissions);
  out.channelPermissions.text = permissions_json(kChannelPermissions, r.channel_permissions);
  out.colour = r.colour;
  out.serverId = community.to_string();
  out.createdAt = to_iso(r.created_at);
  out.updatedAt = to_iso(r.updated_at);
  out.version = r.version;
  out.titleTranslations.text = r.title_translations;
  out.memberCount = members;
  return out;
}

}  // namespace fealty::members
