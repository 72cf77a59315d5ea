#include "api/csv_writer.h"

namespace fealty::api {
namespace {

std::string written(std::vector<std::string_view> const& cells, char delimiter = ',') {
  std::string out;
  CsvWriter(out, delimiter).row(cells);
  return out;
}

TEST(CsvWriter, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(written({"a", "b c", "", "'=x", "é"}), "a,b c,,'=x,é\r\n");
  EXPECT_EQ(written({"a,b", "c;d"}), "\"a,b\",c;d\r\n");
  EXPECT_EQ(written({"a,b", "c;d"}, ';'), "a,b;\"c;d\"\r\n");
  EXPECT_EQ(written({"a\tb", "c"}, '\t'), "\"a\tb\"\tc\r\n");
  EXPECT_EQ(written({"say \"x\"", "\""}), "\"say \"\"x\"\"\",\"\"\"\"\r\n");
  EXPECT_EQ(written({"a\nb", "a\rb", "a\r\nb"}), "\"a\nb\",\"a\rb\",\"a\r\nb\"\r\n");
}

TEST(CsvWriter, NeverWritesAnEmptyLine) {
  EXPECT_EQ(written({""}), "\"\"\r\n");
  EXPECT_EQ(written({"", ""}), ",\r\n");
}

TEST(CsvWriter, PutsTheMarkInFrontOnce) {
  std::string out;
  CsvWriter writer(out, ',', CsvWriter::Mark::utf8);
  writer.row({"a", "b"});
  writer.row({"c"});
  EXPECT_EQ(out,
            "\xEF\xBB\xBF"
            "a,b\r\nc\r\n");
}

TEST(CsvWriter, GoesOnAfterTheTextWasTaken) {
  std::string out;
  CsvWriter writer(out);
  writer.cell("a");
  std::string sent = std::exchange(out, {});
  writer.cell("b");
  writer.end_row();
  EXPECT_EQ(sent + out, "a,b\r\n");
}

}  // namespace
}  // namespace fealty::api
