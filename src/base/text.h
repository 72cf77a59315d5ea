// Unicode text helpers over ICU. All functions take and give UTF-8.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fealty {

// Offset of the first byte that is not part of valid UTF-8 (no overlong forms, no surrogates), or npos when all is valid.
std::size_t invalid_utf8_at(std::string_view text);
inline bool is_valid_utf8(std::string_view text) { return invalid_utf8_at(text) == std::string_view::npos; }
// Number of code points of valid UTF-8.
std::size_t code_points(std::string_view text);
// Normalization form C. Pure ASCII is returned unchanged without work.
std::string to_nfc(std::string_view text);
bool is_ascii(std::string_view text);
// NFC and Unicode case folding: the form in which names, e-mails and usernames are compared "without case".
std::string fold_case(std::string_view text);
// Control characters other than the allowed ones (line feed and tab only when `multi_line`).
bool has_control_characters(std::string_view text, bool multi_line);
// Spaces and tabs only.
std::string_view trim_blanks(std::string_view text);
// All ASCII white space.
std::string_view trim_space(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(std::vector<std::string> const& parts, std::string_view separator);
// Levenshtein distance in code points, cut off: anything above `most` is answered as most + 1.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t most);
// A text that means itself within a pattern of LIKE … ESCAPE '\'.
std::string like_literal(std::string_view text);
bool equals_ignore_ascii_case(std::string_view a, std::string_view b);

}  // namespace fealty
