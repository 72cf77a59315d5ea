// Expected failures are values: a Result carries either the answer or an Error that an API body can show as it is.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/decimal.h"

namespace fealty {

// One entry of the error catalogue. `code` is a stable snake_case word that callers program against; it never changes.
struct ErrorDef {
  std::string_view code;
  int status;  // HTTP status that carries it
};

// A fact that a program can act on, beside the message that people read: a member of its own in the answer.
struct DetailJson {
  std::string text;  // complete JSON of one value
};
struct Detail {
  std::string name;
  std::variant<std::string, Decimal, DetailJson> value;
};

// One problem with one part of the input. `field` is a JSON Pointer for JSON bodies, a form field's or query
// parameter's name, or a CSV column's name.
struct Issue {
  std::string field;
  std::string code;
  std::string message;
  std::vector<std::string> suggestions = {};
  std::optional<std::int64_t> position = {};  // 1-based column of a CSV header cell
  std::optional<std::int64_t> line = {};      // physical line of a file
  std::optional<std::int64_t> limit = {};     // the limit that was passed, in the unit that the message names
  std::vector<Detail> details = {};
};

struct Error {
  ErrorDef const* def = nullptr;
  std::string message;  // for people: what is wrong and what to do next; never internals or another tenant's data
  std::vector<Issue> issues = {};
  bool issues_truncated = false;
  int retry_after_s = 0;             // > 0: sent as Retry-After
  std::vector<Detail> details = {};  // not in the system family, whose published shape has no place for them

  std::string_view code() const { return def->code; }
  int status() const { return def->status; }
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorDef const& def, std::string message, std::vector<Issue> issues = {}) {
  return std::unexpected(Error{&def, std::move(message), std::move(issues)});
}

// Errors that every room may answer with. A room's own codes stand in its own header.
namespace errors {
inline constexpr ErrorDef kInvalidRequest{"invalid_request", 400};
inline constexpr ErrorDef kUnauthorized{"unauthorized", 401};
inline constexpr ErrorDef kInsufficientPermission{"insufficient_permission", 401};
inline constexpr ErrorDef kForbidden{"forbidden", 403};
inline constexpr ErrorDef kNotFound{"not_found", 404};
inline constexpr ErrorDef kMethodNotAllowed{"method_not_allowed", 405};
inline constexpr ErrorDef kRequestTimeout{"request_timeout", 408};
inline constexpr ErrorDef kIdempotencyKeyReused{"idempotency_key_reused", 409};
inline constexpr ErrorDef kRequestInProgress{"request_in_progress", 409};
inline constexpr ErrorDef kBodyTooLarge{"body_too_large", 413};
inline constexpr ErrorDef kUnsupportedMediaType{"unsupported_media_type", 415};
inline constexpr ErrorDef kHeadersTooLarge{"headers_too_large", 431};
inline constexpr ErrorDef kRateLimited{"rate_limited", 429};
inline constexpr ErrorDef kInternal{"internal_error", 500};
inline constexpr ErrorDef kOverloaded{"overloaded", 503};
inline constexpr ErrorDef kShuttingDown{"shutting_down", 503};
inline constexpr ErrorDef kStorageUnavailable{"storage_unavailable", 503};
}  // namespace errors

}  // namespace fealty
