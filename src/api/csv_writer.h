// CSV as bulk.md's downloads have it: CRLF, quotes only where they are needed, a byte order mark if asked for. Cells are
// written as they are: escape_for_export (csv_cell.h) comes before.
#pragma once
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace fealty::api {

class CsvWriter {
 public:
  enum class Mark : bool { none, utf8 };
  // Appends to `out`, which the caller may send off and empty at any time.
  explicit CsvWriter(std::string& out, char delimiter = ',', Mark mark = Mark::none);
  void cell(std::string_view text);
  void end_row();
  void row(std::span<std::string_view const> cells);
  void row(std::initializer_list<std::string_view> cells) { row(std::span(cells.begin(), cells.size())); }

 private:
  std::string& out_;
  char delimiter_;
  std::size_t cells_ = 0;  // of the open row
  bool empty_ = true;      // the open row has no text
};

}  // namespace fealty::api
