#include "sql/sqlite/writer.h"

namespace fealty::sql::sqlite {
namespace {

using Control = Connection::Control;
using Kind = StorageError::Kind;

// Bounds of one group: nobody's answer waits longer than this for the work of others, whatever arrives meanwhile.
constexpr std::size_t kGroupMax = 512;
constexpr auto kGroupTime = std::chrono::milliseconds(20);

// COMMIT that failed on the disk: this process has given the transaction up, but if it died at this moment, the log on the
// disk might hold the transaction whole.
Kind commit_kind(Kind kind) { return kind == Kind::unavailable ? Kind::commit_unknown : kind; }

// An exception of its own for each: they are handled on different threads.
template <class Tasks>
void fail_all(Tasks const& tasks, Kind kind, std::string const& what) {
  for (auto* task : tasks) task->error = std::make_exception_ptr(StorageError(kind, what));
}

}  // namespace

Writer::Writer(std::unique_ptr<Connection> connection, Checkpointer& checkpointer)
    : connection_(std::move(connection)), checkpointer_(checkpointer) {
  sqlite3_wal_hook(connection_->handle(), on_commit, this);
  thread_ = std::thread([this] { loop(); });
}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

int Writer::on_commit(void* self, sqlite3*, char const*, int pages) {
  static_cast<Writer*>(self)->log_pages_ = pages;
  return SQLITE_OK;
}

void Writer::run(std::function<bool(Tx&)> const& fn, bool alone) {
  if (std::this_thread::get_id() == thread_.get_id()) {
    throw StorageError(Kind::broken, "a write inside a write would wait for itself");
  }
  Task task{.fn = fn};
  {
    std::unique_lock lock(mutex_);
    (alone ? alone_ : small_).push_back(&task);
    if (!alone) turns_.small_came();
    wake_.notify_one();
    task.finished.wait(lock, [&] { return task.done; });
  }
  if (task.error) std::rethrow_exception(task.error);
}

// Nothing: the end.
Turns::Next Writer::wait_for_work(std::unique_lock<std::mutex>& lock) {
  for (bool lingered = false;;) {
    wake_.wait(lock, [&] { return stop_ || !small_.empty() || !alone_.empty(); });
    auto const choice = turns_.choose(!small_.empty(), !alone_.empty(), lingered || stop_, std::chrono::steady_clock::now());
    if (choice.next != Turns::Next::wait) return choice.next;
    lingered = !wake_.wait_until(lock, choice.until, [&] { return stop_ || !small_.empty(); });
  }
}

void Writer::loop() {
  std::vector<Task*> group;
  for (;;) {
    bool alone = false;
    {
      std::unique_lock lock(mutex_);
      auto const next = wait_for_work(lock);
      if (next == Turns::Next::nothing) return;
      alone = next == Turns::Next::alone;
      if (alone) turns_.alone_begins(!small_.empty());
    }
    auto const begun = std::chrono::steady_clock::now();
    run_group(group, alone);
    auto const ended = std::chrono::steady_clock::now();
    {
      // Under the lock: a task is gone as soon as its caller sees `done`.
      std::lock_guard lock(mutex_);
      if (alone) turns_.alone_ended(ended - begun, ended);
      for (auto* task : group) {
        task->done = true;
        task->finished.notify_one();
      }
    }
    group.clear();
    checkpointer_.log_is(log_pages_);
  }
}

Writer::Task* Writer::next(std::vector<Task*> const& group, TimePoint begun, bool alone) {
  if (alone && !group.empty()) return nullptr;
  if (group.size() >= kGroupMax || (!group.empty() && std::chrono::steady_clock::now() - begun > kGroupTime)) return nullptr;
  std::lock_guard lock(mutex_);
  auto& queue = alone ? alone_ : small_;
  if (queue.empty()) return nullptr;
  auto* const task = queue.front();
  queue.pop_front();
  return task;
}

void Writer::take_all(std::vector<Task*>& group) {
  std::lock_guard lock(mutex_);
  for (auto* queue : {&small_, &alone_}) {
    group.insert(group.end(), queue->begin(), queue->end());
    queue->clear();
  }
}

void Writer::run_group(std::vector<Task*>& group, bool alone) {
  auto const begun = std::chrono::steady_clock::now();
  std::vector<Task*> kept;  // succeeded in the open transaction
  while (auto* const task = next(group, begun, alone)) {
    group.push_back(task);
    if (!connection_->in_transaction()) {
      try {
        connection_->control(Control::begin_immediate);
      } catch (StorageError const& e) {
        // Another process held the write lock for the whole busy timeout, or the disk fails. Those who waited as long get the
        // same answer now instead of a wait each. `kept` is empty: a transaction with kept tasks is still open.
        auto const first = group.size() - 1;
        take_all(group);
        fail_all(std::span(group).subspan(first), e.kind(), e.what());
        return;
      }
    }
    auto const outcome = attempt(*task, !kept.empty());
    if (outcome == Outcome::kept) kept.push_back(task);
    if (outcome == Outcome::transaction_lost) {
      fail_all(kept, Kind::unavailable, "the storage engine gave up a group of writes because one of them failed badly");
      kept.clear();
    }
  }
  if (kept.empty()) {
    connection_->rollback_quietly();
    return;
  }
  try {
    connection_->control(Control::commit);
  } catch (StorageError const& e) {
    fail_all(kept, commit_kind(e.kind()), e.what());
    connection_->rollback_quietly();
  }
}

// The first task that changes something in a transaction needs no savepoint: undoing it is undoing the transaction.
Writer::Outcome Writer::attempt(Task& task, bool others_before) {
  try {
    if (others_before) connection_->control(Control::savepoint);
  } catch (...) {
    task.error = std::current_exception();
    connection_->rollback_quietly();
    return Outcome::transaction_lost;
  }
  bool keep = false;
  try {
    SqliteTx tx(*connection_);
    keep = task.fn(tx);
    if (keep) {
      tx.check_usable();
      if (connection_->has_open_foreign_keys()) {
        // Otherwise the group's COMMIT would fail for everybody.
        throw StorageError(Kind::constraint, "FOREIGN KEY constraint failed at the end of a transaction");
      }
      if (others_before) connection_->control(Control::release);
      return Outcome::kept;
    }
  } catch (...) {
    task.error = std::current_exception();
  }
  // Some failures (disk full, disk error) make SQLite roll back the whole transaction by itself.
  if (!connection_->in_transaction()) return others_before ? Outcome::transaction_lost : Outcome::undone;
  try {
    if (others_before) {
      connection_->control(Control::rollback_to);
      connection_->control(Control::release);
    } else {
      connection_->control(Control::rollback);
    }
    return Outcome::undone;
  } catch (StorageError const&) {
    connection_->rollback_quietly();
    return others_before ? Outcome::transaction_lost : Outcome::undone;
  }
}

}  // namespace fealty::sql::sqlite
