// Works off the queue of bulk jobs: leases the oldest job of every community, applies one chunk of one job at a time, by
// turns, so that a job of ten rows never waits behind another community's millions.
#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "jobs/bulk_jobs.h"
#include "jobs/job_run.h"
#include "jobs/node.h"

namespace fealty::jobs {

struct HeldLease;

struct RunnerSettings {
  int workers = 2;
  int poll_ms = 1'000;            // how often other nodes' uploads and ended leases are looked for
  bool exclusive_engine = false;  // no other program runs jobs on this database: leases left behind end at once
  std::int64_t storage_retry_ms_max = 600'000;
};

class BulkRunner {
 public:
  BulkRunner(BulkParts parts, Node& node, RunnerSettings settings);
  // Stops as drain() does.
  ~BulkRunner();
  BulkRunner(BulkRunner const&) = delete;
  BulkRunner& operator=(BulkRunner const&) = delete;

  void start();
  // Looks at the queue now: call after a job was added or cancelled. Any thread.
  void wake();
  // Lets running chunks commit, gives the leases back, and stops. Other nodes, or the next start, go on from the cursors.
  void drain();
  // Rows with an outcome since the start.
  std::int64_t rows_done() const { return rows_done_.load(std::memory_order_relaxed); }
  std::int64_t jobs_held() const;

 private:
  void poll_loop();
  void work_loop();
  void claim();
  std::vector<HeldLease> held_leases() const;

  BulkParts parts_;
  Node& node_;
  RunnerSettings settings_;

  mutable std::mutex mutex_;
  std::condition_variable work_ready_, poll_now_;
  bool stopping_ = false, wake_ = false;
  std::deque<std::shared_ptr<JobRun>> ready_;
  struct Held {
    std::shared_ptr<JobRun> run;
    std::int64_t epoch = 0;  // of its lease; the run itself is a worker's
  };
  std::map<std::pair<CommunityNo, JobNo>, Held> held_;
  std::vector<std::thread> threads_;
  std::atomic<std::int64_t> rows_done_{0};
};

}  // namespace fealty::jobs
