#include <limits>

#include "ledger/ledger.h"

namespace fealty::ledger {
namespace {

constexpr std::int64_t kOne = Decimal::kScale;
constexpr std::int64_t kMost = Decimal::kLimitMicros - 1;

Currency coins() { return {kCoins, "coins", "Coins", "spendable"}; }
Currency xp() { return {kXp, "xp", "XP", "progress"}; }
Currency debt() { return {kCoins, "coins", "Coins", "spendable", true, 6, true}; }
Currency whole() { return {kCoins, "spins.1", "Spins", "counter", true, 0}; }
Currency off() { return {kCoins, "coins", "Coins", "spendable", false}; }

TEST(LedgerRules, EveryOperatorBooksItsExactAmountInItsClass) {
  using enum EntryClass;
  struct Case {
    char const* what;
    Currency currency;
    Operator op;
    std::int64_t value, before, earned;
    std::int64_t amount, after, earned_after;
    EntryClass entry_class;
  };
  Case const cases[] = {
      {"add earns", coins(), Operator::add, 5 * kOne, 0, 0, 5 * kOne, 5 * kOne, 5 * kOne, earn},
      {"add of a millionth", coins(), Operator::add, 1, 1, 1, 1, 2, 2, earn},
      {"add of nothing", coins(), Operator::add, 0, 7, 3, 0, 7, 3, earn},
      {"subtract of coins spends: what was earned stays", coins(), Operator::subtract, 2 * kOne, 5 * kOne, 5 * kOne, -2 * kOne, 3 * kOne,
       5 * kOne, spend},
      {"subtract of a counter spends", whole(), Operator::subtract, kOne, kOne, kOne, -kOne, 0, kOne, spend},
      {"subtract of XP corrects: less was earned", xp(), Operator::subtract, 2 * kOne, 5 * kOne, 5 * kOne, -2 * kOne, 3 * kOne, 3 * kOne,
       correct},
      {"subtract to exactly zero", coins(), Operator::subtract, 5, 5, 5, -5, 0, 5, spend},
      {"overwrite upwards", coins(), Operator::overwrite, 9 * kOne, 5 * kOne, 5 * kOne, 4 * kOne, 9 * kOne, 9 * kOne, correct},
      {"overwrite downwards", coins(), Operator::overwrite, kOne, 5 * kOne, 5 * kOne, -4 * kOne, kOne, kOne, correct},
      {"overwrite with what is there", coins(), Operator::overwrite, 5, 5, 3, 0, 5, 3, correct},
      {"earned may fall below zero inside; readers show zero", coins(), Operator::overwrite, 0, 5, 2, -5, 0, -3, correct},
      {"below zero where it is allowed", debt(), Operator::subtract, 5, 2, 2, -5, -3, 2, spend},
      {"overwrite below zero where it is allowed", debt(), Operator::overwrite, -5, 2, 2, -7, -5, -5, correct},
      {"a debt of before may shrink", coins(), Operator::add, 2, -5, 0, 2, -3, 2, earn},
      {"a debt of before may be set to zero", coins(), Operator::overwrite, 0, -5, 0, 5, 0, 5, correct},
      {"the largest balance", coins(), Operator::add, kMost, 0, 0, kMost, kMost, kMost, earn},
      {"the smallest balance", debt(), Operator::subtract, kMost, 0, 0, -kMost, -kMost, 0, spend},
  };
  for (auto const& c : cases) {
    auto const effect = evaluate(c.currency, c.op, {c.value}, {{c.before}, {c.earned}, {}});
    ASSERT_TRUE(effect) << c.what;
    EXPECT_EQ(effect->amount.micros, c.amount) << c.what;
    EXPECT_EQ(effect->balance_after.micros, c.after) << c.what;
    EXPECT_EQ(effect->earned_after.micros, c.earned_after) << c.what;
    if (c.amount != 0) {
      EXPECT_EQ(effect->entry_class, c.entry_class) << c.what;
    }
  }
}

TEST(LedgerRules, WhatIsRefusedIsRefusedWholeAndForTheStatedReason) {
  struct Case {
    char const* what;
    Currency currency;
    Operator op;
    std::int64_t value, before, earned;
    Refusal why;
  };
  Currency cents = coins();
  cents.decimals = 2;
  Case const cases[] = {
      {"a negative amount to add", coins(), Operator::add, -1, 5, 5, Refusal::negative_value},
      {"a negative amount to subtract", coins(), Operator::subtract, -1, 5, 5, Refusal::negative_value},
      {"more than there is", coins(), Operator::subtract, 6, 5, 5, Refusal::insufficient_balance},
      {"more XP than there is", xp(), Operator::subtract, 6, 5, 5, Refusal::insufficient_balance},
      {"overwrite below zero", coins(), Operator::overwrite, -1, 5, 5, Refusal::insufficient_balance},
      {"a debt of before may not grow", coins(), Operator::subtract, 1, -5, 0, Refusal::insufficient_balance},
      {"a debt of before may not be set to a smaller debt", coins(), Operator::overwrite, -2, -5, 0, Refusal::insufficient_balance},
      {"above the range", coins(), Operator::add, 1, kMost, 0, Refusal::balance_limit},
      {"below the range", debt(), Operator::subtract, 1, -kMost, 0, Refusal::balance_limit},
      {"earned above the range", coins(), Operator::add, 1, 0, kMost, Refusal::balance_limit},
      {"a difference that no entry can hold", debt(), Operator::overwrite, kMost, -kMost, 0, Refusal::balance_limit},
      {"an amount at the limit", coins(), Operator::add, Decimal::kLimitMicros, 0, 0, Refusal::amount_out_of_range},
      {"an overwrite at the limit", debt(), Operator::overwrite, -Decimal::kLimitMicros, 0, 0, Refusal::amount_out_of_range},
      {"the smallest number of all", coins(), Operator::subtract, std::numeric_limits<std::int64_t>::min(), 0, 0,
       Refusal::amount_out_of_range},
      {"a third place of two", cents, Operator::add, 1'000, 0, 0, Refusal::too_many_decimals},
      {"half a spin", whole(), Operator::overwrite, kOne / 2, 0, 0, Refusal::too_many_decimals},
      {"switched off: add", off(), Operator::add, 1, 0, 0, Refusal::currency_disabled},
      {"switched off: subtract", off(), Operator::subtract, 1, 5, 5, Refusal::currency_disabled},
      {"switched off: overwrite with what is there", off(), Operator::overwrite, 5, 5, 5, Refusal::currency_disabled},
  };
  for (auto const& c : cases) {
    auto const effect = evaluate(c.currency, c.op, {c.value}, {{c.before}, {c.earned}, {}});
    ASSERT_FALSE(effect) << c.what;
    EXPECT_EQ(effect.error(), c.why) << c.what;
  }
}

TEST(LedgerRules, PlacesAreCountedAsTheCurrencySays) {
  for (int decimals = 0; decimals <= Decimal::kPlacesMax; ++decimals) {
    Currency c = coins();
    c.decimals = decimals;
    std::int64_t unit = kOne;
    for (int i = 0; i < decimals; ++i) unit /= 10;
    EXPECT_TRUE(evaluate(c, Operator::add, {unit}, {})) << decimals;
    EXPECT_TRUE(evaluate(c, Operator::overwrite, {3 * unit}, {})) << decimals;
    if (decimals == Decimal::kPlacesMax) continue;
    auto const finer = evaluate(c, Operator::add, {unit / 10}, {});
    ASSERT_FALSE(finer) << decimals;
    EXPECT_EQ(finer.error(), Refusal::too_many_decimals) << decimals;
  }
}

TEST(LedgerRules, OperatorsAndClassesHaveOneSpelling) {
  for (auto const op : {Operator::add, Operator::subtract, Operator::overwrite}) EXPECT_EQ(parse_operator(to_string(op)), op);
  for (auto const* wrong : {"", "Add", "ADD", "add ", " add", "overwritten", "set", "+"}) EXPECT_FALSE(parse_operator(wrong)) << wrong;
  EXPECT_EQ(to_string(EntryClass::earn), "earn");
  EXPECT_EQ(to_string(EntryClass::spend), "spend");
  EXPECT_EQ(to_string(EntryClass::refund), "refund");
  EXPECT_EQ(to_string(EntryClass::correct), "correct");
  EXPECT_EQ(to_string(EntryClass::expire), "expire");
  EXPECT_TRUE(counts_as_earned(EntryClass::earn));
  EXPECT_TRUE(counts_as_earned(EntryClass::correct));
  for (auto const c : {EntryClass::spend, EntryClass::refund, EntryClass::expire}) EXPECT_FALSE(counts_as_earned(c));
}

}  // namespace
}  // namespace fealty::ledger
