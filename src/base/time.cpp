#include "base/time.h"

#include <chrono>

namespace fealty {
namespace {

namespace chr = std::chrono;

void put(char* at, std::int64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

// Reads exactly `digits` digits and moves on.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<TimeMs> take_day(std::string_view& text) {
  auto const year = take_number(text, 4);
  if (!year || *year < 1000 || !take(text, '-')) return std::nullopt;
  auto const month = take_number(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  auto const day = take_number(text, 2);
  if (!day) return std::nullopt;
  chr::year_month_day const date{chr::year{*year}, chr::month{static_cast<unsigned>(*month)}, chr::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return chr::duration_cast<chr::milliseconds>(chr::sys_days{date}.time_since_epoch()).count();
}

}  // namespace

TimeMs system_now() { return chr::duration_cast<chr::milliseconds>(chr::system_clock::now().time_since_epoch()).count(); }

std::int64_t steady_now_ms() { return chr::duration_cast<chr::milliseconds>(chr::steady_clock::now().time_since_epoch()).count(); }

std::string to_iso(TimeMs time) {
  std::string out;
  append_iso(out, time);
  return out;
}

void append_iso(std::string& text, TimeMs time) {
  chr::sys_time<chr::milliseconds> const at{chr::milliseconds{time}};
  auto const day = chr::floor<chr::days>(at);
  chr::year_month_day const date{day};
  auto const of_day = (at - day).count();
  auto const at_end = text.size();
  text += "0000-00-00T00:00:00.000Z";
  char* const out = text.data() + at_end;
  put(&out[0], static_cast<int>(date.year()), 4);
  put(&out[5], static_cast<unsigned>(date.month()), 2);
  put(&out[8], static_cast<unsigned>(date.day()), 2);
  put(&out[11], of_day / 3'600'000, 2);
  put(&out[14], of_day / 60'000 % 60, 2);
  put(&out[17], of_day / 1000 % 60, 2);
  put(&out[20], of_day % 1000, 3);
}

std::string to_day(TimeMs time) { return to_iso(time).substr(0, 10); }

std::optional<TimeMs> parse_day(std::string_view text) {
  auto const day = take_day(text);
  return text.empty() ? day : std::nullopt;
}

std::optional<TimeMs> parse_iso(std::string_view text) {
  auto const day = take_day(text);
  if (!day || (!take(text, 'T') && !take(text, 't') && !take(text, ' '))) return std::nullopt;
  auto const hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  auto const minute = take_number(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  int second = 0, milliseconds = 0;
  if (take(text, ':')) {
    auto const given = take_number(text, 2);
    if (!given || *given > 59) return std::nullopt;
    second = *given;
    if (take(text, '.')) {
      int digits = 0;
      for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits)
        if (digits < 3) milliseconds = milliseconds * 10 + (text.front() - '0');
      if (digits == 0) return std::nullopt;
      for (; digits < 3; ++digits) milliseconds *= 10;
    }
  }
  int offset_minutes = 0;
  if (!take(text, 'Z') && !take(text, 'z')) {
    if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
    int const sign = text.front() == '-' ? -1 : 1;
    text.remove_prefix(1);
    auto const hours = take_number(text, 2);
    if (!hours || *hours > 23) return std::nullopt;
    take(text, ':');
    auto const minutes = take_number(text, 2);
    if (!minutes || *minutes > 59) return std::nullopt;
    offset_minutes = sign * (*hours * 60 + *minutes);
  }
  if (!text.empty()) return std::nullopt;
  return *day + ((*hour * 60 + *minute - offset_minutes) * 60 + second) * 1000ll + milliseconds;
}

}  // namespace fealty
