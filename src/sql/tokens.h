// The tokens of sql.h, replaced: what the drivers prepare.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "sql/sql.h"

namespace fealty::sql {

// What a call must bring to a statement; the same on both engines, so that a store that passes its suite on one engine
// cannot fail on the other for a forgotten parameter.
struct Shape {
  std::size_t scalars = 0;           // the highest $n
  std::vector<Batch::Type> columns;  // of the {rows …} token; empty: none
};

struct Expanded {
  std::string text;
  Shape shape;
};
Expanded expand_statement(std::string_view text, Engine engine);

// Throws when parameters or batch do not fit the statement.
void check_call(std::string_view name, Shape const& shape, std::span<Param const> params, Batch const* batch);

// The statements of a migration: cut at ";" outside of literals and comments; parts without a statement are left out.
std::vector<std::string> split_statements(std::string_view text);

}  // namespace fealty::sql
