#include "jobs/clean_up.h"

#include "base/log.h"
#include "jobs/bulk_store.h"
#include "jobs/clean_up_store.h"

namespace fealty::jobs {
namespace {

constexpr std::int64_t kExpiredEveryMs = 60'000, kRestEveryMs = 3'600'000;
// Some milliseconds of the writer's time.
constexpr std::int64_t kRowsPerTransaction = 2'000, kSummariesPerTransaction = 200;
constexpr std::int64_t kJobsPerLook = 100;

}  // namespace

bool has_expired(Job const& job, TimeMs now) { return job.file_key.empty() || (job.expires_at && *job.expires_at <= now); }

std::unexpected<Error> results_expired(Job const& job) {
  return fail(errors::kResultsExpired, "The file and the rows of this job were kept until " +
                                           to_iso(job.expires_at.value_or(job.updated_at)) + "; its summary remains.");
}

bool erase_expired(BulkParts const& parts, CommunityNo community, JobNo number, std::function<bool()> const& go_on) {
  auto job = parts.database.read([&](sql::Tx& tx) { return find_job(tx, community, number); });
  if (!job || job->file_key.empty()) return true;
  parts.files.remove(job->file_key);
  using Remove = std::optional<std::int64_t> (*)(sql::Tx&, CommunityNo, JobNo, std::int64_t, std::int64_t);
  for (Remove const remove : {Remove(&remove_rows), Remove(&remove_conflicts), Remove(&remove_chunks)}) {
    std::optional<std::int64_t> from = 0;
    while (from) {
      from = parts.database.write([&](sql::Tx& tx) -> std::optional<std::int64_t> {
        // The job's row first, on every node: so two that erase the same job take turns.
        if (!lock_job(tx, community, number)) return std::nullopt;
        return remove(tx, community, number, *from, kRowsPerTransaction);
      });
      if (!go_on()) return false;
    }
  }
  parts.database.write([&](sql::Tx& tx) { forget_file(tx, community, number); });
  log::info("bulk.erased", {{"job", job->id().to_string()}});
  return true;
}

int remove_orphan_files(BulkParts const& parts, std::int64_t idle_ms) {
  int const removed = parts.files.remove_orphans(
      idle_ms, [&](FileStore::Keys& keys) { parts.database.read([&](sql::Tx& tx) { keep_used_keys(tx, keys); }); });
  if (removed > 0) log::info("bulk.orphan_files_removed", {{"files", removed}});
  return removed;
}

void CleanUp::start() {
  background_.start([this] { run(); });
}

void CleanUp::run() {
  std::int64_t next_rest_ms = 0;
  do {
    try {
      if (!remove_expired()) return;
      if (steady_now_ms() < next_rest_ms) continue;
      if (!remove_old_summaries()) return;
      remove_orphan_files(parts_, kOrphanIdleMs);
      next_rest_ms = steady_now_ms() + kRestEveryMs;
    } catch (std::exception const& e) {
      log::error("bulk.clean_up_failed", {{"reason", e.what()}});
    }
  } while (background_.wait(kExpiredEveryMs));
}

bool CleanUp::remove_expired() {
  std::size_t failed = 0;
  while (true) {
    // Those that could not be erased stay in front: they are looked over, and tried again in the next round.
    auto const jobs = parts_.database.read(
        [&](sql::Tx& tx) { return expired_jobs(tx, parts_.clock(), kJobsPerLook + static_cast<std::int64_t>(failed)); });
    if (jobs.size() <= failed) return true;
    std::size_t const before = failed;
    for (std::size_t i = before; i < jobs.size(); ++i) {
      std::int64_t began_ms = steady_now_ms();
      auto go_on = [&] {
        bool const on = background_.rest_after(began_ms);
        began_ms = steady_now_ms();
        return on;
      };
      try {
        if (!erase_expired(parts_, jobs[i].community, jobs[i].job, go_on)) return false;
      } catch (sql::StorageError const&) {
        throw;
      } catch (std::exception const& e) {
        log::error("bulk.erase_failed", {{"job", jobs[i].job.value}, {"reason", e.what()}});
        ++failed;
      }
    }
  }
}

bool CleanUp::remove_old_summaries() {
  TimeMs const ended_before = parts_.clock() - kSummaryMs;
  // The first number that could be drawn at that time: a job that ended before it has a smaller one.
  std::int64_t const before_job = NumberSource::first_at(ended_before);
  for (auto const community : parts_.database.read([](sql::Tx& tx) { return all_communities(tx); })) {
    std::int64_t removed = kSummariesPerTransaction;
    while (removed == kSummariesPerTransaction) {
      std::int64_t const began_ms = steady_now_ms();
      removed = parts_.database.write(
          [&](sql::Tx& tx) { return remove_summaries(tx, community, before_job, ended_before, kSummariesPerTransaction); });
      if (removed > 0) log::info("bulk.summaries_removed", {{"community", community.value}, {"jobs", removed}});
      if (!background_.rest_after(began_ms)) return false;
    }
  }
  return true;
}

}  // namespace fealty::jobs
