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

class PostgresTx final : public Tx {
 public:
  explicit PostgresTx(Connection& connection) : connection_(connection) {}
  Engine engine() const override { return Engine::postgres; }

  std::int64_t run(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row) override {
    return guarded([&] { return connection_.run(statement, params, batch, on_row); });
  }
  std::int64_t run_text(std::string_view text, std::span<Param const> params, OnRow const& on_row) override {
    return guarded([&] { return connection_.run_text(text, params, on_row); });
  }
  void prepare(Statement const& statement) override {
    guarded([&] {
      connection_.prepare(statement);
      return 0;
    });
  }

  bool has_failed() const { return failure_ != nullptr; }
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

  Connection& connection_;
  std::exception_ptr failure_;
  bool retryable_ = false;
};

// A connection with a transaction begun on it; rolls back what is not committed.
class Lease {
 public:
  Lease(Pool& pool, char const* begin) : pool_(pool), connection_(pool.take()) {
    try {
      connection_->command(begin);
    } catch (StorageError const&) {
      // A pooled connection may have died while it was idle, as all do when the server restarts. Nothing has begun yet, so a
      // fresh one may take its place; if that fails too, the server is away.
      bool const died = !connection_->is_connected();
      pool_.give_back(std::move(connection_));
      if (!died) throw;
      connection_ = pool_.take(Pool::Want::fresh);
      try {
        connection_->command(begin);
      } catch (...) {
        pool_.give_back(std::move(connection_));
        throw;
      }
    }
  }
  Lease(Lease const&) = delete;
  Lease& operator=(Lease const&) = delete;
  ~Lease() {
    if (!connection_->is_reusable() && connection_->is_connected()) {
      try {
        connection_->command("ROLLBACK");
      } catch (StorageError const&) {
        // The pool sees that it is not reusable and closes it; the server then rolls back.
      }
    }
    pool_.give_back(std::move(connection_));
  }
  Connection& operator*() const { return *connection_; }

 private:
  Pool& pool_;
  std::unique_ptr<Connection> connection_;
};

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(Settings const& settings) : retries_max_(settings.retries_max), pool_(settings) {
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

 protected:
  void run_read(std::function<void(Tx&)> const& fn) override {
    Lease const lease(pool_, kBeginRead);
    PostgresTx tx(*lease);
    fn(tx);
    tx.check_usable();
    (*lease).command("COMMIT");
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
    Lease const lease(pool_, kBeginWrite);
    PostgresTx tx(*lease);
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
      (*lease).commit();
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
  Pool pool_;
  std::string version_;
};

}  // namespace

std::unique_ptr<Database> open(Settings const& settings) { return std::make_unique<PostgresDatabase>(settings); }

}  // namespace fealty::sql::postgres
