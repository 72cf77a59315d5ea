#include "api/file_problem.h"

#include <algorithm>

namespace fealty::api {

Error FileProblem::to_error() const {
  Issue issue{.field = field, .code = code, .message = message};
  issue.line = line;
  issue.limit = limit;
  return Error{def, message, {std::move(issue)}};
}

namespace problems {
namespace {

constexpr char kHowToSaveUtf8[] =
    "Save it again as UTF-8: in Excel choose File, Save As and the type \"CSV UTF-8 (Comma delimited)\"; in LibreOffice Calc choose "
    "Save As, tick \"Edit filter settings\" and take the character set \"Unicode (UTF-8)\".";
constexpr char kHowToSaveCsv[] =
    "Open it in your spreadsheet program, choose File, Save As and the type \"CSV UTF-8 (Comma delimited)\", and upload that file.";

// 32000 as 32,000.
std::string number(std::int64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

// Whole binary units where the number is one, so that an operator recognises the setting.
std::string bytes(std::int64_t value) {
  constexpr std::int64_t kMi = 1024 * 1024;
  if (value >= kMi && value % kMi == 0) return number(value / kMi) + " MiB";
  return number(value) + " bytes";
}

std::string at(std::optional<std::int64_t> line, std::int64_t byte) {
  if (!line) return "Byte " + number(byte) + " of the file";
  return "Line " + number(*line) + " (byte " + number(byte) + " of the file)";
}

FileProblem with(FileProblem problem, std::optional<std::int64_t> line, std::optional<std::int64_t> limit = {},
                 std::optional<std::int64_t> byte = {}) {
  problem.line = line;
  problem.limit = limit;
  problem.byte = byte;
  return problem;
}

}  // namespace

FileProblem invalid_utf8(std::int64_t line, std::int64_t byte) {
  return with({file_errors::kInvalidEncoding, at(line, byte) + " has a character that is not UTF-8. " + kHowToSaveUtf8}, line, {}, byte);
}

FileProblem invalid_utf16(std::optional<std::int64_t> line, std::int64_t byte) {
  return with({file_errors::kInvalidEncoding, at(line, byte) + " has half a character: this UTF-16 file is damaged. " + kHowToSaveUtf8},
              line, {}, byte);
}

FileProblem utf16_without_mark() {
  return {file_errors::kInvalidEncoding,
          std::string("This file is UTF-16 (\"Unicode text\") without the mark at its beginning that says so. ") + kHowToSaveUtf8};
}

FileProblem utf32() {
  return {file_errors::kInvalidEncoding, std::string("This file is UTF-32, which is not read here. ") + kHowToSaveUtf8};
}

FileProblem unterminated_quote(std::int64_t opened_line) {
  return with({file_errors::kUnterminatedQuote, "The quote (\") that opens a cell on line " + number(opened_line) +
                                                    " is never closed, so the columns after it are not certain. Add the closing quote; a "
                                                    "quote that belongs to the text of a quoted cell is written twice (\"\")."},
              opened_line);
}

FileProblem text_after_quote(std::int64_t opened_line, std::int64_t closed_line) {
  std::string const where = opened_line == closed_line
                                ? "on line " + number(opened_line)
                                : "opened on line " + number(opened_line) + " and closed on line " + number(closed_line);
  return with(
      {file_errors::kTextAfterQuote, "There is text right after the closing quote (\") of a cell " + where +
                                         ". Put the whole cell in quotes, and write a quote that belongs to the text twice (\"\")."},
      opened_line);
}

FileProblem binary_file(std::optional<std::int64_t> line, std::int64_t byte) {
  return with(
      {file_errors::kBinaryFile, at(line, byte) + " has a NUL character, which no text file has. Upload a CSV file: " + kHowToSaveCsv},
      line, {}, byte);
}

FileProblem cell_too_long(std::int64_t line, std::optional<std::int64_t> opened_line, std::int64_t characters_max) {
  std::string text = "Line " + number(line) + ": a cell has more than " + number(characters_max) + " characters.";
  if (opened_line)
    text += " Its quote (\") was opened on line " + number(*opened_line) + "; perhaps the closing quote is missing.";
  else
    text += " Shorten it.";
  return with({file_errors::kCellTooLong, std::move(text)}, line, characters_max);
}

FileProblem too_many_columns(std::int64_t line, std::int64_t columns_max) {
  return with({file_errors::kTooManyColumns, "Line " + number(line) + " has more than " + number(columns_max) +
                                                 " columns. Upload only the columns that are to be changed."},
              line, columns_max);
}

FileProblem too_many_rows(std::int64_t line, std::int64_t rows_max) {
  return with({file_errors::kTooManyRows, "The file has more than " + number(rows_max) + " rows; line " + number(line) +
                                              " is the first one over it. Split the file into several."},
              line, rows_max);
}

FileProblem row_too_long(std::int64_t line, std::int64_t bytes_max) {
  return with({file_errors::kRowTooLong, "The row that begins on line " + number(line) + " is longer than " + bytes(bytes_max) +
                                             ". Check that its line end and its quotes (\") are in place."},
              line, bytes_max);
}

FileProblem file_too_large(std::int64_t bytes_max) {
  return with({file_errors::kFileTooLarge, "The file is larger than " + bytes(bytes_max) + ". Split it into several."}, {}, bytes_max);
}

FileProblem compression_ratio(std::int64_t ratio_max) {
  return with({file_errors::kCompressionRatio,
               "The compressed upload unpacks to more than " + number(ratio_max) + " times its size. Send the file uncompressed."},
              {}, ratio_max);
}

FileProblem gzip_truncated() { return {file_errors::kInvalidGzip, "The compressed upload ends too early. Upload it again."}; }

FileProblem gzip_damaged() {
  return {file_errors::kInvalidGzip,
          "The upload says that it is compressed with gzip, but it cannot be unpacked. Upload it again, or send it uncompressed."};
}

FileProblem xlsx_not_supported() {
  return {file_errors::kXlsxNotSupported, std::string("This is an Excel workbook (.xlsx); a CSV file is needed. ") + kHowToSaveCsv};
}

FileProblem xls_not_supported() {
  return {file_errors::kXlsNotSupported, std::string("This is an old Excel workbook (.xls); a CSV file is needed. ") + kHowToSaveCsv};
}

FileProblem unsupported_file(std::string const& what) {
  return {file_errors::kUnsupportedFile, "This file is " + what + "; a CSV file is needed. If it holds a table: " + [] {
            std::string advice = kHowToSaveCsv;
            advice[0] = 'o';
            return advice;
          }()};
}

FileProblem form_truncated() {
  return {file_errors::kInvalidForm, "The upload ends before its last form boundary, so a part of it is missing. Upload it again."};
}

FileProblem form_malformed(std::string const& what) {
  return {file_errors::kInvalidForm, "The form of the upload cannot be read. " + what};
}

FileProblem form_field(std::string const& name, std::string const& what) {
  FileProblem problem{file_errors::kInvalidFormField, what};
  problem.field = name;
  return problem;
}

}  // namespace problems
}  // namespace fealty::api
