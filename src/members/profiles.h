// What the application shows of members, and what they and administrators change of it (identity.md "Application API").
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/context.h"
#include "api/route.h"
#include "api/schema.h"
#include "base/number_source.h"
#include "members/members.h"

namespace fealty::members {

// Where a browser finds an avatar: on the community's own host where it has one, else below the address that was asked.
std::string avatar_url(std::string_view community_host, std::string_view avatar_key);

struct Profile {
  MemberNo member;
  TimeMs account_created_at = 0;
  MembershipState state = MembershipState::active;  // as of now
  std::string username, email;
  std::optional<std::string> first_name, last_name, display_name, avatar, time_zone;
  std::int64_t hidden = 0;
  TimeMs joined_at = 0;
  std::optional<TimeMs> last_login;
  std::vector<std::string> roles, tags;  // in lists
  PublicId id() const { return PublicId::of(member.value, account_created_at); }
};

// Which members of the answer are wanted; none: all of them.
struct ProfileFlags {
  std::optional<bool> _id, id, avatar, displayName, username, firstName, lastName, email, isOnline, lastLogin;
};
struct ProfileListQuery {
  std::optional<std::int64_t> page, limit;
  std::optional<std::string> cursor, search, sort, role, tag, status;
  std::optional<bool> _id, id, avatar, displayName, username, firstName, lastName, email, isOnline, lastLogin;
  ProfileFlags flags() const { return {_id, id, avatar, displayName, username, firstName, lastName, email, isOnline, lastLogin}; }
};

// null and "" take a text away.
using TextChange = std::optional<std::optional<std::string>>;
struct HiddenChange {
  std::optional<bool> name, email;
};
struct ProfileChange {
  TextChange displayName, firstName, lastName, phone, country, language, timeZone;
  std::optional<HiddenChange> hidden;
};

// Documentation of the answers: their members are chosen by the flags.
struct ProfileOut {
  std::string _id;
  std::int64_t id = 0;
  std::optional<std::string> avatar, displayName;
  std::string username;
  std::optional<std::string> firstName, lastName;
  std::string email;
  bool isOnline = false;
  std::optional<std::string> lastLogin;
};
struct ListedProfileOut {
  std::string _id;
  std::int64_t id = 0;
  std::optional<std::string> avatar, displayName;
  std::string username;
  std::optional<std::string> firstName, lastName;
  std::string email;
  bool isOnline = false;
  std::optional<std::string> lastLogin;
  std::vector<std::string> roles, tags;
  std::string joinedAt, status;
};

struct ProfilePage {
  std::vector<Profile> items;
  std::string host;  // of the community
  std::int64_t total = 0, page = 1, limit = 20;
  std::optional<std::string> next_cursor;
};

// All functions from any thread.
class ProfileService {
 public:
  ProfileService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}

  struct One {
    Profile profile;
    std::string host;
  };
  // A member who has joined: active, suspended or banned.
  Result<One> read(CommunityNo community, PublicId user, TimeMs now);
  Result<ProfilePage> list(CommunityNo community, ProfileListQuery const& query, TimeMs now);
  // `issues`: what is wrong with the body already; told together with what is wrong with its values.
  Result<One> update(api::Context const& context, PublicId user, ProfileChange const& change, std::vector<Issue> issues);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
};

std::vector<api::Route> profile_routes(ProfileService& service);

}  // namespace fealty::members

#define FEALTY_PROFILE_FLAGS(T)                                                                                                       \
  field<&T::_id>("_id", "Asks for the id; without any of these flags everything is given."),                                          \
      field<&T::id>("id", "Asks for the short id."), field<&T::avatar>("avatar", "Asks for the address of the avatar."),              \
      field<&T::displayName>("displayName", "Asks for the display name."), field<&T::username>("username", "Asks for the username."), \
      field<&T::firstName>("firstName", "Asks for the first name."), field<&T::lastName>("lastName", "Asks for the last name."),      \
      field<&T::email>("email", "Asks for the e-mail."), field<&T::isOnline>("isOnline", "Asks whether the member is online."),       \
      field<&T::lastLogin>("lastLogin", "Asks for the time of the last sign-in.")
FEALTY_SCHEMA(fealty::members::ProfileFlags, FEALTY_PROFILE_FLAGS(fealty::members::ProfileFlags))
FEALTY_SCHEMA(fealty::members::ProfileListQuery,
              field<&fealty::members::ProfileListQuery::page>("page", "Page, from 1; not together with cursor.",
                                                              {.min = 1, .max = 1'000'000'000, .example = "1"}),
              field<&fealty::members::ProfileListQuery::limit>("limit", "Items of a page; 20 when not given.",
                                                               {.min = 1, .max = 100, .example = "20"}),
              field<&fealty::members::ProfileListQuery::cursor>("cursor", "nextCursor of the page before; good for 24 hours."),
              field<&fealty::members::ProfileListQuery::search>("search", "keyword:<v> — display name, username or e-mail that begins so.",
                                                                {.max = 200, .example = "\"keyword:mia\""}),
              field<&fealty::members::ProfileListQuery::sort>(
                  "sort",
                  "createdAt (the time of joining), displayName, lastLogin or xp, then :asc or :desc; createdAt:desc when not given.",
                  {.max = 40, .example = "\"createdAt:desc\""}),
              field<&fealty::members::ProfileListQuery::role>("role", "Title of a role that the members have.", {.max = 100}),
              field<&fealty::members::ProfileListQuery::tag>("tag", "Name of a tag that the members have.", {.max = 100}),
              field<&fealty::members::ProfileListQuery::status>("status",
                                                                "active, suspended, banned, comma-separated; all three when not given.",
                                                                {.max = 100, .example = "\"active\""}),
              FEALTY_PROFILE_FLAGS(fealty::members::ProfileListQuery))
#undef FEALTY_PROFILE_FLAGS
FEALTY_SCHEMA(fealty::members::HiddenChange,
              field<&fealty::members::HiddenChange::name>("name", "Whether first and last name show as --- to others."),
              field<&fealty::members::HiddenChange::email>("email", "Whether the e-mail shows as --- to others."))
FEALTY_SCHEMA(fealty::members::ProfileChange,
              field<&fealty::members::ProfileChange::displayName>("displayName", "1 to 50 characters.", {.max = 1'000}),
              field<&fealty::members::ProfileChange::firstName>("firstName", "Up to 50 characters; null takes it away.", {.max = 1'000}),
              field<&fealty::members::ProfileChange::lastName>("lastName", "Up to 50 characters; null takes it away.", {.max = 1'000}),
              field<&fealty::members::ProfileChange::phone>("phone", "5 to 32 digits and signs; null takes it away.", {.max = 1'000}),
              field<&fealty::members::ProfileChange::country>("country", "ISO 3166-1 code or English name; null takes it away.",
                                                              {.max = 1'000, .example = "\"SG\""}),
              field<&fealty::members::ProfileChange::language>("language", "BCP 47 code or English name; null takes it away.",
                                                               {.max = 1'000, .example = "\"en\""}),
              field<&fealty::members::ProfileChange::timeZone>("timeZone", "IANA time zone; null takes it away.",
                                                               {.max = 100, .example = "\"Europe/Berlin\""}),
              field<&fealty::members::ProfileChange::hidden>("hidden", "What others do not see."))
#define FEALTY_PROFILE_OUT(T)                                                                                                 \
  field<&T::_id>("_id", "Id."), field<&T::id>("id", "Short id.", {.example = "1203"}),                                        \
      field<&T::avatar>("avatar", "Address of the avatar, or null."), field<&T::displayName>("displayName", "Display name."), \
      field<&T::username>("username", "Username."), field<&T::firstName>("firstName", "First name; --- when hidden."),        \
      field<&T::lastName>("lastName", "Last name; --- when hidden."), field<&T::email>("email", "E-mail; --- when hidden."),  \
      field<&T::isOnline>("isOnline", "Whether the member is connected at the moment."),                                      \
      field<&T::lastLogin>("lastLogin", "Time of the last sign-in here, or null.")
FEALTY_SCHEMA(fealty::members::ProfileOut, FEALTY_PROFILE_OUT(fealty::members::ProfileOut))
FEALTY_SCHEMA(fealty::members::ListedProfileOut, FEALTY_PROFILE_OUT(fealty::members::ListedProfileOut),
              field<&fealty::members::ListedProfileOut::roles>("roles", "Titles of the member's roles, without @all."),
              field<&fealty::members::ListedProfileOut::tags>("tags", "Names of the member's tags."),
              field<&fealty::members::ListedProfileOut::joinedAt>("joinedAt", "Time of joining."),
              field<&fealty::members::ListedProfileOut::status>("status", "active, suspended or banned."))
#undef FEALTY_PROFILE_OUT
