#include "sql/items.h"

namespace fealty::sql {

Statement const kInsertItem{"test.insert_item", "INSERT INTO items (id, n, t, b) VALUES ($1, $2, $3, $4)"};
Statement const kOneItem{"test.one_item", "SELECT id, n, t, b FROM items WHERE id = $1"};
Statement const kAddToItem{"test.add_to_item", "UPDATE items SET n = n + $2 WHERE id = $1"};
Statement const kAppendItems{Append{}, "test.append_items",
                             "INSERT INTO items (id, n, t, b) SELECT r.i, $1, r.t, r.b FROM {rows r: i int, t text, b blob}"};
Statement const kItemSums{"test.item_sums", "SELECT count(*), coalesce(sum(n), 0) FROM items"};

Sums sums(Tx& tx) {
  return *tx.one(kItemSums, [](Row const& r) { return Sums{r.integer(0), r.integer(1)}; });
}

StorageError::Kind kind_of_failure(std::function<void()> const& call) {
  try {
    call();
  } catch (StorageError const& e) {
    EXPECT_STRNE(e.what(), "");
    return e.kind();
  }
  throw std::runtime_error("the call was expected to fail");
}

void ItemsTest::make_items(Database& db) {
  db.write([](Tx& tx) {
    tx.run_text(
        "CREATE TABLE items (id {int} NOT NULL PRIMARY KEY, n {int} CONSTRAINT not_negative CHECK (n >= 0), t TEXT, b {blob}){strict}", {},
        {});
  });
}

}  // namespace fealty::sql
