#include "support/database.h"

#include <libpq-fe.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "base/random.h"

namespace fealty::test {
namespace {

std::string lower_random(std::size_t characters) {
  auto out = random_base62(characters);
  for (auto& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

std::string postgres_server() {
  char const* const url = std::getenv("FEALTY_TEST_POSTGRES");
  if (!url || !*url) {
    throw std::runtime_error(
        "FEALTY_TEST_POSTGRES is not set: run the tests with ./dev test, which starts a PostgreSQL server for them, or name one "
        "yourself, for instance postgresql://user@127.0.0.1:5432/postgres");
  }
  return url;
}

void on_server(std::string const& command) {
  std::unique_ptr<PGconn, decltype([](PGconn* c) { PQfinish(c); })> const connection(PQconnectdb(postgres_server().c_str()));
  std::unique_ptr<PGresult, decltype([](PGresult* r) { PQclear(r); })> const answer(PQexec(connection.get(), command.c_str()));
  if (PQresultStatus(answer.get()) != PGRES_COMMAND_OK) {
    throw std::runtime_error("PostgreSQL for tests: " + command + ": " + PQerrorMessage(connection.get()));
  }
}

// The server's URL with another database.
std::string postgres_url(std::string const& name) {
  auto const server = postgres_server();
  auto const host = server.find("://");
  auto const slash = host == std::string::npos ? host : server.find('/', host + 3);
  if (slash == std::string::npos) throw std::runtime_error("FEALTY_TEST_POSTGRES must end in /database");
  auto const options = server.find('?', slash);
  return server.substr(0, slash + 1) + name + (options == std::string::npos ? "" : server.substr(options));
}

std::string new_postgres_name() { return "fealty_test_" + std::to_string(::getpid()) + "_" + lower_random(10); }

void drop(std::string const& name) { on_server("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); }

// The migrated database that tests on PostgreSQL are created from.
class PostgresTemplate {
 public:
  PostgresTemplate() : name_(new_postgres_name()) {
    on_server("CREATE DATABASE " + name_);
    try {
      sql::migrate(*sql::open({.url = postgres_url(name_)}));
    } catch (...) {
      drop(name_);
      throw;
    }
  }
  ~PostgresTemplate() {
    try {
      drop(name_);
    } catch (std::exception const&) {
      // The process ends; what stays is an empty schema on a server for tests.
    }
  }
  std::string const& name() const { return name_; }

 private:
  std::string name_;
};

class SqliteTemplate {
 public:
  SqliteTemplate() { sql::migrate(*sql::open({.url = "sqlite://" + path()})); }
  std::string path() const { return folder_.file("template.db"); }

 private:
  TemporaryFolder folder_;
};

}  // namespace

std::vector<sql::Engine> engines() { return {sql::Engine::sqlite, sql::Engine::postgres}; }

std::string engine_name(::testing::TestParamInfo<sql::Engine> const& info) {
  return info.param == sql::Engine::sqlite ? "Sqlite" : "Postgres";
}

TemporaryFolder::TemporaryFolder() {
  path_ = (std::filesystem::temp_directory_path() / "fealty-test-XXXXXX").string();
  if (!::mkdtemp(path_.data())) throw std::runtime_error("cannot make a temporary folder " + path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

TestDatabase::TestDatabase(sql::Engine engine, Schema schema, sql::Settings settings) : engine_(engine), settings_(std::move(settings)) {
  if (engine_ == sql::Engine::sqlite) {
    settings_.url = "sqlite://" + folder_.file("fealty.db");
    if (schema == Schema::migrated) {
      static SqliteTemplate const kTemplate;
      std::filesystem::copy_file(kTemplate.path(), folder_.file("fealty.db"));
    }
  } else {
    auto name = new_postgres_name();
    if (schema == Schema::migrated) {
      static PostgresTemplate const kTemplate;
      on_server("CREATE DATABASE " + name + " TEMPLATE " + kTemplate.name());
    } else {
      on_server("CREATE DATABASE " + name);
    }
    postgres_name_ = std::move(name);
    settings_.url = postgres_url(postgres_name_);
  }
  database_ = sql::open(settings_);
}

TestDatabase::~TestDatabase() {
  database_.reset();
  if (postgres_name_.empty()) return;
  try {
    drop(postgres_name_);
  } catch (std::exception const& e) {
    ADD_FAILURE() << e.what();
  }
}

void TestDatabase::reopen() {
  database_.reset();
  database_ = sql::open(settings_);
}

}  // namespace fealty::test
