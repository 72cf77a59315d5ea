// Calendar days in an IANA time zone. Data: ICU.
//
// A day is counted: 0 is 1970-01-01 of the zone's calendar, whatever instant it began at. `to_day(day * kDayMs)` writes it.
#pragma once
#include <string_view>

#include "base/time.h"

namespace fealty {

inline constexpr std::int64_t kDayMs = 86'400'000;

// The day that this instant belongs to. An unknown zone is UTC.
std::int64_t day_at(std::string_view zone, TimeMs time);
// The first instant of the day: where a change of clocks leaves out midnight, the moment of the change; where midnight comes
// twice, the first one.
TimeMs day_start(std::string_view zone, std::int64_t day);
// "YYYY-MM-DD" of a counted day.
inline std::string day_text(std::int64_t day) { return to_day(day * kDayMs); }

}  // namespace fealty
