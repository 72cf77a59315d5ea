#include "members/history_spans.h"

#include <gmock/gmock.h>

#include <random>

#include "base/id.h"

namespace fealty::members {
namespace {

using testing::ElementsAre;

std::vector<HistorySpan> spans_of(std::vector<std::int64_t> const& numbers) {
  SpansOf<FieldNo> spans(1);
  for (auto const n : numbers) spans.add(0, {1}, n);
  std::vector<HistorySpan> out;
  for (auto const& s : spans.take()) out.push_back(s.span);
  return out;
}

std::int64_t nth(std::int64_t k) { return NumberSource::at(NumberSource::first_at(1'775'552'400'000), k); }

TEST(HistorySpans, HoldNeighboursOfOneWriteTogether) {
  EXPECT_THAT(spans_of({nth(0), nth(7), nth(14)}), ElementsAre(HistorySpan{nth(0), nth(14), 3}));
}

TEST(HistorySpans, BeginAnewBehindAGapAndBeforeTheyAreTooWide) {
  EXPECT_THAT(spans_of({nth(0), nth(kSpanGapMax), nth(2 * kSpanGapMax + 1)}),
              ElementsAre(HistorySpan{nth(0), nth(kSpanGapMax), 2}, HistorySpan{nth(2 * kSpanGapMax + 1), nth(2 * kSpanGapMax + 1), 1}));
  std::vector<std::int64_t> numbers;
  for (std::int64_t k = 0; k <= kSpanDrawsMax; k += 500) numbers.push_back(nth(k));
  numbers.push_back(nth(kSpanDrawsMax));
  auto const spans = spans_of(numbers);
  EXPECT_EQ(spans.size(), 2u);
  for (auto const& s : spans) EXPECT_LT(s.last - s.first, kSpanNumbersMax);
}

TEST(HistorySpans, CoverEveryNumberOnce) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::int64_t> numbers;
    std::int64_t place = 0;
    std::int64_t const per_row = 1 + static_cast<std::int64_t>(random() % 250);
    for (int row = 0; row < 400; ++row, place += per_row * (1 + static_cast<std::int64_t>(random() % 5))) {
      std::vector<std::int64_t> slots;
      for (std::int64_t s = 0; s < per_row; ++s)
        if (random() % 3 == 0) slots.push_back(nth(place + s));
      numbers.insert(numbers.end(), slots.begin(), slots.end());
    }
    auto const spans = spans_of(numbers);
    std::int64_t items = 0, last = 0;
    for (auto const& s : spans) {
      EXPECT_GT(s.first, last);
      EXPECT_EQ(s.items, std::count_if(numbers.begin(), numbers.end(), [&](std::int64_t n) { return n >= s.first && n <= s.last; }));
      EXPECT_LT(s.last - s.first, kSpanNumbersMax);
      items += s.items;
      last = s.last;
    }
    EXPECT_EQ(items, static_cast<std::int64_t>(numbers.size()));
  }
}

TEST(NumberSource, DrawsAboveWhatAnotherNodeHasDrawn) {
  NumberSource behind(3, [] { return TimeMs{1'775'552'400'000}; }), ahead(9, [] { return TimeMs{1'775'552'460'000}; });
  auto const theirs = ahead.next_block(20'000);
  auto const their_last = NumberSource::at(theirs, 19'999);
  auto const ours = behind.next_block(10, their_last);
  EXPECT_GT(ours, their_last);
  EXPECT_GT(behind.next(), NumberSource::at(ours, 9));
  // What lies below changes nothing.
  auto const before = behind.next();
  EXPECT_EQ(NumberSource::index_of(before, behind.next_block(1, their_last)), 1);
}

}  // namespace
}  // namespace fealty::members
