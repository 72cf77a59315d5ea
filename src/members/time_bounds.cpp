#include "members/time_bounds.h"

#include "base/zone.h"

namespace fealty::members {
namespace {

// The first and the last millisecond that the text means.
std::optional<std::pair<TimeMs, TimeMs>> time_span(std::string const& text, std::string const& zone) {
  if (auto const day = parse_day(text)) {
    auto const counted = *day / kDayMs;
    return std::pair(day_start(zone, counted), day_start(zone, counted + 1) - 1);
  }
  if (auto const time = parse_iso(text)) return std::pair(*time, *time);
  return std::nullopt;
}

// Numbers end in the year 2094; behind it there is nothing.
std::int64_t first_number_at(TimeMs time) {
  constexpr auto kLast = std::numeric_limits<std::int64_t>::max() - 2 * kSpanNumbersMax;
  return time >= NumberSource::time_of(kLast) ? kLast : NumberSource::first_at(time);
}

}  // namespace

HistoryBounds read_bounds(std::string const& zone, std::optional<std::string> const& start, std::optional<std::string> const& end,
                          std::vector<Issue>& issues) {
  auto const read_time = [&](char const* place, std::optional<std::string> const& text) {
    auto const span = text ? time_span(*text, zone) : std::nullopt;
    if (text && !span)
      issues.push_back({place, "not_a_date", std::string(place) + " is a day (YYYY-MM-DD) or an ISO-8601 time with a zone."});
    return span;
  };
  auto const first = read_time("startDate", start), last = read_time("endDate", end);
  HistoryBounds bounds;
  if (first) bounds.low = first_number_at(first->first);
  if (last) bounds.high = first_number_at(last->second + 1) - 1;
  if (first && last && last->second < first->first) issues.push_back({"endDate", "bad_value", "endDate lies before startDate."});
  return bounds;
}

}  // namespace fealty::members
