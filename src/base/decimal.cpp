#include "base/decimal.h"

#include <charconv>

namespace fealty {

void Decimal::append_to(std::string& out) const {
  std::uint64_t magnitude = micros < 0 ? 0 - static_cast<std::uint64_t>(micros) : static_cast<std::uint64_t>(micros);
  if (micros < 0) out += '-';
  char digits[24];
  auto const whole = std::to_chars(digits, digits + sizeof digits, magnitude / kScale);
  out.append(digits, whole.ptr);
  std::uint64_t fraction = magnitude % kScale;
  if (fraction == 0) return;
  char places[kPlacesMax];
  for (int i = kPlacesMax - 1; i >= 0; --i, fraction /= 10) places[i] = static_cast<char>('0' + fraction % 10);
  int length = kPlacesMax;
  while (places[length - 1] == '0') --length;
  out += '.';
  out.append(places, static_cast<std::size_t>(length));
}

std::string Decimal::to_string() const {
  std::string out;
  append_to(out);
  return out;
}

std::optional<Decimal> checked_add(Decimal a, Decimal b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a.micros, b.micros, &sum)) return std::nullopt;
  Decimal const result{sum};
  return result.in_range() ? std::optional(result) : std::nullopt;
}

ParsedDecimal parse_decimal(std::string_view text, int places_max) {
  std::size_t at = 0;
  bool negative = false;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) negative = text[at++] == '-';
  auto is_digit = [&](std::size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };

  std::size_t const whole_begin = at;
  while (is_digit(at)) ++at;
  std::string_view whole = text.substr(whole_begin, at - whole_begin);
  std::string_view fraction;
  if (at < text.size() && text[at] == '.') {
    std::size_t const begin = ++at;
    while (is_digit(at)) ++at;
    fraction = text.substr(begin, at - begin);
  }
  if (at != text.size() || (whole.empty() && fraction.empty())) return {{}, DecimalError::not_a_number};

  while (!whole.empty() && whole.front() == '0') whole.remove_prefix(1);
  // 9·10¹² has 13 digits: what has more cannot be in range, and 13 digits in millionths still fit 64 bits unsigned.
  if (whole.size() > 13) return {{}, DecimalError::out_of_range};
  std::uint64_t value = 0;
  for (char c : whole) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  for (std::size_t i = 0; i < Decimal::kPlacesMax; ++i)
    value = value * 10 + (i < fraction.size() ? static_cast<std::uint64_t>(fraction[i] - '0') : 0);
  if (value >= static_cast<std::uint64_t>(Decimal::kLimitMicros)) return {{}, DecimalError::out_of_range};
  if (fraction.size() > static_cast<std::size_t>(places_max)) return {{}, DecimalError::too_many_decimals};
  auto const micros = static_cast<std::int64_t>(value);
  return {{negative ? -micros : micros}, DecimalError::none};
}

}  // namespace fealty
