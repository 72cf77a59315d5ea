// Texts as parts of a LIKE pattern: without this a text that has % or _ would find more than itself. The statement says
// ESCAPE with a backslash.
#pragma once
#include <string>
#include <string_view>

namespace fealty::members {

inline std::string like_pattern(std::string_view text) {
  std::string out;
  for (char const c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace fealty::members
