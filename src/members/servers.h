// Communities as the API knows them: "servers" that are made, listed and changed (community.md "Servers"), and how every
// community begins.
#pragma once
#include "access/once.h"
#include "api/route.h"
#include "api/schema.h"
#include "api/typed.h"
#include "base/number_source.h"
#include "members/members.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kVersionConflict{"version_conflict", 409};
inline constexpr ErrorDef kTooManyCommunities{"too_many_communities", 409};
}  // namespace errors

// Of one owner: a bound for installations where everybody may make communities.
inline constexpr std::int64_t kCommunitiesPerOwnerMax = 100;
inline constexpr std::size_t kLanguagesMax = 50;

// Who may make communities over the API: operators, or everybody whose account is claimed.
enum class WhoCreates : std::uint8_t { operators, claimed };
bool may_create_communities(sql::Tx& tx, MemberNo account, WhoCreates who);
// An account of the installation's operator: what concerns the installation as a whole is open to it.
bool is_operator(sql::Tx& tx, MemberNo account);

// Brings the texts into their form, and notes what is wrong; `prefix` stands in front of the names ("/" for JSON Pointers).
void check_community(NewCommunity& community, std::string_view prefix, std::vector<Issue>& issues);
// The owner: an account that is there, and how it is called in the new community.
struct Founder {
  MemberNo account;
  std::string first_name, last_name, display_name;  // empty: none
};
struct FoundCommunity {
  CommunityNo number;
  PublicId id;
};
// All that a community begins with: the owner's membership, @all, the currencies, an audit entry.
FoundCommunity found_community(sql::Tx& tx, NumberSource& numbers, NewCommunity const& checked, Founder const& owner,
                               access::Actor const& actor, std::string const& remote_address, TimeMs now);

struct ServerIn {
  std::string title;
  std::optional<std::string> description, timeZone, defaultLanguage;
  std::optional<std::vector<std::string>> languages;
  std::optional<bool> isPublic;
};
struct ServerChange {
  std::optional<std::string> title, description, timeZone, defaultLanguage;
  std::optional<std::vector<std::string>> languages;
  std::optional<bool> isPublic;
  std::optional<std::int64_t> ifVersion;
};
struct ServerOut {
  std::string _id, title, description;
  std::optional<std::string> logo;
  std::string userId, createdAt, updatedAt;
  std::int64_t version = 0;
  std::string timeZone, defaultLanguage;
  std::vector<std::string> languages;
  bool isPublic = false;
  std::int64_t memberCount = 0;
};

// Any thread.
class ServersService {
 public:
  ServersService(sql::Database& database, NumberSource& numbers, WhoCreates who) : database_(database), numbers_(numbers), who_(who) {}

  Result<api::Answer> create(api::Context const& context, ServerIn const& in, std::optional<access::OnceKey> const& key);
  // The key's one, or those where the person is owner or active member.
  std::vector<ServerOut> list(api::Context const& context);
  Result<ServerOut> change(api::Context const& context, ServerChange const& in);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
  WhoCreates who_;
};

std::vector<api::Route> servers_routes(ServersService& service);

}  // namespace fealty::members

#define FEALTY_F(T, name, ...) field<&fealty::members::T::name>(#name, __VA_ARGS__)
FEALTY_SCHEMA(fealty::members::ServerIn, FEALTY_F(ServerIn, title, "1 to 100 characters.", {.min = 1, .max = 100, .required = true}),
              FEALTY_F(ServerIn, description, "Up to 1,000 characters.", {.max = 1'000, .format = "multi-line"}),
              FEALTY_F(ServerIn, timeZone, "IANA time zone whose midnight begins a day; UTC when absent.",
                       {.example = "\"Europe/Berlin\""}),
              FEALTY_F(ServerIn, defaultLanguage, "BCP 47 code; en when absent.", {.example = "\"en\""}),
              FEALTY_F(ServerIn, languages, "Codes of the languages that it speaks; the default one is always among them.", {.max = 50}),
              FEALTY_F(ServerIn, isPublic, "Whether it may be listed in public."))
FEALTY_SCHEMA(fealty::members::ServerChange, FEALTY_F(ServerChange, title, "1 to 100 characters.", {.min = 1, .max = 100}),
              FEALTY_F(ServerChange, description, "Up to 1,000 characters.", {.max = 1'000, .format = "multi-line"}),
              FEALTY_F(ServerChange, timeZone, "IANA time zone; a new one moves the days that come, not those that were."),
              FEALTY_F(ServerChange, defaultLanguage, "BCP 47 code."), FEALTY_F(ServerChange, languages, "BCP 47 codes.", {.max = 50}),
              FEALTY_F(ServerChange, isPublic, "Whether it may be listed in public."),
              FEALTY_F(ServerChange, ifVersion, "Changes only what still has this __v.", {.min = 0}))
FEALTY_SCHEMA(fealty::members::ServerOut, FEALTY_F(ServerOut, _id, "Id of the community."), FEALTY_F(ServerOut, title, "Title."),
              FEALTY_F(ServerOut, description, "Description."), FEALTY_F(ServerOut, logo, "Address of the logo; null: none."),
              FEALTY_F(ServerOut, userId, "Short id of the owner."),
              FEALTY_F(ServerOut, createdAt, "When it was made.", {.format = "date-time"}),
              FEALTY_F(ServerOut, updatedAt, "When it was last changed.", {.format = "date-time"}),
              field<&fealty::members::ServerOut::version>("__v", "How often it was changed."),
              FEALTY_F(ServerOut, timeZone, "IANA time zone."), FEALTY_F(ServerOut, defaultLanguage, "BCP 47 code."),
              FEALTY_F(ServerOut, languages, "BCP 47 codes."), FEALTY_F(ServerOut, isPublic, "Whether it may be listed in public."),
              FEALTY_F(ServerOut, memberCount, "Members that are not deleted."))
#undef FEALTY_F
