#pragma once
#include "api/route_table.h"
#include "app/settings.h"

namespace fealty::app {

// Runs the server until SIGTERM or SIGINT, then drains. Returns the exit status.
int serve(ServeSettings const& settings);
// The OpenAPI document of all routes, without opening anything.
std::string openapi_text();

}  // namespace fealty::app
