#include "api/http_types.h"

namespace fealty::api {

std::string_view to_string(Method m) {
  switch (m) {
    case Method::get: return "GET";
    case Method::head: return "HEAD";
    case Method::post: return "POST";
    case Method::put: return "PUT";
    case Method::patch: return "PATCH";
    case Method::del: return "DELETE";
    case Method::options: return "OPTIONS";
  }
  return "";
}

std::optional<std::string_view> Request::header(std::string_view lower_name) const {
  for (auto const& header : headers) {
    if (header.name == lower_name) return header.value;
  }
  return {};
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
  for (auto const& [key, value] : query) {
    if (key == name && !value.empty() && value != "undefined" && value != "null") return value;
  }
  return {};
}

}  // namespace fealty::api
