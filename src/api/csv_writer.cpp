#include "api/csv_writer.h"

namespace fealty::api {

CsvWriter::CsvWriter(std::string& out, char delimiter, Mark mark) : out_(out), delimiter_(delimiter) {
  if (mark == Mark::utf8) out_ += "\xEF\xBB\xBF";
}

void CsvWriter::cell(std::string_view text) {
  if (cells_++ > 0) out_ += delimiter_;
  if (text.empty()) return;
  empty_ = false;
  bool needs_quotes = false;
  for (char const c : text) needs_quotes |= c == delimiter_ || c == '"' || c == '\r' || c == '\n';
  if (!needs_quotes) {
    out_ += text;
    return;
  }
  out_ += '"';
  for (;;) {
    std::size_t const quote = text.find('"');
    out_ += text.substr(0, quote);
    if (quote == std::string_view::npos) break;
    out_ += "\"\"";
    text.remove_prefix(quote + 1);
  }
  out_ += '"';
}

void CsvWriter::end_row() {
  // A row of one empty cell would be an empty line, which many programs drop.
  if (cells_ == 1 && empty_) out_ += "\"\"";
  out_ += "\r\n";
  cells_ = 0;
  empty_ = true;
}

void CsvWriter::row(std::span<std::string_view const> cells) {
  for (std::string_view const text : cells) cell(text);
  end_row();
}

}  // namespace fealty::api
