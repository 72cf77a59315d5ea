// How PostgreSQL's own programs (pg_dump, pg_restore) are told where to connect.
#pragma once
#include <string>
#include <vector>

namespace fealty::sql {

// "PGHOST=…", "PGPASSWORD=…" … of a postgresql:// URL. Throws StorageError for one that cannot be read.
std::vector<std::string> postgres_environment(std::string const& url);
std::string postgres_database_name(std::string const& url);

}  // namespace fealty::sql
