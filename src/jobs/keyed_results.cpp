#include "jobs/keyed_results.h"

#include "jobs/results_csv.h"

namespace fealty::jobs {

api::BodyStream::Next KeyedResultsBody::next(std::string& out) {
  if (!std::exchange(begun_, true)) begin_keyed_results(out, delimiter_);
  auto const rows = read_page_(after_row_);
  std::string codes, messages;
  for (auto const& row : rows) {
    join_errors(row.errors, codes, messages);
    keyed_result(out, delimiter_, row.row, row.key, {row.status, codes, messages});
    after_row_ = row.row;
  }
  return {rows.empty() ? Then::end : Then::more};
}

}  // namespace fealty::jobs
