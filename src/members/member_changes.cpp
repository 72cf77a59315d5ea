#include "members/member_changes.h"

#include "api/json_writer.h"
#include "base/text.h"
#include "members/history_store.h"

namespace fealty::members {
namespace {

using ledger::Operator;

std::unexpected<ValueProblem> problem(std::string code, std::string message) {
  return std::unexpected(ValueProblem{std::move(code), std::move(message)});
}

std::optional<std::int64_t> number_of(Value const& v) { return v.present && v.is_number ? std::optional(v.number) : std::nullopt; }
std::optional<std::string> text_of(Value const& v) { return v.present && !v.is_number ? std::optional(v.text) : std::nullopt; }

ValueProblem balance_problem(ledger::Refusal why, Slot const& slot, Decimal balance, Operator op, Decimal value) {
  switch (why) {
    case ledger::Refusal::negative_value:
      return {"negative_value", "Amounts to add or subtract may not be negative; use the other operator."};
    case ledger::Refusal::amount_out_of_range: return {"amount_out_of_range", value.to_string() + " is out of range."};
    case ledger::Refusal::too_many_decimals:
      return {"too_many_decimals", slot.name + " takes at most " + std::to_string(slot.currency.decimals) + " decimal places."};
    case ledger::Refusal::insufficient_balance: {
      Decimal const result = op == Operator::overwrite ? value : checked_add(balance, -value).value_or(Decimal{});
      return {"insufficient_balance",
              slot.name + " is " + balance.to_string() + "; this row would make it " + result.to_string() + ", below zero."};
    }
    case ledger::Refusal::balance_limit: return {"balance_limit", "The new balance of " + slot.name + " is out of range."};
    case ledger::Refusal::currency_disabled: return {"currency_disabled", slot.name + " is switched off in this community."};
  }
  throw std::logic_error("a refusal without a message");
}

}  // namespace

void write_change(std::string& out, Slot const& slot, Catalogue const& catalogue, Operator op, std::optional<Decimal> operand,
                  Value const& before, Value const& after, std::optional<PublicId> entry) {
  out += "{\"field\":";
  api::write_json_string(out, slot.name);
  out += ",\"op\":\"";
  out += to_string(op);
  out += "\",\"value\":";
  if (operand)
    operand->append_to(out);
  else
    write_value(out, slot, after, catalogue);
  out += ",\"before\":";
  write_value(out, slot, before, catalogue);
  out += ",\"after\":";
  write_value(out, slot, after, catalogue);
  out += ",\"entry_id\":";
  out += entry ? "\"" + entry->to_string() + "\"" : "null";
  out += '}';
}

MemberChanges::MemberChanges(CommunityNo community, Catalogue const& catalogue, std::vector<Slot> slots)
    : community_(community), catalogue_(catalogue), slots_(std::move(slots)), identifier_holders_(slots_.size()) {}

std::string MemberChanges::identifier_key(Value const& value) { return value.is_number ? Decimal{value.number}.to_string() : value.text; }

std::optional<std::size_t> MemberChanges::find(MemberNo member) const {
  auto const loaded = std::lower_bound(loaded_.begin(), loaded_.end(), member);
  if (loaded != loaded_.end() && *loaded == member) return static_cast<std::size_t>(loaded - loaded_.begin());
  if (by_member_.empty()) return std::nullopt;
  auto const found = by_member_.find(member);
  return found == by_member_.end() ? std::nullopt : std::optional(found->second);
}

std::size_t MemberChanges::add_new(MemberNo member, MembershipState state) {
  std::size_t index = persons_.size();
  if (auto const known = find(member)) {
    index = *known;
    persons_[index] = {member, state, std::nullopt, true, true};
    return index;
  }
  by_member_.emplace(member, index);
  persons_.push_back({member, state, std::nullopt, true, true});
  for (auto const& slot : slots_) {
    SlotState empty;
    if (slot.kind == Slot::Kind::currency) empty.value = Value::of(Decimal{});
    states_.push_back(std::move(empty));
  }
  return index;
}

void MemberChanges::load(sql::Tx& tx, std::vector<MemberNo> const& members) {
  tx_ = &tx;
  bool currencies = false, profile = false, values = false;
  for (auto const& slot : slots_) {
    currencies |= slot.kind == Slot::Kind::currency;
    profile |= slot.kind == Slot::Kind::profile;
    values |= slot.kind != Slot::Kind::currency;
  }
  loaded_ = members;
  persons_.resize(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) persons_[i].member = members[i];
  SlotState const zero{Value::of(Decimal{}), {}, 0};
  states_.reserve(members.size() * slots_.size());
  for (std::size_t i = 0; i < members.size(); ++i)
    for (auto const& slot : slots_) states_.push_back(slot.kind == Slot::Kind::currency ? zero : SlotState{});

  // Storage gives them by number, as they stand here: the next one is never far.
  std::size_t at = 0;
  auto index_of = [&](MemberNo member) {
    while (at < loaded_.size() && loaded_[at] < member) ++at;
    return at < loaded_.size() && loaded_[at] == member ? at : find(member).value();
  };
  lock_memberships(tx, community_, members, profile, [&](Membership m) {
    std::size_t const index = index_of(m.member);
    persons_[index] = {m.member, m.state, m.deleted_at, true, false};
    for (std::size_t s = 0; profile && s < slots_.size(); ++s) {
      if (slots_[s].kind != Slot::Kind::profile) continue;
      auto& text = m.profile[static_cast<std::size_t>(slots_[s].field.value - 1)];
      if (text) state(index, s).value = Value::of(std::move(*text));
    }
  });
  if (currencies) {
    std::vector<ledger::MemberBalance> balances;
    balances.reserve(members.size());
    ledger::load_balances(tx, community_, members, balances);
    at = 0;
    for (auto const& b : balances)
      for (std::size_t s = 0; s < slots_.size(); ++s) {
        if (slots_[s].kind != Slot::Kind::currency || slots_[s].currency.number != b.currency) continue;
        auto& place = state(index_of(b.member), s);
        place.value.number = b.balance.amount.micros;
        place.earned = b.balance.earned;
        place.newest = b.balance.newest.value;
        place.is_stored = true;
        newest_ = std::max(newest_, place.newest);
      }
  }
  for (std::size_t s = 0; s < slots_.size(); ++s)
    if (slots_[s].kind == Slot::Kind::role_set || slots_[s].kind == Slot::Kind::tag_set)
      load_sets(tx, community_, slots_[s].kind, members,
                [&](MemberNo m, std::string set) { state(find(m).value(), s).value = Value::of(std::move(set)); });
  if (values) {
    std::unordered_map<FieldNo, std::size_t> slot_by_field;
    for (std::size_t s = 0; s < slots_.size(); ++s)
      if (slots_[s].kind != Slot::Kind::currency) slot_by_field.emplace(slots_[s].field, s);
    load_values(tx, community_, members, [&](StoredValue v) {
      newest_ = std::max(newest_, v.newest.value);
      auto const slot = slot_by_field.find(v.field);
      if (slot == slot_by_field.end()) return;
      auto& place = state(find(v.member).value(), slot->second);
      place.newest = v.newest.value;
      place.is_stored = true;
      if (slots_[slot->second].kind != Slot::Kind::custom) return;
      if (v.number)
        place.value = {true, true, *v.number, {}};
      else if (v.text)
        place.value = Value::of(std::move(*v.text));
    });
  }
}

void MemberChanges::load_identifiers(std::size_t slot, std::vector<std::string> const& value_keys) {
  Holders& holders = identifier_holders_[slot];
  for (auto const& key : value_keys) holders[key] = {};
  std::vector<std::string_view> views(value_keys.begin(), value_keys.end());
  find_identifiers(*tx_, community_, slots_[slot].field, views, [&](std::size_t i, MemberNo holder) { holders[value_keys[i]] = holder; });
  if (overlay_identifiers_) overlay_identifiers_(slots_[slot], value_keys, holders);
}

MemberNo MemberChanges::holder_of(std::size_t slot, std::string const& value_key) {
  if (!identifier_holders_[slot].contains(value_key)) load_identifiers(slot, {value_key});
  return identifier_holders_[slot].at(value_key);
}

std::optional<ValueProblem> MemberChanges::problem_of(Slot const& slot, Operator op, Value const& operand) {
  if (!operand.present && !slot.clearable) return ValueProblem{"not_clearable", slot.name + " cannot be cleared."};
  if (!operand.present && slot.required) return ValueProblem{"value_required", slot.name + " is required."};
  if (slot.kind != Slot::Kind::currency) return std::nullopt;
  if (!slot.currency.enabled) return balance_problem(ledger::Refusal::currency_disabled, slot, {}, op, {});
  if (op != Operator::overwrite && operand.number < 0) return balance_problem(ledger::Refusal::negative_value, slot, {}, op, {});
  return std::nullopt;
}

std::expected<void, ValueProblem> MemberChanges::check_roles(Slot const&, SlotState const& before, Value const& after, bool is_owner,
                                                             api::PermissionSet permissions) const {
  auto numbers = [](Value const& v) {
    std::vector<std::string> out;
    if (v.present && !v.text.empty())
      for (auto const part : split(v.text, ',')) out.emplace_back(part);
    return out;
  };
  auto const old_set = numbers(before.value), new_set = numbers(after);
  auto contains = [](std::vector<std::string> const& set, std::string const& x) {
    return std::find(set.begin(), set.end(), x) != set.end();
  };
  for (auto const& role : catalogue_.roles) {
    auto const number = std::to_string(role.number);
    if (contains(old_set, number) == contains(new_set, number)) continue;
    if (is_owner || role.administrator || (role.powerful && !permissions.has(api::Permission::role)))
      return problem("role_not_allowed", "Role \"" + role.name + "\" cannot be given or taken by a bulk job.");
  }
  return {};
}

std::expected<SlotState, ValueProblem> MemberChanges::next_state(SlotChange& change, Slot const& slot, Value const& operand) {
  SlotState after = change.before;
  if (slot.kind == Slot::Kind::currency) {
    Decimal const value{operand.number};
    change.operand = value;
    ledger::Balance const before{{change.before.value.number}, change.before.earned, {}};
    auto const effect = ledger::evaluate(slot.currency, change.op, value, before);
    if (!effect) return std::unexpected(balance_problem(effect.error(), slot, before.amount, change.op, value));
    after.value = Value::of(effect->balance_after);
    after.earned = effect->earned_after;
    change.entry_class = effect->entry_class;
    return after;
  }
  if (slot.value_kind == ValueKind::decimal && operand.present) {
    Decimal const value{operand.number};
    change.operand = value;
    std::optional<Decimal> result = value;
    if (change.op != Operator::overwrite) {
      Value const& base = change.before.value.present ? change.before.value : slot.default_value;
      Decimal const from{base.present ? base.number : 0};
      result = checked_add(from, change.op == Operator::add ? value : -value);
    }
    if (!result) return problem("balance_limit", "The new value of " + slot.name + " is out of range.");
    after.value = Value::of(*result);
    return after;
  }
  after.value = operand;
  return after;
}

std::expected<SlotChange, ValueProblem> MemberChanges::evaluate(ChangeRow row, std::size_t person, std::size_t slot_index, Operator op,
                                                                Value const& operand, api::PermissionSet permissions, MemberNo owner) {
  Slot const& slot = slots_[slot_index];
  SlotChange change{row, person, slot_index, op, std::nullopt, state(person, slot_index), {}, ledger::EntryClass::earn};
  if (auto wrong = problem_of(slot, op, operand)) return std::unexpected(std::move(*wrong));
  auto after = next_state(change, slot, operand);
  if (!after) return std::unexpected(after.error());
  // An empty set and an absent one are the same.
  if ((slot.kind == Slot::Kind::role_set || slot.kind == Slot::Kind::tag_set) && after->value.text.empty()) after->value = Value::none();
  if (auto const allowed = check_value(change, after->value, permissions, owner); !allowed) return std::unexpected(allowed.error());
  change.after = std::move(*after);
  return change;
}

std::expected<void, ValueProblem> MemberChanges::check_value(SlotChange const& change, Value const& after, api::PermissionSet permissions,
                                                             MemberNo owner) {
  Slot const& slot = slots_[change.slot];
  MemberNo const member = persons_[change.person].member;
  if (slot.kind == Slot::Kind::role_set)
    if (auto allowed = check_roles(slot, change.before, after, member == owner, permissions); !allowed) return allowed;
  if (slot.identifier && after.present && after != change.before.value) {
    auto const holder = holder_of(change.slot, identifier_key(after));
    if (holder && holder != member)
      return problem("identifier_taken", slot.name + " " + identifier_key(after) + " belongs to another member.");
  }
  return {};
}

std::string MemberChanges::shown(Slot const& slot, Value const& value) const {
  if (!value.present) return "empty";
  std::string out;
  write_value(out, slot, value, catalogue_);
  return out;
}

std::expected<SlotState, ValueProblem> MemberChanges::former_state(SlotChange& change, Slot const& slot, RecordedValue const& was) {
  SlotState former = change.before;
  bool const is_balance = slot.kind == Slot::Kind::currency;
  bool const is_relative = was.op != Operator::overwrite && (is_balance || slot.value_kind == ValueKind::decimal);
  Operator const opposite = was.op == Operator::add ? Operator::subtract : Operator::add;
  auto changed = [&] {
    return problem("value_changed", slot.name + " is now " + shown(slot, change.before.value) + ", not " + shown(slot, was.after) + ".");
  };
  if (!is_relative && change.before.value != was.after) return changed();
  if (is_balance) {
    Decimal const amount{was.after.number - was.before.number};
    ledger::Balance const balance{{change.before.value.number}, change.before.earned, {}};
    auto const effect = ledger::evaluate_reversal(slot.currency, was.entry_class, amount, balance);
    if (!effect) return std::unexpected(balance_problem(effect.error(), slot, balance.amount, Operator::subtract, amount));
    change.op = is_relative ? opposite : Operator::overwrite;
    change.operand = !is_relative ? effect->balance_after : amount.micros < 0 ? -amount : amount;
    change.entry_class = effect->entry_class;
    former.value = Value::of(effect->balance_after);
    former.earned = effect->earned_after;
    return former;
  }
  if (!is_relative || change.before.value == was.after) {
    // Exactly what was there, which may be nothing.
    former.value = was.before;
    if (slot.value_kind == ValueKind::decimal && was.before.present) {
      change.op = is_relative ? opposite : Operator::overwrite;
      change.operand = is_relative ? was.operand : std::optional(Decimal{was.before.number});
    }
    return former;
  }
  if (!change.before.value.present || !was.operand) return changed();
  Decimal const step = opposite == Operator::add ? *was.operand : -*was.operand;
  auto const result = checked_add(Decimal{change.before.value.number}, step);
  if (!result) return problem("balance_limit", "The new value of " + slot.name + " is out of range.");
  change.op = opposite;
  change.operand = was.operand;
  former.value = Value::of(*result);
  return former;
}

std::expected<SlotChange, ValueProblem> MemberChanges::evaluate_reversal(ChangeRow row, std::size_t person, std::size_t slot_index,
                                                                         RecordedValue const& was, api::PermissionSet permissions,
                                                                         MemberNo owner) {
  Slot const& slot = slots_[slot_index];
  SlotChange change{row, person, slot_index, Operator::overwrite, std::nullopt, state(person, slot_index), {}, ledger::EntryClass::correct};
  auto former = former_state(change, slot, was);
  if (!former) return std::unexpected(former.error());
  Value const& value = former->value;
  if (slot.value_kind == ValueKind::option && value.present &&
      std::find(slot.options.begin(), slot.options.end(), value.text) == slot.options.end())
    return problem("invalid_option", shown(slot, value) + " is not an option of " + slot.name + " any more.");
  if ((slot.kind == Slot::Kind::role_set || slot.kind == Slot::Kind::tag_set) && value.present) {
    bool const roles = slot.kind == Slot::Kind::role_set;
    for (auto const part : split(value.text, ',')) {
      auto const& known = roles ? catalogue_.roles : catalogue_.tags;
      if (std::none_of(known.begin(), known.end(), [&](NamedNumber const& n) { return std::to_string(n.number) == part; }))
        return problem(roles ? "unknown_role" : "unknown_tag",
                       std::string("A ") + (roles ? "role" : "tag") + " that this member had is not there any more.");
    }
  }
  if (auto const allowed = check_value(change, value, permissions, owner); !allowed) return std::unexpected(allowed.error());
  change.after = std::move(*former);
  return change;
}

bool MemberChanges::commit_row(std::vector<SlotChange>& row_changes) {
  bool any = false;
  // In the order of their numbers, in which write() draws spans.
  auto const by_slot = [](SlotChange const& a, SlotChange const& b) { return a.slot < b.slot; };
  if (!std::is_sorted(row_changes.begin(), row_changes.end(), by_slot)) std::sort(row_changes.begin(), row_changes.end(), by_slot);
  for (auto& change : row_changes) {
    if (change.after.value == change.before.value) continue;
    any = true;
    Slot const& slot = slots_[change.slot];
    change.after.newest = -static_cast<std::int64_t>(changes_.size()) - 1;
    if (slot.identifier) {
      auto& holders = identifier_holders_[change.slot];
      // Nobody's from now on: not forgotten, or it would be looked up where it still has its old holder.
      if (change.before.value.present) holders[identifier_key(change.before.value)] = {};
      if (change.after.value.present) holders[identifier_key(change.after.value)] = persons_[change.person].member;
    }
    state(change.person, change.slot) = change.after;
    changes_.push_back(std::move(change));
  }
  return any;
}

std::int64_t MemberChanges::history_items() const {
  return std::count_if(changes_.begin(), changes_.end(), [&](SlotChange const& c) { return slots_[c.slot].kind != Slot::Kind::currency; });
}

jobs::NumbersDrawn MemberChanges::write(sql::Tx& tx, SourceNo source, NumberSource& numbers, std::size_t rows) {
  if (changes_.empty()) return {};
  auto const per_row = static_cast<std::int64_t>(slots_.size());
  std::int64_t const first = numbers.next_block(static_cast<std::int64_t>(rows) * per_row, newest_);
  auto number_of = [&](SlotChange const& c) { return this->number_of({first, per_row}, c.row.place, c.slot); };
  auto number_of_head = [&](std::int64_t newest) {
    return newest < 0 ? number_of(changes_[static_cast<std::size_t>(-newest - 1)]) : newest;
  };

  std::vector<ledger::Posting> postings;
  auto const items = static_cast<std::size_t>(history_items());
  std::vector<HistoryItem> history;
  history.reserve(items);
  postings.reserve(changes_.size() - items);
  SpansOf<FieldNo> field_spans(slots_.size() + 1);  // the community's behind those of the slots
  SpansOf<MemberNo> member_spans(items == 0 ? 0 : persons_.size());
  std::vector<std::pair<std::size_t, std::size_t>> touched;  // (person, slot), for the final states
  touched.reserve(changes_.size());
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    auto const& c = changes_[i];
    Slot const& slot = slots_[c.slot];
    MemberNo const member = persons_[c.person].member;
    std::int64_t const number = number_of(c);
    touched.emplace_back(c.person, c.slot);
    if (slot.kind == Slot::Kind::currency) {
      postings.push_back({{number},
                          member,
                          slot.currency.number,
                          c.entry_class,
                          c.op,
                          {c.after.value.number - c.before.value.number},
                          {c.after.value.number},
                          {number_of_head(c.before.newest)},
                          c.row.number});
    } else {
      HistoryItem item;
      item.number = {number};
      item.member = member;
      item.field = slot.field;
      item.op = c.op;
      if (c.operand) item.operand = c.operand->micros;
      item.before_number = members::number_of(c.before.value);
      item.before_text = text_of(c.before.value);
      item.after_number = members::number_of(c.after.value);
      item.after_text = text_of(c.after.value);
      item.previous = {number_of_head(c.before.newest)};
      item.source_row = c.row.number;
      history.push_back(std::move(item));
      field_spans.add(c.slot, slot.field, number);
      field_spans.add(slots_.size(), FieldNo{}, number);
      member_spans.add(c.person, member, number);
    }
  }
  // In the order of the tables' keys: neighbours share pages, and two writers meet in the same order.
  std::sort(touched.begin(), touched.end(), [&](auto const& a, auto const& b) {
    return a.first != b.first ? persons_[a.first].member < persons_[b.first].member : a.second < b.second;
  });
  touched.erase(std::unique(touched.begin(), touched.end()), touched.end());

  std::vector<ledger::NewBalance> balances;
  balances.reserve(postings.size());
  std::vector<StoredValue> values;
  values.reserve(items);
  std::vector<std::vector<ProfileUpdate>> profile(slots_.size());
  std::vector<std::vector<std::pair<MemberNo, std::string>>> sets(slots_.size());
  for (auto const& [person, s] : touched) {
    Slot const& slot = slots_[s];
    SlotState const& now = state(person, s);
    MemberNo const member = persons_[person].member;
    std::int64_t const newest = number_of_head(now.newest);
    if (slot.kind == Slot::Kind::currency) {
      balances.push_back({member, slot.currency.number, {{now.value.number}, now.earned, {newest}}, now.is_stored});
      continue;
    }
    StoredValue stored{member, slot.field, std::nullopt, std::nullopt, {newest}, now.is_stored};
    if (slot.kind == Slot::Kind::custom) {
      stored.number = members::number_of(now.value);
      stored.text = text_of(now.value);
    } else if (slot.kind == Slot::Kind::profile) {
      if (!persons_[person].is_new) profile[s].push_back({member, now.value});
    } else {
      sets[s].emplace_back(member, now.value.text);
    }
    values.push_back(std::move(stored));
  }
  ledger::post(tx, community_, source, postings, balances);
  for (std::size_t s = 0; s < slots_.size(); ++s) {
    if (!profile[s].empty()) update_profile(tx, community_, slots_[s].field, profile[s]);
    if (!sets[s].empty()) replace_sets(tx, community_, slots_[s].kind, sets[s]);
    if (!slots_[s].identifier) continue;
    // All that moved goes first, so that two members may exchange their values in one chunk.
    std::map<std::string, MemberNo> removed, added;
    for (auto const& c : changes_) {
      if (c.slot != s) continue;
      if (c.before.value.present) removed.emplace(identifier_key(c.before.value), persons_[c.person].member);
    }
    for (auto const& [person, slot] : touched)
      if (slot == s && state(person, s).value.present) added.emplace(identifier_key(state(person, s).value), persons_[person].member);
    std::vector<std::string_view> gone;
    for (auto const& [key, member] : removed) gone.push_back(key);
    remove_identifiers(tx, community_, slots_[s].field, gone);
    std::vector<std::pair<std::string_view, MemberNo>> fresh;
    for (auto const& [key, member] : added) fresh.emplace_back(key, member);
    add_identifiers(tx, community_, slots_[s].field, fresh);
  }
  set_values(tx, community_, values);
  append_history(tx, community_, source, history);
  append_spans(tx, community_, field_spans.take(), member_spans.take());
  return {first, per_row};
}

std::string MemberChanges::describe(std::vector<SlotChange> const& row_changes) const {
  std::string out = "[";
  for (auto const& c : row_changes) {
    if (c.after.value == c.before.value) continue;
    if (out.size() > 1) out += ',';
    write_change(out, slots_[c.slot], catalogue_, c.op, c.operand, c.before.value, c.after.value, std::nullopt);
  }
  return out + "]";
}

}  // namespace fealty::members
