// Bulk jobs: uploads become durable jobs, jobs become exactly one outcome per row.
#pragma once
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <vector>

#include "access/audit.h"
#include "api/context.h"
#include "api/csv_reader.h"
#include "base/limits.h"
#include "jobs/bulk_kind.h"
#include "jobs/file_store.h"

namespace fealty::jobs {

namespace errors {
inline constexpr ErrorDef kJobNotFound{"job_not_found", 404};
inline constexpr ErrorDef kJobFinished{"job_finished", 409};
inline constexpr ErrorDef kJobNotFinished{"job_not_finished", 409};
inline constexpr ErrorDef kNothingToRevert{"nothing_to_revert", 409};
inline constexpr ErrorDef kAlreadyReverting{"already_reverting", 409};
inline constexpr ErrorDef kTooManyJobs{"too_many_jobs", 429};
inline constexpr ErrorDef kTooManyUploads{"too_many_uploads", 429};
inline constexpr ErrorDef kTooManyStreams{"too_many_streams", 429};
inline constexpr ErrorDef kMissingFile{"missing_file", 400};
inline constexpr ErrorDef kDuplicateField{"duplicate_field", 400};
inline constexpr ErrorDef kNoRows{"no_rows", 400};
inline constexpr ErrorDef kStorageFull{"storage_full", 503};
inline constexpr ErrorDef kResultsExpired{"results_expired", 404};
inline constexpr ErrorDef kTemplateNotFound{"template_not_found", 404};
}  // namespace errors

// Stands where a job's file is named in a reversing job, which has rows and results but no file.
inline constexpr std::string_view kNoFile = "reversal";

struct Counters {
  std::int64_t updated = 0, unchanged = 0, created = 0, failed = 0, skipped = 0;
  std::int64_t success() const { return updated + unchanged + created; }
  std::int64_t processed() const { return success() + failed; }
};

struct Job {
  CommunityNo community;
  JobNo number;
  std::string type, status;  // queued, processing, completed, failed, cancelled, reverting, reverted
  std::string log_name;
  bool dry_run = false, silent = true;
  std::optional<std::int64_t> max_errors;
  std::string file_key, file_name;
  std::int64_t file_size = 0;
  std::string file_sha256, fingerprint;
  api::Dialect dialect;
  std::vector<Column> columns;
  api::PermissionSet permissions;
  bool creates_only = false;
  SourceNo source;
  access::Actor actor;
  std::int64_t total = 0;
  Counters counters;
  api::CsvPosition first;  // where the rows of the file begin
  // Applied in the order of the file: where the next chunk begins. In the order of the members: the same as `first`; the
  // number of processed rows is the place in the work list.
  api::CsvPosition next;
  // The work list (work_list.h): the lease that built it, and its runs. No runs: in the order of the file, or not begun.
  std::int64_t work_epoch = 0, work_runs = 0;
  // Reversals (revert.h). Of a reversing job: which job it reverses. Of a reversed one: the newest reversing job, how many
  // of its rows were reversed and how many are reported as conflicts, the ordinal below which no reversal has been yet, and
  // the state that it goes back to when the reversal is cancelled.
  std::optional<JobNo> revert_of, reverted_by;
  std::int64_t reverted_rows = 0, conflicts = 0;
  std::optional<std::int64_t> revert_below;
  std::string former_status, reason;
  std::optional<int> lease_node;
  std::int64_t lease_epoch = 0;
  int attempts = 0;
  bool cancel_requested = false;
  std::string error_code, error_message;
  TimeMs created_at = 0, updated_at = 0;
  std::optional<TimeMs> started_at, finished_at, expires_at;

  PublicId id() const { return PublicId::of(number.value, NumberSource::time_of(number.value)); }
  bool is_open() const { return status == "queued" || status == "processing"; }
  bool is_final() const { return !is_open(); }
  JobFacts facts() const { return {community, number, id(), dry_run, source, columns, permissions, creates_only}; }
};

// Records of a job's file from some place on, as rows of the job. Not for several threads.
class RowReader {
 public:
  RowReader(FileStore const& files, Job const& job, Limits const& limits, api::CsvPosition from);
  ~RowReader();
  struct Record {
    InputRow row;
    std::int64_t offset = 0;
    bool blank = false;
    std::span<std::string_view const> beyond;  // what the row has more than the header, to its last filled cell
  };
  // False at the end. Cells are valid until the next call. Throws MissingFile from the constructor.
  bool next(Record& record);
  api::CsvPosition position() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};
// Gives a job's rows in the order in which they are applied. Not for several threads.
class RowFeed {
 public:
  virtual ~RowFeed() = default;
  // The next row that is not blank, with its cells in the arena; false at the end.
  virtual bool next(InputRow& row, std::pmr::memory_resource& arena) = 0;
  // The cursor behind the last row given, and the blank records up to there.
  virtual api::CsvPosition position() const = 0;
  virtual std::int64_t blank() const { return 0; }
};

// The same row with its cells in the arena instead of the reader's buffer.
InputRow keep_row(InputRow row, std::pmr::memory_resource& arena);
class MissingFile : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Everything that the parts of the bulk machine share.
struct BulkParts {
  sql::Database& database;
  FileStore& files;
  NumberSource& numbers;
  Limits const& limits;
  std::vector<std::unique_ptr<BulkKind>> const& kinds;
  Clock clock;

  BulkKind const& kind(std::string_view type) const;
};

}  // namespace fealty::jobs
