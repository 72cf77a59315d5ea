// Who is meant where a request names a member: by e-mail, short id, public id, username, or a custom field that identifies.
#pragma once
#include <string>
#include <vector>

#include "api/context.h"
#include "base/error.h"
#include "members/member_store.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kUserNotFound{"user_not_found", 404};
inline constexpr ErrorDef kAmbiguousMember{"ambiguous_member", 409};
inline constexpr ErrorDef kNotAnIdentifier{"not_an_identifier", 400};
}  // namespace errors

inline constexpr std::string_view kReferenceTypes[] = {"email", "id", "_id", "username", "custom-field"};

struct MemberReference {
  std::string_view identifier;
  std::string_view type;        // one of kReferenceTypes; empty: what the identifier looks like
  std::string_view field_name;  // custom-field: name or key of a field that identifies members
};

// The accounts that the references mean, in their order. Accounts are global: whether one is a member of the community is
// for the caller to find out, when he locks the member, and a stranger must be answered like nobody (no_such_member()).
// Whom an ambiguous reference may mean: members, or those who were deleted too.
enum class Among : std::uint8_t { members, everybody };
std::vector<Result<Account>> find_referenced(sql::Tx& tx, CommunityNo community, std::vector<MemberReference> const& references,
                                             Among among = Among::members);
Error no_such_member();
// Whether the caller may touch others than himself, where routes are open to each member for himself: community keys; of people owners
// and administrators who have the second factor that the community asks them for.
Result<void> may_touch_others(api::Principal const& who);

}  // namespace fealty::members
