// The three bulk kinds of members: update, premium currency, import.
#pragma once
#include <memory>
#include <vector>

#include "base/number_source.h"
#include "jobs/bulk_kind.h"
#include "members/bulk_columns.h"

namespace fealty::members {

// `scratch_folder` takes the temporary files of dry runs.
std::vector<std::unique_ptr<jobs::BulkKind>> bulk_kinds(sql::Database& database, NumberSource& numbers, std::string const& scratch_folder);

}  // namespace fealty::members
