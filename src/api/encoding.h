// The encodings of uploaded text: UTF-8, and UTF-16 with a byte order mark, which is converted on the way.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include "api/byte_source.h"

namespace fealty::api {

enum class Encoding : std::uint8_t { utf8, utf16le, utf16be };

struct ByteOrderMark {
  Encoding encoding = Encoding::utf8;
  int bytes = 0;  // length of the mark; 0: there is none, and the text has to be UTF-8
};
// Looks at the first three bytes (or all there are).
ByteOrderMark byte_order_mark(std::string_view first);

// Length of `utf8`, which is valid, in the bytes of the file that it was read from.
std::int64_t encoded_bytes(std::string_view utf8, Encoding encoding);

// How far a piece of text is sound. `length` bytes are valid UTF-8 without NUL; what follows is nothing, a character that
// goes on in the next piece, a byte that is not UTF-8, or a NUL.
struct TextCheck {
  enum class Then : std::uint8_t { end, incomplete, invalid, nul };
  std::size_t length;
  Then then;
};
TextCheck check_text(std::string_view piece);

// Gives UTF-8 (not yet checked when that is what comes in) whatever the encoding of `in`. With `at_start` a byte order mark
// is dropped; a reader that resumes inside a file says false, and `offset`, its place in the file, which names the byte of
// a damaged character (FileProblem invalid_encoding, without a line).
class Utf8Source final : public ByteSource {
 public:
  Utf8Source(ByteSource& in, Encoding encoding, bool at_start = true, std::int64_t offset = 0);
  std::size_t read(std::span<char> into) override;

 private:
  void take_mark();
  bool load();
  std::size_t convert(std::span<char> into);

  static constexpr std::size_t kRawBytes = 32 * 1024;
  ByteSource& in_;
  Encoding encoding_;
  bool at_start_;
  std::int64_t offset_;  // in the file, of the next byte to convert
  std::unique_ptr<char[]> raw_;
  std::size_t raw_begin_ = 0, raw_end_ = 0;
  bool ended_ = false;
  std::array<char, 4> spill_{};  // of a character (or of the bytes where a mark might have been) that did not fit
  std::size_t spill_begin_ = 0, spill_end_ = 0;
};

}  // namespace fealty::api
