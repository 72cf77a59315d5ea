// Time-ordered 63-bit numbers for the records that are written by the million (ledger entries, histories, sources, jobs):
// 41 bits of milliseconds since 2025-01-01 UTC, 8 bits of node, 14 bits of counter. The scheme is Twitter's Snowflake with
// other widths. Nodes draw different node numbers (jobs room: node lease), so no number is drawn twice, and nothing in
// the database is locked to draw one.
#pragma once
#include <atomic>
#include <cstdint>
#include "base/time.h"

namespace fealty {

class NumberSource {
 public:
  static constexpr int kNodeBits = 8, kCounterBits = 14;
  static constexpr TimeMs kEpochMs = 1'735'689'600'000;  // 2025-01-01T00:00:00Z

  explicit NumberSource(int node, Clock clock = system_now) : clock_(std::move(clock)), node_(node) {}
  // A fresh number. When more than 16,384 are drawn in one millisecond, or the clock steps back, it runs ahead of the
  // clock rather than wait or repeat. Any thread.
  std::int64_t next() { return next_block(1); }
  // First of `count` consecutive draws; number k of the block is `at(first, k)`. All of them are above `above`, which another
  // node may have drawn by a clock that is ahead of this one's.
  std::int64_t next_block(std::int64_t count, std::int64_t above = 0);
  static std::int64_t at(std::int64_t first, std::int64_t k);
  // Which draw of the block that begins with `first` this number is: at(first, index_of(first, n)) == n.
  static std::int64_t index_of(std::int64_t first, std::int64_t number);
  static TimeMs time_of(std::int64_t number) { return (number >> (kNodeBits + kCounterBits)) + kEpochMs; }
  // The lowest number that could be drawn at that time: 0 before their time, and the highest there is behind its end in 2094.
  static std::int64_t first_at(TimeMs time) {
    constexpr int kBits = kNodeBits + kCounterBits;
    if (time <= kEpochMs) return 0;
    return time - kEpochMs > (INT64_MAX >> kBits) ? INT64_MAX : (time - kEpochMs) << kBits;
  }
  int node() const { return node_.load(std::memory_order_relaxed); }
  void set_node(int node) { node_.store(node, std::memory_order_relaxed); }

 private:
  Clock clock_;
  std::atomic<int> node_;
  std::atomic<std::int64_t> last_{0};  // milliseconds << counter bits | counter
};

}  // namespace fealty
