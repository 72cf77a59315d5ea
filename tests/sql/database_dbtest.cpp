#include <limits>

#include "base/time.h"
#include "sql/items.h"
#include "sql/tokens.h"

namespace fealty::sql {
namespace {

using Kind = StorageError::Kind;

Statement const kInsertReturning{"test.insert_returning", "INSERT INTO items (id, n) VALUES ($1, $2), ($1 + 1, $2) RETURNING n"};
Statement const kInsertBatch{
    "test.insert_batch", "INSERT INTO items (id, n, t, b) SELECT r.id, r.n + $1, r.t, r.b FROM {rows r: id int, n int, t text, b blob}"};
Statement const kUpsertBatch{
    "test.upsert_batch",
    "INSERT INTO items (id, n) SELECT r.id, r.n FROM {rows r: id int, n int} WHERE true ON CONFLICT (id) DO UPDATE SET n = excluded.n"};
Statement const kUpdateBatch{"test.update_batch", "UPDATE items SET n = items.n + r.n FROM {rows r: id int, n int} WHERE items.id = r.id"};
Statement const kSelectBatch{"test.select_batch",
                             "SELECT i.id, i.n, i.t, i.b FROM {rows r: id int} JOIN items i ON i.id = r.id WHERE i.id > $1 ORDER BY i.id"};
Statement const kByTextBatch{"test.by_text_batch", "SELECT i.id FROM {rows r: t text} JOIN items i ON i.t = r.t ORDER BY i.id"};
Statement const kNow{"test.now", "SELECT {now_ms}"};
Statement const kLockOne{"test.lock_one", "SELECT i.n FROM items i WHERE i.id = $1 {lock i}"};
Statement const kSkipLocked{"test.skip_locked", "SELECT i.n FROM items i ORDER BY i.id {skip_locked i}"};
Statement const kMissing{"test.missing", "SELECT nothing FROM no_such_table"};

class Databases : public ItemsTest {};
FEALTY_ON_BOTH_ENGINES(Databases);

constexpr std::string_view kUnicode = "Zürich \xE2\x82\xAC \xF0\x9F\x8E\x81 \"quoted\" 'single' {braces} $1 \\ ;";
constexpr std::string_view kBytes("\0\x01'\xFF\\x", 6);

TEST_P(Databases, RoundTripParametersOfAllTypes) {
  auto const least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
  db().write([&](Tx& tx) {
    EXPECT_EQ(tx.exec(kInsertItem, least, most, kUnicode, Blob{kBytes}), 1);
    EXPECT_EQ(tx.exec(kInsertItem, 1, nullptr, nullptr, nullptr), 1);
    EXPECT_EQ(tx.exec(kInsertItem, 2, true, "", Blob{}), 1);
    EXPECT_EQ(tx.exec(kInsertItem, 3, std::optional<std::int64_t>(), std::optional<std::string>("x"), Blob{""}), 1);
  });
  db().read([&](Tx& tx) {
    EXPECT_EQ(tx.each(
                  kOneItem,
                  [&](Row const& r) {
                    EXPECT_EQ(r.integer(0), least);
                    EXPECT_EQ(r.integer(1), most);
                    EXPECT_EQ(r.text(2), kUnicode);
                    EXPECT_EQ(r.text(3), kBytes);
                  },
                  least),
              1);
    tx.each(
        kOneItem,
        [&](Row const& r) {
          for (int column = 1; column <= 3; ++column) EXPECT_TRUE(r.is_null(column));
          EXPECT_EQ(r.integer(1), 0);
          EXPECT_EQ(r.text(2), "");
          EXPECT_EQ(r.optional_integer(1), std::nullopt);
          EXPECT_EQ(r.optional_string(2), std::nullopt);
        },
        1);
    tx.each(
        kOneItem,
        [&](Row const& r) {
          EXPECT_TRUE(r.boolean(1));
          EXPECT_FALSE(r.is_null(2));
          EXPECT_EQ(r.text(2), "");
          EXPECT_FALSE(r.is_null(3));
          EXPECT_EQ(r.text(3), "");
        },
        2);
    EXPECT_EQ(tx.one(kOneItem, [](Row const& r) { return r.string(2); }, 3), "x");
    EXPECT_EQ(tx.one(kOneItem, [](Row const& r) { return r.integer(0); }, 4), std::nullopt);
  });
}

TEST_P(Databases, RoundTripABatchOfAllTypes) {
  Batch batch{Batch::Type::integer, Batch::Type::integer, Batch::Type::text, Batch::Type::blob};
  batch.add(1, std::int64_t{10}, kUnicode, Blob{kBytes});
  batch.add(2, nullptr, nullptr, nullptr);
  batch.add(3, 0, "", Blob{});
  EXPECT_EQ(db().write([&](Tx& tx) { return tx.exec_batch(kInsertBatch, batch, 5); }), 3);
  Batch ids{Batch::Type::integer};
  for (int id = 1; id <= 4; ++id) ids.add(id);
  std::string seen;
  db().read([&](Tx& tx) {
    return tx.each_batch(
        kSelectBatch, ids,
        [&](Row const& r) {
          seen += std::to_string(r.integer(0)) + (r.is_null(1) ? "null" : std::to_string(r.integer(1)));
          seen += r.is_null(2) ? "null" : r.text(2) == kUnicode ? "unicode" : r.text(2).empty() ? "empty" : "?";
          seen += r.is_null(3) ? "null" : r.text(3) == kBytes ? "bytes" : r.text(3).empty() ? "empty" : "?";
          seen += ' ';
        },
        0);
  });
  EXPECT_EQ(seen, "115unicodebytes 2nullnullnull 35emptyempty ");
}

TEST_P(Databases, DoNothingForAnEmptyBatch) {
  Batch const insert{Batch::Type::integer, Batch::Type::integer, Batch::Type::text, Batch::Type::blob};
  Batch const select{Batch::Type::integer};
  db().write([&](Tx& tx) {
    tx.exec(kInsertItem, 1, 1, nullptr, nullptr);
    EXPECT_EQ(tx.exec_batch(kInsertBatch, insert, 5), 0);
    EXPECT_EQ(tx.each_batch(kSelectBatch, select, [](Row const&) { FAIL(); }, 0), 0);
  });
  EXPECT_EQ(sums(db()).rows, 1);
}

TEST_P(Databases, TakeBatchesOfTenThousandRows) {
  constexpr int kRows = 10'000;
  std::vector<std::string> texts;
  for (int i = 0; i < kRows; ++i) texts.push_back("member" + std::to_string(i) + "@example.org");
  Batch insert{Batch::Type::integer, Batch::Type::integer, Batch::Type::text, Batch::Type::blob};
  Batch add{Batch::Type::integer, Batch::Type::integer}, find{Batch::Type::text};
  insert.reserve(kRows);
  for (int i = 0; i < kRows; ++i) {
    insert.add(i, i % 7 ? std::optional<std::int64_t>(i) : std::nullopt, texts[static_cast<std::size_t>(i)], Blob{"b"});
    add.add(i, 2);
    find.add(texts[static_cast<std::size_t>(kRows - 1 - i)]);
  }
  std::int64_t expected = 0;
  for (int i = 0; i < kRows; ++i) expected += i % 7 ? i + 3 : 0;
  db().write([&](Tx& tx) { EXPECT_EQ(tx.exec_batch(kInsertBatch, insert, 1), kRows); });
  db().write([&](Tx& tx) { EXPECT_EQ(tx.exec_batch(kUpdateBatch, add), kRows); });
  EXPECT_EQ(sums(db()).rows, kRows);
  EXPECT_EQ(sums(db()).total, expected);
  std::int64_t next = 0;
  db().write([&](Tx& tx) { tx.run_text("CREATE INDEX items_by_t ON items (t)", {}, {}); });
  db().read([&](Tx& tx) { tx.each_batch(kByTextBatch, find, [&](Row const& r) { EXPECT_EQ(r.integer(0), next++); }); });
  EXPECT_EQ(next, kRows);
}

TEST_P(Databases, UpsertABatch) {
  Batch batch{Batch::Type::integer, Batch::Type::integer};
  batch.add(1, 10);
  batch.add(2, 20);
  db().write([&](Tx& tx) {
    tx.exec(kInsertItem, 1, 1, nullptr, nullptr);
    EXPECT_EQ(tx.exec_batch(kUpsertBatch, batch), 2);
    EXPECT_EQ(sums(tx).total, 30);
  });
}

TEST_P(Databases, CountWhatAStatementChangedOrRead) {
  db().write([&](Tx& tx) {
    int rows = 0;
    EXPECT_EQ(tx.each(kInsertReturning, [&](Row const& r) { rows += r.integer(0) == 4; }, 1, 4), 2);
    EXPECT_EQ(rows, 2);
    EXPECT_EQ(tx.exec(kAddToItem, 1, 1), 1);
    EXPECT_EQ(tx.exec(kAddToItem, 99, 1), 0);
    EXPECT_EQ(tx.run_text("UPDATE items SET n = 1", {}, {}), 2);
    EXPECT_EQ(tx.run_text("CREATE TABLE other (id {int} NOT NULL PRIMARY KEY){strict}", {}, {}), 0);
    EXPECT_EQ(tx.run_text("SELECT id FROM items", {}, {}), 2);
    EXPECT_EQ(tx.run_text("DELETE FROM items", {}, {}), 2);
  });
}

TEST_P(Databases, RefuseAWrongTypeOfAColumn) {
  db().write([](Tx& tx) { tx.exec(kInsertItem, 1, 1, "7", nullptr); });
  auto const read = [&](auto use) { return [&, use] { db().read([&](Tx& tx) { tx.each(kOneItem, use, 1); }); }; };
  EXPECT_EQ(kind_of_failure(read([](Row const& r) { (void)r.integer(2); })), Kind::broken);
  EXPECT_EQ(kind_of_failure(read([](Row const& r) { (void)r.text(1); })), Kind::broken);
  EXPECT_EQ(kind_of_failure(read([](Row const& r) { (void)r.text(9); })), Kind::broken);
}

TEST_P(Databases, RefuseAWrongNumberOfParameters) {
  EXPECT_EQ(kind_of_failure([&] { db().read([](Tx& tx) { tx.exec(kOneItem); }); }), Kind::broken);
  EXPECT_EQ(kind_of_failure([&] { db().read([](Tx& tx) { tx.exec(kOneItem, 1, 2); }); }), Kind::broken);
}

TEST_P(Databases, RefuseMoreThanOneRowWhereOneIsExpected) {
  static Statement const kAll{"test.all_items", "SELECT id FROM items"};
  db().write([](Tx& tx) {
    tx.exec(kInsertItem, 1, 1, nullptr, nullptr);
    tx.exec(kInsertItem, 2, 1, nullptr, nullptr);
  });
  EXPECT_EQ(kind_of_failure([&] { db().read([](Tx& tx) { tx.one(kAll, [](Row const& r) { return r.integer(0); }); }); }), Kind::broken);
}

TEST_P(Databases, RunStatementsWhileRowsOfTheSameStatementArrive) {
  db().write([](Tx& tx) {
    for (int id = 1; id <= 3; ++id) tx.exec(kInsertItem, id, id + 1, nullptr, nullptr);
  });
  auto const last = db().read([](Tx& tx) {
    std::int64_t found = 0;
    tx.each(
        kOneItem,
        [&](Row const& a) {
          tx.each(kOneItem, [&](Row const& b) { found = b.integer(1); }, a.integer(1));
          EXPECT_EQ(a.integer(1), 2);
        },
        1);
    return found;
  });
  EXPECT_EQ(last, 3);
}

TEST_P(Databases, RunTextsMadeAtRunTime) {
  db().write([](Tx& tx) { tx.exec(kInsertItem, 1, 5, "a", nullptr); });
  db().read([](Tx& tx) {
    Param const params[] = {param("a"), param(5)};
    std::int64_t id = 0;
    EXPECT_EQ(tx.run_text("SELECT id FROM items WHERE t = $1 AND n = $2", params, [&](Row const& r) { id = r.integer(0); }), 1);
    EXPECT_EQ(id, 1);
  });
  EXPECT_EQ(kind_of_failure([&] { db().read([](Tx& tx) { tx.run_text("SELECT id FROM itms", {}, {}); }); }), Kind::broken);
  EXPECT_EQ(kind_of_failure([&] { db().read([](Tx& tx) { tx.run_text("SELECT 1; SELECT 2", {}, {}); }); }), Kind::broken);
}

TEST_P(Databases, KnowTheTime) {
  auto const before = system_now();
  auto const now = db().read([](Tx& tx) { return *tx.one(kNow, [](Row const& r) { return r.integer(0); }); });
  EXPECT_GE(now, before - 1);
  EXPECT_LE(now, system_now() + 1);
}

TEST_P(Databases, TakeLocksInWritesAlone) {
  db().write([](Tx& tx) {
    tx.exec(kInsertItem, 1, 5, nullptr, nullptr);
    EXPECT_EQ(tx.one(kLockOne, [](Row const& r) { return r.integer(0); }, 1), 5);
    EXPECT_EQ(tx.exec(kSkipLocked), 1);
  });
}

TEST_P(Databases, RollBackAnException) {
  EXPECT_THROW(db().write([](Tx& tx) {
    tx.exec(kInsertItem, 1, 1, nullptr, nullptr);
    throw std::logic_error("no");
  }),
               std::logic_error);
  EXPECT_EQ(sums(db()).rows, 0);
}

TEST_P(Databases, RollBackAResultThatIsAnError) {
  auto const write = [&](bool good) {
    return db().write([&](Tx& tx) -> Result<int> {
      tx.exec(kInsertItem, 1, 1, nullptr, nullptr);
      if (!good) return fail(errors::kNotFound, "no");
      return 7;
    });
  };
  EXPECT_EQ(write(false).error().code(), "not_found");
  EXPECT_EQ(sums(db()).rows, 0);
  EXPECT_EQ(write(true).value(), 7);
  EXPECT_EQ(sums(db()).rows, 1);
}

TEST_P(Databases, DoNotCommitWhenAFailureWasHidden) {
  auto const insert = [](Tx& tx) { tx.exec(kInsertItem, 1, 1, nullptr, nullptr); };
  EXPECT_EQ(kind_of_failure([&] {
              db().write([&](Tx& tx) {
                insert(tx);
                EXPECT_THROW(insert(tx), StorageError);
                EXPECT_THROW(sums(tx), StorageError);
              });
            }),
            Kind::constraint);
  EXPECT_EQ(sums(db()).rows, 0);
  // A duplicate may be told as a Result.
  auto const told = db().write([&](Tx& tx) -> Result<int> {
    insert(tx);
    try {
      insert(tx);
    } catch (StorageError const&) {
      return fail(errors::kInvalidRequest, "twice");
    }
    return 1;
  });
  EXPECT_EQ(told.error().message, "twice");
  EXPECT_EQ(sums(db()).rows, 0);
}

TEST_P(Databases, TellConstraints) {
  auto const insert = [&](int id, int n) { db().write([&](Tx& tx) { tx.exec(kInsertItem, id, n, nullptr, nullptr); }); };
  insert(1, 1);
  EXPECT_EQ(kind_of_failure([&] { insert(1, 1); }), Kind::constraint);
  EXPECT_EQ(kind_of_failure([&] { insert(2, -1); }), Kind::constraint);
  db().write([](Tx& tx) { tx.run_text("CREATE TABLE strings (t TEXT NOT NULL){strict}", {}, {}); });
  EXPECT_EQ(kind_of_failure([&] { db().write([](Tx& tx) { tx.run_text("INSERT INTO strings (t) VALUES (NULL)", {}, {}); }); }),
            Kind::constraint);
  EXPECT_EQ(sums(db()).rows, 1);
}

TEST_P(Databases, RefuseChangesInReads) {
  EXPECT_THROW(db().read([](Tx& tx) { tx.exec(kInsertItem, 1, 1, nullptr, nullptr); }), StorageError);
  EXPECT_EQ(sums(db()).rows, 0);
}

TEST_P(Databases, ReadOneMomentHoweverLongTheRead) {
  db().write([](Tx& tx) { tx.exec(kInsertItem, 1, 10, nullptr, nullptr); });
  db().read([&](Tx& tx) {
    EXPECT_EQ(sums(tx).total, 10);
    std::thread([&] { db().write([](Tx& other) { other.exec(kAddToItem, 1, 5); }); }).join();
    EXPECT_EQ(sums(tx).total, 10);
    EXPECT_EQ(sums(db()).total, 15);
  });
  EXPECT_EQ(sums(db()).total, 15);
}

TEST_P(Databases, DoNotWriteInsideAWrite) {
  EXPECT_EQ(kind_of_failure([&] { db().write([&](Tx&) { db().write([](Tx&) {}); }); }), Kind::broken);
  db().write([](Tx& tx) { tx.exec(kInsertItem, 1, 1, nullptr, nullptr); });
  EXPECT_EQ(sums(db()).rows, 1);
}

TEST_P(Databases, AnswerUnavailableWhenAllConnectionsAreBusy) {
  test::TestDatabase small(engine(), test::TestDatabase::Schema::empty,
                           {.url = {}, .readers = 1, .connections_max = 1, .acquire_timeout_ms = 20});
  EXPECT_EQ(kind_of_failure([&] { small.db().read([&](Tx&) { small.db().read([](Tx&) {}); }); }), Kind::unavailable);
  EXPECT_EQ(schema_version(small.db()), 0);
}

TEST_P(Databases, PrepareAllRegisteredStatements) {
  auto const problems = prepare_all(db());
  ASSERT_EQ(problems.size(), 1u) << ::testing::PrintToString(problems);
  EXPECT_NE(problems[0].find("test.missing"), std::string::npos) << problems[0];
}

TEST_P(Databases, KeepWhatWasWrittenOverARestart) {
  db().write([](Tx& tx) { tx.exec(kInsertItem, 1, 1, nullptr, nullptr); });
  database().reopen();
  EXPECT_EQ(sums(db()).rows, 1);
  EXPECT_NE(db().version(), "");
}

TEST(Open, RefusesAUrlOfAnotherKindWithoutRepeatingIt) {
  try {
    open({.url = "mysql://user:secret@host/db"});
    FAIL();
  } catch (StorageError const& e) {
    EXPECT_EQ(std::string(e.what()).find("secret"), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("sqlite:///"), std::string::npos);
  }
  EXPECT_EQ(kind_of_failure([] { open({.url = "sqlite:///"}); }), Kind::broken);
  EXPECT_EQ(kind_of_failure([] { open({.url = "sqlite:///no/such/folder/x.db"}); }), Kind::unavailable);
  EXPECT_EQ(kind_of_failure([] { open({.url = "postgresql://nobody@127.0.0.1:1/none"}); }), Kind::unavailable);
}

}  // namespace
}  // namespace fealty::sql
