// The one write path for anything of a member: load the states of some slots under the members' locks, evaluate changes
// against them in order, write what changed with its ledger entries and history items. Bulk rows, API calls and rewards all
// go this way.
#pragma once
#include <map>
#include <unordered_map>

#include "api/permission.h"
#include "base/number_source.h"
#include "jobs/bulk_kind.h"
#include "members/fields.h"
#include "members/member_store.h"

namespace fealty::members {

struct SlotState {
  Value value;              // balances: present, number
  Decimal earned;           // balances
  std::int64_t newest = 0;  // head of the chain of entries or history items; below 0: the -n-th of this set of changes
  bool is_stored = false;   // there is a row for it (balances and values)
  bool operator==(SlotState const&) const = default;
};

struct Person {
  MemberNo member;
  MembershipState state = MembershipState::active;
  std::optional<TimeMs> deleted_at;
  bool is_member = false;
  bool is_new = false;  // the membership is inserted with its profile by whoever added it
};

// Which row of its source a change belongs to: the number that is kept with it, and its place among the rows that are
// written together.
struct ChangeRow {
  std::int64_t number = 0;
  std::size_t place = 0;
};

// One evaluated change, not yet written.
struct SlotChange {
  ChangeRow row;
  std::size_t person = 0, slot = 0;
  ledger::Operator op = ledger::Operator::overwrite;
  std::optional<Decimal> operand;
  SlotState before, after;
  ledger::EntryClass entry_class = ledger::EntryClass::earn;  // balances
};

// What an earlier change did to one value, as it was recorded.
struct RecordedValue {
  ledger::Operator op = ledger::Operator::overwrite;
  ledger::EntryClass entry_class = ledger::EntryClass::earn;  // balances
  std::optional<Decimal> operand;
  Value before, after;
};

class MemberChanges {
 public:
  MemberChanges(CommunityNo community, Catalogue const& catalogue, std::vector<Slot> slots);

  // Locks the given members (sorted, distinct) and loads the states of all slots. Members that are none here get a Person
  // with is_member false.
  void load(sql::Tx& tx, std::vector<MemberNo> const& members);
  // Adds a person who is about to become a member; the states are empty.
  std::size_t add_new(MemberNo member, MembershipState state);

  std::optional<std::size_t> find(MemberNo member) const;
  Person& person(std::size_t index) { return persons_[index]; }
  std::size_t persons() const { return persons_.size(); }
  SlotState& state(std::size_t person, std::size_t slot) { return states_[person * slots_.size() + slot]; }
  std::vector<Slot> const& slots() const { return slots_; }

  // Evaluates one change against the present state; an unchanged value gives a change with before == after. Nothing is
  // kept: a row first evaluates all of its changes, then keeps them with commit_row.
  std::expected<SlotChange, ValueProblem> evaluate(ChangeRow row, std::size_t person, std::size_t slot, ledger::Operator op,
                                                   Value const& operand, api::PermissionSet permissions, MemberNo owner);
  // The same for taking an earlier change back: the opposite of an addition or subtraction; else the former value, and only
  // if the value is still the one that the change wrote.
  std::expected<SlotChange, ValueProblem> evaluate_reversal(ChangeRow row, std::size_t person, std::size_t slot, RecordedValue const& was,
                                                            api::PermissionSet permissions, MemberNo owner);
  // Keeps the real changes of one row, all of them, moved from the list. True when there was one.
  bool commit_row(std::vector<SlotChange>& changes);
  // Makes room for so many changes.
  void reserve(std::size_t changes) { changes_.reserve(changes); }

  // What is wrong with a change whoever the member is; evaluate() says it first.
  static std::optional<ValueProblem> problem_of(Slot const& slot, ledger::Operator op, Value const& operand);

  using Holders = std::map<std::string, MemberNo>;  // by value key; none = nobody
  // Looks up in one go who holds these values of an identifier slot; evaluate() looks up what is not among them (the sums of
  // identifiers that are numbers) one by one. After load().
  void load_identifiers(std::size_t slot, std::vector<std::string> const& value_keys);
  // Corrects what storage says of the given keys: a dry run's earlier rows. Set before load_identifiers().
  void overlay_identifiers(std::function<void(Slot const&, std::vector<std::string> const&, Holders&)> overlay) {
    overlay_identifiers_ = std::move(overlay);
  }

  // Writes everything kept: entries, balances, values, histories and their spans, sets, profiles, identifiers. Draws one number
  // for each slot of each of the `rows` places, all above those that the members' chains have: whatever the clocks of two nodes
  // say, a chain's numbers rise.
  jobs::NumbersDrawn write(sql::Tx& tx, SourceNo source, NumberSource& numbers, std::size_t rows);

  std::vector<SlotChange> const& changes() const { return changes_; }
  // How many of them are items of history.
  std::int64_t history_items() const;
  // The number of the item that this slot's change of this place has in a block of write().
  std::int64_t number_of(jobs::NumbersDrawn const& drawn, std::size_t place, std::size_t slot) const {
    return NumberSource::at(drawn.first, static_cast<std::int64_t>(place) * drawn.per_row + static_cast<std::int64_t>(slot));
  }
  // Present values that the row's changes give as JSON members {field, op, value, before, after, entry_id}.
  std::string describe(std::vector<SlotChange> const& changes) const;

  static std::string identifier_key(Value const& value);

 private:
  std::expected<SlotState, ValueProblem> former_state(SlotChange& change, Slot const& slot, RecordedValue const& was);
  // Rules about the new value that have to do with other members, roles and rights.
  std::expected<void, ValueProblem> check_value(SlotChange const& change, Value const& after, api::PermissionSet permissions,
                                                MemberNo owner);
  std::string shown(Slot const& slot, Value const& value) const;
  std::expected<SlotState, ValueProblem> next_state(SlotChange& change, Slot const& slot, Value const& operand);
  std::expected<void, ValueProblem> check_roles(Slot const& slot, SlotState const& before, Value const& after, bool is_owner,
                                                api::PermissionSet permissions) const;

  MemberNo holder_of(std::size_t slot, std::string const& value_key);

  CommunityNo community_;
  Catalogue const& catalogue_;
  std::vector<Slot> slots_;
  std::vector<Person> persons_;
  std::vector<MemberNo> loaded_;                         // the first persons, by number
  std::unordered_map<MemberNo, std::size_t> by_member_;  // those who were added
  std::vector<SlotState> states_;
  std::vector<SlotChange> changes_;
  std::vector<Holders> identifier_holders_;  // by slot
  std::function<void(Slot const&, std::vector<std::string> const&, Holders&)> overlay_identifiers_;
  std::int64_t newest_ = 0;  // the highest number that the loaded members' chains have reached
  sql::Tx* tx_ = nullptr;    // of load(), for look-ups of single identifiers
};

// {field, op, value, before, after, entry_id} of one change as JSON, appended.
void write_change(std::string& out, Slot const& slot, Catalogue const& catalogue, ledger::Operator op, std::optional<Decimal> operand,
                  Value const& before, Value const& after, std::optional<PublicId> entry);

}  // namespace fealty::members
