// What becomes of histories and deleted fields in the course of time: items older than a community keeps them, fields that were
// deleted long enough ago, what is left of people whose membership was taken back; and the totals of lists.
#pragma once
#include <functional>

#include "base/background.h"
#include "base/number_source.h"
#include "members/fields.h"
#include "sql/sql.h"

namespace fealty::members {

inline constexpr std::int64_t kHistoryRetentionDaysMin = 7, kHistoryRetentionDaysMax = 3'650, kHistoryRetentionDaysDefault = 365;
// A deleted field can be restored for so long.
inline constexpr TimeMs kFieldRestoreMs = 30ll * 86'400'000;

// The last time before `now` that a community's histories are cut at: two o'clock by its own clocks.
TimeMs last_night(std::string const& time_zone, TimeMs now);

class HistoryUpkeep {
 public:
  HistoryUpkeep(sql::Database& database, NumberSource& numbers, Clock clock)
      : database_(database), numbers_(numbers), clock_(std::move(clock)) {}

  // Rounds on a thread of its own, the first at once; any number of nodes may do so.
  void start();
  // Stops after the transaction that runs.
  void stop() { background_.stop(); }

  // Each of these is one round on the caller's thread, in transactions of a bounded number of items with a rest behind each. It
  // may be stopped, or killed, anywhere: the next round goes on. False when it was stopped.
  bool run();

  // Removes items of each community whose night has come: those that are older than it keeps them, from the beginnings of their
  // chains; never the newest one of a value, and none of a job whose results are kept.
  bool cut_histories();
  // Values, items and definitions of fields whose time for a restoration is over.
  bool purge_fields();
  // Items and values of people whose membership was taken back, when the results of their jobs are not kept any more.
  bool remove_leftovers();
  // Adds what was written to the totals.
  bool count_totals();

 private:
  bool cut_community(CommunityNo community, std::int64_t below);
  bool purge_field(CommunityNo community, FieldNo field, TimeMs created_at);
  bool rest(std::int64_t began_ms) { return background_.rest_after(began_ms); }

  sql::Database& database_;
  NumberSource& numbers_;
  Clock clock_;
  TimeMs next_leftovers_at_ = 0;  // they wait for weeks: run() looks once a day
  Background background_;         // the last: it stops before the rest goes
};

}  // namespace fealty::members
