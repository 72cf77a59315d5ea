// One entry declares a route: verb, path, family, permission, what it takes and gives, its errors. Routing, checks,
// envelopes, limits, the test that walks all routes and the OpenAPI document all come from it.
#pragma once
#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include "api/context.h"
#include "api/http_types.h"
#include "api/schema.h"
#include "base/error.h"

namespace fealty::api {

// Envelope, prefixes and error shape belong to the family, never to a handler (conventions.md).
enum class Family : std::uint8_t {
  integration,  // /v1, /apis/v1, /api/v1/apis/v1; {status,message,data}
  application,  // the same three; {meta,message,data}
  system,       // no prefix, /api/v1; {meta,body}
  plain,        // as written, no envelope: health, metrics, the OpenAPI document, pages
};

// What a caller must bring. Its default constructor is missing on purpose: a route that forgets it does not compile.
struct Needs {
  enum class Kind : std::uint8_t { nothing, key_with };
  Kind kind;
  std::vector<Permission> all_of;
  Needs() = delete;
  static Needs nothing() { return Needs(Kind::nothing, {}); }
  static Needs key(std::initializer_list<Permission> p) { return Needs(Kind::key_with, p); }

 private:
  Needs(Kind k, std::vector<Permission> p) : kind(k), all_of(std::move(p)) {}
};

enum class BodyKind : std::uint8_t {
  none,    // no body is read; one that comes is drained within the JSON limit
  json,    // read whole, up to Limits::json_body_bytes_max
  stream,  // handed to the handler as Request::stream on a thread of its own (uploads)
};

// A handler's answer before the envelope: the family puts it around `data`.
struct Answer {
  int status = 200;
  std::string message = {};  // integration and application: "message"
  std::string data = {};     // JSON text of data / body; empty = member absent
  std::string extra = {};    // further members beside data, as `"pagination":{…}` without a leading comma
  std::vector<Header> headers = {};
  std::optional<Response> raw = {};  // plain answers (CSV, pages): sent as they are
  std::string meta_extra = {};       // application: further members of "meta", as `"page":1,"limit":20` without a leading comma
};

using Handler = std::function<Result<Answer>(Context&, Request&)>;

// For handlers that wait together with others: they start the work and return, and no thread is held meanwhile. `done` is
// called once, on any thread, with the answer or with what was thrown; context and request stay where they are until then.
using Done = std::move_only_function<void(Result<Answer>, std::exception_ptr)>;
using LaterHandler = std::function<void(Context&, Request&, Done)>;

struct Route {
  Method method;
  std::string path;  // "/users/bulk-update/{id}/status", without the family's prefix
  Family family;
  Needs needs;
  BodyKind body = BodyKind::none;
  std::string id;  // operationId, "bulk.status"
  std::string summary;
  std::string description = {};
  std::string tag = {};
  StructDef const* query = nullptr;  // query parameters
  StructDef const* in = nullptr;     // JSON body, or the form fields of an upload
  StructDef const* out = nullptr;    // "data"
  bool list = false;                 // data is an array of `out`, with "pagination"
  std::vector<ErrorDef const*> errors = {};
  std::string raw_content_type = {};  // plain answers
  bool ranges = false;                // a download (api/download.h): takes Range and If-Range, may answer 206
  Handler handler = {};
  LaterHandler later = {};   // instead of handler; not for streamed bodies
  int success_status = 200;  // documented; the handler's answer carries the real one
};

}  // namespace fealty::api
