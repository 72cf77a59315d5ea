// What the users operations of integrations take and give.
#pragma once
#include "api/schema.h"

namespace fealty::members {

// ---- Get User Data ----

struct UserInfoIn {
  std::string idOrEmail;
};
struct UserInfo {
  std::string userId, _id, username, email;
  Decimal xp, coins, premiumCurrency;
  std::vector<std::string> roles;
  std::string highestRole;
  std::optional<std::string> firstName, lastName, displayName;
  Decimal xpEarnedToday, coinsEarnedToday;
  std::optional<std::string> language, avatar, phone, country;
  std::int64_t totalMessages = 0, totalReactions = 0, visitCount = 0, replySent = 0, timeSpent = 0, loginStreak = 0;
  api::Json customFields;
  std::vector<std::string> tags;
  std::string joinedAt;
  std::optional<std::string> lastOnline;
  std::string status;
  std::optional<std::string> suspendedUntil, referredBy;
};

// ---- Create New User ----

struct CustomFieldIn {
  std::string fieldIdorName;
  api::Json value;
};
struct CreateUserIn {
  std::string firstname, lastname, displayname, username, email;
  std::int64_t accessLevel = 0;
  bool joinServer = false;
  std::optional<bool> sendEmail, emailPassword;
  std::optional<std::string> emailTemplate, password, confirmPassword;
  std::optional<std::vector<CustomFieldIn>> customFields;
  std::optional<std::string> externalId, referral;
};
struct CreateUserOut {
  std::string userId, _id, username, email, status, emailPassword;
  std::vector<std::string> warnings;
};

// ---- Manage User Account, moderation ----

struct ManageUserIn {
  std::string action, user;
};
struct ManageUserOut {
  std::string action, user, userId;
};
inline constexpr std::string_view kManageActions[] = {"delete", "restore"};
inline constexpr std::string_view kModerationActions[] = {"warn", "suspend", "ban", "kick", "lift"};
struct ModerateIn {
  std::string action, user, reason;
  std::optional<std::string> until;
};
struct ModerationQuery {
  std::string user;
  std::int64_t page = 1, limit = 20;
};
struct MisconductUser {
  std::string userId, _id, username;
};
struct MisconductActor {
  std::string type, id, name;
};
struct MisconductOut {
  std::string _id, action;
  MisconductUser user;
  std::string reason;
  std::optional<std::string> until;
  std::string status;
  MisconductActor actor;
  std::string createdAt;
};

// ---- Activity ----

inline constexpr std::string_view kIdentifierTypes[] = {"email", "id", "username"};
struct ActivityIn {
  std::string identifier;
  std::optional<std::string> identifier_type;
  std::optional<std::int64_t> days;
};
struct ActivityRange {
  std::string start_date, end_date;
};
struct ActivityTotals {
  std::int64_t messages = 0, replies = 0, reaction = 0, socials = 0;
};
struct ActivityDay {
  std::string date;
  std::int64_t messages = 0, replies = 0, reaction = 0, socials = 0;
};
struct ActivityOut {
  std::string user_id;
  ActivityRange range;
  ActivityTotals totals;
  std::vector<ActivityDay> daily_stats;
};

// ---- Get Users with Filters ----

struct FilterIn {
  std::optional<std::vector<std::string>> fields;
  std::optional<api::Json> filter;
  std::optional<std::string> cursor;
  std::optional<std::int64_t> page;
};
struct FilterOut {
  std::vector<api::Json> users;
  std::int64_t total = 0, total_pages = 0, current_page = 1;
  std::optional<std::string> next_cursor;
};

}  // namespace fealty::members

namespace fealty::api {
using members::kIdentifierTypes;
using members::kManageActions;
using members::kModerationActions;
}  // namespace fealty::api

#define FEALTY_U(T, name, ...) field<&fealty::members::T::name>(#name, __VA_ARGS__)
#define FEALTY_NAMED_REFERENCE {.min = 1, .max = 320, .required = true, .example = "\"ana@example.org\""}

FEALTY_SCHEMA(fealty::members::UserInfoIn,
              FEALTY_U(UserInfoIn, idOrEmail, "E-mail, short id, _id or username; id: and username: settle what it is.",
                       FEALTY_NAMED_REFERENCE))
FEALTY_SCHEMA(fealty::members::UserInfo, FEALTY_U(UserInfo, userId, "Short id."), FEALTY_U(UserInfo, username, "Username."),
              FEALTY_U(UserInfo, xp, "XP."), FEALTY_U(UserInfo, coins, "Coins."),
              FEALTY_U(UserInfo, roles, "Names of the roles, the highest first; @all, which everybody has, is not among them."),
              FEALTY_U(UserInfo, highestRole, "The first of roles; @all when there is none."),
              FEALTY_U(UserInfo, firstName, "First name; --- when hidden."), FEALTY_U(UserInfo, lastName, "Last name; --- when hidden."),
              FEALTY_U(UserInfo, xpEarnedToday, "XP earned since midnight in the community's time zone."),
              FEALTY_U(UserInfo, coinsEarnedToday, "Coins earned since midnight in the community's time zone."),
              FEALTY_U(UserInfo, language, "English name of the language.", {.example = "\"English\""}),
              FEALTY_U(UserInfo, totalMessages, "Messages written; 0 until messages exist."),
              FEALTY_U(UserInfo, totalReactions, "Reactions given; 0 until messages exist."),
              FEALTY_U(UserInfo, visitCount, "Visits; 0 until visits are counted."),
              FEALTY_U(UserInfo, replySent, "Replies written; 0 until messages exist."),
              FEALTY_U(UserInfo, timeSpent, "Seconds spent; 0 until visits are counted."),
              FEALTY_U(UserInfo, loginStreak, "Days in a row; 0 until visits are counted."),
              FEALTY_U(UserInfo, customFields, "Every custom field by its key; null when empty."),
              FEALTY_U(UserInfo, _id, "Id of the account."), FEALTY_U(UserInfo, email, "E-mail; --- when hidden."),
              FEALTY_U(UserInfo, displayName, "Display name."), FEALTY_U(UserInfo, avatar, "Address of the picture."),
              FEALTY_U(UserInfo, phone, "Phone."), FEALTY_U(UserInfo, country, "Two-letter code.", {.example = "\"SG\""}),
              FEALTY_U(UserInfo, premiumCurrency, "Premium Currency."), FEALTY_U(UserInfo, tags, "Names of the tags."),
              FEALTY_U(UserInfo, joinedAt, "When the member joined.", {.format = "date-time"}),
              FEALTY_U(UserInfo, lastOnline, "When the member was last seen.", {.format = "date-time"}),
              FEALTY_U(UserInfo, status, "active, invited, suspended or banned."),
              FEALTY_U(UserInfo, suspendedUntil, "When the suspension ends by itself.", {.format = "date-time"}),
              FEALTY_U(UserInfo, referredBy, "Short id of the member who referred this one."))

FEALTY_SCHEMA(fealty::members::CustomFieldIn,
              FEALTY_U(CustomFieldIn, fieldIdorName, "_id, key or name of a custom field.", {.min = 1, .max = 100, .required = true}),
              FEALTY_U(CustomFieldIn, value, "A value of the field's type; null for none.", {.required = true, .example = "\"gold\""}))
FEALTY_SCHEMA(fealty::members::CreateUserIn,
              FEALTY_U(CreateUserIn, firstname, "First name.", {.min = 1, .max = 50, .required = true, .example = "\"Mia\""}),
              FEALTY_U(CreateUserIn, lastname, "Last name.", {.min = 1, .max = 50, .required = true, .example = "\"Lee\""}),
              FEALTY_U(CreateUserIn, displayname, "Display name.", {.min = 1, .max = 50, .required = true, .example = "\"Mia L.\""}),
              FEALTY_U(CreateUserIn, username, "3 to 50 of A-Z a-z 0-9 . _ -, unique without case.",
                       {.required = true, .example = "\"mia\""}),
              FEALTY_U(CreateUserIn, email, "E-mail, unique without case.",
                       {.max = 320, .format = "email", .required = true, .example = "\"mia@example.org\""}),
              FEALTY_U(CreateUserIn, accessLevel, "Number of an access level; 0 is always there.",
                       {.min = 0, .required = true, .example = "0"}),
              FEALTY_U(CreateUserIn, joinServer, "true: a full member at once; false: invited.", {.required = true, .example = "true"}),
              FEALTY_U(CreateUserIn, sendEmail, "Sends a mail with a link to claim the account or to accept the invitation."),
              FEALTY_U(CreateUserIn, emailPassword, "Sends a mail with a link to set a password."),
              FEALTY_U(CreateUserIn, emailTemplate, "Template of the mail: 0, the active one.", {.max = 64}),
              FEALTY_U(CreateUserIn, password, "Password for this community alone."),
              FEALTY_U(CreateUserIn, confirmPassword, "The same again; needed with password."),
              FEALTY_U(CreateUserIn, customFields, "Values of custom fields.", {.max = 1'000}),
              FEALTY_U(CreateUserIn, externalId, "Value of the community's one field that identifies members.", {.min = 1, .max = 255}),
              FEALTY_U(CreateUserIn, referral, "The member who referred this one: short id, _id, e-mail or username.", {.max = 320}))
FEALTY_SCHEMA(fealty::members::CreateUserOut, FEALTY_U(CreateUserOut, userId, "Short id."),
              FEALTY_U(CreateUserOut, _id, "Id of the account."), FEALTY_U(CreateUserOut, username, "Username of the account."),
              FEALTY_U(CreateUserOut, email, "E-mail of the account."), FEALTY_U(CreateUserOut, status, "active or invited."),
              FEALTY_U(CreateUserOut, emailPassword, "What the mail about the password holds: link, password or none."),
              FEALTY_U(CreateUserOut, warnings, "username_kept, unknown_referral."))

FEALTY_SCHEMA(fealty::members::ManageUserIn,
              FEALTY_U(ManageUserIn, action, "delete or restore.", {.one_of = kManageActions, .required = true}),
              FEALTY_U(ManageUserIn, user, "E-mail, short id, _id or username.", FEALTY_NAMED_REFERENCE))
FEALTY_SCHEMA(fealty::members::ManageUserOut, FEALTY_U(ManageUserOut, action, "As sent."), FEALTY_U(ManageUserOut, user, "As sent."),
              FEALTY_U(ManageUserOut, userId, "Short id."))
FEALTY_SCHEMA(fealty::members::ModerateIn,
              FEALTY_U(ModerateIn, action, "warn, suspend, ban, kick or lift.", {.one_of = kModerationActions, .required = true}),
              FEALTY_U(ModerateIn, user, "E-mail, short id, _id or username.", FEALTY_NAMED_REFERENCE),
              FEALTY_U(ModerateIn, reason, "Why.", {.min = 1, .max = 500, .format = "multi-line", .required = true}),
              FEALTY_U(ModerateIn, until, "End of a suspension; absent: until it is lifted.", {.format = "date-time"}))
FEALTY_SCHEMA(fealty::members::ModerationQuery,
              FEALTY_U(ModerationQuery, user, "E-mail, short id, _id or username.", FEALTY_NAMED_REFERENCE),
              field<&fealty::members::ModerationQuery::page>("page", "Page, from 1.", {.min = 1, .max = 1'000'000, .example = "1"}),
              field<&fealty::members::ModerationQuery::limit>("limit", "Items of a page; 20 when not given.",
                                                              {.min = 1, .max = 100, .example = "20"}))
FEALTY_SCHEMA(fealty::members::MisconductUser, FEALTY_U(MisconductUser, userId, "Short id."),
              FEALTY_U(MisconductUser, _id, "Id of the account."), FEALTY_U(MisconductUser, username, "Username."))
FEALTY_SCHEMA(fealty::members::MisconductActor, FEALTY_U(MisconductActor, type, "api_key, system_key or user."),
              FEALTY_U(MisconductActor, id, "Id of the key or the account."),
              FEALTY_U(MisconductActor, name, "Name of the key or the person."))
FEALTY_SCHEMA(fealty::members::MisconductOut, FEALTY_U(MisconductOut, _id, "Id of the record."),
              FEALTY_U(MisconductOut, action, "What was done."), FEALTY_U(MisconductOut, user, "To whom."),
              FEALTY_U(MisconductOut, reason, "Why."), FEALTY_U(MisconductOut, until, "End of a suspension.", {.format = "date-time"}),
              FEALTY_U(MisconductOut, status, "The member's present status."), FEALTY_U(MisconductOut, actor, "By whom."),
              FEALTY_U(MisconductOut, createdAt, "When.", {.format = "date-time"}))

FEALTY_SCHEMA(fealty::members::ActivityIn, FEALTY_U(ActivityIn, identifier, "Names the member.", FEALTY_NAMED_REFERENCE),
              FEALTY_U(ActivityIn, identifier_type, "email when absent.", {.one_of = kIdentifierTypes}),
              FEALTY_U(ActivityIn, days, "How many days, ending today; 30 when absent.", {.min = 1, .max = 366, .example = "30"}))
FEALTY_SCHEMA(fealty::members::ActivityRange, FEALTY_U(ActivityRange, start_date, "The first day.", {.format = "date"}),
              FEALTY_U(ActivityRange, end_date, "Today in the community's time zone.", {.format = "date"}))
#define FEALTY_COUNTS(T)                                                                                                           \
  FEALTY_U(T, messages, "Messages written."), FEALTY_U(T, replies, "Replies written."), FEALTY_U(T, reaction, "Reactions given."), \
      FEALTY_U(T, socials, "Follows, likes, comments and shares.")
FEALTY_SCHEMA(fealty::members::ActivityTotals, FEALTY_COUNTS(ActivityTotals))
FEALTY_SCHEMA(fealty::members::ActivityDay, FEALTY_U(ActivityDay, date, "The day.", {.format = "date"}), FEALTY_COUNTS(ActivityDay))
#undef FEALTY_COUNTS
FEALTY_SCHEMA(fealty::members::ActivityOut, FEALTY_U(ActivityOut, user_id, "Short id."),
              FEALTY_U(ActivityOut, range, "First and last day."), FEALTY_U(ActivityOut, totals, "Sums of the days."),
              FEALTY_U(ActivityOut, daily_stats, "One entry a day, the newest first."))

FEALTY_SCHEMA(fealty::members::FilterIn,
              FEALTY_U(FilterIn, fields, "Columns of the answer; the six published ones with user_id and username when absent.",
                       {.max = 300}),
              FEALTY_U(FilterIn, filter, "Conditions by column: a value, null, or {gte, lte}.",
                       {.example = "{\"xp\":{\"gte\":100},\"country\":\"SG\"}"}),
              FEALTY_U(FilterIn, cursor, "next_cursor of the page before; excludes page.", {.max = 512}),
              FEALTY_U(FilterIn, page, "Page, from 1 to 5,000.", {.min = 1, .example = "1"}))
FEALTY_SCHEMA(fealty::members::FilterOut,
              FEALTY_U(FilterOut, users, "Up to 200 members, by the time of their joining, with the asked columns."),
              FEALTY_U(FilterOut, total, "Members that fit the filter."), FEALTY_U(FilterOut, total_pages, "Pages of 200."),
              FEALTY_U(FilterOut, current_page, "This page."),
              FEALTY_U(FilterOut, next_cursor, "For the next page; absent on the last one.", {.omit_empty = true}))

#undef FEALTY_U
#undef FEALTY_NAMED_REFERENCE
