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

struct Counters {
  std::int64_t updated = 0, unchanged = 0, created = 0, failed = 0, skipped = 0;
  std::int64_t success() const { return updated + unchanged + created; }
  std::int64_t processed() const { return success() + failed; }
};

struct Job {
  CommunityNo community;
  JobNo number;
  std::string type, status;  // status: queued, processing, completed, failed, cancelled
  std::string log_name;
  bool dry_run = false, silent = true;
  std::optional<std::int64_t> max_errors;
  std::string file_key, file_name;
  std::int64_t file_size = 0;
  std::string file_sha256, fingerprint;
  api::Dialect dialect;
  std::vector<Column> columns;
  api::PermissionSet permissions;
  SourceNo source;
  access::Actor actor;
  std::int64_t total = 0;
  Counters counters;
  api::CsvPosition next;  // where the next chunk begins
  std::optional<int> lease_node;
  std::int64_t lease_epoch = 0;
  int attempts = 0;
  bool cancel_requested = false;
  std::string error_code, error_message;
  TimeMs created_at = 0, updated_at = 0;
  std::optional<TimeMs> started_at, finished_at, expires_at;

  PublicId id() const { return PublicId::of(number.value, NumberSource::time_of(number.value)); }
  bool is_final() const { return status == "completed" || status == "failed" || status == "cancelled"; }
  JobFacts facts() const { return {community, number, id(), dry_run, source, columns, permissions}; }
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
  };
  // False at the end. Cells are valid until the next call. Throws MissingFile from the constructor.
  bool next(Record& record);
  api::CsvPosition position() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
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
