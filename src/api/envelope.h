// Puts the family's envelope around an answer or an error (conventions.md "Status codes and error bodies").
#pragma once
#include <string_view>
#include "api/http_types.h"
#include "api/route.h"

namespace fealty::api {

// Answer::raw passes through as it is. Errors carry Retry-After when they ask for it; plain routes answer errors in the
// integration form. The X-Request-Id header belongs to the pipeline, which puts it on every response.
Response render(Family family, Result<Answer> const& result, std::string_view request_id);

}  // namespace fealty::api
