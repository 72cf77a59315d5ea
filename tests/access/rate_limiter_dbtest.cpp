#include "access/rate_limiter.h"

#include <latch>
#include <random>
#include <thread>

#include "sql/failing.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::access {
namespace {

using test::kNow;
using test::number;

class RateLimits : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    test::add_community(db(), 1);
    for (int key = 1; key <= 3; ++key)
      test::run(db(),
                "INSERT INTO api_keys (community_id, key_id, kind, name, prefix, secret_hash, permissions, created_at, created_by) "
                "VALUES (1, " +
                    std::to_string(key) + ", 'community', 'k" + std::to_string(key) + "', 'fk_', " +
                    (engine() == sql::Engine::sqlite ? "x'0" : "'\\x0") + std::to_string(key) +
                    (engine() == sql::Engine::sqlite ? "'" : "'::bytea") + ", 1, 1, 'operator')");
  }
  RateLimiterSettings settings(std::int64_t limit, int nodes = 1, bool shared = true) {
    return {.per_minute = limit, .shared = shared, .nodes = [nodes] { return nodes; }, .clock = [this] { return now_.load(); }};
  }
  static api::Principal key(std::int64_t n = 1) {
    api::Principal who;
    who.kind = api::PrincipalKind::community_key;
    who.community = {1};
    who.key = {n};
    return who;
  }
  std::int64_t counted() { return number(db(), "SELECT coalesce(sum(requests), 0) FROM key_usage"); }

  std::atomic<TimeMs> now_ = kNow;
};
FEALTY_ON_BOTH_ENGINES(RateLimits);

TEST_P(RateLimits, OfOneNodeAreExactAndBeginAnewEachMinute) {
  for (bool const shared : {false, true}) {
    now_ = kNow + (shared ? 600'000 : 0);
    RateLimiter limiter(db(), settings(5, 1, shared));
    for (int i = 1; i <= 5; ++i) {
      auto const v = *limiter.take(key());
      EXPECT_TRUE(v.admitted) << i;
      EXPECT_EQ(v.limit, 5);
      EXPECT_EQ(v.remaining, 5 - i);
      EXPECT_EQ(v.reset_at, now_ + 60'000);
      if (i == 3) limiter.look();
    }
    auto const refused = *limiter.take(key());
    EXPECT_FALSE(refused.admitted);
    EXPECT_EQ(refused.remaining, 0);
    EXPECT_TRUE(limiter.take(key(2))->admitted) << "each key has its own";
    limiter.look();
    EXPECT_FALSE(limiter.take(key())->admitted) << "a look gives nothing back";
    now_ += 59'999;
    EXPECT_FALSE(limiter.take(key())->admitted);
    now_ += 1;
    EXPECT_EQ(limiter.take(key())->remaining, 4);
    EXPECT_EQ(limiter.take(key())->reset_at, now_ + 60'000);
  }
}

TEST_P(RateLimits, AreForKeysAloneAndCanBeSwitchedOff) {
  RateLimiter limiter(db(), settings(0));
  EXPECT_FALSE(limiter.take({}));
  for (int i = 0; i < 100; ++i) {
    auto const v = *limiter.take(key());
    EXPECT_TRUE(v.admitted);
    EXPECT_EQ(v.limit, 0);
  }
  limiter.look();
  EXPECT_EQ(counted(), 0);
}

TEST_P(RateLimits, NodesTogetherNeverAdmitMoreThanTwiceTheLimitAndNotLessThanIt) {
  auto const other = database().open_another();
  for (int round = 0; round < 60; ++round) {
    std::mt19937 random(static_cast<unsigned>(round));
    std::int64_t const limit = std::array{1, 2, 3, 7, 50, 600}[static_cast<std::size_t>(round) % 6];
    now_ = kNow + round * 60'000;
    RateLimiter a(db(), settings(limit, 2)), b(*other, settings(limit, 2));
    std::int64_t admitted = 0;
    int const looks_one_in = std::array{3, 30, 1'000'000}[random() % 3];
    int const skew = std::array{2, 10, 1'000}[random() % 3];
    for (int i = 0; i < limit * 4 + 20; ++i) {
      auto& node = random() % static_cast<unsigned>(skew) == 0 ? b : a;
      admitted += node.take(key())->admitted;
      if (random() % static_cast<unsigned>(looks_one_in) == 0) (random() % 2 ? a : b).look();
    }
    EXPECT_LE(admitted, 2 * limit) << "round " << round;
    // Both were asked until each refused: nothing of the limit was lost between them.
    while (a.take(key())->admitted) ++admitted;
    while (b.take(key())->admitted) ++admitted;
    EXPECT_LE(admitted, 2 * limit) << "round " << round;
    EXPECT_GE(admitted, limit) << "round " << round;
    a.look();
    b.look();
    EXPECT_EQ(number(db(), "SELECT coalesce(sum(requests), 0) FROM key_usage WHERE window_start = " + std::to_string(now_ - now_ % 60'000)),
              admitted)
        << "round " << round;
  }
}

TEST_P(RateLimits, HoldWithManyThreadsOnTwoNodesThatLookAllTheTime) {
  auto const other = database().open_another();
  constexpr std::int64_t kLimit = 400;
  RateLimiter a(db(), settings(kLimit, 2)), b(*other, settings(kLimit, 2));
  a.start();
  b.start();
  std::atomic<std::int64_t> admitted = 0;
  std::latch start(8);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < 500; ++i) {
        admitted += (t % 2 ? a : b).take(key())->admitted;
        if (i % 20 == 0) (t % 2 ? a : b).look();
      }
    });
  for (auto& t : threads) t.join();
  a.stop();
  b.stop();
  EXPECT_LE(admitted, 2 * kLimit);
  EXPECT_GE(admitted, kLimit);
  EXPECT_EQ(counted(), admitted);
}

TEST_P(RateLimits, KeepWhatWasCountedWhenStorageFails) {
  sql::FailingDatabase failing(db());
  RateLimiter limiter(failing, settings(100));
  for (int i = 0; i < 10; ++i) limiter.take(key());
  for (int n = 1;; ++n) {
    failing.fail_at(n);
    bool threw = false;
    try {
      limiter.look();
    } catch (sql::StorageError const&) {
      threw = true;
    }
    if (!threw) break;
    EXPECT_EQ(counted(), 0) << "call " << n;
  }
  failing.fail_at(0);
  EXPECT_EQ(counted(), 10);
  limiter.look();
  EXPECT_EQ(counted(), 10) << "added once";
  EXPECT_EQ(limiter.take(key())->remaining, 89);
}

TEST_P(RateLimits, WriteTheLastUseByTheMinuteAndNeverOnTheWayOfARequest) {
  sql::FailingDatabase counting(db());
  counting.fail_at(0);
  RateLimiter limiter(counting, settings(0, 1, false));
  auto const used = [&](int n) {
    return number(db(), "SELECT coalesce(last_used_at, 0) FROM api_keys WHERE key_id = " + std::to_string(n));
  };
  now_ = kNow + 61'234;
  limiter.take(key(1));
  limiter.take(key(2));
  EXPECT_EQ(counting.calls(), 0);
  limiter.look();
  EXPECT_EQ(used(1), kNow + 60'000);
  EXPECT_EQ(used(2), kNow + 60'000);
  EXPECT_EQ(used(3), 0);
  auto const calls = counting.calls();
  now_ += 30'000;
  limiter.take(key(1));
  limiter.look();
  EXPECT_EQ(counting.calls(), calls) << "the same minute is not written twice";
  now_ += 60'000;
  limiter.take(key(1));
  limiter.look();
  EXPECT_EQ(used(1), kNow + 120'000);
  EXPECT_EQ(used(2), kNow + 60'000);
}

TEST_P(RateLimits, WindowsThatAreOverAreRemoved) {
  RateLimiter limiter(db(), settings(10));
  limiter.take(key());
  limiter.look();
  EXPECT_EQ(counted(), 1);
  now_ += 4 * 60'000;
  limiter.look();
  EXPECT_EQ(counted(), 1);
  now_ += 2 * 60'000;
  limiter.look();
  EXPECT_EQ(counted(), 0);
}

}  // namespace
}  // namespace fealty::access
