#include "api/encoding.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fealty::api {
namespace {

using Byte = unsigned char;

bool plain_ascii_block(char const* p) {
#if defined(__SSE2__)
  auto const load = [&](int i) { return _mm_loadu_si128(reinterpret_cast<__m128i const*>(p) + i); };
  __m128i const a = load(0), b = load(1), c = load(2), d = load(3);
  __m128i const least = _mm_min_epu8(_mm_min_epu8(a, b), _mm_min_epu8(c, d));
  __m128i const high = _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d));
  return (_mm_movemask_epi8(_mm_cmpeq_epi8(least, _mm_setzero_si128())) | _mm_movemask_epi8(high)) == 0;
#else
  // A byte is in 0x01..0x7f when neither it nor it minus one has the high bit. The subtraction borrows only out of a zero
  // byte, which is refused anyway.
  constexpr std::uint64_t kOnes = 0x0101010101010101u, kHighs = 0x8080808080808080u;
  std::uint64_t bad = 0;
  for (int i = 0; i < 8; ++i) {
    std::uint64_t word;
    std::memcpy(&word, p + 8 * i, 8);
    bad |= word | (word - kOnes);
  }
  return (bad & kHighs) == 0;
#endif
}

struct Sequence {
  int length;      // 0: no character begins like this
  Byte low, high;  // range of the second byte (Unicode, table 3-7)
};
Sequence sequence(Byte lead) {
  if (lead < 0xC2) return {0, 0, 0};
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

int put_utf8(char* out, std::uint32_t c) {
  auto const put = [&](int i, std::uint32_t v) { out[i] = static_cast<char>(static_cast<Byte>(v)); };
  if (c < 0x80) return put(0, c), 1;
  if (c < 0x800) return put(0, 0xC0 | c >> 6), put(1, 0x80 | (c & 0x3F)), 2;
  if (c < 0x10000) return put(0, 0xE0 | c >> 12), put(1, 0x80 | (c >> 6 & 0x3F)), put(2, 0x80 | (c & 0x3F)), 3;
  return put(0, 0xF0 | c >> 18), put(1, 0x80 | (c >> 12 & 0x3F)), put(2, 0x80 | (c >> 6 & 0x3F)), put(3, 0x80 | (c & 0x3F)), 4;
}

}  // namespace

ByteOrderMark byte_order_mark(std::string_view first) {
  if (first.starts_with("\xEF\xBB\xBF")) return {Encoding::utf8, 3};
  if (first.starts_with("\xFF\xFE")) return {Encoding::utf16le, 2};
  if (first.starts_with("\xFE\xFF")) return {Encoding::utf16be, 2};
  return {};
}

std::int64_t encoded_bytes(std::string_view utf8, Encoding encoding) {
  if (encoding == Encoding::utf8) return static_cast<std::int64_t>(utf8.size());
  std::int64_t units = 0;
  // One unit a character, and a second one for those of four bytes.
  for (char const c : utf8) units += ((static_cast<Byte>(c) & 0xC0) != 0x80) + (static_cast<Byte>(c) >= 0xF0);
  return 2 * units;
}

TextCheck check_text(std::string_view piece) {
  using Then = TextCheck::Then;
  char const* const begin = piece.data();
  char const* const end = begin + piece.size();
  char const* p = begin;
  auto const answer = [&](Then then) { return TextCheck{static_cast<std::size_t>(p - begin), then}; };
  while (p != end) {
    while (end - p >= 64 && plain_ascii_block(p)) p += 64;
    // The block that was not plain, or the rest: character by character.
    char const* const stop = end - p >= 64 ? p + 64 : end;
    while (p < stop) {
      Byte const lead = static_cast<Byte>(*p);
      if (lead < 0x80) {
        if (lead == 0) return answer(Then::nul);
        ++p;
        continue;
      }
      Sequence const s = sequence(lead);
      if (s.length == 0) return answer(Then::invalid);
      for (int i = 1; i < s.length; ++i) {
        if (p + i == end) return answer(Then::incomplete);
        Byte const next = static_cast<Byte>(p[i]);
        if (next < (i == 1 ? s.low : 0x80) || next > (i == 1 ? s.high : 0xBF)) return answer(Then::invalid);
      }
      p += s.length;
    }
  }
  return answer(Then::end);
}

Utf8Source::Utf8Source(ByteSource& in, Encoding encoding, bool at_start, std::int64_t offset)
    : in_(in), encoding_(encoding), at_start_(at_start), offset_(offset) {
  if (encoding_ != Encoding::utf8) raw_ = std::make_unique<char[]>(kRawBytes);
}

std::size_t Utf8Source::read(std::span<char> into) {
  if (spill_begin_ == spill_end_ && at_start_) take_mark();
  if (spill_begin_ < spill_end_) {
    std::size_t const n = std::min(into.size(), spill_end_ - spill_begin_);
    std::memcpy(into.data(), spill_.data() + spill_begin_, n);
    spill_begin_ += n;
    return n;
  }
  if (encoding_ == Encoding::utf8) {
    if (ended_) return 0;
    std::size_t const n = in_.read(into);
    ended_ = n == 0;
    return n;
  }
  for (;;) {
    if (std::size_t const n = convert(into); n > 0) return n;
    if (!load()) return 0;
  }
}

// Reads as far as a mark may reach; bytes that are none are spilled (UTF-8) or left for the conversion (UTF-16).
void Utf8Source::take_mark() {
  at_start_ = false;
  if (encoding_ != Encoding::utf8) {
    while (raw_end_ - raw_begin_ < 2 && !ended_) {
      std::size_t const n = in_.read({raw_.get() + raw_end_, kRawBytes - raw_end_});
      raw_end_ += n;
      ended_ = n == 0;
    }
    ByteOrderMark const mark = byte_order_mark({raw_.get(), raw_end_});
    if (mark.bytes == 2 && mark.encoding == encoding_) {
      raw_begin_ = 2;
      offset_ += 2;
    }
    return;
  }
  spill_begin_ = spill_end_ = 0;
  // Stops at the first byte that cannot belong to a mark, so that a short beginning is passed on at once.
  while (spill_end_ < 3 && !ended_) {
    std::size_t const n = in_.read({spill_.data() + spill_end_, 3 - spill_end_});
    spill_end_ += n;
    ended_ = n == 0;
    if (!std::string_view("\xEF\xBB\xBF").starts_with({spill_.data(), spill_end_})) break;
  }
  if (spill_end_ == 3 && byte_order_mark({spill_.data(), 3}).bytes == 3) spill_begin_ = 3;
}

bool Utf8Source::load() {
  std::size_t const kept = raw_end_ - raw_begin_;  // at most half a surrogate pair
  std::memmove(raw_.get(), raw_.get() + raw_begin_, kept);
  raw_begin_ = 0;
  raw_end_ = kept;
  std::size_t const n = ended_ ? 0 : in_.read({raw_.get() + kept, kRawBytes - kept});
  raw_end_ += n;
  ended_ = n == 0;
  if (ended_ && kept > 0) throw problems::invalid_utf16({}, offset_ + 1);
  return n > 0;
}

// Converts what is loaded up to the first damaged character; damage is reported when nothing stands before it, so that the
// text before it is always seen first. Gives 0 when more has to be loaded.
std::size_t Utf8Source::convert(std::span<char> into) {
  auto const unit = [&](std::size_t at) {
    auto const first = static_cast<Byte>(raw_[at]), second = static_cast<Byte>(raw_[at + 1]);
    return static_cast<std::uint32_t>(encoding_ == Encoding::utf16le ? first | second << 8 : first << 8 | second);
  };
  std::size_t written = 0;
  while (raw_end_ - raw_begin_ >= 2) {
    std::uint32_t c = unit(raw_begin_);
    std::size_t taken = 2;
    if (c >= 0xD800 && c < 0xE000) {
      bool const high = c < 0xDC00;
      if (high && raw_end_ - raw_begin_ < 4) break;
      std::uint32_t const low = high ? unit(raw_begin_ + 2) : 0;
      if (!high || low < 0xDC00 || low >= 0xE000) {
        if (written > 0) return written;
        throw problems::invalid_utf16({}, offset_ + 1);
      }
      c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
      taken = 4;
    }
    std::array<char, 4> text;
    auto const length = static_cast<std::size_t>(put_utf8(text.data(), c));
    if (length > into.size() - written) {
      if (written > 0) return written;
      // The reader's span is smaller than one character.
      std::memcpy(into.data(), text.data(), into.size());
      spill_ = text;
      spill_begin_ = into.size();
      spill_end_ = length;
      written = into.size();
    } else {
      std::memcpy(into.data() + written, text.data(), length);
      written += length;
    }
    raw_begin_ += taken;
    offset_ += static_cast<std::int64_t>(taken);
    if (spill_begin_ < spill_end_) break;
  }
  return written;
}

}  // namespace fealty::api
