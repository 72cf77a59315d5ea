// SQL of the results file: no rules.
#pragma once
#include "jobs/bulk_jobs.h"

namespace fealty::jobs {

struct KeptOutcome {
  std::int64_t row = 0;
  RowStatus status = RowStatus::failed;
  std::string errors;  // JSON array, as it is stored
};

// The next kept rows after this one, by row.
std::vector<KeptOutcome> kept_outcomes(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t after_row, std::int64_t limit);

}  // namespace fealty::jobs
