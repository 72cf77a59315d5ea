#include "base/number_source.h"

#include <algorithm>

namespace fealty {

std::int64_t NumberSource::next_block(std::int64_t count, std::int64_t above) {
  auto const number_of = [this](std::int64_t draw) {
    std::int64_t const time = draw >> kCounterBits, counter = draw & ((1 << kCounterBits) - 1);
    return time << (kNodeBits + kCounterBits) | static_cast<std::int64_t>(node()) << kCounterBits | counter;
  };
  std::int64_t const now = (clock_() - kEpochMs) << kCounterBits;
  std::int64_t last = last_.load(std::memory_order_relaxed), first = 0;
  do {
    first = std::max(last + 1, now);
    if (number_of(first) <= above) first = ((above >> (kNodeBits + kCounterBits)) + 1) << kCounterBits;
  } while (!last_.compare_exchange_weak(last, first + count - 1, std::memory_order_relaxed));
  return number_of(first);
}

std::int64_t NumberSource::at(std::int64_t first, std::int64_t k) {
  constexpr std::int64_t kCounterMask = (1 << kCounterBits) - 1, kNodeMask = ((1ll << kNodeBits) - 1) << kCounterBits;
  std::int64_t const node_bits = first & kNodeMask;
  std::int64_t const draw = (first >> (kNodeBits + kCounterBits) << kCounterBits | (first & kCounterMask)) + k;
  return draw >> kCounterBits << (kNodeBits + kCounterBits) | node_bits | (draw & kCounterMask);
}

std::int64_t NumberSource::index_of(std::int64_t first, std::int64_t number) {
  auto draw = [](std::int64_t n) { return n >> (kNodeBits + kCounterBits) << kCounterBits | (n & ((1 << kCounterBits) - 1)); };
  return draw(number) - draw(first);
}

}  // namespace fealty
