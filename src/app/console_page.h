// The console: the pages with which people run their communities. One page whose script draws all of them, and its files.
#pragma once
#include <vector>

#include "api/route.h"

namespace fealty::app {

// GET of every path that is a page, and of /assets/{file}. Only these: a path of the API that does not exist stays a 404 in the
// API's own form. They are no part of the API and so not of its document.
std::vector<api::Route> console_routes();

}  // namespace fealty::app
