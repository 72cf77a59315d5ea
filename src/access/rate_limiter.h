// How many requests a key may make in a minute, counted by all nodes together; and when a key was used last.
//
// A request is counted in memory. Four times a second each node adds what it counted to storage, in one batch, and reads back
// what all have counted. Between two such looks a node takes at most its share of what was left at the last one. So with N nodes
// a window never admits more than twice the limit: the sum in storage was below the limit when the last share was given, and
// what no node has added by then is at most N shares of limit / N. Where a share would be less than one request, the request is
// counted in storage at once.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "api/context.h"
#include "base/background.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::access {

struct RateLimiterSettings {
  std::int64_t per_minute = 600;  // 0: no limit
  // Others count too. Without it nothing is added up in storage; only the last uses of keys are kept there.
  bool shared = true;
  // How many programs share the storage now.
  std::function<int()> nodes = [] { return 1; };
  Clock clock = system_now;
};

class RateLimiter {
 public:
  static constexpr std::int64_t kWindowMs = 60'000, kLookEveryMs = 250;

  RateLimiter(sql::Database& database, RateLimiterSettings settings);
  // The looks, on a thread of their own.
  void start();
  // Adds up what is left, and ends the thread.
  void stop() { background_.stop(); }

  struct Verdict {
    bool admitted = true;
    std::int64_t limit = 0, remaining = 0;  // limit 0: no limit, and no headers
    TimeMs reset_at = 0;                    // end of the window
  };
  // Counts one request of a key; nothing for those who are no key. Any thread; reads storage only at the end of a window's
  // share.
  std::optional<Verdict> take(api::Principal const& who);
  // One look, on the caller's thread: counts and last uses are written, old windows removed.
  void look();

 private:
  struct Name {
    CommunityNo community;
    KeyNo key;
    auto operator<=>(Name const&) const = default;
  };
  struct Count {
    TimeMs window = 0;
    std::int64_t known = 0;    // of all nodes, at the last look
    std::int64_t pending = 0;  // admitted here and not added up yet
    std::int64_t moving = 0;   // the same, on its way to storage
    std::int64_t share = 0;    // what may still be admitted here before the next look
    TimeMs used_at = 0, used_written = 0;
  };
  std::int64_t share_of(std::int64_t left) const;
  void begin_window(Count& count, TimeMs window);
  static std::int64_t move_out(Count& count);
  static void give_back(Count& count, std::int64_t moved);
  void learn(Count& count, std::int64_t moved, std::int64_t total);
  bool take_in_storage(std::unique_lock<std::mutex>& lock, Name const& name, TimeMs window);
  void run();

  sql::Database& database_;
  RateLimiterSettings const settings_;
  std::mutex mutex_;
  std::map<Name, Count> counts_;
  std::mutex look_mutex_;
  TimeMs removed_at_ = 0;
  Background background_;  // the last: it stops before the rest goes
};

}  // namespace fealty::access
