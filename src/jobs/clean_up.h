// What is kept for a time is removed after it: files and rows of finished jobs, summaries, files that belong to no job.
//
// A job's files and rows are over when its expires_at has passed; that alone decides what readers see. Its file_key is
// emptied when nothing of them is left in storage: until then each round goes on where the last one stopped, on any node.
#pragma once
#include <functional>

#include "base/background.h"
#include "jobs/bulk_jobs.h"

namespace fealty::jobs {

inline constexpr TimeMs kSummaryMs = 365ll * 86'400'000;  // after the end of a job
// Uploads are written to at least once a minute, and a file becomes a job's within seconds of its end.
inline constexpr std::int64_t kOrphanIdleMs = 600'000;

// Whether the file and the rows are over at this time.
bool has_expired(Job const& job, TimeMs now);
std::unexpected<Error> results_expired(Job const& job);

// Removes from storage what has expired, in transactions of a bounded number of rows. Other nodes may do the same for the
// same job. False when `go_on` said no before the end; it is asked after each transaction.
bool erase_expired(BulkParts const& parts, CommunityNo community, JobNo job, std::function<bool()> const& go_on);
// Removes files that belong to no job and were not written to for that long.
int remove_orphan_files(BulkParts const& parts, std::int64_t idle_ms);

// Sources of the jobs whose rows can still be read: what those changed stays readable as long.
std::vector<SourceNo> sources_with_results(sql::Tx& tx, CommunityNo community);

class CleanUp {
 public:
  explicit CleanUp(BulkParts parts) : parts_(std::move(parts)) {}

  // Rounds on a thread of its own, so that leases are extended meanwhile: expired jobs each minute, the rest each hour.
  void start();
  // Stops after the transaction that runs.
  void stop() { background_.stop(); }

  // One round on the caller's thread. False when it was stopped on its way.
  bool remove_expired();
  bool remove_old_summaries();

 private:
  void run();

  BulkParts parts_;
  Background background_;  // the last: it stops before the rest goes
};

}  // namespace fealty::jobs
