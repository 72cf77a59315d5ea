#pragma once
#include <memory>

#include "sql/sql.h"

namespace fealty::sql::sqlite {

// `settings.url` is "sqlite://" and a path.
std::unique_ptr<Database> open(Settings const& settings);

}  // namespace fealty::sql::sqlite
