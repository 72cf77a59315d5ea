// Batch columns in PostgreSQL's binary array format: sent as they are, parsed by the server without any text conversion.
#pragma once
#include <string>

#include "sql/sql.h"

namespace fealty::sql::postgres {

// Object ids of the server's built-in array types.
inline constexpr unsigned kInt8Array = 1016, kTextArray = 1009, kByteaArray = 1001;

unsigned array_type(Batch::Type type);
std::string binary_array(Batch::Column const& column, std::size_t rows);

}  // namespace fealty::sql::postgres
