#include "api/multipart.h"

#include <cstring>

#include "base/text.h"

namespace fealty::api {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::size_t kBoundaryCharactersMax = 70;  // RFC 2046, 5.1.1
// Blanks between a boundary and its line end; mail gateways once added them.
constexpr std::size_t kPaddingBytesMax = 64;
constexpr std::size_t kFilenameBytesMax = 255;

bool is_token(char c) { return c > ' ' && c < 0x7F && std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos; }

// A header's value "value; name=value; name="value"" piece by piece.
class Parameters {
 public:
  explicit Parameters(std::string_view header) : rest_(header) { value_ = trim_blanks(take_until_semicolon()); }
  std::string_view value() const { return value_; }

  // The next parameter, its name in the case it was sent in. False at the end or where the syntax is broken.
  bool next(std::string_view& name, std::string& text) {
    rest_ = trim_blanks(rest_);
    while (rest_.starts_with(';')) rest_ = trim_blanks(rest_.substr(1));
    std::size_t const length = static_cast<std::size_t>(std::find_if_not(rest_.begin(), rest_.end(), is_token) - rest_.begin());
    name = rest_.substr(0, length);
    rest_ = trim_blanks(rest_.substr(length));
    if (name.empty() || !rest_.starts_with('=')) return false;
    rest_ = trim_blanks(rest_.substr(1));
    text.clear();
    if (!rest_.starts_with('"')) {
      text = trim_blanks(take_until_semicolon());
      return true;
    }
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return true;
      }
      // Browsers of old send C:\folder\file with its backslashes as they are, so only these two are escapes.
      if (rest_[i] == '\\' && i + 1 < rest_.size() && (rest_[i + 1] == '"' || rest_[i + 1] == '\\')) ++i;
      text += rest_[i];
    }
    return false;
  }

 private:
  std::string_view take_until_semicolon() {
    std::size_t const end = std::min(rest_.find(';'), rest_.size());
    std::string_view const taken = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return taken;
  }

  std::string_view rest_, value_;
};

std::string display_name(std::string_view filename) {
  if (std::size_t const folder = filename.find_last_of("/\\"); folder != std::string_view::npos) filename.remove_prefix(folder + 1);
  std::string name;
  while (!filename.empty()) {
    std::size_t const valid = std::min(invalid_utf8_at(filename), filename.size());
    name += filename.substr(0, valid);
    filename.remove_prefix(valid);
    if (filename.empty()) break;
    name += '?';
    filename.remove_prefix(1);
  }
  for (char& c : name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  if (name.size() > kFilenameBytesMax) {
    std::size_t end = kFilenameBytesMax;
    while ((static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
    name.resize(end);
  }
  return name;
}

struct PartHeader {
  std::string name, content_type;
  std::optional<std::string> filename;
  bool has_disposition = false, has_name = false;

  void read_disposition(std::string_view value) {
    if (std::exchange(has_disposition, true)) throw problems::form_malformed("A part has two Content-Disposition headers.");
    Parameters parameters(value);
    if (!equals_ignore_ascii_case(parameters.value(), "form-data"))
      throw problems::form_malformed("A part's Content-Disposition is not form-data.");
    std::string_view key;
    std::string text;
    while (parameters.next(key, text)) {
      if (equals_ignore_ascii_case(key, "name")) {
        name = text;
        has_name = true;
      } else if (equals_ignore_ascii_case(key, "filename")) {
        filename = display_name(text);
      }
    }
  }

  void read_line(std::string_view line) {
    std::size_t const colon = line.find(':');
    if (colon == std::string_view::npos) throw problems::form_malformed("A part has a header line without a colon.");
    std::string_view const key = trim_blanks(line.substr(0, colon)), value = trim_blanks(line.substr(colon + 1));
    if (equals_ignore_ascii_case(key, "content-disposition")) {
      read_disposition(value);
    } else if (equals_ignore_ascii_case(key, "content-type")) {
      content_type = value;
    } else if (equals_ignore_ascii_case(key, "content-transfer-encoding")) {
      // RFC 7578, 4.7: it is not used; base64 would be stored as it stands.
      for (std::string_view const plain : {"7bit", "8bit", "binary"})
        if (equals_ignore_ascii_case(value, plain)) return;
      throw problems::form_malformed("A part has a Content-Transfer-Encoding; send it as it is.");
    }
  }
};

PartHeader parse_part_header(std::string_view lines) {
  PartHeader header;
  std::string line;
  while (!lines.empty()) {
    std::size_t const end = std::min(lines.find("\r\n"), lines.size());
    line += lines.substr(0, end);
    lines.remove_prefix(std::min(end + 2, lines.size()));
    // A line that begins with a blank goes on with the one before.
    if (!lines.empty() && (lines.front() == ' ' || lines.front() == '\t')) continue;
    header.read_line(line);
    line.clear();
  }
  if (!header.has_name) throw problems::form_malformed("A part has no name.");
  if (!is_valid_utf8(header.name)) throw problems::form_malformed("The name of a part is not UTF-8.");
  return header;
}

}  // namespace

std::optional<std::string> boundary_of(std::string_view content_type) {
  Parameters parameters(content_type);
  if (!equals_ignore_ascii_case(parameters.value(), "multipart/form-data")) return std::nullopt;
  std::string_view key;
  std::string boundary;
  while (parameters.next(key, boundary)) {
    if (!equals_ignore_ascii_case(key, "boundary")) continue;
    bool const printable = std::all_of(boundary.begin(), boundary.end(), [](char c) { return c >= ' ' && c < 0x7F; });
    if (boundary.empty() || boundary.size() > kBoundaryCharactersMax || boundary.back() == ' ' || !printable) return std::nullopt;
    return boundary;
  }
  return std::nullopt;
}

MultipartReader::MultipartReader(ByteSource& in, std::string_view boundary, MultipartLimits limits)
    : in_(in), limits_(limits), delimiter_("\r\n--"), buffer_(std::make_unique_for_overwrite<char[]>(kBufferBytes)) {
  delimiter_ += boundary;
  if (limits_.part_header_bytes_max + delimiter_.size() > kBufferBytes / 2) throw std::invalid_argument("part headers must fit the buffer");
  // The first boundary may stand at the very beginning: a line end in front of it makes it like all others.
  std::memcpy(buffer_.get(), "\r\n", 2);
  end_ = 2;
}

// Reads more behind what is there. Called only when little is left, so that moving it costs nothing.
bool MultipartReader::load() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
  }
  std::size_t const n = in_.read({buffer_.get() + end_, kBufferBytes - end_});
  end_ += n;
  bytes_ += static_cast<std::int64_t>(n);
  if (bytes_ > limits_.bytes_max) throw problems::file_too_large(limits_.bytes_max);
  return n > 0;
}

// What follows the delimiter at begin_, and how long the whole is.
MultipartReader::Tail MultipartReader::tail_of_boundary(std::size_t& length) const {
  std::string_view const tail = have().substr(delimiter_.size());
  if (tail.starts_with("--")) {
    length = delimiter_.size() + 2;
    return Tail::last_boundary;
  }
  if (tail == "-") return Tail::needs_more;
  std::size_t const blanks = std::min(tail.find_first_not_of(" \t"), tail.size());
  if (blanks > kPaddingBytesMax) return Tail::text;
  std::string_view const line_end = tail.substr(blanks, 2);
  length = delimiter_.size() + blanks;  // the line end is left: the part's header may be empty behind it
  if (line_end == "\r\n") return Tail::boundary;
  return line_end.empty() || line_end == "\r" ? Tail::needs_more : Tail::text;
}

// How many bytes from begin_ on belong to the body (or to the text outside of all parts); 0 when a boundary was reached.
std::size_t MultipartReader::available() {
  while (clear_ == 0) {
    if (state_ == State::at_boundary || state_ == State::ended) return 0;
    std::string_view const text = have();
    auto const* const hit = static_cast<char const*>(memmem(text.data(), text.size(), delimiter_.data(), delimiter_.size()));
    if (hit == nullptr) {
      // The last bytes may be the beginning of a boundary.
      if (text.size() >= delimiter_.size()) clear_ = text.size() - (delimiter_.size() - 1);
    } else if (hit != text.data()) {
      clear_ = static_cast<std::size_t>(hit - text.data());
    } else {
      std::size_t length = 0;
      switch (tail_of_boundary(length)) {
        case Tail::needs_more: break;
        case Tail::text: clear_ = 2; break;  // its line end cannot begin another boundary
        case Tail::boundary:
          drop(length);
          state_ = State::at_boundary;
          return 0;
        case Tail::last_boundary:
          drop(length);
          state_ = State::ended;
          return 0;
      }
    }
    if (clear_ == 0 && !load()) throw problems::form_truncated();
  }
  return clear_;
}

std::size_t MultipartReader::Body::read(std::span<char> into) {
  std::size_t const n = std::min(into.size(), reader_.available());
  std::memcpy(into.data(), reader_.buffer_.get() + reader_.begin_, n);
  reader_.drop(n);
  reader_.clear_ -= n;
  return n;
}

// Everything up to the next boundary. Outside of parts there is little to skip in a form that is meant well.
void MultipartReader::skip_outside() {
  std::size_t skipped = 0;
  while (std::size_t const n = available()) {
    skipped += n;
    if (state_ == State::outside && skipped > limits_.outside_bytes_max)
      throw problems::form_malformed("It does not begin with the boundary that its Content-Type names.");
    drop(n);
    clear_ = 0;
  }
}

std::string_view MultipartReader::read_part_header() {
  // begin_ is at the line end of the boundary: an empty header is found like any other.
  for (;;) {
    std::string_view const text = have();
    std::size_t const end = text.find("\r\n\r\n");
    if (std::min(end, text.size()) > limits_.part_header_bytes_max)
      throw problems::form_malformed("The header of a part has more than " + std::to_string(limits_.part_header_bytes_max) + " bytes.");
    if (end != std::string_view::npos) {
      drop(end + 4);
      return end < 2 ? std::string_view() : text.substr(2, end - 2);
    }
    if (!load()) throw problems::form_truncated();
  }
}

std::optional<Part> MultipartReader::next_part() {
  skip_outside();
  if (state_ == State::ended) {
    // Read to the end, so that a compressed form is checked to its last byte.
    std::size_t skipped = have().size();
    do {
      begin_ = end_ = 0;
      if (skipped > limits_.outside_bytes_max) throw problems::form_malformed("There is more text behind its last boundary.");
      if (!load()) break;
      skipped += end_;
    } while (true);
    return std::nullopt;
  }
  if (++parts_ > limits_.parts_max) throw problems::form_malformed("It has more than " + std::to_string(limits_.parts_max) + " parts.");
  PartHeader header = parse_part_header(read_part_header());
  state_ = State::in_part;
  return Part{std::move(header.name), std::move(header.filename), std::move(header.content_type), body_};
}

std::string read_field(Part& part, std::size_t bytes_max) {
  std::string value;
  std::array<char, 4096> piece;
  while (std::size_t const n = part.body.read(piece)) {
    if (value.size() + n > bytes_max)
      throw problems::form_field(part.name, "The value of " + part.name + " has more than " + std::to_string(bytes_max) + " bytes.");
    value.append(piece.data(), n);
  }
  if (!is_valid_utf8(value)) throw problems::form_field(part.name, "The value of " + part.name + " is not UTF-8.");
  return value;
}

}  // namespace fealty::api
