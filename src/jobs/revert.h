// Reversals of jobs. A reversing job is a job like any other: queue, lease, chunks, counters, results. Its rows are those of
// the original that still are to be reversed: first the ones that an earlier reversal refused (bulk_conflicts), then the ones
// that none has come to (ordinals below Job::revert_below), both from last to first. How far it is stands with the original,
// written by the transaction of each chunk: a reversal that is cancelled or fails keeps what it did, and a later one goes on.
#pragma once
#include "jobs/bulk_jobs.h"
#include "jobs/revert_store.h"

namespace fealty::jobs {

inline constexpr std::string_view kRevertType = "revert";

// The cursor of a reversing job: `offset` = the ordinal below which no row has been looked at, `row` = the same of the
// refused ones; 0 when these are done.
api::CsvPosition reversal_start(Job const& original);

// The original of a reversing job. Throws when it is gone.
Job original_of(sql::Tx& tx, Job const& reversing);
ReversalFacts reversal_facts(sql::Tx& tx, Job const& reversing, Job const& original);

// The rows of the original, with what they did. What a job did never changes, so they may be read ahead.
class RevertFeed final : public RowFeed {
 public:
  RevertFeed(BulkParts const& parts, Job const& original, api::CsvPosition from);
  bool next(InputRow& row, std::pmr::memory_resource& arena) override;
  api::CsvPosition position() const override { return at_; }

 private:
  struct Loaded {
    std::int64_t row = 0;
    RecordedRow recorded;
  };
  void load_conflicts();
  void load_rows();
  void add_rows(Chunk const& chunk, std::vector<RecordedChange>::const_iterator begin, std::vector<RecordedChange>::const_iterator end);
  void take_created(sql::Tx& tx, std::int64_t from_ordinal);

  BulkParts const& parts_;
  BulkKind const& kind_;
  CommunityNo community_;
  JobNo job_;
  JobFacts facts_;
  api::CsvPosition at_;
  std::vector<Chunk> chunks_;
  std::int64_t below_ = 0;              // rows from this ordinal on are loaded or done
  std::vector<CreatedRow> created_;     // by row: the last is the next
  std::int64_t created_below_row_ = 0;  // rows from this one on were fetched
  bool created_at_end_ = false;
  std::vector<RecordedChange> changes_;
  std::vector<Loaded> loaded_;  // by ordinal: the last is the next
  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena_;
};

// Locks the original and makes sure that this reversal is the one that is under way, and at the given place of it.
Job lock_original(sql::Tx& tx, Job const& reversing, api::CsvPosition at);
// Notes the outcomes of rows at the original, up to `end`.
void keep_reversed(sql::Tx& tx, Job& original, std::span<InputRow const> rows, std::vector<RowOutcome> const& outcomes,
                   api::CsvPosition end, TimeMs now);
// The reversing job has ended: the original is reversed, or what it was.
void end_reversal(sql::Tx& tx, Job const& reversing);

}  // namespace fealty::jobs
