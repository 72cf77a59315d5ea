#include "members/states.h"

namespace fealty::members {
namespace {

bool is_punished(MembershipState state) { return state == MembershipState::suspended || state == MembershipState::banned; }

// A ban takes the place of a suspension and the other way round: under either stands what the member was before.
StateFacts punished(StateFacts facts, MembershipState state, std::optional<TimeMs> until) {
  FormerStates former(facts.former_states);
  if (!is_punished(facts.state)) former.push(facts.state);
  facts.state = state;
  facts.until = until;
  facts.former_states = former.stored();
  return facts;
}

}  // namespace

StateFacts settled(StateFacts facts, TimeMs now) {
  if (facts.state == MembershipState::suspended && state_at(facts.state, facts.until, now) != MembershipState::suspended)
    return *lifted(facts);
  return facts;
}

StateFacts deleted(StateFacts facts, TimeMs now) {
  FormerStates former(facts.former_states);
  former.push(facts.state);
  facts.former_states = former.stored();
  facts.state = MembershipState::deleted;
  facts.deleted_at = now;
  return facts;
}

StateFacts restored(StateFacts facts) {
  FormerStates former(facts.former_states);
  auto const was = former.pop();
  facts.state = facts.left_by_self && was == MembershipState::active ? MembershipState::invited : was;
  facts.former_states = former.stored();
  facts.deleted_at.reset();
  facts.left_by_self = false;
  return facts;
}

StateFacts suspended(StateFacts facts, std::optional<TimeMs> until) { return punished(facts, MembershipState::suspended, until); }
StateFacts banned(StateFacts facts) { return punished(facts, MembershipState::banned, std::nullopt); }

StateFacts kicked(StateFacts facts, TimeMs now) {
  FormerStates former(facts.former_states);
  if (facts.state == MembershipState::active) {
    facts.state = MembershipState::invited;
  } else if (is_punished(facts.state) && former.pop() == MembershipState::active) {
    former.push(MembershipState::invited);
    facts.former_states = former.stored();
  }
  return deleted(facts, now);
}

std::optional<StateFacts> lifted(StateFacts facts) {
  FormerStates former(facts.former_states);
  bool const is_deleted = facts.state == MembershipState::deleted;
  auto const punishment = is_deleted ? former.pop() : facts.state;
  if (!is_punished(punishment)) return std::nullopt;
  auto const before = former.pop();
  facts.until.reset();
  if (is_deleted)
    former.push(before);
  else
    facts.state = before;
  facts.former_states = former.stored();
  return facts;
}

}  // namespace fealty::members
