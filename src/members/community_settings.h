// What an operator sets of a community: its host and how people sign in there.
#pragma once
#include <optional>
#include <string>

#include "access/audit.h"
#include "base/number_source.h"
#include "members/members.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kHostTaken{"host_taken", 409};
}  // namespace errors

inline constexpr std::int64_t kRestoreDaysMax = 365;

// What is not given stays.
struct CommunityChange {
  std::optional<std::string> host = {};  // a name without port; empty: none
  std::optional<bool> open_registration = {}, secure_auth_administrators = {}, second_factor_required = {}, mail_include_passwords = {};
  std::optional<std::int64_t> restore_days = {};         // 1 to 365
  std::optional<std::int64_t> file_retention_days = {};  // of bulk jobs that end from now on; 1 to 365
  bool is_empty() const {
    return !host && !open_registration && !secure_auth_administrators && !second_factor_required && !mail_include_passwords &&
           !restore_days && !file_retention_days;
  }
};
// All or nothing. Gives what is set now as JSON members, as `"host":"club.example.org","openRegistration":true`.
Result<std::string> change_community(sql::Database& database, NumberSource& numbers, CommunityNo community, CommunityChange const& change,
                                     access::Actor const& actor, TimeMs now);
// "club.example.org": letters, digits and hyphens between dots; small letters come back.
std::optional<std::string> host_name(std::string_view text);

}  // namespace fealty::members
