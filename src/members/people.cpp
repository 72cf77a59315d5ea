#include "members/people.h"

#include "base/text.h"
#include "members/member_reference.h"
#include "members/new_member.h"
#include "members/users_create_store.h"
#include "sql/counters.h"

namespace fealty::members {

// A counter's row stays locked until the transaction that drew from it ends; nothing is drawn.
void lock_new_people(sql::Tx& tx) { sql::draw_numbers(tx, "account", 0); }

void insert_account(sql::Tx& tx, MemberNo number, std::string const& email, std::string const& username, TimeMs created_at) {
  insert_accounts(tx, {{number, email, fold_case(email), username, fold_case(username)}}, created_at);
}

void insert_person(sql::Tx& tx, NumberSource& numbers, CommunityNo community, NewPerson const& p, access::Actor const& actor,
                   TimeMs created_at, TimeMs now) {
  insert_account(tx, p.number, p.email, p.username, created_at);
  auto const catalogue = load_catalogue(tx, community);
  NewMember made{p.number, MembershipState::active, {}};
  for (auto const& [column, text] :
       {std::pair{"First Name", &p.first_name}, {"Last Name", &p.last_name}, {"Display Name", &p.display_name}}) {
    auto slot = *default_slot(column);
    if (text->empty()) continue;
    if (auto value = read_value(slot, *text, catalogue)) made.values.push_back({std::move(slot), *std::move(value)});
  }
  if (!p.roles.empty()) made.values.push_back(first_roles(p.roles));
  made.values.insert(made.values.end(), p.values.begin(), p.values.end());
  begin_membership(tx, numbers, community, catalogue, made, actor, now);
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
