#include "base/locale_names.h"

#include <unicode/locid.h>
#include <unicode/timezone.h>
#include <unicode/uloc.h>

#include <memory>
#include <unordered_map>

#include "base/text.h"

namespace fealty {
namespace {

using Names = std::unordered_map<std::string, std::string>;

std::string utf8(icu::UnicodeString const& text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

Names countries() {
  Names names;
  for (auto const* code = icu::Locale::getISOCountries(); *code != nullptr; ++code) {
    icu::Locale const locale("", *code);
    icu::UnicodeString name;
    locale.getDisplayCountry(icu::Locale::getEnglish(), name);
    names.emplace(fold_case(*code), *code);
    names.emplace(fold_case(locale.getISO3Country()), *code);
    names.emplace(fold_case(utf8(name)), *code);
  }
  return names;
}

Names languages() {
  Names names;
  for (auto const* code = icu::Locale::getISOLanguages(); *code != nullptr; ++code) {
    icu::UnicodeString name;
    icu::Locale(*code).getDisplayLanguage(icu::Locale::getEnglish(), name);
    names.emplace(fold_case(utf8(name)), *code);
  }
  return names;
}

}  // namespace

std::optional<std::string> find_country(std::string_view text) {
  static Names const names = countries();
  auto const found = names.find(fold_case(text));
  return found == names.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> find_language(std::string_view text) {
  static Names const names = languages();
  if (auto const found = names.find(fold_case(text)); found != names.end()) return found->second;
  if (text.size() < 2 || text.size() > 35) return std::nullopt;
  UErrorCode status = U_ZERO_ERROR;
  auto const locale = icu::Locale::forLanguageTag(icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), status);
  if (U_FAILURE(status) || *locale.getLanguage() == '\0') return std::nullopt;
  // A well-formed tag may still name a language that nobody knows: its display name is then the code itself.
  icu::UnicodeString name;
  locale.getDisplayLanguage(icu::Locale::getEnglish(), name);
  if (utf8(name) == locale.getLanguage()) return std::nullopt;
  auto tag = locale.toLanguageTag<std::string>(status);
  return U_FAILURE(status) ? std::nullopt : std::optional(std::move(tag));
}

std::string language_name(std::string_view code) {
  if (code == "en") return "English";
  UErrorCode status = U_ZERO_ERROR;
  auto const locale = icu::Locale::forLanguageTag(icu::StringPiece(code.data(), static_cast<int32_t>(code.size())), status);
  if (U_FAILURE(status) || *locale.getLanguage() == '\0') return std::string(code);
  icu::UnicodeString name;
  locale.getDisplayName(icu::Locale::getEnglish(), name);
  return utf8(name);
}

bool is_time_zone(std::string_view name) {
  std::unique_ptr<icu::TimeZone> const zone(
      icu::TimeZone::createTimeZone(icu::UnicodeString::fromUTF8(icu::StringPiece(name.data(), static_cast<int32_t>(name.size())))));
  return !name.empty() && *zone != icu::TimeZone::getUnknown();
}

}  // namespace fealty
