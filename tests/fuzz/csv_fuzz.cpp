// Any bytes as a CSV file: cut into other pieces, and read again from every record on, they have to give the same.
#include <cstdint>
#include <cstdlib>

#include "api/csv_cell.h"
#include "api/csv_writer.h"
#include "base/text.h"
#include "tests/api/csv_text.h"

using namespace fealty;
using namespace fealty::api;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool known(std::string_view cell) { return cell == "a" || cell == "Email"; }

void check_tails(std::string_view bytes, csv_text::FileRead const& whole, Limits const& limits) {
  std::size_t const count = whole.records.rows.size();
  // A tail from each of a few records: all of them would be quadratic.
  for (std::size_t i = 0; i < count; i += 1 + count / 4) {
    CsvPosition const position = whole.records.rows[i].next();
    MemorySource rest(bytes.substr(static_cast<std::size_t>(position.offset)), 1 + i % 5);
    CsvFile file = CsvFile::resume(rest, whole.dialect, position, limits);
    csv_text::Read tail;
    try {
      for (CsvRecord record; file.next(record);) tail.rows.push_back(csv_text::copy(record));
    } catch (FileProblem const& problem) {
      csv_text::note(tail, problem);
    }
    csv_text::Read expected = whole.records;
    expected.rows.erase(expected.rows.begin(), expected.rows.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    require(tail == expected);
  }
}

void check_cells(csv_text::FileRead const& whole) {
  std::string scratch, again, out;
  CsvWriter writer(out, whole.dialect.delimiter);
  for (csv_text::Row const& row : whole.records.rows) {
    std::vector<std::string> texts;
    for (std::string const& raw : row.cells) {
      Cell const cell = clean(raw, true, scratch);
      std::string const text(cell.text);
      Cell const back = clean(escape_for_export(Cell{text, cell.is_clear}, false, again), true, scratch);
      require(back.text == text && back.is_clear == cell.is_clear);
      texts.push_back(raw);
      writer.cell(raw);
    }
    writer.end_row();
  }
  // What was read and is written again is read as the same.
  csv_text::Read const read = csv_text::read_all(out, {whole.dialect.delimiter, Encoding::utf8}, {}, csv_text::kWhole, {1, 1, 1});
  require(read.problem.empty() && read.rows.size() == whole.records.rows.size());
  for (std::size_t i = 0; i < read.rows.size(); ++i) require(read.rows[i].cells == whole.records.rows[i].cells);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 1 || size > 64 * 1024) return 0;
  std::size_t const piece = 1 + data[0] % 16;
  Limits limits;
  if (data[0] & 0x80) {
    limits.bulk_cell_characters_max = 8;
    limits.bulk_columns_max = 4;
    limits.bulk_rows_max = 6;
    limits.bulk_record_bytes_max = 24;
  }
  std::string_view const bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
  csv_text::FileRead const whole = csv_text::read_file(bytes, known, limits);
  require(csv_text::read_file(bytes, known, limits, piece) == whole);
  if (whole.dialect != Dialect{} || !whole.header.empty()) check_tails(bytes, whole, limits);
  check_cells(whole);
  return 0;
}
