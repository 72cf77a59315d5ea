// Personal data of deleted members goes when the time for a restoration is over. The membership's row, its balances and its
// ledger entries stay: sums stay right, and the person's number says nothing to anybody.
#pragma once
#include "base/background.h"
#include "base/number_source.h"
#include "members/avatar_files.h"
#include "sql/sql.h"

namespace fealty::members {

class Erasure {
 public:
  Erasure(sql::Database& database, NumberSource& numbers, AvatarFiles& avatars, Clock clock)
      : database_(database), numbers_(numbers), avatars_(avatars), clock_(std::move(clock)) {}

  // Rounds on a thread of its own, each some minutes after the one before; any number of nodes may do so.
  void start();
  // Stops after the transaction that runs.
  void stop() { background_.stop(); }
  // One round on the caller's thread: one transaction a member, so that it may stop anywhere. How many were erased.
  std::int64_t erase_due();

 private:
  sql::Database& database_;
  NumberSource& numbers_;
  AvatarFiles& avatars_;
  Clock clock_;
  Background background_;  // the last: it stops before the rest goes
};

}  // namespace fealty::members
