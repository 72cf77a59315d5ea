// What only PostgreSQL does.
#include "sql/items.h"

namespace fealty::sql {
namespace {

using Kind = StorageError::Kind;

class Postgres : public ItemsTest {};
INSTANTIATE_TEST_SUITE_P(, Postgres, ::testing::Values(Engine::postgres), test::engine_name);

constexpr char const* kSerialisationFailure = "DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '40001'; END $$";
constexpr char const* kEndThisConnection = "SELECT pg_terminate_backend(pg_backend_pid())";

TEST_P(Postgres, RunsAWriteAgainAfterASerialisationFailure) {
  int attempts = 0;
  auto const result = db().write([&](Tx& tx) {
    tx.exec(kInsertItem, 1, 1, nullptr, nullptr);
    if (++attempts < 3) tx.run_text(kSerialisationFailure, {}, {});
    return attempts;
  });
  EXPECT_EQ(result, 3);
  EXPECT_EQ(sums(db()).rows, 1);
}

TEST_P(Postgres, GivesUpAfterTheRetriesThatAreAllowed) {
  test::TestDatabase small(Engine::postgres, test::TestDatabase::Schema::empty, {.url = {}, .retries_max = 2});
  int attempts = 0;
  EXPECT_EQ(kind_of_failure([&] {
              small.db().write([&](Tx& tx) {
                ++attempts;
                tx.run_text(kSerialisationFailure, {}, {});
              });
            }),
            Kind::busy);
  EXPECT_EQ(attempts, 3);
}

TEST_P(Postgres, ResolvesADeadlock) {
  db().write([](Tx& tx) {
    for (int id = 1; id <= 2; ++id) tx.exec(kInsertItem, id, 0, nullptr, nullptr);
  });
  std::mutex mutex;
  std::condition_variable change;
  int holding = 0;
  auto const add_to = [&](int first, int second) {
    bool again = false;
    db().write([&](Tx& tx) {
      tx.exec(kAddToItem, first, 1);
      if (!again) {
        std::unique_lock lock(mutex);
        ++holding;
        change.notify_all();
        change.wait(lock, [&] { return holding == 2; });
      }
      again = true;
      tx.exec(kAddToItem, second, 1);
    });
  };
  std::thread other([&] { add_to(2, 1); });
  add_to(1, 2);
  other.join();
  EXPECT_EQ(sums(db()).total, 4);
}

TEST_P(Postgres, TellsAConnectionThatBreaksAndConnectsAnew) {
  EXPECT_EQ(kind_of_failure([&] {
              db().write([](Tx& tx) {
                tx.exec(kInsertItem, 1, 1, nullptr, nullptr);
                tx.run_text(kEndThisConnection, {}, {});
              });
            }),
            Kind::unavailable);
  EXPECT_EQ(sums(db()).rows, 0);
  db().write([](Tx& tx) { tx.exec(kInsertItem, 1, 1, nullptr, nullptr); });
  EXPECT_EQ(sums(db()).rows, 1);
}

TEST_P(Postgres, ReplacesConnectionsThatDiedWhileTheyWereIdle) {
  db().read([&](Tx&) { db().read([&](Tx&) { sums(db()); }); });  // three connections
  auto const other = database().open_another();
  auto const ended = other->read([](Tx& tx) {
    return tx.run_text(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()", {},
        {});
  });
  EXPECT_GE(ended, 3);
  db().write([](Tx& tx) { tx.exec(kInsertItem, 1, 1, nullptr, nullptr); });
  EXPECT_EQ(sums(db()).rows, 1);
}

TEST_P(Postgres, SaysThatACommitIsUnknownWhenTheConnectionBreaksInIt) {
  db().write([](Tx& tx) {
    tx.run_text(
        "CREATE FUNCTION end_connection() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
        {}, {});
    tx.run_text(
        "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
        "EXECUTE FUNCTION end_connection()",
        {}, {});
  });
  EXPECT_EQ(kind_of_failure([&] { db().write([](Tx& tx) { tx.exec(kInsertItem, 1, 1, nullptr, nullptr); }); }), Kind::commit_unknown);
  EXPECT_EQ(sums(db()).rows, 0);
}

TEST_P(Postgres, EndsAStatementThatTakesTooLong) {
  test::TestDatabase small(Engine::postgres, test::TestDatabase::Schema::empty, {.url = {}, .statement_timeout_ms = 50});
  EXPECT_EQ(kind_of_failure([&] { small.db().read([](Tx& tx) { tx.run_text("SELECT pg_sleep(30)", {}, {}); }); }), Kind::busy);
  EXPECT_EQ(schema_version(small.db()), 0);
}

TEST_P(Postgres, ForgetsPreparedStatementsThatTheSchemaHasOutgrown) {
  static Statement const kAllColumns{"test.all_columns", "SELECT * FROM items"};
  db().read([](Tx& tx) { tx.exec(kAllColumns); });
  database().open_another()->write([](Tx& tx) { tx.run_text("ALTER TABLE items ADD COLUMN more TEXT", {}, {}); });
  EXPECT_EQ(kind_of_failure([&] { db().read([](Tx& tx) { tx.exec(kAllColumns); }); }), Kind::unavailable);
  db().read([](Tx& tx) { tx.exec(kAllColumns); });
}

TEST_P(Postgres, RefusesATextWithAZeroByte) {
  std::string_view const zero("a\0b", 3);
  EXPECT_EQ(kind_of_failure([&] { db().write([&](Tx& tx) { tx.exec(kInsertItem, 1, 1, zero, nullptr); }); }), Kind::broken);
  EXPECT_EQ(sums(db()).rows, 0);
}

TEST_P(Postgres, ReadsSumsAndTruthValuesAsIntegers) {
  db().write([](Tx& tx) {
    tx.run_text("SELECT sum(9000000000000000000), EXISTS (SELECT 1), NOT EXISTS (SELECT 1), 1.5", {}, [](Row const& r) {
      EXPECT_EQ(r.integer(0), 9'000'000'000'000'000'000);
      EXPECT_TRUE(r.boolean(1));
      EXPECT_FALSE(r.boolean(2));
    });
  });
  EXPECT_EQ(kind_of_failure([&] { db().read([](Tx& tx) { tx.run_text("SELECT 1.5", {}, [](Row const& r) { (void)r.integer(0); }); }); }),
            Kind::broken);
}

TEST_P(Postgres, EndsTheTransactionsOfAProgramThatStandsStill) {
  auto const other = database().open_another();
  ASSERT_NE(other->session(), db().session());
  EXPECT_EQ(kind_of_failure([&] {
              db().write([&](Tx& tx) {
                tx.run_text("SELECT 1", {}, [](Row const&) {});
                other->end_session(db().session());
                tx.run_text("SELECT 1", {}, [](Row const&) {});
              });
            }),
            Kind::unavailable);
  // The program that was ended connects anew, and the one that ended it goes on.
  db().read([](Tx& tx) { tx.run_text("SELECT 1", {}, [](Row const&) {}); });
  other->read([](Tx& tx) { tx.run_text("SELECT 1", {}, [](Row const&) {}); });
}

TEST_P(Postgres, LeavesBackupsToTheServersOwnTools) {
  EXPECT_EQ(kind_of_failure([&] { db().backup_to("/tmp/never"); }), Kind::broken);
  db().checkpoint();
  EXPECT_EQ(sums(db()).rows, 0);
}

}  // namespace
}  // namespace fealty::sql
