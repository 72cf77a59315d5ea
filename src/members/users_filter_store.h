// Conditions as SQL. Texts are put together from constants and numbers of parameters; every value is a parameter.
#pragma once
#include "members/member_store.h"
#include "members/users_filter.h"

namespace fealty::members {

struct FilterRow {
  MemberNo member;
  TimeMs joined_at = 0;
  MembershipState state = MembershipState::active;
  std::optional<TimeMs> until;
  std::optional<std::string> first_name, last_name, display_name, phone, country, language;
  std::int64_t hidden = 0;
  std::optional<std::int64_t> referred_by;
  std::optional<TimeMs> last_online_at;
};

struct FilterPlace {
  TimeMs joined_at = 0;
  MemberNo member;
};

// Members who fit all conditions behind `after` (none: from the first), past `skip` of them, in the order of their joining.
std::vector<FilterRow> filter_page(sql::Tx& tx, CommunityNo community, std::vector<Condition> const& conditions,
                                   std::optional<FilterPlace> after, std::int64_t skip, std::int64_t most, TimeMs now);
std::int64_t filter_count(sql::Tx& tx, CommunityNo community, std::vector<Condition> const& conditions, TimeMs now);

}  // namespace fealty::members
