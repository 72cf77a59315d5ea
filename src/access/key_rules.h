// Rules that making, changing and rotating keys share.
#pragma once
#include "access/keys.h"
#include "base/zone.h"

namespace fealty::access {

// The earlier of the two ends, or none.
inline std::optional<TimeMs> end_of_key(TimeMs period_from, std::int64_t days, std::optional<TimeMs> date) {
  if (days == 0) return date;
  TimeMs const period_end = period_from + days * kDayMs;
  return date ? std::min(*date, period_end) : period_end;
}

inline std::unexpected<Error> name_taken(std::string const& name) {
  return fail(errors::kKeyNameTaken, "There is a key named \"" + name + "\" already; choose another name or revoke that one.");
}

}  // namespace fealty::access
