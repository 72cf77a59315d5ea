#include "api/csv_reader.h"

#include "api/csv_scan.h"
#include "base/text.h"

namespace fealty::api {
namespace {

constexpr std::size_t kBufferBytes = 128 * 1024;
// Reads go into at least so much room; below it the record moves to the front or the buffer grows.
constexpr std::size_t kRoomBytes = 16 * 1024;
// The scanner looks at whole blocks, so that it may look this far past the text.
constexpr std::size_t kSlackBytes = 64;

}  // namespace

// What next() works with. It lives in registers: refill() gets a copy by reference only when the buffer runs dry.
struct CsvReader::Cursor {
  char* text;
  std::size_t end;  // of the checked text
  std::size_t block;
  std::uint64_t mask;
  std::size_t begin;  // of the record
  std::size_t cell;   // begin of the cell's content
  std::size_t at;     // the special character looked at
  std::size_t columns;
  std::int64_t line;         // at `at`
  std::int64_t opened_line;  // of the quote that is open
  char delimiter;

  void scan(std::size_t from) {
    block = from;
    if (from >= end) {
      mask = 0;
      return;
    }
    mask = scan::specials(text + from, delimiter);
    if (end - from < 64) mask &= (std::uint64_t{1} << (end - from)) - 1;
  }
  // The next special character, which is consumed, or `end`.
  std::size_t take() {
    while (mask == 0) {
      if (block + 64 >= end) return end;
      scan(block + 64);
    }
    std::size_t const found = block + static_cast<std::size_t>(std::countr_zero(mask));
    mask &= mask - 1;
    return found;
  }
};

CsvReader::CsvReader(ByteSource& in, Dialect dialect, Limits const& limits, CsvPosition start)
    : in_(in),
      dialect_(dialect),
      columns_max_(static_cast<std::size_t>(limits.bulk_columns_max)),
      cell_characters_max_(static_cast<std::size_t>(limits.bulk_cell_characters_max)),
      record_bytes_max_(static_cast<std::size_t>(limits.bulk_record_bytes_max)),
      rows_max_(limits.bulk_rows_max),
      offset_(start.offset),
      row_(start.row),
      line_(start.line) {
  unsigned char const d = static_cast<unsigned char>(dialect.delimiter);
  if (d == 0 || d >= 0x80 || d == '"' || d == '\r' || d == '\n') throw std::invalid_argument("not a CSV delimiter");
  capacity_ = kBufferBytes;
  buffer_ = std::make_unique<char[]>(capacity_ + kSlackBytes);
  cells_.resize(columns_max_);
}

bool CsvReader::next(CsvRecord& record) {
  doubled_.clear();
  Cursor c{buffer_.get(), end_, block_, mask_, begin_, begin_, begin_, 0, line_, 0, dialect_.delimiter};
  auto const refilled = [&](Where where) {
    Cursor copy = c;
    bool const more = refill(copy, where);
    c = copy;
    return more;
  };
  if (c.begin == c.end) {
    c.at = c.end;
    if (!refilled(Where::between_records)) return false;
  }
  for (;;) {  // one cell a turn; c.cell is where it begins
    char found;
    for (;;) {
      c.at = c.take();
      if (c.at == c.end) {
        if (refilled(Where::in_cell)) continue;
        add_cell(c, c.at, Where::in_cell);
        finish(c, record);
        return true;
      }
      found = c.text[c.at];
      if (found != '"' || c.at == c.cell) break;
    }
    if (found != '"') {
      add_cell(c, c.at, Where::in_cell);
    } else {
      c.cell = c.at + 1;
      c.opened_line = c.line;
      bool doubled = false;
      for (;;) {
        c.at = c.take();
        if (c.at == c.end) {
          if (refilled(Where::in_quotes)) continue;
          check_size(c, c.at, Where::in_quotes);
          throw problems::unterminated_quote(c.opened_line);
        }
        found = c.text[c.at];
        if (found != '"') {
          // CRLF is one line end: its LF does not count again.
          if (found == '\r' || (found == '\n' && c.text[c.at - 1] != '\r')) ++c.line;
          continue;
        }
        if (c.at + 1 == c.end && !refilled(Where::in_quotes)) {
          if (doubled) doubled_.push_back(c.columns);
          add_cell(c, c.at, Where::in_quotes);
          ++c.at;
          finish(c, record);
          return true;
        }
        found = c.text[c.at + 1];
        if (found != '"') break;
        doubled = true;
        c.take();
      }
      if (found != c.delimiter && found != '\r' && found != '\n') {
        check_size(c, c.at, Where::in_quotes);
        throw problems::text_after_quote(c.opened_line, c.line);
      }
      if (doubled) doubled_.push_back(c.columns);
      add_cell(c, c.at, Where::in_quotes);
      c.at = c.take();
    }
    if (found == c.delimiter) {
      c.cell = c.at + 1;
      continue;
    }
    ++c.line;
    ++c.at;
    if (found == '\r' && (c.at < c.end || refilled(Where::between_records)) && c.text[c.at] == '\n') c.at = c.take() + 1;
    finish(c, record);
    return true;
  }
}

// The text of one cell is complete at `end`.
inline void CsvReader::add_cell(Cursor& c, std::size_t end, Where where) {
  if (end - c.cell > cell_characters_max_ || end - c.begin > record_bytes_max_) [[unlikely]]
    check_size(c, end, where);
  std::string_view const text(c.text + c.cell, end - c.cell);
  if (c.columns < columns_max_) [[likely]] {
    cells_[c.columns] = text;
    ++c.columns;
    return;
  }
  // Spreadsheets like to end every line with a long row of delimiters; those cells mean nothing.
  if (!doubled_.empty() && doubled_.back() == c.columns) doubled_.pop_back();
  if (!trim_blanks(text).empty()) throw problems::too_many_columns(line_, static_cast<std::int64_t>(columns_max_));
}

// Refuses a cell or a record that is too long when `end` is reached. What comes first in the file is named, whichever piece
// of it was read when this is called.
void CsvReader::check_size(Cursor const& c, std::size_t end, Where where) const {
  std::size_t const record_stop = c.begin + record_bytes_max_;
  std::size_t const stop = std::min(end, record_stop);
  if (stop > c.cell && stop - c.cell > cell_characters_max_) {
    std::string_view const text(c.text + c.cell, stop - c.cell);
    std::size_t length = code_points(text);
    if (where == Where::in_quotes) length -= static_cast<std::size_t>(std::count(text.begin(), text.end(), '"')) / 2;
    if (length > cell_characters_max_)
      throw problems::cell_too_long(line_, where == Where::in_quotes ? std::optional(c.opened_line) : std::nullopt,
                                    static_cast<std::int64_t>(cell_characters_max_));
  }
  if (end > record_stop) throw problems::row_too_long(line_, static_cast<std::int64_t>(record_bytes_max_));
}

// The record is complete and ends before c.at.
void CsvReader::finish(Cursor& c, CsvRecord& record) {
  record.row = row_;
  record.line = line_;
  record.offset = offset_;
  offset_ += dialect_.encoding == Encoding::utf8 ? static_cast<std::int64_t>(c.at - c.begin)
                                                 : encoded_bytes({c.text + c.begin, c.at - c.begin}, dialect_.encoding);
  record.end_offset = offset_;
  record.end_line = c.line;
  // Only now, because it takes bytes out of the text that has just been measured.
  for (std::size_t const index : doubled_) {
    char* to = c.text + (cells_[index].data() - c.text);
    char const* from = to;
    char const* const stop = from + cells_[index].size();
    char const* const first = to;
    while (from != stop) {
      auto const* quote = static_cast<char const*>(std::memchr(from, '"', static_cast<std::size_t>(stop - from)));
      std::size_t const n = static_cast<std::size_t>((quote ? quote + 1 : stop) - from);
      std::memmove(to, from, n);
      to += n;
      from += n + (quote != nullptr);
    }
    cells_[index] = {first, static_cast<std::size_t>(to - first)};
  }
  record.cells = {cells_.data(), c.columns};
  record.blank = std::all_of(record.cells.begin(), record.cells.end(), [](std::string_view cell) { return trim_blanks(cell).empty(); });
  // Blank records have numbers, yet a tail of them never makes a file too long.
  if (row_ - 1 > rows_max_ && !record.blank) throw problems::too_many_rows(line_, rows_max_);
  ++row_;
  line_ = c.line;
  begin_ = c.at;
  end_ = c.end;
  block_ = c.block;
  mask_ = c.mask;
}

// Called when the checked text is used up: all special characters before its end are consumed. False at the end of the file.
[[gnu::noinline]] bool CsvReader::refill(Cursor& c, Where where) {
  if (where != Where::between_records) check_size(c, c.at, where);
  begin_ = c.begin;
  end_ = c.end;
  bool more = false;
  while (!more) {
    if (then_ == TextCheck::Then::invalid || then_ == TextCheck::Then::nul) refuse_text();
    if (ended_) {
      if (filled_ > end_) refuse_text();
      break;
    }
    make_room(c);
    std::size_t n = 0;
    try {
      n = in_.read({buffer_.get() + filled_, capacity_ - filled_});
    } catch (FileProblem const& problem) {
      // A converter knows the byte; only here is it known which line that is.
      if (problem.def == &file_errors::kInvalidEncoding && problem.byte && !problem.line)
        throw problems::invalid_utf16(line_of_end(), *problem.byte);
      throw;
    }
    ended_ = n == 0;
    filled_ += n;
    TextCheck const check = check_text({buffer_.get() + end_, filled_ - end_});
    then_ = check.then;
    end_ += check.length;
    more = check.length > 0;
  }
  std::size_t const from = c.end;
  c.end = end_;
  c.scan(from);
  return more;
}

// Moves the record to the front of the buffer, and lets the buffer grow when that is not enough. A record is refused
// before it can need more than the limit.
void CsvReader::make_room(Cursor& c) {
  if (capacity_ - filled_ >= kRoomBytes) return;
  char* const old_text = buffer_.get();
  std::size_t const kept = filled_ - begin_;
  std::unique_ptr<char[]> outgrown;
  if (capacity_ - kept < kRoomBytes) {
    std::size_t const capacity = std::min(2 * capacity_, record_bytes_max_ + 2 * kBufferBytes);
    auto larger = std::make_unique_for_overwrite<char[]>(capacity + kSlackBytes);
    std::memset(larger.get() + capacity, 0, kSlackBytes);
    std::memcpy(larger.get(), old_text + begin_, kept);
    outgrown = std::exchange(buffer_, std::move(larger));
    capacity_ = capacity;
  } else {
    std::memmove(old_text, old_text + begin_, kept);
  }
  std::size_t const shift = begin_;
  for (std::size_t i = 0; i < c.columns; ++i)
    cells_[i] = {buffer_.get() + (static_cast<std::size_t>(cells_[i].data() - old_text) - shift), cells_[i].size()};
  c.text = buffer_.get();
  for (std::size_t* place : {&c.begin, &c.cell, &c.at, &c.end, &begin_, &end_, &filled_}) *place -= shift;
}

std::int64_t CsvReader::line_of_end() const {
  std::int64_t line = line_;
  char before = 0;
  for (std::size_t i = begin_; i < end_; ++i) {
    char const c = buffer_[i];
    line += c == '\r' || (c == '\n' && before != '\r');
    before = c;
  }
  return line;
}

// What stands right after the checked text is no text.
void CsvReader::refuse_text() const {
  std::int64_t const byte = offset_ + encoded_bytes({buffer_.get() + begin_, end_ - begin_}, dialect_.encoding) + 1;
  if (then_ == TextCheck::Then::nul) throw problems::binary_file(line_of_end(), byte);
  throw problems::invalid_utf8(line_of_end(), byte);
}

}  // namespace fealty::api
