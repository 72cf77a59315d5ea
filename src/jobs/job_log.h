// Bulk jobs as rows of the API log: what app gives to access::ApiLogReader.
#pragma once
#include "access/api_log.h"

namespace fealty::jobs {

access::JobLog job_log();

}  // namespace fealty::jobs
