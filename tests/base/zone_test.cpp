#include "base/zone.h"

#include <gtest/gtest.h>

#include "base/locale_names.h"

namespace fealty {
namespace {

std::string start(std::string const& zone, std::string const& day) { return to_iso(day_start(zone, *parse_day(day) / kDayMs)); }
std::string day(std::string const& zone, std::string const& time) { return day_text(day_at(zone, *parse_iso(time))); }

TEST(Zone, DaysBeginAtTheZonesMidnight) {
  EXPECT_EQ(start("UTC", "2026-04-07"), "2026-04-07T00:00:00.000Z");
  EXPECT_EQ(start("Asia/Singapore", "2026-04-07"), "2026-04-06T16:00:00.000Z");
  EXPECT_EQ(start("America/New_York", "2026-01-07"), "2026-01-07T05:00:00.000Z");
  EXPECT_EQ(start("America/New_York", "2026-07-07"), "2026-07-07T04:00:00.000Z");
  EXPECT_EQ(day("Asia/Singapore", "2026-04-06T15:59:59.999Z"), "2026-04-06");
  EXPECT_EQ(day("Asia/Singapore", "2026-04-06T16:00:00Z"), "2026-04-07");
  EXPECT_EQ(day("America/New_York", "1969-12-31T20:00:00Z"), "1969-12-31");
  EXPECT_EQ(day("Nowhere/Land", "2026-04-06T15:59:59Z"), "2026-04-06") << "an unknown zone is UTC";
}

TEST(Zone, EveryDayBeginsWithItsFirstInstantWhateverClocksDo) {
  // New York changes at 2 o'clock; São Paulo and Beirut did at midnight, forwards and backwards; Apia left out a whole day.
  for (std::string const zone : {"America/New_York", "Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "Africa/Cairo"})
    for (std::string const from : {"2011-01-01", "2018-01-01", "2026-01-01"})
      for (std::int64_t d = *parse_day(from) / kDayMs, end = d + 366; d < end; ++d) {
        auto const began = day_start(zone, d);
        ASSERT_LT(began, day_start(zone, d + 1) + 1) << zone << " " << day_text(d);
        if (began == day_start(zone, d + 1)) continue;  // a day that this zone never had
        ASSERT_EQ(day_text(day_at(zone, began)), day_text(d)) << zone;
        ASSERT_LT(day_at(zone, began - 1), d) << zone << " " << day_text(d);
      }
}

TEST(Zone, LanguagesHaveEnglishNames) {
  EXPECT_EQ(language_name("en"), "English");
  EXPECT_EQ(language_name("pt-BR"), "Portuguese (Brazil)");
  EXPECT_EQ(language_name("de"), "German");
  EXPECT_EQ(language_name("not a tag"), "not a tag");
  EXPECT_EQ(language_name(*find_language("French")), "French");
}

}  // namespace
}  // namespace fealty
