#include "members/revert_session.h"

#include <charconv>

#include "base/time.h"
#include "members/history_removal_store.h"

namespace fealty::members {
namespace {

using jobs::RecordedChange;
using jobs::RowIssue;
using jobs::RowOutcome;
using jobs::RowStatus;

// How far the changes of one balance or value are followed back to the row that made its member. Beyond, what is left of
// it decides alone.
constexpr int kLinksFollowedMax = 1'000;

Value value_of(std::optional<std::int64_t> number, std::optional<std::string_view> text) {
  return number ? Value{true, true, *number, {}} : text ? Value::of(std::string(*text)) : Value::none();
}

bool is_removal_conflict(std::string_view code) { return code == "insufficient_balance" || code == "value_changed"; }

}  // namespace

// Everything that evaluating the rows of one chunk needs and fills.
struct RevertSession::Evaluation {
  Catalogue const& catalogue;
  MemberChanges& changes;
  std::vector<bool> removed_field;  // by slot
  MemberNo owner;
  std::unordered_map<MemberNo, Made> made = {};
  std::vector<MemberNo> removed = {};
  std::vector<SlotChange> row_changes = {};  // of the row at hand

  std::optional<std::size_t> slot_of(RecordedChange const& c) const {
    auto const& slots = changes.slots();
    for (std::size_t s = 0; s < slots.size(); ++s) {
      bool const is_currency = slots[s].kind == Slot::Kind::currency;
      if (is_currency == c.is_entry && (is_currency ? slots[s].currency.number.value : slots[s].field.value) == c.subject) return s;
    }
    return std::nullopt;
  }
};

RevertSession::RevertSession(jobs::ReversalFacts facts, NumberSource& numbers, std::string const& scratch_folder)
    : facts_(std::move(facts)), numbers_(numbers) {
  if (facts_.job.dry_run) dry_run_.emplace(scratch_folder);
}

void RevertSession::apply(sql::Tx& tx, jobs::ApplyFrame const&, std::vector<RowOutcome>& outcomes) {
  outcomes.clear();
  outcomes.reserve(rows_.size());
  drawn_ = {};
  CommunityNo const community = facts_.job.community;
  std::vector<MemberNo> members, made;
  members.reserve(rows_.size());
  for (auto const& row : rows_) {
    members.push_back(row.recorded->member);
    if (row.recorded->created) made.push_back(row.recorded->member);
  }
  for (auto* list : {&members, &made}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  // Definitions are read behind the locks: whoever changes one takes all of them.
  ledger::lock_ranges_later(tx, community, members, ledger::grain_of(members));
  Catalogue const catalogue = load_catalogue(tx, community);
  BoundColumns bound = resolve_columns(facts_.original.columns, catalogue);
  std::vector<bool> removed_field(bound.slots.size());
  for (std::size_t s = 0; s < bound.slots.size(); ++s) {
    std::size_t const c = bound.value_column[s];
    if (c == BoundColumns::npos || !bound.columns[c].removed) continue;
    // Its values are still there, hidden: those of a member who is to go are emptied like all others.
    removed_field[s] = true;
    std::string const& target = facts_.original.columns[c].target;
    std::from_chars(target.data() + target.find(':') + 1, target.data() + target.size(), bound.slots[s].field.value);
  }
  MemberChanges changes(community, catalogue, std::move(bound.slots));

  changes.load(tx, members);
  Evaluation e{catalogue, changes, std::move(removed_field), community_owner(tx, community)};
  load_made(tx, e, made);
  load_identifiers(e);
  if (dry_run_) dry_run_->overlay(changes, members);

  changes.reserve(rows_.size() * changes.slots().size());
  for (auto const& row : rows_) outcomes.push_back(evaluate_row(e, row));
  if (dry_run_) {
    dry_run_->stage(changes, {});
    return;
  }
  drawn_ = changes.write(tx, facts_.job.source, numbers_, rows_.size());
  remove(tx, e);
}

void RevertSession::committed() {
  if (dry_run_) dry_run_->commit();
}

// The values that the rows give back, and who has them now.
void RevertSession::load_identifiers(Evaluation& e) {
  if (dry_run_)
    e.changes.overlay_identifiers([this](Slot const& slot, std::vector<std::string> const& keys, MemberChanges::Holders& holders) {
      dry_run_->find_identifiers(slot.field, keys, [&](std::string key, MemberNo holder) { holders[std::move(key)] = holder; });
    });
  std::vector<std::vector<std::string>> keys(e.changes.slots().size());
  if (std::none_of(e.changes.slots().begin(), e.changes.slots().end(), [](Slot const& s) { return s.identifier; })) return;
  for (auto const& row : rows_)
    for (auto const& c : row.recorded->changes) {
      auto const s = e.slot_of(c);
      if (!s || !e.changes.slots()[*s].identifier) continue;
      if (auto const before = value_of(c.before_number, c.before_text); before.present)
        keys[*s].push_back(MemberChanges::identifier_key(before));
    }
  for (std::size_t s = 0; s < keys.size(); ++s) {
    if (keys[s].empty()) continue;
    std::sort(keys[s].begin(), keys[s].end());
    keys[s].erase(std::unique(keys[s].begin(), keys[s].end()), keys[s].end());
    e.changes.load_identifiers(s, keys[s]);
  }
}

void RevertSession::load_made(sql::Tx& tx, Evaluation& e, std::vector<MemberNo> const& made) {
  if (made.empty()) return;
  CommunityNo const community = facts_.job.community;
  load_made_memberships(tx, community, made, [&](MadeMembership const& m) {
    bool const joined = m.state == MembershipState::active && m.account == AccountState::unclaimed;
    bool const untouched = (joined || m.state == MembershipState::invited) && !m.was_online && m.member != e.owner;
    e.made[m.member] = {m, untouched};
  });
  auto touched = [&](MemberNo member) {
    if (auto const found = e.made.find(member); found != e.made.end()) found->second.untouched = false;
  };
  for (MemberNo const member : referrers_among(tx, community, made)) touched(member);
  // Roles and tags that the job could not give.
  for (auto const kind : {Slot::Kind::role_set, Slot::Kind::tag_set}) {
    auto const& slots = e.changes.slots();
    if (std::any_of(slots.begin(), slots.end(), [&](Slot const& s) { return s.kind == kind; })) continue;
    load_sets(tx, community, kind, made, [&](MemberNo member, std::string const&) { touched(member); });
  }
  std::vector<ChainHead> heads;
  load_chain_heads(tx, community, made, [&](ChainHead const& head) { heads.push_back(head); });
  follow_chains(tx, e, std::move(heads));
}

// Follows every balance and value back to what was there before the job: only the job and its reversals may have written on
// the way. What an earlier membership of the same person left has lower numbers than the job.
void RevertSession::follow_chains(sql::Tx& tx, Evaluation& e, std::vector<ChainHead> heads) {
  for (int step = 0; step < kLinksFollowedMax && !heads.empty(); ++step) {
    std::vector<ChainHead> next;
    load_chain_links(tx, facts_.job.community, heads, [&](std::size_t i, ChainLink link) {
      ChainHead const& head = heads[i];
      bool const ours = std::find(facts_.sources.begin(), facts_.sources.end(), link.source) != facts_.sources.end();
      if (ours && link.previous != 0)
        next.push_back({head.member, link.previous, head.is_entry});
      else if (!ours && head.number > facts_.original.job.value)
        if (auto const found = e.made.find(head.member); found != e.made.end()) found->second.untouched = false;
    });
    heads = std::move(next);
  }
}

RowOutcome RevertSession::evaluate_row(Evaluation& e, jobs::InputRow const& row) {
  auto const& recorded = *row.recorded;
  RowOutcome outcome;
  outcome.member = recorded.member;
  auto const person = e.changes.find(recorded.member).value();
  Person& who = e.changes.person(person);
  std::string const name = "Member " + std::to_string(recorded.member.value);
  if (!who.is_member) {
    outcome.issues.push_back({"", "user_deleted", name + " is not in this community any more."});
    return outcome;
  }
  if (who.state == MembershipState::deleted) {
    outcome.issues.push_back(
        {"", "user_deleted", name + " was deleted on " + to_day(who.deleted_at.value_or(0)) + "; restore the member first."});
    return outcome;
  }
  e.row_changes.clear();
  for (auto const& c : recorded.changes) {
    auto const s = e.slot_of(c);
    if (!s || (e.removed_field[*s] && !recorded.created)) {
      std::string const column = s ? e.changes.slots()[*s].name : "";
      outcome.issues.push_back({column, "field_removed", (s ? column : "A column of this row") + " was removed after the upload."});
      continue;
    }
    RecordedValue const was{static_cast<ledger::Operator>(c.op), static_cast<ledger::EntryClass>(c.entry_class),
                            c.operand ? std::optional(Decimal{*c.operand}) : std::nullopt, value_of(c.before_number, c.before_text),
                            value_of(c.after_number, c.after_text)};
    auto change = e.changes.evaluate_reversal({row.row, static_cast<std::size_t>(&row - rows_.data())}, person, *s, was,
                                              facts_.job.permissions, e.owner);
    if (change)
      e.row_changes.push_back(std::move(*change));
    else
      outcome.issues.push_back({e.changes.slots()[*s].name, change.error().code, change.error().message});
  }
  if (recorded.created) {
    // What was spent, or written over, shows that the member has been active.
    auto const conflicts = std::erase_if(outcome.issues, [](RowIssue const& issue) { return is_removal_conflict(issue.code); });
    if (conflicts > 0 || (outcome.issues.empty() && !may_be_removed(e, person)))
      outcome.issues.push_back({"", "member_active", "The member has been active since; only an untouched member is removed."});
  }
  if (!outcome.issues.empty()) return outcome;
  if (dry_run_) outcome.changes = e.changes.describe(e.row_changes);
  bool const changed = e.changes.commit_row(e.row_changes);
  if (recorded.created) {
    who.is_member = false;
    e.removed.push_back(recorded.member);
  }
  outcome.status = changed || recorded.created ? RowStatus::updated : RowStatus::unchanged;
  return outcome;
}

// Whether nothing is left of a member after the row at hand was taken back.
bool RevertSession::may_be_removed(Evaluation& e, std::size_t person) {
  auto const found = e.made.find(e.changes.person(person).member);
  if (found == e.made.end() || !found->second.untouched) return false;
  auto const& slots = e.changes.slots();
  for (std::size_t s = 0; s < slots.size(); ++s) {
    auto const changed = std::find_if(e.row_changes.begin(), e.row_changes.end(), [&](SlotChange const& c) { return c.slot == s; });
    SlotState const& left = changed == e.row_changes.end() ? e.changes.state(person, s) : changed->after;
    switch (slots[s].kind) {
      case Slot::Kind::currency:
        if (left.value.number != 0 || left.earned.micros != 0) return false;
        break;
      case Slot::Kind::profile: break;  // goes with the membership
      default:
        if (left.value.present) return false;
    }
  }
  return true;
}

void RevertSession::remove(sql::Tx& tx, Evaluation& e) {
  if (e.removed.empty()) return;
  std::sort(e.removed.begin(), e.removed.end());
  remove_memberships(tx, facts_.job.community, e.removed);
  add_leftovers(tx, facts_.job.community, e.removed);
  std::vector<MemberNo> accounts;
  for (MemberNo const member : e.removed)
    if (e.made.at(member).facts.account_created_at >= facts_.original_started_at) accounts.push_back(member);
  remove_unused_accounts(tx, accounts);
}

void read_recorded(sql::Tx& tx, jobs::JobFacts const& job, std::span<jobs::NumberRange const> ranges, std::pmr::memory_resource& arena,
                   std::vector<RecordedChange>& out) {
  auto keep = [&](std::optional<std::string> const& text) -> std::optional<std::string_view> {
    if (!text) return std::nullopt;
    auto* const copy = static_cast<char*>(arena.allocate(text->size() + 1, 1));
    text->copy(copy, text->size());
    return std::string_view(copy, text->size());
  };
  std::vector<std::pair<EntryNo, EntryNo>> entry_ranges;
  entry_ranges.reserve(ranges.size());
  for (auto const& r : ranges) entry_ranges.push_back({{r.first}, {r.last}});
  out.clear();
  for (auto const& entry : ledger::read_entries_between(tx, job.community, job.source, entry_ranges)) {
    RecordedChange c;
    c.number = entry.number.value;
    c.row = entry.source_row;
    c.member = entry.member;
    c.is_entry = true;
    c.subject = entry.currency.value;
    c.op = static_cast<int>(entry.op);
    c.entry_class = static_cast<int>(entry.entry_class);
    c.before_number = entry.balance_after.micros - entry.amount.micros;
    c.after_number = entry.balance_after.micros;
    out.push_back(c);
  }
  bool const has_entries = !out.empty();
  for (auto const& item : read_history_between(tx, job.community, job.source, ranges)) {
    RecordedChange c;
    c.number = item.number.value;
    c.row = item.source_row;
    c.member = item.member;
    c.subject = item.field.value;
    c.op = static_cast<int>(item.op);
    c.operand = item.operand;
    c.before_number = item.before_number;
    c.before_text = keep(item.before_text);
    c.after_number = item.after_number;
    c.after_text = keep(item.after_text);
    out.push_back(c);
  }
  if (has_entries && !out.back().is_entry)
    std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.number < b.number; });
}

std::vector<jobs::RowKey> read_people(sql::Tx& tx, CommunityNo community, std::span<MemberNo const> people) {
  std::vector<jobs::RowKey> out(people.size());
  std::vector<MemberNo> members(people.begin(), people.end());
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  auto const present = members_of(tx, community, members);
  std::unordered_map<MemberNo, std::string> emails;
  find_accounts_by_number(tx, present, [&](std::size_t, Account a) { emails[a.number] = std::move(a.email); });
  for (std::size_t i = 0; i < people.size(); ++i)
    if (auto const found = emails.find(people[i]); found != emails.end()) out[i] = {found->second, people[i], found->second};
  return out;
}

}  // namespace fealty::members
