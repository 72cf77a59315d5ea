#include "base/base64.h"

#include <cstdint>

namespace fealty {
namespace {

constexpr std::string_view kUrlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kBase32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

std::string encode(std::string_view bytes, int bits_each, std::string_view alphabet) {
  std::string out;
  std::uint32_t held = 0;
  int bits = 0;
  for (char const c : bytes) {
    held = held << 8 | static_cast<unsigned char>(c);
    for (bits += 8; bits >= bits_each;) {
      bits -= bits_each;
      out += alphabet[held >> bits & ((1u << bits_each) - 1)];
    }
    held &= (1u << bits) - 1;
  }
  if (bits > 0) out += alphabet[held << (bits_each - bits) & ((1u << bits_each) - 1)];
  return out;
}

}  // namespace

std::string to_base64url(std::string_view bytes) { return encode(bytes, 6, kUrlAlphabet); }
std::string to_base32(std::string_view bytes) { return encode(bytes, 5, kBase32Alphabet); }

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  std::uint32_t held = 0;
  int bits = 0;
  for (char const c : text) {
    auto const digit = kUrlAlphabet.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    held = held << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(held >> bits & 0xff);
    }
    held &= (1u << bits) - 1;
  }
  if (held != 0) return std::nullopt;
  return out;
}

}  // namespace fealty
