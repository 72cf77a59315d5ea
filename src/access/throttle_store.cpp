#include "access/throttle_store.h"

namespace fealty::access {
namespace {

using sql::Statement;

// The row stays locked until the transaction ends: who counts at the same time waits, and then sees it.
Statement const kCount{"failures.count",
                       "INSERT INTO sign_in_failures (subject, window_start, failures) VALUES ($1, $2, 1) "
                       "ON CONFLICT (subject, window_start) DO UPDATE SET failures = sign_in_failures.failures + 1"};
Statement const kUncount{"failures.uncount",
                         "UPDATE sign_in_failures SET failures = failures - 1 WHERE subject = $1 AND window_start = $2 AND failures > 0"};
Statement const kClear{"failures.clear", "DELETE FROM sign_in_failures WHERE subject = $1"};
Statement const kSince{"failures.since",
                       "SELECT CAST(coalesce(sum(failures), 0) AS {int}), coalesce(min(window_start), 0) FROM sign_in_failures "
                       "WHERE subject = $1 AND window_start > $2 AND failures > 0"};
Statement const kForget{"failures.forget", "DELETE FROM sign_in_failures WHERE window_start < $1"};

}  // namespace

void count_failure(sql::Tx& tx, std::string_view subject, TimeMs window_start) { tx.exec(kCount, subject, window_start); }
void uncount_failure(sql::Tx& tx, std::string_view subject, TimeMs window_start) { tx.exec(kUncount, subject, window_start); }
void clear_failures(sql::Tx& tx, std::string_view subject) { tx.exec(kClear, subject); }
Failures failures_since(sql::Tx& tx, std::string_view subject, TimeMs since) {
  return tx.one(kSince, [](sql::Row const& r) { return Failures{r.integer(0), r.integer(1)}; }, subject, since).value_or(Failures{});
}
std::int64_t delete_failures(sql::Tx& tx, TimeMs before) { return tx.exec(kForget, before); }

}  // namespace fealty::access
