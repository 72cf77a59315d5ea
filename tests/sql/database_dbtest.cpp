#include "sql/sql.h"
#include "support/database.h"

namespace fealty::sql {
namespace {

Statement const kMakeItems{"test.make_items", "CREATE TABLE items (id {int} NOT NULL PRIMARY KEY, n {int}, t TEXT, b {blob}){strict}"};
Statement const kInsert{"test.insert_item", "INSERT INTO items (id, n, t, b) VALUES ($1, $2, $3, $4)"};
Statement const kInsertReturning{"test.insert_item_returning", "INSERT INTO items (id, n) VALUES ($1, $2) RETURNING n"};
Statement const kInsertBatch{
    "test.insert_items", "INSERT INTO items (id, n, t, b) SELECT r.id, r.n + $1, r.t, r.b FROM {rows r: id int, n int, t text, b blob}"};
Statement const kSelectBatch{"test.select_items",
                             "SELECT i.id, i.n, i.t, i.b FROM {rows r: id int} JOIN items i ON i.id = r.id WHERE i.id > $1 ORDER BY i.id"};
Statement const kUpdateBatch{"test.update_items", "UPDATE items SET n = r.n FROM {rows r: id int, n int} WHERE items.id = r.id"};
Statement const kSelectAll{"test.all_items", "SELECT id, n, t, b FROM items ORDER BY id"};
Statement const kSelectOne{"test.one_item", "SELECT id, n, t, b FROM items WHERE id = $1"};
Statement const kAdd{"test.add_item", "UPDATE items SET n = n + $2 WHERE id = $1"};
Statement const kCount{"test.count_items", "SELECT count(*), coalesce(sum(n), 0) FROM items"};
Statement const kNow{"test.now", "SELECT {now_ms}"};

class Databases : public test::DatabaseTest {
 protected:
  Databases() : DatabaseTest(test::TestDatabase::Schema::empty) {}
  void SetUp() override {
    DatabaseTest::SetUp();
    db().write([](Tx& tx) { tx.exec(kMakeItems); });
  }
};
FEALTY_ON_BOTH_ENGINES(Databases);

TEST_P(Databases, RoundTripsABatch) {
  Batch batch{Batch::Type::integer, Batch::Type::integer, Batch::Type::text, Batch::Type::blob};
  batch.add(1, std::int64_t{10}, "a", Blob{std::string_view("\0\xff", 2)});
  batch.add(2, nullptr, nullptr, nullptr);
  EXPECT_EQ(db().write([&](Tx& tx) { return tx.exec_batch(kInsertBatch, batch, 5); }), 2);
  Batch ids{Batch::Type::integer};
  ids.add(1);
  ids.add(2);
  int seen = 0;
  db().read([&](Tx& tx) {
    return tx.each_batch(
        kSelectBatch, ids,
        [&](Row const& r) {
          if (++seen == 1) {
            EXPECT_EQ(r.integer(1), 15);
            EXPECT_EQ(r.text(3), std::string_view("\0\xff", 2));
          } else {
            EXPECT_TRUE(r.is_null(1));
          }
        },
        0);
  });
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace fealty::sql
