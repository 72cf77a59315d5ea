// One SQLite connection with its prepared statements. Used by one thread at a time.
#pragma once
#include <sqlite3.h>

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "sql/sql.h"
#include "sql/tokens.h"

namespace fealty::sql::sqlite {

// The error of the connection's last call; `what` says what was tried.
StorageError error_of(sqlite3* db, std::string_view what);

class Connection {
 public:
  enum class Mode : std::uint8_t { write, read };
  // The database file must exist for Mode::read.
  Connection(std::string const& path, Mode mode, int cache_kib, int busy_timeout_ms);
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;
  ~Connection();

  enum class Control : std::uint8_t { begin, begin_immediate, commit, rollback, savepoint, release, rollback_to };
  void control(Control which);
  // For the way out of a failure: never throws. Returns false when the transaction could not be ended.
  bool rollback_quietly() noexcept;
  bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
  // A deferred foreign key is violated at this moment, so that COMMIT would fail.
  bool has_open_foreign_keys() const;

  std::int64_t run(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row);
  std::int64_t run_text(std::string_view text, std::span<Param const> params, OnRow const& on_row);
  void prepare(Statement const& statement) { prepared(statement); }
  sqlite3* handle() const { return db_; }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  using Handle = std::unique_ptr<sqlite3_stmt, Finalize>;
  struct Prepared {
    Handle handle;
    Shape shape;
  };
  Handle compile(std::string_view name, std::string const& text, unsigned flags);
  Prepared& prepared(Statement const& statement);
  std::int64_t execute(std::string_view name, sqlite3_stmt* handle, std::span<Param const> params, Batch const* batch, OnRow const& on_row);
  void bind(std::string_view name, sqlite3_stmt* handle, std::span<Param const> params, Batch const* batch);
  void pragma(char const* text);

  sqlite3* db_ = nullptr;
  std::vector<Prepared> statements_;  // by Statement::index()
  // Questions made at run time that were asked before: filters come again with other values.
  static constexpr std::size_t kTextsMax = 64;
  std::unordered_map<std::string, Prepared> texts_;
  std::array<Handle, 7> controls_;
};

// The transaction that runs on a connection at this moment.
class SqliteTx final : public Tx {
 public:
  explicit SqliteTx(Connection& connection) : connection_(connection) {}
  Engine engine() const override { return Engine::sqlite; }
  std::int64_t run(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row) override;
  std::int64_t run_text(std::string_view text, std::span<Param const> params, OnRow const& on_row) override;
  void prepare(Statement const& statement) override;
  // Throws when one of its statements failed and the function hid that.
  void check_usable() const;

 private:
  template <class F>
  std::int64_t guarded(F&& fn);
  Connection& connection_;
  std::optional<StorageError> failure_;
};

}  // namespace fealty::sql::sqlite
