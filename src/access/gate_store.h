// What the gate reads of accounts, communities and memberships.
#pragma once
#include <optional>
#include <string_view>

#include "base/id.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::access {

struct Standing {
  PublicId community_id;
  bool is_owner = false, is_administrator = false;  // by role
  std::optional<int> state;                         // nothing: no membership
  std::optional<TimeMs> until;
  bool second_factor_required = false, has_second_factor = false;
};
// Nothing when there is no such community.
std::optional<Standing> standing_of(sql::Tx& tx, CommunityNo community, MemberNo account);
std::optional<CommunityNo> community_of_host(sql::Tx& tx, std::string_view host);
// When the person belongs to exactly one.
std::optional<CommunityNo> only_community_of(sql::Tx& tx, MemberNo account);

}  // namespace fealty::access
