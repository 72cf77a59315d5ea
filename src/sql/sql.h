// The one seam to storage: statements, transactions, rows. Two engines stand behind it (SQLite embedded, PostgreSQL when
// the installation grows) and no other room knows which.
//
// SQL is written once. Parameters are `$1`, `$2` …; a few tokens cover what the engines spell differently:
//   {int} {blob}        column types (INTEGER / BIGINT, BLOB / BYTEA); TEXT is TEXT on both
//   {strict}            after a CREATE TABLE's closing parenthesis: STRICT / nothing
//   {without_rowid}     the same, for tables clustered by a key of several columns: STRICT, WITHOUT ROWID / nothing
//   {entry_key a, b}    key of an append-only table numbered by time: `b INTEGER PRIMARY KEY` semantics are wanted on
//                       SQLite (every insert is an append), PRIMARY KEY (a, b) on PostgreSQL: see migrations/README.md
//   {lock t}            FOR NO KEY UPDATE OF t / nothing (SQLite has one writer)
//   {skip_locked t}     FOR NO KEY UPDATE OF t SKIP LOCKED / nothing
//   {now_ms}            the database's own clock in milliseconds
//   {include c}         INCLUDE (c) after an index: the column can be read from it / nothing (a number of the key of the table
//                       stands in every index there)
//   {room_for_updates t}  a whole statement: pages of t are filled by half, so that a changed row finds room beside itself and
//                       no index has to learn of it / SELECT 1 (rows are changed in place)
//   {rows r: a int, b text, c blob}   a set of rows given as one Batch parameter, readable like a table r with columns
//                       a, b, c: unnest($n::bigint[], …) / the table-valued function fealty_rows. At most one a statement;
//                       its parameters come after the scalar ones.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fealty::sql {

enum class Engine : std::uint8_t { sqlite, postgres };

// A statement that is written once, at namespace scope of a store, and lives as long as the program. Construction puts it
// into the list that the test "every statement prepares on both engines" walks; connections keep their prepared form by
// its index.
// Marks a statement on tables of a scratch database, which are no part of the schema.
struct Scratch {};
// Marks a statement that does nothing but append a batch: INSERT INTO t (columns) SELECT … FROM {rows r: …}, each value a `$n` or
// a column of r. PostgreSQL takes large batches of it as COPY, which is a third faster and writes a quarter less to the log.
struct Append {};

class Statement {
 public:
  Statement(std::string_view name, std::string_view text);
  // The counted exception: a statement that needs two texts.
  Statement(std::string_view name, std::string_view sqlite_text, std::string_view postgres_text);
  Statement(Append, std::string_view name, std::string_view text);
  // SQLite only, on tables that the caller makes (a dry run's memory).
  Statement(Scratch, std::string_view name, std::string_view sqlite_text);
  Statement(Statement const&) = delete;
  Statement& operator=(Statement const&) = delete;

  std::string_view name() const { return name_; }
  std::string_view text(Engine e) const { return e == Engine::sqlite ? sqlite_text_ : postgres_text_; }
  std::size_t index() const { return index_; }
  bool is_scratch() const { return postgres_text_.empty(); }
  bool is_append() const { return is_append_; }

  static std::vector<Statement const*> const& all();

 private:
  std::string_view name_, sqlite_text_, postgres_text_;
  std::size_t index_;
  bool is_append_ = false;
};

struct Blob {
  std::string_view bytes;
};
// A scalar parameter. Text and blobs are borrowed for the duration of the call.
using Param = std::variant<std::nullptr_t, std::int64_t, std::string_view, Blob>;
inline Param param(std::nullptr_t) { return nullptr; }
inline Param param(bool v) { return static_cast<std::int64_t>(v); }
inline Param param(int v) { return static_cast<std::int64_t>(v); }
inline Param param(std::int64_t v) { return v; }
inline Param param(std::string_view v) { return v; }
inline Param param(std::string const& v) { return std::string_view(v); }
inline Param param(char const* v) { return std::string_view(v); }
inline Param param(Blob v) { return v; }
template <class T>
  requires requires(T t) {
    { t.value } -> std::convertible_to<std::int64_t>;
  }
Param param(T v) {
  return static_cast<std::int64_t>(v.value);
}
template <class T>
Param param(std::optional<T> const& v) {
  return v ? param(*v) : Param(nullptr);
}

// Rows by column for one {rows …} token. Text is borrowed: it must outlive the call. All columns have the same length.
class Batch {
 public:
  enum class Type : std::uint8_t { integer, text, blob };
  struct Column {
    Type type;
    std::vector<std::int64_t> integers;
    std::vector<std::string_view> texts;  // text and blob
    std::vector<bool> nulls;              // empty: none is null
  };
  explicit Batch(std::initializer_list<Type> types);
  std::size_t rows() const { return rows_; }
  std::vector<Column> const& columns() const { return columns_; }
  void reserve(std::size_t rows);
  void clear();
  // One value per column, in order: integers, strong numbers, string views, nullptr, optionals of them.
  template <class... T>
  void add(T const&... values) {
    std::size_t column = 0;
    (put(column++, param(values)), ...);
    check_width(column);
    ++rows_;
  }

 private:
  void put(std::size_t column, Param const& value);
  void check_width(std::size_t given) const;
  std::vector<Column> columns_;
  std::size_t rows_ = 0;
};

// The row under the cursor. Column numbers from 0. A NULL read as an integer is 0 and as text is empty; a wrong type is a
// broken invariant and throws. Views are valid until the next row.
class Row {
 public:
  virtual ~Row() = default;
  virtual bool is_null(int column) const = 0;
  virtual std::int64_t integer(int column) const = 0;
  virtual std::string_view text(int column) const = 0;  // text and blob alike
  std::string string(int column) const { return std::string(text(column)); }
  bool boolean(int column) const { return integer(column) != 0; }
  std::optional<std::int64_t> optional_integer(int column) const { return is_null(column) ? std::nullopt : std::optional(integer(column)); }
  std::optional<std::string> optional_string(int column) const { return is_null(column) ? std::nullopt : std::optional(string(column)); }
};
using OnRow = std::function<void(Row const&)>;

// Unexpected failures of storage. They travel as exceptions to the one place that knows what to do.
class StorageError : public std::runtime_error {
 public:
  enum class Kind : std::uint8_t {
    unavailable,     // connection lost, engine restarting, disk I/O error: may pass
    full,            // no space left
    busy,            // serialisation failure, deadlock or lock wait that outlived its retries
    constraint,      // a unique key or check was violated
    commit_unknown,  // the connection broke while COMMIT was on its way: it may or may not have taken effect
    broken,          // anything else: a programming error or a damaged file
  };
  StorageError(Kind kind, std::string const& what) : std::runtime_error(what), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// A running transaction. Used by one thread, only inside the function that `read` or `write` calls. After a StorageError
// of one of its statements the transaction is lost on both engines: further statements throw, and it cannot commit.
class Tx {
 public:
  virtual ~Tx() = default;
  virtual Engine engine() const = 0;
  // Runs the statement; calls on_row for every row; returns the number of rows changed (INSERT/UPDATE/DELETE) or read.
  virtual std::int64_t run(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row) = 0;
  // As run(), but the statement may wait for the next run() or settle(), or for the commit: on PostgreSQL those that wait travel
  // together, in one round trip. What goes wrong is thrown there, and on_row is called there: what it refers to must live so
  // long. Parameters and batch need not.
  virtual void run_later(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row) {
    run(statement, params, batch, on_row);
  }
  // Every statement that was put off has run when it returns.
  virtual void settle() {}
  // A text that is made at run time (console filters, maintenance). Same tokens; prepared for this call alone.
  virtual std::int64_t run_text(std::string_view text, std::span<Param const> params, OnRow const& on_row) = 0;
  // Only prepares it, which proves that its text, tables and columns are right.
  virtual void prepare(Statement const& statement) = 0;

  template <class... T>
  std::int64_t exec(Statement const& s, T const&... values) {
    Param const list[] = {param(values)..., nullptr};
    return run(s, std::span(list, sizeof...(T)), nullptr, {});
  }
  // F: void(Row const&)
  template <class F, class... T>
  std::int64_t each(Statement const& s, F&& on_row, T const&... values) {
    Param const list[] = {param(values)..., nullptr};
    return run(s, std::span(list, sizeof...(T)), nullptr, std::ref(on_row));
  }
  template <class... T>
  std::int64_t exec_batch(Statement const& s, Batch const& batch, T const&... values) {
    Param const list[] = {param(values)..., nullptr};
    return run(s, std::span(list, sizeof...(T)), &batch, {});
  }
  template <class F, class... T>
  std::int64_t each_batch(Statement const& s, Batch const& batch, F&& on_row, T const&... values) {
    Param const list[] = {param(values)..., nullptr};
    return run(s, std::span(list, sizeof...(T)), &batch, std::ref(on_row));
  }
  template <class... T>
  void exec_batch_later(Statement const& s, Batch const& batch, T const&... values) {
    Param const list[] = {param(values)..., nullptr};
    run_later(s, std::span(list, sizeof...(T)), &batch, {});
  }
  template <class F, class... T>
  void each_later(Statement const& s, F on_row, T const&... values) {
    Param const list[] = {param(values)..., nullptr};
    run_later(s, std::span(list, sizeof...(T)), nullptr, std::move(on_row));
  }
  template <class F, class... T>
  void each_batch_later(Statement const& s, Batch const& batch, F on_row, T const&... values) {
    Param const list[] = {param(values)..., nullptr};
    run_later(s, std::span(list, sizeof...(T)), &batch, std::move(on_row));
  }
  // F: T(Row const&). At most one row is expected; more is a broken invariant.
  template <class F, class... T>
  auto one(Statement const& s, F&& make, T const&... values) -> std::optional<std::invoke_result_t<F, Row const&>> {
    std::optional<std::invoke_result_t<F, Row const&>> found;
    each(
        s,
        [&](Row const& r) {
          if (found) throw StorageError(StorageError::Kind::broken, std::string(s.name()) + " gave more than one row");
          found.emplace(make(r));
        },
        values...);
    return found;
  }
};

struct WriteOptions {
  // A long piece of work that others should not wait behind in one group (a bulk chunk): it commits alone.
  bool alone = false;
};

struct Settings {
  // "sqlite:///path/to/file.db" or "postgresql://user:password@host:port/database?…"
  std::string url;
  int readers = 1'024;       // SQLite: read-only connections at most; as many are opened as threads read at the same time
  int connections_max = 12;  // PostgreSQL: pool size
  int acquire_timeout_ms = 10'000;
  int statement_timeout_ms = 60'000;  // PostgreSQL
  // PostgreSQL: a program that stands still inside a transaction loses it, and its locks, after this long. Shorter than a
  // job's lease, so that another node can go on with the job when the lease ends.
  int idle_in_transaction_timeout_ms = 5'000;
  // PostgreSQL: what this program's connections are called on the server; a fresh name when empty. Letters, digits, "-".
  std::string session = {};
  int retries_max = 5;        // PostgreSQL: serialisation failures and deadlocks, in write() alone
  int cache_kib = 16 * 1024;  // SQLite: page cache of the writer; each reader has an eighth
};

// All functions may be called from any thread.
class Database {
 public:
  virtual ~Database() = default;
  virtual Engine engine() const = 0;

  // A consistent view; nothing may be changed in it.
  template <class F>
  auto read(F&& fn) -> std::invoke_result_t<F, Tx&> {
    return value_of<F>(fn, [this](auto const& f) { run_read(f); });
  }
  // All or nothing, durable when it returns. An exception from fn rolls back and comes out again. On PostgreSQL fn may be
  // called again after a serialisation failure: it must not have effects outside the transaction. A Result that holds an
  // error rolls back too.
  template <class F>
  auto write(F&& fn, WriteOptions options = {}) -> std::invoke_result_t<F, Tx&> {
    return value_of<F>(fn, [this, options](auto const& f) { run_write(f, options); });
  }
  // Reads that `fn` makes on this thread see one moment together, where that saves work (on SQLite they share a transaction).
  // It must not write.
  virtual void together(std::function<void()> const& fn) { fn(); }
  // A consistent copy while others write. SQLite: a database file at `target`. PostgreSQL: not here (pg_dump does it); throws.
  virtual void backup_to(std::string const& target) = 0;
  // Free memory and files that can be given back now; called when idle.
  virtual void checkpoint() = 0;
  virtual std::string version() const = 0;
  // What tells this program's connections from another's; empty where only one program can be connected for long.
  virtual std::string session() const { return {}; }
  // Ends another program's connections, and so its transactions and locks: for one that is known to stand still. A program
  // that is stopped in the middle of a message holds its locks otherwise, since no timeout of the server ends that.
  virtual void end_session(std::string const& session) { (void)session; }

 protected:
  // The function returns false to roll back without an exception.
  virtual void run_read(std::function<void(Tx&)> const& fn) = 0;
  virtual void run_write(std::function<bool(Tx&)> const& fn, WriteOptions options) = 0;
  friend class FailingDatabase;

 private:
  template <class R>
  static bool wants_commit(R const& r) {
    if constexpr (requires {
                    r.has_value();
                    r.error();
                  })
      return r.has_value();
    else
      return true;
  }
  template <class F, class Run>
  auto value_of(F& fn, Run&& run) -> std::invoke_result_t<F, Tx&> {
    using R = std::invoke_result_t<F, Tx&>;
    if constexpr (std::is_void_v<R>) {
      run([&](Tx& tx) {
        fn(tx);
        return true;
      });
    } else {
      std::optional<R> out;
      run([&](Tx& tx) {
        out.reset();
        out.emplace(fn(tx));
        return wants_commit(*out);
      });
      return std::move(*out);
    }
  }
};

// Opens the engine that the URL names. Throws StorageError with a message for the operator.
std::unique_ptr<Database> open(Settings const& settings);

// Forward-only migrations.
struct Migration {
  int version;            // 1, 2, 3 … without gaps
  std::string_view name;  // "0001_ground"
  std::string_view text;  // several statements separated by ";" at line ends, tokens as above
};
// The migrations that the program carries (generated from migrations/*.sql).
std::span<Migration const> migrations();
// Applies what is missing under a lock that two nodes cannot both hold; each migration and its version row are one
// transaction. Returns the number applied. Throws when the database is newer than the program.
int migrate(Database& database, std::span<Migration const> list = migrations());
// 0 for an empty database.
int schema_version(Database& database);

// Prepares every registered statement; the messages of those that fail.
std::vector<std::string> prepare_all(Database& database);

// Replaces the tokens of one statement. Public for tests.
std::string expand(std::string_view text, Engine engine);

}  // namespace fealty::sql
