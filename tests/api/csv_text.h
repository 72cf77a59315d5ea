// Reading whole CSV texts in tests: every record with its places, and the problem that ended the reading.
#pragma once
#include <limits>
#include <optional>
#include <string>
#include <vector>
#include "api/csv_file.h"
#include "api/csv_reader.h"

namespace fealty::api::csv_text {

struct Row {
  std::int64_t row, line, offset, end_offset, end_line;
  bool blank;
  std::vector<std::string> cells;
  bool operator==(Row const&) const = default;
  CsvPosition next() const { return {end_offset, row + 1, end_line}; }
};

inline Row copy(CsvRecord const& r) {
  return {r.row, r.line, r.offset, r.end_offset, r.end_line, r.blank, std::vector<std::string>(r.cells.begin(), r.cells.end())};
}

struct Read {
  std::vector<Row> rows;
  std::string problem;  // code; empty when the text was read to its end
  std::optional<std::int64_t> line, limit, byte;
  std::string message;
  bool operator==(Read const&) const = default;
};

inline void note(Read& read, FileProblem const& problem) {
  read.problem = problem.code;
  read.line = problem.line;
  read.limit = problem.limit;
  read.byte = problem.byte;
  read.message = problem.message;
}

inline constexpr std::size_t kWhole = std::numeric_limits<std::size_t>::max();

// `text` is in the encoding of the dialect and begins at `start`.
inline Read read_all(std::string_view text, Dialect dialect, Limits const& limits = {}, std::size_t piece = kWhole,
                     CsvPosition start = {}) {
  Read read;
  MemorySource memory(text, piece);
  Utf8Source utf8(memory, dialect.encoding, start.offset == 0, start.offset);
  try {
    CsvReader reader(utf8, dialect, limits, start);
    for (CsvRecord record; reader.next(record);) read.rows.push_back(copy(record));
  } catch (FileProblem const& problem) {
    note(read, problem);
  }
  return read;
}

inline std::vector<std::vector<std::string>> rows_of(Read const& read) {
  std::vector<std::vector<std::string>> out;
  for (Row const& row : read.rows) out.push_back(row.cells);
  return out;
}

struct FileRead {
  Read records;  // after the header
  std::vector<std::string> header;
  Dialect dialect;
  bool has_sep_line = false;
  std::int64_t header_offset = 0, header_line = 0;
  std::size_t dropped = 0;
  bool operator==(FileRead const&) const = default;
};

inline FileRead read_file(std::string_view bytes, CsvFile::Known const& known, Limits const& limits = {}, std::size_t piece = kWhole) {
  FileRead read;
  MemorySource memory(bytes, piece);
  try {
    CsvFile file(memory, limits, known);
    Opening const& opening = file.opening();
    read.header = file.header();
    read.dialect = opening.dialect;
    read.has_sep_line = opening.has_sep_line;
    read.header_offset = opening.header_offset;
    read.header_line = opening.header_line;
    read.dropped = file.header_cells_dropped();
    for (CsvRecord record; file.next(record);) read.records.rows.push_back(copy(record));
  } catch (FileProblem const& problem) {
    note(read.records, problem);
  }
  return read;
}

// UTF-8 to UTF-16 with its mark, for texts that a test writes in UTF-8.
inline std::string to_utf16(std::string_view utf8, Encoding encoding, bool mark = true) {
  std::string out;
  auto const put = [&](std::uint32_t unit) {
    char const high = static_cast<char>(unit >> 8), low = static_cast<char>(unit);
    out += encoding == Encoding::utf16le ? low : high;
    out += encoding == Encoding::utf16le ? high : low;
  };
  if (mark) put(0xFEFF);
  for (std::size_t i = 0; i < utf8.size();) {
    auto const lead = static_cast<unsigned char>(utf8[i]);
    int const more = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    std::uint32_t point = more == 0 ? lead : lead & (0x3Fu >> more);
    for (int k = 1; k <= more; ++k) point = point << 6 | (static_cast<unsigned char>(utf8[i + static_cast<std::size_t>(k)]) & 0x3F);
    i += static_cast<std::size_t>(more) + 1;
    if (point < 0x10000) {
      put(point);
    } else {
      put(0xD800 + ((point - 0x10000) >> 10));
      put(0xDC00 + ((point - 0x10000) & 0x3FF));
    }
  }
  return out;
}

}  // namespace fealty::api::csv_text
