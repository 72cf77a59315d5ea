#include <unordered_map>

#include "ledger/entries.h"
#include "ledger/ledger_store.h"

namespace fealty::ledger {
namespace {

Error refused(Refusal why, Currency const& currency, Balance const& before, Decimal value, Operator op) {
  switch (why) {
    case Refusal::negative_value:
      return {&errors::kNegativeValue, "Amounts to add or subtract may not be negative; use the other operator."};
    case Refusal::amount_out_of_range:
      return {&errors::kAmountOutOfRange, value.to_string() + " is out of range: amounts stay below 9 000 000 000 000."};
    case Refusal::too_many_decimals:
      return {&errors::kAmountOutOfRange, currency.name + " takes at most " + std::to_string(currency.decimals) + " decimal places."};
    case Refusal::insufficient_balance: {
      bool const subtracts = op == Operator::subtract;
      std::string const wanted = subtracts ? value.to_string() + " is needed" : value.to_string() + " would be below zero";
      Error error{&errors::kInsufficientBalance, currency.name + " is " + before.amount.to_string() + "; " + wanted + "."};
      // What would be taken away, whichever operator says so.
      Decimal const required = subtracts ? value : Decimal{before.amount.micros - value.micros};
      error.details = {{"currency", currency.code}, {"balance", before.amount}, {"required", required}};
      return error;
    }
    case Refusal::balance_limit: return {&errors::kBalanceLimit, "The new balance of " + currency.name + " is out of range."};
    case Refusal::currency_disabled: return {&errors::kCurrencyDisabled, currency.name + " is switched off in this community."};
  }
  throw std::logic_error("a refusal without a message");
}

std::optional<PublicId> id_of(EntryNo entry) {
  return entry ? std::optional(PublicId::of(entry.value, NumberSource::time_of(entry.value))) : std::nullopt;
}

std::unexpected<Error> no_such_member() { return fail(errors::kUserNotFound, "There is no such member in this community."); }
std::unexpected<Error> not_joined() { return fail(errors::kUserNotJoined, "This member has not accepted the invitation yet."); }

// Why an entry of this source is not taken back by itself.
std::optional<Error> irreversible(ChangeSource const& source) {
  if (source.kind == "revert") return Error{&errors::kIsReversal, "This entry took another one back; it is not taken back itself."};
  if (!source.is_single)
    return Error{&errors::kUseRevert,
                 "This entry belongs to a bulk job. Revert the job: an entry that was taken back by itself would be taken back "
                 "again with its job."};
  for (std::string_view const kind : {"purchase", "refund", "wheel"})
    if (source.kind == kind) return Error{&errors::kUseCancel, "Cancel the purchase or the spin that made this entry."};
  return std::nullopt;
}

// The sets of one transaction: loaded at once, evaluated in memory one after the other, written at once.
class SetRun {
 public:
  SetRun(sql::Tx& tx, CommunityNo community, NumberSource& numbers) : tx_(tx), community_(community), numbers_(numbers) {}

  void load(std::span<ChangeSet const> sets, Locked locked);
  // Whether all of the set's members could be locked, or are known to be no members.
  bool is_free(ChangeSet set) const {
    return !skipped_ || std::all_of(set.begin(), set.end(), [&](Change const& c) { return !c.member || presence_.contains(c.member); });
  }
  SetOutcome evaluate(ChangeSet set);
  void write(TimeMs now);

 private:
  using Place = std::pair<MemberNo, CurrencyNo>;
  struct Known {  // a source that was applied, in this transaction or before
    std::optional<Operator> op;
    std::optional<Decimal> operand;
    ChangeResult result;
  };
  struct Undo {
    Place place;
    Balance before;
  };

  Currency const* currency_of(std::string_view code) const {
    auto const found = std::find_if(currencies_.begin(), currencies_.end(), [&](Currency const& c) { return c.code == code; });
    return found == currencies_.end() ? nullptr : &*found;
  }
  static std::string key_of(Change const& c, CurrencyNo currency) {
    std::string key;
    for (std::string_view const part : {std::string_view(c.source.kind), std::string_view(c.source.external_id), std::string_view(c.leg)})
      ((key += std::to_string(part.size())) += ':') += part;
    return (((key += std::to_string(c.member.value)) += '/') += std::to_string(currency.value));
  }
  Result<ChangeResult> evaluate_one(Change const& change);

  sql::Tx& tx_;
  CommunityNo community_;
  NumberSource& numbers_;
  bool skipped_ = false;
  std::vector<Currency> currencies_;
  std::unordered_map<MemberNo, Presence> presence_;
  std::map<Place, Balance> balances_;
  std::unordered_map<std::string, Known> known_;

  std::vector<NewSource> sources_;
  std::vector<SourcedPosting> postings_;
  std::vector<Place> changed_;
  // Of the set that is being evaluated: what to take back when one of its changes is refused.
  std::vector<Undo> undo_;
  std::vector<std::string> keys_added_;
};

void SetRun::load(std::span<ChangeSet const> sets, Locked locked) {
  skipped_ = locked == Locked::skip;
  std::vector<MemberNo> members;
  for (auto const& set : sets)
    for (auto const& c : set)
      if (c.member) members.push_back(c.member);
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  lock_members_later(tx_, community_, members, locked, [this](MemberNo m, Presence p) { presence_.emplace(m, p); });
  load_currencies_later(tx_, community_, currencies_);
  tx_.settle();
  std::erase_if(members, [&](MemberNo m) { return !presence_.contains(m); });
  if (members.empty()) return;

  // Only now: what is read before the members are locked may be changed before they are.
  std::vector<MemberBalance> loaded;
  load_balances_later(tx_, community_, members, loaded);
  std::vector<SourceKey> wanted;
  for (auto const& set : sets)
    for (auto const& c : set)
      if (auto const* currency = currency_of(c.currency); currency && !c.is_new_source && presence_.contains(c.member))
        wanted.push_back({&c, currency->number});
  std::vector<FoundSource> found;
  find_sources_later(tx_, community_, wanted, found);
  tx_.settle();
  for (auto const& b : loaded) balances_[{b.member, b.currency}] = b.balance;
  // Nearly all sources are new: what the others say is read one by one.
  for (auto const& f : found) {
    auto s = read_source(tx_, community_, f.number);
    ChangeResult result{id_of(s.entry), s.balance_after, true, s.entry_class, s.amount, std::move(s.first)};
    known_.insert_or_assign(key_of(*wanted[f.key].change, wanted[f.key].currency), Known{s.op, s.operand, std::move(result)});
  }
}

Result<ChangeResult> SetRun::evaluate_one(Change const& c) {
  auto const presence = presence_.find(c.member);
  if (presence == presence_.end() || presence->second == Presence::deleted) return no_such_member();
  if (presence->second == Presence::invited) return not_joined();
  auto const* currency = currency_of(c.currency);
  if (!currency) return fail(errors::kCurrencyNotFound, "There is no currency \"" + c.currency + "\" in this community.");

  std::string key;
  if (!c.is_new_source) {
    key = key_of(c, currency->number);
    if (auto const found = known_.find(key); found != known_.end()) {
      auto const& known = found->second;
      if (known.op == c.op && known.operand == c.value) {
        ChangeResult result = known.result;
        if (!result.entry) result.balance = balances_[{c.member, currency->number}].amount;
        return result;
      }
      return fail(errors::kSourceReused,
                  "This source was applied before with another operator or value; give the new change a source id of its own.");
    }
  }
  Place const place{c.member, currency->number};
  Balance& balance = balances_[place];
  auto const effect = ledger::evaluate(*currency, c.op, c.value, balance);
  if (!effect) return std::unexpected(refused(effect.error(), *currency, balance, c.value, c.op));

  // Numbers rise along a chain, though another node's clock was ahead.
  EntryNo const entry = effect->amount.micros != 0 ? EntryNo{numbers_.next_block(1, balance.newest.value)} : EntryNo{};
  ChangeResult result{id_of(entry), entry ? effect->balance_after : balance.amount, false, effect->entry_class, effect->amount};
  sources_.push_back({{numbers_.next()}, &c, currency->number, entry});
  if (entry) {
    postings_.push_back(
        {sources_.back().number,
         {entry, c.member, currency->number, effect->entry_class, c.op, effect->amount, effect->balance_after, balance.newest, 0}});
    undo_.push_back({place, balance});
    balance = {effect->balance_after, effect->earned_after, entry};
  }
  if (!key.empty()) {
    Known known{c.op, c.value, result};
    known.result.duplicate = true;
    known.result.first = ChangeResult::First{c.source.reason, c.note, c.source.actor};
    known_.emplace(key, std::move(known));
    keys_added_.push_back(std::move(key));
  }
  return result;
}

SetOutcome SetRun::evaluate(ChangeSet set) {
  undo_.clear();
  keys_added_.clear();
  auto const sources_before = sources_.size(), postings_before = postings_.size();
  SetOutcome out;
  for (std::size_t i = 0; i < set.size(); ++i) {
    // Also after a problem: the caller is told all of them.
    auto result = evaluate_one(set[i]);
    if (result)
      out.results.push_back(*std::move(result));
    else
      out.problems.push_back({i, std::move(result).error()});
  }
  if (out.problems.empty()) {
    for (auto const& u : undo_) changed_.push_back(u.place);
    return out;
  }
  out.state = SetOutcome::State::refused;
  out.results.clear();
  sources_.resize(sources_before);
  postings_.resize(postings_before);
  for (auto u = undo_.rbegin(); u != undo_.rend(); ++u) balances_[u->place] = u->before;
  for (auto const& key : keys_added_) known_.erase(key);
  return out;
}

void SetRun::write(TimeMs now) {
  insert_sources(tx_, community_, sources_, now);
  std::sort(changed_.begin(), changed_.end());
  changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
  std::vector<NewBalance> balances;
  balances.reserve(changed_.size());
  for (auto const& [member, currency] : changed_) balances.push_back({member, currency, balances_[{member, currency}]});
  post_sourced(tx_, community_, postings_, balances);
}

}  // namespace

Result<ChangeResult> LedgerService::change(CommunityNo community, Change const& c, TimeMs now) {
  return database_.write([&](sql::Tx& tx) { return change_in(tx, community, c, now); });
}

Result<ChangeResult> LedgerService::change_in(sql::Tx& tx, CommunityNo community, Change const& c, TimeMs now) {
  ChangeSet const set(&c, 1);
  auto outcome = std::move(apply_in(tx, community, {&set, 1}, now).front());
  if (outcome.state == SetOutcome::State::refused) return std::unexpected(std::move(outcome.problems.front().error));
  return std::move(outcome.results.front());
}

std::vector<SetOutcome> LedgerService::apply_in(sql::Tx& tx, CommunityNo community, std::span<ChangeSet const> sets, TimeMs now,
                                                Locked locked) {
  std::vector<SetOutcome> out;
  if (sets.empty()) return out;
  SetRun run(tx, community, numbers_);
  run.load(sets, locked);
  out.reserve(sets.size());
  for (auto const& set : sets) {
    if (run.is_free(set))
      out.push_back(run.evaluate(set));
    else
      out.push_back({.state = SetOutcome::State::busy});
  }
  run.write(now);
  return out;
}

Result<Reversal> LedgerService::reverse_in(sql::Tx& tx, CommunityNo community, PublicId id, access::Actor const& actor,
                                           std::string const& note, TimeMs now) {
  auto const original = find_entry(tx, community, {id.number});
  std::optional<ChangeSource> source;
  if (original && original->entry.id() == id)
    load_sources(tx, community, {original->source}, [&](std::size_t, ChangeSource s) { source = std::move(s); });
  if (!source) return fail(errors::kEntryNotFound, "There is no such entry in this community.");
  if (auto refusal = irreversible(*source)) return std::unexpected(*std::move(refusal));

  Entry const& e = original->entry;
  std::vector<MemberNo> const members{e.member};
  std::optional<Presence> presence;
  std::vector<Currency> currencies;
  lock_members_later(tx, community, members, Locked::wait, [&](MemberNo, Presence p) { presence = p; });
  load_currencies_later(tx, community, currencies);
  tx.settle();
  if (!presence || *presence == Presence::deleted) return no_such_member();
  if (*presence == Presence::invited) return not_joined();
  auto const& currency = *std::find_if(currencies.begin(), currencies.end(), [&](Currency const& c) { return c.number == e.currency; });

  // Only now: what is read before the member is locked may be changed before he is.
  bool const was_credit = e.amount.micros > 0;
  Change const change{e.member,
                      currency.code,
                      was_credit ? Operator::subtract : Operator::add,
                      was_credit ? e.amount : -e.amount,
                      {.kind = "revert", .external_id = id.to_string(), .actor = actor},
                      "",
                      note};
  std::vector<FoundSource> reversals;
  find_sources_later(tx, community, {{&change, currency.number}}, reversals);
  std::vector<MemberBalance> balances;
  load_balances_later(tx, community, members, balances);
  tx.settle();
  if (!reversals.empty()) {
    Error error{&errors::kAlreadyReversed, "This entry was taken back before."};
    error.details = {{"reversedBy", id_of(read_source(tx, community, reversals.front().number).entry)->to_string()}};
    return std::unexpected(std::move(error));
  }
  Balance before;
  for (auto const& b : balances)
    if (b.currency == e.currency) before = b.balance;
  auto const effect = evaluate_reversal(currency, e.entry_class, e.amount, before);
  if (!effect) return std::unexpected(refused(effect.error(), currency, before, change.value, change.op));

  EntryNo const entry{numbers_.next_block(1, before.newest.value)};
  SourceNo const number{numbers_.next()};
  insert_sources(tx, community, {{number, &change, currency.number, entry}}, now);
  post_sourced(
      tx, community,
      {{number, {entry, e.member, e.currency, effect->entry_class, change.op, effect->amount, effect->balance_after, before.newest, 0}}},
      {{e.member, e.currency, {effect->balance_after, effect->earned_after, entry}}});
  return Reversal{entry, e.member, currency.code, before.amount, effect->balance_after};
}

}  // namespace fealty::ledger
