// Exact decimals: a signed 64-bit count of millionths. Balances and numerical fields never touch binary floating point.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fealty {

struct Decimal {
  static constexpr std::int64_t kScale = 1'000'000;
  static constexpr int kPlacesMax = 6;
  // |value| < 9·10¹²: leaves room for one addition without overflow of the 64-bit count.
  static constexpr std::int64_t kLimitMicros = 9'000'000'000'000 * kScale;

  std::int64_t micros = 0;

  auto operator<=>(Decimal const&) const = default;
  constexpr Decimal operator-() const { return {-micros}; }
  bool in_range() const { return micros > -kLimitMicros && micros < kLimitMicros; }
  // Shortest form: no exponent, no trailing zeros, "-" only in front of a non-zero value.
  std::string to_string() const;
  void append_to(std::string& out) const;
};

// Sum, or nothing when it leaves the range.
std::optional<Decimal> checked_add(Decimal a, Decimal b);

enum class DecimalError : std::uint8_t { none, not_a_number, too_many_decimals, out_of_range };
struct ParsedDecimal {
  Decimal value;
  DecimalError error = DecimalError::none;
};
// `[+-]?digits[.digits]` with at least one digit on one side of the point; no exponent, blanks or separators.
// `places_max` 0 to 6: more digits after the point are too_many_decimals, even when they are zeros beyond six places.
// not_a_number wins over out_of_range wins over too_many_decimals.
ParsedDecimal parse_decimal(std::string_view text, int places_max = Decimal::kPlacesMax);

}  // namespace fealty
