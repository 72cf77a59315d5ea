// Rules of roles that ask no storage: what a body says, who ranks above whom.
#pragma once
#include <compare>

#include "members/roles.h"
#include "members/roles_store.h"

namespace fealty::members {

// Of a person, a key or a role. Every administrator ranks above every other member, the owner above all, a system key above him.
struct Rank {
  enum class Tier : std::uint8_t { member, administrator, owner, system } tier = Tier::member;
  std::int64_t order = 0;
  auto operator<=>(Rank const&) const = default;
};
Rank rank_of(RoleRow const& role);

// What the caller may do with roles, as of this transaction.
struct RoleKeeper {
  Rank rank;
  std::int64_t server_permissions = 0, channel_permissions = 0;  // held
  bool may_make_administrators = false;
  MemberNo account;  // none: a key
};
// Whether the role, as it was (none: it is new) and as it will be, is the keeper's to change.
Result<void> may_change(RoleKeeper const& keeper, RoleRow const* before, RoleRow const* after);
// Whether the keeper may give the role, or take it from a member of this rank.
Result<void> may_give(RoleKeeper const& keeper, RoleRow const& role);
Result<void> may_take(RoleKeeper const& keeper, RoleRow const& role, Rank const& member, bool from_himself);

// What the body says, over what is there. Notes every problem of it.
void read_role(RoleIn const& in, RoleRow& role, std::vector<Issue>& issues);
// Every name of a set of permissions, as JSON.
std::string permissions_json(std::span<std::string_view const> names, std::int64_t bits);
RoleOut shown_role(RoleRow const& role, PublicId community, std::int64_t members);

}  // namespace fealty::members
