// Numbers of the records that are counted one by one: communities, accounts, fields, roles, tags, keys.
#pragma once
#include <cstdint>
#include <string_view>

#include "sql/sql.h"

namespace fealty::sql {

// Draws `count` consecutive numbers and gives the first, 1 or above. Numbers of a rolled-back transaction are drawn again.
// The counter's row stays locked until the transaction ends: draw in a short one of its own where many write at once.
std::int64_t draw_numbers(Tx& tx, std::string_view counter, std::int64_t count = 1);

}  // namespace fealty::sql
