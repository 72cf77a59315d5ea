// Databases for tests: a fresh one per test on both engines. A suite is written once and runs on each:
//
//   class Members : public fealty::test::DatabaseTest {};
//   FEALTY_ON_BOTH_ENGINES(Members);
//   TEST_P(Members, AreFoundByEmail) { db().write(…); }
//
// PostgreSQL is the server that the environment variable FEALTY_TEST_POSTGRES names; ./dev test starts one. Without it the
// tests fail: a suite that skips an engine proves nothing.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sql/sql.h"

namespace fealty::test {

std::vector<sql::Engine> engines();
// "Sqlite" or "Postgres", for the names of parameterised tests.
std::string engine_name(::testing::TestParamInfo<sql::Engine> const& info);

// An empty folder that is removed with all it holds.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(TemporaryFolder const&) = delete;
  TemporaryFolder& operator=(TemporaryFolder const&) = delete;
  ~TemporaryFolder();
  std::string const& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

// Migrated databases are copies of one that is migrated once per process.
class TestDatabase {
 public:
  enum class Schema : std::uint8_t { migrated, empty };
  explicit TestDatabase(sql::Engine engine, Schema schema = Schema::migrated, sql::Settings settings = {});
  ~TestDatabase();
  TestDatabase(TestDatabase const&) = delete;
  TestDatabase& operator=(TestDatabase const&) = delete;

  sql::Database& db() { return *database_; }
  std::string const& url() const { return settings_.url; }
  // The settings with which it was opened; `open_another` takes changed ones.
  sql::Settings const& settings() const { return settings_; }
  // A second handle on the same database, as another node or the command line would have.
  std::unique_ptr<sql::Database> open_another() const { return sql::open(settings_); }
  // Closes the handle and opens a new one, as a restart does.
  void reopen();
  // SQLite: where the database file lies, free for further files.
  TemporaryFolder const& folder() const { return folder_; }

 private:
  sql::Engine engine_;
  TemporaryFolder folder_;
  std::string postgres_name_;
  sql::Settings settings_;
  std::unique_ptr<sql::Database> database_;
};

class DatabaseTest : public ::testing::TestWithParam<sql::Engine> {
 protected:
  explicit DatabaseTest(TestDatabase::Schema schema = TestDatabase::Schema::migrated) : schema_(schema) {}
  void SetUp() override { database_ = std::make_unique<TestDatabase>(GetParam(), schema_); }
  TestDatabase& database() { return *database_; }
  sql::Database& db() { return database_->db(); }
  sql::Engine engine() const { return GetParam(); }

 private:
  TestDatabase::Schema schema_;
  std::unique_ptr<TestDatabase> database_;
};

}  // namespace fealty::test

#define FEALTY_ON_BOTH_ENGINES(Suite) \
  INSTANTIATE_TEST_SUITE_P(, Suite, ::testing::ValuesIn(::fealty::test::engines()), ::fealty::test::engine_name)
