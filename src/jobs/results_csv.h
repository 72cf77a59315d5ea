// What the file of a job's results looks like: the input's columns in their order, then status, error_code, error_message.
//
// Cells are written by what they mean, not by their bytes: the file can be uploaded again, each cell then means what it
// meant, and no spreadsheet program runs one of them (api/csv_cell.h).
#pragma once
#include "jobs/bulk_jobs.h"
#include "jobs/bulk_service.h"

namespace fealty::jobs {

inline constexpr std::string_view kResultColumns[] = {"status", "error_code", "error_message"};

// What the last columns of one row say.
struct ResultCells {
  std::string_view status, error_code, error_message;
};

class ResultsCsv {
 public:
  // `uses` has one item for each of the job's columns.
  ResultsCsv(Job const& job, std::vector<ColumnUse> uses);
  // The mark, the line sep=X where the delimiter would not be found without it, and the header.
  void begin(std::string& out) const;
  // A row that is too short gets empty cells. What a row has beyond the header's columns stands behind its message: nothing
  // is lost, the columns stay under their names, and the row is refused again until someone has put it right.
  void row(std::string& out, RowReader::Record const& record, ResultCells const& result);

 private:
  std::string_view exported(std::string_view raw, ColumnUse use);

  char delimiter_;
  bool names_delimiter_ = false;
  // Columns that are given back; an input that was a results file loses its old last ones.
  std::size_t width_ = 0;
  bool had_results_ = false;
  std::vector<std::string> names_;
  std::vector<ColumnUse> uses_;
  std::string cleaned_, escaped_;
};

// Several errors of a row, as its two cells have them.
void join_errors(std::span<RowError const> errors, std::string& codes, std::string& messages);

// The other layout, of jobs whose rows are no rows of an uploaded file (reversals): row, key and the result.
void begin_keyed_results(std::string& out, char delimiter);
void keyed_result(std::string& out, char delimiter, std::int64_t row, std::string_view key, ResultCells const& result);

}  // namespace fealty::jobs
