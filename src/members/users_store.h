// SQL and row mapping of users as integrations see them: no rules. What is called …_later may wait for tx.settle(); what it is
// given to fill must live so long.
#pragma once
#include "members/member_store.h"

namespace fealty::members {

struct UserRow {
  MembershipState state = MembershipState::active;
  std::optional<TimeMs> until;
  std::optional<std::string> first_name, last_name, display_name, phone, country, language, avatar;
  std::int64_t hidden = 0;
  std::optional<std::int64_t> referred_by;
  TimeMs joined_at = 0;
  std::optional<TimeMs> last_online_at;
  std::string time_zone, host;  // the community's
};
void load_user_later(sql::Tx& tx, CommunityNo community, MemberNo member, std::optional<UserRow>& out);

// The three currencies that every community has.
struct UserBalances {
  Decimal amount[4];  // by CurrencyNo
  EntryNo newest[4];
};
void load_user_balances_later(sql::Tx& tx, CommunityNo community, MemberNo member, UserBalances& out);
// Names of the member's roles, the highest first, and of the tags.
void load_user_roles_later(sql::Tx& tx, CommunityNo community, MemberNo member, std::vector<std::string>& out);
void load_user_tags_later(sql::Tx& tx, CommunityNo community, MemberNo member, std::vector<std::string>& out);
// Every living custom field in its order, with the member's value, or else the default one, as JSON.
void load_user_fields_later(sql::Tx& tx, CommunityNo community, MemberNo member, std::string& json_members);

// Plain sums of the entries that count as earned, by currency, from the newest one of each balance back to `from`.
struct EarnedSince {
  Decimal amount[4];
};
// `on_much` is called before more than a few entries are gone through, where they are looked up one by one.
EarnedSince earned_since(sql::Tx& tx, CommunityNo community, MemberNo member, UserBalances const& balances, EntryNo from,
                         std::function<void()> const& on_much);

std::string community_zone(sql::Tx& tx, CommunityNo community);

}  // namespace fealty::members
