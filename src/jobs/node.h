// A running program's place among its peers: a number that no other living node has. It stands in the leases that the node
// holds and in the numbers that it draws.
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/number_source.h"
#include "sql/sql.h"

namespace fealty::jobs {

inline constexpr int kLeaseMs = 8'000;
inline constexpr int kHeartbeatMs = 2'000;

class Node {
 public:
  // Takes the lowest free number and tells it to `numbers`. Throws when all 256 are taken.
  Node(sql::Database& database, NumberSource& numbers);
  // Gives the number back.
  ~Node();
  Node(Node const&) = delete;
  Node& operator=(Node const&) = delete;

  int number() const { return number_; }
  // How many programs hold a number, this one among them, at the last heartbeat. Any thread.
  int living() const { return living_; }
  // Extends the lease; false when it was lost (the program was stopped for longer than the lease): then a new number was
  // taken, and what was leased under the old one is not ours any more.
  bool heartbeat();

 private:
  void take();
  void end_silent_nodes();
  sql::Database& database_;
  NumberSource& numbers_;
  std::string holder_;
  int number_ = 0;
  std::atomic<int> living_ = 1;
};

}  // namespace fealty::jobs
