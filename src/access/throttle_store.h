// SQL of sign_in_failures.
#pragma once
#include <string_view>

#include "base/time.h"
#include "sql/sql.h"

namespace fealty::access {

void count_failure(sql::Tx& tx, std::string_view subject, TimeMs window_start);
void uncount_failure(sql::Tx& tx, std::string_view subject, TimeMs window_start);
void clear_failures(sql::Tx& tx, std::string_view subject);
struct Failures {
  std::int64_t count = 0;
  TimeMs oldest = 0;
};
Failures failures_since(sql::Tx& tx, std::string_view subject, TimeMs since);
std::int64_t delete_failures(sql::Tx& tx, TimeMs before);

}  // namespace fealty::access
