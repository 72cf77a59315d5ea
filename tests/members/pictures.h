// Pictures for tests, made by hand so that they depend on no library.
#pragma once
#include <zlib.h>

#include <cstdint>
#include <string>

namespace fealty::test {

inline std::string big32(std::uint32_t n) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift & 0xFF);
  return out;
}

inline std::string png_chunk(std::string const& type, std::string const& data) {
  std::string const body = type + data;
  auto const sum = ::crc32(0, reinterpret_cast<unsigned char const*>(body.data()), static_cast<unsigned>(body.size()));
  return big32(static_cast<std::uint32_t>(data.size())) + body + big32(static_cast<std::uint32_t>(sum));
}

// The head of a picture that may be far larger than its pixels.
inline std::string png_head(std::uint32_t width, std::uint32_t height) {
  return std::string("\x89PNG\r\n\x1A\n") + png_chunk("IHDR", big32(width) + big32(height) + std::string("\x08\x02\x00\x00\x00", 5));
}

// RGB; the left half red, the right half blue. `more` are further chunks.
inline std::string png(std::uint32_t width, std::uint32_t height, std::string const& more = "") {
  std::string rows;
  for (std::uint32_t y = 0; y < height; ++y) {
    rows += '\0';
    for (std::uint32_t x = 0; x < width; ++x) rows += x < width / 2 ? std::string("\xFF\x00\x00", 3) : std::string("\x00\x00\xFF", 3);
  }
  std::string packed(::compressBound(rows.size()), '\0');
  auto size = static_cast<uLongf>(packed.size());
  ::compress(reinterpret_cast<unsigned char*>(packed.data()), &size, reinterpret_cast<unsigned char const*>(rows.data()), rows.size());
  packed.resize(size);
  return png_head(width, height) + more + png_chunk("IDAT", packed) + png_chunk("IEND", "");
}

}  // namespace fealty::test
