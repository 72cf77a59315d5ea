#include "jobs/bulk_runner.h"

#include "access/idempotency.h"
#include "base/log.h"
#include "jobs/bulk_store.h"

namespace fealty::jobs {
namespace {

constexpr std::int64_t kCleanUpMs = 3'600'000;  // answers kept by Idempotency-Key, after their day

}  // namespace

std::string_view to_string(RowStatus s) {
  constexpr std::string_view kNames[] = {"", "updated", "unchanged", "created", "failed", "not_processed"};
  return kNames[static_cast<int>(s)];
}

BulkKind const& BulkParts::kind(std::string_view type) const {
  for (auto const& k : kinds)
    if (k->type() == type) return *k;
  throw std::logic_error("there is no bulk kind " + std::string(type));
}

BulkRunner::BulkRunner(BulkParts parts, Node& node, RunnerSettings settings) : parts_(std::move(parts)), node_(node), settings_(settings) {}
BulkRunner::~BulkRunner() { drain(); }

std::int64_t BulkRunner::jobs_held() const {
  std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(held_.size());
}

std::vector<HeldLease> BulkRunner::held_leases() const {
  std::lock_guard lock(mutex_);
  std::vector<HeldLease> all;
  for (auto const& [key, held] : held_) all.push_back({key.first, key.second, held.epoch});
  return all;
}

void BulkRunner::start() {
  if (settings_.exclusive_engine) parts_.database.write([](sql::Tx& tx) { release_all_leases(tx); });
  threads_.emplace_back([this] { poll_loop(); });
  for (int i = 0; i < settings_.workers; ++i) threads_.emplace_back([this] { work_loop(); });
}

void BulkRunner::wake() {
  std::lock_guard lock(mutex_);
  wake_ = true;
  poll_now_.notify_one();
}

void BulkRunner::drain() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    work_ready_.notify_all();
    poll_now_.notify_all();
  }
  for (auto& t : threads_) t.join();
  threads_.clear();
  for (auto const& [key, held] : held_) {
    try {
      parts_.database.write([&](sql::Tx& tx) { release_lease(tx, held.run->job()); });
    } catch (std::exception const& e) {
      log::warning("bulk.release_failed", {{"job", held.run->job().id().to_string()}, {"reason", e.what()}});
    }
  }
  held_.clear();
  ready_.clear();
}

void BulkRunner::poll_loop() {
  std::int64_t next_heartbeat = 0, next_clean_up = 0;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_ = false;
    lock.unlock();
    try {
      if (steady_now_ms() >= next_heartbeat) {
        // A lost node number means that this program stood still longer than a lease: others may run our jobs by now. Each
        // chunk's transaction checks its own epoch, so nothing more has to be done here.
        node_.heartbeat();
        parts_.database.write([&](sql::Tx& tx) { extend_leases(tx, held_leases()); });
        next_heartbeat = steady_now_ms() + kHeartbeatMs;
      }
      claim();
      if (steady_now_ms() >= next_clean_up) {
        parts_.database.write([&](sql::Tx& tx) { access::remove_old_answers(tx, parts_.clock()); });
        next_clean_up = steady_now_ms() + kCleanUpMs;
      }
    } catch (std::exception const& e) {
      log::error("bulk.poll_failed", {{"reason", e.what()}});
    }
    lock.lock();
    poll_now_.wait_for(lock, std::chrono::milliseconds(std::min(settings_.poll_ms, kHeartbeatMs)), [&] { return stopping_ || wake_; });
  }
}

void BulkRunner::claim() {
  auto const heads = parts_.database.read([](sql::Tx& tx) { return queue_heads(tx); });
  for (auto const& head : heads) {
    if (head.leased) continue;
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
      if (held_.contains({head.community, head.job})) continue;
    }
    auto job = parts_.database.write([&](sql::Tx& tx) { return claim_job(tx, head, node_.number(), parts_.clock()); });
    if (!job) continue;
    log::info("bulk.claimed",
              {{"job", job->id().to_string()}, {"type", job->type}, {"processed", job->counters.processed()}, {"epoch", job->lease_epoch}});
    auto run = std::make_shared<JobRun>(parts_, std::move(*job), settings_.storage_retry_ms_max);
    std::lock_guard lock(mutex_);
    held_[{head.community, head.job}] = {run, run->job().lease_epoch};
    ready_.push_back(std::move(run));
    work_ready_.notify_one();
  }
}

void BulkRunner::work_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    auto const now = steady_now_ms();
    auto const next = std::find_if(ready_.begin(), ready_.end(), [&](auto const& r) { return r->not_before() <= now; });
    if (next == ready_.end()) {
      std::int64_t wait = settings_.poll_ms;
      for (auto const& r : ready_) wait = std::min(wait, r->not_before() - now);
      work_ready_.wait_for(lock, std::chrono::milliseconds(wait + 1));
      continue;
    }
    auto const run = std::move(*next);
    ready_.erase(next);
    lock.unlock();
    auto const result = run->step();
    rows_done_.fetch_add(run->take_rows_done(), std::memory_order_relaxed);
    lock.lock();
    if (result == JobRun::Step::more) {
      ready_.push_back(run);
    } else {
      held_.erase({run->job().community, run->job().number});
      // The community's next job may start now.
      wake_ = true;
      poll_now_.notify_one();
    }
  }
}

}  // namespace fealty::jobs
