// The operations of keys (identity.md "API keys"): those of communities, of the login management and of users.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "access/keys.h"
#include "api/route.h"

namespace fealty::access {

// Ids of the unfinished bulk jobs that a key uploaded, by its prefix. Keys know no jobs; the program brings the two together.
using OpenJobsOfKey = std::function<std::vector<std::string>(CommunityNo community, std::string_view key_prefix)>;

std::vector<api::Route> key_routes(KeyService& keys, sql::Database& database, OpenJobsOfKey open_jobs);

}  // namespace fealty::access
