#include "jobs/job_run.h"

#include <time.h>

#include <future>

#include "api/json_writer.h"
#include "base/log.h"
#include "base/random.h"
#include "jobs/bulk_store.h"
#include "jobs/revert.h"

namespace fealty::jobs {
namespace {

using sql::StorageError;

constexpr std::size_t kChunkRowsMin = 50, kChunkRowsFirst = 1'000;
// Cells of one chunk: bounds the memory of wide files.
constexpr std::size_t kChunkCellsMax = 60'000;
constexpr std::size_t kChunkBytesMax = 2 * 1024 * 1024;
constexpr int kAttemptsMax = 3;   // claims without a finished chunk: what kills its worker is not tried for ever
constexpr int kConflictsMax = 5;  // look-ups that were overtaken by another writer
constexpr std::int64_t kBackOffFirstMs = 200, kBackOffMostMs = 15'000;
constexpr std::int64_t kDayMs = 86'400'000;

std::string errors_json(std::vector<RowIssue> const& issues) {
  api::JsonWriter w;
  w.begin_array();
  for (auto const& i : issues)
    w.begin_object().key("column").string(i.column).key("code").string(i.code).key("message").string(i.message).end_object();
  return w.end_array().take();
}

// Adds the CPU time of this thread to a sum while it lives.
class CpuTimer {
 public:
  explicit CpuTimer(std::int64_t& sum_us) : sum_us_(sum_us), began_us_(now_us()) {}
  ~CpuTimer() { sum_us_ += now_us() - began_us_; }
  CpuTimer(CpuTimer const&) = delete;
  CpuTimer& operator=(CpuTimer const&) = delete;

 private:
  static std::int64_t now_us() {
    timespec t{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1'000'000 + t.tv_nsec / 1'000;
  }
  std::int64_t& sum_us_;
  std::int64_t began_us_;
};

// The rows of the upload, in their order.
class FileFeed final : public RowFeed {
 public:
  FileFeed(BulkParts const& parts, Job const& job, api::CsvPosition from) : reader_(parts.files, job, parts.limits, from) {}
  bool next(InputRow& row, std::pmr::memory_resource& arena) override {
    RowReader::Record record;
    while (reader_.next(record)) {
      if (record.blank) {
        ++blank_;
        continue;
      }
      row = keep_row(record.row, arena);
      return true;
    }
    return false;
  }
  api::CsvPosition position() const override { return reader_.position(); }
  std::int64_t blank() const override { return blank_; }

 private:
  RowReader reader_;
  std::int64_t blank_ = 0;
};

std::size_t recorded_bytes(RecordedRow const& row) {
  std::size_t bytes = row.changes.size_bytes();
  for (auto const& c : row.changes) bytes += c.before_text.value_or("").size() + c.after_text.value_or("").size();
  return bytes;
}

}  // namespace

// One chunk on its way: read, looked up, and then committed.
struct JobRun::Stage {
  std::unique_ptr<BulkSession> session;
  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena;
  std::vector<InputRow> rows;
  std::vector<api::CsvPosition> after;     // the place behind each row
  std::vector<std::int64_t> blank_before;  // blank records of the chunk before each row's end
  std::int64_t blank = 0;
  std::int64_t begin_ordinal = 0;
  api::CsvPosition begin, end;
  bool at_end = false;
  bool is_read = false;
  bool is_prepared = false;  // the look-ups were made, and nothing says that they are out of date
  Spent spent;

  void forget() { is_read = is_prepared = false; }
  std::int64_t end_ordinal() const { return begin_ordinal + static_cast<std::int64_t>(rows.size()); }
};

JobRun::JobRun(BulkParts const& parts, Job job, std::int64_t storage_retry_ms_max)
    : parts_(parts),
      job_(std::move(job)),
      storage_retry_ms_max_(storage_retry_ms_max),
      now_(std::make_unique<Stage>()),
      ahead_(std::make_unique<Stage>()),
      chunk_rows_(kChunkRowsFirst) {}
JobRun::~JobRun() = default;

// Forgets what was read beyond the cursor.
void JobRun::rewind() {
  now_->forget();
  ahead_->forget();
  feed_.reset();
}

// Whatever was read or looked up may be half done: the next step begins at the cursor with fresh sessions.
void JobRun::start_over() {
  rewind();
  builder_.reset();
  now_->session.reset();
  ahead_->session.reset();
}

std::string JobRun::applied_so_far() const {
  if (job_.revert_of) return std::to_string(job_.counters.success()) + " rows were reversed; the details say which.";
  if (job_.work_runs == 0) return "Rows before row " + std::to_string(job_.next.row) + " were applied.";
  return std::to_string(job_.counters.processed()) + " rows were applied; the details say which.";
}

JobRun::Step JobRun::step() noexcept {
  try {
    return advance();
  } catch (std::exception const& e) {
    // Not a storage failure: a broken invariant or an exhausted resource.
    return unexpected(e.what());
  }
}

JobRun::Step JobRun::advance() {
  try {
    if (job_.attempts > kAttemptsMax)
      return end("failed", "internal",
                 "Working on this job stopped the server " + std::to_string(kAttemptsMax) + " times. " + applied_so_far());
    if (builder_ || wants_work_list()) return build_work_list();
    open_sessions();
    if (!now_->is_read) read_chunk(*now_, job_.counters.processed(), job_.next);
    prepare_chunk(*now_);
    return commit_chunk();
  } catch (MissingFile const&) {
    rewind();
    return end("failed", "source_missing", "The uploaded file is gone. " + applied_so_far());
  } catch (StorageFull const& e) {
    start_over();
    return storage_failed(StorageError(StorageError::Kind::unavailable, e.what()));
  } catch (StorageError const& e) {
    return storage_failed(e);
  }
}

// Counted, so that it cannot go on for ever.
JobRun::Step JobRun::unexpected(char const* what) {
  std::string const reference = random_base62(12);
  log::error("bulk.chunk_failed",
             {{"job", job_.id().to_string()}, {"processed", job_.counters.processed()}, {"reason", what}, {"reference", reference}});
  start_over();
  if (++conflicts_ < kConflictsMax) {
    not_before_ = steady_now_ms() + kBackOffFirstMs;
    return Step::more;
  }
  try {
    return end("failed", "internal", "The job could not go on (reference " + reference + "). " + applied_so_far());
  } catch (std::exception const& again) {
    // The lease stays ours: dropping the job now would leave it leased to a node that does not work on it.
    log::error("bulk.end_failed", {{"job", job_.id().to_string()}, {"reason", again.what()}});
    back_off_ms_ = std::clamp(back_off_ms_ * 2, kBackOffFirstMs, kBackOffMostMs);
    not_before_ = steady_now_ms() + back_off_ms_;
    return Step::more;
  }
}

JobRun::Step JobRun::storage_failed(StorageError const& e) {
  std::int64_t const now = steady_now_ms();
  log::warning("bulk.storage_failed", {{"job", job_.id().to_string()}, {"processed", job_.counters.processed()}, {"reason", e.what()}});
  if (e.kind() == StorageError::Kind::broken) throw e;
  if (e.kind() == StorageError::Kind::constraint) {
    // Another writer took an e-mail, a username or an identifier after we looked: look again.
    if (++conflicts_ >= kConflictsMax) throw e;
    now_->is_prepared = false;
    return Step::more;
  }
  if (builder_) builder_.reset();
  if (storage_failing_since_ == 0) storage_failing_since_ = now;
  if (now - storage_failing_since_ > storage_retry_ms_max_)
    return end("failed", "storage",
               "Storage could not be written for " + std::to_string(storage_retry_ms_max_ / 60'000) + " minutes. " + applied_so_far());
  back_off_ms_ = std::clamp(back_off_ms_ * 2, kBackOffFirstMs, kBackOffMostMs);
  not_before_ = now + back_off_ms_;
  return Step::more;
}

// In the order of the members where that cannot be seen: not with a limit of failures, which is a place in the file, and
// not where rows of different members meet. A file of one chunk gains nothing.
bool JobRun::wants_work_list() {
  if (keeps_order_ || job_.work_runs > 0) return false;
  bool const may_reorder = job_.counters.processed() == 0 && job_.next == job_.first && !job_.max_errors && !job_.revert_of &&
                           job_.total > parts_.limits.bulk_chunk_rows_max;
  bool const wanted =
      may_reorder && parts_.database.read([&](sql::Tx& tx) { return parts_.kind(job_.type).rows_are_independent(tx, job_.facts()); });
  // Decided when it is known: a question that storage did not answer is asked again.
  keeps_order_ = !wanted;
  return wanted;
}

JobRun::Step JobRun::build_work_list() {
  auto const stored = parts_.database.read([&](sql::Tx& tx) { return find_job(tx, job_.community, job_.number); });
  if (!stored || stored->lease_epoch != job_.lease_epoch || stored->status != "processing") return Step::lost;
  if (stored->cancel_requested) return end("cancelled", "", "");
  if (stored->work_runs > 0) {
    // It was whole, and the answer to its commit was lost.
    builder_.reset();
    job_ = *stored;
    return Step::more;
  }
  if (!builder_) builder_ = std::make_unique<WorkListBuilder>(parts_.files, job_, parts_.limits, parts_.kind(job_.type));
  std::int64_t const began_ms = steady_now_ms();
  bool const whole = builder_->step();
  spent_.plan += (steady_now_ms() - began_ms) * 1'000;
  if (!whole) return Step::more;
  Job listed = job_;
  listed.work_epoch = job_.lease_epoch;
  listed.work_runs = builder_->runs();
  listed.counters.skipped = builder_->blank();
  bool kept = false;
  parts_.database.write([&](sql::Tx& tx) {
    auto const locked = lock_job(tx, job_.community, job_.number);
    kept = locked && locked->lease_epoch == job_.lease_epoch && locked->status == "processing";
    if (kept) set_work_list(tx, listed);
  });
  builder_.reset();
  if (!kept) return Step::lost;
  job_ = std::move(listed);
  job_.attempts = 0;
  return Step::more;
}

void JobRun::open_sessions() {
  if (now_->session) return;
  std::optional<ReversalFacts> reversal;
  if (job_.revert_of)
    parts_.database.read([&](sql::Tx& tx) {
      original_ = original_of(tx, job_);
      reversal = reversal_facts(tx, job_, *original_);
    });
  auto open = [&] { return reversal ? kind().open_reversal(*reversal) : kind().open(job_.facts()); };
  auto session = open();
  if (job_.dry_run) rebuild_dry_run(*session);
  now_->session = std::move(session);
  // What a job did is known, whatever its reversal has come to.
  if (reversal ? !job_.dry_run : kind().looks_ahead(job_.facts())) ahead_->session = open();
}

std::unique_ptr<RowFeed> JobRun::open_feed(std::int64_t ordinal, api::CsvPosition at) const {
  if (original_) return std::make_unique<RevertFeed>(parts_, *original_, at);
  if (job_.work_runs == 0) return std::make_unique<FileFeed>(parts_, job_, at);
  auto list = std::make_unique<WorkListReader>(parts_.files, job_);
  list->skip(ordinal);
  return list;
}

// Reads the next rows. `ordinal` and `from` are where they begin.
void JobRun::read_chunk(Stage& stage, std::int64_t ordinal, api::CsvPosition from) {
  CpuTimer const timer(stage.spent.read);
  // When it fails, rows may have been read that nobody has: the next one begins with a feed of its own.
  struct LetGo {
    std::unique_ptr<RowFeed>& feed;
    bool const& is_read;
    ~LetGo() {
      if (!is_read) feed.reset();
    }
  } const let_go{feed_, stage.is_read};
  if (!feed_) feed_ = open_feed(ordinal, from);
  stage.begin_ordinal = ordinal;
  stage.begin = from;
  stage.forget();
  stage.rows.clear();
  stage.after.clear();
  stage.blank_before.clear();
  stage.at_end = false;
  stage.arena = std::make_unique<std::pmr::monotonic_buffer_resource>(64 * 1024);
  std::size_t const width = std::max<std::size_t>(1, job_.columns.size());
  auto const most = std::min<std::size_t>(static_cast<std::size_t>(parts_.limits.bulk_chunk_rows_max), kChunkCellsMax / width);
  std::size_t const rows_max = std::clamp(chunk_rows_, kChunkRowsMin, std::max(kChunkRowsMin, most));
  std::int64_t const blank_before = feed_->blank();
  std::size_t bytes = 0;
  InputRow row;
  while (stage.rows.size() < rows_max && bytes < kChunkBytesMax) {
    if (!feed_->next(row, *stage.arena)) {
      stage.at_end = true;
      break;
    }
    for (auto const cell : row.cells) bytes += cell.size() + sizeof(std::string_view);
    if (row.recorded != nullptr) bytes += recorded_bytes(*row.recorded);
    stage.rows.push_back(row);
    stage.after.push_back(feed_->position());
    stage.blank_before.push_back(feed_->blank() - blank_before);
  }
  stage.blank = feed_->blank() - blank_before;
  stage.end = feed_->position();
  stage.is_read = true;
}

void JobRun::prepare_chunk(Stage& stage) {
  if (stage.is_prepared) return;
  CpuTimer const timer(stage.spent.plan);
  stage.session->prepare(stage.rows);
  stage.is_prepared = true;
}

// A dry run keeps the effects of earlier rows in memory of its own. Whoever takes one over imagines them again. When that
// fails on its way, the cursor is where it was and the session, half filled, is not used.
void JobRun::rebuild_dry_run(BulkSession& session) {
  std::int64_t const processed = job_.counters.processed();
  if (processed == 0) return;
  rewind();
  struct Leave {
    JobRun& run;
    ~Leave() { run.rewind(); }
  } const leave{*this};
  std::int64_t at = 0;
  api::CsvPosition place = job_.first;
  while (at < processed) {
    read_chunk(*now_, at, place);
    // Never beyond the cursor: those rows have no outcome yet.
    if (now_->end_ordinal() > processed) now_->rows.resize(static_cast<std::size_t>(processed - at));
    if (now_->rows.empty()) return;
    session.prepare(now_->rows);
    std::vector<RowOutcome> ignored;
    parts_.database.write([&](sql::Tx& tx) { session.apply(tx, {parts_.clock(), std::nullopt}, ignored); }, {.alone = true});
    session.committed();
    at = now_->end_ordinal();
    place = now_->end;
  }
}

// The chunk's effects, outcomes and chunk record, and the job's new counters and cursor, in the caller's transaction.
void JobRun::apply_chunk(sql::Tx& tx, Job& next, std::vector<RowOutcome>& outcomes) {
  Stage& chunk = *now_;
  TimeMs const now = parts_.clock();
  auto finish = [&](std::string status, std::string code = {}, std::string message = {}) {
    next.status = std::move(status);
    next.error_code = std::move(code);
    next.error_message = std::move(message);
    next.finished_at = now;
    next.expires_at = now + retention_days(tx, next.community) * kDayMs;
    sync_work_list(parts_.files, next);
  };
  next.updated_at = now;
  if (next.cancel_requested) {
    finish("cancelled");
    update_progress(tx, next);
    end_reversal(tx, next);
    return;
  }
  std::optional<Job> original;
  if (next.revert_of) original = lock_original(tx, next, chunk.begin);
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
    // A row that changed nothing has a place in the file; of a reversing job, which has none, it is kept.
    bool const has_record = !original || (o.status == RowStatus::updated && !chunk.rows[i].recorded->changes.empty());
    bool const readable_elsewhere = (o.status == RowStatus::updated || o.status == RowStatus::unchanged) && has_record;
    if (readable_elsewhere && !next.dry_run) continue;
    bool const has_place = original || o.status == RowStatus::created;
    kept.push_back({chunk.rows[i].row, o.status, o.member, o.issues.empty() ? "[]" : errors_json(o.issues),
                    o.changes.empty() ? "[]" : o.changes, has_place ? chunk.begin_ordinal + static_cast<std::int64_t>(i) : -1});
  }
  insert_rows(tx, next.community, next.number, kept);
  if (original && !next.dry_run) keep_reversed(tx, *original, chunk.rows, outcomes, chunk.end, now);
  bool const stopped = frame.failures_left && next.counters.failed > *next.max_errors;
  if (outcomes.empty()) {
    next.next = chunk.end;
    next.counters.skipped += chunk.blank;
  } else {
    std::size_t const last = outcomes.size() - 1;
    auto const drawn = chunk.session->numbers_drawn();
    Chunk stored{chunk.begin_ordinal, static_cast<std::int64_t>(outcomes.size())};
    if (drawn.first != 0) {
      stored.first_number = drawn.first;
      stored.per_row = drawn.per_row;
      stored.last_number = NumberSource::at(drawn.first, stored.rows * drawn.per_row - 1);
    }
    insert_chunk(tx, next.community, next.number, stored);
    next.next = stopped ? chunk.after[last] : chunk.end;
    next.counters.skipped += stopped ? chunk.blank_before[last] : chunk.blank;
  }
  if (stopped)
    finish("failed", "too_many_errors",
           "More than " + std::to_string(*next.max_errors) + " rows failed; the job stopped at row " +
               std::to_string(chunk.rows[outcomes.size() - 1].row) + ". Earlier rows stay applied.");
  else if (chunk.at_end)
    finish("completed");
  update_progress(tx, next);
  if (next.is_final()) end_reversal(tx, next);
}

JobRun::Step JobRun::commit_chunk() {
  Job next;
  bool lost = false, applied_before = false;
  std::vector<RowOutcome> outcomes;
  std::int64_t applied_ms = 0, apply_us = 0;
  Stage& chunk = *now_;
  // The next chunk is read and looked up on another core while the writer has this one.
  std::future<void> look_ahead;
  if (ahead_->session && !chunk.at_end)
    look_ahead = std::async(std::launch::async, [this] {
      // Whatever it meets is met again when its turn comes.
      try {
        if (!ahead_->is_read) read_chunk(*ahead_, now_->end_ordinal(), now_->end);
        prepare_chunk(*ahead_);
        // Else they are looked up again when this chunk is there.
        ahead_->is_prepared = !ahead_->session->depends_on(*now_->session);
      } catch (std::exception const& e) {
        log::warning("bulk.look_ahead_failed", {{"job", job_.id().to_string()}, {"reason", e.what()}});
      }
    });
  std::int64_t const began_ms = steady_now_ms();
  parts_.database.write(
      [&](sql::Tx& tx) {
        CpuTimer const timer(apply_us);
        std::int64_t const apply_began_ms = steady_now_ms();
        lost = applied_before = false;
        auto locked = lock_job(tx, job_.community, job_.number);
        if (!locked || locked->lease_epoch != job_.lease_epoch || locked->status != "processing") {
          lost = true;
          return;
        }
        next = std::move(*locked);
        if (next.next != job_.next || next.counters.processed() != job_.counters.processed() || next.work_runs != job_.work_runs ||
            next.work_epoch != job_.work_epoch) {
          // The connection broke while an earlier COMMIT was on its way, and it had taken effect: of a chunk, or of the order in
          // which the rows come.
          applied_before = true;
          return;
        }
        // The rows in hand are the ones behind the cursor, or something is broken and nothing of them may be applied.
        if (chunk.begin != next.next || chunk.begin_ordinal != next.counters.processed())
          throw std::logic_error("a chunk does not begin at its job's cursor");
        apply_chunk(tx, next, outcomes);
        applied_ms = steady_now_ms() - apply_began_ms;
      },
      {.alone = true});
  std::int64_t const written_ms = steady_now_ms() - began_ms;

  if (look_ahead.valid()) look_ahead.get();
  if (lost) {
    log::warning("bulk.lease_lost", {{"job", job_.id().to_string()}, {"epoch", job_.lease_epoch}});
    return Step::lost;
  }
  if (next.status != "cancelled") chunk.session->committed();
  spent_.apply += apply_us;
  spent_.commit += (written_ms - applied_ms) * 1'000;
  return after_commit(std::move(next), applied_before, applied_ms);
}

JobRun::Step JobRun::after_commit(Job next, bool applied_before, std::int64_t applied_ms) {
  rows_done_ += next.counters.processed() - job_.counters.processed();
  job_ = std::move(next);
  job_.attempts = 0;
  spent_.read += std::exchange(now_->spent.read, 0);
  spent_.plan += std::exchange(now_->spent.plan, 0);
  now_->forget();
  conflicts_ = 0;
  storage_failing_since_ = back_off_ms_ = not_before_ = 0;
  if (applied_before) {
    rewind();
  } else {
    if (ahead_->is_read) std::swap(now_, ahead_);
    // Aim at the time that the writer may be kept, by at most a factor of two a step.
    double const ratio =
        static_cast<double>(parts_.limits.bulk_chunk_target_ms) / static_cast<double>(std::max<std::int64_t>(applied_ms, 1));
    chunk_rows_ = std::clamp(static_cast<std::size_t>(static_cast<double>(chunk_rows_) * std::clamp(ratio, 0.5, 2.0)), kChunkRowsMin,
                             static_cast<std::size_t>(parts_.limits.bulk_chunk_rows_max));
  }
  if (!job_.is_final()) return Step::more;
  log::info("bulk.finished", {{"job", job_.id().to_string()},
                              {"type", job_.type},
                              {"status", job_.status},
                              {"updated", job_.counters.updated},
                              {"unchanged", job_.counters.unchanged},
                              {"created", job_.counters.created},
                              {"failed", job_.counters.failed},
                              {"duration_ms", job_.finished_at.value_or(0) - job_.started_at.value_or(0)},
                              {"read_cpu_ms", spent_.read / 1'000},
                              {"plan_cpu_ms", spent_.plan / 1'000},
                              {"apply_cpu_ms", spent_.apply / 1'000},
                              {"commit_ms", spent_.commit / 1'000}});
  feed_.reset();
  remove_work_list(parts_.files, job_);
  return Step::done;
}

// Ends a job that cannot go on. Nothing more of it is applied.
JobRun::Step JobRun::end(std::string_view status, std::string code, std::string message) {
  parts_.database.write([&](sql::Tx& tx) {
    auto job = lock_job(tx, job_.community, job_.number);
    if (!job || job->lease_epoch != job_.lease_epoch || job->is_final()) return;
    job->status = status;
    job->error_code = code;
    job->error_message = message;
    job->updated_at = parts_.clock();
    job->finished_at = job->updated_at;
    job->expires_at = job->updated_at + retention_days(tx, job->community) * kDayMs;
    sync_work_list(parts_.files, *job);
    update_progress(tx, *job);
    end_reversal(tx, *job);
  });
  log::error("bulk.ended", {{"job", job_.id().to_string()}, {"status", status}, {"code", code}, {"processed", job_.counters.processed()}});
  builder_.reset();
  feed_.reset();
  remove_work_list(parts_.files, job_);
  return Step::done;
}

}  // namespace fealty::jobs
