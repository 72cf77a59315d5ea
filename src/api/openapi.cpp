#include "api/openapi.h"

#include <algorithm>
#include <map>
#include <set>

#include "api/openapi_schema.h"

namespace fealty::api {

namespace {

using openapi::Components;
using openapi::Direction;

constexpr std::string_view kDescription =
    "Community loyalty: members, their ledger, and bulk operations that change them exactly once.\n\n"
    "Each operation is listed once, under its first path; its `x-paths` are all paths under which it answers. Integration and "
    "application operations answer under `/v1`, `/apis/v1` and `/api/v1/apis/v1`; system operations without a prefix and under "
    "`/api/v1`, and under `/v1` where no other operation has that method and path.\n\n"
    "Every response carries `X-Request-Id`. All problems of one request are reported together. Amounts are exact decimals with at "
    "most 6 places.";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

std::string full_path(std::string_view prefix, Route const& route) {
  if (route.path == "/" && !prefix.empty()) return std::string(prefix);
  return std::string(prefix) + route.path;
}

std::vector<std::string> parameter_names(std::string_view path) {
  std::vector<std::string> out;
  for (std::size_t at = path.find('{'); at != std::string_view::npos; at = path.find('{', at + 1)) {
    out.emplace_back(path.substr(at + 1, path.find('}', at) - at - 1));
  }
  return out;
}

// The path without the names of its parameters: the document allows one spelling for each.
std::string shape_of(std::string_view path) {
  std::string out;
  bool inside = false;
  for (char c : path) {
    if (!inside) out += c;
    if (c == '{') inside = true;
    if (c == '}' && inside) {
      inside = false;
      out += c;
    }
  }
  return out;
}

bool has_key(Route const& route) { return !route.needs.guest || route.needs.community_key; }

// Whoever repeats answers by Idempotency-Key can also refuse a key that was used for something else.
bool repeats_answers(Route const& route) { return std::ranges::find(route.errors, &errors::kIdempotencyKeyReused) != route.errors.end(); }

std::string_view error_component(Family family) {
  switch (family) {
    case Family::application: return "ApplicationError";
    case Family::system: return "SystemError";
    case Family::secure_auth: return "SecureAuthError";
    case Family::integration:
    case Family::plain: break;
  }
  return "IntegrationError";
}

// Declared errors, and those that the pipeline and the typed handlers may answer with.
std::map<int, std::set<std::string_view>> errors_of(Route const& route) {
  std::map<int, std::set<std::string_view>> out;
  auto add = [&out](ErrorDef const& error) { out[error.status].insert(error.code); };
  for (auto const* error : route.errors) add(*error);
  if (route.query || route.in) add(errors::kInvalidRequest);
  if (has_key(route)) {
    add(errors::kUnauthorized);
    if (!route.needs.all_of.empty()) add(errors::kInsufficientPermission);
    add(errors::kRateLimited);
  }
  if (route.body != BodyKind::none) {
    add(errors::kBodyTooLarge);
    add(errors::kRequestTimeout);
  }
  if (route.family != Family::plain) {
    add(errors::kInternal);
    add(errors::kOverloaded);
    add(errors::kShuttingDown);
    add(errors::kStorageUnavailable);
  }
  return out;
}

class Writer {
 public:
  explicit Writer(RouteTable const& table) : table_(table) {}

  std::string document(std::string_view version) {
    collect();
    w_.begin_object().key("openapi").string("3.1.0");
    w_.key("info").begin_object().key("title").string("Fealty").key("version").string(version);
    w_.key("description").string(kDescription).end_object();
    w_.key("servers").begin_array().begin_object().key("url").string("/").end_object().end_array();
    if (!tags_.empty()) {
      w_.key("tags").begin_array();
      for (auto const& tag : tags_) w_.begin_object().key("name").string(tag).end_object();
      w_.end_array();
    }
    w_.key("paths").begin_object();
    for (auto const& [shape, routes] : paths_) write_path(routes);
    w_.end_object();
    write_components();
    w_.end_object();
    return indent_json(w_.take());
  }

 private:
  void collect() {
    for (Route const& route : table_.routes()) {
      paths_[shape_of(full_path(prefixes_of(route).front(), route))].push_back(&route);
      if (!route.tag.empty()) tags_.insert(route.tag);
      // Form fields and parameters are written in place, so only what they hold could need a component.
      if (route.in && route.body != BodyKind::stream) components_.use(*route.in, Direction::in);
      if (route.out) components_.use(*route.out, Direction::out);
    }
    for (auto& [shape, routes] : paths_) std::ranges::sort(routes, {}, [](Route const* r) { return r->method; });
  }

  void write_path(std::vector<Route const*> const& routes) {
    // Operations of one path may name its parameters differently; the first one's names stand for all.
    std::string const path = full_path(prefixes_of(*routes.front()).front(), *routes.front());
    w_.key(path).begin_object();
    for (Route const* route : routes) {
      w_.key(lower(to_string(route->method)));
      write_operation(*route, path);
    }
    w_.end_object();
  }

  void write_operation(Route const& route, std::string_view path) {
    w_.begin_object().key("operationId").string(route.id).key("summary").string(route.summary);
    if (!route.description.empty()) w_.key("description").string(route.description);
    if (!route.tag.empty()) w_.key("tags").begin_array().string(route.tag).end_array();
    write_security(route);
    write_paths(route);
    write_parameters(route, path);
    if (route.body == BodyKind::json) write_json_body(route);
    if (route.body == BodyKind::stream) write_upload(route);
    w_.key("responses").begin_object();
    write_success(route);
    for (auto const& [status, codes] : errors_of(route)) write_error(route, status, codes);
    w_.end_object().end_object();
  }

  void write_security(Route const& route) {
    w_.key("security").begin_array();
    auto const& needs = route.needs;
    auto scheme = [&](bool taken, std::string_view name) {
      if (taken) w_.begin_object().key(name).begin_array().end_array().end_object();
    };
    scheme(needs.community_key, "communityKey");
    scheme(needs.system_key, "systemKey");
    scheme(needs.user_key, "userKey");
    scheme(needs.user.has_value(), "userToken");
    if (needs.guest && needs.looks_at_credential()) w_.begin_object().end_object();
    w_.end_array();
    auto permissions = [&](std::string_view name, std::span<Permission const> list) {
      if (list.empty()) return;
      w_.key(name).begin_array();
      for (Permission p : list) w_.string(info(p).identifier);
      w_.end_array();
    };
    permissions("x-permissions", needs.all_of);
    if (needs.user_permission) permissions("x-user-key-permission", {&*needs.user_permission, 1});
  }

  void write_paths(Route const& route) {
    w_.key("x-paths").begin_array();
    for (auto prefix : prefixes_of(route)) w_.string(full_path(prefix, route));
    if (route.family == Family::system) {
      std::string const versioned = full_path("/v1", route);
      if (table_.match(route.method, versioned).route == &route) w_.string(versioned);
    }
    w_.end_array();
  }

  void write_parameters(Route const& route, std::string_view path) {
    auto const names = parameter_names(path);
    auto const own_names = parameter_names(route.path);
    bool const idempotent = repeats_answers(route);
    if (names.empty() && !route.query && !idempotent && !route.ranges && !(route.in && is_csv_upload(route))) return;
    w_.key("parameters").begin_array();
    for (std::size_t i = 0; i < names.size(); ++i) {
      w_.begin_object().key("name").string(names[i]).key("in").string("path").key("required").boolean(true);
      if (own_names[i] != names[i]) w_.key("description").string("Called " + own_names[i] + " by this operation.");
      w_.key("schema").begin_object().key("type").string("string").end_object().end_object();
    }
    std::set<std::string_view> query_names;
    if (route.query) {
      for (FieldDef const& field : route.query->fields) {
        write_query(field, field.rules.required);
        query_names.insert(field.name);
      }
    }
    if (route.in && is_csv_upload(route)) {
      for (FieldDef const& field : route.in->fields) {
        if (!query_names.contains(field.name)) write_query(field, false);  // of a text/csv body; forms carry them as fields
      }
    }
    if (idempotent) {
      w_.begin_object().key("name").string("Idempotency-Key").key("in").string("header");
      w_.key("description").string("The same key with the same path and body replays the first answer for 24 hours.");
      w_.key("schema").begin_object().key("type").string("string").key("maxLength").integer(255).end_object().end_object();
    }
    if (route.ranges) {
      write_header("Range", "One range of bytes: bytes=0-99, bytes=100- or bytes=-100. Of several the whole is sent.");
      write_header("If-Range", "The ETag of the part that is there; of another one the whole is sent.");
    }
    w_.end_array();
  }

  void write_header(std::string_view name, std::string_view description) {
    w_.begin_object().key("name").string(name).key("in").string("header").key("description").string(description);
    w_.key("schema").begin_object().key("type").string("string").end_object().end_object();
  }

  void write_query(FieldDef const& field, bool required) {
    w_.begin_object().key("name").string(field.name).key("in").string("query");
    if (required) w_.key("required").boolean(true);
    bool const list = field.codec->json_type == "array";
    if (list) w_.key("style").string("form").key("explode").boolean(false);  // one value, comma-separated
    components_.write_field(w_.key("schema"), field, Direction::in, false);
    w_.end_object();
  }

  void write_json_body(Route const& route) {
    w_.key("requestBody").begin_object();
    if (route.in) {
      bool const needed = std::ranges::any_of(route.in->fields, [](FieldDef const& f) { return f.rules.required; });
      w_.key("required").boolean(needed);
    }
    w_.key("content").begin_object().key("application/json").begin_object().key("schema");
    if (route.in) {
      components_.write_ref(w_, *route.in, Direction::in);
    } else {
      w_.begin_object().end_object();
    }
    w_.end_object().end_object().end_object();
  }

  // CSV files may come without a form around them.
  static bool is_csv_upload(Route const& route) { return route.body == BodyKind::stream && route.file_field == "data"; }

  void write_upload(Route const& route) {
    w_.key("requestBody").begin_object().key("required").boolean(true).key("content").begin_object();
    w_.key("multipart/form-data").begin_object().key("schema").begin_object().key("type").string("object");
    w_.key("properties").begin_object().key(route.file_field).begin_object().key("type").string("string").key("format").string("binary");
    w_.key("description").string("The file.").end_object();
    std::vector<std::string> required{route.file_field};
    if (route.in) {
      for (FieldDef const& field : route.in->fields) {
        components_.write_field(w_.key(field.name), field, Direction::in, false);
        if (field.rules.required) required.emplace_back(field.name);
      }
    }
    w_.end_object().key("required").value(required).end_object().end_object();
    if (is_csv_upload(route))
      w_.key("text/csv").begin_object().key("schema").begin_object().key("type").string("string").end_object().end_object();
    w_.end_object().end_object();
  }

  void write_data(Route const& route) {
    if (!route.out) {
      w_.begin_object().end_object();
    } else if (route.list) {
      w_.begin_object().key("type").string("array").key("items");
      components_.write_ref(w_, *route.out, Direction::out);
      w_.end_object();
    } else {
      components_.write_ref(w_, *route.out, Direction::out);
    }
  }

  void write_success(Route const& route) {
    write_answer(route, route.success_status, "Success.");
    if (route.ranges) write_answer(route, 206, "The range that was asked for.");
  }

  void write_answer(Route const& route, int status, std::string_view description) {
    w_.key(std::to_string(status)).begin_object().key("description").string(description);
    w_.key("content").begin_object();
    if (!route.raw_content_type.empty()) {
      w_.key(route.raw_content_type).begin_object().key("schema");
      if (route.out) {
        write_data(route);
      } else {
        w_.begin_object().key("type").string("string").end_object();
      }
      w_.end_object();
    } else {
      w_.key("application/json").begin_object().key("schema");
      write_envelope(route);
      w_.end_object();
    }
    w_.end_object().end_object();
  }

  void write_text(std::string_view name) { w_.key(name).begin_object().key("type").string("string").end_object(); }
  void write_integer(std::string_view name) { w_.key(name).begin_object().key("type").string("integer").end_object(); }
  void write_constant(std::string_view name, std::string_view value) {
    w_.key(name).begin_object().key("type").string("string").key("const").string(value).end_object();
  }

  void write_envelope(Route const& route) {
    if (route.family == Family::plain || route.family == Family::secure_auth) {
      write_data(route);
      return;
    }
    w_.begin_object().key("type").string("object").key("properties").begin_object();
    std::vector<std::string> required;
    switch (route.family) {
      case Family::integration:
      case Family::secure_auth:
      case Family::plain:
        write_constant("status", "success");
        write_text("message");
        required = {"status", "message"};
        break;
      case Family::application:
        w_.key("meta").begin_object().key("type").string("object").key("properties").begin_object();
        write_constant("status", "success");
        write_integer("statusCode");
        if (route.list) {
          for (auto name : {"page", "limit", "total"}) write_integer(name);
          write_text("nextCursor");
        }
        w_.end_object().key("required").value(std::vector<std::string>{"status", "statusCode"}).end_object();
        write_text("message");
        required = {"meta", "message"};
        break;
      case Family::system:
        w_.key("meta").begin_object().key("type").string("object").key("properties").begin_object();
        w_.key("success").begin_object().key("type").string("boolean").key("const").boolean(true).end_object();
        write_text("message");
        write_text("devMessage");
        w_.end_object().key("required").value(std::vector<std::string>{"success", "message", "devMessage"}).end_object();
        required = {"meta"};
        break;
    }
    std::string_view const data = route.family == Family::system ? "body" : "data";
    w_.key(data);
    write_data(route);
    if (route.out) required.emplace_back(data);
    if (route.list && route.family == Family::integration) {
      auto const* const shape = route.by_cursor ? "#/components/schemas/CursorPagination" : "#/components/schemas/Pagination";
      w_.key("pagination").begin_object().key("$ref").string(shape).end_object();
      required.emplace_back("pagination");
    }
    w_.end_object().key("required").value(required).end_object();
  }

  void write_error(Route const& route, int status, std::set<std::string_view> const& codes) {
    std::string description = "Codes: ";
    for (auto code : codes) {
      if (description.size() > 7) description += ", ";
      description += "`" + std::string(code) + "`";
    }
    w_.key(std::to_string(status)).begin_object().key("description").string(description + ".");
    if (status == 429 || status == 503) {
      w_.key("headers").begin_object().key("Retry-After").begin_object();
      w_.key("description").string("Seconds after which to try again.");
      w_.key("schema").begin_object().key("type").string("integer").end_object().end_object().end_object();
    }
    w_.key("content").begin_object().key("application/json").begin_object().key("schema").begin_object();
    w_.key("$ref").string("#/components/schemas/" + std::string(error_component(route.family)));
    w_.end_object().end_object().end_object();
    w_.key("x-codes").begin_array();
    for (auto code : codes) w_.string(code);
    w_.end_array().end_object();
  }

  void write_components() {
    w_.key("components").begin_object().key("schemas").begin_object();
    w_.key("ApplicationError").raw(kApplicationError).key("IntegrationError").raw(kIntegrationError);
    w_.key("CursorPagination")
        .raw(kCursorPagination)
        .key("Issue")
        .raw(kIssue)
        .key("Pagination")
        .raw(kPagination)
        .key("SecureAuthError")
        .raw(kSecureAuthError)
        .key("SystemError")
        .raw(kSystemError);
    components_.write_all(w_);
    w_.end_object().key("securitySchemes").raw(kSecuritySchemes).end_object();
  }

  static constexpr std::string_view kIssue =
      R"({"type":"object","description":"One problem with one part of the request.","properties":{)"
      R"("field":{"type":"string","description":"JSON Pointer of a body's member, name of a parameter, or a file's column."},)"
      R"("code":{"type":"string"},"message":{"type":"string"},)"
      R"("suggestions":{"type":"array","items":{"type":"string"}},)"
      R"("position":{"type":"integer","description":"Column of a file's header, from 1."},)"
      R"("line":{"type":"integer","description":"Line of a file, from 1."},)"
      R"("limit":{"type":"integer","description":"The limit that was passed."}},"required":["field","code","message"]})";
  static constexpr std::string_view kIntegrationError =
      R"({"type":"object","properties":{"status":{"type":"string","const":"error"},)"
      R"("code":{"type":"string","description":"Stable snake_case word."},"message":{"type":"string"},)"
      R"("errors":{"type":"array","items":{"$ref":"#/components/schemas/Issue"}},"errors_truncated":{"type":"boolean","const":true},)"
      R"("requestId":{"type":"string"}},"required":["status","code","message","errors","requestId"]})";
  static constexpr std::string_view kApplicationError =
      R"({"type":"object","properties":{"meta":{"type":"object","properties":{"status":{"type":"string","const":"error"},)"
      R"("statusCode":{"type":"integer"},"validation":{"type":"array","items":{"$ref":"#/components/schemas/Issue"}}},)"
      R"("required":["status","statusCode","validation"]},"code":{"type":"string","description":"Stable snake_case word."},)"
      R"("message":{"type":"string"},"errors_truncated":{"type":"boolean","const":true},"requestId":{"type":"string"}},)"
      R"("required":["meta","code","message","requestId"]})";
  static constexpr std::string_view kSystemError =
      R"({"type":"object","properties":{"meta":{"type":"object","properties":{"success":{"type":"boolean","const":false},)"
      R"("message":{"type":"string"},"devMessage":{"type":"string"}},"required":["success","message","devMessage"]},)"
      R"("body":{"type":"null"},"code":{"type":"string","description":"Stable snake_case word."},)"
      R"("errors":{"type":"array","items":{"$ref":"#/components/schemas/Issue"}},"errors_truncated":{"type":"boolean","const":true},)"
      R"("requestId":{"type":"string"}},"required":["meta","body","code","requestId"]})";
  static constexpr std::string_view kSecureAuthError =
      R"({"type":"object","properties":{"error":{"type":"boolean","const":true},)"
      R"("code":{"type":"string","description":"Stable snake_case word."},"message":{"type":"string"},"requestId":{"type":"string"}},)"
      R"("required":["error","code","message","requestId"]})";
  static constexpr std::string_view kCursorPagination =
      R"({"type":"object","properties":{"limit":{"type":"integer"},"hasNextPage":{"type":"boolean"},)"
      R"("nextCursor":{"type":["string","null"],"description":"The list ends where it is null."}},)"
      R"("required":["limit","hasNextPage","nextCursor"]})";
  static constexpr std::string_view kPagination =
      R"({"type":"object","properties":{"total":{"type":"integer"},"currentPage":{"type":"integer"},)"
      R"("totalPages":{"type":"integer"},"hasNextPage":{"type":"boolean"},"hasPrevPage":{"type":"boolean"},)"
      R"("nextCursor":{"type":"string"}},"required":["total","currentPage","totalPages","hasNextPage","hasPrevPage"]})";
  static constexpr std::string_view kSecuritySchemes =
      R"({"communityKey":{"type":"http","scheme":"bearer","description":"Key of one community with named permissions."},)"
      R"("systemKey":{"type":"apiKey","in":"header","name":"x-api-key","description":"System key of one community."},)"
      R"("userKey":{"type":"http","scheme":"bearer","description":"Key of one member with named permissions."},)"
      R"("userToken":{"type":"http","scheme":"bearer","bearerFormat":"JWT","description":"Token of a signed-in person, from a login."}})";

  RouteTable const& table_;
  std::map<std::string, std::vector<Route const*>> paths_;  // by shape
  std::set<std::string> tags_;
  Components components_;
  JsonWriter w_;
};

}  // namespace

std::string openapi_document(RouteTable const& table, std::string_view version) { return Writer(table).document(version); }

}  // namespace fealty::api
