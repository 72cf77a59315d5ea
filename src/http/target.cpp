#include "http/target.h"
#include "base/text.h"

namespace fealty::http {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The character of an escape at text[at], or -1.
int escaped_at(std::string_view text, std::size_t at) {
  if (at + 2 >= text.size()) return -1;
  int high = hex_value(text[at + 1]), low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// RFC 3986, 2.3: an escape of one of these means the same as the character itself.
bool is_unreserved(int c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

// Every escape is known to be well formed.
std::string decode_unreserved(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    int c = path[i] == '%' ? escaped_at(path, i) : -1;
    if (c >= 0 && is_unreserved(c)) {
      out += static_cast<char>(c);
      i += 2;
    } else {
      out += path[i];
    }
  }
  return out;
}

constexpr std::string_view kBadEscape = "The request target has a % that is not followed by two hex digits.";
constexpr std::string_view kBadText = "The request target does not decode to valid UTF-8 text without NUL.";

bool is_sane_text(std::string_view text) { return text.find('\0') == std::string_view::npos && is_valid_utf8(text); }

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      int c = escaped_at(text, i);
      if (c < 0) return std::nullopt;
      out += static_cast<char>(c);
      i += 2;
    } else {
      out += text[i] == '+' && plus == Plus::is_space ? ' ' : text[i];
    }
  }
  return out;
}

std::expected<Target, std::string_view> parse_target(std::string_view raw) {
  for (char c : raw)
    if (c <= ' ' || c >= 127 || c == '#') return std::unexpected("The request target has a character that must be percent-encoded.");
  Target target;
  if (raw == "*") {
    target.path = target.route_path = target.path_and_query = "*";
    return target;
  }
  if (!raw.starts_with('/')) {
    std::size_t scheme = raw.find("://");
    std::string_view name = raw.substr(0, scheme == std::string_view::npos ? 0 : scheme);
    if (!equals_ignore_ascii_case(name, "http") && !equals_ignore_ascii_case(name, "https"))
      return std::unexpected("The request target must begin with a slash.");
    std::string_view rest = raw.substr(scheme + 3);
    std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    if (end == 0) return std::unexpected("The request target names no host.");
    raw = rest.substr(end);
  }
  if (!raw.starts_with('/')) target.path_and_query = "/";
  target.path_and_query += raw;

  std::string_view whole = target.path_and_query;
  std::size_t mark = std::min(whole.find('?'), whole.size());
  std::string_view path = whole.substr(0, mark);
  auto decoded = percent_decode(path, Plus::is_plus);
  if (!decoded) return std::unexpected(kBadEscape);
  if (!is_sane_text(*decoded)) return std::unexpected(kBadText);
  target.path = *std::move(decoded);
  target.route_path = path.find('%') == std::string_view::npos ? std::string(path) : decode_unreserved(path);

  if (mark == whole.size()) return target;
  for (std::string_view pair : split(whole.substr(mark + 1), '&')) {
    if (pair.empty()) continue;
    std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = percent_decode(pair.substr(0, equals), Plus::is_space);
    auto value = percent_decode(equals == pair.size() ? std::string_view() : pair.substr(equals + 1), Plus::is_space);
    if (!name || !value) return std::unexpected(kBadEscape);
    if (!is_sane_text(*name) || !is_sane_text(*value)) return std::unexpected(kBadText);
    target.query.emplace_back(*std::move(name), *std::move(value));
  }
  return target;
}

}  // namespace fealty::http
