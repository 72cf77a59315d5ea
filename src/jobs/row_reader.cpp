#include <cstring>

#include "api/csv_file.h"
#include "base/text.h"
#include "jobs/bulk_jobs.h"

namespace fealty::jobs {

struct RowReader::State {
  State(FileStore const& files, Job const& job, Limits const& limits, api::CsvPosition from)
      : file(files.open(job.file_key)), width(job.columns.size()) {
    if (!file) throw MissingFile("the uploaded file is gone");
    source = std::make_unique<api::FileSource>(file->descriptor(), from.offset);
    csv = std::make_unique<api::CsvFile>(api::CsvFile::resume(*source, job.dialect, from, limits));
  }
  std::unique_ptr<StoredFile> file;
  std::unique_ptr<api::FileSource> source;
  std::unique_ptr<api::CsvFile> csv;
  std::size_t width;
};

RowReader::RowReader(FileStore const& files, Job const& job, Limits const& limits, api::CsvPosition from)
    : state_(std::make_unique<State>(files, job, limits, from)) {}
RowReader::~RowReader() = default;

api::CsvPosition RowReader::position() const { return state_->csv->position(); }

bool RowReader::next(Record& out) {
  api::CsvRecord record;
  if (!state_->csv->next(record)) return false;
  out.offset = record.offset;
  out.blank = record.blank;
  out.row.row = record.row;
  out.row.line = record.line;
  std::size_t used = record.cells.size();
  // A spreadsheet's trailing comma columns: empty cells beyond the header's width mean nothing.
  while (used > state_->width && trim_blanks(record.cells[used - 1]).empty()) --used;
  out.row.cell_count = used;
  out.row.right_width = used == state_->width;
  std::size_t const in_columns = std::min(used, state_->width);
  out.row.cells = record.cells.first(in_columns);
  out.beyond = record.cells.subspan(in_columns, used - in_columns);
  return true;
}

InputRow keep_row(InputRow row, std::pmr::memory_resource& arena) {
  if (!row.right_width) {
    row.cells = {};
    return row;
  }
  auto* const cells =
      static_cast<std::string_view*>(arena.allocate(sizeof(std::string_view) * (row.cells.size() + 1), alignof(std::string_view)));
  for (std::size_t c = 0; c < row.cells.size(); ++c) {
    auto* const text = static_cast<char*>(arena.allocate(row.cells[c].size() + 1, 1));
    std::memcpy(text, row.cells[c].data(), row.cells[c].size());
    new (cells + c) std::string_view(text, row.cells[c].size());
  }
  row.cells = {cells, row.cells.size()};
  return row;
}

}  // namespace fealty::jobs
