// A table for the room's own tests, and statements for it.
#pragma once
#include "base/error.h"
#include "sql/sql.h"
#include "support/database.h"

namespace fealty::sql {

extern Statement const kInsertItem, kOneItem, kAddToItem, kItemSums, kAppendItems;

// Sum and number of the items.
struct Sums {
  std::int64_t rows, total;
};
Sums sums(Tx& tx);
inline Sums sums(Database& db) {
  return db.read([](Tx& tx) { return sums(tx); });
}

StorageError::Kind kind_of_failure(std::function<void()> const& call);

// Migrated, with an empty table items (id, n, t, b), where n must not be negative.
class ItemsTest : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    make_items(db());
  }
  static void make_items(Database& db);
};

}  // namespace fealty::sql
