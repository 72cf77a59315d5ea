#include "api/csv_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/api/csv_text.h"

namespace fealty::api {
namespace {

using csv_text::FileRead;
using csv_text::read_file;
using csv_text::rows_of;
using csv_text::to_utf16;
using namespace std::string_literals;

bool known(std::string_view cell) {
  for (std::string_view const name : {"Email", "Coins", "Coins_op", "First Name", "Größe", "陈"})
    if (cell == name) return true;
  return false;
}

constexpr char kMark[] = "\xEF\xBB\xBF";

TEST(CsvFile, ReadsEveryMixOfMarkDelimiterAndLineEnd) {
  struct Form {
    char const* name;
    std::int64_t mark_bytes, unit_bytes;
    Encoding encoding;
    bool mark;
  };
  Form const forms[] = {
      {"UTF-8", 0, 1, Encoding::utf8, false},
      {"UTF-8 with mark", 3, 1, Encoding::utf8, true},
      {"UTF-16LE", 2, 2, Encoding::utf16le, true},
      {"UTF-16BE", 2, 2, Encoding::utf16be, true},
  };
  for (Form const& form : forms)
    for (char const delimiter : {',', ';', '\t'})
      for (std::string const& end : {"\r\n"s, "\n"s, "\r"s})
        for (bool const sep : {false, true}) {
          std::string const d(1, delimiter);
          std::string const first = sep ? "sep=" + d + end : "";
          std::string const text = first + "Email" + d + "\"First Name\"" + d + "Coins" + end + "a@b.c" + d + "\"Zoë" + d + end + "😀\"" +
                                   d + "5" + end + end + "x" + d + d + end;
          std::string bytes = text;
          if (form.encoding != Encoding::utf8)
            bytes = to_utf16(text, form.encoding);
          else if (form.mark)
            bytes = kMark + text;
          SCOPED_TRACE(testing::PrintToString(bytes));
          FileRead const whole = read_file(bytes, known);
          EXPECT_EQ(whole.records.problem, "");
          EXPECT_EQ(whole.dialect, (Dialect{delimiter, form.encoding}));
          EXPECT_EQ(whole.has_sep_line, sep);
          EXPECT_EQ(whole.header_line, sep ? 2 : 1);
          EXPECT_EQ(whole.header_offset, form.mark_bytes + form.unit_bytes * static_cast<std::int64_t>(first.size()));
          EXPECT_EQ(whole.header, (std::vector<std::string>{"Email", "First Name", "Coins"}));
          ASSERT_EQ(rows_of(whole.records),
                    (std::vector<std::vector<std::string>>{{"a@b.c", "Zoë" + d + end + "😀", "5"}, {""}, {"x", "", ""}}));
          EXPECT_EQ(whole.records.rows[0].row, 2);
          EXPECT_EQ(whole.records.rows[0].line, sep ? 3 : 2);
          EXPECT_TRUE(whole.records.rows[1].blank);
          EXPECT_EQ(whole.records.rows[2].row, 4);
          EXPECT_EQ(whole.records.rows[2].line, sep ? 6 : 5);
          EXPECT_EQ(whole.records.rows[2].end_offset, static_cast<std::int64_t>(bytes.size()));
          for (std::size_t piece = 1; piece <= bytes.size(); ++piece) EXPECT_EQ(read_file(bytes, known, {}, piece), whole);

          for (std::size_t i = 0; i < whole.records.rows.size(); ++i) {
            CsvPosition const position = whole.records.rows[i].next();
            MemorySource rest(std::string_view(bytes).substr(static_cast<std::size_t>(position.offset)), 1 + i);
            CsvFile file = CsvFile::resume(rest, whole.dialect, position, Limits());
            CsvRecord record;
            for (std::size_t k = i + 1; k < whole.records.rows.size(); ++k) {
              ASSERT_TRUE(file.next(record));
              EXPECT_EQ(csv_text::copy(record), whole.records.rows[k]);
            }
            EXPECT_FALSE(file.next(record));
            EXPECT_EQ(file.position(), whole.records.rows.back().next());
          }
        }
}

TEST(CsvFile, TakesTheDelimiterThatMakesMostCellsKnown) {
  struct Case {
    std::string text;
    char delimiter;
    std::vector<std::string> header;
  };
  Case const cases[] = {
      {"Email,Coins\n", ',', {"Email", "Coins"}},
      {"Email;Coins\n", ';', {"Email", "Coins"}},
      {"Email\tCoins\n", '\t', {"Email", "Coins"}},
      {"Email\n", ',', {"Email"}},
      {"Email,x;y;z\n", ',', {"Email", "x;y;z"}},
      {"Email;Coins,Email\n", ',', {"Email;Coins", "Email"}},
      {"x,y,Email;Coins;First Name\n", ';', {"x,y,Email", "Coins", "First Name"}},
      {"\"Email\";\"Coins\"\n", ';', {"Email", "Coins"}},
      {"\"First Name\nof all\";Email\n", ';', {"First Name\nof all", "Email"}},
      // Nobody knows these; the message is clearest with the cells apart.
      {"email;coins\n", ';', {"email", "coins"}},
      {"email\n", ',', {"email"}},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.text);
    FileRead const read = read_file(c.text, known);
    EXPECT_EQ(read.records.problem, "");
    EXPECT_EQ(read.dialect.delimiter, c.delimiter);
    EXPECT_EQ(read.header, c.header);
  }
}

TEST(CsvFile, ObeysASepLine) {
  struct Case {
    std::string text;
    char delimiter;
    bool has_sep_line;
  };
  Case const cases[] = {
      {"sep=|\r\nEmail|Coins\r\n", '|', true},     {"sep=;\nEmail,Coins\n", ';', true},    {"SEP=,\rEmail,Coins\r", ',', true},
      {"\"sep=;\"\r\nEmail;Coins\r\n", ';', true}, {"sep=\t\nEmail\tCoins\n", '\t', true}, {"sep=;", ';', true},
      {"sep=a\nEmail,Coins\n", ',', false},        {"sep=;;\nEmail,Coins\n", ',', false},  {"sep=\nEmail,Coins\n", ',', false},
      {"sep=\"\nEmail,Coins\n", ',', false},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.text);
    FileRead const whole = read_file(c.text, known);
    EXPECT_EQ(whole.has_sep_line, c.has_sep_line);
    EXPECT_EQ(whole.dialect.delimiter, c.delimiter);
    EXPECT_EQ(whole.records.problem, "");
    for (std::size_t piece = 1; piece <= c.text.size(); ++piece) EXPECT_EQ(read_file(c.text, known, {}, piece), whole);
  }
}

TEST(CsvFile, GivesCleanHeaderCells) {
  FileRead const read = read_file(
      " Email ,\t\"Coins\",Gro\xCC\x88\xC3\x9F"
      "e,'=sum,,x, ,\"\",,\r\n",
      known);
  EXPECT_EQ(read.header, (std::vector<std::string>{"Email", "\"Coins\"", "Größe", "=sum", "", "x"}));
  EXPECT_EQ(read.dropped, 4u);
}

TEST(CsvFile, SkipsBlankLinesBeforeTheHeader) {
  FileRead const read = read_file("\r\n;;\r\n \r\nEmail;Coins\r\n1;2\r\n", known);
  EXPECT_EQ(read.header, (std::vector<std::string>{"Email", "Coins"}));
  EXPECT_EQ(read.header_line, 4);
  ASSERT_EQ(read.records.rows.size(), 1u);
  EXPECT_EQ(read.records.rows[0].row, 2);
  EXPECT_EQ(read.records.rows[0].line, 5);
}

TEST(CsvFile, HasNoHeaderWhenThereIsNoText) {
  for (std::string const& text : {""s, "\xEF\xBB\xBF"s, "\r\n"s, ",,\n \n"s, "\xFF\xFE"s, "sep=,\n"s, std::string(1 << 20, '\n')}) {
    FileRead const read = read_file(text, known);
    EXPECT_TRUE(read.header.empty());
    EXPECT_EQ(read.records.problem, "");
  }
}

TEST(CsvFile, ReportsAHeaderThatCannotBeRead) {
  FileRead read = read_file("Email,\"Coins\nx,y\n", known);
  EXPECT_EQ(read.records.problem, "unterminated_quote");
  EXPECT_EQ(read.records.line, 1);
  read = read_file("Email;\"Co\"ins\nx;y\n", known);
  EXPECT_EQ(read.records.problem, "text_after_quote");
  read = read_file(
      "Email,Gr\xF6\xDF"
      "e\n",
      known);
  EXPECT_EQ(read.records.problem, "invalid_encoding");
  EXPECT_EQ(read.records.byte, 9);
  read = read_file(kMark + "Email,\xF6\n"s, known);
  EXPECT_EQ(read.records.byte, 10);
  read = read_file("\xFF\xFE" + "x\0\0\xD8y\0"s, known);
  EXPECT_EQ(read.records.problem, "invalid_encoding");
  EXPECT_EQ(read.records.line, 1);
  EXPECT_EQ(read.records.byte, 5);
}

TEST(CsvFile, RecognisesOtherFormats) {
  struct Case {
    char const* name;
    std::string bytes;
    char const* code;
    int status;
  };
  std::string const zip = "PK\x03\x04"s;
  Case const cases[] = {
      {"a workbook", zip + "....[Content_Types].xml....", "xlsx_not_supported", 415},
      {"a workbook whose first files are others", zip + std::string(40'000, '.') + "xl/workbook.xml", "xlsx_not_supported", 415},
      {"a Word document", zip + "[Content_Types].xml..word/document.xml", "unsupported_file", 415},
      {"an OpenDocument sheet", zip + "mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "unsupported_file", 415},
      {"a ZIP archive", zip + "....members.csv....", "unsupported_file", 415},
      {"an old workbook", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + std::string(512, '\0'), "xls_not_supported", 415},
      {"a PDF", "%PDF-1.7\n", "unsupported_file", 415},
      {"gzip without its header", "\x1F\x8B\x08"s, "unsupported_file", 415},
      {"PNG", "\x89PNG\r\n\x1A\n", "unsupported_file", 415},
      {"JPEG", "\xFF\xD8\xFF\xE0", "unsupported_file", 415},
      {"GIF", "GIF89a", "unsupported_file", 415},
      {"WebP", "RIFF....WEBPVP8 ", "unsupported_file", 415},
      {"7z", "7z\xBC\xAF\x27\x1C", "unsupported_file", 415},
      {"RAR", "Rar!\x1A\x07", "unsupported_file", 415},
      {"a web page", "\r\n <!DOCTYPE html><html><table>", "unsupported_file", 415},
      {"XML", "<?xml version=\"1.0\"?>", "unsupported_file", 415},
      {"UTF-16LE without mark", "E\0m\0a\0i\0l\0\n\0"s, "invalid_encoding", 400},
      {"UTF-16BE without mark", "\0E\0m\0a\0i\0l\0\n"s, "invalid_encoding", 400},
      {"UTF-32", "\xFF\xFE\0\0E\0\0\0"s, "invalid_encoding", 400},
      {"NUL characters", "Email\nx\0y\n"s, "binary_file", 400},
      {"NUL in UTF-16", to_utf16("Email\nx\0y\n"s, Encoding::utf16le), "binary_file", 400},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    for (std::size_t const piece : {std::size_t{1}, csv_text::kWhole}) {
      MemorySource memory(c.bytes, piece);
      try {
        CsvFile file(memory, Limits(), known);
        for (CsvRecord record; file.next(record);) {}
        ADD_FAILURE() << "was read";
      } catch (FileProblem const& problem) {
        EXPECT_EQ(problem.code, c.code);
        EXPECT_EQ(problem.status(), c.status);
        EXPECT_THAT(problem.message, testing::HasSubstr("CSV"));
        Error const error = problem.to_error();
        EXPECT_EQ(error.code(), c.code);
        ASSERT_EQ(error.issues.size(), 1u);
        EXPECT_EQ(error.issues[0].message, problem.message);
      }
    }
  }
}

TEST(CsvFile, TakesShortTextsThatBeginLikeOtherFormats) {
  for (std::string const& text : {"RIFF"s, "RIFF1234WEB"s, "PK"s, "%PD"s, "GIF"s, "<"s, "<htm"s, "\x1F"s, "MM"s, "7z"s}) {
    FileRead const read = read_file(text, known);
    EXPECT_EQ(read.records.problem, "");
    EXPECT_EQ(read.header, (std::vector<std::string>{text}));
  }
}

TEST(CsvFile, ReadsNoFurtherThanTheHeaderNeeds) {
  // A wrong header is answered while the rest of the upload is still on its way.
  struct Endless final : ByteSource {
    std::size_t given = 0;
    std::size_t read(std::span<char> into) override {
      std::string_view const line = "Email,Coins\n";
      std::size_t const n = std::min<std::size_t>(into.size(), 100);
      for (std::size_t i = 0; i < n; ++i) into[i] = line[(given + i) % line.size()];
      given += n;
      return n;
    }
  } endless;
  CsvFile const file(endless, Limits(), known);
  EXPECT_EQ(file.header().size(), 2u);
  EXPECT_LT(endless.given, 1024u);
}

TEST(CsvFile, LetsTheTransportsFailurePassAtTheSamePlaceForEveryDelimiter) {
  struct Cut final : ByteSource {
    bool given = false;
    int calls_after = 0;
    std::size_t read(std::span<char> into) override {
      if (std::exchange(given, true)) {
        ++calls_after;
        throw BodyAborted(BodyAborted::Why::client_gone, "gone");
      }
      std::string const text(600, 'x');
      text.copy(into.data(), into.size());
      return std::min(text.size(), into.size());
    }
  } cut;
  EXPECT_THROW(CsvFile(cut, Limits(), known), BodyAborted);
  EXPECT_EQ(cut.calls_after, 1);
}

TEST(CsvFile, ResumesInAStoredFile) {
  char path[] = "/tmp/csv_file_test_XXXXXX";
  int const descriptor = ::mkstemp(path);
  ASSERT_GE(descriptor, 0);
  ::unlink(path);
  std::string text = "Email,Coins\n";
  for (int i = 0; i < 20'000; ++i) text += "member" + std::to_string(i) + "@example.org,\"" + std::to_string(i) + "\"\r\n";
  ASSERT_EQ(::write(descriptor, text.data(), text.size()), static_cast<ssize_t>(text.size()));

  FileSource from_start(descriptor);
  CsvFile file(from_start, Limits(), known);
  CsvRecord record;
  CsvPosition middle;
  for (int i = 0; i < 12'345; ++i) {
    ASSERT_TRUE(file.next(record));
    middle = record.next();
  }
  EXPECT_EQ(file.position(), middle);
  FileSource from_middle(descriptor, middle.offset);
  CsvFile resumed = CsvFile::resume(from_middle, file.opening().dialect, middle, Limits());
  int rows = 0;
  for (CsvRecord again; resumed.next(again); ++rows) {
    ASSERT_TRUE(file.next(record));
    ASSERT_EQ(csv_text::copy(again), csv_text::copy(record));
  }
  EXPECT_EQ(rows, 20'000 - 12'345);
  EXPECT_FALSE(file.next(record));
  ::close(descriptor);
  FileSource closed(descriptor);
  char byte;
  EXPECT_THROW(closed.read({&byte, 1}), std::system_error);
}

TEST(CsvFile, ReadsWhatSpreadsheetProgramsWrite) {
  // "CSV UTF-8" of a program with a German locale: mark, semicolons, CRLF, decimal commas, empty columns at the end.
  FileRead read =
      read_file(kMark + "Email;First Name;Coins_op;Coins;;\r\nana@example.org;\"Ana \"\"die\"\" Erste\";add;1,5;;\r\n;;;;;\r\n"s, known);
  EXPECT_EQ(read.records.problem, "");
  EXPECT_EQ(read.dialect.delimiter, ';');
  EXPECT_EQ(read.header, (std::vector<std::string>{"Email", "First Name", "Coins_op", "Coins"}));
  EXPECT_EQ(read.dropped, 2u);
  EXPECT_EQ(read.records.rows[0].cells, (std::vector<std::string>{"ana@example.org", "Ana \"die\" Erste", "add", "1,5", "", ""}));
  EXPECT_TRUE(read.records.rows[1].blank);
  // "Unicode text": UTF-16 with mark and tabs.
  read = read_file(to_utf16("Email\tFirst Name\r\nbo@example.org\t\"B\no\"\r\n", Encoding::utf16le), known);
  EXPECT_EQ(read.dialect, (Dialect{'\t', Encoding::utf16le}));
  EXPECT_EQ(read.records.rows[0].cells, (std::vector<std::string>{"bo@example.org", "B\no"}));
  // An export whose rows end in hundreds of empty cells.
  read = read_file("Email,Coins" + std::string(1000, ',') + "\r\na@b.c,1" + std::string(1000, ',') + "\r\n", known);
  EXPECT_EQ(read.records.problem, "");
  EXPECT_EQ(read.header.size(), 2u);
  EXPECT_EQ(read.records.rows[0].cells.size(), 500u);
}

}  // namespace
}  // namespace fealty::api
