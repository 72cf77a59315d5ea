// A bounded set of connections.
#pragma once
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "sql/postgres/connection.h"

namespace fealty::sql::postgres {

class Pool {
 public:
  explicit Pool(Settings const& settings) : settings_(settings) {}

  enum class Want : std::uint8_t { any, fresh };
  // Throws StorageError (unavailable) when no connection comes free in time or a new one cannot be made. `fresh` closes the
  // idle ones first: they go to a server that has gone away.
  std::unique_ptr<Connection> take(Want want = Want::any);
  // Back to the pool, or closed when it cannot be used again.
  void give_back(std::unique_ptr<Connection> connection);
  // Closes what has been idle for a while.
  void close_idle();

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    std::chrono::steady_clock::time_point since;
  };
  Settings settings_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Idle> idle_;
  int open_ = 0;  // idle, on loan and in the making
};

}  // namespace fealty::sql::postgres
