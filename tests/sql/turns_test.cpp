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
  void chunk(Clock::duration spent, bool small_waited) {
    turns_.alone_begins(false);
    if (small_waited) turns_.small_came();
    turns_.alone_ended(spent, kStart);
  }
  Next next(bool small, bool alone, Clock::duration later = 0ms, bool lingered = false) {
    return turns_.choose(small, alone, lingered, kStart + later).next;
  }
  Turns turns_;
};

TEST_F(TurnsTest, WhoComesAloneGoesAtOnce) {
  EXPECT_EQ(next(false, false), Next::nothing);
  EXPECT_EQ(next(true, false), Next::small);
  EXPECT_EQ(next(false, true), Next::alone);
  EXPECT_EQ(next(true, true), Next::alone) << "before the first chunk nobody is owed anything";
}

TEST_F(TurnsTest, BehindAChunkTheOthersHaveHalfAsLongAgainAsItTook) {
  chunk(100ms, true);
  EXPECT_EQ(next(true, true), Next::small);
  EXPECT_EQ(next(true, true, 149ms), Next::small);
  EXPECT_EQ(next(true, true, 150ms), Next::alone) << "a busy server does not starve its jobs";
  chunk(10s, true);
  EXPECT_EQ(next(true, true, 499ms), Next::small);
  EXPECT_EQ(next(true, true, 500ms), Next::alone) << "nor after a chunk that took far too long";
}

TEST_F(TurnsTest, AChunkWaitsAMomentForThoseWhoWereJustAnswered) {
  chunk(60ms, true);
  auto const choice = turns_.choose(false, true, false, kStart);
  EXPECT_EQ(choice.next, Next::wait);
  EXPECT_EQ(choice.until, kStart + 3ms);
  EXPECT_EQ(next(false, true, 3ms, true), Next::alone) << "nobody came";
  EXPECT_EQ(next(true, true, 3ms, true), Next::small) << "somebody came";
  EXPECT_EQ(turns_.choose(false, true, false, kStart + 89ms).until, kStart + 90ms) << "not beyond the turn";
  EXPECT_EQ(next(false, true, 90ms), Next::alone);
  chunk(1s, true);
  EXPECT_EQ(turns_.choose(false, true, false, kStart).until, kStart + 5ms);
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
