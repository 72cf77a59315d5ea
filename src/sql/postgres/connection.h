// One PostgreSQL connection with its prepared statements. Used by one thread at a time.
#pragma once
#include <libpq-fe.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sql/postgres/append.h"
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

  struct Clear {
    void operator()(PGresult* r) const { PQclear(r); }
  };
  using Answer = std::unique_ptr<PGresult, Clear>;

  // One statement without parameters or rows: BEGIN, ROLLBACK.
  void command(char const* text);
  // Runs a statement and gets all of its rows. `begin`, if any, is a statement that travels in front of it, in the same
  // round trip; so does the preparation of a statement that this connection runs for the first time.
  Answer fetch(Statement const& statement, std::span<Param const> params, Batch const* batch, char const* begin);
  // Sends a statement without waiting for its answer. False, and nothing sent, when it is not prepared yet.
  bool send_later(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row);
  // Sends a large batch of a statement that appends, as COPY. What goes wrong is thrown with the next thing that is done here.
  void append(Statement const& statement, std::span<Param const> params, Batch const& batch);
  // Reads the answers to all that were sent so, then gives their rows. The first failure is thrown; those after it did not run.
  void receive_sent();
  Answer fetch_text(std::string_view text, std::span<Param const> params, char const* begin);
  void prepare(Statement const& statement);
  // COMMIT, together with what was sent before. A connection that breaks here leaves the outcome unknown, and the error says so.
  void commit();
  // COMMIT of a transaction that only read: nothing depends on its answer, so nobody waits for it.
  void end_read();

  bool is_connected() const { return PQstatus(handle_.get()) == CONNECTION_OK; }
  // Connected, outside of a transaction, and with prepared statements that still fit the schema.
  bool is_reusable() const { return is_connected() && !stale_ && (ending_ || PQtransactionStatus(handle_.get()) == PQTRANS_IDLE); }
  int server_version() const { return PQserverVersion(handle_.get()); }

 private:
  struct Finish {
    void operator()(PGconn* c) const { PQfinish(c); }
  };
  struct Prepared {
    std::string name;
    Shape shape;
    std::optional<CopyPlan> copy = {};
    Shape copy_shape = {};
    bool is_ready = false;  // prepared on the server
  };
  // The answer of append(), if one is on its way.
  void finish_append();
  Prepared& slot_of(Statement const& statement);
  // Sends what is given, in one round trip; the answer is the last one's.
  Answer round_trip(std::string_view name, char const* begin, Prepared* unprepared, std::string const& prepare_text,
                    std::function<int()> const& send);
  Answer checked(std::string_view name, Answer answer);
  void settle();
  void renew_plans();
  // A statement on its way.
  struct Sent {
    std::string_view name;
    OnRow on_row;
  };
  std::vector<Answer> end_pipeline(std::vector<Sent> const& sent);

  std::unique_ptr<PGconn, Finish> handle_;
  std::vector<Sent> sent_;            // not empty: in pipeline mode
  std::string_view appending_;        // the statement whose COPY is not answered yet
  std::vector<Prepared> statements_;  // by Statement::index()
  // The server keeps the plan of a prepared statement until the table's statistics change. Plans that were made while a table
  // was empty read all of it for every request when it no longer is: they are made anew at growing ages of the youngest.
  std::chrono::steady_clock::time_point plans_made_;
  std::chrono::steady_clock::duration plans_kept_{};
  bool stale_ = false;   // must not be used again
  bool ending_ = false;  // the answer of end_read is still to be read
};

// Calls on_row for every row; returns the number of rows read or changed.
std::int64_t deliver(std::string_view name, PGresult const* answer, OnRow const& on_row);
// The name of statements without one, in errors.
inline constexpr std::string_view kRunTimeName = "a statement made at run time";

}  // namespace fealty::sql::postgres
