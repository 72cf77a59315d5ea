#include "jobs/results_csv.h"

#include <random>

#include "api/csv_cell.h"
#include "api/csv_file.h"
#include "api/csv_writer.h"
#include "jobs/keyed_results.h"
#include "support/database.h"

namespace fealty::jobs {
namespace {

using testing::ElementsAre;

using Cells = std::vector<std::string>;

struct Sheet {
  char delimiter = 0;
  Cells header;
  std::vector<Cells> rows;
};

// As an upload reads it: the delimiter is the one with which most header cells are known.
Sheet read_sheet(std::string_view text, std::set<std::string, std::less<>> const& known) {
  Limits limits;
  limits.bulk_rows_max = 100'000;
  api::MemorySource source(text);
  api::CsvFile csv(source, limits, [&](std::string_view cell) { return known.contains(cell); });
  Sheet sheet{csv.opening().dialect.delimiter, csv.header(), {}};
  api::CsvRecord record;
  while (csv.next(record)) sheet.rows.emplace_back(record.cells.begin(), record.cells.end());
  return sheet;
}

class ResultsFile : public testing::Test {
 protected:
  // A job of these columns: "#…" and an earlier result's are ignored ones.
  static Job job_of(Cells const& header, char delimiter = ',') {
    Job job;
    job.dialect.delimiter = delimiter;
    bool const had_results = header.size() > 3 && std::equal(header.end() - 3, header.end(), std::begin(kResultColumns));
    for (std::size_t c = 0; c < header.size(); ++c)
      job.columns.push_back({header[c], header[c].starts_with('#') || (had_results && c + 3 >= header.size()) ? "-" : "field:1"});
    return job;
  }
  // What the results file of a job with this text below its header is, when every row failed.
  std::string results(Job& job, std::string_view rows, std::vector<ColumnUse> const& uses = {}, ResultCells const& result = kFailed) {
    auto file = files.create();
    file->write(rows);
    file->keep();
    job.file_key = file->key();
    job.first.row = 2;
    ResultsCsv csv(job, uses);
    std::string out;
    csv.begin(out);
    RowReader reader(files, job, limits, job.first);
    for (RowReader::Record record; reader.next(record);)
      if (!record.blank) csv.row(out, record, result);
    return out;
  }
  static constexpr ResultCells kFailed{"failed", "bad", "This is bad."};
  test::TemporaryFolder folder;
  FileStore files{folder.path()};
  Limits limits;
};

TEST_F(ResultsFile, HasTheColumnsOfTheInputAndThreeMore) {
  auto job = job_of({"Email", "#note", "Coins"}, ';');
  EXPECT_EQ(results(job, "ana@example.org; =1+1 ;5\n\n\"b;\"\"o\";two,words;\"6\n7\"\n"),
            "\xEF\xBB\xBF"
            "Email;#note;Coins;status;error_code;error_message\r\n"
            "ana@example.org;'=1+1;5;failed;bad;This is bad.\r\n"
            "\"b;\"\"o\";two,words;\"6\n7\";failed;bad;This is bad.\r\n");
}

TEST_F(ResultsFile, EscapesWhatASpreadsheetWouldRunInMessagesAndNames) {
  auto job = job_of({"Email", "=cmd", "#@x"});
  EXPECT_EQ(results(job, "a,b,c\n", {}, {"failed", "bad", "=1+1 is no number."}),
            "\xEF\xBB\xBF"
            "Email,'=cmd,#@x,status,error_code,error_message\r\n"
            "a,b,c,failed,bad,'=1+1 is no number.\r\n");
}

TEST_F(ResultsFile, OfAResultsFileHasTheNewResultAlone) {
  auto job = job_of({"Email", "Coins", "status", "error_code", "error_message"});
  EXPECT_EQ(results(job, "a,1,failed,old,Old.\nb,2,,,\n"),
            "\xEF\xBB\xBF"
            "Email,Coins,status,error_code,error_message\r\n"
            "a,1,failed,bad,This is bad.\r\n"
            "b,2,failed,bad,This is bad.\r\n");
  // Fields of a community may have such names.
  auto named = job_of({"status", "error_code", "error_message"});
  EXPECT_EQ(results(named, "a,b,c\n"),
            "\xEF\xBB\xBF"
            "status,error_code,error_message,status,error_code,error_message\r\n"
            "a,b,c,failed,bad,This is bad.\r\n");
}

TEST_F(ResultsFile, LosesNothingOfARowOfAnotherWidth) {
  auto job = job_of({"Email", "Coins"});
  auto const first = results(job, "a\nb,1,=x,,y\n,,,z\nc,2,,\n");
  EXPECT_EQ(first,
            "\xEF\xBB\xBF"
            "Email,Coins,status,error_code,error_message\r\n"
            "a,,failed,bad,This is bad.\r\n"
            "b,1,failed,bad,This is bad.,'=x,,y\r\n"
            ",,failed,bad,This is bad.,,z\r\n"
            "c,2,failed,bad,This is bad.\r\n")
      << "a row that is too long stays so, with the rest behind its message";
  auto again = job_of({"Email", "Coins", "status", "error_code", "error_message"});
  EXPECT_EQ(results(again, std::string_view(first).substr(first.find('\n') + 1)), first) << "and so it does when it comes back";
  EXPECT_EQ(results(again, "a,1,2,failed,bad,Old.\nb,1,x\nc,3,failed\n"),
            "\xEF\xBB\xBF"
            "Email,Coins,status,error_code,error_message\r\n"
            "a,1,failed,bad,This is bad.,2,failed,bad,Old.\r\n"
            "b,1,failed,bad,This is bad.,x\r\n"
            "c,3,failed,bad,This is bad.\r\n");
}

TEST_F(ResultsFile, NamesADelimiterThatIsNotFoundOtherwise) {
  struct Case {
    char delimiter;
    Cells header;
    std::string_view line;
  };
  Case const cases[] = {{',', {"Email", "Coins"}, ""},
                        {'\t', {"Email", "Coins"}, ""},
                        {'|', {"Email", "Coins"}, "sep=|\r\n"},
                        {'=', {"Email", "Coins"}, "sep==\r\n"},
                        {'\'', {"Email", "Coins"}, "sep='\r\n"},
                        // Read with commas, three known names stand there.
                        {';', {"Email", "#,Coins,Phone,Tag"}, "sep=;\r\n"},
                        {',', {"#;Coins;Phone;Tag;x", "Coins", "#Phone"}, "sep=,\r\n"}};
  for (auto const& c : cases) {
    auto job = job_of(c.header, c.delimiter);
    std::string row = "a";
    for (std::size_t i = 1; i < c.header.size(); ++i) (row += c.delimiter) += "b";
    auto const text = results(job, row + "\n");
    EXPECT_EQ(text.substr(3, c.line.size()), c.line) << c.delimiter;
    auto const sheet = read_sheet(text, {"Email", "Coins", "Phone", "Tag"});
    EXPECT_EQ(sheet.delimiter, c.delimiter);
    Cells header = c.header;
    header.insert(header.end(), std::begin(kResultColumns), std::end(kResultColumns));
    EXPECT_EQ(sheet.header, header);
  }
}

TEST_F(ResultsFile, OfKeyedRowsHasTheirLayout) {
  std::string out;
  begin_keyed_results(out, ';');
  keyed_result(out, ';', 7, "@ana", {"failed", "value_changed", "Coins is now 5, not 6."});
  keyed_result(out, ';', 8, "bo@example.org", {"updated", "", ""});
  EXPECT_EQ(out,
            "\xEF\xBB\xBF"
            "row;key;status;error_code;error_message\r\n"
            "7;'@ana;failed;value_changed;Coins is now 5, not 6.\r\n"
            "8;bo@example.org;updated;;\r\n");
}

TEST_F(ResultsFile, OfPagesGoesOnBehindTheLastRow) {
  std::vector<std::optional<std::int64_t>> asked;
  KeyedResultsBody body(',', [&](std::optional<std::int64_t> after) -> std::vector<RowDetail> {
    asked.push_back(after);
    if (!after)
      return {{9, 0, "ana", {}, {}, "updated", {}, {}}, {7, 0, "=bo", {}, {}, "failed", {{"a", "x", "X."}, {"b", "y", "Y."}}, {}}};
    if (*after == 7) return {{2, 0, "cai", {}, {}, "unchanged", {}, {}}};
    return {};
  });
  std::string out;
  while (body.next(out).then != api::BodyStream::Then::end) {}
  EXPECT_EQ(out,
            "\xEF\xBB\xBF"
            "row,key,status,error_code,error_message\r\n"
            "9,ana,updated,,\r\n"
            "7,'=bo,failed,x | y,X. | Y.\r\n"
            "2,cai,unchanged,,\r\n");
  EXPECT_THAT(asked, ElementsAre(std::nullopt, 7, 2));
}

struct Meaning {
  std::string text;
  bool is_clear;
  bool operator==(Meaning const&) const = default;
  friend std::ostream& operator<<(std::ostream& out, Meaning const& m) { return out << testing::PrintToString(m.text) << m.is_clear; }
};
Meaning meaning(std::string_view raw, ColumnUse use) {
  std::string scratch;
  auto const cell = api::clean(raw, use.multi_line, scratch);
  return {std::string(cell.text), cell.is_clear};
}

bool is_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

// Written with no help of the code under test: what spreadsheet programs take for the beginning of a formula.
bool begins_like_a_formula(std::string_view text) {
  for (std::string_view const sign : {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"})
    if (text.starts_with(sign)) return true;
  return false;
}

// Any file goes around as often as one likes: each cell means what it meant, and none of them is a formula.
TEST_F(ResultsFile, KeepsTheMeaningOfEveryCell) {
  std::uint32_t const seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 dice(seed);
  auto const pick = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(dice); };
  std::string_view const kPieces[] = {"'",         "''", "=",         "+",  "-",        "@",      "\t",    "\r",      "\n",
                                      "\r\n",      " ",  "  ",        "＝", "＋",       "－",     "＠",    "<clear>", "'<clear>",
                                      "''<clear>", "\"", "\"\"",      ",",  ";",        "|",      "5",     ".",       "x",
                                      "1e3",       "é",  "e\xCC\x81", "한", "\xCC\xB8", "failed", "sep=;", "#",       "<Clear>"};
  std::set<std::string, std::less<>> const known{"Email", "Coins", "Story", "Phone"};
  int guarded = 0, clears = 0, odd_rows = 0;
  for (int round = 0; round < 60; ++round) {
    char const delimiter = ",;\t|"[pick(4)];
    Cells const header{"Email", "Coins", "Story", "#note", "Phone"};
    std::vector<ColumnUse> const uses{{}, {.numeric = true}, {.multi_line = true}, {}, {}};
    std::string text;
    std::vector<Cells> rows;
    api::CsvWriter csv(text, delimiter);
    for (int r = 0; r < 40; ++r) {
      Cells row;
      std::size_t const width = pick(8) == 0 ? 1 + pick(9) : header.size();
      for (std::size_t c = 0; c < width; ++c) {
        std::string cell;
        for (std::size_t n = pick(5); n > 0; --n) cell += kPieces[pick(std::size(kPieces))];
        row.push_back(std::move(cell));
      }
      if (std::all_of(row.begin(), row.end(), [](auto const& cell) { return cell.find_first_not_of(" \t") == std::string::npos; }))
        continue;
      while (row.size() > header.size() && row.back().find_first_not_of(" \t") == std::string::npos) row.pop_back();
      for (auto const& cell : row) csv.cell(cell);
      csv.end_row();
      rows.push_back(std::move(row));
    }
    auto job = job_of(header, delimiter);
    std::string const first = results(job, text, uses);
    auto const sheet = read_sheet(first, known);
    ASSERT_EQ(sheet.delimiter, delimiter);
    ASSERT_EQ(sheet.header, (Cells{"Email", "Coins", "Story", "#note", "Phone", "status", "error_code", "error_message"}));
    ASSERT_EQ(sheet.rows.size(), rows.size());
    for (std::size_t r = 0; r < rows.size(); ++r) {
      Cells const& in = rows[r];
      Cells const& out = sheet.rows[r];
      odd_rows += in.size() != header.size();
      ASSERT_EQ(out.size(), std::max(in.size(), header.size()) + 3);
      for (std::size_t c = 0; c < out.size(); ++c) {
        ColumnUse const use = c < uses.size() ? uses[c] : ColumnUse{};
        bool const numeric = use.numeric && is_number(out[c]);
        EXPECT_FALSE(begins_like_a_formula(out[c]) && !numeric) << testing::PrintToString(out[c]);
        if (c >= header.size() && c < header.size() + 3) continue;
        std::size_t const from = c < header.size() ? c : c - 3;
        auto const meant = meaning(from < in.size() ? in[from] : "", use);
        EXPECT_EQ(meaning(out[c], use), meant) << testing::PrintToString(in[from]);
        guarded += begins_like_a_formula(meant.text);
        clears += meant.is_clear;
      }
      EXPECT_THAT(Cells(out.begin() + 5, out.begin() + 8), ElementsAre("failed", "bad", "This is bad."));
    }
    // Rows of an odd width whose cells look like an earlier result may lose them: those were ours.
    auto again = job_of(sheet.header, delimiter);
    std::size_t const header_end = first.find("error_message\r\n") + 15;
    EXPECT_EQ(results(again, std::string_view(first).substr(header_end), uses), first);
  }
  EXPECT_GT(guarded, 100);
  EXPECT_GT(clears, 10);
  EXPECT_GT(odd_rows, 50);
}

}  // namespace
}  // namespace fealty::jobs
