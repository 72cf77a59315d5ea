#include "sql/connection_environment.h"

#include <libpq-fe.h>

#include <memory>

#include "sql/sql.h"

namespace fealty::sql {
namespace {

struct Free {
  void operator()(PQconninfoOption* o) const { PQconninfoFree(o); }
};

std::unique_ptr<PQconninfoOption, Free> parse(std::string const& url) {
  char* message = nullptr;
  std::unique_ptr<PQconninfoOption, Free> options(PQconninfoParse(url.c_str(), &message));
  if (!options) {
    PQfreemem(message);  // it may repeat the URL, and so the password
    throw StorageError(StorageError::Kind::broken, "the database URL cannot be read");
  }
  return options;
}

}  // namespace

std::vector<std::string> postgres_environment(std::string const& url) {
  std::vector<std::string> out;
  auto const options = parse(url);
  for (auto const* o = options.get(); o->keyword != nullptr; ++o)
    if (o->val != nullptr && o->envvar != nullptr) out.push_back(std::string(o->envvar) + "=" + o->val);
  return out;
}

std::string postgres_database_name(std::string const& url) {
  auto const options = parse(url);
  for (auto const* o = options.get(); o->keyword != nullptr; ++o)
    if (std::string_view(o->keyword) == "dbname" && o->val != nullptr) return o->val;
  throw StorageError(StorageError::Kind::broken, "the database URL names no database");
}

}  // namespace fealty::sql
