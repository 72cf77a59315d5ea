// Communities, accounts and memberships.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/keys.h"
#include "base/error.h"
#include "base/id.h"
#include "sql/sql.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kInvalidCommunity{"invalid_community", 400};
}  // namespace errors

// The numbers stand in storage: append, never reorder.
enum class AccountState : std::uint8_t { unclaimed = 0, claimed = 1, disabled = 2 };
enum class MembershipState : std::uint8_t { active = 0, invited = 1, suspended = 2, banned = 3, deleted = 4 };

// A suspension ends by itself.
inline MembershipState state_at(MembershipState stored, std::optional<TimeMs> until, TimeMs now) {
  return stored == MembershipState::suspended && until && *until <= now ? MembershipState::active : stored;
}
// "active", "invited", "suspended", "banned", "deleted".
std::string_view to_string(MembershipState state);

// What a member hides from integrations: bits of memberships.hidden.
inline constexpr std::int64_t kHidesName = 1, kHidesEmail = 2;
inline constexpr std::string_view kHiddenText = "---";

// A rule of identity.md that a username breaks, or nothing: 3 to 50 of A-Z a-z 0-9 . _ -, not 24 hex digits.
std::optional<std::string> username_problem(std::string_view username);

struct NewCommunity {
  std::string title;  // 1 to 100 characters
  std::string owner_email;
  std::string time_zone = "UTC";
  std::string description = {}, default_language = "en";
  std::vector<std::string> languages = {};  // the default one is always among them
  bool is_public = false;
};
struct CommunityCreated {
  CommunityNo number;
  PublicId community, owner;
  std::int64_t owner_short_id = 0;
  std::string system_key;  // complete; it cannot be shown again
};
inline constexpr std::int64_t kFileRetentionDaysMax = 365;
struct CommunitySummary {
  PublicId id;
  std::string title;
  std::int64_t members = 0;
};

// Numbers and ids of all communities.
std::vector<std::pair<CommunityNo, PublicId>> community_numbers(sql::Tx& tx);

class CommunityService {
 public:
  CommunityService(sql::Database& database, NumberSource& numbers, access::KeyService& keys)
      : database_(database), numbers_(numbers), keys_(keys) {}
  // Community, the owner's account (made unclaimed when new) and membership, @all, the currencies and the system key, all
  // or nothing.
  Result<CommunityCreated> create(NewCommunity const& community, access::Actor const& actor, TimeMs now);
  std::vector<CommunitySummary> list();

 private:
  sql::Database& database_;
  NumberSource& numbers_;
  access::KeyService& keys_;
};

}  // namespace fealty::members
