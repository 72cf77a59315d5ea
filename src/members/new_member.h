// A membership that begins: its row, and the values that it begins with, by the one write path, so that each has its history.
#pragma once
#include <vector>

#include "access/audit.h"
#include "members/fields.h"
#include "members/members.h"

namespace fealty::members {

struct FirstValue {
  Slot slot;
  Value value;
};
// The Role slot's value; `roles` are sorted numbers, at least one.
FirstValue first_roles(std::vector<std::int64_t> const& roles);

struct NewMember {
  MemberNo member;
  MembershipState state = MembershipState::active;
  std::vector<FirstValue> values;
  bool returns = false;  // erased before: the row is there
};
// A value that somebody else's stands against (an identifier), by its place among the values.
struct RefusedValue {
  std::size_t value = 0;
  ValueProblem problem;
};
// The account is there, and its number is no member's here. Nothing is written when a value is refused. Roles are not compared
// with the caller's permissions: those of an access level were chosen by administrators.
std::vector<RefusedValue> begin_membership(sql::Tx& tx, NumberSource& numbers, CommunityNo community, Catalogue const& catalogue,
                                           NewMember const& in, access::Actor const& actor, TimeMs now);

}  // namespace fealty::members
