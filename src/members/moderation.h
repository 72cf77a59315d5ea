// What a community does to a membership: deleting and restoring it, warnings, suspensions, bans and kicks.
#pragma once
#include "access/once.h"
#include "api/typed.h"
#include "base/number_source.h"
#include "members/users_api.h"
#include "sql/sql.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kOwnerProtected{"owner_protected", 403};
inline constexpr ErrorDef kRankTooLow{"rank_too_low", 403};
inline constexpr ErrorDef kNothingToLift{"nothing_to_lift", 409};
inline constexpr ErrorDef kAlreadyBanned{"already_banned", 409};
}  // namespace errors

// Any thread.
class ModerationService {
 public:
  ModerationService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}

  Result<api::Answer> manage(api::Context const& context, ManageUserIn const& in, std::optional<access::OnceKey> const& key);
  Result<api::Answer> moderate(api::Context const& context, ModerateIn const& in, std::optional<access::OnceKey> const& key);
  // The newest first.
  Result<api::Listing<MisconductOut>> list(api::Context const& context, ModerationQuery const& query);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
};

std::vector<api::Route> moderation_routes(ModerationService& service);

}  // namespace fealty::members
