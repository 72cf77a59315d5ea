#include "jobs/bulk_runner.h"

#include <future>
#include <memory_resource>

#include "api/json_writer.h"
#include "base/log.h"
#include "base/random.h"
#include "jobs/bulk_store.h"
#include "jobs/idempotency.h"

namespace fealty::jobs {
namespace {

using namespace std::chrono_literals;
using sql::StorageError;

constexpr std::size_t kChunkRowsMin = 50, kChunkRowsFirst = 1'000;
// Cells of one chunk: bounds the memory of wide files.
constexpr std::size_t kChunkCellsMax = 200'000;
constexpr std::size_t kChunkBytesMax = 2 * 1024 * 1024;
constexpr std::int64_t kCleanUpMs = 3'600'000;  // answers kept by Idempotency-Key, after their day
constexpr int kAttemptsMax = 3;                 // claims without a finished chunk: what kills its worker is not tried for ever
constexpr int kConflictsMax = 5;                // look-ups that were overtaken by another writer
constexpr std::int64_t kBackOffFirstMs = 200, kBackOffMostMs = 15'000;

std::string errors_json(std::vector<RowIssue> const& issues) {
  api::JsonWriter w;
  w.begin_array();
  for (auto const& i : issues)
    w.begin_object().key("column").string(i.column).key("code").string(i.code).key("message").string(i.message).end_object();
  return w.end_array().take();
}

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

// One chunk on its way: read, looked up, and then committed.
struct BulkRunner::Stage {
  std::unique_ptr<BulkSession> session;
  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena;
  std::vector<InputRow> rows;
  std::vector<std::int64_t> offsets;
  std::vector<api::CsvPosition> after;       // the place behind each row
  std::vector<std::int64_t> skipped_before;  // blank records before each row of the chunk
  std::int64_t skipped = 0;
  api::CsvPosition begin, end;
  bool at_end = false;
  bool is_read = false;
  bool is_prepared = false;  // the look-ups were made, and nothing says that they are out of date

  void forget() { is_read = is_prepared = false; }
};

// A job that this node holds. Touched by one worker at a time, and by the look-ahead that this worker waits for.
struct BulkRunner::Running {
  Job job;
  std::unique_ptr<RowReader> reader;
  Stage now, ahead;

  std::size_t chunk_rows = kChunkRowsFirst;
  int conflicts = 0;
  std::int64_t storage_failing_since = 0, back_off_ms = 0;
  std::int64_t not_before = 0;  // steady milliseconds

  // Forgets what was read beyond the cursor.
  void rewind() {
    now.forget();
    ahead.forget();
    reader.reset();
  }
  // Whatever was read or looked up may be half done: the next step begins at the cursor with fresh sessions.
  void start_over() {
    rewind();
    now.session.reset();
    ahead.session.reset();
  }
};

BulkRunner::BulkRunner(BulkParts parts, Node& node, RunnerSettings settings) : parts_(std::move(parts)), node_(node), settings_(settings) {}
BulkRunner::~BulkRunner() { drain(); }

std::int64_t BulkRunner::jobs_held() const {
  std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(held_.size());
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
  for (auto const& [key, running] : held_) {
    try {
      parts_.database.write([&](sql::Tx& tx) { release_lease(tx, running->job); });
    } catch (std::exception const& e) {
      log::warning("bulk.release_failed", {{"job", running->job.id().to_string()}, {"reason", e.what()}});
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
        parts_.database.write([&](sql::Tx& tx) { extend_leases(tx, node_.number()); });
        next_heartbeat = steady_now_ms() + kHeartbeatMs;
      }
      claim();
      if (steady_now_ms() >= next_clean_up) {
        parts_.database.write([&](sql::Tx& tx) { remove_old_answers(tx, parts_.clock()); });
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
    auto running = std::make_shared<Running>();
    running->job = std::move(*job);
    log::info("bulk.claimed", {{"job", running->job.id().to_string()},
                               {"type", running->job.type},
                               {"row", running->job.next.row},
                               {"epoch", running->job.lease_epoch}});
    std::lock_guard lock(mutex_);
    held_[{head.community, head.job}] = running;
    ready_.push_back(std::move(running));
    work_ready_.notify_one();
  }
}

void BulkRunner::work_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    auto const now = steady_now_ms();
    auto const next = std::find_if(ready_.begin(), ready_.end(), [&](auto const& r) { return r->not_before <= now; });
    if (next == ready_.end()) {
      std::int64_t wait = settings_.poll_ms;
      for (auto const& r : ready_) wait = std::min(wait, r->not_before - now);
      work_ready_.wait_for(lock, std::chrono::milliseconds(wait + 1));
      continue;
    }
    auto const running = std::move(*next);
    ready_.erase(next);
    lock.unlock();
    Step result = Step::lost;
    try {
      result = step(*running);
    } catch (std::exception const& e) {
      // Not a storage failure: a broken invariant or an exhausted resource. Counted, so that it cannot go on for ever.
      std::string const reference = random_base62(12);
      log::error("bulk.chunk_failed",
                 {{"job", running->job.id().to_string()}, {"row", running->job.next.row}, {"reason", e.what()}, {"reference", reference}});
      running->start_over();
      if (++running->conflicts < kConflictsMax) {
        running->not_before = steady_now_ms() + kBackOffFirstMs;
        result = Step::more;
      } else {
        try {
          result = end(*running, "failed", "internal",
                       "The job could not go on (reference " + reference + "). Rows before row " + std::to_string(running->job.next.row) +
                           " were applied.");
        } catch (std::exception const& again) {
          // The lease stays ours: dropping the job now would leave it leased to a node that does not work on it.
          log::error("bulk.end_failed", {{"job", running->job.id().to_string()}, {"reason", again.what()}});
          running->back_off_ms = std::clamp(running->back_off_ms * 2, kBackOffFirstMs, kBackOffMostMs);
          running->not_before = steady_now_ms() + running->back_off_ms;
          result = Step::more;
        }
      }
    }
    lock.lock();
    if (result == Step::more) {
      ready_.push_back(running);
    } else {
      held_.erase({running->job.community, running->job.number});
      // The community's next job may start now.
      wake_ = true;
      poll_now_.notify_one();
    }
  }
}

BulkRunner::Step BulkRunner::step(Running& r) {
  try {
    if (r.job.attempts > kAttemptsMax)
      return end(r, "failed", "internal",
                 "Working on row " + std::to_string(r.job.next.row) + " and those after it stopped the server " +
                     std::to_string(kAttemptsMax) + " times. Rows before it were applied.");
    if (!r.now.session) {
      auto const& kind = parts_.kind(r.job.type);
      auto session = kind.open(r.job.facts());
      if (r.job.dry_run) rebuild_dry_run(r, *session);
      r.now.session = std::move(session);
      if (kind.looks_ahead(r.job.facts())) r.ahead.session = kind.open(r.job.facts());
    }
    if (!r.now.is_read) read_chunk(r, r.now, r.job.next);
    prepare_chunk(r.now);
    return commit_chunk(r);
  } catch (MissingFile const&) {
    r.rewind();
    return end(r, "failed", "source_missing",
               "The uploaded file is gone. Rows before row " + std::to_string(r.job.next.row) + " were applied.");
  } catch (StorageError const& e) {
    return storage_failed(r, e);
  }
}

BulkRunner::Step BulkRunner::storage_failed(Running& r, StorageError const& e) {
  std::int64_t const now = steady_now_ms();
  log::warning("bulk.storage_failed", {{"job", r.job.id().to_string()}, {"row", r.job.next.row}, {"reason", e.what()}});
  if (e.kind() == StorageError::Kind::broken) throw;
  if (e.kind() == StorageError::Kind::constraint) {
    // Another writer took an e-mail, a username or an identifier after we looked: look again.
    if (++r.conflicts >= kConflictsMax) throw;
    r.now.is_prepared = false;
    return Step::more;
  }
  if (r.storage_failing_since == 0) r.storage_failing_since = now;
  if (now - r.storage_failing_since > settings_.storage_retry_ms_max)
    return end(r, "failed", "storage",
               "Storage could not be written for " + std::to_string(settings_.storage_retry_ms_max / 60'000) +
                   " minutes. Rows before row " + std::to_string(r.job.next.row) + " were applied.");
  r.back_off_ms = std::clamp(r.back_off_ms * 2, kBackOffFirstMs, kBackOffMostMs);
  r.not_before = now + r.back_off_ms;
  return Step::more;
}

// Reads the next rows of the file. `from` is where they begin. When it fails, rows may have been read that
// nobody has: the caller lets go of the reader.
void BulkRunner::read_chunk(Running& r, Stage& stage, api::CsvPosition from) {
  if (!r.reader) r.reader = std::make_unique<RowReader>(parts_.files, r.job, parts_.limits, from);
  stage.begin = from;
  stage.forget();
  stage.rows.clear();
  stage.offsets.clear();
  stage.after.clear();
  stage.skipped_before.clear();
  stage.skipped = 0;
  stage.at_end = false;
  stage.arena = std::make_unique<std::pmr::monotonic_buffer_resource>(64 * 1024);
  std::size_t const width = std::max<std::size_t>(1, r.job.columns.size());
  auto const most = std::min<std::size_t>(static_cast<std::size_t>(parts_.limits.bulk_chunk_rows_max), kChunkCellsMax / width);
  std::size_t const rows_max = std::clamp(r.chunk_rows, kChunkRowsMin, std::max(kChunkRowsMin, most));
  std::size_t bytes = 0;
  RowReader::Record record;
  while (stage.rows.size() < rows_max && bytes < kChunkBytesMax) {
    if (!r.reader->next(record)) {
      stage.at_end = true;
      break;
    }
    if (record.blank) {
      ++stage.skipped;
      continue;
    }
    for (auto const cell : record.row.cells) bytes += cell.size() + sizeof(std::string_view);
    stage.rows.push_back(keep_row(record.row, *stage.arena));
    stage.offsets.push_back(record.offset);
    stage.after.push_back(r.reader->position());
    stage.skipped_before.push_back(stage.skipped);
  }
  stage.end = r.reader->position();
  stage.is_read = true;
}

void BulkRunner::prepare_chunk(Stage& stage) {
  if (stage.is_prepared) return;
  stage.session->prepare(stage.rows);
  stage.is_prepared = true;
}

// A dry run keeps the effects of earlier rows in memory of its own. Whoever takes one over imagines them again. When that
// fails on its way, the cursor is where it was and the session, half filled, is not used.
void BulkRunner::rebuild_dry_run(Running& r, BulkSession& session) {
  auto const first = parts_.database.read([&](sql::Tx& tx) { return chunk_from_row(tx, r.job.community, r.job.number, 0); });
  if (!first) return;
  r.rewind();
  api::CsvPosition at{first->file_offset, first->first_row, first->line};
  struct Leave {
    Running& running;
    ~Leave() { running.rewind(); }
  } const leave{r};
  do {
    read_chunk(r, r.now, at);
    // Never beyond the cursor: those rows have no outcome yet.
    while (!r.now.rows.empty() && r.now.rows.back().row >= r.job.next.row) r.now.rows.pop_back();
    session.prepare(r.now.rows);
    std::vector<RowOutcome> ignored;
    parts_.database.write([&](sql::Tx& tx) { session.apply(tx, {parts_.clock(), std::nullopt}, ignored); }, {.alone = true});
    session.committed();
    at = r.now.end;
  } while (!r.now.at_end && r.now.end.offset < r.job.next.offset);
}

BulkRunner::Step BulkRunner::commit_chunk(Running& r) {
  Job next;
  bool lost = false, applied_before = false;
  std::vector<RowOutcome> outcomes;
  std::int64_t spent_ms = 0;
  Stage& chunk = r.now;
  // The next chunk is read and looked up on another core while the writer has this one.
  std::future<void> look_ahead;
  if (r.ahead.session && !chunk.at_end)
    look_ahead = std::async(std::launch::async, [this, &r] {
      // Whatever it meets is met again when its turn comes.
      try {
        if (!r.ahead.is_read) read_chunk(r, r.ahead, r.now.end);
        prepare_chunk(r.ahead);
      } catch (std::exception const& e) {
        log::warning("bulk.look_ahead_failed", {{"job", r.job.id().to_string()}, {"reason", e.what()}});
        if (!r.ahead.is_read) r.reader.reset();
      }
    });
  parts_.database.write(
      [&](sql::Tx& tx) {
        std::int64_t const began = steady_now_ms();
        lost = applied_before = false;
        auto locked = lock_job(tx, r.job.community, r.job.number);
        if (!locked || locked->lease_epoch != r.job.lease_epoch || locked->status != "processing") {
          lost = true;
          return;
        }
        next = std::move(*locked);
        if (next.next != r.job.next) {
          // The connection broke while an earlier COMMIT was on its way, and it had taken effect.
          applied_before = true;
          return;
        }
        // The rows in hand are the ones behind the cursor, or something is broken and nothing of them may be applied.
        if (chunk.begin != next.next) throw std::logic_error("a chunk does not begin at its job's cursor");
        TimeMs const now = parts_.clock();
        next.updated_at = now;
        auto finish = [&](std::string status, std::string code = {}, std::string message = {}) {
          next.status = std::move(status);
          next.error_code = std::move(code);
          next.error_message = std::move(message);
          next.finished_at = now;
          next.expires_at = now + retention_days(tx, next.community) * 86'400'000;
        };
        if (next.cancel_requested) {
          finish("cancelled");
          update_progress(tx, next);
          return;
        }
        ApplyFrame frame{now, std::nullopt};
        if (next.max_errors) frame.failures_left = *next.max_errors - next.counters.failed;
        chunk.session->apply(tx, frame, outcomes);

        std::vector<KeptRow> kept;
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
          auto const& o = outcomes[i];
          switch (o.status) {
            case RowStatus::updated: ++next.counters.updated; break;
            case RowStatus::unchanged: ++next.counters.unchanged; break;
            case RowStatus::created: ++next.counters.created; break;
            default: ++next.counters.failed;
          }
          bool const readable_elsewhere = o.status == RowStatus::updated || o.status == RowStatus::unchanged;
          if (readable_elsewhere && !next.dry_run) continue;
          kept.push_back({chunk.rows[i].row, chunk.rows[i].line, chunk.offsets[i], o.status, o.member,
                          o.issues.empty() ? "[]" : errors_json(o.issues), o.changes.empty() ? "[]" : o.changes});
        }
        insert_rows(tx, next.community, next.number, kept);
        bool const stopped = frame.failures_left && next.counters.failed > *next.max_errors;
        if (!outcomes.empty()) {
          std::size_t const last = outcomes.size() - 1;
          insert_chunk(tx, next.community, next.number,
                       {chunk.rows.front().row, chunk.rows[last].row, chunk.rows.front().line, chunk.offsets.front(),
                        r.job.counters.processed(), chunk.session->numbers_drawn()});
          next.next = stopped ? chunk.after[last] : chunk.end;
          next.counters.skipped += stopped ? chunk.skipped_before[last] : chunk.skipped;
        } else {
          next.next = chunk.end;
          next.counters.skipped += chunk.skipped;
        }
        if (stopped)
          finish("failed", "too_many_errors",
                 "More than " + std::to_string(*next.max_errors) + " rows failed; the job stopped at row " +
                     std::to_string(chunk.rows[outcomes.size() - 1].row) + ". Earlier rows stay applied.");
        else if (chunk.at_end)
          finish("completed");
        update_progress(tx, next);
        spent_ms = steady_now_ms() - began;
      },
      {.alone = true});

  if (look_ahead.valid()) look_ahead.get();
  if (lost) {
    log::warning("bulk.lease_lost", {{"job", r.job.id().to_string()}, {"epoch", r.job.lease_epoch}});
    return Step::lost;
  }
  if (next.status != "cancelled") chunk.session->committed();
  rows_done_.fetch_add(next.counters.processed() - r.job.counters.processed(), std::memory_order_relaxed);
  r.job = std::move(next);
  r.job.attempts = 0;
  chunk.forget();
  r.conflicts = 0;
  r.storage_failing_since = r.back_off_ms = r.not_before = 0;
  if (applied_before) {
    r.rewind();
    return r.job.is_final() ? Step::done : Step::more;
  }
  if (r.ahead.is_read) std::swap(r.now, r.ahead);
  // Aim at the time that the writer may be kept, by at most a factor of two a step.
  double const ratio = static_cast<double>(parts_.limits.bulk_chunk_target_ms) / static_cast<double>(std::max<std::int64_t>(spent_ms, 1));
  r.chunk_rows = std::clamp(static_cast<std::size_t>(static_cast<double>(r.chunk_rows) * std::clamp(ratio, 0.5, 2.0)), kChunkRowsMin,
                            static_cast<std::size_t>(parts_.limits.bulk_chunk_rows_max));
  if (!r.job.is_final()) return Step::more;
  log::info("bulk.finished", {{"job", r.job.id().to_string()},
                              {"type", r.job.type},
                              {"status", r.job.status},
                              {"updated", r.job.counters.updated},
                              {"unchanged", r.job.counters.unchanged},
                              {"created", r.job.counters.created},
                              {"failed", r.job.counters.failed},
                              {"duration_ms", r.job.finished_at.value_or(0) - r.job.started_at.value_or(0)}});
  return Step::done;
}

// Ends a job that cannot go on. Nothing more of it is applied.
BulkRunner::Step BulkRunner::end(Running& r, std::string_view status, std::string code, std::string message) {
  parts_.database.write([&](sql::Tx& tx) {
    auto job = lock_job(tx, r.job.community, r.job.number);
    if (!job || job->lease_epoch != r.job.lease_epoch || job->is_final()) return;
    job->status = status;
    job->error_code = code;
    job->error_message = message;
    job->updated_at = parts_.clock();
    job->finished_at = job->updated_at;
    job->expires_at = job->updated_at + retention_days(tx, job->community) * 86'400'000;
    update_progress(tx, *job);
  });
  log::error("bulk.failed", {{"job", r.job.id().to_string()}, {"code", code}, {"row", r.job.next.row}});
  return Step::done;
}

}  // namespace fealty::jobs
