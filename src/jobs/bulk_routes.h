#pragma once
#include <vector>

#include "api/route.h"
#include "jobs/bulk_service.h"

namespace fealty::jobs {

// The bulk operations of bulk.md. The service and the kinds outlive the routes.
std::vector<api::Route> bulk_routes(BulkService& service, std::vector<std::unique_ptr<BulkKind>> const& kinds);

}  // namespace fealty::jobs
