#include "members/people.h"

#include "base/text.h"
#include "members/member_reference.h"
#include "members/users_create_store.h"
#include "sql/counters.h"

namespace fealty::members {

// A counter's row stays locked until the transaction that drew from it ends; nothing is drawn.
void lock_new_people(sql::Tx& tx) { sql::draw_numbers(tx, "account", 0); }

void insert_person(sql::Tx& tx, CommunityNo community, NewPerson const& p, TimeMs created_at, TimeMs now) {
  insert_accounts(tx, {{p.number, p.email, fold_case(p.email), p.username, fold_case(p.username)}}, created_at);
  NewMembership membership{p.number, MembershipState::active, {}};
  auto const set = [&](FieldNo field, std::string const& text) {
    if (!text.empty()) membership.profile[static_cast<std::size_t>(field.value - 1)] = text;
  };
  set(kFirstName, p.first_name);
  set(kLastName, p.last_name);
  set(kDisplayName, p.display_name);
  insert_memberships(tx, community, {membership}, now);
  if (!p.roles.empty()) {
    std::vector<RoleNo> sorted = p.roles;
    std::sort(sorted.begin(), sorted.end());
    std::vector<std::string> numbers;
    for (RoleNo const r : sorted) numbers.push_back(std::to_string(r.value));
    replace_sets(tx, community, Slot::Kind::role_set, {{p.number, join(numbers, ",")}});
  }
  if (p.referred_by) set_referrer(tx, community, p.number, p.referred_by);
}

std::optional<MembershipState> membership_state(sql::Tx& tx, CommunityNo community, MemberNo member) {
  return state_of(tx, community, member);
}

std::optional<MemberNo> find_referrer(sql::Tx& tx, CommunityNo community, std::string_view text) {
  auto const found = find_referenced(tx, community, {{trim_space(text), {}, {}}});
  if (!found.front()) return std::nullopt;
  auto const state = state_of(tx, community, found.front()->number);
  return state && *state != MembershipState::deleted ? std::optional(found.front()->number) : std::nullopt;
}

}  // namespace fealty::members
