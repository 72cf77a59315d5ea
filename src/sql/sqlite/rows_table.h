// fealty_rows(batch): a Batch as a table of the columns c0 to c31. Nothing is copied: the table reads the batch in place.
#pragma once
#include <sqlite3.h>

namespace fealty::sql::sqlite {

inline constexpr int kRowsColumnsMax = 32;
// The name under which sqlite3_bind_pointer passes a `Batch const*`.
inline constexpr char const* kBatchPointer = "fealty.batch";

// Returns SQLite's result code.
int register_rows_table(sqlite3* db);

}  // namespace fealty::sql::sqlite
