// The API log: who asked the API of a community for what, and how it ended (analytics.md §2).
//
// Requests are noted in memory and written in batches beside their way: a crash may lose the last ones, a queue that is full drops
// and counts them, and no request ever waits. Never kept: bodies, credentials, values of parameters; paths are templates.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "access/log_walk.h"
#include "api/context.h"
#include "api/route.h"
#include "api/schema.h"
#include "api/typed.h"
#include "base/background.h"
#include "base/number_source.h"
#include "sql/sql.h"

namespace fealty::access {

namespace errors {
inline constexpr ErrorDef kLogNotFound{"log_not_found", 404};
}  // namespace errors

// What is kept of one request.
struct RequestRecord {
  CommunityNo community;
  std::string request_id, method, path, operation;  // the path with its {parameters}
  int status = 0;
  std::string code;  // the stable word of a refusal
  std::int64_t duration_us = 0, request_bytes = 0, response_bytes = 0;
  std::string caller_kind, caller_prefix, caller_name;
  MemberNo member;  // of a person
  std::string remote_address, user_agent;
  std::string errors = "[]";  // JSON: [{field, code}]
};

// The pipeline tells it of each request whose community is known.
class RequestRecorder {
 public:
  virtual ~RequestRecorder() = default;
  // Whether the request is to be kept, so that others need not be described. Any thread; does not block.
  virtual bool wants(CommunityNo community, bool reads, int status) const = 0;
  virtual void record(RequestRecord record) = 0;
};

// "user_agent" or another text of a client, fit to be kept: valid, without control characters, cut.
std::string loggable(std::string_view text, std::size_t bytes_max);
// The fields and codes of a refusal's issues as JSON, at most 20. Steps of a pointer that the client may have made up are "…".
std::string loggable_issues(std::vector<Issue> const& issues);

// All functions from any thread.
class ApiLog : public RequestRecorder {
 public:
  // Four thousand rows a second at most: what more would be written is taken from the work that it tells about.
  static constexpr std::size_t kQueueMax = 1'024;
  static constexpr std::int64_t kWriteEveryMs = 250, kPruneEveryMs = 3'600'000, kSettingsEveryMs = 2'000;
  // Whole addresses are kept so long, then the network alone.
  static constexpr std::int64_t kAddressMs = 30ll * 24 * 3'600'000;

  ApiLog(sql::Database& database, NumberSource& numbers, Clock clock = system_now)
      : database_(database), numbers_(numbers), clock_(std::move(clock)) {}
  void start();
  // Writes what waits.
  void stop();

  bool wants(CommunityNo community, bool reads, int status) const override;
  void record(RequestRecord record) override;
  // Those that were not kept, since the start.
  std::int64_t dropped() const { return dropped_; }

  // One round of the thread's work each, on the caller's thread.
  void write();
  void learn_settings();
  // Removes what is older than its community keeps it, and cuts addresses. False: told to stop.
  bool prune(std::function<bool(std::int64_t began_steady_ms)> const& go_on);

 private:
  void run();

  sql::Database& database_;
  NumberSource& numbers_;
  Clock clock_;
  mutable std::mutex mutex_;
  std::vector<RequestRecord> waiting_;
  std::set<CommunityNo> reads_of_;  // communities whose reads are kept
  std::atomic<std::int64_t> dropped_{0};
  std::int64_t dropped_told_ = 0;                         // of the thread
  std::map<CommunityNo, std::int64_t> addresses_cut_to_;  // of the thread
  Background background_;                                 // the last: it stops before the rest goes
};

// ---- What is read

// A row of bulk work, which lives where the jobs do.
struct JobLogRow {
  std::int64_t number = 0;
  TimeMs created_at = 0;
  std::string id, log_name, type, status;
  std::int64_t total = 0, processed = 0, success = 0, failed = 0;
  std::string caller_kind, caller_prefix, caller_name;
};
struct LogFilter : LogSpan {
  std::int64_t limit = 20;
  std::optional<std::string> method, path, key, request_id, log_name, job_id, job_status;
  std::optional<MemberNo> member;
  int status_from = 0, status_to = 999;
};
using JobLog = std::function<std::vector<JobLogRow>(sql::Tx&, CommunityNo, LogFilter const&)>;

struct ApiLogQuery {
  std::int64_t page = 1, limit = 20;
  std::optional<std::string> cursor, sort, kind, log_name, jobId, status, method, path, key, user_id, requestId, startDate, endDate;
};
struct LogKey {
  std::string prefix, name, kind;
};
struct LogJob {
  std::string id, type, status;
  std::int64_t total = 0, processed = 0, success = 0, failed = 0;
};
struct ApiLogOut {
  std::string _id, kind, createdAt;
  std::optional<std::string> requestId, method, path, operation;
  std::optional<std::int64_t> status;
  std::optional<std::string> code;
  std::optional<Decimal> durationMs;
  std::optional<std::int64_t> requestBytes, responseBytes;
  LogKey key;
  std::optional<std::string> userId, ip, userAgent;
  api::Json errors{"[]"};
  std::optional<std::string> log_name;
  std::optional<LogJob> job;
};

class ApiLogReader {
 public:
  ApiLogReader(sql::Database& database, JobLog jobs) : database_(database), jobs_(std::move(jobs)) {}
  Result<api::Listing<ApiLogOut>> list(api::Context const& context, ApiLogQuery const& query);
  Result<ApiLogOut> find(api::Context const& context, PublicId id);

 private:
  sql::Database& database_;
  JobLog jobs_;
};

std::vector<api::Route> api_log_routes(ApiLogReader& reader);

}  // namespace fealty::access

#define FEALTY_F(T, name, ...) field<&fealty::access::T::name>(#name, __VA_ARGS__)
namespace fealty::access {
inline constexpr std::string_view kLogKinds[] = {"request", "bulk_job"};
}  // namespace fealty::access
FEALTY_SCHEMA(
    fealty::access::ApiLogQuery, page_field<&fealty::access::ApiLogQuery::page>(), limit_field<&fealty::access::ApiLogQuery::limit>(),
    FEALTY_F(ApiLogQuery, cursor, "nextCursor of the page before; without page.", {.max = 500}),
    FEALTY_F(ApiLogQuery, sort, "createdAt:desc when absent.", {.one_of = fealty::access::kLogOrders}),
    FEALTY_F(ApiLogQuery, kind, "One kind alone.", {.one_of = fealty::access::kLogKinds}),
    FEALTY_F(ApiLogQuery, log_name, "Of a bulk job.", {.max = 200}), FEALTY_F(ApiLogQuery, jobId, "Of a bulk job.", {.format = "id"}),
    FEALTY_F(ApiLogQuery, status, "2xx, 3xx, 4xx, 5xx or a number; or the state of a bulk job.", {.max = 20, .example = "\"4xx\""}),
    FEALTY_F(ApiLogQuery, method, "GET, POST and so on.", {.max = 10}),
    FEALTY_F(ApiLogQuery, path, "A path as it stands in the log, with its {parameters}.", {.max = 200}),
    FEALTY_F(ApiLogQuery, key, "Public prefix of a key.", {.max = 50}),
    FEALTY_F(ApiLogQuery, user_id, "Short id of who was signed in.", {.max = 20}),
    FEALTY_F(ApiLogQuery, requestId, "X-Request-Id.", {.max = 128}),
    FEALTY_F(ApiLogQuery, startDate, "A day or a moment, UTC; included.", {.max = 40}),
    FEALTY_F(ApiLogQuery, endDate, "A day or a moment, UTC; included.", {.max = 40}))
FEALTY_SCHEMA(fealty::access::LogKey, FEALTY_F(LogKey, prefix, "Public prefix of the key, or user: and a short id."),
              FEALTY_F(LogKey, name, "Name."), FEALTY_F(LogKey, kind, "community_key, system_key, user_key, user, operator; guest: none."))
FEALTY_SCHEMA(fealty::access::LogJob, FEALTY_F(LogJob, id, "Id of the job."), FEALTY_F(LogJob, type, "Kind of the job."),
              FEALTY_F(LogJob, status, "State, as the job's status call tells it."), FEALTY_F(LogJob, total, "Rows of the file."),
              FEALTY_F(LogJob, processed, "Rows with an outcome."), FEALTY_F(LogJob, success, "Rows updated, unchanged or created."),
              FEALTY_F(LogJob, failed, "Rows refused."))
FEALTY_SCHEMA(fealty::access::ApiLogOut, FEALTY_F(ApiLogOut, _id, "Id of the row."),
              FEALTY_F(ApiLogOut, kind, "request or bulk_job.", {.one_of = fealty::access::kLogKinds}),
              FEALTY_F(ApiLogOut, createdAt, "When it ended, or when the job was uploaded.", {.format = "date-time"}),
              FEALTY_F(ApiLogOut, requestId, "X-Request-Id.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, method, "Method.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, path, "Path with its {parameters}.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, operation, "Operation of the reference.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, status, "HTTP status.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, code, "Stable word of a refusal.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, durationMs, "From the head to the answer.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, requestBytes, "Bytes of the request's body.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, responseBytes, "Bytes of the answer's body.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, key, "Who asked."), FEALTY_F(ApiLogOut, userId, "Short id of who was signed in.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, ip, "Address; its network alone after 30 days.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, userAgent, "What the client called itself.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, errors, "Fields and codes of a refusal."),
              FEALTY_F(ApiLogOut, log_name, "Label of the job.", {.omit_empty = true}),
              FEALTY_F(ApiLogOut, job, "The job, with its figures as of now.", {.omit_empty = true}))
#undef FEALTY_F
