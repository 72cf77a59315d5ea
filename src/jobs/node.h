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
// A program that has its database to itself has nobody to tell that it lives: while it idles, it writes nothing.
inline constexpr int kLoneLeaseMs = 86'400'000;

// Whether other programs may do the same work on the same database, as servers on PostgreSQL do. Who is alone holds the data
// folder's lock, so that a long lease is a former server's, which is gone.
enum class Peers : std::uint8_t { possible, none };

class Node {
 public:
  // Takes the lowest free number and tells it to `numbers`. Throws when all 256 are taken.
  Node(sql::Database& database, NumberSource& numbers, Peers peers = Peers::possible);
  // Gives the number back.
  ~Node();
  Node(Node const&) = delete;
  Node& operator=(Node const&) = delete;

  int number() const { return number_; }
  // How many programs hold a number, this one among them, at the last heartbeat. Any thread.
  int living() const { return living_; }
  // Extends the lease (where it is long, when a quarter of it is over); false when it was lost (the program was stopped for longer than the
  // lease): then a new number was taken, and what was leased under the old one is not ours any more.
  bool heartbeat();

 private:
  void take();
  void end_silent_nodes();
  void extended();
  sql::Database& database_;
  NumberSource& numbers_;
  std::string holder_;
  int lease_ms_;
  std::int64_t extend_at_ms_ = 0;  // by the steady clock; of a short lease, at every heartbeat
  int number_ = 0;
  std::atomic<int> living_ = 1;
};

}  // namespace fealty::jobs
