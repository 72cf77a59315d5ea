#include "sql/sqlite/turns.h"

#include <gtest/gtest.h>

namespace fealty::sql::sqlite {
namespace {

using namespace std::chrono_literals;
using Next = Turns::Next;
using Clock = Turns::Clock;

constexpr Clock::time_point kStart = Clock::time_point() + 1h;

class TurnsTest : public ::testing::Test {
 protected:
  // A chunk of `spent` that ended at kStart.
  void chunk(Clock::duration spent, bool small_came) {
    turns_.alone_begins(false);
    if (small_came) turns_.small_came();
    turns_.alone_ended(spent, kStart);
  }
  Next next(bool small, bool alone, Clock::duration later = 0ms) { return turns_.choose(small, alone, kStart + later).next; }
  // How long a chunk waits for a small write that is not there.
  Clock::duration patience(Clock::duration later = 0ms) {
    auto const choice = turns_.choose(false, true, kStart + later);
    return choice.next == Next::wait ? choice.until - (kStart + later) : Clock::duration(0);
  }
  Turns turns_;
};

TEST_F(TurnsTest, WhoComesAloneGoesAtOnce) {
  EXPECT_EQ(next(false, false), Next::nothing);
  EXPECT_EQ(next(true, false), Next::small);
  EXPECT_EQ(next(false, true), Next::alone);
  turns_.small_came();
  EXPECT_EQ(next(true, true), Next::alone) << "before the first chunk nobody is owed anything";
}

TEST_F(TurnsTest, BehindAChunkTheOthersHaveTwiceAsLongAsItTook) {
  chunk(100ms, true);
  EXPECT_EQ(next(true, true), Next::small);
  EXPECT_EQ(next(true, true, 199ms), Next::small);
  EXPECT_EQ(next(true, true, 200ms), Next::alone) << "a busy server does not starve its jobs";
  chunk(10s, true);
  EXPECT_EQ(next(true, true, 499ms), Next::small);
  EXPECT_EQ(next(true, true, 500ms), Next::alone) << "nor after a chunk that took far too long";
}

TEST_F(TurnsTest, AChunkWaitsForThoseWhoWereJustAnsweredByWhatTheyUsed) {
  chunk(60ms, true);
  EXPECT_EQ(patience(), 6ms);
  EXPECT_EQ(patience(6ms), 0ms);
  EXPECT_EQ(next(false, true, 6ms), Next::alone) << "nobody came";
  EXPECT_EQ(next(true, true, 6ms), Next::small) << "somebody came";
  turns_.small_ended(20ms);
  EXPECT_EQ(patience(20ms), 26ms) << "a busy server";
  EXPECT_EQ(patience(25ms), 21ms) << "in all, not each time";
  turns_.small_ended(60ms);
  EXPECT_EQ(patience(119ms), 1ms) << "not beyond the turn";
  EXPECT_EQ(next(false, true, 120ms), Next::alone);
  chunk(60ms, true);
  EXPECT_EQ(patience(), 6ms) << "each turn begins anew";
  chunk(1s, true);
  EXPECT_EQ(patience(), 10ms);
}

TEST_F(TurnsTest, AJobWithoutOthersLosesNothing) {
  chunk(100ms, false);
  EXPECT_EQ(next(false, true), Next::alone);
  // One who waited when the chunk began was answered after it, and may come again.
  turns_.alone_begins(true);
  turns_.alone_ended(100ms, kStart);
  EXPECT_EQ(next(false, true), Next::wait);
}

}  // namespace
}  // namespace fealty::sql::sqlite
