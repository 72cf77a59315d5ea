// Finds the characters that mean something in CSV, 64 bytes at a time. Only the reader and its tests include this.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fealty::api::scan {

static_assert(std::endian::native == std::endian::little, "bit i of a mask stands for byte i");

// A bit for every one of the 64 bytes at `p` that is the delimiter, a quote, CR or LF.
inline std::uint64_t specials_portable(char const* p, char delimiter) {
  constexpr std::uint64_t kOnes = 0x0101010101010101u, kLows = 0x7F7F7F7F7F7F7F7Fu;
  // High bit of every byte of `word` that equals the byte repeated in `pattern`, and of no other.
  auto const equal = [](std::uint64_t word, std::uint64_t pattern) {
    std::uint64_t const x = word ^ pattern;
    return ~(((x & kLows) + kLows) | x | kLows);
  };
  std::uint64_t const d = kOnes * static_cast<unsigned char>(delimiter);
  std::uint64_t mask = 0;
  for (int i = 0; i < 8; ++i) {
    std::uint64_t word;
    std::memcpy(&word, p + 8 * i, 8);
    std::uint64_t const hits = equal(word, d) | equal(word, kOnes * '"') | equal(word, kOnes * '\r') | equal(word, kOnes * '\n');
    // Gathers the eight high bits in the top byte.
    mask |= ((hits >> 7) * 0x0102040810204080u >> 56) << (8 * i);
  }
  return mask;
}

inline std::uint64_t specials(char const* p, char delimiter) {
#if defined(__SSE2__)
  __m128i const d = _mm_set1_epi8(delimiter), q = _mm_set1_epi8('"'), cr = _mm_set1_epi8('\r'), lf = _mm_set1_epi8('\n');
  auto const part = [&](int i) {
    __m128i const x = _mm_loadu_si128(reinterpret_cast<__m128i const*>(p) + i);
    __m128i const hits =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, d), _mm_cmpeq_epi8(x, q)), _mm_or_si128(_mm_cmpeq_epi8(x, cr), _mm_cmpeq_epi8(x, lf)));
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(hits)));
  };
  return part(0) | part(1) << 16 | part(2) << 32 | part(3) << 48;
#else
  return specials_portable(p, delimiter);
#endif
}

}  // namespace fealty::api::scan
