#include "sql/sqlite/checkpointer.h"

#include "base/log.h"

namespace fealty::sql::sqlite {
namespace {

constexpr int kPageBytes = 4096;
// Often enough that a checkpoint stays short, seldom enough that neighbouring changes of a page share one write.
constexpr int kPassivePages = 4 * 1024 * 1024 / kPageBytes;
// A log that a steady writer never lets come to its end is restarted by force from this size on.
constexpr int kRestartPages = 64 * 1024 * 1024 / kPageBytes;
// A restart waits for old readers while it holds the writer's lock: only so long, and the next try is this much later.
constexpr int kRestartWaitMs = 200;
constexpr int kRestartAgainPages = kRestartPages / 4;
constexpr auto kIdle = std::chrono::seconds(30);

}  // namespace

Checkpointer::Checkpointer(std::string const& path)
    : connection_(path, Connection::Mode::write, 2048, kRestartWaitMs), mark_(kPassivePages), thread_([this] { loop(); }) {}

Checkpointer::~Checkpointer() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Checkpointer::log_is(int pages) {
  bool due = false;
  {
    std::lock_guard lock(mutex_);
    if (pages < pages_) mark_ = kPassivePages;  // the writer began the log anew
    pages_ = pages;
    grew_ = true;
    due = pages_ >= mark_;
  }
  if (due) wake_.notify_all();
}

void Checkpointer::truncate() { run(SQLITE_CHECKPOINT_TRUNCATE); }

void Checkpointer::run(int mode) {
  int length = -1, done = -1;
  {
    std::lock_guard lock(connection_mutex_);
    int const rc = sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, mode, &length, &done);
    // Busy: a reader still needs the log, or another process checkpoints. The next one goes further.
    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY) {
      log::warning("sqlite_checkpoint_failed", {{"error", error_of(connection_.handle(), "checkpoint").what()}});
    }
  }
  std::lock_guard lock(mutex_);
  if (mode == SQLITE_CHECKPOINT_TRUNCATE && length == 0) pages_ = 0;
  mark_ = pages_ + (mode == SQLITE_CHECKPOINT_RESTART ? kRestartAgainPages : kPassivePages);
}

void Checkpointer::loop() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    bool const due = wake_.wait_for(lock, kIdle, [&] { return stop_ || pages_ >= mark_; });
    if (stop_) return;
    bool const idle = !due && !grew_ && pages_ > 0;
    grew_ = false;
    if (!due && !idle) continue;
    int const mode = idle ? SQLITE_CHECKPOINT_TRUNCATE : pages_ >= kRestartPages ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
    lock.unlock();
    run(mode);
    lock.lock();
  }
}

}  // namespace fealty::sql::sqlite
