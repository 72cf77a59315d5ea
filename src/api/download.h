// Answers that give a file: its name, its parts (Range), its packed form, its conditions. RFC 9110, 12.5.3, 13 and 14;
// RFC 6266 for the name.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include "api/http_types.h"
#include "base/error.h"

namespace fealty::api {

namespace errors {
inline constexpr ErrorDef kPreconditionFailed{"precondition_failed", 412};
inline constexpr ErrorDef kRangeNotSatisfiable{"range_not_satisfiable", 416};
}  // namespace errors

struct Download {
  std::string file_name;     // as people gave it: any text; what no file can be called is replaced
  std::string content_type;  // "text/csv; charset=utf-8"
  // Names these very bytes, on every node: letters, digits, "." and "-". Whoever gives the same tag for other bytes breaks
  // downloads that go on after an interruption. Empty for what is made anew each time: it has no conditions and no parts.
  std::string etag;
  bool packable = false;  // worth gzip, for those that ask for it
};

// 200 with the whole body; 206 with one part of a body of known length; 304, 412 or 416 as the request's conditions say.
// A packed body has an entity tag of its own and no parts. A body that cannot seek is made and dropped up to its part.
Response download(Request const& request, std::shared_ptr<BodyStream> body, Download const& about);

// The header's value: `attachment` with a name that is safe on every system, and its exact form for those that read it.
std::string attachment(std::string_view file_name);

// Whether the request's Accept-Encoding prefers gzip to the plain form, or takes it at least.
bool accepts_gzip(Request const& request);

}  // namespace fealty::api
