// The browsable API reference: a viewer that runs in the browser on the OpenAPI document. Everything comes from this server;
// the page's policy lets the browser ask no other.
#pragma once
#include <string>
#include <vector>

#include "api/route.h"

namespace fealty::app {

// GET /docs (the page), /docs/{file} (its files) and /openapi.json (the document). They need no key: what they tell is the
// same for every installation.
std::vector<api::Route> reference_routes(std::string openapi_json);

}  // namespace fealty::app
