#include "sql/postgres/connection.h"

#include <charconv>
#include <cstring>
#include <deque>

#include "base/text.h"
#include "sql/postgres/arrays.h"

namespace fealty::sql::postgres {
namespace {

using Kind = StorageError::Kind;

Kind kind_of(std::string_view state) {
  auto const family = state.substr(0, 2);
  if (state.empty() || family == "08" || family == "58" || family == "53" || state == "57P01" || state == "57P02" || state == "57P03" ||
      state == "25P03") {
    return state == "53100" ? Kind::full : Kind::unavailable;
  }
  // A server that has become a standby refuses to write; its successor will not.
  if (state == "25006") return Kind::unavailable;
  // A prepared statement that the schema has outgrown, or that a proxy has lost: a fresh connection prepares it anew.
  if (state == "0A000" || state == "26000") return Kind::unavailable;
  if (state == "40001" || state == "40P01" || state == "57014" || state == "55P03") return Kind::busy;
  if (family == "23") return Kind::constraint;
  return Kind::broken;
}

// Parameters in the form that libpq wants. Texts are copied, because libpq wants them closed with a zero byte.
class Values {
 public:
  explicit Values(std::string_view name, std::span<Param const> params, Batch const* batch) {
    auto const count = params.size() + (batch ? batch->columns().size() : 0);
    pointers_.reserve(count), lengths_.reserve(count), formats_.reserve(count);
    for (auto const& p : params) {
      if (auto const* integer = std::get_if<std::int64_t>(&p)) {
        char digits[24];
        auto const end = std::to_chars(digits, digits + sizeof digits, *integer).ptr;
        text({digits, end});
      } else if (auto const* view = std::get_if<std::string_view>(&p)) {
        if (view->contains('\0')) throw StorageError(Kind::broken, std::string(name) + ": a text has a zero byte");
        text(*view);
      } else if (auto const* blob = std::get_if<Blob>(&p)) {
        add(blob->bytes.data() ? blob->bytes.data() : "", blob->bytes.size(), 1);
      } else {
        add(nullptr, 0, 0);
      }
    }
    if (!batch) return;
    for (auto const& column : batch->columns()) {
      kept_.push_back(binary_array(column, batch->rows()));
      add(kept_.back().data(), kept_.back().size(), 1);
    }
  }

  int count() const { return static_cast<int>(pointers_.size()); }
  char const* const* pointers() const { return pointers_.data(); }
  int const* lengths() const { return lengths_.data(); }
  int const* formats() const { return formats_.data(); }

 private:
  void text(std::string_view value) { add(kept_.emplace_back(value).c_str(), 0, 0); }
  void add(char const* data, std::size_t size, int format) {
    if (size > 0x3fff'ffff) throw StorageError(Kind::broken, "a parameter is larger than 1 GiB");
    pointers_.push_back(data), lengths_.push_back(static_cast<int>(size)), formats_.push_back(format);
  }
  std::deque<std::string> kept_;  // a deque: addresses stay
  std::vector<char const*> pointers_;
  std::vector<int> lengths_, formats_;
};

enum class Family : std::uint8_t { integer, boolean, text, bytes, other };
Family family_of(Oid type) {
  switch (type) {
    case 20:    // int8
    case 21:    // int2
    case 23:    // int4
    case 26:    // oid
    case 1700:  // numeric: what sum(bigint) gives
      return Family::integer;
    case 16: return Family::boolean;
    case 18:    // "char"
    case 19:    // name
    case 25:    // text
    case 705:   // a literal without a type
    case 1042:  // bpchar
    case 1043:  // varchar
      return Family::text;
    case 17: return Family::bytes;
    default: return Family::other;
  }
}

constexpr std::chrono::seconds kPlansKeptFirst{1};
constexpr std::chrono::minutes kPlansKeptMax{10};

int hex_value(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

class PostgresRow final : public Row {
 public:
  PostgresRow(std::string_view name, PGresult const* answer) : name_(name), answer_(answer), columns_(PQnfields(answer)) {
    for (int i = 0; i < columns_; ++i) families_.push_back(family_of(PQftype(answer, i)));
  }
  void move_to(int row) {
    row_ = row;
    decoded_.clear();
  }

  bool is_null(int column) const override {
    family(column);
    return PQgetisnull(answer_, row_, column) != 0;
  }

  std::int64_t integer(int column) const override {
    auto const kind = family(column);
    if (PQgetisnull(answer_, row_, column)) return 0;
    auto const value = raw(column);
    if (kind == Family::boolean) return value == "t";
    std::int64_t number = 0;
    auto const [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (kind != Family::integer || error != std::errc{} || end != value.data() + value.size()) wrong(column, "an integer");
    return number;
  }

  std::string_view text(int column) const override {
    auto const kind = family(column);
    if (PQgetisnull(answer_, row_, column)) return {};
    if (kind == Family::text) return raw(column);
    if (kind != Family::bytes) wrong(column, "text");
    // Bytes come as \x and two hexadecimal digits each.
    auto const hex = raw(column).substr(2);
    auto& out = decoded_.emplace_back(hex.size() / 2, '\0');
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
    return out;
  }

 private:
  Family family(int column) const {
    if (column < 0 || column >= columns_) wrong(column, "a column");
    return families_[static_cast<std::size_t>(column)];
  }
  std::string_view raw(int column) const {
    return {PQgetvalue(answer_, row_, column), static_cast<std::size_t>(PQgetlength(answer_, row_, column))};
  }
  [[noreturn]] void wrong(int column, char const* wanted) const {
    throw StorageError(Kind::broken, std::string(name_) + ": column " + std::to_string(column) + " is not " + wanted);
  }
  std::string_view name_;
  PGresult const* answer_;
  int columns_;
  int row_ = 0;
  std::vector<Family> families_;
  mutable std::deque<std::string> decoded_;  // a deque: views into it stay valid
};

}  // namespace

Connection::Connection(Settings const& settings) {
  // What stands before "dbname" is a default that the URL may override; what stands after it is ours to say.
  char const* const keys[] = {"application_name",
                              "connect_timeout",
                              "keepalives_idle",
                              "keepalives_interval",
                              "keepalives_count",
                              "tcp_user_timeout",
                              "dbname",
                              "client_encoding",
                              nullptr};
  char const* const values[] = {settings.session.c_str(), "5", "15", "5", "3", "30000", settings.url.c_str(), "UTF8", nullptr};
  handle_.reset(PQconnectdbParams(keys, values, 1));
  auto refuse = [&] {
    std::string const reason(trim_space(handle_ ? PQerrorMessage(handle_.get()) : "out of memory"));
    throw StorageError(Kind::unavailable, "cannot connect to PostgreSQL: " + reason);
  };
  if (!handle_ || PQstatus(handle_.get()) != CONNECTION_OK) refuse();
  PQsetNoticeProcessor(handle_.get(), [](void*, char const*) {}, nullptr);
  auto const timeout = std::to_string(settings.statement_timeout_ms);
  // A transaction of ours never waits for people: one that idles belongs to a program that hangs, and holds locks.
  // "synchronous_commit = off" would break the promise that an answered write is durable; other settings are stronger and
  // stay. The default costs of PostgreSQL are those of turning disks and make it read a whole table rather than look up the
  // ten thousand rows of a batch; what an operator has set is kept.
  auto const setup = "SET statement_timeout = " + timeout +
                     "; SET idle_in_transaction_session_timeout = " + std::to_string(settings.idle_in_transaction_timeout_ms) +
                     "; SET application_name = '" + settings.session +
                     "'; SET client_min_messages = warning; SET jit = off; "
                     "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'; "
                     "SELECT set_config('random_page_cost', '1.1', false) WHERE current_setting('random_page_cost') = '4'";
  checked("connection settings", Answer(PQexec(handle_.get(), setup.c_str())));
}

Connection::Answer Connection::checked(std::string_view name, Answer answer) {
  auto const status = PQresultStatus(answer.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return answer;
  char const* const code = answer ? PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE) : nullptr;
  // A lost connection counts as lost whatever the server said last.
  std::string const state = code && is_connected() ? code : "";
  char const* const primary = answer ? PQresultErrorField(answer.get(), PG_DIAG_MESSAGE_PRIMARY) : nullptr;
  // The primary line alone: details may show the values of a row.
  auto const reason = primary ? std::string_view(primary) : trim_space(PQerrorMessage(handle_.get()));
  if (state.empty() || state == "0A000" || state == "26000" || state == "25006") stale_ = true;
  auto what = std::string(name) + ": " + std::string(reason) + (state.empty() ? "" : " (SQLSTATE " + state + ")");
  throw ServerError(kind_of(state), what, state);
}

void Connection::settle() {
  try {
    finish_append();
  } catch (StorageError const&) {
    // As below.
  }
  if (!sent_.empty()) {
    // Whoever comes here gives the transaction up: what was sent is of no interest any more.
    try {
      end_pipeline(std::exchange(sent_, {}));
    } catch (StorageError const&) {
      // The transaction's state says what became of it.
    }
  }
  if (!ending_) return;
  ending_ = false;
  while (Answer{PQgetResult(handle_.get())}) {}
}

void Connection::renew_plans() {
  auto const now = std::chrono::steady_clock::now();
  if (now - plans_made_ < plans_kept_) return;
  plans_made_ = now;
  plans_kept_ = std::min<std::chrono::steady_clock::duration>(plans_kept_ * 2, kPlansKeptMax);
  checked("DISCARD PLANS", Answer(PQexec(handle_.get(), "DISCARD PLANS")));
}

void Connection::command(char const* text) {
  settle();
  checked(text, Answer(PQexec(handle_.get(), text)));
}

bool Connection::send_later(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row) {
  finish_append();
  auto& slot = slot_of(statement);
  if (!slot.is_ready) return false;
  check_call(statement.name(), slot.shape, params, batch);
  Values const values(statement.name(), params, batch);
  auto* const c = handle_.get();
  bool const sending =
      (!sent_.empty() || PQenterPipelineMode(c) == 1) &&
      PQsendQueryPrepared(c, slot.name.c_str(), values.count(), values.pointers(), values.lengths(), values.formats(), 0) == 1;
  if (!sending) {
    stale_ = true;
    checked(statement.name(), nullptr);
  }
  sent_.push_back({statement.name(), on_row});
  return true;
}

void Connection::append(Statement const& statement, std::span<Param const> params, Batch const& batch) {
  receive_sent();
  auto& slot = slot_of(statement);
  if (!slot.copy) {
    slot.copy = plan_copy(statement.text(Engine::postgres));
    slot.copy_shape = expand_statement(statement.text(Engine::postgres), Engine::postgres).shape;
  }
  check_call(statement.name(), slot.copy_shape, params, &batch);
  auto* const c = handle_.get();
  Answer begun(PQexec(c, slot.copy->text.c_str()));
  if (PQresultStatus(begun.get()) != PGRES_COPY_IN) {
    checked(statement.name(), std::move(begun));
    throw StorageError(Kind::broken, std::string(statement.name()) + ": the server did not take a COPY");
  }
  bool sent = true;
  try {
    write_copy(*slot.copy, params, batch,
               [&](std::string_view piece) { sent = sent && PQputCopyData(c, piece.data(), static_cast<int>(piece.size())) == 1; });
  } catch (...) {
    stale_ = true;  // the server waits for the rest
    throw;
  }
  if (!sent || PQputCopyEnd(c, nullptr) != 1) {
    stale_ = true;
    checked(statement.name(), nullptr);
  }
  appending_ = statement.name();
}

void Connection::finish_append() {
  if (appending_.empty()) return;
  auto const name = std::exchange(appending_, {});
  Answer answer(PQgetResult(handle_.get()));
  while (is_connected() && Answer{PQgetResult(handle_.get())}) {}
  checked(name, std::move(answer));
}

void Connection::receive_sent() {
  finish_append();
  if (sent_.empty()) return;
  auto const sent = std::exchange(sent_, {});
  auto const answers = end_pipeline(sent);
  for (std::size_t i = 0; i < sent.size(); ++i) deliver(sent[i].name, answers[i].get(), sent[i].on_row);
}

std::vector<Connection::Answer> Connection::end_pipeline(std::vector<Sent> const& sent) {
  auto* const c = handle_.get();
  if (PQpipelineSync(c) != 1) {
    stale_ = true;
    checked(sent.front().name, nullptr);
  }
  std::vector<Answer> answers;
  std::optional<std::size_t> failed;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    answers.emplace_back(PQgetResult(c));
    auto const status = PQresultStatus(answers.back().get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && !failed) failed = i;
    while (is_connected() && Answer{PQgetResult(c)}) {}
  }
  if (is_connected()) {
    Answer const sync(PQgetResult(c));
    if (PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC || PQexitPipelineMode(c) != 1) stale_ = true;
  }
  if (failed) checked(sent[*failed].name, std::move(answers[*failed]));
  return answers;
}

void Connection::commit() {
  finish_append();
  try {
    if (!sent_.empty()) {
      if (PQsendQueryParams(handle_.get(), "COMMIT", 0, nullptr, nullptr, nullptr, nullptr, 0) != 1) {
        stale_ = true;
        checked("COMMIT", nullptr);
      }
      sent_.push_back({"COMMIT", {}});
      auto const sent = std::exchange(sent_, {});
      auto const answers = end_pipeline(sent);
      for (std::size_t i = 0; i + 1 < sent.size(); ++i) deliver(sent[i].name, answers[i].get(), sent[i].on_row);
      if (std::strcmp(PQcmdStatus(answers.back().get()), "COMMIT") != 0)
        throw StorageError(Kind::broken, "COMMIT was answered by a rollback");
      return;
    }
    auto const answer = checked("COMMIT", Answer(PQexec(handle_.get(), "COMMIT")));
    // The server answers otherwise when an earlier statement failed.
    if (std::strcmp(PQcmdStatus(answer.get()), "COMMIT") != 0) throw StorageError(Kind::broken, "COMMIT was answered by a rollback");
  } catch (ServerError const& e) {
    if (!is_connected()) throw StorageError(Kind::commit_unknown, e.what());
    throw;
  }
}

void Connection::end_read() {
  if (PQsendQuery(handle_.get(), "COMMIT") == 1) {
    ending_ = true;
  } else {
    stale_ = true;
  }
}

Connection::Prepared& Connection::slot_of(Statement const& statement) {
  if (statement.index() >= statements_.size()) statements_.resize(statement.index() + 1);
  return statements_[statement.index()];
}

Connection::Answer Connection::round_trip(std::string_view name, char const* begin, Prepared* unprepared, std::string const& prepare_text,
                                          std::function<int()> const& send) {
  auto* const c = handle_.get();
  bool const sent = PQenterPipelineMode(c) == 1 && (!begin || PQsendQueryParams(c, begin, 0, nullptr, nullptr, nullptr, nullptr, 0) == 1) &&
                    (!unprepared || PQsendPrepare(c, unprepared->name.c_str(), prepare_text.c_str(), 0, nullptr) == 1) && send() == 1 &&
                    PQpipelineSync(c) == 1;
  if (!sent) {
    stale_ = true;  // something may be on its way
    checked(name, nullptr);
  }
  Answer failure, last;
  auto receive = [&] {
    last.reset(PQgetResult(c));
    auto const status = PQresultStatus(last.get());
    bool const good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    // After a failure the rest of the pipeline is answered "aborted": only the first tells why.
    if (!good && !failure) failure = std::move(last);
    while (is_connected() && Answer{PQgetResult(c)}) {}
    return good;
  };
  if (begin) receive();
  if (unprepared) {
    unprepared->is_ready = receive();
    plans_made_ = std::chrono::steady_clock::now();
    plans_kept_ = kPlansKeptFirst;
  }
  receive();
  if (is_connected()) {
    Answer const sync(PQgetResult(c));
    if (PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC || PQexitPipelineMode(c) != 1) stale_ = true;
  }
  return checked(name, std::move(failure ? failure : last));
}

Connection::Answer Connection::fetch(Statement const& statement, std::span<Param const> params, Batch const* batch, char const* begin) {
  settle();
  if (begin) renew_plans();
  auto& slot = slot_of(statement);
  std::string prepare_text;
  if (!slot.is_ready) {
    auto expanded = expand_statement(statement.text(Engine::postgres), Engine::postgres);
    prepare_text = std::move(expanded.text);
    slot.shape = std::move(expanded.shape);
    slot.name = "s" + std::to_string(statement.index());
  }
  check_call(statement.name(), slot.shape, params, batch);
  Values const values(statement.name(), params, batch);
  if (!begin && slot.is_ready) {
    return checked(statement.name(), Answer(PQexecPrepared(handle_.get(), slot.name.c_str(), values.count(), values.pointers(),
                                                           values.lengths(), values.formats(), 0)));
  }
  return round_trip(statement.name(), begin, slot.is_ready ? nullptr : &slot, prepare_text, [&] {
    return PQsendQueryPrepared(handle_.get(), slot.name.c_str(), values.count(), values.pointers(), values.lengths(), values.formats(), 0);
  });
}

Connection::Answer Connection::fetch_text(std::string_view text, std::span<Param const> params, char const* begin) {
  settle();
  auto const expanded = expand_statement(text, Engine::postgres);
  check_call(kRunTimeName, expanded.shape, params, nullptr);
  Values const values(kRunTimeName, params, nullptr);
  return round_trip(kRunTimeName, begin, nullptr, {}, [&] {
    return PQsendQueryParams(handle_.get(), expanded.text.c_str(), values.count(), nullptr, values.pointers(), values.lengths(),
                             values.formats(), 0);
  });
}

void Connection::prepare(Statement const& statement) {
  settle();
  auto& slot = slot_of(statement);
  if (slot.is_ready) return;
  auto expanded = expand_statement(statement.text(Engine::postgres), Engine::postgres);
  slot.shape = std::move(expanded.shape);
  slot.name = "s" + std::to_string(statement.index());
  checked(statement.name(), Answer(PQprepare(handle_.get(), slot.name.c_str(), expanded.text.c_str(), 0, nullptr)));
  slot.is_ready = true;
}

std::int64_t deliver(std::string_view name, PGresult const* answer, OnRow const& on_row) {
  int const rows = PQntuples(answer);
  if (on_row && rows > 0) {
    PostgresRow row(name, answer);
    for (int i = 0; i < rows; ++i) {
      row.move_to(i);
      on_row(row);
    }
  }
  if (PQresultStatus(answer) == PGRES_TUPLES_OK) return rows;
  std::string_view const changed = PQcmdTuples(const_cast<PGresult*>(answer));
  std::int64_t number = 0;  // empty for statements that change no rows by nature
  std::from_chars(changed.data(), changed.data() + changed.size(), number);
  return number;
}

}  // namespace fealty::sql::postgres
