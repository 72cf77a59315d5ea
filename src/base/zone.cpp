#include "base/zone.h"

#include <unicode/basictz.h>
#include <unicode/timezone.h>

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

namespace fealty {
namespace {

// Zones are made once: each reads its rules. They are few, and never changed after they were made.
icu::BasicTimeZone const& zone_named(std::string_view name) {
  static std::shared_mutex mutex;
  static std::map<std::string, std::unique_ptr<icu::BasicTimeZone>, std::less<>> zones;
  {
    std::shared_lock lock(mutex);
    if (auto const found = zones.find(name); found != zones.end()) return *found->second;
  }
  std::unique_ptr<icu::TimeZone> made(
      icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(icu::StringPiece(name.data(), static_cast<int32_t>(name.size())))));
  // All zones that this function makes are BasicTimeZones, as ICU documents it.
  std::unique_ptr<icu::BasicTimeZone> zone;
  if (dynamic_cast<icu::BasicTimeZone*>(made.get()) != nullptr) {
    zone.reset(dynamic_cast<icu::BasicTimeZone*>(made.release()));
  } else {
    zone.reset(dynamic_cast<icu::BasicTimeZone*>(icu::TimeZone::createTimeZone("UTC")));
  }
  std::lock_guard lock(mutex);
  return *zones.emplace(std::string(name), std::move(zone)).first->second;
}

std::int64_t floor_day(std::int64_t local_ms) { return (local_ms >= 0 ? local_ms : local_ms - (kDayMs - 1)) / kDayMs; }

}  // namespace

std::int64_t day_at(std::string_view zone, TimeMs time) {
  std::int32_t raw = 0, daylight = 0;
  UErrorCode status = U_ZERO_ERROR;
  zone_named(zone).getOffset(static_cast<UDate>(time), 0, raw, daylight, status);
  return floor_day(time + raw + daylight);
}

TimeMs day_start(std::string_view zone, std::int64_t day) {
  std::int32_t raw = 0, daylight = 0;
  UErrorCode status = U_ZERO_ERROR;
  // The offset before a change: in a gap it leads to the moment of the change, in an overlap to the first of the two.
  zone_named(zone).getOffsetFromLocal(static_cast<UDate>(day * kDayMs), UCAL_TZ_LOCAL_FORMER, UCAL_TZ_LOCAL_FORMER, raw, daylight, status);
  return day * kDayMs - raw - daylight;
}

}  // namespace fealty
