// Personal data of deleted members goes when the time for a restoration is over. The membership's row, its balances and its
// ledger entries stay: sums stay right, and the person's number says nothing to anybody.
#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/number_source.h"
#include "sql/sql.h"

namespace fealty::members {

class Erasure {
 public:
  Erasure(sql::Database& database, NumberSource& numbers, Clock clock) : database_(database), numbers_(numbers), clock_(std::move(clock)) {}
  // Stops.
  ~Erasure() { stop(); }
  Erasure(Erasure const&) = delete;
  Erasure& operator=(Erasure const&) = delete;

  // Rounds on a thread of its own, each some minutes after the one before; any number of nodes may do so.
  void start();
  // Stops after the transaction that runs.
  void stop();
  // One round on the caller's thread: one transaction a member, so that it may stop anywhere. How many were erased.
  std::int64_t erase_due();

 private:
  // False when the thread was told to stop.
  bool wait(std::int64_t time_ms);

  sql::Database& database_;
  NumberSource& numbers_;
  Clock clock_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fealty::members
