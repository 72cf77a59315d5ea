// Checks an installation and says what it found.
#pragma once
#include <string>
#include <vector>

#include "app/settings.h"
#include "sql/sql.h"

namespace fealty::app {

struct Finding {
  bool good = true;
  std::string check;   // "balances", "histories", "jobs" …
  std::string detail;  // one sentence
};
// Reads only; may run while servers work.
std::vector<Finding> examine(StorageSettings const& settings, sql::Database& database);

}  // namespace fealty::app
