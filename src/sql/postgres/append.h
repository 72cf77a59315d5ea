// COPY instead of INSERT: how a statement that appends a batch (sql::Append) is sent in PostgreSQL's binary copy format.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sql/sql.h"

namespace fealty::sql::postgres {

// From this many rows on, COPY is faster: it cannot travel with other statements.
inline constexpr std::size_t kCopyRowsMin = 256;

struct CopyPlan {
  struct Source {
    bool is_parameter = false;
    std::size_t index = 0;  // of the scalar parameter, or of the batch's column
  };
  std::string text;  // COPY t (columns) FROM STDIN (FORMAT binary)
  std::vector<Source> sources;
};
// Throws std::logic_error for a text that is not of the form that sql::Append promises.
CopyPlan plan_copy(std::string_view append_text);

// Gives the stream piece by piece, each at most some hundred kilobytes and one row more.
void write_copy(CopyPlan const& plan, std::span<Param const> params, Batch const& batch, std::function<void(std::string_view)> const& sink);

}  // namespace fealty::sql::postgres
