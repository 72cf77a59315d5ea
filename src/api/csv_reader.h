// Records of a CSV text, one after another, in constant memory: the one parser for uploads that stream in and for jobs that
// read the stored file again from some record on. The same bytes give the same records, places and problems however they
// are cut into pieces.
//
// The dialect is bulk.md's: RFC 4180 with line ends CRLF, LF and CR; a quote inside an unquoted cell is a plain character;
// after a closing quote only a delimiter or a line end may follow.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>
#include "api/byte_source.h"
#include "api/encoding.h"
#include "base/limits.h"

namespace fealty::api {

struct Dialect {
  char delimiter = ',';                // any ASCII character but quote, CR and LF
  Encoding encoding = Encoding::utf8;  // of the file; what the reader is given is UTF-8 (Utf8Source)
  bool operator==(Dialect const&) const = default;
};

// A place between two records: what a job keeps to go on later.
struct CsvPosition {
  std::int64_t offset = 0;  // in the decompressed file, in its own encoding
  std::int64_t row = 1;     // number of the record that begins here; the header's is 1
  std::int64_t line = 1;    // physical line that begins here
  bool operator==(CsvPosition const&) const = default;
};

struct CsvRecord {
  std::int64_t row = 0, line = 0, offset = 0, end_offset = 0, end_line = 0;
  bool blank = false;  // all cells are empty or blanks
  // Without their quotes, not trimmed; valid until the next call. Empty cells beyond the limit of columns are left out.
  std::span<std::string_view const> cells = {};

  CsvPosition next() const { return {end_offset, row + 1, end_line}; }
};

class CsvReader {
 public:
  // `start` is the place of the first byte that `in` gives.
  CsvReader(ByteSource& in, Dialect dialect, Limits const& limits, CsvPosition start = {});
  // False after the last record. Throws FileProblem where the text stops being CSV or passes a limit; the records before
  // that place have been given then, and no more calls are allowed.
  bool next(CsvRecord& record);
  CsvPosition position() const { return {offset_, row_, line_}; }

 private:
  struct Cursor;
  enum class Where : std::uint8_t { between_records, in_cell, in_quotes };
  bool refill(Cursor& cursor, Where where);
  void make_room(Cursor& cursor);
  void add_cell(Cursor& cursor, std::size_t end, Where where);
  void check_size(Cursor const& cursor, std::size_t end, Where where) const;
  void finish(Cursor& cursor, CsvRecord& record);
  std::int64_t line_of_end() const;
  [[noreturn]] void refuse_text() const;

  ByteSource& in_;
  Dialect dialect_;
  std::size_t columns_max_, cell_characters_max_, record_bytes_max_;
  std::int64_t rows_max_;

  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;   // of the record
  std::size_t end_ = 0;     // of the checked text
  std::size_t filled_ = 0;  // of all bytes; the rest after end_ is the beginning of a character, or what is wrong
  TextCheck::Then then_ = TextCheck::Then::end;
  bool ended_ = false;
  std::size_t block_ = 0;  // 64 bytes whose special characters are in mask_, as far as they are not consumed
  std::uint64_t mask_ = 0;

  std::int64_t offset_, row_, line_;  // of the record
  std::vector<std::string_view> cells_;
  std::vector<std::size_t> doubled_;  // indexes of cells that hold doubled quotes
};

}  // namespace fealty::api
