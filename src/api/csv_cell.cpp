#include "api/csv_cell.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace fealty::api {
namespace {

constexpr std::string_view kClear = "<clear>";
constexpr std::string_view kEscapedClear = "'<clear>";

// Guarded characters other than the apostrophe: spreadsheet programs take a cell that begins with one of them for a formula.
bool begins_guarded(std::string_view text) {
  if (text.empty()) return false;
  switch (text.front()) {
    case '=':
    case '+':
    case '-':
    case '@':
    case '\t':
    case '\r':
    case '\n': return true;
    case '\xEF':  // the full-width forms of the four signs
      return text.starts_with("\xEF\xBC\x9D") || text.starts_with("\xEF\xBC\x8B") || text.starts_with("\xEF\xBC\x8D") ||
             text.starts_with("\xEF\xBC\xA0");
    default: return false;
  }
}

bool is_escaped(std::string_view text) {
  if (text.empty() || text.front() != '\'') return false;
  std::string_view const rest = text.substr(1);
  return rest.starts_with('\'') || begins_guarded(rest) || text == kEscapedClear;
}

// [+-]? digits, with at most one point among or after them.
bool is_number(std::string_view text) {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  std::size_t digits = 0, points = 0;
  for (char const c : text) {
    digits += c >= '0' && c <= '9';
    points += c == '.';
  }
  return digits > 0 && points <= 1 && digits + points == text.size();
}

// Bytes of characters that are NFC by themselves and beside each other: U+0000 to U+02FF, U+0400 to U+047F, U+4000 to
// U+9FFF and U+B000 to U+CFFF hold neither combining marks nor anything that composes or decomposes. Continuation bytes
// follow their lead.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  auto const allow = [&](int first, int last) {
    for (int i = first; i <= last; ++i) plain[static_cast<std::size_t>(i)] = true;
  };
  allow(0x00, 0xBF);
  allow(0xC2, 0xCB);
  allow(0xD0, 0xD1);
  allow(0xE4, 0xE9);
  allow(0xEB, 0xEC);
  return plain;
}();

}  // namespace

bool is_plainly_nfc(std::string_view text) {
  if (is_ascii(text)) return true;
  return std::all_of(text.begin(), text.end(), [](char c) { return kPlain[static_cast<unsigned char>(c)]; });
}

Cell clean(std::string_view raw, bool multi_line, std::string& scratch) {
  std::string_view text = multi_line ? raw : trim_blanks(raw);
  if (!is_plainly_nfc(text)) {
    scratch = to_nfc(text);
    text = scratch;
  }
  if (text == kClear) return {text, true};
  if (is_escaped(text)) text.remove_prefix(1);
  return {text, false};
}

std::string_view escape_for_export(std::string_view text, bool numeric, std::string& scratch) {
  bool const guarded = begins_guarded(text) && !(numeric && is_number(text));
  // '<clear> is escaped, too, so that the text '<clear> does not come back as <clear>.
  if (!guarded && !is_escaped(text) && text != kClear) return text;
  scratch.assign(1, '\'');
  scratch += text;
  return scratch;
}

std::string_view escape_for_export(Cell cell, bool numeric, std::string& scratch) {
  return cell.is_clear ? kClear : escape_for_export(cell.text, numeric, scratch);
}

}  // namespace fealty::api
