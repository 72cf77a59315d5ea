// What is set of a community: its host, how people sign in there, how long things are kept.
#pragma once
#include <optional>
#include <string>

#include "access/audit.h"
#include "api/route.h"
#include "api/schema.h"
#include "api/typed.h"
#include "base/number_source.h"
#include "jobs/anonymous_import.h"
#include "members/members.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kHostTaken{"host_taken", 409};
}  // namespace errors

inline constexpr std::int64_t kRestoreDaysMax = 365, kApiLogDaysMax = 365;

// What is not given stays.
struct CommunityChange {
  std::optional<std::string> host = {};  // a name without port; empty: none
  std::optional<bool> open_registration = {}, secure_auth_administrators = {}, second_factor_required = {}, mail_include_passwords = {};
  std::optional<std::int64_t> restore_days = {};         // 1 to 365
  std::optional<std::int64_t> file_retention_days = {};  // of bulk jobs that end from now on; 1 to 365
  std::optional<std::int64_t> api_log_days = {};         // 1 to 365
  std::optional<bool> log_reads = {};                    // reads that succeed stand in the API log, too
  std::optional<jobs::AnonymousImport> anonymous_import = {};
};

struct CommunitySettings {
  std::optional<std::string> host;
  bool openRegistration = false, secureAuthAdministrators = false, secondFactorRequired = false, mailIncludePasswords = false;
  std::int64_t restoreDays = 0, fileRetentionDays = 0, apiLogDays = 0;
  bool logReads = false;
  std::string anonymousImport = "off";
};
struct CommunitySettingsIn {
  std::optional<std::string> host;
  std::optional<bool> openRegistration, secureAuthAdministrators, secondFactorRequired, mailIncludePasswords;
  std::optional<std::int64_t> restoreDays, fileRetentionDays, apiLogDays;
  std::optional<bool> logReads;
  std::optional<std::string> anonymousImport;
};

// For the command line. All or nothing. Gives what is set now as JSON members, as `"host":"club.example.org","openRegistration":true`.
Result<std::string> change_community(sql::Database& database, NumberSource& numbers, CommunityNo community, CommunityChange const& change,
                                     access::Actor const& actor, TimeMs now);
// "club.example.org": letters, digits and hyphens between dots; small letters come back.
std::optional<std::string> host_name(std::string_view text);

// Any thread. A community's host is the operator's to give, since all communities share the names; how its owners and
// administrators sign in, and what strangers may do, is the owner's to say.
class CommunitySettingsService {
 public:
  CommunitySettingsService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}
  Result<CommunitySettings> get(api::Context const& context);
  Result<CommunitySettings> change(api::Context const& context, CommunitySettingsIn const& in);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
};

std::vector<api::Route> community_settings_routes(CommunitySettingsService& service);

}  // namespace fealty::members

#define FEALTY_F(T, name, ...) field<&fealty::members::T::name>(#name, __VA_ARGS__)
FEALTY_SCHEMA(fealty::members::CommunitySettings,
              FEALTY_F(CommunitySettings, host, "Name under which its own pages and secureAuth answer; null: none."),
              FEALTY_F(CommunitySettings, openRegistration, "Anybody may register and join."),
              FEALTY_F(CommunitySettings, secureAuthAdministrators, "secureAuth signs owners and administrators in as such."),
              FEALTY_F(CommunitySettings, secondFactorRequired, "Owners and administrators need a second factor."),
              FEALTY_F(CommunitySettings, mailIncludePasswords, "Mails may carry a password that the community gave."),
              FEALTY_F(CommunitySettings, restoreDays, "Days that deleted members can be restored."),
              FEALTY_F(CommunitySettings, fileRetentionDays, "Days that files and rows of bulk jobs are kept after their end."),
              FEALTY_F(CommunitySettings, apiLogDays, "Days that rows of the API log are kept."),
              FEALTY_F(CommunitySettings, logReads, "Reads that succeed stand in the API log, too."),
              FEALTY_F(CommunitySettings, anonymousImport,
                       "What an import without a key may do: off, nothing; create_only, add people; full, all that one with a key may.",
                       {.one_of = fealty::jobs::kAnonymousImports}))
FEALTY_SCHEMA(fealty::members::CommunitySettingsIn,
              FEALTY_F(CommunitySettingsIn, host, "A name such as club.example.org, or empty for none; operators alone.", {.max = 253}),
              FEALTY_F(CommunitySettingsIn, openRegistration, "Anybody may register and join."),
              FEALTY_F(CommunitySettingsIn, secureAuthAdministrators, "Owners alone change it."),
              FEALTY_F(CommunitySettingsIn, secondFactorRequired, "Owners alone change it."),
              FEALTY_F(CommunitySettingsIn, mailIncludePasswords, "Mails may carry a password that the community gave."),
              FEALTY_F(CommunitySettingsIn, restoreDays, "1 to 365.", {.min = 1, .max = 365}),
              FEALTY_F(CommunitySettingsIn, fileRetentionDays, "1 to 365; of jobs that end from now on.", {.min = 1, .max = 365}),
              FEALTY_F(CommunitySettingsIn, apiLogDays, "1 to 365.", {.min = 1, .max = 365}),
              FEALTY_F(CommunitySettingsIn, logReads, "Reads that succeed stand in the API log, too."),
              FEALTY_F(CommunitySettingsIn, anonymousImport, "Owners alone change it. full lets anybody change balances and members.",
                       {.one_of = fealty::jobs::kAnonymousImports}))
#undef FEALTY_F
