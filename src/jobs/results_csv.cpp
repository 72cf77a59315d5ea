#include "jobs/results_csv.h"

#include <algorithm>

#include "api/csv_cell.h"
#include "api/csv_writer.h"
#include "base/text.h"

namespace fealty::jobs {
namespace {

constexpr std::string_view kSeparator = " | ";
constexpr std::size_t kResultWidth = std::size(kResultColumns);

bool is_outcome(std::string_view text) {
  for (auto const s : {RowStatus::updated, RowStatus::unchanged, RowStatus::created, RowStatus::failed, RowStatus::not_processed})
    if (to_string(s) == text) return true;
  return false;
}

void write_result(api::CsvWriter& csv, ResultCells const& result, std::string& scratch) {
  csv.cell(result.status);
  csv.cell(result.error_code);
  // Messages repeat what the cells say.
  csv.cell(api::escape_for_export(result.error_message, false, scratch));
}

// Delimiters that a reader finds by himself, and when he does: nothing of the header may look like another one.
bool needs_sep_line(char delimiter, std::vector<std::string> const& names) {
  std::string others = ",;\t";
  if (std::erase(others, delimiter) == 0) return true;
  return std::any_of(names.begin(), names.end(), [&](auto const& name) { return name.find_first_of(others) != std::string::npos; });
}

}  // namespace

ResultsCsv::ResultsCsv(Job const& job, std::vector<ColumnUse> uses) : delimiter_(job.dialect.delimiter), uses_(std::move(uses)) {
  for (auto const& column : job.columns) names_.push_back(column.name);
  auto const is_last = [&](std::size_t i) {
    auto const& column = job.columns[job.columns.size() - kResultWidth + i];
    return column.name == kResultColumns[i] && column.target == "-";
  };
  had_results_ = names_.size() > kResultWidth && is_last(0) && is_last(1) && is_last(2);
  width_ = names_.size() - (had_results_ ? kResultWidth : 0);
  uses_.resize(names_.size());
  names_delimiter_ = needs_sep_line(delimiter_, names_);
}

void ResultsCsv::begin(std::string& out) const {
  api::CsvWriter csv(out, delimiter_, api::CsvWriter::Mark::utf8);
  if (names_delimiter_) ((out += "sep=") += delimiter_) += "\r\n";
  std::string scratch;
  for (std::size_t c = 0; c < width_; ++c) csv.cell(api::escape_for_export(std::string_view(names_[c]), false, scratch));
  for (auto const name : kResultColumns) csv.cell(name);
  csv.end_row();
}

inline std::string_view ResultsCsv::exported(std::string_view raw, ColumnUse use) {
  return api::escape_for_export(api::clean(raw, use.multi_line, cleaned_), use.numeric, escaped_);
}

void ResultsCsv::row(std::string& out, RowReader::Record const& record, ResultCells const& result) {
  api::CsvWriter csv(out, delimiter_);
  auto const cells = record.row.cells;
  for (std::size_t c = 0; c < width_; ++c) csv.cell(c < cells.size() ? exported(cells[c], uses_[c]) : std::string_view());
  write_result(csv, result, escaped_);
  if (!record.row.right_width) {
    // Where an earlier result stands in its place it goes; else those cells are what the row has too many.
    std::size_t begin = std::min(width_, cells.size());
    if (had_results_ && begin < cells.size() && is_outcome(trim_blanks(cells[begin]))) begin = std::min(begin + kResultWidth, cells.size());
    std::size_t end = cells.size();
    while (record.beyond.empty() && end > begin && trim_blanks(cells[end - 1]).empty()) --end;
    for (std::size_t c = begin; c < end; ++c) csv.cell(exported(cells[c], {}));
    for (auto const cell : record.beyond) csv.cell(exported(cell, {}));
  }
  csv.end_row();
}

void join_errors(std::span<RowError const> errors, std::string& codes, std::string& messages) {
  codes.clear();
  messages.clear();
  for (auto const& error : errors) {
    if (&error != &errors.front()) {
      codes += kSeparator;
      messages += kSeparator;
    }
    codes += error.code;
    messages += error.message;
  }
}

void begin_keyed_results(std::string& out, char delimiter) {
  api::CsvWriter csv(out, delimiter, api::CsvWriter::Mark::utf8);
  csv.cell("row");
  csv.cell("key");
  for (auto const name : kResultColumns) csv.cell(name);
  csv.end_row();
}

void keyed_result(std::string& out, char delimiter, std::int64_t row, std::string_view key, ResultCells const& result) {
  api::CsvWriter csv(out, delimiter);
  std::string scratch;
  csv.cell(std::to_string(row));
  csv.cell(api::escape_for_export(key, false, scratch));
  write_result(csv, result, scratch);
  csv.end_row();
}

}  // namespace fealty::jobs
