#include "base/random.h"
#include "sql/postgres/database.h"
#include "sql/sql.h"
#include "sql/sqlite/database.h"

namespace fealty::sql {

std::unique_ptr<Database> open(Settings const& wanted) {
  Settings settings = wanted;
  if (settings.session.empty()) settings.session = "fealty-" + random_base62(16);
  if (settings.url.starts_with("sqlite://")) return sqlite::open(settings);
  if (settings.url.starts_with("postgresql://") || settings.url.starts_with("postgres://")) return postgres::open(settings);
  // The URL is not repeated: it may hold a password.
  throw StorageError(StorageError::Kind::broken,
                     "the database URL must begin with sqlite:// (sqlite:///path/to/fealty.db) or postgresql:// "
                     "(postgresql://user@host/database)");
}

}  // namespace fealty::sql
