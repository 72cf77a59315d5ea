#include "api/json_tree.h"

#include <boost/json/basic_parser_impl.hpp>

#include "base/text.h"

namespace fealty::api {

namespace json = boost::json;

void append_pointer(std::string& pointer, std::string_view name) {
  pointer += '/';
  for (char c : name) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
}

// Boost.JSON's DOM turns numbers into doubles, so its tokens are taken from the event parser, which hands over the digits.
class JsonTreeBuilder {
 public:
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);

  JsonTreeBuilder(JsonTree& tree, std::vector<Issue>& issues) : tree_(tree), issues_(issues) {}

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_array_begin(json::error_code& ec) { return open(JsonKind::array, ec); }
  bool on_array_end(std::size_t, json::error_code&) { return close(); }
  bool on_object_begin(json::error_code& ec) { return open(JsonKind::object, ec); }
  bool on_object_end(std::size_t, json::error_code&) {
    refuse_duplicates();
    return close();
  }
  bool on_string_part(json::string_view s, std::size_t, json::error_code&) { return keep(s); }
  bool on_string(json::string_view s, std::size_t n, json::error_code& ec) {
    keep(s);
    return add({.kind = JsonKind::string, .text_at = end() - size(n), .text_size = size(n)}, ec);
  }
  bool on_key_part(json::string_view s, std::size_t, json::error_code&) { return keep(s); }
  bool on_key(json::string_view s, std::size_t n, json::error_code&) {
    keep(s);
    name_at_ = end() - size(n);
    name_size_ = size(n);
    return true;
  }
  bool on_number_part(json::string_view s, json::error_code&) {
    number_size_ += size(s.size());
    return keep(s);
  }
  bool on_int64(std::int64_t, json::string_view s, json::error_code& ec) { return number(s, ec); }
  bool on_uint64(std::uint64_t, json::string_view s, json::error_code& ec) { return number(s, ec); }
  bool on_double(double, json::string_view s, json::error_code& ec) { return number(s, ec); }
  bool on_bool(bool b, json::error_code& ec) { return add({.kind = JsonKind::boolean, .truth = b}, ec); }
  bool on_null(json::error_code& ec) { return add({.kind = JsonKind::null}, ec); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  bool too_many() const { return too_many_; }
  // Of the value that is being parsed.
  std::string pointer_here() const {
    std::string pointer = pointer_of_open();
    if (frames_.empty()) return pointer;
    if (tree_.nodes_[frames_.back().node].kind == JsonKind::object) {
      append_pointer(pointer, std::string_view(tree_.text_).substr(name_at_, name_size_));
    } else {
      append_pointer(pointer, std::to_string(frames_.back().count));
    }
    return pointer;
  }

 private:
  struct Frame {
    std::uint32_t node;
    std::uint32_t count;  // children so far
  };

  static std::uint32_t size(std::size_t n) { return static_cast<std::uint32_t>(n); }
  std::uint32_t end() const { return size(tree_.text_.size()); }
  bool keep(json::string_view s) {
    tree_.text_.append(s.data(), s.size());
    return true;
  }
  bool number(json::string_view s, json::error_code& ec) {
    keep(s);
    std::uint32_t const n = number_size_ + size(s.size());
    number_size_ = 0;
    return add({.kind = JsonKind::number, .text_at = end() - n, .text_size = n}, ec);
  }
  bool add(JsonTree::Node node, json::error_code& ec) {
    if (tree_.nodes_.size() >= kJsonValuesMax) {
      too_many_ = true;
      ec = json::error::array_too_large;
      return false;
    }
    if (!frames_.empty()) {
      ++frames_.back().count;
      if (tree_.nodes_[frames_.back().node].kind == JsonKind::object) {
        node.name_at = name_at_;
        node.name_size = name_size_;
      }
    }
    node.end = size(tree_.nodes_.size() + 1);
    tree_.nodes_.push_back(node);
    return true;
  }
  bool open(JsonKind kind, json::error_code& ec) {
    if (!add({.kind = kind}, ec)) return false;
    frames_.push_back({size(tree_.nodes_.size() - 1), 0});
    return true;
  }
  bool close() {
    Frame const frame = frames_.back();
    frames_.pop_back();
    tree_.nodes_[frame.node].text_size = frame.count;
    tree_.nodes_[frame.node].end = size(tree_.nodes_.size());
    return true;
  }
  std::string pointer_of_open() const {
    std::string pointer;
    for (std::size_t i = 1; i < frames_.size(); ++i) {
      auto const& node = tree_.nodes_[frames_[i].node];
      if (tree_.nodes_[frames_[i - 1].node].kind == JsonKind::object) {
        append_pointer(pointer, std::string_view(tree_.text_).substr(node.name_at, node.name_size));
      } else {
        append_pointer(pointer, std::to_string(frames_[i - 1].count - 1));
      }
    }
    return pointer;
  }
  // Two members of one name mean different things to different readers, so the object that is about to close is refused.
  void refuse_duplicates() {
    names_.clear();
    std::uint32_t const last = size(tree_.nodes_.size());
    for (std::uint32_t i = frames_.back().node + 1; i < last; i = tree_.nodes_[i].end) {
      names_.push_back(std::string_view(tree_.text_).substr(tree_.nodes_[i].name_at, tree_.nodes_[i].name_size));
    }
    std::sort(names_.begin(), names_.end());
    std::string pointer;
    for (std::size_t i = 1; i < names_.size(); ++i) {
      if (names_[i] != names_[i - 1] || (i > 1 && names_[i] == names_[i - 2])) continue;
      pointer = pointer_of_open();
      append_pointer(pointer, names_[i]);
      add_issue(issues_, {pointer, "duplicate_member", "The member " + std::string(names_[i]) + " is given more than once."});
    }
  }

  JsonTree& tree_;
  std::vector<Issue>& issues_;
  std::vector<Frame> frames_;
  std::vector<std::string_view> names_;
  std::uint32_t name_at_ = 0, name_size_ = 0;
  std::uint32_t number_size_ = 0;  // of the parts before the last one
  bool too_many_ = false;
};

namespace {

std::string place_of(std::string_view text, std::size_t offset) {
  std::string_view const before = text.substr(0, offset);
  auto const line = 1 + std::count(before.begin(), before.end(), '\n');
  std::size_t const start = before.rfind('\n') + 1;  // npos + 1 is 0
  return "line " + std::to_string(line) + ", byte " + std::to_string(offset - start + 1);
}

Issue syntax_issue(json::error_code ec, JsonTreeBuilder const& builder, std::string_view text, std::size_t offset) {
  if (builder.too_many()) {
    auto const most = static_cast<std::int64_t>(kJsonValuesMax);
    return {"", "too_many_values", "The body has more than " + std::to_string(most) + " values.", {}, {}, {}, most};
  }
  if (ec == json::error::too_deep) {
    return {"", "too_deep", "The body is nested more than " + std::to_string(kJsonDepthMax) + " levels deep.", {}, {}, {}, kJsonDepthMax};
  }
  if (ec == json::error::exponent_overflow) {
    return {builder.pointer_here(), "out_of_range", "The number at " + place_of(text, offset) + " is out of range."};
  }
  if (ec == json::error::illegal_leading_surrogate || ec == json::error::illegal_trailing_surrogate ||
      ec == json::error::expected_utf16_escape) {
    return {builder.pointer_here(), "invalid_text",
            "The text at " + place_of(text, offset) + " has an escape of half a surrogate pair, which is no character."};
  }
  if (ec == json::error::incomplete) return {"", "invalid_json", "The body ends before its JSON value does."};
  return {"", "invalid_json", "The body is not valid JSON at " + place_of(text, offset) + "."};
}

}  // namespace

bool JsonTree::parse(std::string_view text, std::vector<Issue>& issues) {
  nodes_.clear();
  text_.clear();
  complete_ = false;
  std::size_t const issues_before = issues.size();
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.size() > kJsonBytesMax) {
    auto const most = static_cast<std::int64_t>(kJsonBytesMax);
    add_issue(issues, {"", "too_long", "JSON may have at most " + std::to_string(most) + " bytes.", {}, {}, {}, most});
    return false;
  }
  if (auto const bad = invalid_utf8_at(text); bad != std::string_view::npos) {
    add_issue(issues, {"", "invalid_text", "The body is not valid UTF-8 at " + place_of(text, bad) + "."});
    return false;
  }
  // Decoded text is never longer than its source.
  text_.reserve(text.size());
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  options.allow_invalid_utf8 = true;  // checked above, with a better message
  json::basic_parser<JsonTreeBuilder> parser(options, *this, issues);
  json::error_code ec;
  std::size_t const used = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && used < text.size()) ec = json::error::extra_data;
  if (ec) add_issue(issues, syntax_issue(ec, parser.handler(), text, used));
  complete_ = !ec;
  return complete_ && issues.size() == issues_before;
}

JsonKind JsonValue::kind() const { return tree_->nodes_[index_].kind; }
bool JsonValue::truth() const { return tree_->nodes_[index_].truth; }
std::string_view JsonValue::text() const {
  auto const& node = tree_->nodes_[index_];
  if (node.kind != JsonKind::string && node.kind != JsonKind::number) return {};
  return std::string_view(tree_->text_).substr(node.text_at, node.text_size);
}
std::string_view JsonValue::name() const {
  auto const& node = tree_->nodes_[index_];
  return std::string_view(tree_->text_).substr(node.name_at, node.name_size);
}
std::size_t JsonValue::size() const {
  auto const& node = tree_->nodes_[index_];
  return node.kind == JsonKind::array || node.kind == JsonKind::object ? node.text_size : 0;
}
JsonValue::Iterator JsonValue::begin() const { return {tree_, index_ + 1}; }
JsonValue::Iterator JsonValue::end() const { return {tree_, tree_->nodes_[index_].end}; }
JsonValue::Iterator& JsonValue::Iterator::operator++() {
  index_ = tree_->nodes_[index_].end;
  return *this;
}

std::optional<JsonValue> JsonValue::find(std::string_view name) const {
  if (kind() != JsonKind::object) return {};
  for (JsonValue member : *this) {
    if (member.name() == name) return member;
  }
  return {};
}

void JsonValue::write(std::string& out) const {
  switch (kind()) {
    case JsonKind::null: out += "null"; break;
    case JsonKind::boolean: out += truth() ? "true" : "false"; break;
    case JsonKind::number: out += text(); break;
    case JsonKind::string: write_json_string(out, text()); break;
    case JsonKind::array:
    case JsonKind::object: {
      bool const object = kind() == JsonKind::object;
      out += object ? '{' : '[';
      bool first = true;
      for (JsonValue item : *this) {
        if (!first) out += ',';
        first = false;
        if (object) {
          write_json_string(out, item.name());
          out += ':';
        }
        item.write(out);
      }
      out += object ? '}' : ']';
    }
  }
}

namespace {

// A number without its exponent: digits · 10^-places, no leading zeros, and no trailing zeros beyond the point.
struct Unscaled {
  bool negative = false;
  std::string digits;  // empty for zero
  std::int64_t places = 0;
};

Unscaled unscale(std::string_view number) {
  Unscaled out;
  if (number.starts_with('-')) {
    out.negative = true;
    number.remove_prefix(1);
  }
  std::int64_t exponent = 0;
  if (auto const e = number.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view digits = number.substr(e + 1);
    bool const down = digits.starts_with('-');
    if (down || digits.starts_with('+')) digits.remove_prefix(1);
    // Far beyond every range, and far from an overflow of the sums below.
    for (char c : digits) exponent = std::min<std::int64_t>(exponent * 10 + (c - '0'), 1'000'000'000);
    if (down) exponent = -exponent;
    number = number.substr(0, e);
  }
  std::size_t const point = std::min(number.find('.'), number.size());
  out.digits = number.substr(0, point);
  if (point < number.size()) out.digits += number.substr(point + 1);
  out.places = static_cast<std::int64_t>(out.digits.size() - point) - exponent;
  out.digits.erase(0, std::min(out.digits.find_first_not_of('0'), out.digits.size()));
  while (out.places > 0 && out.digits.ends_with('0')) {
    out.digits.pop_back();
    --out.places;
  }
  if (out.digits.empty()) out.places = 0;
  return out;
}

// Digits that fit any of our ranges; longer numbers are out of range whatever their digits.
constexpr std::int64_t kWholeDigitsMax = 19;

}  // namespace

ParsedDecimal json_decimal(std::string_view number) {
  if (number.find_first_of("eE") == std::string_view::npos) return parse_decimal(number);
  Unscaled const n = unscale(number);
  auto const size = static_cast<std::int64_t>(n.digits.size());
  if (size - n.places > kWholeDigitsMax) return {{}, DecimalError::out_of_range};
  if (n.places > Decimal::kPlacesMax) {
    bool const too_large = size - n.places > 13;
    return {{}, too_large ? DecimalError::out_of_range : DecimalError::too_many_decimals};
  }
  std::string plain = n.digits;
  if (n.places < 0) plain.append(static_cast<std::size_t>(-n.places), '0');
  if (n.places > 0) {
    if (size <= n.places) plain.insert(0, static_cast<std::size_t>(n.places - size + 1), '0');
    plain.insert(plain.size() - static_cast<std::size_t>(n.places), ".");
  }
  if (plain.empty()) plain = "0";
  if (n.negative) plain.insert(0, "-");
  return parse_decimal(plain);
}

ParsedInteger json_integer(std::string_view number) {
  Unscaled n = unscale(number);
  auto const size = static_cast<std::int64_t>(n.digits.size());
  if (n.places > 0) return {0, DecimalError::not_a_number};
  if (size - n.places > kWholeDigitsMax) return {0, DecimalError::out_of_range};
  n.digits.append(static_cast<std::size_t>(-n.places), '0');
  if (n.digits.empty()) n.digits = "0";
  if (n.negative) n.digits.insert(0, "-");
  ParsedInteger out;
  auto const [end, ec] = std::from_chars(n.digits.data(), n.digits.data() + n.digits.size(), out.value);
  if (ec != std::errc()) return {0, DecimalError::out_of_range};
  return out;
}

}  // namespace fealty::api
