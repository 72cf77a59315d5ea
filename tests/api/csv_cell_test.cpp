#include "api/csv_cell.h"

#include <random>

#include "api/csv_writer.h"
#include "base/text.h"
#include "tests/api/csv_text.h"

namespace fealty::api {
namespace {

struct Cleaned {
  std::string text;
  bool is_clear;
  bool operator==(Cleaned const&) const = default;
  friend std::ostream& operator<<(std::ostream& out, Cleaned const& c) {
    return out << testing::PrintToString(c.text) << (c.is_clear ? " (clear)" : "");
  }
};

Cleaned cleaned(std::string_view raw, bool multi_line = false) {
  std::string scratch;
  Cell const cell = clean(raw, multi_line, scratch);
  return {std::string(cell.text), cell.is_clear};
}

std::string escaped(std::string_view text, bool numeric = false) {
  std::string scratch;
  return std::string(escape_for_export(text, numeric, scratch));
}

TEST(CsvCell, FollowsTheEscapeRule) {
  struct Case {
    std::string raw, text;
    bool is_clear = false;
  };
  Case const cases[] = {
      {"", ""},
      {"plain", "plain"},
      {" \t plain text \t", "plain text"},
      {"'tis", "'tis"},
      {"'", "'"},
      {"''", "'"},
      {"'''", "''"},
      {"''tis", "'tis"},
      {"'=1+1", "=1+1"},
      {"=1+1", "=1+1"},
      {"'+65 1", "+65 1"},
      {"'-5", "-5"},
      {"'@all", "@all"},
      {"'\tx", "\tx"},
      {"'\rx", "\rx"},
      {"'\nx", "\nx"},
      {"  '=x", "=x"},
      {"'＝x", "＝x"},
      {"'＋x", "＋x"},
      {"'－x", "－x"},
      {"'＠x", "＠x"},
      {"'＜x", "'＜x"},
      {"' =x", "' =x"},
      {"<clear>", "<clear>", true},
      {" <clear>\t", "<clear>", true},
      {"<Clear>", "<Clear>"},
      {"<clear>x", "<clear>x"},
      {"'<clear>", "<clear>"},
      {"''<clear>", "'<clear>"},
      {"'<clear>x", "'<clear>x"},
      {"'<Clear>", "'<Clear>"},
      {"Zoe\xCC\x88", "Zo\xC3\xAB"},
      {"'=e\xCC\x81", "=\xC3\xA9"},
      {"\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", "한"},
      {"\xCD\xBE", ";"},
  };
  for (Case const& c : cases) EXPECT_EQ(cleaned(c.raw), (Cleaned{c.text, c.is_clear})) << testing::PrintToString(c.raw);
}

TEST(CsvCell, KeepsBlanksOfMultiLineText) {
  EXPECT_EQ(cleaned(" two \n lines ", true), (Cleaned{" two \n lines ", false}));
  EXPECT_EQ(cleaned("'\tx ", true), (Cleaned{"\tx ", false}));
  EXPECT_EQ(cleaned(" '=x", true), (Cleaned{" '=x", false}));
  EXPECT_EQ(cleaned("<clear>", true), (Cleaned{"<clear>", true}));
  EXPECT_EQ(cleaned(" <clear>", true), (Cleaned{" <clear>", false}));
}

TEST(CsvCell, EscapesWhatASpreadsheetWouldRun) {
  struct Case {
    std::string text, written, written_in_numeric;
  };
  Case const cases[] = {
      {"", "", ""},
      {"plain", "plain", "plain"},
      {"=1+1", "'=1+1", "'=1+1"},
      {"-5", "'-5", "-5"},
      {"+5.25", "'+5.25", "+5.25"},
      {"-.5", "'-.5", "-.5"},
      {"5", "5", "5"},
      {"-", "'-", "'-"},
      {"-5-5", "'-5-5", "'-5-5"},
      {"-1.2.3", "'-1.2.3", "'-1.2.3"},
      {"-1e3", "'-1e3", "'-1e3"},
      {"+65 1234", "'+65 1234", "'+65 1234"},
      {"@all", "'@all", "'@all"},
      {"\tx", "'\tx", "'\tx"},
      {"\rx", "'\rx", "'\rx"},
      {"\nx", "'\nx", "'\nx"},
      {"＝x", "'＝x", "'＝x"},
      {"＋x", "'＋x", "'＋x"},
      {"－x", "'－x", "'－x"},
      {"＠x", "'＠x", "'＠x"},
      {"'tis", "'tis", "'tis"},
      {"'", "'", "'"},
      {"''", "'''", "'''"},
      {"'=x", "''=x", "''=x"},
      {"<clear>", "'<clear>", "'<clear>"},
      {"'<clear>", "''<clear>", "''<clear>"},
      {"<clear>x", "<clear>x", "<clear>x"},
  };
  for (Case const& c : cases) {
    EXPECT_EQ(escaped(c.text), c.written);
    EXPECT_EQ(escaped(c.text, true), c.written_in_numeric);
    EXPECT_EQ(cleaned(c.written, true), (Cleaned{c.text, false}));
    EXPECT_EQ(cleaned(c.written_in_numeric, true), (Cleaned{c.text, false}));
  }
}

TEST(CsvCell, WritesTheCommandAsItIs) {
  std::string scratch;
  EXPECT_EQ(escape_for_export(Cell{"<clear>", true}, false, scratch), "<clear>");
  EXPECT_EQ(escape_for_export(Cell{"<clear>", false}, false, scratch), "'<clear>");
}

// Texts made of what the rules look at.
std::string random_text(std::mt19937& random) {
  static std::vector<std::string> const kPieces = {
      "'",  "=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠",       "<clear>",      "'",        "5",        ".", "\"",
      "\"", ",", ";", " ", "a", "é",  "陈", "😀", "ß",  "Ж",  "한", "\xCC\x81", "\xE1\x86\xAB", "\xD2\x83", "\xCD\x84", "<", "clear>"};
  std::string text;
  for (std::size_t n = random() % 6; n > 0; --n) text += kPieces[random() % kPieces.size()];
  return to_nfc(text);
}

TEST(CsvCell, GivesEveryTextBackAfterAnExport) {
  std::mt19937 random(11);
  for (int i = 0; i < 200'000; ++i) {
    std::string const text = random_text(random);
    bool const numeric = random() % 2 == 0;
    ASSERT_EQ(cleaned(escaped(text, numeric), true), (Cleaned{text, false}));
    std::string const trimmed(trim_blanks(text));
    ASSERT_EQ(cleaned(escaped(trimmed, numeric)), (Cleaned{trimmed, false})) << testing::PrintToString(trimmed);
  }
}

TEST(CsvCell, LeavesNoExportedCellThatASpreadsheetWouldRun) {
  std::mt19937 random(12);
  for (int i = 0; i < 50'000; ++i) {
    std::string const written = escaped(random_text(random));
    for (std::string_view const guarded : {"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"})
      ASSERT_FALSE(written.starts_with(guarded)) << written;
  }
}

TEST(CsvCell, KeepsEveryCellThroughAWrittenFile) {
  std::mt19937 random(13);
  for (int i = 0; i < 2'000; ++i) {
    char const delimiter = ",;\t|"[random() % 4];
    std::vector<std::vector<std::string>> texts(1 + random() % 5);
    std::string out, scratch;
    CsvWriter writer(out, delimiter, CsvWriter::Mark::utf8);
    for (auto& row : texts) {
      row.resize(1 + random() % 4);
      for (std::string& text : row) {
        text = random_text(random);
        writer.cell(escape_for_export(text, false, scratch));
      }
      writer.end_row();
    }
    csv_text::Read const read = csv_text::read_all(out, {delimiter, Encoding::utf8});
    ASSERT_EQ(read.problem, "");
    ASSERT_EQ(read.rows.size(), texts.size());
    for (std::size_t r = 0; r < texts.size(); ++r) {
      ASSERT_EQ(read.rows[r].cells.size(), texts[r].size());
      for (std::size_t k = 0; k < texts[r].size(); ++k) ASSERT_EQ(cleaned(read.rows[r].cells[k], true), (Cleaned{texts[r][k], false}));
    }
  }
}

TEST(CsvCell, CallsNothingPlainlyNfcThatIsNot) {
  auto const encode = [](std::uint32_t point) {
    std::string text;
    if (point < 0x80)
      text = {static_cast<char>(point)};
    else if (point < 0x800)
      text = {static_cast<char>(0xC0 | point >> 6), static_cast<char>(0x80 | (point & 0x3F))};
    else if (point < 0x10000)
      text = {static_cast<char>(0xE0 | point >> 12), static_cast<char>(0x80 | (point >> 6 & 0x3F)),
              static_cast<char>(0x80 | (point & 0x3F))};
    else
      text = {static_cast<char>(0xF0 | point >> 18), static_cast<char>(0x80 | (point >> 12 & 0x3F)),
              static_cast<char>(0x80 | (point >> 6 & 0x3F)), static_cast<char>(0x80 | (point & 0x3F))};
    return text;
  };
  std::vector<std::string> plain;
  for (std::uint32_t point = 1; point < 0x110000; ++point) {
    if (point >= 0xD800 && point < 0xE000) continue;
    std::string const text = encode(point);
    if (!is_plainly_nfc(text)) continue;
    ASSERT_EQ(to_nfc(text), text) << point;
    plain.push_back(text);
  }
  EXPECT_GT(plain.size(), 20'000u);
  std::mt19937 random(14);
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    for (int k = 0; k < 8; ++k) text += plain[random() % plain.size()];
    ASSERT_EQ(to_nfc(text), text);
  }
}

}  // namespace
}  // namespace fealty::api
