// Statements that are put off.
#include "sql/items.h"

namespace fealty::sql {
namespace {

using Kind = StorageError::Kind;

class Later : public ItemsTest {
 protected:
  // Each statement is prepared when it runs first, and is not put off then: the tests look at what comes after that.
  void SetUp() override {
    ItemsTest::SetUp();
    db().write([](Tx& tx) {
      for (int id = 1; id <= 2; ++id) tx.exec(kInsertItem, id, 0, nullptr, nullptr);
      tx.exec(kAddToItem, 1, 0);
      sums(tx);
    });
  }
  static void add_later(Tx& tx, int id, int n) {
    Param const params[] = {param(id), param(n)};
    tx.run_later(kAddToItem, params, nullptr, {});
  }
};
FEALTY_ON_BOTH_ENGINES(Later);

TEST_P(Later, RunInTheirOrderBeforeWhatIsNotPutOff) {
  db().write([](Tx& tx) {
    tx.exec(kAddToItem, 1, 1);
    std::vector<std::int64_t> seen;
    auto const look = [&](Row const& r) { seen.push_back(r.integer(1)); };
    tx.each_later(kItemSums, look);
    add_later(tx, 1, 10);
    add_later(tx, 2, 100);
    tx.each_later(kItemSums, look);
    EXPECT_EQ(sums(tx).total, 111);
    EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 111}));
    add_later(tx, 2, 1'000);
    tx.each_later(kItemSums, look);
    tx.settle();
    EXPECT_EQ(seen.size(), 3u);
    EXPECT_EQ(seen.back(), 1'111);
    tx.settle();
    EXPECT_EQ(seen.size(), 3u) << "once";
    add_later(tx, 1, 10'000);
  });
  EXPECT_EQ(sums(db()).total, 11'111) << "the commit takes what waits with it";
}

TEST_P(Later, TextsNeedNotStayUntilTheyRun) {
  db().write([](Tx& tx) {
    sums(tx);
    for (int id = 10; id < 13; ++id) {
      std::string text = "text " + std::to_string(id) + std::string(10'000, 'x');
      std::string_view const view = text;
      Param const params[] = {param(id), param(1), param(view), nullptr};
      tx.run_later(kInsertItem, params, nullptr, {});
      text.assign(text.size(), '!');
    }
  });
  std::string found;
  db().read([&](Tx& tx) { tx.run_text("SELECT t FROM items WHERE id = 12", {}, [&](Row const& r) { found = r.string(0).substr(0, 8); }); });
  EXPECT_EQ(found, "text 12x");
}

TEST_P(Later, AFailureIsThrownAtTheLatestByTheCommitAndUndoesEverything) {
  auto const fails = [&](auto const& rest) {
    return kind_of_failure([&] {
      db().write([&](Tx& tx) {
        tx.exec(kAddToItem, 1, 5);
        add_later(tx, 2, 5);
        add_later(tx, 2, -1'000);  // below zero: a constraint
        add_later(tx, 1, 5);
        rest(tx);
      });
    });
  };
  EXPECT_EQ(fails([](Tx&) {}), Kind::constraint);
  EXPECT_EQ(fails([](Tx& tx) { tx.settle(); }), Kind::constraint);
  EXPECT_EQ(fails([](Tx& tx) { sums(tx); }), Kind::constraint);
  EXPECT_EQ(fails([](Tx& tx) {
              EXPECT_THROW(tx.settle(), StorageError);
              EXPECT_THROW(sums(tx), StorageError) << "the transaction is lost";
            }),
            Kind::constraint);
  EXPECT_EQ(sums(db()).total, 0);
  // The connection serves on.
  db().write([](Tx& tx) { tx.exec(kAddToItem, 1, 1); });
  EXPECT_EQ(sums(db()).total, 1);
}

TEST_P(Later, WhatWaitsIsUndoneWithItsTransaction) {
  EXPECT_THROW(db().write([](Tx& tx) {
    tx.exec(kAddToItem, 1, 5);
    add_later(tx, 2, 5);
    throw std::logic_error("no");
  }),
               std::logic_error);
  auto const refused = db().write([](Tx& tx) -> Result<int> {
    tx.exec(kAddToItem, 1, 5);
    add_later(tx, 2, 5);
    return fail(errors::kNotFound, "no");
  });
  EXPECT_FALSE(refused);
  EXPECT_EQ(sums(db()).total, 0);
}

TEST_P(Later, ManyWithLargeAnswersDoNotBlockTheConnection) {
  std::string const text(100'000, 'x');
  db().write([&](Tx& tx) {
    for (int id = 100; id < 120; ++id) tx.exec(kInsertItem, id, 1, text, nullptr);
    tx.each(kOneItem, [](Row const&) {}, 100);
  });
  std::size_t bytes = 0;
  db().read([&](Tx& tx) {
    sums(tx);
    for (int round = 0; round < 10; ++round)
      for (int id = 100; id < 120; ++id) tx.each_later(kOneItem, [&](Row const& r) { bytes += r.text(2).size(); }, id);
  });
  EXPECT_EQ(bytes, 200 * text.size());
}

}  // namespace
}  // namespace fealty::sql
