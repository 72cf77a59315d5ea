// Moves the write-ahead log into the database file, on a thread and connection of its own: a checkpoint costs two syncs and
// would stall the writer for 25 to 40 ms.
#pragma once
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "sql/sqlite/connection.h"

namespace fealty::sql::sqlite {

class Checkpointer {
 public:
  explicit Checkpointer(std::string const& path);
  ~Checkpointer();
  // The log's length in pages after a commit. Any thread; cheap.
  void log_is(int pages);
  // Empties the log if no reader holds it.
  void truncate();

 private:
  void loop();
  void run(int mode);

  std::mutex connection_mutex_;
  Connection connection_;
  std::mutex mutex_;
  std::condition_variable wake_;
  int pages_ = 0;      // length of the log
  int mark_;           // length at which the next checkpoint is due
  bool grew_ = false;  // since the last wait
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace fealty::sql::sqlite
