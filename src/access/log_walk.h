// What the lists of the API log and of the audit trail share: rows with time-ordered numbers, walked by cursors.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/context.h"
#include "api/route.h"
#include "base/number_source.h"

namespace fealty::access {

namespace errors {
inline constexpr ErrorDef kInvalidCursor{"invalid_cursor", 400};
}  // namespace errors

inline constexpr std::string_view kLogOrders[] = {"createdAt:desc", "createdAt:asc"};
// Further rows are not counted.
inline constexpr std::int64_t kLogRowsCountedMax = 10'000;

// Numbers of rows, both ends included, and the order in which they are shown.
struct LogSpan {
  std::int64_t first = 0, last = INT64_MAX;
  bool descending = true;
};

// One walk through a list: its cursors are bound to all that its rows depend on.
class LogWalk {
 public:
  using Text = std::optional<std::string>;
  // `filters`: all but the three that are named.
  LogWalk(std::string_view list, api::Context const& context, Text const& sort, Text const& start_date, Text const& end_date,
          std::initializer_list<Text const*> filters, std::vector<Issue>& issues);
  // All rows, or those behind the cursor.
  Result<LogSpan> from(Text const& cursor) const;
  // Behind the last row that is shown.
  std::string cursor_behind(std::int64_t number) const;

 private:
  std::string question_;
  LogSpan span_;
  TimeMs now_;
};

// What reads a log.
api::Route log_route(std::string path, std::string id, std::string summary, std::vector<ErrorDef const*> errors);

}  // namespace fealty::access
