#include "api/encoding.h"

#include <random>

#include "base/text.h"
#include "tests/api/csv_text.h"

namespace fealty::api {
namespace {

using csv_text::to_utf16;
using Then = TextCheck::Then;

std::string read_in_pieces(ByteSource& source, std::size_t piece) {
  std::string out, into(piece, '\0');
  while (std::size_t const n = source.read(into)) out.append(into.data(), n);
  return out;
}

TEST(Encoding, KnowsTheMarks) {
  struct Case {
    std::string first;
    Encoding encoding;
    int bytes;
  };
  Case const cases[] = {
      {"\xEF\xBB\xBF"
       "a",
       Encoding::utf8, 3},
      {"\xFF\xFE"
       "a",
       Encoding::utf16le, 2},
      {"\xFE\xFF", Encoding::utf16be, 2},
      {"\xEF\xBB", Encoding::utf8, 0},
      {"a", Encoding::utf8, 0},
      {"", Encoding::utf8, 0},
  };
  for (Case const& c : cases) {
    EXPECT_EQ(byte_order_mark(c.first).encoding, c.encoding);
    EXPECT_EQ(byte_order_mark(c.first).bytes, c.bytes);
  }
}

TEST(Encoding, FindsTheFirstByteThatIsNotText) {
  struct Case {
    std::string text;
    std::size_t length;
    Then then;
  };
  Case const cases[] = {
      {"", 0, Then::end},
      {"abc", 3, Then::end},
      {"é陈😀", 9, Then::end},
      {"\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 25, Then::end},
      {"ab\x80", 2, Then::invalid},
      {"ab\xC1\xBF", 2, Then::invalid},
      {"\xE0\x9F\xBF", 0, Then::invalid},
      {"\xED\xA0\x80", 0, Then::invalid},
      {"\xF0\x8F\xBF\xBF", 0, Then::invalid},
      {"\xF4\x90\x80\x80", 0, Then::invalid},
      {"\xF5\x80\x80\x80", 0, Then::invalid},
      {"a\xC3(", 1, Then::invalid},
      {"a\xE2\x82(", 1, Then::invalid},
      {"a\xF0\x9F\x98(", 1, Then::invalid},
      {"a\xC3", 1, Then::incomplete},
      {"a\xE2\x82", 1, Then::incomplete},
      {"a\xF0\x9F\x98", 1, Then::incomplete},
      {"a\xE0\x80", 1, Then::invalid},
      {std::string("ab\0c", 4), 2, Then::nul},
  };
  for (Case const& c : cases)
    // The same with plain blocks before, at every place in a block.
    for (std::size_t before = 0; before < 140; ++before) {
      std::string const text = std::string(before, 'x') + c.text;
      TextCheck const check = check_text(text);
      ASSERT_EQ(check.length, before + c.length) << testing::PrintToString(text);
      ASSERT_EQ(check.then, c.then) << testing::PrintToString(text);
    }
}

TEST(Encoding, AgreesWithTheSlowCheckOnRandomBytes) {
  std::mt19937 random(3);
  char const bytes[] = {'a', 'b', '\x80', '\xBF', '\xC3', '\xE2', '\x82', '\xED', '\xA0', '\xF0', '\x9F', '\xF4', '\xFF'};
  for (int i = 0; i < 100'000; ++i) {
    std::string text(random() % 80, 'x');
    for (int k = 0; k < 6; ++k) text += bytes[random() % sizeof bytes];
    TextCheck const check = check_text(text);
    std::size_t const expected = invalid_utf8_at(text);
    if (check.then == Then::end)
      ASSERT_EQ(expected, std::string::npos);
    else
      ASSERT_EQ(expected, check.length);
  }
}

TEST(Encoding, CountsTheBytesOfTheFile) {
  std::string const text = "aé陈😀\r\n";
  EXPECT_EQ(encoded_bytes(text, Encoding::utf8), static_cast<std::int64_t>(text.size()));
  EXPECT_EQ(encoded_bytes(text, Encoding::utf16le), static_cast<std::int64_t>(to_utf16(text, Encoding::utf16le, false).size()));
}

TEST(Encoding, ConvertsUtf16InAnyPieces) {
  std::string const text = "aé陈😀,\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\xEF\xBB\xBFz";
  for (Encoding const encoding : {Encoding::utf16le, Encoding::utf16be})
    for (bool const mark : {false, true}) {
      std::string const bytes = to_utf16(text, encoding, mark);
      for (std::size_t in = 1; in <= bytes.size(); ++in)
        for (std::size_t out = 1; out <= text.size(); ++out) {
          MemorySource memory(bytes, in);
          Utf8Source utf8(memory, encoding);
          ASSERT_EQ(read_in_pieces(utf8, out), text);
        }
    }
}

TEST(Encoding, DropsTheMarkOfUtf8AndNothingElse) {
  for (std::string const& text : {std::string(), std::string("a"), std::string("\xEF\xBB"),
                                  std::string("\xEF\xBB"
                                              "a"),
                                  std::string("long text"),
                                  std::string("\xEF\xBB\xBF"
                                              "a"),
                                  std::string("\xEF\xBB\xBF")})
    for (std::size_t piece = 1; piece <= 4; ++piece)
      for (std::size_t out = 1; out <= 4; ++out) {
        MemorySource plain(text, piece);
        Utf8Source start(plain, Encoding::utf8);
        ASSERT_EQ(read_in_pieces(start, out), text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text);
        MemorySource again(text, piece);
        Utf8Source inside(again, Encoding::utf8, false, 100);
        ASSERT_EQ(read_in_pieces(inside, out), text);
      }
}

TEST(Encoding, GivesTheTextBeforeHalfAPairAndThenRefuses) {
  std::string const halves[] = {std::string("\x00\xD8x\0", 4), std::string("\x00\xDC", 2), std::string("\x00\xD8", 2),
                                std::string("\x00\xD8\x00\xD8", 4), std::string("x")};
  for (std::string const& half : halves)
    for (std::size_t piece = 1; piece <= 8; ++piece) {
      std::string const bytes = to_utf16("ab😀", Encoding::utf16le, false) + half;
      MemorySource memory(bytes, piece);
      Utf8Source utf8(memory, Encoding::utf16le, false, 1000);
      std::string text;
      char c;
      try {
        while (utf8.read({&c, 1}) > 0) text += c;
        ADD_FAILURE() << "was taken";
      } catch (FileProblem const& problem) {
        EXPECT_EQ(problem.code, "invalid_encoding");
        EXPECT_EQ(problem.byte, 1009);
      }
      EXPECT_EQ(text, "ab😀");
    }
}

TEST(Encoding, ConvertsWhatIsLargerThanItsBuffer) {
  std::mt19937 random(5);
  char const* const pieces[] = {"a", "é", "陈", "😀", "\n"};
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += pieces[random() % 5];
  std::string const bytes = to_utf16(text, Encoding::utf16be);
  for (std::size_t in : {std::size_t{4097}, csv_text::kWhole}) {
    MemorySource memory(bytes, in);
    Utf8Source utf8(memory, Encoding::utf16be);
    EXPECT_TRUE(read_in_pieces(utf8, 5000) == text);
  }
}

TEST(Encoding, MeasuresWhatPasses) {
  std::string const text = "some text";
  std::string stored;
  MemorySource memory(text, 4);
  MeasuredSource measured(memory, 9, [&](std::string_view piece) { stored += piece; });
  EXPECT_EQ(read_in_pieces(measured, 100), text);
  EXPECT_EQ(stored, text);
  EXPECT_EQ(measured.bytes(), 9);
  EXPECT_EQ(measured.sha256(), sha256(text));
}

TEST(Encoding, RefusesTheFirstByteBeyondTheLimit) {
  for (std::size_t piece = 1; piece <= 10; ++piece) {
    MemorySource memory("some text", piece);
    std::string stored;
    MeasuredSource measured(memory, 8, [&](std::string_view text) { stored += text; });
    try {
      read_in_pieces(measured, 100);
      ADD_FAILURE() << "was taken";
    } catch (FileProblem const& problem) {
      EXPECT_EQ(problem.code, "file_too_large");
      EXPECT_EQ(problem.status(), 413);
      EXPECT_EQ(problem.limit, 8);
    }
    EXPECT_EQ(stored, "some tex");
  }
}

TEST(Encoding, ReadsARequestsBodyOnceToItsEnd) {
  struct Body final : BodySource {
    int calls = 0;
    std::size_t read(std::span<char> into) override {
      if (++calls > 2) throw BodyAborted(BodyAborted::Why::malformed, "read after the end");
      if (calls == 2) return 0;
      into[0] = 'x';
      return 1;
    }
    std::optional<std::int64_t> declared_length() const override { return 1; }
  } body;
  RequestBody source(body);
  EXPECT_EQ(read_in_pieces(source, 10), "x");
  EXPECT_EQ(read_in_pieces(source, 10), "");
}

}  // namespace
}  // namespace fealty::api
