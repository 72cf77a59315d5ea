// What callers can do with bulk jobs: upload, list, look, cancel, fetch templates.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "access/once.h"
#include "api/http_types.h"
#include "api/schema.h"
#include "api/typed.h"
#include "jobs/bulk_jobs.h"
#include "jobs/job_watch.h"

namespace fealty::jobs {

struct JobListQuery {
  std::int64_t page = 1, limit = api::kPageLimitDefault;
  std::optional<std::string> cursor, log_name, name, status, type, from, to;
};
struct DetailsQuery {
  std::int64_t page = 1, limit = 50;
  std::optional<std::int64_t> after_row;
  std::optional<std::string> status, key;
};
struct ResultsQuery {
  std::optional<std::string> status;
};
struct TemplateQuery {
  bool example = false;
};

struct RevertRequest {
  std::string reason;
  bool dry_run = false;
};
struct RevertAnswer {
  std::string id, revert_of, status_url;
};
struct UploadAnswer {
  std::string message, id, status_url;
  std::int64_t rows = 0;
  bool dry_run = false;
  std::optional<std::string> duplicate_of;
};
struct JobSummary {
  std::string _id, log_name, type, status;
  std::int64_t total = 0, processed = 0, success = 0, failed = 0;
  std::string createdAt, updatedAt;
  bool dry_run = false;
  std::string file_name;
};
struct JobError {
  std::string code, message;
};
struct JobFile {
  std::string name;
  std::int64_t size = 0;
  std::string sha256, delimiter;
};
struct JobCreator {
  std::string type, id, name;
};
struct JobStatus {
  std::string _id, log_name, type, status;
  std::int64_t total = 0, processed = 0, success = 0, failed = 0, updated = 0, unchanged = 0, created = 0, not_processed = 0, skipped = 0;
  Decimal progress;
  std::optional<std::int64_t> queue_position;
  bool cancel_requested = false, dry_run = false;
  std::optional<std::int64_t> max_errors;
  bool silent = true;
  std::string createdAt;
  std::optional<std::string> startedAt;
  std::string updatedAt;
  std::optional<std::string> finishedAt, expiresAt;
  std::optional<JobError> error;
  JobFile file;
  JobCreator created_by;
  std::optional<std::string> revert_of, reverted_by;
  std::int64_t reverted_rows = 0, conflicts = 0;
  std::string details_url, results_url, events_url;
};
struct RowError {
  std::string column, code, message;
};
struct RowDetail {
  std::int64_t row = 0, line = 0;
  std::string key;
  std::optional<std::string> email, user_id;
  std::string status;
  std::vector<RowError> errors;
  api::Json changes{"[]"};
};
struct JobDetails {
  std::string _id, log_name, status;
  std::int64_t total = 0, success = 0, failed = 0;
  std::vector<RowDetail> rows;
};

class ResultsMemory;

class BulkService {
 public:
  // `on_change` is called after a job was added or cancelled. Outlives the answers that it streams.
  BulkService(BulkParts parts, std::function<void()> on_change);

  // Reads the upload to its end, checks it on the way and makes a durable job of it. A guest's goes to the community that it
  // names, if that takes imports without a key (anonymous_import.h). Throws api::BodyAborted.
  Result<UploadAnswer> upload(api::Context& context, api::Request& request, BulkKind const& kind);
  Result<api::Listing<JobSummary>> list(api::Context& context, JobListQuery const& query);
  Result<JobStatus> status(api::Context& context, PublicId id);
  Result<std::pair<JobDetails, api::Page>> details(api::Context& context, PublicId id, DetailsQuery const& query);
  Result<api::Answer> cancel(api::Context& context, PublicId id, std::optional<access::OnceKey> const& key = {});
  // The uploaded bytes.
  Result<api::Response> source(api::Context& context, api::Request const& request, PublicId id);
  // The rows of a finished job with their outcomes, as a CSV file (results_csv.h).
  Result<api::Response> results(api::Context& context, api::Request const& request, PublicId id, ResultsQuery const& query);
  // The job's progress as server-sent events, until it has ended (bulk_events.cpp).
  Result<api::Response> events(api::Context& context, api::Request const& request, PublicId id);
  // Erases the file and the row results of a finished job: nobody reads them any more when this returns. Of very many rows
  // the last ones are removed from storage later, by the clean-up.
  Result<JobStatus> erase_files(api::Context& context, PublicId id);
  // Queues a job that takes the rows of an ended one back.
  Result<RevertAnswer> revert(api::Context& context, PublicId id, RevertRequest const& request,
                              std::optional<std::string_view> idempotency_key);
  Result<std::string> template_csv(api::Context& context, std::string_view name, bool example);

  // Ids of the unfinished jobs that this actor uploaded.
  std::vector<std::string> open_jobs_of(CommunityNo community, std::string_view actor_id);

  // Removes files of uploads that never became jobs. Call at start.
  void remove_orphan_files(std::int64_t idle_ms);

 private:
  class Upload;  // one upload on its way (bulk_upload.cpp)

  Result<Job> find(CommunityNo community, PublicId id);
  Result<JobStatus> status_of(sql::Tx& tx, Job const& job) const;
  std::shared_ptr<JobView const> view_of(CommunityNo community, JobNo job) const;

  BulkParts parts_;
  std::function<void()> on_change_;
  std::mutex uploads_mutex_;
  std::map<CommunityNo, int> uploads_;
  int strangers_uploading_ = 0;
  std::set<std::string> keys_in_use_;
  std::shared_ptr<JobWatches> const watches_ = std::make_shared<JobWatches>();
  std::shared_ptr<ResultsMemory> const results_memory_;
};

// One page of a job's rows, read back from file, ledger, history and kept rows. Those of a reversing job come in the order
// in which they were worked through, from the last to the first.
std::vector<RowDetail> read_row_details(BulkParts const& parts, Job const& job, DetailsQuery const& query, unsigned statuses);
// The errors of a kept row, as they are stored.
std::vector<RowError> decode_errors(std::string const& json);
// Outcomes that a filter names, comma-separated, as a bit for each; `success` is three of them.
unsigned read_statuses(std::string_view text, std::vector<Issue>& issues);

// The same page by page, from the first row on; each call gives the next rows, none at the end. Throws MissingFile at once.
std::function<std::vector<RowDetail>()> reversal_pages(BulkParts const& parts, Job job, unsigned statuses);
std::vector<RowDetail> read_reversal_details(BulkParts const& parts, Job const& job, DetailsQuery const& query, unsigned statuses);

}  // namespace fealty::jobs

FEALTY_SCHEMA(fealty::jobs::RevertRequest,
              field<&fealty::jobs::RevertRequest::reason>("reason", "Why; it is kept with every change.",
                                                          {.min = 1, .max = 500, .required = true}),
              field<&fealty::jobs::RevertRequest::dry_run>("dry_run", "Evaluate every row, write nothing. Default false."))
FEALTY_SCHEMA(fealty::jobs::RevertAnswer, field<&fealty::jobs::RevertAnswer::id>("id", "Id of the reversing job."),
              field<&fealty::jobs::RevertAnswer::revert_of>("revert_of", "Id of the job that it reverses."),
              field<&fealty::jobs::RevertAnswer::status_url>("status_url", "Where the reversing job's state can be read."))
FEALTY_SCHEMA(fealty::jobs::UploadAnswer, field<&fealty::jobs::UploadAnswer::message>("message", "The published text."),
              field<&fealty::jobs::UploadAnswer::id>("id", "Id of the job."),
              field<&fealty::jobs::UploadAnswer::status_url>("status_url", "Where the job's state can be read."),
              field<&fealty::jobs::UploadAnswer::rows>("rows", "Rows of the file, blank ones not counted."),
              field<&fealty::jobs::UploadAnswer::dry_run>("dry_run", "Whether the job only evaluates its rows."),
              field<&fealty::jobs::UploadAnswer::duplicate_of>("duplicate_of",
                                                               "A job of the last 24 h with the same operation, options and content."))
FEALTY_SCHEMA(fealty::jobs::JobSummary, field<&fealty::jobs::JobSummary::_id>("_id", "Id of the job."),
              field<&fealty::jobs::JobSummary::log_name>("log_name", "Label given at the upload."),
              field<&fealty::jobs::JobSummary::type>("type", "bulk_update, bulk_update_premium_currency, bulk_import or revert."),
              field<&fealty::jobs::JobSummary::status>("status",
                                                       "queued, processing, completed, failed, cancelled, reverting or reverted."),
              field<&fealty::jobs::JobSummary::total>("total", "Rows of the file."),
              field<&fealty::jobs::JobSummary::processed>("processed", "Rows with an outcome."),
              field<&fealty::jobs::JobSummary::success>("success", "Rows updated, unchanged or created."),
              field<&fealty::jobs::JobSummary::failed>("failed", "Rows refused."),
              field<&fealty::jobs::JobSummary::createdAt>("createdAt", "Time of the upload."),
              field<&fealty::jobs::JobSummary::updatedAt>("updatedAt", "Time of the last change."),
              field<&fealty::jobs::JobSummary::dry_run>("dry_run", "Whether the job only evaluates its rows."),
              field<&fealty::jobs::JobSummary::file_name>("file_name", "File name given at the upload; empty for a reversal."))
FEALTY_SCHEMA(fealty::jobs::JobError, field<&fealty::jobs::JobError::code>("code", "too_many_errors, storage, internal or source_missing."),
              field<&fealty::jobs::JobError::message>("message", "What happened."))
FEALTY_SCHEMA(fealty::jobs::JobFile, field<&fealty::jobs::JobFile::name>("name", "File name given at the upload."),
              field<&fealty::jobs::JobFile::size>("size", "Bytes, decompressed."),
              field<&fealty::jobs::JobFile::sha256>("sha256", "Hash of the decompressed bytes, in hex."),
              field<&fealty::jobs::JobFile::delimiter>("delimiter", "The delimiter that was found."))
FEALTY_SCHEMA(fealty::jobs::JobCreator, field<&fealty::jobs::JobCreator::type>("type", "Kind of the credential."),
              field<&fealty::jobs::JobCreator::id>("id", "Its public part."), field<&fealty::jobs::JobCreator::name>("name", "Its name."))
FEALTY_SCHEMA(fealty::jobs::JobStatus, field<&fealty::jobs::JobStatus::_id>("_id", "Id of the job."),
              field<&fealty::jobs::JobStatus::log_name>("log_name", "Label given at the upload."),
              field<&fealty::jobs::JobStatus::type>("type", "bulk_update, bulk_update_premium_currency, bulk_import or revert."),
              field<&fealty::jobs::JobStatus::status>("status", "queued, processing, completed, failed, cancelled, reverting or reverted."),
              field<&fealty::jobs::JobStatus::total>("total", "Rows of the file, blank ones not counted."),
              field<&fealty::jobs::JobStatus::processed>("processed", "Rows with an outcome: success + failed."),
              field<&fealty::jobs::JobStatus::success>("success", "updated + unchanged + created."),
              field<&fealty::jobs::JobStatus::failed>("failed", "Rows refused."),
              field<&fealty::jobs::JobStatus::updated>("updated", "Rows that changed something."),
              field<&fealty::jobs::JobStatus::unchanged>("unchanged", "Rows after which nothing differed."),
              field<&fealty::jobs::JobStatus::created>("created", "Rows that made a member."),
              field<&fealty::jobs::JobStatus::not_processed>("not_processed", "Rows without an outcome after the job stopped."),
              field<&fealty::jobs::JobStatus::skipped>("skipped", "Blank records."),
              field<&fealty::jobs::JobStatus::progress>("progress", "0 to 1."),
              field<&fealty::jobs::JobStatus::queue_position>("queue_position", "Place in the community's queue while queued; 1 is next."),
              field<&fealty::jobs::JobStatus::cancel_requested>("cancel_requested", "A cancel is on its way."),
              field<&fealty::jobs::JobStatus::dry_run>("dry_run", "Whether the job only evaluates its rows."),
              field<&fealty::jobs::JobStatus::max_errors>("max_errors", "Failed rows that are tolerated; null = any number."),
              field<&fealty::jobs::JobStatus::silent>("silent", "No message per row is sent."),
              field<&fealty::jobs::JobStatus::createdAt>("createdAt", "Time of the upload."),
              field<&fealty::jobs::JobStatus::startedAt>("startedAt", "Time of the first row."),
              field<&fealty::jobs::JobStatus::updatedAt>("updatedAt", "Time of the last change."),
              field<&fealty::jobs::JobStatus::finishedAt>("finishedAt", "Time of the end."),
              field<&fealty::jobs::JobStatus::expiresAt>("expiresAt", "When file and row results may be erased."),
              field<&fealty::jobs::JobStatus::error>("error", "Why the job failed."),
              field<&fealty::jobs::JobStatus::file>("file", "The uploaded file."),
              field<&fealty::jobs::JobStatus::created_by>("created_by", "Who uploaded it."),
              field<&fealty::jobs::JobStatus::revert_of>("revert_of", "Of a reversing job: the job that it reverses."),
              field<&fealty::jobs::JobStatus::reverted_by>("reverted_by", "The newest job that reverses this one."),
              field<&fealty::jobs::JobStatus::reverted_rows>("reverted_rows", "Rows of this job that were reversed."),
              field<&fealty::jobs::JobStatus::conflicts>("conflicts", "Rows that a reversal had to leave as they are."),
              field<&fealty::jobs::JobStatus::details_url>("details_url", "Where the rows can be read."),
              field<&fealty::jobs::JobStatus::results_url>("results_url", "Where the rows can be downloaded once the job has ended."),
              field<&fealty::jobs::JobStatus::events_url>("events_url", "Where the progress can be followed."))
FEALTY_SCHEMA(fealty::jobs::RowError, field<&fealty::jobs::RowError::column>("column", "Column that the problem is in."),
              field<&fealty::jobs::RowError::code>("code", "Stable code."),
              field<&fealty::jobs::RowError::message>("message", "What to mend."))
FEALTY_SCHEMA(fealty::jobs::RowDetail, field<&fealty::jobs::RowDetail::row>("row", "Number of the record; the header is 1."),
              field<&fealty::jobs::RowDetail::line>("line", "Physical line where it begins."),
              field<&fealty::jobs::RowDetail::key>("key", "What names the member, as written in the file."),
              field<&fealty::jobs::RowDetail::email>("email", "The member's e-mail."),
              field<&fealty::jobs::RowDetail::user_id>("user_id", "The member's short id."),
              field<&fealty::jobs::RowDetail::status>("status", "updated, unchanged, created, failed or not_processed."),
              field<&fealty::jobs::RowDetail::errors>("errors", "Every problem of a failed row."),
              field<&fealty::jobs::RowDetail::changes>("changes", "What the row changed: field, op, value, before, after, entry_id."))
FEALTY_SCHEMA(fealty::jobs::JobDetails, field<&fealty::jobs::JobDetails::_id>("_id", "Id of the job."),
              field<&fealty::jobs::JobDetails::log_name>("log_name", "Label given at the upload."),
              field<&fealty::jobs::JobDetails::status>("status", "State of the job."),
              field<&fealty::jobs::JobDetails::total>("total", "Rows of the file."),
              field<&fealty::jobs::JobDetails::success>("success", "Rows updated, unchanged or created."),
              field<&fealty::jobs::JobDetails::failed>("failed", "Rows refused."),
              field<&fealty::jobs::JobDetails::rows>("rows", "One page of rows."))
