// Spans: where the items of one field, of one member or of a whole community lie among the numbers of all items. A write of
// many items (a chunk of a job) adds few spans; a single change is a span of its own. So lists need no index with an entry for
// each item.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/number_source.h"

namespace fealty::members {

// Both ends are numbers of items; others' items may lie between them.
struct HistorySpan {
  std::int64_t first = 0, last = 0, items = 0;
  bool operator==(HistorySpan const&) const = default;
};

// In draws. Items farther apart begin a span of their own, so that who reads a span passes over few others' items; 512 is more
// than one row of the widest file takes.
inline constexpr std::int64_t kSpanGapMax = 512;
// In draws. Bounds what must be looked at to find the spans that reach over a number.
inline constexpr std::int64_t kSpanDrawsMax = std::int64_t{1} << NumberSource::kCounterBits;
// No span is wider than this in numbers: as many draws as a millisecond has touch two of them.
inline constexpr std::int64_t kSpanNumbersMax = std::int64_t{2} << (NumberSource::kNodeBits + NumberSource::kCounterBits);

// Whether a further item of the same write belongs to this span. Items come in the order of their numbers.
inline bool joins(HistorySpan const& span, std::int64_t number) {
  return NumberSource::index_of(span.last, number) <= kSpanGapMax && NumberSource::index_of(span.first, number) < kSpanDrawsMax;
}
inline void join(HistorySpan& span, std::int64_t number) {
  span.last = number;
  ++span.items;
}

// The spans of many owners, gathered while the items of one write are gone through in their order.
template <class Owner>
class SpansOf {
 public:
  struct Owned {
    Owner owner;
    HistorySpan span;
  };
  // `owners` is how many there are; each is told by its index.
  explicit SpansOf(std::size_t owners) : open_(owners, kNone) {}
  void add(std::size_t index, Owner owner, std::int64_t number) {
    if (open_[index] != kNone && joins(all_[open_[index]].span, number)) {
      join(all_[open_[index]].span, number);
      return;
    }
    open_[index] = all_.size();
    all_.push_back({owner, {number, number, 1}});
  }
  // In the order of the table's key.
  std::vector<Owned> take() {
    auto const less = [](Owned const& a, Owned const& b) { return a.owner != b.owner ? a.owner < b.owner : a.span.last < b.span.last; };
    if (!std::is_sorted(all_.begin(), all_.end(), less)) std::sort(all_.begin(), all_.end(), less);
    return std::move(all_);
  }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> open_;
  std::vector<Owned> all_;
};

}  // namespace fealty::members
