#include "sql/sqlite/connection.h"

#include "sql/sqlite/rows_table.h"

namespace fealty::sql::sqlite {
namespace {

using Kind = StorageError::Kind;
constexpr std::string_view kRunTimeName = "a statement made at run time";
// The most that SQLite maps of one file; what lies behind it is read.
constexpr std::int64_t kMappedBytesMax = 0x7fff0000;

Kind kind_of(int extended) {
  if (extended == SQLITE_CONSTRAINT_DATATYPE) return Kind::broken;  // the wrong type for a STRICT column: a programming error
  switch (extended & 0xff) {
    case SQLITE_FULL: return Kind::full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return Kind::busy;
    case SQLITE_CONSTRAINT: return Kind::constraint;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM: return Kind::unavailable;
    default: return Kind::broken;
  }
}

// Each cell is fetched once, as a value, and asked what it is: sqlite3_column_type, …_text and …_bytes would each fetch it anew.
// (Such a value is said to be unprotected, since another thread could use the connection meanwhile. Here none does.)
class SqliteRow final : public Row {
 public:
  SqliteRow(std::string_view name, sqlite3_stmt* handle) : name_(name), handle_(handle), columns_(sqlite3_column_count(handle)) {}

  bool is_null(int column) const override { return sqlite3_value_type(value(column)) == SQLITE_NULL; }

  std::int64_t integer(int column) const override {
    auto* const v = value(column);
    auto const t = sqlite3_value_type(v);
    if (t == SQLITE_INTEGER) return sqlite3_value_int64(v);
    if (t == SQLITE_NULL) return 0;
    wrong(column, "an integer");
  }

  std::string_view text(int column) const override {
    auto* const v = value(column);
    auto const t = sqlite3_value_type(v);
    void const* data = nullptr;
    if (t == SQLITE_TEXT) {
      data = sqlite3_value_text(v);
    } else if (t == SQLITE_BLOB) {
      data = sqlite3_value_blob(v);
    } else if (t != SQLITE_NULL) {
      wrong(column, "text");
    }
    if (!data) return {};
    return {static_cast<char const*>(data), static_cast<std::size_t>(sqlite3_value_bytes(v))};
  }

 private:
  sqlite3_value* value(int column) const {
    if (column < 0 || column >= columns_) wrong(column, "a column");
    return sqlite3_column_value(handle_, column);
  }
  [[noreturn]] void wrong(int column, char const* wanted) const {
    throw StorageError(Kind::broken, std::string(name_) + ": column " + std::to_string(column) + " is not " + wanted);
  }
  std::string_view name_;
  sqlite3_stmt* handle_;
  int columns_;
};

// Before the library's first use. Its count of allocated bytes is behind one lock for all connections, and asked by nobody.
void configure_once() {
  static bool const done = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK;
  static_cast<void>(done);
}

}  // namespace

StorageError error_of(sqlite3* db, std::string_view what) {
  int const code = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
  return {kind_of(code), std::string(what) + ": " + (db ? sqlite3_errmsg(db) : "out of memory") + " (SQLite " + std::to_string(code) + ")"};
}

Connection::Connection(std::string const& path, Mode mode, int cache_kib, int busy_timeout_ms) {
  configure_once();
  int const flags = (mode == Mode::write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2(path.c_str(), &db_, flags, nullptr) != SQLITE_OK) {
    auto error = error_of(db_, "cannot open the database file " + path);
    sqlite3_close_v2(db_);
    throw error;
  }
  try {
    sqlite3_busy_timeout(db_, busy_timeout_ms);
    // A name in double quotes is a name: a typing error must not turn into a text.
    sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    if (register_rows_table(db_) != SQLITE_OK) throw error_of(db_, "cannot register fealty_rows");
    pragma(("PRAGMA cache_size = -" + std::to_string(cache_kib)).c_str());
    pragma("PRAGMA foreign_keys = ON");
    // Readers see the file as memory: a page that is not in their small cache is no call of the system, and no copy. Only what is
    // read is mapped: the writer's errors stay errors.
    if (mode == Mode::read) pragma(("PRAGMA mmap_size = " + std::to_string(kMappedBytesMax)).c_str());
    if (mode == Mode::write) {
      pragma("PRAGMA synchronous = FULL");
      pragma("PRAGMA wal_autocheckpoint = 0");
      // A log that grew during a long read is cut to this size when it starts anew.
      pragma("PRAGMA journal_size_limit = 67108864");
      // Deleted personal data is overwritten where that costs no further input or output.
      pragma("PRAGMA secure_delete = FAST");
    }
    static constexpr char const* kControls[] = {"BEGIN",          "BEGIN IMMEDIATE", "COMMIT",          "ROLLBACK",
                                                "SAVEPOINT task", "RELEASE task",    "ROLLBACK TO task"};
    for (std::size_t i = 0; i < controls_.size(); ++i) controls_[i] = compile(kControls[i], kControls[i], SQLITE_PREPARE_PERSISTENT);
  } catch (...) {
    for (auto& c : controls_) c.reset();
    sqlite3_close_v2(db_);
    throw;
  }
}

Connection::~Connection() {
  statements_.clear();
  texts_.clear();
  for (auto& c : controls_) c.reset();
  sqlite3_close_v2(db_);
}

void Connection::pragma(char const* text) {
  if (sqlite3_exec(db_, text, nullptr, nullptr, nullptr) != SQLITE_OK) throw error_of(db_, text);
}

void Connection::control(Control which) {
  auto* handle = controls_[static_cast<std::size_t>(which)].get();
  int const rc = sqlite3_step(handle);
  if (rc == SQLITE_DONE) {
    sqlite3_reset(handle);
    return;
  }
  auto error = error_of(db_, sqlite3_sql(handle));
  sqlite3_reset(handle);
  throw error;
}

bool Connection::rollback_quietly() noexcept {
  if (!in_transaction()) return true;
  auto* handle = controls_[static_cast<std::size_t>(Control::rollback)].get();
  sqlite3_step(handle);
  sqlite3_reset(handle);
  return !in_transaction();
}

bool Connection::has_open_foreign_keys() const {
  int current = 0, highest = 0;
  sqlite3_db_status(db_, SQLITE_DBSTATUS_DEFERRED_FKS, &current, &highest, 0);
  return current != 0;
}

Connection::Handle Connection::compile(std::string_view name, std::string const& text, unsigned flags) {
  sqlite3_stmt* raw = nullptr;
  char const* rest = nullptr;
  if (sqlite3_prepare_v3(db_, text.c_str(), static_cast<int>(text.size() + 1), flags, &raw, &rest) != SQLITE_OK) {
    throw error_of(db_, name);
  }
  Handle handle(raw);
  bool const more = rest && std::string_view(rest).find_first_not_of(" \t\r\n;") != std::string_view::npos;
  if (!handle || more) throw StorageError(Kind::broken, std::string(name) + ": is not exactly one statement");
  return handle;
}

Connection::Prepared& Connection::prepared(Statement const& statement) {
  if (statement.index() >= statements_.size()) statements_.resize(statement.index() + 1);
  auto& slot = statements_[statement.index()];
  if (!slot.handle) {
    auto expanded = expand_statement(statement.text(Engine::sqlite), Engine::sqlite);
    slot.handle = compile(statement.name(), expanded.text, SQLITE_PREPARE_PERSISTENT);
    slot.shape = std::move(expanded.shape);
  }
  return slot;
}

std::int64_t Connection::run(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row) {
  auto& slot = prepared(statement);
  if (sqlite3_stmt_busy(slot.handle.get())) {
    // It runs already, and this call comes from its on_row: it gets a form of its own.
    auto const expanded = expand_statement(statement.text(Engine::sqlite), Engine::sqlite);
    auto const handle = compile(statement.name(), expanded.text, 0);
    check_call(statement.name(), expanded.shape, params, batch);
    return execute(statement.name(), handle.get(), params, batch, on_row);
  }
  check_call(statement.name(), slot.shape, params, batch);
  // The handle is passed on, not the slot: the slot may move when on_row prepares further statements.
  return execute(statement.name(), slot.handle.get(), params, batch, on_row);
}

std::int64_t Connection::run_text(std::string_view text, std::span<Param const> params, OnRow const& on_row) {
  std::string key(text);
  auto known = texts_.find(key);
  bool const busy = known != texts_.end() && sqlite3_stmt_busy(known->second.handle.get());
  if (known == texts_.end() || busy) {
    auto expanded = expand_statement(text, Engine::sqlite);
    Prepared made{compile(kRunTimeName, expanded.text, 0), std::move(expanded.shape)};
    check_call(kRunTimeName, made.shape, params, nullptr);
    if (busy || !text.starts_with("SELECT ")) return execute(kRunTimeName, made.handle.get(), params, nullptr, on_row);
    if (texts_.size() >= kTextsMax) std::erase_if(texts_, [](auto const& entry) { return !sqlite3_stmt_busy(entry.second.handle.get()); });
    known = texts_.emplace(std::move(key), std::move(made)).first;
  }
  check_call(kRunTimeName, known->second.shape, params, nullptr);
  return execute(kRunTimeName, known->second.handle.get(), params, nullptr, on_row);
}

void Connection::bind(std::string_view name, sqlite3_stmt* handle, std::span<Param const> params, Batch const* batch) {
  int number = 0;
  for (auto const& p : params) {
    ++number;
    int rc = SQLITE_OK;
    // All is borrowed until the statement is reset: nothing is copied.
    if (auto const* integer = std::get_if<std::int64_t>(&p)) {
      rc = sqlite3_bind_int64(handle, number, *integer);
    } else if (auto const* text = std::get_if<std::string_view>(&p)) {
      rc = sqlite3_bind_text64(handle, number, text->data() ? text->data() : "", text->size(), SQLITE_STATIC, SQLITE_UTF8);
    } else if (auto const* blob = std::get_if<Blob>(&p)) {
      rc = sqlite3_bind_blob64(handle, number, blob->bytes.data() ? blob->bytes.data() : "", blob->bytes.size(), SQLITE_STATIC);
    } else {
      rc = sqlite3_bind_null(handle, number);
    }
    if (rc != SQLITE_OK) throw error_of(db_, name);
  }
  if (batch && sqlite3_bind_pointer(handle, number + 1, const_cast<Batch*>(batch), kBatchPointer, nullptr) != SQLITE_OK) {
    throw error_of(db_, name);
  }
}

std::int64_t Connection::execute(std::string_view name, sqlite3_stmt* handle, std::span<Param const> params, Batch const* batch,
                                 OnRow const& on_row) {
  struct Reset {
    sqlite3_stmt* handle;
    ~Reset() {
      sqlite3_reset(handle);
      sqlite3_clear_bindings(handle);  // they point into the caller's memory
    }
  } const reset{handle};
  bind(name, handle, params, batch);
  auto const changes_before = sqlite3_total_changes64(db_);
  SqliteRow const row(name, handle);
  std::int64_t rows = 0;
  int rc = SQLITE_OK;
  while ((rc = sqlite3_step(handle)) == SQLITE_ROW) {
    ++rows;
    if (on_row) on_row(row);
  }
  if (rc != SQLITE_DONE) throw error_of(db_, name);
  // SELECT and RETURNING: what was read. Otherwise what this statement changed; sqlite3_changes64 alone would repeat an
  // older statement's number after one that changes no rows by nature.
  if (sqlite3_column_count(handle) > 0) return rows;
  return sqlite3_total_changes64(db_) == changes_before ? 0 : sqlite3_changes64(db_);
}

template <class F>
std::int64_t SqliteTx::guarded(F&& fn) {
  check_usable();
  try {
    return fn();
  } catch (StorageError const& e) {
    failure_ = e;
    throw;
  }
}

void SqliteTx::check_usable() const {
  if (failure_) throw StorageError(*failure_);
}

std::int64_t SqliteTx::run(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row) {
  return guarded([&] { return connection_.run(statement, params, batch, on_row); });
}

std::int64_t SqliteTx::run_text(std::string_view text, std::span<Param const> params, OnRow const& on_row) {
  return guarded([&] { return connection_.run_text(text, params, on_row); });
}

void SqliteTx::prepare(Statement const& statement) {
  guarded([&] {
    connection_.prepare(statement);
    return 0;
  });
}

}  // namespace fealty::sql::sqlite
