#include "sql/sql.h"
#include "sql/tokens.h"

namespace fealty::sql {
namespace {

struct Case {
  char const* text;
  char const* sqlite;
  char const* postgres;
};

constexpr Case kCases[] = {
    {"SELECT 1", "SELECT 1", "SELECT 1"},
    {"SELECT $1, $22 FROM t", "SELECT ?1, ?22 FROM t", "SELECT $1, $22 FROM t"},
    {"a {int}, b {blob}", "a INTEGER, b BLOB", "a BIGINT, b BYTEA"},
    {"CREATE TABLE t (a {int}){strict}", "CREATE TABLE t (a INTEGER) STRICT", "CREATE TABLE t (a BIGINT)"},
    {"CREATE TABLE t (a {int}){without_rowid}", "CREATE TABLE t (a INTEGER) STRICT, WITHOUT ROWID", "CREATE TABLE t (a BIGINT)"},
    {"{entry_key community_id, entry_id}", "PRIMARY KEY (entry_id)", "PRIMARY KEY (community_id, entry_id)"},
    {"CREATE INDEX i ON t (a){include b}", "CREATE INDEX i ON t (a)", "CREATE INDEX i ON t (a) INCLUDE (b)"},
    {"{room_for_updates t}", "SELECT 1", "ALTER TABLE t SET (fillfactor = 50)"},
    {"SELECT a FROM t {lock t}", "SELECT a FROM t ", "SELECT a FROM t FOR NO KEY UPDATE OF t"},
    {"SELECT a FROM t {skip_locked t}", "SELECT a FROM t ", "SELECT a FROM t FOR NO KEY UPDATE OF t SKIP LOCKED"},
    {"FROM {rows r: a int}", "FROM (SELECT c0 AS a FROM fealty_rows(?1)) AS r", "FROM unnest($1::bigint[]) AS r(a)"},
    // The arrays' numbers follow the highest scalar, wherever it stands.
    {"FROM {rows r: a int, b text, c blob} WHERE x = $2 AND y = $1",
     "FROM (SELECT c0 AS a, c1 AS b, c2 AS c FROM fealty_rows(?3)) AS r WHERE x = ?2 AND y = ?1",
     "FROM unnest($3::bigint[], $4::text[], $5::bytea[]) AS r(a, b, c) WHERE x = $2 AND y = $1"},
    {"FROM {rows r:\n  a int,\n  b text}", "FROM (SELECT c0 AS a, c1 AS b FROM fealty_rows(?1)) AS r",
     "FROM unnest($1::bigint[], $2::text[]) AS r(a, b)"},
    // Literals, quoted names and comments are left alone.
    {"SELECT '{int} $1', $1, 'it''s $2'", "SELECT '{int} $1', ?1, 'it''s $2'", "SELECT '{int} $1', $1, 'it''s $2'"},
    {"SELECT \"a{int}$1\"", "SELECT \"a{int}$1\"", "SELECT \"a{int}$1\""},
    {"-- {int} $1 don't\nSELECT $1", "-- {int} $1 don't\nSELECT ?1", "-- {int} $1 don't\nSELECT $1"},
    {"/* {x} $3 */ SELECT $1", "/* {x} $3 */ SELECT ?1", "/* {x} $3 */ SELECT $1"},
    {"SELECT $1 - -$2", "SELECT ?1 - -?2", "SELECT $1 - -$2"},
};

TEST(Expand, SpellsTokensForEachEngine) {
  for (auto const& c : kCases) {
    EXPECT_EQ(expand(c.text, Engine::sqlite), c.sqlite);
    EXPECT_EQ(expand(c.text, Engine::postgres), c.postgres);
  }
}

TEST(Expand, RefusesWhatItDoesNotKnow) {
  for (char const* text : {"{integer}", "{int x}", "{", "{int", "{rows}", "{rows r}", "{rows r:}", "{rows r: a}", "{rows r: a float}",
                           "{rows r: a int} {rows s: b int}", "{rows 1: a int}", "{lock}", "{lock a b}", "{skip_locked}", "{entry_key a}",
                           "{entry_key a, b, c}", "SELECT $0", "SELECT $99999"}) {
    for (auto const engine : {Engine::sqlite, Engine::postgres}) EXPECT_THROW(expand(text, engine), StorageError) << text;
  }
}

TEST(Expand, KnowsWhatACallMustBring) {
  auto const shape = expand_statement("UPDATE t SET a = $3 FROM {rows r: a int, b text, c blob} WHERE t.x = $1", Engine::sqlite).shape;
  EXPECT_EQ(shape.scalars, 3u);
  EXPECT_EQ(shape.columns, (std::vector{Batch::Type::integer, Batch::Type::text, Batch::Type::blob}));
  Param const params[] = {nullptr, nullptr, nullptr};
  Batch const fits{Batch::Type::integer, Batch::Type::text, Batch::Type::blob};
  Batch const narrow{Batch::Type::integer, Batch::Type::text};
  Batch const other{Batch::Type::integer, Batch::Type::text, Batch::Type::text};
  EXPECT_NO_THROW(check_call("s", shape, params, &fits));
  EXPECT_THROW(check_call("s", shape, std::span(params, 2), &fits), StorageError);
  EXPECT_THROW(check_call("s", shape, params, nullptr), StorageError);
  EXPECT_THROW(check_call("s", shape, params, &narrow), StorageError);
  EXPECT_THROW(check_call("s", shape, params, &other), StorageError);
  EXPECT_THROW(check_call("s", Shape{.scalars = 3, .columns = {}}, params, &fits), StorageError);
}

TEST(SplitStatements, CutsOutsideOfLiteralsAndComments) {
  auto const parts = split_statements(
      "-- first; not a cut\n"
      "CREATE TABLE a (x TEXT DEFAULT ';');\n\n"
      "/* only; a comment */\n"
      "INSERT INTO a VALUES ('it''s; fine'); -- trailing; comment\n"
      ";;\n"
      "DROP TABLE a");
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0], "-- first; not a cut\nCREATE TABLE a (x TEXT DEFAULT ';')");
  EXPECT_EQ(parts[1], "/* only; a comment */\nINSERT INTO a VALUES ('it''s; fine')");
  EXPECT_EQ(parts[2], "DROP TABLE a");
}

TEST(SplitStatements, GivesNothingForCommentsAlone) { EXPECT_TRUE(split_statements("-- a\n/* b; */ ;\n ").empty()); }

TEST(Batches, TakeWhatTheirColumnsAreAndNothingElse) {
  Batch batch{Batch::Type::integer, Batch::Type::text};
  batch.add(1, "a");
  batch.add(std::optional<std::int64_t>(), nullptr);
  batch.add(true, std::string("b"));
  EXPECT_EQ(batch.rows(), 3u);
  EXPECT_EQ(batch.columns()[0].integers, (std::vector<std::int64_t>{1, 0, 1}));
  EXPECT_EQ(batch.columns()[1].nulls, (std::vector<bool>{false, true, false}));
  EXPECT_THROW(batch.add("a", "a"), StorageError);
  batch.clear();
  EXPECT_EQ(batch.rows(), 0u);
  EXPECT_THROW(batch.add(1, 2), StorageError);
  batch.clear();
  EXPECT_THROW(batch.add(1), StorageError);
  batch.clear();
  EXPECT_THROW(batch.add(1, "a", 3), StorageError);
}

}  // namespace
}  // namespace fealty::sql
