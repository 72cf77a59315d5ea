// Bulk jobs as rows of the API log (access/api_log.h).
#pragma once
#include "access/api_log.h"

namespace fealty::jobs {

std::vector<access::JobLogRow> list_job_log(sql::Tx& tx, CommunityNo community, access::LogFilter const& filter);

}  // namespace fealty::jobs
