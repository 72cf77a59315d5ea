// The OpenAPI 3.1 document, written from the routes' declarations alone.
#pragma once
#include <string>
#include <string_view>
#include "api/route_table.h"

namespace fealty::api {

// Pretty printed, in an order that depends on the declarations alone: paths and components by name, methods by kind. Each
// operation stands once, under its first prefix; "x-paths" lists all paths under which it answers. Throws std::logic_error
// when two structs have one name.
std::string openapi_document(RouteTable const& table, std::string_view version);

}  // namespace fealty::api
