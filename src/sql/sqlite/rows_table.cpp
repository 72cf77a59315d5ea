#include "sql/sqlite/rows_table.h"

#include <string>

#include "sql/sql.h"

namespace fealty::sql::sqlite {
namespace {

struct Cursor {
  sqlite3_vtab_cursor base;  // SQLite sees this part alone
  Batch const* batch;
  std::size_t row;
};

Cursor& cursor_of(sqlite3_vtab_cursor* base) { return *reinterpret_cast<Cursor*>(base); }

int connect(sqlite3* db, void*, int, char const* const*, sqlite3_vtab** out, char**) {
  std::string declaration = "CREATE TABLE x(";
  for (int i = 0; i < kRowsColumnsMax; ++i) declaration += "c" + std::to_string(i) + ", ";
  declaration += "batch HIDDEN)";
  if (int const rc = sqlite3_declare_vtab(db, declaration.c_str()); rc != SQLITE_OK) return rc;
  auto* table = static_cast<sqlite3_vtab*>(sqlite3_malloc(sizeof(sqlite3_vtab)));
  if (!table) return SQLITE_NOMEM;
  *table = {};
  *out = table;
  // It reads only what the caller bound, so it may be used whatever the schema's origin.
  return sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
}

int disconnect(sqlite3_vtab* table) {
  sqlite3_free(table);
  return SQLITE_OK;
}

// The only plan is a scan of the bound batch. A plan that would have to guess the batch is refused.
int best_index(sqlite3_vtab*, sqlite3_index_info* info) {
  for (int i = 0; i < info->nConstraint; ++i) {
    auto const& c = info->aConstraint[i];
    if (c.iColumn != kRowsColumnsMax || c.op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (!c.usable) return SQLITE_CONSTRAINT;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
    // Far fewer rows than SQLite assumes of a table without statistics (about a million): the batch becomes the outer loop
    // and the tables are looked up by their keys.
    info->estimatedRows = 100;
    info->estimatedCost = 100;
    return SQLITE_OK;
  }
  return SQLITE_CONSTRAINT;
}

int open(sqlite3_vtab*, sqlite3_vtab_cursor** out) {
  auto* cursor = static_cast<Cursor*>(sqlite3_malloc(sizeof(Cursor)));
  if (!cursor) return SQLITE_NOMEM;
  *cursor = {};
  *out = &cursor->base;
  return SQLITE_OK;
}

int close(sqlite3_vtab_cursor* base) {
  sqlite3_free(&cursor_of(base));
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* base, int, char const*, int, sqlite3_value** arguments) {
  auto& cursor = cursor_of(base);
  cursor.row = 0;
  cursor.batch = static_cast<Batch const*>(sqlite3_value_pointer(arguments[0], kBatchPointer));
  if (cursor.batch) return SQLITE_OK;
  base->pVtab->zErrMsg = sqlite3_mprintf("fealty_rows needs a bound batch");
  return SQLITE_ERROR;
}

int next(sqlite3_vtab_cursor* base) {
  ++cursor_of(base).row;
  return SQLITE_OK;
}

int eof(sqlite3_vtab_cursor* base) {
  auto const& cursor = cursor_of(base);
  return cursor.row >= cursor.batch->rows();
}

int column(sqlite3_vtab_cursor* base, sqlite3_context* context, int number) {
  auto const& cursor = cursor_of(base);
  auto const& columns = cursor.batch->columns();
  if (static_cast<std::size_t>(number) >= columns.size()) return SQLITE_OK;  // NULL
  auto const& c = columns[static_cast<std::size_t>(number)];
  if (!c.nulls.empty() && c.nulls[cursor.row]) return SQLITE_OK;
  if (c.type == Batch::Type::integer) {
    sqlite3_result_int64(context, c.integers[cursor.row]);
    return SQLITE_OK;
  }
  auto const bytes = c.texts[cursor.row];
  char const* const data = bytes.data() ? bytes.data() : "";  // a null pointer would become NULL
  if (c.type == Batch::Type::text) {
    sqlite3_result_text64(context, data, bytes.size(), SQLITE_STATIC, SQLITE_UTF8);
  } else {
    sqlite3_result_blob64(context, data, bytes.size(), SQLITE_STATIC);
  }
  return SQLITE_OK;
}

int rowid(sqlite3_vtab_cursor* base, sqlite3_int64* out) {
  *out = static_cast<sqlite3_int64>(cursor_of(base).row);
  return SQLITE_OK;
}

constexpr sqlite3_module make_module() {
  sqlite3_module m{};
  // Without xCreate the table is "eponymous only": it exists without a CREATE VIRTUAL TABLE.
  m.xConnect = connect;
  m.xBestIndex = best_index;
  m.xDisconnect = disconnect;
  m.xOpen = open;
  m.xClose = close;
  m.xFilter = filter;
  m.xNext = next;
  m.xEof = eof;
  m.xColumn = column;
  m.xRowid = rowid;
  return m;
}

constexpr sqlite3_module kModule = make_module();

}  // namespace

int register_rows_table(sqlite3* db) { return sqlite3_create_module_v2(db, "fealty_rows", &kModule, nullptr, nullptr); }

}  // namespace fealty::sql::sqlite
