// Countries and languages as people write them. Data: ICU (ISO 3166-1, CLDR's English names, BCP 47).
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace fealty {

// Two-letter code ("SG") for a two- or three-letter ISO 3166-1 code or an English country name, all without case.
std::optional<std::string> find_country(std::string_view text);
// BCP 47 code ("en", "pt-BR") for an English language name or a code, both without case.
std::optional<std::string> find_language(std::string_view text);
// "English" for "en", "Portuguese (Brazil)" for "pt-BR"; a code that nobody knows comes back as it is.
std::string language_name(std::string_view code);
// IANA time zone as ICU knows it ("Europe/Berlin"); false for anything else.
bool is_time_zone(std::string_view name);

}  // namespace fealty
