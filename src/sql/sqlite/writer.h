// The one writer: a thread that takes all waiting writes and commits them as one group, so that hundreds of callers share
// one sync of the disk. A caller gets its answer only after the commit of its group.
#pragma once
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "sql/sqlite/checkpointer.h"
#include "sql/sqlite/connection.h"
#include "sql/sqlite/turns.h"

namespace fealty::sql::sqlite {

class Writer {
 public:
  Writer(std::unique_ptr<Connection> connection, Checkpointer& checkpointer);
  // Finishes what waits.
  ~Writer();
  void run(std::function<bool(Tx&)> const& fn, bool alone);

 private:
  // Lives on the stack of its caller, who waits in run().
  struct Task {
    std::function<bool(Tx&)> const& fn;
    std::exception_ptr error = {};
    bool done = false;
    std::condition_variable finished = {};
  };
  enum class Outcome : std::uint8_t { kept, undone, transaction_lost };
  using TimePoint = std::chrono::steady_clock::time_point;

  void loop();
  Turns::Next wait_for_work(std::unique_lock<std::mutex>& lock);
  void run_group(std::vector<Task*>& group, bool alone);
  Task* next(std::vector<Task*> const& group, TimePoint begun, bool alone);
  Outcome attempt(Task& task, bool others_before);
  void take_all(std::vector<Task*>& group);
  static int on_commit(void* self, sqlite3* db, char const* name, int pages);

  std::unique_ptr<Connection> connection_;
  Checkpointer& checkpointer_;
  int log_pages_ = 0;  // written by the commit hook, on the writer's thread
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task*> small_, alone_;
  bool stop_ = false;
  Turns turns_;
  std::thread thread_;
};

}  // namespace fealty::sql::sqlite
