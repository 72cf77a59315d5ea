// A CSV file from its first byte: what kind of file it is, its dialect, its header, its records. Uploads begin here; jobs
// come back to a record with resume().
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include "api/byte_source.h"
#include "api/csv_reader.h"
#include "base/limits.h"

namespace fealty::api {

// What the beginning of the file says about the rest.
struct Opening {
  Dialect dialect;
  bool has_sep_line = false;       // a first line sep=X named the delimiter
  std::int64_t header_offset = 0;  // of the header record
  std::int64_t header_line = 1;
};

// Throws FileProblem when the first bytes of a file are those of a workbook, an archive, an image or UTF-16 without its
// mark. 512 bytes are enough, but of a ZIP archive 64 KiB tell what is in it.
void refuse_other_formats(std::string_view first);

class CsvFile {
 public:
  // Whether a header cell, as clean() gives it, is a column of the community.
  using Known = std::function<bool(std::string_view header_cell)>;

  // Reads as far as the header reaches. A file without any record has an empty header. Throws FileProblem. `in` has to
  // live as long as this.
  CsvFile(ByteSource& in, Limits const& limits, Known const& known);
  // Goes on at `position`, which a record's next() gave; `in` begins at position.offset. There is no header then.
  static CsvFile resume(ByteSource& in, Dialect dialect, CsvPosition position, Limits const& limits);
  CsvFile(CsvFile&&) noexcept;
  CsvFile& operator=(CsvFile&&) noexcept;
  ~CsvFile();

  Opening const& opening() const;
  // Cells of the header, trimmed, in NFC and unescaped, without the empty ones at its end.
  std::vector<std::string> const& header() const;
  // How many empty cells at the end were left out.
  std::size_t header_cells_dropped() const;
  // The records after the header; see CsvReader::next. Blank ones are given, too.
  bool next(CsvRecord& record);
  CsvPosition position() const;

 private:
  struct State;
  explicit CsvFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fealty::api
