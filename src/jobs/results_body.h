// The results file of a finished job, made while it is sent: constant memory whatever the job's size, and the same bytes
// every time.
#pragma once
#include <mutex>

#include "api/http_types.h"
#include "jobs/bulk_jobs.h"
#include "jobs/bulk_store.h"
#include "jobs/results_csv.h"
#include "jobs/results_store.h"
#include "jobs/work_list.h"

namespace fealty::jobs {

// What one download learns that later ones of the same bytes begin with: a bit for each row that changed something
// (1.25 MB for 10,000,000 rows), the length, and places to begin at.
struct ResultsFacts {
  std::vector<std::uint64_t> changed;  // by row number; empty where the counters say it all
  std::int64_t length = 0;
  struct Place {
    std::int64_t offset = 0;  // in the results file
    api::CsvPosition at;      // in the uploaded file
    std::int64_t position = 0;
  };
  std::vector<Place> places;  // at least kPlaceBytes apart
};

// The facts of the newest downloads, by their entity tags. From any thread.
class ResultsMemory {
 public:
  std::shared_ptr<ResultsFacts const> find(std::string const& etag);
  void keep(std::string const& etag, std::shared_ptr<ResultsFacts const> facts);
  // Held while a file is measured: one at a time, so that many requests for parts of one file measure it once.
  std::timed_mutex measuring;

 private:
  static constexpr std::size_t kKept = 4;
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::shared_ptr<ResultsFacts const>>> kept_;  // the newest last
};

class ResultsBody final : public api::BodyStream {
 public:
  // `statuses`: a bit for each outcome that is wanted, 0 for all. `parts` outlive the body. Throws MissingFile.
  ResultsBody(BulkParts const& parts, Job job, std::vector<ColumnUse> uses, unsigned statuses, std::string etag,
              std::shared_ptr<ResultsMemory> memory);

  Next next(std::string& out) override;
  std::optional<std::int64_t> length() const override { return known_ ? std::optional(known_->length) : std::nullopt; }
  bool seek(std::int64_t offset) override;

 private:
  static constexpr std::int64_t kPlaceBytes = 4 * 1024 * 1024;

  bool find_changed();
  void load_kept(std::int64_t before_row);
  void write_row(std::string& out);
  void finish();

  BulkParts const& parts_;
  Job const job_;
  BulkKind const& kind_;
  JobFacts const facts_;
  unsigned const statuses_;
  std::string const etag_;
  std::shared_ptr<ResultsMemory> const memory_;
  std::shared_ptr<ResultsFacts const> known_;
  std::shared_ptr<ResultsFacts> found_;  // what is being found out, when nothing is known

  ResultsCsv csv_;
  std::optional<RowOrder> order_;  // of jobs that were stopped among their rows
  std::optional<RowReader> reader_;
  RowReader::Record record_;
  std::vector<Chunk> chunks_;
  std::size_t next_chunk_ = 0;
  bool begun_ = false, chunks_listed_ = false;
  std::int64_t position_ = 0;
  std::int64_t made_ = 0;        // bytes
  std::int64_t drop_bytes_ = 0;  // of what is made next: they lie before the place that was asked for

  std::vector<KeptOutcome> kept_;
  std::size_t kept_at_ = 0;
  std::int64_t kept_after_row_ = 0, kept_limit_;
  bool kept_ended_ = false;
  Counters seen_;
  std::string joined_, codes_, messages_;  // errors as they are stored, and as they are written
};

}  // namespace fealty::jobs
