#include "access/rate_limiter.h"

#include "access/key_usage_store.h"
#include "base/log.h"

namespace fealty::access {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
// Windows that are over stay for nodes whose clock is late.
constexpr std::int64_t kKeptMs = 5 * kMinuteMs;

}  // namespace

RateLimiter::RateLimiter(sql::Database& database, RateLimiterSettings settings) : database_(database), settings_(std::move(settings)) {}

std::int64_t RateLimiter::share_of(std::int64_t left) const {
  if (left <= 0) return 0;
  return settings_.shared ? left / std::max(settings_.nodes(), 1) : left;
}

void RateLimiter::begin_window(Count& count, TimeMs window) {
  count.window = window;
  count.known = count.pending = count.moving = 0;
  count.share = share_of(settings_.per_minute);
}

std::int64_t RateLimiter::move_out(Count& count) {
  count.moving += count.pending;
  return std::exchange(count.pending, 0);
}

void RateLimiter::give_back(Count& count, std::int64_t moved) {
  count.moving -= moved;
  count.pending += moved;
}

// `total` holds what was moved. What was admitted here and is in no total that this node has seen is part of the new share.
void RateLimiter::learn(Count& count, std::int64_t moved, std::int64_t total) {
  count.moving -= moved;
  count.known = std::max(count.known, total);
  count.share = std::max<std::int64_t>(0, share_of(settings_.per_minute - count.known) - count.pending - count.moving);
}

std::optional<RateLimiter::Verdict> RateLimiter::take(api::Principal const& who) {
  if (!who.key) return std::nullopt;
  TimeMs const now = settings_.clock(), window = now - now % kWindowMs;
  Name const name{who.community, who.key};
  std::unique_lock lock(mutex_);
  auto& count = counts_[name];
  count.used_at = now;
  std::int64_t const limit = settings_.per_minute;
  if (limit == 0) return Verdict{};
  // What is pending of a window that is over can change nothing any more.
  if (count.window != window) begin_window(count, window);
  bool admitted = false;
  if (count.share > 0) {
    --count.share;
    ++count.pending;
    admitted = true;
  } else if (settings_.shared && count.known + count.pending + count.moving < limit) {
    admitted = take_in_storage(lock, name, window);
  }
  auto const& after = counts_[name];
  std::int64_t const used = after.window == window ? after.known + after.pending + after.moving : limit;
  return Verdict{
      .admitted = admitted, .limit = limit, .remaining = std::max<std::int64_t>(0, limit - used), .reset_at = window + kWindowMs};
}

bool RateLimiter::take_in_storage(std::unique_lock<std::mutex>& lock, Name const& name, TimeMs window) {
  KeyUsage const mine{name.community, name.key, window, move_out(counts_[name])};
  lock.unlock();
  std::vector<KeyUsage> all;
  bool admitted = false;
  try {
    database_.write([&](sql::Tx& tx) {
      all = {mine};
      add_usage(tx, all);
      admitted = add_one_below(tx, all.front(), settings_.per_minute);
    });
  } catch (...) {
    lock.lock();
    if (auto& count = counts_[name]; count.window == window) give_back(count, mine.requests);
    throw;
  }
  lock.lock();
  if (auto& count = counts_[name]; count.window == window) learn(count, mine.requests, all.front().requests + (admitted ? 1 : 0));
  return admitted;
}

void RateLimiter::look() {
  // One at a time: what one has taken out to write must not be missing in another's sum.
  std::lock_guard one(look_mutex_);
  TimeMs const now = settings_.clock();
  std::vector<KeyUsage> usage;
  std::vector<KeyUse> uses;
  {
    std::lock_guard lock(mutex_);
    for (auto at = counts_.begin(); at != counts_.end();) {
      auto& [name, count] = *at;
      TimeMs const minute = count.used_at - count.used_at % kMinuteMs;
      bool const written = minute <= count.used_written;
      if (count.used_at + kKeptMs < now && written) {
        at = counts_.erase(at);
        continue;
      }
      if (settings_.shared && settings_.per_minute > 0 && count.pending > 0)
        usage.push_back({name.community, name.key, count.window, move_out(count)});
      if (!written) uses.push_back({name.community, name.key, minute});
      ++at;
    }
  }
  bool const remove = now - removed_at_ >= kMinuteMs && settings_.shared;
  if (usage.empty() && uses.empty() && !remove) return;
  std::vector<KeyUsage> totals;
  try {
    database_.write([&](sql::Tx& tx) {
      totals = usage;
      add_usage(tx, totals);
      write_last_uses(tx, uses);
      if (remove) remove_usage(tx, now - kKeptMs);
    });
  } catch (...) {
    std::lock_guard lock(mutex_);
    for (auto const& u : usage)
      if (auto& count = counts_[{u.community, u.key}]; count.window == u.window) give_back(count, u.requests);
    throw;
  }
  if (remove) removed_at_ = now;
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < usage.size(); ++i)
    if (auto& count = counts_[{usage[i].community, usage[i].key}]; count.window == usage[i].window)
      learn(count, usage[i].requests, totals[i].requests);
  for (auto const& u : uses)
    if (auto& count = counts_[{u.community, u.key}]; count.used_written < u.at) count.used_written = u.at;
}

void RateLimiter::start() {
  background_.start([this] { run(); });
}

void RateLimiter::run() {
  bool failing = false;
  for (bool last = false; !last;) {
    last = !background_.wait(kLookEveryMs);
    try {
      look();
      failing = false;
    } catch (std::exception const& e) {
      // What was counted is kept, and added up when storage is there again.
      if (!std::exchange(failing, true)) log::warning("rate_limits.not_added_up", {{"reason", e.what()}});
    }
  }
}

}  // namespace fealty::access
