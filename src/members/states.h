// How memberships pass from state to state. A deleted, banned or suspended membership remembers the states that it stands over
// (memberships.former_states), so that a restored or pardoned member is what he was. Pure.
#pragma once
#include <cstdint>
#include <optional>

#include "members/members.h"

namespace fealty::members {

// States under the present one as octal digits of state + 1, the latest one last; 0 when there are none.
class FormerStates {
 public:
  explicit FormerStates(std::int64_t stored) : stored_(stored) {}
  std::int64_t stored() const { return stored_; }
  bool is_empty() const { return stored_ == 0; }
  void push(MembershipState state) { stored_ = stored_ * 8 + static_cast<std::int64_t>(state) + 1; }
  std::optional<MembershipState> top() const {
    return stored_ == 0 ? std::nullopt : std::optional(static_cast<MembershipState>(stored_ % 8 - 1));
  }
  // Active when nothing is remembered.
  MembershipState pop() {
    auto const state = top().value_or(MembershipState::active);
    stored_ /= 8;
    return state;
  }

 private:
  std::int64_t stored_;
};

struct StateFacts {
  MembershipState state = MembershipState::active;
  std::optional<TimeMs> until, deleted_at;
  std::int64_t former_states = 0;
  bool left_by_self = false;
  bool operator==(StateFacts const&) const = default;
};

// A suspension whose time is over is none.
StateFacts settled(StateFacts facts, TimeMs now);
StateFacts deleted(StateFacts facts, TimeMs now);
// What a deleted member comes back as; who left of his own will is invited.
StateFacts restored(StateFacts facts);
StateFacts suspended(StateFacts facts, std::optional<TimeMs> until);
StateFacts banned(StateFacts facts);
// Removed from the community; he comes back by invitation alone.
StateFacts kicked(StateFacts facts, TimeMs now);
// Without his ban or suspension, also when he was deleted meanwhile; nothing when there is none.
std::optional<StateFacts> lifted(StateFacts facts);

}  // namespace fealty::members
