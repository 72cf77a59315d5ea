// A job's rows in the order of their members, so that a chunk touches neighbours in storage instead of pages all over it.
//
// The list is built once, before the first row is applied: the file is read through, every row's member is looked up, and
// sorted runs of rows are written beside the upload and synced (an external merge sort). Rows of one member keep the order
// of the file. Reading merges the runs; the same runs always give the same order, so a row's place in it, its ordinal, is
// all that a cursor needs. The ordinal of each row of the file stands in a second file, for those who look rows up.
#pragma once
#include <future>
#include <limits>
#include <queue>

#include "jobs/bulk_jobs.h"

namespace fealty::jobs {

class WorkListBuilder {
 public:
  WorkListBuilder(FileStore& files, Job const& job, Limits const& limits, BulkKind const& kind);
  ~WorkListBuilder();
  // Works for about as long as a chunk takes. True when all runs are durable.
  bool step();
  int runs() const { return runs_; }
  std::int64_t blank() const { return blank_; }  // records that are no rows

 private:
  struct Batch;
  struct Run;
  void read(Batch& batch);
  void add(Batch const& batch);
  void write_run();
  void wait_for_run();

  FileStore& files_;
  Job const& job_;
  RowReader reader_;
  std::unique_ptr<Batch> batches_[2];
  std::unique_ptr<Run> run_;
  std::future<void> writing_;
  std::int64_t position_ = 0, blank_ = 0;
  bool at_end_ = false;
  int runs_ = 0;
};

class WorkListReader final : public RowFeed {
 public:
  // Throws MissingFile when a run is gone.
  WorkListReader(FileStore& files, Job const& job);
  ~WorkListReader() override;
  bool next(InputRow& row, std::pmr::memory_resource& arena) override;
  void skip(std::int64_t rows);
  api::CsvPosition position() const override { return first_; }

 private:
  class Source;
  struct Head {
    std::int64_t order;
    std::uint32_t position, run;
    bool operator>(Head const& o) const { return order != o.order ? order > o.order : position > o.position; }
  };

  std::vector<std::unique_ptr<Source>> sources_;
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads_;
  std::unique_ptr<NumberFile> order_;
  std::int64_t ordinal_ = 0;
  api::CsvPosition first_;
};

// Makes durable which row has which ordinal: call before the job's end is.
void sync_work_list(FileStore& files, Job const& job);
// Called when the job has ended: its order stays for readers, the sorted rows go.
void remove_work_list(FileStore& files, Job const& job);

// Ordinals by position in the file. A row whose ordinal is below the number of processed rows has an outcome.
class RowOrder {
 public:
  RowOrder(FileStore const& files, Job const& job);
  // A very high one for rows whose place is not known yet.
  std::int64_t ordinal(std::int64_t position) const {
    if (identity_) return position;
    std::uint32_t const stored = order_ ? order_->numbers()[static_cast<std::size_t>(position)] : 0;
    return stored == 0 ? std::numeric_limits<std::int64_t>::max() : stored - 1;
  }
  bool is_file_order() const { return identity_; }

 private:
  bool identity_;
  std::unique_ptr<NumberFile const> order_;
};

}  // namespace fealty::jobs
