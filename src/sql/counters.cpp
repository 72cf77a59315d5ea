#include "sql/counters.h"

namespace fealty::sql {
namespace {
Statement const kDraw{"counters.draw",
                      "INSERT INTO counters (name, next_value) VALUES ($1, CAST($2 AS {int}) + 1) "
                      "ON CONFLICT (name) DO UPDATE SET next_value = counters.next_value + $2 RETURNING next_value"};
}

std::int64_t draw_numbers(Tx& tx, std::string_view counter, std::int64_t count) {
  return *tx.one(kDraw, [](Row const& r) { return r.integer(0); }, counter, count) - count;
}

}  // namespace fealty::sql
