#include "sql/items.h"

namespace fealty::sql {
namespace {

using Kind = StorageError::Kind;

constexpr Migration kList[] = {
    {1, "0001_first", "CREATE TABLE first (id {int} NOT NULL PRIMARY KEY, t TEXT NOT NULL){strict};\n-- a comment; with a semicolon\n"},
    {2, "0002_second", "INSERT INTO first (id, t) VALUES (1, 'a;b');\nCREATE TABLE second (id {int} NOT NULL PRIMARY KEY){strict};\n"},
    {3, "0003_third", "DROP TABLE second;\n"},
};

class Migrations : public test::DatabaseTest {
 protected:
  Migrations() : DatabaseTest(test::TestDatabase::Schema::empty) {}
  std::string message_of(std::function<void()> const& call) {
    try {
      call();
    } catch (StorageError const& e) {
      return e.what();
    }
    return "";
  }
};
FEALTY_ON_BOTH_ENGINES(Migrations);

TEST_P(Migrations, AreAppliedOnce) {
  EXPECT_EQ(schema_version(db()), 0);
  EXPECT_EQ(migrate(db(), std::span(kList, 1)), 1);
  EXPECT_EQ(schema_version(db()), 1);
  EXPECT_EQ(migrate(db(), kList), 2);
  EXPECT_EQ(schema_version(db()), 3);
  EXPECT_EQ(migrate(db(), kList), 0);
  db().read([](Tx& tx) {
    std::string names;
    tx.run_text("SELECT name, applied_at FROM schema_migrations ORDER BY version", {}, [&](Row const& r) {
      names += r.string(0) + " ";
      EXPECT_GT(r.integer(1), 1'600'000'000'000);
    });
    EXPECT_EQ(names, "0001_first 0002_second 0003_third ");
    EXPECT_EQ(tx.run_text("SELECT id FROM first WHERE t = 'a;b'", {}, {}), 1);
  });
}

TEST_P(Migrations, RefuseADatabaseThatIsNewer) {
  migrate(db(), kList);
  auto const message = message_of([&] { migrate(db(), std::span(kList, 2)); });
  EXPECT_NE(message.find("version 3"), std::string::npos) << message;
  EXPECT_NE(message.find("up to 2"), std::string::npos) << message;
  EXPECT_NE(message.find("newer program"), std::string::npos) << message;
  EXPECT_EQ(schema_version(db()), 3);
}

TEST_P(Migrations, ThatFailLeaveNothingOfThemselves) {
  Migration const bad[] = {kList[0], {2, "0002_bad", "CREATE TABLE extra (id {int} NOT NULL PRIMARY KEY){strict};\nDROP TABLE nothing;\n"}};
  auto const message = message_of([&] { migrate(db(), bad); });
  EXPECT_NE(message.find("0002_bad"), std::string::npos) << message;
  EXPECT_NE(message.find("DROP TABLE nothing"), std::string::npos) << message;
  EXPECT_EQ(schema_version(db()), 1);
  EXPECT_THROW(db().read([](Tx& tx) { tx.run_text("SELECT id FROM extra", {}, {}); }), StorageError);
  EXPECT_EQ(migrate(db(), kList), 2);
}

TEST_P(Migrations, MustBeNumberedWithoutGaps) {
  Migration const gap[] = {kList[0], kList[2]};
  EXPECT_EQ(kind_of_failure([&] { migrate(db(), gap); }), Kind::broken);
  EXPECT_EQ(schema_version(db()), 0);
}

TEST_P(Migrations, OfTwoNodesAtOnceHappenOnce) {
  std::atomic<int> applied = 0;
  std::vector<std::thread> nodes;
  std::vector<std::unique_ptr<Database>> handles;
  for (int i = 0; i < 3; ++i) handles.push_back(database().open_another());
  for (auto& handle : handles) nodes.emplace_back([&] { applied += migrate(*handle, kList); });
  for (auto& node : nodes) node.join();
  EXPECT_EQ(applied, 3);
  EXPECT_EQ(schema_version(db()), 3);
  EXPECT_EQ(db().read([](Tx& tx) { return tx.run_text("SELECT id FROM first", {}, {}); }), 1);
}

TEST_P(Migrations, OfTheProgramApplyToAnEmptyDatabase) {
  EXPECT_EQ(migrate(db()), static_cast<int>(migrations().size()));
  EXPECT_EQ(migrate(db()), 0);
}

TEST(EntryKey, IsTheRowidOnSqlite) {
  test::TestDatabase database(Engine::sqlite, test::TestDatabase::Schema::empty);
  database.db().write([](Tx& tx) {
    tx.run_text("CREATE TABLE entries (community_id {int} NOT NULL, entry_id {int} NOT NULL, {entry_key community_id, entry_id}){strict}",
                {}, {});
    EXPECT_EQ(tx.run_text("SELECT name FROM sqlite_master WHERE type = 'index'", {}, {}), 0);
    tx.run_text("INSERT INTO entries (community_id, entry_id) VALUES (1, 4611686018427387904)", {}, {});
    EXPECT_EQ(tx.run_text("SELECT 1 FROM entries WHERE rowid = 4611686018427387904", {}, {}), 1);
  });
}

}  // namespace
}  // namespace fealty::sql
