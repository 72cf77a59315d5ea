// Opaque cursors of lists: where a walk stands, bound to the question that began it, good for a day. A cursor gives no right:
// whoever makes one up sees what he may see anyway; the digest only tells a cursor of another question, or a broken one.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace fealty::api {

inline constexpr std::int64_t kCursorLifeMs = 86'400'000;

struct CursorPlace {
  std::vector<std::int64_t> numbers;
  std::string text = {};
};
// `question` is all that the list's order and content depend on, its community first.
std::string write_cursor(std::string_view question, CursorPlace const& place, TimeMs now);
// Nothing for what is no cursor of this question with so many numbers, or is older than a day.
std::optional<CursorPlace> read_cursor(std::string_view question, std::size_t numbers, std::string_view cursor, TimeMs now);

}  // namespace fealty::api
