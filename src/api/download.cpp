#include "api/download.h"

#include <charconv>
#include <cmath>

#include "api/envelope.h"
#include "api/gzip.h"
#include "base/text.h"

namespace fealty::api {
namespace {

constexpr std::size_t kNameCharactersMax = 150;  // far below the 255 bytes of file systems, also in three-byte scripts
constexpr std::size_t kExtensionCharactersMax = 10;
constexpr std::string_view kPackedTag = "-gzip";

// ---- Parts

struct Part {
  std::int64_t first = 0, count = 0;
};
struct Asked {
  enum class What : std::uint8_t { whole, part, impossible } what = What::whole;
  Part part;
};

// Digits alone; numbers beyond 63 bits are as good as the largest one.
std::optional<std::int64_t> read_number(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  std::int64_t number = 0;
  auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() ? number : std::numeric_limits<std::int64_t>::max();
}

// What is no single range of bytes is not understood and so means the whole (RFC 9110, 14.2 allows it).
Asked read_range(std::string_view header, std::int64_t length) {
  std::size_t const equals = header.find('=');
  if (equals == std::string_view::npos || !equals_ignore_ascii_case(trim_blanks(header.substr(0, equals)), "bytes")) return {};
  std::string_view const range = trim_blanks(header.substr(equals + 1));
  std::size_t const dash = range.find('-');
  if (dash == std::string_view::npos) return {};
  auto const first = read_number(range.substr(0, dash)), last = read_number(range.substr(dash + 1));
  bool const from_end = dash == 0;
  if ((from_end && !last) || (!from_end && !first) || (!last && dash + 1 < range.size())) return {};
  if (from_end) {
    std::int64_t const count = std::min(*last, length);
    if (count == 0) return {Asked::What::impossible, {}};
    return {Asked::What::part, {length - count, count}};
  }
  if (last && *last < *first) return {};
  if (*first >= length) return {Asked::What::impossible, {}};
  return {Asked::What::part, {*first, std::min(last.value_or(length - 1), length - 1) - *first + 1}};
}

class PartOfBody final : public BodyStream {
 public:
  PartOfBody(std::shared_ptr<BodyStream> whole, Part part) : whole_(std::move(whole)), count_(part.count), left_(part.count) {
    if (part.first > 0 && !whole_->seek(part.first)) skip_ = part.first;
  }
  std::optional<std::int64_t> length() const override { return count_; }
  Next next(std::string& out) override {
    std::size_t const before = out.size();
    Next const next = whole_->next(out);
    auto const skipped = std::min<std::int64_t>(skip_, static_cast<std::int64_t>(out.size() - before));
    out.erase(before, static_cast<std::size_t>(skipped));
    skip_ -= skipped;
    if (static_cast<std::int64_t>(out.size() - before) > left_) out.resize(before + static_cast<std::size_t>(left_));
    left_ -= static_cast<std::int64_t>(out.size() - before);
    return left_ == 0 ? Next{Then::end} : next;
  }

 private:
  std::shared_ptr<BodyStream> whole_;
  std::int64_t count_, left_, skip_ = 0;
};

// ---- Conditions

// Whether one of the header's entity tags is `tag`. Weak ones ("W/…") never name our bytes, but mean the same content.
bool names_tag(std::string_view header, std::string_view tag, bool weak_too) {
  if (trim_blanks(header) == "*") return true;
  for (auto part : split(header, ',')) {
    part = trim_blanks(part);
    if (weak_too && part.starts_with("W/")) part.remove_prefix(2);
    if (part == tag) return true;
  }
  return false;
}

// ---- Names

// Control characters, what file systems and shells give a meaning to, and what turns the order of characters around so that
// an ending looks like another one.
bool is_unfit(char32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;
  if (c < 0x80) return std::string_view("/\\:*?\"<>|").find(static_cast<char>(c)) != std::string_view::npos;
  return (c >= 0x200e && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

// Of valid UTF-8.
std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < text.size();) {
    auto const lead = static_cast<unsigned char>(text[at]);
    std::size_t const size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    out.push_back(text.substr(at, size));
    at += size;
  }
  return out;
}
char32_t code_of(std::string_view c) {
  auto const byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(c[i])); };
  switch (c.size()) {
    case 1: return byte(0);
    case 2: return (byte(0) & 0x1f) << 6 | (byte(1) & 0x3f);
    case 3: return (byte(0) & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
    default: return (byte(0) & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f);
  }
}

std::vector<std::string_view> fit_name(std::string_view name) {
  if (!is_valid_utf8(name)) name = {};
  auto characters = characters_of(name);
  for (auto& c : characters)
    if (is_unfit(code_of(c))) c = "_";
  // Leading dots hide a file, trailing ones and spaces are lost on Windows.
  auto const is_edge = [](std::string_view c) { return c == "." || c == " "; };
  while (!characters.empty() && is_edge(characters.back())) characters.pop_back();
  characters.erase(characters.begin(), std::find_if_not(characters.begin(), characters.end(), is_edge));
  if (characters.size() > kNameCharactersMax) {
    auto const dot = std::find(characters.rbegin(), characters.rend(), ".");
    std::size_t const extension = static_cast<std::size_t>(dot - characters.rbegin()) + 1;
    std::size_t const kept = dot != characters.rend() && extension <= kExtensionCharactersMax ? extension : 0;
    characters.erase(characters.begin() + static_cast<std::ptrdiff_t>(kNameCharactersMax - kept),
                     characters.end() - static_cast<std::ptrdiff_t>(kept));
  }
  if (characters.empty()) characters = characters_of("download");
  return characters;
}

void append_percent_encoded(std::string& out, std::string_view character) {
  for (char const c : character) {
    // attr-char of RFC 8187.
    bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("!#$&+-.^_`|~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
      continue;
    }
    static constexpr char kHex[] = "0123456789ABCDEF";
    auto const byte = static_cast<unsigned char>(c);
    ((out += '%') += kHex[byte >> 4]) += kHex[byte & 15];
  }
}

}  // namespace

std::string attachment(std::string_view file_name) {
  std::string plain, exact;
  bool differs = false;
  for (auto const c : fit_name(file_name)) {
    // Some readers decode a "%41" in the plain form, others do not.
    bool const is_plain = c.size() == 1 && c != "%";
    plain += is_plain ? c : "_";
    differs = differs || !is_plain;
    append_percent_encoded(exact, c);
  }
  std::string out = "attachment; filename=\"" + plain + "\"";
  if (differs) out += "; filename*=UTF-8''" + exact;
  return out;
}

bool accepts_gzip(Request const& request) {
  // In thousandths; "*" speaks for what is not named.
  int gzip = -1, identity = -1, others = -1;
  for (auto const& header : request.headers) {
    if (header.name != "accept-encoding") continue;
    for (auto const item : split(header.value, ',')) {
      std::size_t const semicolon = std::min(item.find(';'), item.size());
      auto const name = trim_blanks(item.substr(0, semicolon));
      int weight = 1'000;
      if (semicolon < item.size()) {
        auto const parameter = trim_blanks(item.substr(semicolon + 1));
        double q = 0;
        if (!equals_ignore_ascii_case(parameter.substr(0, 2), "q=")) continue;
        auto const [end, problem] = std::from_chars(parameter.data() + 2, parameter.data() + parameter.size(), q);
        if (problem != std::errc() || !(q >= 0 && q <= 1)) continue;
        weight = static_cast<int>(std::lround(q * 1'000));
      }
      if (equals_ignore_ascii_case(name, "gzip") || equals_ignore_ascii_case(name, "x-gzip"))
        gzip = weight;
      else if (equals_ignore_ascii_case(name, "identity"))
        identity = weight;
      else if (name == "*")
        others = weight;
    }
  }
  if (gzip < 0) gzip = others;
  return gzip > 0 && gzip >= identity;
}

Response download(Request const& request, std::shared_ptr<BodyStream> body, Download const& about) {
  auto const length = body->length();
  std::string const plain_tag = "\"" + about.etag + "\"", packed_tag = "\"" + about.etag + std::string(kPackedTag) + "\"";
  bool packed = about.packable && accepts_gzip(request);

  Asked asked;
  if (auto const range = request.header("range"); range && length && !about.etag.empty() && request.method == Method::get) {
    // Who has a part of other bytes, or of their packed form, must get the whole.
    auto const condition = request.header("if-range");
    if (!condition || trim_blanks(*condition) == plain_tag) asked = read_range(*range, *length);
    if (asked.what != Asked::What::whole) packed = false;
  }

  std::vector<Header> headers;
  bool const has_tag = !about.etag.empty();
  if (has_tag) headers.push_back({"ETag", packed ? packed_tag : plain_tag});
  headers.push_back({"Accept-Ranges", length && has_tag ? "bytes" : "none"});
  if (about.packable) headers.push_back({"Vary", "Accept-Encoding"});
  auto refused = [&](ErrorDef const& def, std::string message) {
    Response response = render(Family::integration, fail(def, std::move(message)), request.request_id);
    response.headers.insert(response.headers.end(), headers.begin(), headers.end());
    return response;
  };
  if (auto const match = request.header("if-match");
      has_tag && match && !names_tag(*match, plain_tag, false) && !names_tag(*match, packed_tag, false))
    return refused(errors::kPreconditionFailed, "The file is not the one that If-Match names.");
  if (auto const none = request.header("if-none-match"); has_tag && none && names_tag(*none, packed ? packed_tag : plain_tag, true))
    return {.status = 304, .headers = std::move(headers)};
  if (asked.what == Asked::What::impossible) {
    auto response =
        refused(errors::kRangeNotSatisfiable, "The file has " + std::to_string(*length) + " bytes; the range lies beyond its end.");
    response.headers.push_back({"Content-Range", "bytes */" + std::to_string(*length)});
    return response;
  }

  headers.push_back({"Content-Disposition", attachment(about.file_name)});
  Response response{.status = 200, .content_type = about.content_type};
  if (asked.what == Asked::What::part) {
    response.status = 206;
    auto const [first, count] = asked.part;
    headers.push_back(
        {"Content-Range", "bytes " + std::to_string(first) + "-" + std::to_string(first + count - 1) + "/" + std::to_string(*length)});
    response.stream = std::make_shared<PartOfBody>(std::move(body), asked.part);
  } else if (packed) {
    headers.push_back({"Content-Encoding", "gzip"});
    response.stream = std::make_shared<GzipBody>(std::move(body));
  } else {
    response.stream = std::move(body);
  }
  response.headers = std::move(headers);
  return response;
}

}  // namespace fealty::api
