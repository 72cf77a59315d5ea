#include "members/new_member.h"

#include "base/text.h"
#include "members/member_changes.h"
#include "members/users_create_store.h"

namespace fealty::members {

FirstValue first_roles(std::vector<std::int64_t> const& roles) {
  std::vector<std::string> parts;
  for (auto const role : roles) parts.push_back(std::to_string(role));
  return {*default_slot("Role"), Value::of(join(parts, ","))};
}

std::vector<RefusedValue> begin_membership(sql::Tx& tx, NumberSource& numbers, CommunityNo community, Catalogue const& catalogue,
                                           NewMember const& in, access::Actor const& actor, TimeMs now) {
  std::vector<Slot> slots;
  for (auto const& v : in.values) slots.push_back(v.slot);
  MemberChanges changes(community, catalogue, std::move(slots));
  // Who is new has nothing to load, but identifiers are looked up in this transaction.
  changes.load(tx, in.returns ? std::vector{in.member} : std::vector<MemberNo>());
  auto const person = in.returns ? *changes.find(in.member) : changes.add_new(in.member, in.state);

  MemberNo const owner = community_owner(tx, community);
  std::vector<SlotChange> row;
  std::vector<RefusedValue> refused;
  for (std::size_t s = 0; s < in.values.size(); ++s) {
    auto change =
        changes.evaluate({0, 0}, person, s, ledger::Operator::overwrite, in.values[s].value, api::PermissionSet::everything(), owner);
    if (change)
      row.push_back(*std::move(change));
    else
      refused.push_back({s, std::move(change).error()});
  }
  if (!refused.empty()) return refused;
  changes.commit_row(row);

  if (in.returns) {
    revive_membership(tx, community, in.member, in.state, now);
  } else {
    NewMembership membership{in.member, in.state, {}};
    for (auto const& v : in.values)
      if (v.slot.kind == Slot::Kind::profile) membership.profile[static_cast<std::size_t>(v.slot.field.value - 1)] = v.value.text;
    insert_memberships(tx, community, {membership}, now);
  }
  SourceNo const source{numbers.next()};
  ledger::create_source(tx, community, source,
                        {.kind = "create_user",
                         .external_id = "auto:" + std::to_string(source.value),
                         .actor = actor,
                         .history_items = changes.history_items()},
                        now);
  changes.write(tx, source, numbers, 1);
  return {};
}

}  // namespace fealty::members
