#include "base/id.h"

namespace fealty {
namespace {
constexpr std::string_view kHex = "0123456789abcdef";

int hex_digit(char c, bool upper_too) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (upper_too && c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
}  // namespace

std::string PublicId::to_string() const {
  std::string out(24, '0');
  auto put = [&](std::uint64_t value, std::size_t at, int digits) {
    for (int i = digits - 1; i >= 0; --i, value >>= 4) out[at + static_cast<std::size_t>(i)] = kHex[value & 15];
  };
  put(seconds, 0, 8);
  put(static_cast<std::uint64_t>(number), 8, 16);
  return out;
}

std::optional<PublicId> PublicId::parse(std::string_view text) {
  if (text.size() != 24) return std::nullopt;
  std::uint64_t high = 0, low = 0;
  for (std::size_t i = 0; i < 24; ++i) {
    int const digit = hex_digit(text[i], false);
    if (digit < 0) return std::nullopt;
    auto& part = i < 8 ? high : low;
    part = part << 4 | static_cast<std::uint64_t>(digit);
  }
  return PublicId{static_cast<std::uint32_t>(high), static_cast<std::int64_t>(low)};
}

std::string to_hex(std::span<unsigned char const> bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char b : bytes) {
    out += kHex[b >> 4];
    out += kHex[b & 15];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out(hex.size() / 2, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    int const high = hex_digit(hex[2 * i], true), low = hex_digit(hex[2 * i + 1], true);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<char>(high << 4 | low);
  }
  return out;
}

}  // namespace fealty
