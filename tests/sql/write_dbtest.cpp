// Writes of many callers at once.
#include "sql/failing.h"
#include "sql/items.h"

namespace fealty::sql {
namespace {

using Kind = StorageError::Kind;

class Writes : public ItemsTest {
 protected:
  void SetUp() override {
    ItemsTest::SetUp();
    db().write([](Tx& tx) {
      for (int id = 1; id <= 2; ++id) tx.exec(kInsertItem, id, 0, nullptr, nullptr);
    });
  }
};
FEALTY_ON_BOTH_ENGINES(Writes);

void on_threads(int count, std::function<void(int)> const& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (auto& t : threads) t.join();
}

TEST_P(Writes, OfManyThreadsAllCount) {
  constexpr int kThreads = 16, kEach = 40;
  on_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kEach; ++i) {
      db().write([](Tx& tx) { EXPECT_EQ(tx.exec(kAddToItem, 1, 1), 1); }, {.alone = thread == 0});
    }
  });
  EXPECT_EQ(sums(db()).total, kThreads * kEach);
}

TEST_P(Writes, ThatFailDoNotHurtTheOthersOfTheirGroup) {
  constexpr int kThreads = 12, kEach = 40;
  std::atomic<int> thrown = 0, refused = 0, violated = 0;
  on_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kEach; ++i) {
      auto const kind = (thread + i) % 4;
      try {
        auto const result = db().write([&](Tx& tx) -> Result<int> {
          tx.exec(kAddToItem, 1, 1);
          tx.exec(kAddToItem, 2, kind == 1 ? -1'000'000 : 1);  // below zero: a constraint
          if (kind == 2) throw std::logic_error("no");
          if (kind == 3) return fail(errors::kNotFound, "no");
          return 1;
        });
        if (!result) ++refused;
      } catch (StorageError const& e) {
        EXPECT_EQ(e.kind(), Kind::constraint) << e.what();
        ++violated;
      } catch (std::logic_error const&) {
        ++thrown;
      }
    }
  });
  constexpr int kQuarter = kThreads * kEach / 4;
  EXPECT_EQ(thrown, kQuarter);
  EXPECT_EQ(refused, kQuarter);
  EXPECT_EQ(violated, kQuarter);
  EXPECT_EQ(sums(db()).total, 2 * kQuarter);
}

TEST_P(Writes, AreThereForEverybodyWhenTheyAreAnswered) {
  auto const other = database().open_another();
  on_threads(8, [&](int thread) {
    for (int i = 0; i < 25; ++i) {
      auto const id = 100 + thread * 100 + i;
      db().write([&](Tx& tx) { tx.exec(kInsertItem, id, 1, nullptr, nullptr); });
      auto const seen = other->read([&](Tx& tx) { return tx.exec(kOneItem, id); });
      EXPECT_EQ(seen, 1) << "answered before the commit";
    }
  });
}

TEST_P(Writes, OfTwoHandlesOnOneDatabaseAllCount) {
  auto const other = database().open_another();
  on_threads(4, [&](int thread) {
    for (int i = 0; i < 25; ++i) (thread % 2 ? *other : db()).write([](Tx& tx) { tx.exec(kAddToItem, 1, 1); });
  });
  EXPECT_EQ(sums(db()).total, 100);
}

TEST_P(Writes, ThatLeaveAForeignKeyOpenFailAlone) {
  db().write([](Tx& tx) {
    tx.run_text(
        "CREATE TABLE parts (id {int} NOT NULL PRIMARY KEY, item {int} NOT NULL REFERENCES items (id) DEFERRABLE INITIALLY "
        "DEFERRED){strict}",
        {}, {});
  });
  static Statement const kInsertPart{"test.insert_part", "INSERT INTO parts (id, item) VALUES ($1, $2)"};
  std::atomic<int> refused = 0;
  on_threads(8, [&](int thread) {
    for (int i = 0; i < 20; ++i) {
      bool const bad = (thread + i) % 2;
      try {
        db().write([&](Tx& tx) { tx.exec(kInsertPart, thread * 100 + i, bad ? 77 : 1); });
        EXPECT_FALSE(bad);
      } catch (StorageError const& e) {
        EXPECT_EQ(e.kind(), Kind::constraint) << e.what();
        EXPECT_TRUE(bad) << e.what();
        ++refused;
      }
    }
  });
  EXPECT_EQ(refused, 80);
  EXPECT_EQ(db().read([](Tx& tx) { return tx.run_text("SELECT id FROM parts", {}, {}); }), 80);
}

// Two writes and a read, as a service does them: the second write depends on the first.
void move_one(Database& db) {
  db.write([](Tx& tx) { tx.exec(kAddToItem, 1, 1); });
  auto const there = db.read([](Tx& tx) { return sums(tx).total; });
  db.write([&](Tx& tx) -> Result<int> {
    tx.exec(kAddToItem, 1, -1);
    tx.exec(kAddToItem, 2, there);
    tx.exec(kInsertItem, 10, 0, "moved", nullptr);
    return 0;
  });
}

TEST_P(Writes, AreAllOrNothingWhicheverCallFails) {
  FailingDatabase failing(db());
  std::int64_t n = 1;
  for (;; ++n) {
    failing.fail_at(n);
    bool failed = false;
    try {
      move_one(failing);
    } catch (StorageError const& e) {
      EXPECT_EQ(e.kind(), Kind::unavailable);
      failed = true;
    }
    EXPECT_EQ(failed, failing.calls() >= n);
    auto const left = db().read([](Tx& tx) {
      auto const n_of = [&](int id) { return tx.one(kOneItem, [](Row const& r) { return r.integer(1); }, id); };
      return std::tuple(*n_of(1), *n_of(2), n_of(10).has_value());
    });
    // begin, statement, commit; begin, statement, commit; begin, three statements, commit
    auto const expected = n <= 3 ? std::tuple(0l, 0l, false) : n <= 11 ? std::tuple(1l, 0l, false) : std::tuple(0l, 1l, true);
    EXPECT_EQ(left, expected) << "call " << n;
    if (!failed) break;
    db().write([](Tx& tx) { tx.run_text("UPDATE items SET n = 0", {}, {}); });
  }
  EXPECT_EQ(n, 12);
}

TEST_P(Writes, CannotHideAFailureThatWasMade) {
  FailingDatabase failing(db());
  failing.fail_at(3);  // begin, statement, statement
  EXPECT_EQ(kind_of_failure([&] {
              failing.write([](Tx& tx) {
                tx.exec(kAddToItem, 1, 1);
                EXPECT_THROW(tx.exec(kAddToItem, 2, 1), StorageError);
              });
            }),
            Kind::unavailable);
  EXPECT_EQ(sums(db()).total, 0);
  failing.fail_from(2);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(kind_of_failure([&] { failing.read([](Tx& tx) { sums(tx); }); }), Kind::unavailable);
}

TEST_P(Writes, OfOthersGoOnWhileOneIsHeldUpBeforeItBegins) {
  FailingDatabase slow(db());
  std::mutex mutex;
  std::condition_variable change;
  bool waiting = false, released = false;
  slow.on_call([&](std::int64_t call) {
    if (call != 1) return;
    std::unique_lock lock(mutex);
    waiting = true;
    change.notify_all();
    change.wait(lock, [&] { return released; });
  });
  std::thread held([&] { slow.write([](Tx& tx) { tx.exec(kAddToItem, 1, 1); }); });
  {
    std::unique_lock lock(mutex);
    change.wait(lock, [&] { return waiting; });
  }
  db().write([](Tx& tx) { tx.exec(kAddToItem, 2, 1); });
  EXPECT_EQ(sums(db()).total, 1);
  {
    std::lock_guard lock(mutex);
    released = true;
  }
  change.notify_all();
  held.join();
  EXPECT_EQ(sums(db()).total, 2);
}

}  // namespace
}  // namespace fealty::sql
