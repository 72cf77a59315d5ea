// startDate and endDate of lists whose items are numbered by time.
#pragma once
#include "members/history_store.h"

namespace fealty::members {

// A day of the zone or an ISO-8601 time each; the end belongs to what is meant. What is wrong with them is noted.
HistoryBounds read_bounds(std::string const& zone, std::optional<std::string> const& start, std::optional<std::string> const& end,
                          std::vector<Issue>& issues);

}  // namespace fealty::members
