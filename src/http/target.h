// Request targets: percent-decoding with strict checks, and the query's pairs.
#pragma once
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fealty::http {

struct Target {
  std::string path;  // decoded
  // The form that routes are matched on: escapes of unreserved characters are decoded, all others are kept, so that "%2F"
  // never splits a segment. A segment of it is decoded with percent_decode after the match.
  std::string route_path;
  std::string path_and_query;                              // as received, without the scheme and host of an absolute form
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order; "+" is a space
};

// Origin form ("/path?query"), absolute form (by its path) and "*". Refused with a sentence for the caller: other forms,
// escapes that are none, NUL, characters beyond ASCII, "#", and text that does not decode to UTF-8.
std::expected<Target, std::string_view> parse_target(std::string_view raw);

enum class Plus : bool { is_plus, is_space };
// Nothing when an escape is not "%" and two hex digits.
std::optional<std::string> percent_decode(std::string_view text, Plus plus);

}  // namespace fealty::http
