#pragma once
#include <memory>

#include "sql/sql.h"

namespace fealty::sql::postgres {

std::unique_ptr<Database> open(Settings const& settings);

}  // namespace fealty::sql::postgres
