#include "ledger/ledger.h"

namespace fealty::ledger {

std::string_view to_string(Operator op) {
  constexpr std::string_view kNames[] = {"add", "subtract", "overwrite"};
  return kNames[static_cast<int>(op)];
}

std::optional<Operator> parse_operator(std::string_view text) {
  if (text == "add") return Operator::add;
  if (text == "subtract") return Operator::subtract;
  if (text == "overwrite") return Operator::overwrite;
  return std::nullopt;
}

std::string_view to_string(EntryClass c) {
  constexpr std::string_view kNames[] = {"", "earn", "spend", "refund", "correct", "expire"};
  return kNames[static_cast<int>(c)];
}

bool counts_as_earned(EntryClass c) { return c == EntryClass::earn || c == EntryClass::correct; }

std::expected<Effect, Refusal> evaluate(Currency const& currency, Operator op, Decimal value, Balance const& before) {
  if (!currency.enabled) return std::unexpected(Refusal::currency_disabled);
  if (!value.in_range()) return std::unexpected(Refusal::amount_out_of_range);
  if (op != Operator::overwrite && value.micros < 0) return std::unexpected(Refusal::negative_value);
  std::int64_t unit = 1;
  for (int i = currency.decimals; i < Decimal::kPlacesMax; ++i) unit *= 10;
  if (value.micros % unit != 0) return std::unexpected(Refusal::too_many_decimals);

  std::optional<Decimal> after = value;
  EntryClass entry_class = EntryClass::correct;
  switch (op) {
    case Operator::add:
      after = checked_add(before.amount, value);
      entry_class = EntryClass::earn;
      break;
    case Operator::subtract:
      after = checked_add(before.amount, -value);
      entry_class = currency.kind == "progress" ? EntryClass::correct : EntryClass::spend;
      break;
    case Operator::overwrite: break;
  }
  if (!after) return std::unexpected(Refusal::balance_limit);
  // A balance that is below zero already (the setting was changed) may still be raised towards zero.
  if (after->micros < 0 && !currency.allow_negative && *after < before.amount) return std::unexpected(Refusal::insufficient_balance);
  if (after->micros < 0 && !currency.allow_negative && op == Operator::overwrite) return std::unexpected(Refusal::insufficient_balance);
  // Both lie inside (-9·10¹⁸, 9·10¹⁸): their difference may leave 64 bits.
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(after->micros, before.amount.micros, &difference) || !Decimal{difference}.in_range())
    return std::unexpected(Refusal::balance_limit);
  Effect effect{{difference}, *after, before.earned, entry_class};
  if (counts_as_earned(entry_class)) {
    auto const earned = checked_add(before.earned, effect.amount);
    if (!earned) return std::unexpected(Refusal::balance_limit);
    effect.earned_after = *earned;
  }
  return effect;
}

std::expected<Effect, Refusal> evaluate_reversal(Currency const& currency, EntryClass entry_class, Decimal amount, Balance const& before) {
  if (!currency.enabled) return std::unexpected(Refusal::currency_disabled);
  auto const after = checked_add(before.amount, -amount);
  if (!after) return std::unexpected(Refusal::balance_limit);
  if (after->micros < 0 && !currency.allow_negative && *after < before.amount) return std::unexpected(Refusal::insufficient_balance);
  Effect effect{-amount, *after, before.earned, amount.micros < 0 ? EntryClass::refund : EntryClass::spend};
  if (counts_as_earned(entry_class)) {
    effect.entry_class = EntryClass::correct;
    auto const earned = checked_add(before.earned, effect.amount);
    if (!earned) return std::unexpected(Refusal::balance_limit);
    effect.earned_after = *earned;
  }
  return effect;
}

}  // namespace fealty::ledger
