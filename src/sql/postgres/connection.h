// One PostgreSQL connection with its prepared statements. Used by one thread at a time.
#pragma once
#include <libpq-fe.h>

#include <memory>
#include <string>
#include <vector>

#include "sql/sql.h"
#include "sql/tokens.h"

namespace fealty::sql::postgres {

// A StorageError that still knows the server's five-character code; empty when the connection itself failed.
class ServerError : public StorageError {
 public:
  ServerError(Kind kind, std::string const& what, std::string state) : StorageError(kind, what), state_(std::move(state)) {}
  std::string const& state() const { return state_; }
  // A serialisation failure or a deadlock: the same transaction may pass when it is run again.
  bool is_retryable() const { return state_ == "40001" || state_ == "40P01"; }

 private:
  std::string state_;
};

class Connection {
 public:
  // Connects; throws StorageError (unavailable) with the server's reason.
  explicit Connection(Settings const& settings);
  Connection(Connection const&) = delete;
  Connection& operator=(Connection const&) = delete;

  // One statement without parameters or rows: BEGIN, ROLLBACK, SET.
  void command(char const* text);
  // COMMIT. A connection that breaks here leaves the outcome unknown, and the error says so.
  void commit();
  std::int64_t run(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row);
  std::int64_t run_text(std::string_view text, std::span<Param const> params, OnRow const& on_row);
  void prepare(Statement const& statement) { prepared(statement); }

  bool is_connected() const { return PQstatus(handle_.get()) == CONNECTION_OK; }
  // Connected, outside of a transaction, and with prepared statements that still fit the schema.
  bool is_reusable() const { return is_connected() && !stale_ && PQtransactionStatus(handle_.get()) == PQTRANS_IDLE; }
  int server_version() const { return PQserverVersion(handle_.get()); }

 private:
  struct Finish {
    void operator()(PGconn* c) const { PQfinish(c); }
  };
  struct Clear {
    void operator()(PGresult* r) const { PQclear(r); }
  };
  using Answer = std::unique_ptr<PGresult, Clear>;
  struct Prepared {
    std::string name;  // on the server; empty: not prepared yet
    Shape shape;
  };
  Prepared& prepared(Statement const& statement);
  Answer checked(std::string_view name, PGresult* answer);
  std::int64_t deliver(std::string_view name, PGresult const* answer, OnRow const& on_row);

  std::unique_ptr<PGconn, Finish> handle_;
  std::vector<Prepared> statements_;  // by Statement::index()
  bool stale_ = false;
};

}  // namespace fealty::sql::postgres
