// Large batches that are appended: COPY on PostgreSQL, the same statement on SQLite.
#include "sql/items.h"

namespace fealty::sql {

namespace {

using Kind = StorageError::Kind;

class Appended : public ItemsTest {
 protected:
  static constexpr int kMany = 5'000;
  // Items first … first + count − 1, each with n = 1; every third has a text, every fifth bytes.
  static void append(Tx& tx, int first, int count, bool later) {
    std::vector<std::string> texts;
    texts.reserve(static_cast<std::size_t>(count));
    Batch batch{Batch::Type::integer, Batch::Type::text, Batch::Type::blob};
    for (int i = 0; i < count; ++i) {
      auto const& text = texts.emplace_back("text\t\\N \"" + std::to_string(first + i) + "\" ä 漢 🎉");
      std::optional<std::string_view> const t = i % 3 == 0 ? std::optional<std::string_view>(text) : std::nullopt;
      std::optional<Blob> const b = i % 5 == 0 ? std::optional(Blob{std::string_view("\0\xff\n", 3)}) : std::nullopt;
      batch.add(std::int64_t{first + i}, t, b);
    }
    if (later)
      tx.exec_batch_later(kAppendItems, batch, 1);
    else
      EXPECT_EQ(tx.exec_batch(kAppendItems, batch, 1), count);
  }
};
FEALTY_ON_BOTH_ENGINES(Appended);

TEST_P(Appended, KeepsEveryValue) {
  for (bool const later : {false, true}) {
    int const first = later ? 10'000 : 0;
    db().write([&](Tx& tx) {
      sums(tx);
      append(tx, first, kMany, later);
    });
    EXPECT_EQ(sums(db()).rows, later ? 2 * kMany : kMany);
    db().read([&](Tx& tx) {
      auto look = [&](int id) {
        return tx.one(
                     kOneItem, [](Row const& r) { return std::tuple(r.integer(1), r.optional_string(2), r.optional_string(3)); }, id)
            .value();
      };
      EXPECT_EQ(look(first + 15),
                std::tuple(std::int64_t{1}, std::optional<std::string>("text\t\\N \"" + std::to_string(first + 15) + "\" ä 漢 🎉"),
                           std::optional<std::string>(std::string("\0\xff\n", 3))));
      EXPECT_EQ(look(first + 1), std::tuple(std::int64_t{1}, std::optional<std::string>(), std::optional<std::string>()));
    });
  }
}

TEST_P(Appended, StandsInItsOrderAmongOtherStatements) {
  db().write([](Tx& tx) {
    sums(tx);
    tx.exec(kInsertItem, 1'000'000, 7, nullptr, nullptr);
    append(tx, 0, kMany, true);
    EXPECT_EQ(sums(tx).rows, kMany + 1);
    append(tx, 10'000, 300, true);
    append(tx, 20'000, 300, true);
    Param const params[] = {param(20'001), param(41)};
    tx.run_later(kAddToItem, params, nullptr, {});
    append(tx, 30'000, 300, true);
  });
  EXPECT_EQ(sums(db()).rows, kMany + 901);
  EXPECT_EQ(sums(db()).total, kMany + 900 + 7 + 41);
}

TEST_P(Appended, AnItemThatIsThereUndoesEverything) {
  db().write([](Tx& tx) { append(tx, 4'000, 1, false); });
  // Where the failure is told: at once, by the next statement, or by the commit.
  for (int way = 0; way < 3; ++way) {
    EXPECT_EQ(kind_of_failure([&] {
                db().write([&](Tx& tx) {
                  sums(tx);
                  append(tx, 0, kMany, way > 0);
                  if (way == 1) tx.exec(kAddToItem, 1, 1);
                });
              }),
              Kind::constraint);
    EXPECT_EQ(sums(db()).rows, 1);
  }
  db().write([](Tx& tx) { append(tx, 10'000, kMany, true); });
  EXPECT_EQ(sums(db()).rows, kMany + 1);
}

TEST_P(Appended, WhoGivesUpLeavesAUsableConnection) {
  struct GivenUp {};
  for (int i = 0; i < 20; ++i)
    EXPECT_THROW(db().write([&](Tx& tx) {
      sums(tx);
      append(tx, 0, kMany, true);
      throw GivenUp{};
    }),
                 GivenUp);
  EXPECT_EQ(sums(db()).rows, 0);
}

}  // namespace
}  // namespace fealty::sql
