#include "api/csv_reader.h"

#include <random>

#include "api/csv_scan.h"
#include "tests/api/csv_text.h"

namespace fealty::api {
namespace {

using csv_text::Read;
using csv_text::read_all;
using csv_text::rows_of;
using csv_text::to_utf16;
using Rows = std::vector<std::vector<std::string>>;

struct Case {
  char const* name;
  std::string text;
  Rows rows;
};

TEST(CsvReader, ReadsTheTableOfRfc4180) {
  Case const cases[] = {
      {"lines end with CRLF", "a,b\r\nc,d\r\n", {{"a", "b"}, {"c", "d"}}},
      {"the last line end may be missing", "a,b\r\nc,d", {{"a", "b"}, {"c", "d"}}},
      {"lines end with LF", "a,b\nc,d\n", {{"a", "b"}, {"c", "d"}}},
      {"lines end with CR, as on old Macs", "a,b\rc,d\r", {{"a", "b"}, {"c", "d"}}},
      {"line ends are mixed", "a\r\nb\nc\rd", {{"a"}, {"b"}, {"c"}, {"d"}}},
      {"spaces belong to cells", " a , b\n", {{" a ", " b"}}},
      {"a cell in quotes", "\"a\",\"b\"\n", {{"a", "b"}}},
      {"a delimiter in quotes", "\"a,b\",c\n", {{"a,b", "c"}}},
      {"a doubled quote", "\"a\"\"b\",c\n", {{"a\"b", "c"}}},
      {"only doubled quotes", "\"\"\"\"\"\",c\n", {{"\"\"", "c"}}},
      {"several cells with doubled quotes", "\"\"\"a\",\"b\"\"\",\"c\"\"\"\"d\"\n", {{"\"a", "b\"", "c\"\"d"}}},
      {"line breaks in quotes", "\"a\r\nb\nc\rd\",e\n", {{"a\r\nb\nc\rd", "e"}}},
      {"an empty cell in quotes", "\"\",\"\"\n", {{"", ""}}},
      {"a cell in quotes at the end of the file", "a,\"b\"", {{"a", "b"}}},
      {"a doubled quote at the end of the file", "a,\"b\"\"\"", {{"a", "b\""}}},
      {"an empty cell in quotes is the whole file", "\"\"", {{""}}},
      {"a quote inside an unquoted cell is plain", "a\"b,c\"\"d,x\"\n", {{"a\"b", "c\"\"d", "x\""}}},
      {"a quote after a space is plain", "a, \"b\"\n", {{"a", " \"b\""}}},
      {"empty cells", ",,\n", {{"", "", ""}}},
      {"a delimiter at the end of the file", "a,", {{"a", ""}}},
      {"an empty line is a record of one empty cell", "a\n\nb\n", {{"a"}, {""}, {"b"}}},
      {"an empty file has no records", "", {}},
      {"a file of one line end", "\r\n", {{""}}},
      {"LF before CR are two line ends", "a\n\rb", {{"a"}, {""}, {"b"}}},
      {"other delimiters are text", "a;b\tc|d\n", {{"a;b\tc|d"}}},
      {"other scripts", "Ána,陈\n\"😀\"\"\",Ж\n", {{"Ána", "陈"}, {"😀\"", "Ж"}}},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    for (std::size_t piece = 1; piece <= c.text.size() + 1; ++piece) {
      Read const read = read_all(c.text, {}, {}, piece);
      EXPECT_EQ(read.problem, "");
      EXPECT_EQ(rows_of(read), c.rows) << "in pieces of " << piece;
    }
  }
}

TEST(CsvReader, TellsWhereEveryRecordStands) {
  Read const read = read_all("\xEF\xBB\xBFh1,h2\r\n\"x\ny\r\nz\",1\r\n , \t\nlast,\"2\"", {}, {}, csv_text::kWhole, {});
  ASSERT_EQ(read.rows.size(), 4u);
  // The reader is not told of the mark here: what it counts begins with the text.
  EXPECT_EQ(read.rows[0], (csv_text::Row{1, 1, 0, 7, 2, false, {"h1", "h2"}}));
  EXPECT_EQ(read.rows[1], (csv_text::Row{2, 2, 7, 19, 5, false, {"x\ny\r\nz", "1"}}));
  EXPECT_EQ(read.rows[2], (csv_text::Row{3, 5, 19, 24, 6, true, {" ", " \t"}}));
  EXPECT_EQ(read.rows[3], (csv_text::Row{4, 6, 24, 32, 6, false, {"last", "2"}}));
}

// Every text that the reader has to get right in any pieces and from any record on.
std::vector<std::string> texts() {
  return {
      "a,b\r\n1,2\r\n3,4\r\n",
      "a,b\r1,2\r\r3,4",
      "a,b\n\n\n1,2\n,,\n\"\",\"\"\n",
      "\"q\"\"\"\"q\",\"\r\n\",x\"y\r\n\"\r\",\"\n\",\"\r\r\n\n\"\r\nend",
      "Ána,\"陈\"\"\n\",😀\nЖ,,\n\n\"é\"\r\n",
      "a,b\n\"open,2\n3,4\n",
      "a,b\n\"x\ny\"z,2\n",
      "a,b\n1,\xFF\n2,3\n",
      "a,b\n1,\"\xE2\x82",
      "a,b\n1,\"x\xC3\n\"\n",
      "a,b\n1,2\n\"3\"\xFF\n",
      std::string("a,b\n1,\0\n", 8),
      "",
      "\n",
      "\"",
      "\"\"\"",
  };
}

TEST(CsvReader, GivesTheSameForEveryCutOfTheInput) {
  for (std::string const& text : texts()) {
    SCOPED_TRACE(testing::PrintToString(text));
    Read const whole = read_all(text, {});
    for (std::size_t piece = 1; piece <= text.size(); ++piece) EXPECT_EQ(read_all(text, {}, {}, piece), whole) << "in pieces of " << piece;
  }
}

TEST(CsvReader, GivesTheSameTailFromEveryRecordOn) {
  for (std::string const& utf8 : texts()) {
    for (Encoding const encoding : {Encoding::utf8, Encoding::utf16le, Encoding::utf16be}) {
      bool const valid = check_text(utf8).then == TextCheck::Then::end;
      if (encoding != Encoding::utf8 && !valid) continue;
      std::string const text = encoding == Encoding::utf8 ? utf8 : to_utf16(utf8, encoding, false);
      SCOPED_TRACE(testing::PrintToString(text));
      Dialect const dialect{',', encoding};
      Read const whole = read_all(text, dialect);
      for (std::size_t i = 0; i < whole.rows.size(); ++i) {
        CsvPosition const position = whole.rows[i].next();
        if (position.offset == 0) continue;
        Read expected = whole;
        expected.rows.erase(expected.rows.begin(), expected.rows.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        for (std::size_t piece : {std::size_t{1}, std::size_t{3}, csv_text::kWhole})
          EXPECT_EQ(read_all(std::string_view(text).substr(static_cast<std::size_t>(position.offset)), dialect, {}, piece, position),
                    expected);
      }
    }
  }
}

TEST(CsvReader, CountsUtf16InBytesOfTheFile) {
  for (Encoding const encoding : {Encoding::utf16le, Encoding::utf16be}) {
    std::string const text = to_utf16("é,\"\"\"😀\"\r\nx\n", encoding, false);
    Read const read = read_all(text, {',', encoding}, {}, csv_text::kWhole, {2, 1, 1});
    ASSERT_EQ(read.rows.size(), 2u);
    EXPECT_EQ(read.rows[0], (csv_text::Row{1, 1, 2, 22, 2, false, {"é", "\"😀"}}));
    EXPECT_EQ(read.rows[1], (csv_text::Row{2, 2, 22, 26, 3, false, {"x"}}));
  }
}

struct ProblemCase {
  char const* name;
  std::string text;
  std::size_t rows_before;
  char const* code;
  std::optional<std::int64_t> line, limit, byte;
};

TEST(CsvReader, NamesTheFirstProblemAndItsPlace) {
  Limits limits;
  limits.bulk_cell_characters_max = 5;
  limits.bulk_columns_max = 3;
  limits.bulk_rows_max = 3;
  limits.bulk_record_bytes_max = 14;
  std::optional<std::int64_t> const no;
  ProblemCase const cases[] = {
      {"an open quote", "a\n\"b\nc\n", 1, "unterminated_quote", 2, no, no},
      {"an open quote in a later cell", "\"x\ny\",\"b", 0, "unterminated_quote", 2, no, no},
      {"text after a quote", "a\n\"b\n\"c\n", 1, "text_after_quote", 2, no, no},
      {"a space after a quote", "a\n\"b\" ,c\n", 1, "text_after_quote", 2, no, no},
      {"a byte that is not UTF-8", "a\nb\r\nc\xE9,d\n", 2, "invalid_encoding", 3, no, 7},
      {"an overlong form", "a\n\xC0\xAF\n", 1, "invalid_encoding", 2, no, 3},
      {"half a surrogate pair in UTF-8", "a\n\xED\xA0\x80\n", 1, "invalid_encoding", 2, no, 3},
      {"a character beyond Unicode", "a\n\xF4\x90\x80\x80\n", 1, "invalid_encoding", 2, no, 3},
      {"a character that is cut off by the end", "a\nb\xE2\x82", 1, "invalid_encoding", 2, no, 4},
      {"a bad byte inside quotes", "\"x\r\ny\xFF\"\n", 0, "invalid_encoding", 2, no, 6},
      {"NUL", std::string("a\n\"b\nc\0", 7), 1, "binary_file", 3, no, 7},
      {"a cell that is too long", "a\nabcdef\n", 1, "cell_too_long", 2, 5, no},
      {"a cell in quotes that is too long", "a\n\"ab\ncdef\"\n", 1, "cell_too_long", 2, 5, no},
      {"a cell that is too long before the end", "abcdef", 0, "cell_too_long", 1, 5, no},
      {"a quote that is never closed, seen by the length", "a\n\"b\nc\nd\ne\nf\ng\n", 1, "cell_too_long", 2, 5, no},
      {"a cell that is too long before a bad byte", "abcdef\xFF", 0, "cell_too_long", 1, 5, no},
      {"a cell that is too long before text after its quote", "\"abcdef\"x", 0, "cell_too_long", 1, 5, no},
      {"characters that are counted, not bytes", "éééééé\n", 0, "cell_too_long", 1, 5, no},
      {"too many columns", "a\nb,c,d,e\n", 1, "too_many_columns", 2, 3, no},
      {"too many rows", "h\n1\n2\n3\n4\n", 4, "too_many_rows", 5, 3, no},
      {"a blank row counts", "h\n1\n\n3\n4\n", 4, "too_many_rows", 5, 3, no},
      {"a long record", "h\nabcde,abcde,abc\n", 1, "row_too_long", 2, 14, no},
      {"a long record of blank cells", "h\n,,,,,,,,,,,,,,,\n", 1, "row_too_long", 2, 14, no},
  };
  for (ProblemCase const& c : cases) {
    SCOPED_TRACE(c.name);
    for (std::size_t piece = 1; piece <= c.text.size() + 1; ++piece) {
      Read const read = read_all(c.text, {}, limits, piece);
      EXPECT_EQ(read.problem, c.code);
      EXPECT_EQ(read.rows.size(), c.rows_before);
      EXPECT_EQ(read.line, c.line);
      EXPECT_EQ(read.limit, c.limit);
      EXPECT_EQ(read.byte, c.byte);
    }
  }
}

TEST(CsvReader, TakesWhatIsExactlyAtALimit) {
  Limits limits;
  limits.bulk_cell_characters_max = 5;
  limits.bulk_columns_max = 3;
  limits.bulk_rows_max = 3;
  limits.bulk_record_bytes_max = 15;
  std::string const texts[] = {
      "abcde\n",        "\"ab\"\"de\"\n", "\"\"\"\"\"\"\"\"\"\"\"\"\n", "陈陈陈陈陈\n",        "a,b,c\n", "a,b,c,,,\n",
      "a,b,c,\"\", \n", "h\n1\n2\n3\n",   "h\n1\n2\n3\n\n,\n",          "abcde,abcde,abc\r\n",
  };
  for (std::string const& text : texts)
    for (std::size_t piece = 1; piece <= text.size(); ++piece) EXPECT_EQ(read_all(text, {}, limits, piece).problem, "") << text;
}

TEST(CsvReader, SaysInPlainWordsWhatIsWrong) {
  Limits limits;
  limits.bulk_cell_characters_max = 1000;
  Read read = read_all("h\n\"" + std::string(1001, 'x') + "\"\n", {}, limits);
  EXPECT_EQ(read.message,
            "Line 2: a cell has more than 1,000 characters. Its quote (\") was opened on line 2; perhaps the closing quote is missing.");
  read = read_all("h\nJos\xE9\n", {});
  EXPECT_THAT(read.message, testing::StartsWith("Line 2 (byte 6 of the file) has a character that is not UTF-8. Save it again as UTF-8"));
}

TEST(CsvReader, ReadsUtf16WithPairsInAnyPieces) {
  std::string const utf8 = "a,b\r\n\"😀\"\"é\",x\n\n陈,😀\n";
  for (Encoding const encoding : {Encoding::utf16le, Encoding::utf16be}) {
    std::string const text = to_utf16(utf8, encoding, false);
    Read const whole = read_all(text, {',', encoding});
    EXPECT_EQ(whole.problem, "");
    EXPECT_EQ(rows_of(whole), rows_of(read_all(utf8, {})));
    for (std::size_t piece = 1; piece <= text.size(); ++piece) EXPECT_EQ(read_all(text, {',', encoding}, {}, piece), whole);
  }
}

TEST(CsvReader, NamesTheLineAndByteOfHalfAPair) {
  auto const damaged = [](std::string const& half) { return to_utf16("a\nb,", Encoding::utf16le, false) + half; };
  for (std::string const& half :
       {std::string("\x00\xD8x\0", 4), std::string("\x00\xDC", 2), std::string("\x00\xD8", 2), std::string("x")}) {
    std::string const text = damaged(half);
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      Read const read = read_all(text, {',', Encoding::utf16le}, {}, piece);
      EXPECT_EQ(read.problem, "invalid_encoding");
      EXPECT_EQ(read.rows.size(), 1u);
      EXPECT_EQ(read.line, 2);
      EXPECT_EQ(read.byte, 9);
    }
  }
}

TEST(CsvReader, ReadsRecordsThatAreLargerThanItsBuffer) {
  Limits limits;
  limits.bulk_record_bytes_max = 1024 * 1024;
  std::string text = "h\n";
  Rows expected = {{"h"}};
  for (int i = 0; i < 4; ++i) {
    std::vector<std::string> row;
    for (int k = 0; k < 30; ++k) {
      std::string cell(static_cast<std::size_t>(31'000 - k), static_cast<char>('a' + k % 26));
      if (k % 3 == 0) cell[static_cast<std::size_t>(k)] = '"';
      row.push_back(cell);
      text += k > 0 ? "," : "";
      if (k % 3 != 0) {
        text += cell;
        continue;
      }
      text += '"';
      for (char const c : cell) text += c == '"' ? std::string("\"\"") : std::string(1, c);
      text += '"';
    }
    text += i % 2 == 0 ? "\r\n" : "\n";
    expected.push_back(row);
  }
  for (std::size_t piece : {std::size_t{1}, std::size_t{7919}, csv_text::kWhole}) {
    Read const read = read_all(text, {}, limits, piece);
    EXPECT_EQ(read.problem, "");
    EXPECT_TRUE(rows_of(read) == expected) << "in pieces of " << piece;
  }
}

TEST(CsvReader, RefusesARecordBeforeItNeedsMoreThanTheLimit) {
  Limits const limits;
  std::string text;
  for (int i = 0; i < 40; ++i) text += std::string(30'000, 'x') + ",";
  Read const read = read_all(text, {}, limits, 1000);
  EXPECT_EQ(read.problem, "row_too_long");
  EXPECT_EQ(read.limit, limits.bulk_record_bytes_max);
}

// The same reader with one step a character: slow, plain, and without a buffer to get wrong.
Read read_simply(std::string_view text) {
  enum class At { begin, plain, quoted, closed } at = At::begin;
  Read read;
  csv_text::Row row{1, 1, 0, 0, 1, false, {""}};
  std::int64_t line = 1, opened = 0;
  bool open = false;
  auto const finish = [&](std::size_t end) {
    row.end_offset = static_cast<std::int64_t>(end);
    row.end_line = line;
    row.blank = std::all_of(row.cells.begin(), row.cells.end(),
                            [](std::string const& cell) { return cell.find_first_not_of(" \t") == std::string::npos; });
    read.rows.push_back(row);
    row = {row.row + 1, line, row.end_offset, 0, 0, false, {""}};
    at = At::begin;
    open = false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    open = true;
    if (at == At::quoted) {
      if (c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
        row.cells.back() += text[++i];
      } else if (c == '"') {
        at = At::closed;
      } else {
        row.cells.back() += c;
        line += c == '\r' || (c == '\n' && text[i - 1] != '\r');
      }
    } else if (c == ',') {
      row.cells.emplace_back();
      at = At::begin;
    } else if (c == '\r' || c == '\n') {
      ++line;
      if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
      finish(i + 1);
    } else if (at == At::closed) {
      note(read, problems::text_after_quote(opened, line));
      return read;
    } else if (c == '"' && at == At::begin) {
      at = At::quoted;
      opened = line;
    } else {
      at = At::plain;
      row.cells.back() += c;
    }
  }
  if (at == At::quoted)
    note(read, problems::unterminated_quote(opened));
  else if (open)
    finish(text.size());
  return read;
}

TEST(CsvReader, AgreesWithAPlainReaderOnRandomTexts) {
  std::mt19937 random(20240601);
  char const alphabet[] = {'a', 'b', ',', ',', '"', '"', '\r', '\n', ' '};
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    // Few quotes make long texts that stay valid; many make every kind of mistake.
    bool const tame = i % 2 == 0;
    std::string text;
    for (std::size_t length = random() % (tame ? 300 : 30); length > 0; --length) {
      char const c = alphabet[random() % sizeof alphabet];
      if (tame && c == '"')
        text += random() % 4 == 0 ? "\"x,\"\"\r\n\"" : "a\"";
      else
        text += c;
    }
    Read const expected = read_simply(text);
    refused += !expected.problem.empty();
    ASSERT_EQ(read_all(text, {}), expected) << testing::PrintToString(text);
    ASSERT_EQ(read_all(text, {}, {}, 1 + random() % 7), expected) << testing::PrintToString(text);
  }
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 19'000);
}

TEST(CsvReader, ScansTheSameWithAndWithoutVectorInstructions) {
  std::mt19937 random(7);
  std::string text(4096, ' ');
  for (char& c : text) c = static_cast<char>(random() % 4 == 0 ? "\",\r\n;\x8a\x8d\xac"[random() % 8] : random() % 256);
  for (std::size_t at = 0; at + 64 <= text.size(); ++at)
    for (char const delimiter : {',', ';', '\t'}) {
      std::uint64_t expected = 0;
      for (std::size_t i = 0; i < 64; ++i) {
        char const c = text[at + i];
        if (c == delimiter || c == '"' || c == '\r' || c == '\n') expected |= std::uint64_t{1} << i;
      }
      ASSERT_EQ(scan::specials(text.data() + at, delimiter), expected);
      ASSERT_EQ(scan::specials_portable(text.data() + at, delimiter), expected);
    }
}

TEST(CsvReader, RefusesADelimiterThatCannotBeOne) {
  MemorySource empty("");
  for (char const delimiter : {'"', '\r', '\n', '\0', '\x80'})
    EXPECT_THROW(CsvReader(empty, {delimiter, Encoding::utf8}, Limits()), std::invalid_argument);
}

}  // namespace
}  // namespace fealty::api
