#include "sql/postgres/database.h"

#include <random>
#include <thread>

#include "sql/postgres/pool.h"

namespace fealty::sql::postgres {
namespace {

using Kind = StorageError::Kind;

constexpr char const* kBeginWrite = "BEGIN ISOLATION LEVEL READ COMMITTED";
constexpr char const* kBeginRead = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
// Waits before the retries: at random up to 10, 20, 40 … ms, so that those who collided do not meet again.
constexpr int kBackOffFirstMs = 10, kBackOffMaxMs = 500;

// A transaction on a connection from the pool. It begins with its first statement, in the same round trip, and rolls back
// unless it is committed.
class PostgresTx final : public Tx {
 public:
  PostgresTx(Pool& pool, char const* begin) : pool_(pool), begin_(begin), connection_(pool.take()) {}
  PostgresTx(PostgresTx const&) = delete;
  PostgresTx& operator=(PostgresTx const&) = delete;
  ~PostgresTx() override {
    if (!connection_) return;
    if (connection_->is_connected() && !connection_->is_reusable()) {
      try {
        connection_->command("ROLLBACK");
      } catch (StorageError const&) {
        // The pool sees that it is not reusable and closes it; the server then rolls back.
      }
    }
    pool_.give_back(std::move(connection_));
  }

  Engine engine() const override { return Engine::postgres; }

  std::int64_t run(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row) override {
    if (begun_ && batch && statement.is_append() && batch->rows() >= kCopyRowsMin) {
      run_later(statement, params, batch, on_row);
      return static_cast<std::int64_t>(batch->rows());
    }
    return guarded([&] {
      connection_->receive_sent();
      auto const answer = begun([&](char const* begin) { return connection_->fetch(statement, params, batch, begin); });
      return deliver(statement.name(), answer.get(), on_row);
    });
  }
  // The first statement of a transaction brings its beginning and may need another connection: it is not put off.
  void run_later(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row) override {
    if (begun_ && batch && statement.is_append() && batch->rows() >= kCopyRowsMin) {
      guarded([&] {
        connection_->append(statement, params, *batch);
        return 0;
      });
      return;
    }
    auto const sent = guarded([&] { return begun_ && connection_->send_later(statement, params, batch, on_row) ? 1 : 0; });
    if (sent == 0) run(statement, params, batch, on_row);
  }
  void settle() override {
    guarded([&] {
      connection_->receive_sent();
      return 0;
    });
  }
  std::int64_t run_text(std::string_view text, std::span<Param const> params, OnRow const& on_row) override {
    return guarded([&] {
      connection_->receive_sent();
      auto const answer = begun([&](char const* begin) { return connection_->fetch_text(text, params, begin); });
      return deliver(kRunTimeName, answer.get(), on_row);
    });
  }
  void prepare(Statement const& statement) override {
    guarded([&] {
      connection_->receive_sent();
      begun([&](char const* begin) {
        if (begin) connection_->command(begin);
        connection_->prepare(statement);
        return Connection::Answer();
      });
      return 0;
    });
  }

  void commit() {
    if (begun_) connection_->commit();
  }
  void end_read() {
    settle();
    if (begun_) connection_->end_read();
  }
  bool is_retryable() const { return retryable_; }
  void check_usable() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  template <class F>
  std::int64_t guarded(F&& fn) {
    check_usable();
    try {
      return fn();
    } catch (ServerError const& e) {
      failure_ = std::current_exception();
      retryable_ = e.is_retryable();
      throw;
    } catch (StorageError const&) {
      failure_ = std::current_exception();
      throw;
    }
  }

  template <class F>
  Connection::Answer begun(F&& fetch) {
    if (begun_) return fetch(nullptr);
    begun_ = true;
    try {
      return fetch(begin_);
    } catch (ServerError const&) {
      // A pooled connection may have died while it was idle, as all do when the server restarts. Nothing has happened in
      // this transaction yet, so a fresh connection may take its place; if that fails too, the server is away.
      if (connection_->is_connected()) throw;
    }
    pool_.give_back(std::move(connection_));
    connection_ = pool_.take(Pool::Want::fresh);
    return fetch(begin_);
  }

  Pool& pool_;
  char const* begin_;
  std::unique_ptr<Connection> connection_;  // none: it was lost, and no other could be made
  bool begun_ = false;
  std::exception_ptr failure_;
  bool retryable_ = false;
};

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(Settings const& settings) : retries_max_(settings.retries_max), session_(settings.session), pool_(settings) {
    // The first connection is made at once, so that a wrong URL is told at the start.
    auto connection = pool_.take();
    auto const number = connection->server_version();
    version_ = "PostgreSQL " + std::to_string(number / 10000) + "." + std::to_string(number % 10000);
    pool_.give_back(std::move(connection));
    if (number < 130000) throw StorageError(Kind::broken, version_ + " is too old: Fealty needs PostgreSQL 13 or later");
  }

  Engine engine() const override { return Engine::postgres; }

  void backup_to(std::string const&) override {
    throw StorageError(Kind::broken, "a PostgreSQL database is backed up with pg_dump or the server's own base backups");
  }
  void checkpoint() override { pool_.close_idle(); }
  std::string version() const override { return version_; }
  std::string session() const override { return session_; }
  void end_session(std::string const& session) override {
    Param const name[] = {std::string_view(session)};
    read([&](Tx& tx) {
      tx.run_text(
          "SELECT CAST(pg_terminate_backend(pid) AS TEXT) FROM pg_stat_activity WHERE application_name = $1 AND usename = current_user "
          "AND pid <> pg_backend_pid()",
          name, {});
    });
  }

 protected:
  void run_read(std::function<void(Tx&)> const& fn) override {
    PostgresTx tx(pool_, kBeginRead);
    fn(tx);
    tx.check_usable();
    tx.end_read();
  }

  void run_write(std::function<bool(Tx&)> const& fn, WriteOptions) override {
    static thread_local PostgresDatabase const* writing = nullptr;
    if (writing == this) throw StorageError(Kind::broken, "a write inside a write would wait for itself");
    struct Mark {
      explicit Mark(PostgresDatabase const* d) { writing = d; }
      ~Mark() { writing = nullptr; }
    } const mark(this);
    for (int attempt = 0; !attempt_write(fn, attempt < retries_max_); ++attempt) back_off(attempt);
  }

 private:
  // False: a serialisation failure or a deadlock; run it again.
  bool attempt_write(std::function<bool(Tx&)> const& fn, bool may_retry) {
    PostgresTx tx(pool_, kBeginWrite);
    bool keep = false;
    try {
      keep = fn(tx);
    } catch (...) {
      if (tx.is_retryable() && may_retry) return false;
      throw;
    }
    // Whatever fn made of a failure that would have passed later, it did not see the truth.
    if (tx.is_retryable() && may_retry) return false;
    if (!keep) return true;
    tx.check_usable();
    try {
      tx.commit();
    } catch (ServerError const& e) {
      if (e.is_retryable() && may_retry) return false;
      throw;
    }
    return true;
  }

  static void back_off(int attempt) {
    static thread_local std::minstd_rand random{std::random_device{}()};
    int const most = std::min(kBackOffMaxMs, kBackOffFirstMs << std::min(attempt, 10));
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<int>(1, most)(random)));
  }

  int retries_max_;
  std::string session_;
  Pool pool_;
  std::string version_;
};

}  // namespace

std::unique_ptr<Database> open(Settings const& settings) { return std::make_unique<PostgresDatabase>(settings); }

}  // namespace fealty::sql::postgres
