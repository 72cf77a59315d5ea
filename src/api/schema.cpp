#include "api/schema.h"

#include <charconv>

#include "api/json_tree.h"
#include "base/text.h"
#include "base/time.h"

namespace fealty::api {

namespace {

using Issues = std::vector<Issue>;

// How messages call a field: "filter/join_date/gte", "page".
std::string label_of(std::string_view pointer) {
  if (pointer.empty()) return "The body";
  return std::string(pointer.starts_with('/') ? pointer.substr(1) : pointer);
}

bool refuse(Issues& issues, std::string const& pointer, std::string_view code, std::string const& rest) {
  add_issue(issues, {pointer, std::string(code), label_of(pointer) + " " + rest + "."});
  return false;
}
bool refuse_limit(Issues& issues, std::string const& pointer, std::string_view code, std::string const& rest, std::int64_t limit) {
  add_issue(issues, {pointer, std::string(code), label_of(pointer) + " " + rest + ".", {}, {}, {}, limit});
  return false;
}

bool refuse_option(Issues& issues, std::string const& pointer, std::string_view text, Rules const& rules) {
  constexpr std::size_t kTypingErrorsMax = 2;
  Issue issue{pointer, "not_an_option", label_of(pointer) + " must be one of "};
  bool first = true;
  for (auto option : rules.one_of) {
    if (!first) issue.message += ", ";
    first = false;
    issue.message += option;
    if (edit_distance(text, option, kTypingErrorsMax) <= kTypingErrorsMax) issue.suggestions.emplace_back(option);
  }
  issue.message += ".";
  add_issue(issues, std::move(issue));
  return false;
}

std::string without_carriage_returns(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out += text[i];
  }
  return out;
}

bool check_format(std::string_view text, Rules const& rules, Issues& issues, std::string const& pointer) {
  if (rules.format == "email") {
    return is_email(text) || refuse(issues, pointer, "not_an_email", "must be an e-mail address like ana@example.org");
  }
  if (rules.format == "date") {
    return parse_day(text) || refuse(issues, pointer, "not_a_date", "must be a day of the calendar like 2026-04-07");
  }
  if (rules.format == "date-time") {
    return parse_iso(text) || refuse(issues, pointer, "not_a_date", "must be a time with its zone like 2026-04-07T09:00:00.000Z");
  }
  if (rules.format == "id") {
    return PublicId::parse(text) || refuse(issues, pointer, "not_an_id", "must be an id of 24 lower-case hex digits");
  }
  return true;
}

bool check_text(std::string_view given, std::string& out, Rules const& rules, Issues& issues, std::string const& pointer) {
  if (!is_valid_utf8(given)) return refuse(issues, pointer, "invalid_text", "must be valid UTF-8");
  bool const multi_line = rules.format == "multi-line";
  out = to_nfc(rules.format == "email" ? trim_blanks(given) : given);
  if (multi_line && out.find('\r') != std::string::npos) out = without_carriage_returns(out);
  if (has_control_characters(out, multi_line)) {
    return refuse(issues, pointer, "invalid_text",
                  multi_line ? "must have no control characters but line feeds and tabs" : "must have no control characters");
  }
  if (rules.min || rules.max) {
    auto const length = static_cast<std::int64_t>(code_points(out));
    if (rules.min && length < *rules.min) {
      return refuse_limit(issues, pointer, "too_short", "must have at least " + std::to_string(*rules.min) + " characters", *rules.min);
    }
    if (rules.max && length > *rules.max) {
      return refuse_limit(issues, pointer, "too_long", "must have at most " + std::to_string(*rules.max) + " characters", *rules.max);
    }
  }
  if (!rules.one_of.empty() && std::find(rules.one_of.begin(), rules.one_of.end(), out) == rules.one_of.end()) {
    return refuse_option(issues, pointer, out, rules);
  }
  return check_format(out, rules, issues, pointer);
}

bool read_string(JsonIn const& in, void* out, Rules const& rules, Issues& issues, std::string const& pointer) {
  if (in.value.kind() != JsonKind::string) return refuse(issues, pointer, "not_a_string", "must be a string");
  return check_text(in.value.text(), *static_cast<std::string*>(out), rules, issues, pointer);
}
bool read_string_text(std::string_view text, void* out, Rules const& rules, Issues& issues, std::string const& name) {
  return check_text(text, *static_cast<std::string*>(out), rules, issues, name);
}

bool read_bool(JsonIn const& in, void* out, Rules const&, Issues& issues, std::string const& pointer) {
  if (in.value.kind() != JsonKind::boolean) return refuse(issues, pointer, "not_a_boolean", "must be true or false");
  *static_cast<bool*>(out) = in.value.truth();
  return true;
}
bool read_bool_text(std::string_view text, void* out, Rules const&, Issues& issues, std::string const& name) {
  bool const yes = text == "true" || text == "1";
  if (!yes && text != "false" && text != "0") return refuse(issues, name, "not_a_boolean", "must be true, false, 1 or 0");
  *static_cast<bool*>(out) = yes;
  return true;
}

bool take_integer(ParsedInteger parsed, void* out, Rules const& rules, Issues& issues, std::string const& pointer) {
  if (parsed.error == DecimalError::out_of_range) return refuse(issues, pointer, "out_of_range", "must fit 64 bits");
  if (parsed.error != DecimalError::none) return refuse(issues, pointer, "not_an_integer", "must be a whole number");
  if (rules.min && parsed.value < *rules.min) {
    return refuse_limit(issues, pointer, "too_small", "must be at least " + std::to_string(*rules.min), *rules.min);
  }
  if (rules.max && parsed.value > *rules.max) {
    return refuse_limit(issues, pointer, "too_large", "must be at most " + std::to_string(*rules.max), *rules.max);
  }
  *static_cast<std::int64_t*>(out) = parsed.value;
  return true;
}
bool read_integer(JsonIn const& in, void* out, Rules const& rules, Issues& issues, std::string const& pointer) {
  if (in.value.kind() != JsonKind::number) return refuse(issues, pointer, "not_an_integer", "must be a whole number");
  return take_integer(json_integer(in.value.text()), out, rules, issues, pointer);
}
bool read_integer_text(std::string_view text, void* out, Rules const& rules, Issues& issues, std::string const& name) {
  ParsedInteger parsed;
  auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), parsed.value);
  if (end != text.data() + text.size() || ec == std::errc::invalid_argument) {
    parsed.error = DecimalError::not_a_number;
  } else if (ec != std::errc()) {
    parsed.error = DecimalError::out_of_range;
  }
  return take_integer(parsed, out, rules, issues, name);
}

bool take_decimal(ParsedDecimal parsed, void* out, Rules const& rules, Issues& issues, std::string const& pointer) {
  switch (parsed.error) {
    case DecimalError::none: break;
    case DecimalError::not_a_number: return refuse(issues, pointer, "not_a_number", "must be a number");
    case DecimalError::too_many_decimals:
      return refuse_limit(issues, pointer, "too_many_decimals",
                          "must have at most " + std::to_string(Decimal::kPlacesMax) + " decimal places", Decimal::kPlacesMax);
    case DecimalError::out_of_range: {
      constexpr auto kLimit = Decimal::kLimitMicros / Decimal::kScale;
      return refuse_limit(issues, pointer, "out_of_range",
                          "must lie between -" + std::to_string(kLimit) + " and " + std::to_string(kLimit) + ", both excluded", kLimit);
    }
  }
  __extension__ using Wide = __int128;  // a rule's limit in millionths may not fit 64 bits
  auto const micros = static_cast<Wide>(parsed.value.micros);
  if (rules.min && micros < static_cast<Wide>(*rules.min) * Decimal::kScale) {
    return refuse_limit(issues, pointer, "too_small", "must be at least " + std::to_string(*rules.min), *rules.min);
  }
  if (rules.max && micros > static_cast<Wide>(*rules.max) * Decimal::kScale) {
    return refuse_limit(issues, pointer, "too_large", "must be at most " + std::to_string(*rules.max), *rules.max);
  }
  *static_cast<Decimal*>(out) = parsed.value;
  return true;
}
bool read_decimal(JsonIn const& in, void* out, Rules const& rules, Issues& issues, std::string const& pointer) {
  switch (in.value.kind()) {
    case JsonKind::number: return take_decimal(json_decimal(in.value.text()), out, rules, issues, pointer);
    case JsonKind::string: return take_decimal(parse_decimal(in.value.text()), out, rules, issues, pointer);
    default: return refuse(issues, pointer, "not_a_number", "must be a number");
  }
}
bool read_decimal_text(std::string_view text, void* out, Rules const& rules, Issues& issues, std::string const& name) {
  return take_decimal(parse_decimal(text), out, rules, issues, name);
}

bool read_id_text(std::string_view text, void* out, Rules const&, Issues& issues, std::string const& name) {
  auto const id = PublicId::parse(text);
  if (!id) return refuse(issues, name, "not_an_id", "must be an id of 24 lower-case hex digits");
  *static_cast<PublicId*>(out) = *id;
  return true;
}
bool read_id(JsonIn const& in, void* out, Rules const& rules, Issues& issues, std::string const& pointer) {
  if (in.value.kind() != JsonKind::string) return refuse(issues, pointer, "not_a_string", "must be a string");
  return read_id_text(in.value.text(), out, rules, issues, pointer);
}

bool check_count(std::size_t size, Rules const& rules, Issues& issues, std::string const& pointer) {
  auto const count = static_cast<std::int64_t>(size);
  if (rules.min && count < *rules.min) {
    return refuse_limit(issues, pointer, "too_short", "must have at least " + std::to_string(*rules.min) + " items", *rules.min);
  }
  if (rules.max && count > *rules.max) {
    return refuse_limit(issues, pointer, "too_long", "must have at most " + std::to_string(*rules.max) + " items", *rules.max);
  }
  return true;
}
Rules item_rules(Rules const& rules) { return rules.items ? *rules.items : Rules{.one_of = rules.one_of, .format = rules.format}; }

bool not_given(std::string_view text) { return text.empty() || text == "undefined" || text == "null"; }

}  // namespace

void add_issue(Issues& issues, Issue issue) {
  if (issues.size() <= kRequestIssuesMax) issues.push_back(std::move(issue));
}

bool is_email(std::string_view text) {
  constexpr std::size_t kLengthMax = 254, kLocalMax = 64, kLabelMax = 63;  // RFC 5321 and RFC 1035
  std::size_t const at = text.rfind('@');
  if (text.size() > kLengthMax || at == std::string_view::npos || at == 0 || at > kLocalMax) return false;
  std::string_view const local = text.substr(0, at);
  std::string_view const domain = text.substr(at + 1);
  auto is_plain = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; };
  for (char c : local) {
    if (!is_plain(c) || std::string_view("@\"(),:;<>[\\]").contains(c)) return false;
  }
  if (local.front() == '.' || local.back() == '.' || local.contains("..")) return false;
  for (auto label : split(domain, '.')) {
    if (label.empty() || label.size() > kLabelMax || label.front() == '-' || label.back() == '-') return false;
    for (char c : label) {
      bool const ascii_ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
      if (!ascii_ok && static_cast<unsigned char>(c) < 0x80) return false;
    }
  }
  return true;
}

constinit Codec const CodecFor<std::string>::value{
    .json_type = "string",
    .json_format = "",
    .read = read_string,
    .read_text = read_string_text,
    .write = [](std::string& out, void const* value) { write_json_string(out, *static_cast<std::string const*>(value)); },
    .empty = nullptr};

constinit Codec const CodecFor<bool>::value{
    .json_type = "boolean",
    .json_format = "",
    .read = read_bool,
    .read_text = read_bool_text,
    .write = [](std::string& out, void const* value) { out += *static_cast<bool const*>(value) ? "true" : "false"; },
    .empty = nullptr};

constinit Codec const CodecFor<std::int64_t>::value{
    .json_type = "integer",
    .json_format = "int64",
    .read = read_integer,
    .read_text = read_integer_text,
    .write =
        [](std::string& out, void const* value) {
          char digits[24];
          out.append(digits, std::to_chars(digits, digits + sizeof digits, *static_cast<std::int64_t const*>(value)).ptr);
        },
    .empty = nullptr};

constinit Codec const CodecFor<Decimal>::value{
    .json_type = "number",
    .json_format = "decimal",
    .read = read_decimal,
    .read_text = read_decimal_text,
    .write = [](std::string& out, void const* value) { static_cast<Decimal const*>(value)->append_to(out); },
    .empty = nullptr};

constinit Codec const CodecFor<PublicId>::value{.json_type = "string",
                                                .json_format = "id",
                                                .read = read_id,
                                                .read_text = read_id_text,
                                                .write =
                                                    [](std::string& out, void const* value) {
                                                      out += '"';
                                                      out += static_cast<PublicId const*>(value)->to_string();
                                                      out += '"';
                                                    },
                                                .empty = nullptr};

constinit Codec const CodecFor<Json>::value{.json_type = "",
                                            .json_format = "",
                                            .read =
                                                [](JsonIn const& in, void* out, Rules const&, Issues&, std::string const&) {
                                                  auto& text = static_cast<Json*>(out)->text;
                                                  text.clear();
                                                  in.value.write(text);
                                                  return true;
                                                },
                                            .read_text = nullptr,
                                            .write =
                                                [](std::string& out, void const* value) {
                                                  auto const& text = static_cast<Json const*>(value)->text;
                                                  out += text.empty() ? std::string_view("null") : std::string_view(text);
                                                },
                                            .empty = nullptr};

namespace codec {

bool is_null(JsonIn const& in) { return in.value.is_null(); }

bool read_struct(StructDef const& def, JsonIn const& in, void* out, Issues& issues, std::string const& pointer) {
  if (in.value.kind() != JsonKind::object) return refuse(issues, pointer, "not_an_object", "must be a JSON object");
  std::array<std::optional<JsonValue>, kFieldsMax> given;
  std::size_t const count = def.fields.size();
  std::size_t expected = 0;  // clients mostly send members in the declared order
  for (JsonValue member : in.value) {
    for (std::size_t tried = 0; tried < count; ++tried) {
      std::size_t const i = (expected + tried) % count;
      if (def.fields[i].name != member.name()) continue;
      given[i] = member;
      expected = i + 1;
      break;
    }
  }
  bool good = true;
  std::string place = pointer;
  for (std::size_t i = 0; i < count; ++i) {
    FieldDef const& field = def.fields[i];
    bool const null_counts = field.codec->optional || field.codec->json_type.empty();
    bool const present = given[i] && (null_counts || !given[i]->is_null());
    if (!present && !field.rules.required) continue;
    place.resize(pointer.size());
    append_pointer(place, field.name);
    if (!present) {
      good = refuse(issues, place, "required", given[i] ? "is required and must not be null" : "is required");
      continue;
    }
    good = field.codec->read({*given[i]}, field.at(out), field.rules, issues, place) && good;
  }
  return good;
}

bool read_array(Codec const& item, JsonIn const& in, void* vector, void* (*append)(void*), Rules const& rules, Issues& issues,
                std::string const& pointer) {
  if (in.value.kind() != JsonKind::array) return refuse(issues, pointer, "not_an_array", "must be an array");
  if (!check_count(in.value.size(), rules, issues, pointer)) return false;
  Rules const each = item_rules(rules);
  bool good = true;
  std::size_t index = 0;
  std::string place = pointer;
  for (JsonValue value : in.value) {
    place.resize(pointer.size());
    append_pointer(place, std::to_string(index++));
    good = item.read({value}, append(vector), each, issues, place) && good;
  }
  return good;
}

bool read_array_text(Codec const& item, std::string_view text, void* vector, void* (*append)(void*), Rules const& rules, Issues& issues,
                     std::string const& name) {
  std::vector<std::string_view> given;
  for (auto part : split(text, ',')) {
    if (auto const trimmed = trim_blanks(part); !trimmed.empty()) given.push_back(trimmed);
  }
  if (!check_count(given.size(), rules, issues, name)) return false;
  Rules const each = item_rules(rules);
  bool good = true;
  for (auto part : given) good = item.read_text(part, append(vector), each, issues, name) && good;
  return good;
}

}  // namespace codec

bool parse_json(StructDef const& def, std::string_view body, void* out, Issues& issues) {
  JsonTree tree;
  bool const clean = tree.parse(body, issues);
  // Duplicate members are the one problem after which the rest can still be judged.
  if (!tree.complete()) return false;
  return codec::read_struct(def, {tree.root()}, out, issues, "") && clean;
}

bool parse_pairs(StructDef const& def, std::span<std::pair<std::string, std::string> const> pairs, void* out, Issues& issues) {
  bool good = true;
  for (FieldDef const& field : def.fields) {
    std::string const* given = nullptr;
    bool twice = false;
    for (auto const& [name, value] : pairs) {
      if (name != field.name || not_given(value)) continue;
      twice = given != nullptr;
      given = &value;
      if (twice) break;
    }
    std::string const name(field.name);
    if (twice) {
      good = refuse(issues, name, "duplicate_member", "is given more than once");
    } else if (given && field.codec->read_text) {
      good = field.codec->read_text(*given, field.at(out), field.rules, issues, name) && good;
    } else if (!given && field.rules.required) {
      good = refuse(issues, name, "required", "is required");
    }
  }
  return good;
}

namespace {

template <class Wanted>
void write_members(StructDef const& def, void const* value, std::string& out, Wanted const& wanted) {
  out += '{';
  bool first = true;
  for (FieldDef const& field : def.fields) {
    if (!wanted(field)) continue;
    void const* const place = field.at(const_cast<void*>(value));
    if (field.rules.omit_empty && field.codec->empty && field.codec->empty(place)) continue;
    if (!first) out += ',';
    first = false;
    out += '"';
    out += field.name;  // field() refuses names that would need escapes
    out += "\":";
    field.codec->write(out, place);
  }
  out += '}';
}

}  // namespace

void write_json(StructDef const& def, void const* value, std::string& out) {
  write_members(def, value, out, [](FieldDef const&) { return true; });
}

void write_json(StructDef const& def, void const* value, std::string& out, std::span<std::string const> only) {
  write_members(def, value, out, [&](FieldDef const& f) { return std::ranges::find(only, f.name) != only.end(); });
}

void write_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  // Most texts need nothing of what follows.
  auto const is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  if (std::all_of(text.begin(), text.end(), is_plain)) {
    out += text;
    out += '"';
    return;
  }
  while (true) {
    std::size_t const bad = is_ascii(text) ? std::string_view::npos : invalid_utf8_at(text);
    std::string_view const good = text.substr(0, bad);
    std::size_t copied = 0;
    for (std::size_t i = 0; i < good.size(); ++i) {
      char const c = good[i];
      if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') continue;
      out += good.substr(copied, i - copied);
      copied = i + 1;
      switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default:
          out += "\\u00";
          out += kHex[static_cast<unsigned char>(c) >> 4];
          out += kHex[c & 15];
      }
    }
    out += good.substr(copied);
    if (bad == std::string_view::npos) break;
    out += kReplacement;
    text.remove_prefix(bad + 1);
  }
  out += '"';
}

}  // namespace fealty::api
