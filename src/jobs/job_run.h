// One job on the node that holds its lease: its rows are put in order, then applied chunk by chunk.
#pragma once
#include <memory_resource>

#include "jobs/bulk_jobs.h"
#include "jobs/work_list.h"

namespace fealty::jobs {

// Touched by one worker at a time, and by the look-ahead that this worker waits for.
class JobRun {
 public:
  enum class Step : std::uint8_t { more, done, lost };

  JobRun(BulkParts const& parts, Job job, std::int64_t storage_retry_ms_max);
  ~JobRun();

  // One turn: a piece of the work list, or a chunk. Never throws.
  Step step() noexcept;
  Job const& job() const { return job_; }
  // Steady milliseconds before which nothing should be tried.
  std::int64_t not_before() const { return not_before_; }
  // Rows that got their outcomes here since the last call.
  std::int64_t take_rows_done() { return std::exchange(rows_done_, 0); }

 private:
  struct Stage;
  // Where the time went, in microseconds; reading, planning and applying as CPU time, committing as it passed.
  struct Spent {
    std::int64_t read = 0, plan = 0, apply = 0, commit = 0;
  };

  Step advance();
  bool wants_work_list();
  Step build_work_list();
  void open_sessions();
  BulkKind const& kind() const { return parts_.kind(original_ ? original_->type : job_.type); }
  std::unique_ptr<RowFeed> open_feed(std::int64_t ordinal, api::CsvPosition at) const;
  void read_chunk(Stage& stage, std::int64_t ordinal, api::CsvPosition from);
  void prepare_chunk(Stage& stage);
  void rebuild_dry_run(BulkSession& session);
  Step commit_chunk();
  void apply_chunk(sql::Tx& tx, Job& next, std::vector<RowOutcome>& outcomes);
  Step after_commit(Job next, bool applied_before, std::int64_t spent_ms);
  Step storage_failed(sql::StorageError const& error);
  Step unexpected(char const* what);
  Step end(std::string_view status, std::string code, std::string message);
  void rewind();
  void start_over();
  std::string applied_so_far() const;

  BulkParts const& parts_;
  Job job_;
  std::optional<Job> original_;  // of a reversing job
  std::int64_t storage_retry_ms_max_;
  std::unique_ptr<WorkListBuilder> builder_;
  bool keeps_order_ = false;
  std::unique_ptr<RowFeed> feed_;
  std::unique_ptr<Stage> now_, ahead_;

  std::size_t chunk_rows_;
  int conflicts_ = 0;
  std::int64_t storage_failing_since_ = 0, back_off_ms_ = 0, not_before_ = 0;
  std::int64_t rows_done_ = 0;
  Spent spent_;
};

}  // namespace fealty::jobs
