// Why an uploaded file is refused as a whole. Reading stops at the first such problem, and the upload is answered with it.
#pragma once
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include "base/error.h"

namespace fealty::api {

struct FileProblem : std::exception {
  FileProblem(ErrorDef const& definition, std::string text) : def(&definition), code(definition.code), message(std::move(text)) {}
  char const* what() const noexcept override { return message.c_str(); }
  int status() const { return def->status; }
  // The whole answer: the problem on top and as its only item.
  Error to_error() const;

  ErrorDef const* def;
  std::string code;
  std::string message;                     // for people who are not programmers: what is wrong, where, and what to do
  std::string field = "data";              // the form field that it is about
  std::optional<std::int64_t> line = {};   // physical line, from 1; of an open quote: where it was opened
  std::optional<std::int64_t> limit = {};  // in the unit that the message names
  std::optional<std::int64_t> byte = {};   // of the decompressed file, from 1
};

namespace file_errors {
inline constexpr ErrorDef kInvalidEncoding{"invalid_encoding", 400};
inline constexpr ErrorDef kUnterminatedQuote{"unterminated_quote", 400};
inline constexpr ErrorDef kTextAfterQuote{"text_after_quote", 400};
inline constexpr ErrorDef kBinaryFile{"binary_file", 400};
inline constexpr ErrorDef kCellTooLong{"cell_too_long", 400};
inline constexpr ErrorDef kTooManyColumns{"too_many_columns", 400};
inline constexpr ErrorDef kTooManyRows{"too_many_rows", 400};
inline constexpr ErrorDef kRowTooLong{"row_too_long", 400};
inline constexpr ErrorDef kFileTooLarge{"file_too_large", 413};
inline constexpr ErrorDef kCompressionRatio{"compression_ratio", 400};
inline constexpr ErrorDef kInvalidGzip{"invalid_gzip", 400};
inline constexpr ErrorDef kXlsxNotSupported{"xlsx_not_supported", 415};
inline constexpr ErrorDef kXlsNotSupported{"xls_not_supported", 415};
inline constexpr ErrorDef kUnsupportedFile{"unsupported_file", 415};
inline constexpr ErrorDef kInvalidForm{"invalid_form", 400};
inline constexpr ErrorDef kInvalidFormField{"invalid_form_field", 400};
}  // namespace file_errors

// The texts of all problems. Functions give the problem; the caller throws it.
namespace problems {
FileProblem invalid_utf8(std::int64_t line, std::int64_t byte);
FileProblem invalid_utf16(std::optional<std::int64_t> line, std::int64_t byte);
FileProblem utf16_without_mark();
FileProblem utf32();
FileProblem unterminated_quote(std::int64_t opened_line);
FileProblem text_after_quote(std::int64_t opened_line, std::int64_t closed_line);
FileProblem binary_file(std::optional<std::int64_t> line, std::int64_t byte);
FileProblem cell_too_long(std::int64_t line, std::optional<std::int64_t> opened_line, std::int64_t characters_max);
FileProblem too_many_columns(std::int64_t line, std::int64_t columns_max);
FileProblem too_many_rows(std::int64_t line, std::int64_t rows_max);
FileProblem row_too_long(std::int64_t line, std::int64_t bytes_max);
FileProblem file_too_large(std::int64_t bytes_max);
FileProblem compression_ratio(std::int64_t ratio_max);
FileProblem gzip_truncated();
FileProblem gzip_damaged();
FileProblem xlsx_not_supported();
FileProblem xls_not_supported();
FileProblem unsupported_file(std::string const& what);  // "a PDF document", "an image", …
FileProblem form_truncated();
FileProblem form_malformed(std::string const& what);                       // a sentence
FileProblem form_field(std::string const& name, std::string const& what);  // a sentence
}  // namespace problems

}  // namespace fealty::api
