#include "base/decimal.h"

#include <random>

namespace fealty {

TEST(Decimal, ReadsWhatTheContractAllowsAndRefusesTheRest) {
  struct Case {
    char const* text;
    DecimalError error;
    std::int64_t micros;
  };
  for (auto const& [text, error, micros] : {
           Case{"0", DecimalError::none, 0},
           {"1250.50", DecimalError::none, 1'250'500'000},
           {"+5", DecimalError::none, 5'000'000},
           {"-0.000001", DecimalError::none, -1},
           {".5", DecimalError::none, 500'000},
           {"5.", DecimalError::none, 5'000'000},
           {"0000000000000000000001", DecimalError::none, 1'000'000},
           {"8999999999999.999999", DecimalError::none, 8'999'999'999'999'999'999},
           {"9000000000000", DecimalError::out_of_range, 0},
           {"-9000000000000", DecimalError::out_of_range, 0},
           {"99999999999999999999999999", DecimalError::out_of_range, 0},
           {"0.0000001", DecimalError::too_many_decimals, 0},
           {"1e3", DecimalError::not_a_number, 0},
           {"1,5", DecimalError::not_a_number, 0},
           {"1 000", DecimalError::not_a_number, 0},
           {"NaN", DecimalError::not_a_number, 0},
           {"", DecimalError::not_a_number, 0},
           {"-", DecimalError::not_a_number, 0},
           {".", DecimalError::not_a_number, 0},
           {"1.2.3", DecimalError::not_a_number, 0},
           {"$5", DecimalError::not_a_number, 0},
       }) {
    auto const got = parse_decimal(text);
    EXPECT_EQ(static_cast<int>(got.error), static_cast<int>(error)) << text;
    if (error == DecimalError::none) EXPECT_EQ(got.value.micros, micros) << text;
  }
  EXPECT_EQ(parse_decimal("1.5", 0).error, DecimalError::too_many_decimals);
  EXPECT_EQ(parse_decimal("1.55", 2).error, DecimalError::none);
}

TEST(Decimal, WritesTheShortestFormThatReadsBackEqual) {
  EXPECT_EQ((Decimal{1'250'500'000}).to_string(), "1250.5");
  EXPECT_EQ((Decimal{-1}).to_string(), "-0.000001");
  EXPECT_EQ((Decimal{0}).to_string(), "0");
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    Decimal const value{static_cast<std::int64_t>(random()) % Decimal::kLimitMicros};
    EXPECT_EQ(parse_decimal(value.to_string()).value, value);
  }
}

TEST(Decimal, SumsLeaveTheRangeInsteadOfWrapping) {
  EXPECT_FALSE(checked_add({Decimal::kLimitMicros - 1}, {1}));
  EXPECT_FALSE(checked_add({-Decimal::kLimitMicros + 1}, {-1}));
  EXPECT_EQ(checked_add({5}, {-7})->micros, -2);
}

}  // namespace fealty
