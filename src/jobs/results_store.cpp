#include "jobs/results_store.h"

namespace fealty::jobs {
namespace {

using sql::Row;
using sql::Statement;

Statement const kOutcomes{"results.outcomes",
                          "SELECT row_number, status, errors FROM bulk_rows WHERE community_id = $1 AND job_id = $2 AND row_number > $3 "
                          "ORDER BY row_number LIMIT $4"};

}  // namespace

std::vector<KeptOutcome> kept_outcomes(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t after_row, std::int64_t limit) {
  std::vector<KeptOutcome> rows;
  tx.each(
      kOutcomes, [&](Row const& r) { rows.push_back({r.integer(0), static_cast<RowStatus>(r.integer(1)), r.string(2)}); }, community, job,
      after_row, limit);
  return rows;
}

}  // namespace fealty::jobs
