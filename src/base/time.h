// Time: milliseconds since 1970-01-01 UTC. Rules get the time as a parameter; only the program's edges read a clock.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fealty {

using TimeMs = std::int64_t;
using Clock = std::function<TimeMs()>;

TimeMs system_now();
// Monotonic milliseconds, for intervals only.
std::int64_t steady_now_ms();

// "2026-04-07T09:00:00.000Z". Years 0 to 9999.
std::string to_iso(TimeMs time);
void append_iso(std::string& out, TimeMs time);
// ISO-8601 with a zone ("Z" or ±hh:mm, ±hhmm), seconds and fraction optional; nothing for impossible days or years outside
// 1000–9999. Fractions beyond milliseconds are cut.
std::optional<TimeMs> parse_iso(std::string_view text);
// "YYYY-MM-DD" as its midnight UTC; nothing for impossible days or years outside 1000–9999.
std::optional<TimeMs> parse_day(std::string_view text);
std::string to_day(TimeMs time);

}  // namespace fealty
