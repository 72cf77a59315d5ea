// Roles: what they allow, who may change them and give them to whom (community.md "Roles and permissions", "Hierarchy"), and tags.
//
// Rank and rights are read in the transaction of the change, behind a lock of the community that all changes of roles take: two
// requests at once cannot lend each other what neither has.
#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "access/once.h"
#include "api/route.h"
#include "api/schema.h"
#include "api/typed.h"
#include "base/number_source.h"
#include "members/fields.h"
#include "members/members.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kRoleNotFound{"role_not_found", 404};
inline constexpr ErrorDef kRoleExists{"role_exists", 409};
inline constexpr ErrorDef kTooManyRoles{"too_many_roles", 409};
inline constexpr ErrorDef kBaseRole{"base_role", 409};
inline constexpr ErrorDef kPermissionNotHeld{"permission_not_held", 403};
inline constexpr ErrorDef kTagNotFound{"tag_not_found", 404};
inline constexpr ErrorDef kTagExists{"tag_exists", 409};
inline constexpr ErrorDef kTooManyTags{"too_many_tags", 409};
}  // namespace errors

// Their places are the bit numbers in storage: append, never reorder.
inline constexpr std::string_view kServerPermissions[] = {"allow_dm",
                                                          "create_invite",
                                                          "kick_members",
                                                          "ban_members",
                                                          "manage_roles",
                                                          "manage_channels",
                                                          "server_administrator",
                                                          "warn_members",
                                                          "suspend_members",
                                                          "broadcast_messages",
                                                          "overwrite_language_settings"};
inline constexpr std::string_view kChannelPermissions[] = {"view_message_history", "manage_messages",  "allow_mentions",  "post_messages",
                                                           "post_analysis",        "attach_files",     "delete_messages", "pinable",
                                                           "share_links",          "share_Attachments"};
constexpr std::int64_t bit_of(std::span<std::string_view const> names, std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return std::int64_t{1} << i;
  throw "no such permission";
}
inline constexpr std::int64_t kServerAdministrator = bit_of(kServerPermissions, "server_administrator");
inline constexpr std::int64_t kManageRoles = bit_of(kServerPermissions, "manage_roles");
inline constexpr std::int64_t kAllServerPermissions = (std::int64_t{1} << std::size(kServerPermissions)) - 1;
inline constexpr std::int64_t kAllChannelPermissions = (std::int64_t{1} << std::size(kChannelPermissions)) - 1;
// What @all begins with.
inline constexpr std::int64_t kBaseServerPermissions = bit_of(kServerPermissions, "allow_dm");
inline constexpr std::int64_t kBaseChannelPermissions = bit_of(kChannelPermissions, "view_message_history") |
                                                        bit_of(kChannelPermissions, "post_messages") |
                                                        bit_of(kChannelPermissions, "share_links");

inline constexpr std::size_t kRolesMax = 250, kTagsMax = 1'000, kTagsPerMemberMax = 100;
inline constexpr std::int64_t kRoleOrderMax = 1'000'000;

// What is absent stays, or is off for a new role. Permissions come in either spelling.
struct RoleIn {
  std::optional<std::string> title, description, colour;
  std::optional<std::int64_t> order;
  std::optional<bool> billable;
  api::Json server_permissions, serverPermissions, channel_permissions, channelPermissions, titleTranslations;
  std::optional<std::int64_t> ifVersion;
};
struct RoleOut {
  std::string _id;
  std::int64_t order = 0;
  bool billable = false;
  std::string title, description;
  api::Json serverPermissions, channelPermissions;
  std::string colour, serverId, createdAt, updatedAt;
  std::int64_t version = 0;
  api::Json titleTranslations;
  std::int64_t memberCount = 0;
};
struct RoleMemberIn {
  std::string userId;
};

enum class Move : std::uint8_t { give, take };

// Any thread.
class RolesService {
 public:
  RolesService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}
  // The highest first.
  Result<std::vector<RoleOut>> list(api::Context const& context);
  Result<api::Answer> create(api::Context const& context, RoleIn const& in, std::optional<access::OnceKey> const& key);
  Result<RoleOut> change(api::Context const& context, PublicId id, RoleIn const& in);
  // Leaves all members and access levels in the same transaction.
  Result<RoleOut> remove(api::Context const& context, PublicId id);
  Result<std::vector<RoleOut>> of_user(api::Context const& context, std::string const& user);
  Result<api::Answer> move(api::Context const& context, PublicId id, std::string const& user, Move move,
                           std::optional<access::OnceKey> const& key);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
};

// Edits the role or tag set of a member, by the numbers in it, with its history, by the one write path. He is locked while it is read
// and written; whether the caller may is for him to ask. False when it is what it was.
bool edit_member_set(sql::Tx& tx, NumberSource& numbers, api::Context const& context, MemberNo member, Slot::Kind kind,
                     std::function<void(std::set<std::int64_t>&)> const& edit);

struct TagIn {
  std::string name;
};
struct TagOut {
  std::string _id, name, createdAt, updatedAt;
  std::int64_t memberCount = 0;
};
// The tags of one member.
struct MemberTagsOut {
  std::string userId;
  std::vector<std::string> tags;
};
class TagsService {
 public:
  TagsService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}
  std::vector<TagOut> list(api::Context const& context);
  Result<api::Answer> create(api::Context const& context, TagIn const& in, std::optional<access::OnceKey> const& key);
  Result<TagOut> change(api::Context const& context, PublicId id, TagIn const& in);
  Result<TagOut> remove(api::Context const& context, PublicId id);
  Result<api::Answer> move(api::Context const& context, PublicId id, std::string const& user, Move move,
                           std::optional<access::OnceKey> const& key);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
};

std::vector<api::Route> roles_routes(RolesService& service);
std::vector<api::Route> tags_routes(TagsService& service);

}  // namespace fealty::members

#define FEALTY_F(T, name, ...) field<&fealty::members::T::name>(#name, __VA_ARGS__)
FEALTY_SCHEMA(fealty::members::RoleIn, FEALTY_F(RoleIn, title, "1 to 50 characters without a comma, unique.", {.min = 1, .max = 50}),
              FEALTY_F(RoleIn, description, "Up to 500 characters.", {.max = 500, .format = "multi-line"}),
              field<&fealty::members::RoleIn::colour>("class", "Colour.", {.max = 50, .example = "\"#c0392b\""}),
              FEALTY_F(RoleIn, order, "Rank; larger ranks higher.", {.min = 0, .max = 1'000'000}),
              FEALTY_F(RoleIn, billable, "Kept as it is given."),
              FEALTY_F(RoleIn, server_permissions, "Permissions by name, true or false; also serverPermissions."),
              FEALTY_F(RoleIn, serverPermissions, "The other spelling of server_permissions."),
              FEALTY_F(RoleIn, channel_permissions, "Permissions by name, true or false; also channelPermissions."),
              FEALTY_F(RoleIn, channelPermissions, "The other spelling of channel_permissions."),
              FEALTY_F(RoleIn, titleTranslations, "Titles by language code."),
              FEALTY_F(RoleIn, ifVersion, "Changes only what still has this __v.", {.min = 0}))
FEALTY_SCHEMA(fealty::members::RoleOut, FEALTY_F(RoleOut, _id, "Id of the role."), FEALTY_F(RoleOut, order, "Rank; larger ranks higher."),
              FEALTY_F(RoleOut, billable, "As it was given."), FEALTY_F(RoleOut, title, "Title; @all belongs to everybody."),
              FEALTY_F(RoleOut, description, "Description."), FEALTY_F(RoleOut, serverPermissions, "Every permission by name."),
              FEALTY_F(RoleOut, channelPermissions, "Every permission by name."),
              field<&fealty::members::RoleOut::colour>("class", "Colour."), FEALTY_F(RoleOut, serverId, "Id of the community."),
              FEALTY_F(RoleOut, createdAt, "When it was made.", {.format = "date-time"}),
              FEALTY_F(RoleOut, updatedAt, "When it was last changed.", {.format = "date-time"}),
              field<&fealty::members::RoleOut::version>("__v", "How often it was changed."),
              FEALTY_F(RoleOut, titleTranslations, "Titles by language code."), FEALTY_F(RoleOut, memberCount, "Members who have it."))
FEALTY_SCHEMA(fealty::members::RoleMemberIn,
              FEALTY_F(RoleMemberIn, userId, "Short id of the member.", {.max = 100, .required = true, .example = "\"1203\""}))
FEALTY_SCHEMA(fealty::members::MemberTagsOut, FEALTY_F(MemberTagsOut, userId, "Short id of the member."),
              FEALTY_F(MemberTagsOut, tags, "Names of the tags that he has now."))
FEALTY_SCHEMA(fealty::members::TagIn,
              FEALTY_F(TagIn, name, "1 to 50 characters without a comma, unique.", {.min = 1, .max = 50, .required = true}))
FEALTY_SCHEMA(fealty::members::TagOut, FEALTY_F(TagOut, _id, "Id of the tag."), FEALTY_F(TagOut, name, "Name."),
              FEALTY_F(TagOut, createdAt, "When it was made.", {.format = "date-time"}),
              FEALTY_F(TagOut, updatedAt, "When it was last changed.", {.format = "date-time"}),
              FEALTY_F(TagOut, memberCount, "Members who have it."))
#undef FEALTY_F
