#include <set>

#include "base/hash.h"
#include "base/id.h"
#include "base/locale_names.h"
#include "base/number_source.h"
#include "base/random.h"
#include "base/text.h"
#include "base/time.h"

namespace fealty {

TEST(PublicId, IsTwentyFourLowerCaseHexDigitsAndOrderedByTime) {
  PublicId const id{0x665f0000, 1203};
  EXPECT_EQ(id.to_string(), "665f000000000000000004b3");
  EXPECT_EQ(PublicId::parse(id.to_string()), id);
  EXPECT_FALSE(PublicId::parse("665F000000000000000004B3"));
  EXPECT_FALSE(PublicId::parse("665f"));
  EXPECT_LT((PublicId{1, 99}.to_string()), (PublicId{2, 1}.to_string()));
}

TEST(NumberSource, NeverRepeatsAcrossBlocksNodesAndAClockThatStepsBack) {
  TimeMs now = NumberSource::kEpochMs + 1'000;
  NumberSource one(1, [&] { return now; }), two(2, [&] { return now; });
  std::set<std::int64_t> seen;
  std::int64_t last = 0;
  for (int i = 0; i < 100; ++i) {
    if (i == 50) now -= 500;
    std::int64_t const first = one.next_block(1'000);
    for (std::int64_t k = 0; k < 1'000; ++k) {
      std::int64_t const n = NumberSource::at(first, k);
      EXPECT_GT(n, last);
      last = n;
      EXPECT_TRUE(seen.insert(n).second);
    }
    EXPECT_TRUE(seen.insert(two.next()).second);
  }
}

TEST(NumberSource, HasNumbersForTimesBeforeItsOwnAndBehindThem) {
  EXPECT_EQ(NumberSource::first_at(NumberSource::kEpochMs - 1), 0);
  EXPECT_EQ(NumberSource::time_of(NumberSource::first_at(1'775'552'400'123)), 1'775'552'400'123);
  auto const end = NumberSource::time_of(INT64_MAX);
  EXPECT_LT(NumberSource::first_at(end), INT64_MAX);
  EXPECT_EQ(NumberSource::first_at(end + 1), INT64_MAX);
  EXPECT_EQ(NumberSource::first_at(*parse_day("9999-12-31")), INT64_MAX);
}

TEST(Time, RoundTripsIsoTextAndRefusesImpossibleDays) {
  EXPECT_EQ(to_iso(1'775'552'400'123), "2026-04-07T09:00:00.123Z");
  EXPECT_EQ(parse_iso("2026-04-07T09:00:00.123Z"), 1'775'552'400'123);
  EXPECT_EQ(parse_iso("2026-04-07T11:00:00+02:00"), 1'775'552'400'000);
  EXPECT_EQ(parse_iso("2026-04-07T09:00Z"), 1'775'552'400'000);
  for (auto const* bad :
       {"2026-02-29T00:00:00Z", "2026-04-07T09:00:00", "0999-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-04-07T24:00:00Z", "x"})
    EXPECT_FALSE(parse_iso(bad)) << bad;
  EXPECT_TRUE(parse_day("2024-02-29"));
  EXPECT_FALSE(parse_day("2023-02-29"));
  EXPECT_FALSE(parse_day("2024-2-9"));
  EXPECT_EQ(to_day(*parse_day("2024-02-29")), "2024-02-29");
}

TEST(Text, ComparesWithoutCaseAndForm) {
  EXPECT_EQ(fold_case("MIA@Example.ORG"), "mia@example.org");
  EXPECT_EQ(fold_case("A\xCC\x8A"
                      "B"),
            fold_case("\xC3\xA5"
                      "b"));  // A + ring above, å
  EXPECT_EQ(to_nfc("e\xCC\x81"), "\xC3\xA9");
}

TEST(Text, FindsTheFirstByteThatIsNotUtf8) {
  EXPECT_EQ(invalid_utf8_at("caf\xC3\xA9 na\xC3\xAFve long enough to pass the word loop"), std::string_view::npos);
  EXPECT_EQ(invalid_utf8_at("abc\xFF"), 3u);
  EXPECT_EQ(invalid_utf8_at("0123456789\xC3"), 10u);
  EXPECT_EQ(invalid_utf8_at("\xED\xA0\x80"), 0u);      // surrogate
  EXPECT_EQ(invalid_utf8_at("\xC0\x80"), 0u);          // overlong
  EXPECT_EQ(invalid_utf8_at("\xF4\x90\x80\x80"), 0u);  // above U+10FFFF
}

TEST(Text, MeasuresEditDistanceUpToABound) {
  EXPECT_EQ(edit_distance("Coin", "Coins", 2), 1u);
  EXPECT_EQ(edit_distance("Premium_Currency", "Premium Currency", 2), 1u);
  EXPECT_EQ(edit_distance("Email", "Username", 2), 3u);
}

TEST(Text, KnowsControlCharacters) {
  EXPECT_TRUE(has_control_characters("a\nb", false));
  EXPECT_FALSE(has_control_characters("a\nb\tc", true));
  EXPECT_TRUE(has_control_characters("a\rb", true));
  EXPECT_TRUE(has_control_characters("a\xC2\x85", true));
  EXPECT_FALSE(has_control_characters("a\xC2\xA0", false));
}

TEST(LocaleNames, UnderstandCodesAndEnglishNamesWithoutCase) {
  EXPECT_EQ(find_country("sg"), "SG");
  EXPECT_EQ(find_country("DEU"), "DE");
  EXPECT_EQ(find_country("united kingdom"), "GB");
  EXPECT_FALSE(find_country("Atlantis"));
  EXPECT_EQ(find_language("English"), "en");
  EXPECT_EQ(find_language("pt-br"), "pt-BR");
  EXPECT_FALSE(find_language("zz"));
  EXPECT_FALSE(find_language("Klingonish"));
  EXPECT_TRUE(is_time_zone("Europe/Berlin"));
  EXPECT_FALSE(is_time_zone("Mars/Phobos"));
}

TEST(Hash, MatchesTheStandardsExample) {
  auto const digest = sha256("abc");
  EXPECT_EQ(to_hex({reinterpret_cast<unsigned char const*>(digest.data()), digest.size()}),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 hash;
  hash.update("a");
  hash.update("bc");
  EXPECT_EQ(hash.finish(), digest);
  EXPECT_TRUE(equal_constant_time("same", "same"));
  EXPECT_FALSE(equal_constant_time("same", "sama"));
}

TEST(Random, GivesDistinctKeysOfTheAlphabet) {
  auto const a = random_base62(43), b = random_base62(43);
  EXPECT_NE(a, b);
  EXPECT_EQ(a.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"), std::string::npos);
}

}  // namespace fealty
