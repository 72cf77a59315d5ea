#include <algorithm>
#include <charconv>

#include "access/api_log_store.h"
#include "base/text.h"

namespace fealty::access {
namespace {

std::int64_t to_integer(std::string_view text, std::int64_t otherwise) {
  std::int64_t number = 0;
  auto const [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && at == text.data() + text.size() ? number : otherwise;
}

// "2xx", "429", or the state of a job.
void read_status(std::string const& text, LogFilter& filter, std::vector<Issue>& issues, bool& requests, bool& jobs) {
  constexpr std::string_view kStates[] = {"queued", "processing", "completed", "failed", "cancelled", "reverting", "reverted"};
  auto const number = to_integer(text, -1);
  if (text.size() == 3 && text[0] >= '2' && text[0] <= '5' && text.ends_with("xx")) {
    filter.status_from = (text[0] - '0') * 100;
    filter.status_to = filter.status_from + 99;
    jobs = false;
  } else if (number >= 100 && number <= 599) {
    filter.status_from = filter.status_to = static_cast<int>(number);
    jobs = false;
  } else if (std::find(std::begin(kStates), std::end(kStates), text) != std::end(kStates)) {
    filter.job_status = text;
    requests = false;
  } else {
    api::add_issue(issues, {"status", "bad_value", "status is 2xx, 3xx, 4xx, 5xx, a number such as 429, or the state of a bulk job."});
  }
}

ApiLogOut shown(StoredRequest const& s) {
  auto const& r = s.record;
  ApiLogOut out;
  out._id = PublicId::of(s.number, NumberSource::time_of(s.number)).to_string();
  out.kind = "request";
  out.createdAt = to_iso(NumberSource::time_of(s.number));
  out.requestId = r.request_id;
  out.method = r.method;
  out.path = r.path;
  out.operation = r.operation;
  out.status = r.status;
  if (!r.code.empty()) out.code = r.code;
  // Millionths of a millisecond, cut to microseconds.
  out.durationMs = Decimal{r.duration_us * (Decimal::kScale / 1'000)};
  out.requestBytes = r.request_bytes;
  out.responseBytes = r.response_bytes;
  out.key = {r.caller_prefix, r.caller_name, r.caller_kind};
  if (r.member) out.userId = std::to_string(r.member.value);
  out.ip = r.remote_address;
  if (!r.user_agent.empty()) out.userAgent = r.user_agent;
  out.errors.text = r.errors;
  return out;
}

ApiLogOut shown(JobLogRow const& j) {
  ApiLogOut out;
  out._id = j.id;
  out.kind = "bulk_job";
  out.createdAt = to_iso(j.created_at);
  out.key = {j.caller_prefix, j.caller_name, j.caller_kind};
  out.log_name = j.log_name;
  out.job = LogJob{j.id, j.type, j.status, j.total, j.processed, j.success, j.failed};
  return out;
}

}  // namespace

Result<api::Listing<ApiLogOut>> ApiLogReader::list(api::Context const& c, ApiLogQuery const& q) {
  LogFilter filter;
  std::vector<Issue> issues;
  bool requests = q.kind != "bulk_job", jobs = q.kind != "request";
  LogWalk const walk("api-logs", c, q.sort, q.startDate, q.endDate,
                     {&q.kind, &q.log_name, &q.jobId, &q.status, &q.method, &q.path, &q.key, &q.user_id, &q.requestId}, issues);
  filter.method = q.method;
  filter.path = q.path;
  filter.key = q.key;
  filter.request_id = q.requestId;
  filter.log_name = q.log_name;
  filter.job_id = q.jobId;
  if (q.user_id) filter.member = MemberNo{to_integer(*q.user_id, -1)};
  if (q.status) read_status(*q.status, filter, issues, requests, jobs);
  // A filter that one kind has not finds nothing of it.
  if (q.log_name || q.jobId) requests = false;
  if (q.method || q.path || q.requestId || q.user_id) jobs = false;
  if (q.cursor && q.page != 1) api::add_issue(issues, {"cursor", "not_allowed", "Send cursor or page, not both."});
  if (q.page * q.limit > kLogRowsCountedMax && !q.cursor)
    api::add_issue(issues,
                   {"page", "page_too_deep", "Pages go to " + std::to_string(kLogRowsCountedMax) + " rows; walk deeper with cursor."});
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));

  auto const span = walk.from(q.cursor);
  if (!span) return std::unexpected(span.error());
  static_cast<LogSpan&>(filter) = *span;

  auto const skip = q.cursor ? 0 : (q.page - 1) * q.limit;
  // One more than a page says whether there is a next one.
  filter.limit = skip + q.limit + 1;
  struct Row {
    std::int64_t number = 0;
    std::size_t index = 0;
    bool is_job = false;
  };
  return database_.read([&](sql::Tx& tx) {
    auto const of_requests = requests ? list_requests(tx, c.community, filter) : std::vector<StoredRequest>();
    auto const of_jobs = jobs ? jobs_(tx, c.community, filter) : std::vector<JobLogRow>();
    std::vector<Row> rows;
    for (std::size_t i = 0; i < of_requests.size(); ++i) rows.push_back({of_requests[i].number, i, false});
    for (std::size_t i = 0; i < of_jobs.size(); ++i) rows.push_back({of_jobs[i].number, i, true});
    std::sort(rows.begin(), rows.end(),
              [&](Row const& a, Row const& b) { return filter.descending ? a.number > b.number : a.number < b.number; });
    api::Listing<ApiLogOut> out;
    auto const from = std::min(rows.size(), static_cast<std::size_t>(skip));
    auto const to = std::min(rows.size(), from + static_cast<std::size_t>(q.limit));
    for (auto i = from; i < to; ++i)
      out.items.push_back(rows[i].is_job ? shown(of_jobs[rows[i].index]) : shown(of_requests[rows[i].index]));
    std::int64_t total = requests ? count_requests(tx, c.community, filter, kLogRowsCountedMax) : 0;
    if (jobs) {
      auto all = filter;
      all.limit = kLogRowsCountedMax;
      total += static_cast<std::int64_t>(jobs_(tx, c.community, all).size());
    }
    out.page = api::Page::of(std::min(total, kLogRowsCountedMax), q.page, q.limit);
    out.page.has_next = rows.size() > to;
    if (out.page.has_next) out.page.next_cursor = walk.cursor_behind(rows[to - 1].number);
    return Result<api::Listing<ApiLogOut>>(std::move(out));
  });
}

Result<ApiLogOut> ApiLogReader::find(api::Context const& c, PublicId id) {
  auto const found = database_.read([&](sql::Tx& tx) -> std::optional<ApiLogOut> {
    if (auto const request = find_request(tx, c.community, id.number)) return shown(*request);
    LogFilter filter;
    filter.job_id = id.to_string();
    filter.limit = 1;
    auto const jobs = jobs_(tx, c.community, filter);
    return jobs.empty() ? std::nullopt : std::optional(shown(jobs.front()));
  });
  if (!found || found->_id != id.to_string()) return fail(errors::kLogNotFound, "There is no such row in the API log of this community.");
  return *found;
}

std::vector<api::Route> api_log_routes(ApiLogReader& reader) {
  std::vector<api::Route> routes;
  auto list = log_route("/api-logs", "api_logs.list", "API log", {&errors::kInvalidCursor});
  list.description =
      "Requests of this community that changed something or were refused, and its bulk jobs with their figures as of now. Never bodies, "
      "credentials or values of parameters. total counts the rows from the cursor on, up to 10,000; walk further with cursor.";
  routes.push_back(api::list_route<ApiLogQuery, ApiLogOut>(std::move(list), "API logs fetched successfully",
                                                           [&reader](api::Context& c, ApiLogQuery const& q) { return reader.list(c, q); }));
  routes.push_back(api::typed_route<api::None, api::None, ApiLogOut>(
      log_route("/api-logs/{logId}", "api_logs.get", "One row of the API log", {&errors::kLogNotFound}), "API log fetched successfully",
      [&reader](api::Context& c, api::Request const& r, api::None const&) -> Result<ApiLogOut> {
        auto const id = api::path_id(r, 0, errors::kLogNotFound);
        if (!id) return std::unexpected(id.error());
        return reader.find(c, *id);
      }));
  return routes;
}

}  // namespace fealty::access
