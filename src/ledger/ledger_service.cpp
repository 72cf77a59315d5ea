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
      std::string const wanted = op == Operator::subtract ? value.to_string() + " is needed" : value.to_string() + " would be below zero";
      return {&errors::kInsufficientBalance, currency.name + " is " + before.amount.to_string() + "; " + wanted + "."};
    }
    case Refusal::balance_limit: return {&errors::kBalanceLimit, "The new balance of " + currency.name + " is out of range."};
    case Refusal::currency_disabled: return {&errors::kCurrencyDisabled, currency.name + " is switched off in this community."};
  }
  throw std::logic_error("a refusal without a message");
}

}  // namespace

Result<ChangeResult> LedgerService::change(CommunityNo community, Change const& c, TimeMs now) {
  return database_.write([&](sql::Tx& tx) { return change_in(tx, community, c, now); });
}

Result<ChangeResult> LedgerService::change_in(sql::Tx& tx, CommunityNo community, Change const& c, TimeMs now) {
  auto const presence = lock_member(tx, community, c.member);
  if (presence == Presence::invited) return fail(errors::kUserNotJoined, "This member has not accepted the invitation yet.");
  if (presence != Presence::present) return fail(errors::kUserNotFound, "There is no such member in this community.");
  auto const currencies = load_currencies(tx, community);
  auto const currency = std::find_if(currencies.begin(), currencies.end(), [&](Currency const& x) { return x.code == c.currency; });
  if (currency == currencies.end())
    return fail(errors::kCurrencyNotFound, "There is no currency \"" + c.currency + "\" in this community.");

  std::vector<MemberBalance> loaded;
  load_balances(tx, community, {c.member}, loaded);
  Balance before;
  for (auto const& b : loaded)
    if (b.currency == currency->number) before = b.balance;

  if (auto const seen = find_source(tx, community, c, currency->number)) {
    if (seen->op != c.op || seen->operand != c.value)
      return fail(errors::kSourceReused,
                  "This source was applied before with another operator or value; give the new change a source id of its own.");
    if (!seen->entry) return ChangeResult{std::nullopt, before.amount, true};
    return ChangeResult{PublicId::of(seen->entry.value, NumberSource::time_of(seen->entry.value)),
                        balance_after(tx, community, seen->entry), true};
  }

  auto const effect = evaluate(*currency, c.op, c.value, before);
  if (!effect) return std::unexpected(refused(effect.error(), *currency, before, c.value, c.op));

  SourceNo const source{numbers_.next()};
  EntryNo const entry = effect->amount.micros != 0 ? EntryNo{numbers_.next()} : EntryNo{};
  insert_source(tx, community, source, c.source, c.leg, c.member, currency->number, c.op, c.value, entry, c.note, now);
  if (!entry) return ChangeResult{std::nullopt, before.amount, false};
  post(tx, community, source,
       {{entry, c.member, currency->number, effect->entry_class, c.op, effect->amount, effect->balance_after, before.newest, 0}},
       {{c.member, currency->number, {effect->balance_after, effect->earned_after, entry}}});
  return ChangeResult{PublicId::of(entry.value, NumberSource::time_of(entry.value)), effect->balance_after, false};
}

}  // namespace fealty::ledger
