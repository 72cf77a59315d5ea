#include "access/log_walk.h"

#include "api/cursor.h"
#include "api/typed.h"
#include "base/zone.h"

namespace fealty::access {
namespace {

// The first and the last millisecond of a day or a moment.
std::optional<std::pair<TimeMs, TimeMs>> moment(LogWalk::Text const& date, std::string_view name, std::vector<Issue>& issues) {
  if (!date) return std::nullopt;
  if (auto const day = parse_day(*date)) return std::pair(*day, *day + kDayMs - 1);
  if (auto const time = parse_iso(*date)) return std::pair(*time, *time);
  api::add_issue(issues, {std::string(name), "not_a_date", std::string(name) + " is a day (2026-04-07) or a moment with its zone."});
  return std::nullopt;
}

}  // namespace

LogWalk::LogWalk(std::string_view list, api::Context const& context, Text const& sort, Text const& start_date, Text const& end_date,
                 std::initializer_list<Text const*> filters, std::vector<Issue>& issues)
    : question_(std::string(list) + ":" + std::to_string(context.community.value)), now_(context.now) {
  if (auto const start = moment(start_date, "startDate", issues)) span_.first = NumberSource::first_at(start->first);
  if (auto const end = moment(end_date, "endDate", issues)) span_.last = NumberSource::first_at(end->second + 1) - 1;
  span_.descending = sort != kLogOrders[1];
  for (auto const* part : {&sort, &start_date, &end_date}) question_ += "\n" + part->value_or("");
  for (auto const* part : filters) question_ += "\n" + part->value_or("");
}

Result<LogSpan> LogWalk::from(Text const& cursor) const {
  auto span = span_;
  if (!cursor) return span;
  auto const place = api::read_cursor(question_, 1, *cursor, now_);
  if (!place) return fail(errors::kInvalidCursor, "This cursor is of another list, or older than a day.");
  (span.descending ? span.last : span.first) = place->numbers[0];
  return span;
}

std::string LogWalk::cursor_behind(std::int64_t number) const {
  return api::write_cursor(question_, {{span_.descending ? number - 1 : number + 1}}, now_);
}

api::Route log_route(std::string path, std::string id, std::string summary, std::vector<ErrorDef const*> list) {
  return {.method = api::Method::get,
          .path = std::move(path),
          .family = api::Family::integration,
          .needs = api::Needs::key({api::Permission::analytics}),
          .id = std::move(id),
          .summary = std::move(summary),
          .tag = "Logs",
          .errors = std::move(list)};
}

}  // namespace fealty::access
