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
  secure_auth,  // as written; {error,code,message,requestId}; server to server, so no browser of another origin may read it
  plain,        // as written, no envelope: health, metrics, the OpenAPI document, pages
};

// What a caller must bring. Its default constructor is missing on purpose: a route that forgets it does not compile.
struct Needs {
  bool guest = false;          // a request without a credential is admitted
  bool community_key = false;  // with all of `all_of`
  bool system_key = false;
  bool user_key = false;  // with `user_permission`
  // A signed-in person with at least this role in the request's community; none: no community is needed. Administrators may
  // do what a community's keys may do.
  std::optional<CommunityRole> user = {};
  bool installation = false;  // a signed-in person needs a session for the whole installation
  std::vector<Permission> all_of = {};
  std::optional<Permission> user_permission = {};

  Needs() = delete;
  // No credential is looked at.
  static Needs nothing() {
    Needs n(0);
    n.guest = true;
    return n;
  }
  // A community key with all these permissions.
  static Needs key(std::initializer_list<Permission> all) {
    Needs n(0);
    n.community_key = true;
    n.user = CommunityRole::administrator;
    n.all_of = all;
    return n;
  }
  // The same, and a request without a credential, which the handler judges.
  static Needs key_or_guest(std::initializer_list<Permission> all) {
    Needs n = key(all);
    n.guest = true;
    return n;
  }
  // A key of the login management, or a community key with these permissions when there are some.
  static Needs system(std::initializer_list<Permission> all = {}) {
    Needs n = key(all);
    n.community_key = all.size() > 0;
    n.system_key = true;
    return n;
  }
  // A key of the login management and nobody else: what it may do would let a person act for others.
  static Needs system_alone() {
    Needs n(0);
    n.system_key = true;
    return n;
  }
  // Open to all; who brings a system key is known by it.
  static Needs system_or_guest() {
    Needs n(0);
    n.guest = n.system_key = true;
    return n;
  }
  // A signed-in person with this role or a higher one; no key.
  static Needs role(CommunityRole least) {
    Needs n(0);
    n.user = least;
    return n;
  }
  // A signed-in person, wherever he belongs to.
  static Needs session() { return role(CommunityRole::none); }
  // The same with the account's own password: what concerns the account itself.
  static Needs account() {
    Needs n = session();
    n.installation = true;
    return n;
  }
  // A signed-in member, or a user key with this permission.
  static Needs member_or_user_key(Permission p) {
    Needs n = role(CommunityRole::member);
    n.user_key = true;
    n.user_permission = p;
    return n;
  }
  // A community key with this permission, for anybody; a signed-in member or a user key with the other one, for himself.
  static Needs key_or_own(Permission of_key, Permission own) {
    Needs n = member_or_user_key(own);
    n.community_key = true;
    n.all_of = {of_key};
    return n;
  }
  // Whether the request's credential is looked at.
  bool looks_at_credential() const { return !guest || system_key || community_key; }

 private:
  explicit Needs(int) {}
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
  bool by_cursor = false;            // a list without pages and total: its "pagination" is cursor_pagination (api/typed.h)
  std::vector<ErrorDef const*> errors = {};
  std::string raw_content_type = {};  // plain answers
  std::string file_field = "data";    // streamed forms: the field with the file; under another name it is no CSV file
  bool ranges = false;                // a download (api/download.h): takes Range and If-Range, may answer 206
  // A read by keys that is over in well under a millisecond: it may run on an I/O thread, where everybody else of that thread
  // waits for it. What turns out to be more work says so (Context::may_take_long).
  bool quick = false;
  Handler handler = {};
  LaterHandler later = {};   // instead of handler; not for streamed bodies
  int success_status = 200;  // documented; the handler's answer carries the real one
};

}  // namespace fealty::api
