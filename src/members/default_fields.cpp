#include "members/default_fields.h"

#include "base/text.h"

namespace fealty::members {
namespace {

constexpr DefaultField kFields[] = {
    {"first_name", "First Name", "single-line-text", kFirstName},
    {"last_name", "Last Name", "single-line-text", kLastName},
    {"username", "Username", "single-line-text", {}},
    {"email", "Email", "single-line-text", {}},
    {"phone", "Phone", "single-line-text", kPhone},
    {"country", "Country", "single-line-text", kCountry},
    {"language", "Language", "single-line-text", kLanguage},
    {"role", "Role", "single-line-text", kRole},
    {"tag", "Tag", "single-line-text", kTag},
    {"xp", "XP", "numerical", {}},
    {"coins", "Coins", "numerical", {}},
    {"premium_currency", "Premium Currency", "numerical", {}},
    {"join_date", "Join Date", "date", {}},
    {"last_online", "Last Online", "date", {}},
    {"referred_by", "Referred By", "single-line-text", {}},
    {"display_name", "Display Name", "single-line-text", kDisplayName},
};
static_assert(std::size(kFields) < kCustomFieldsFrom);

template <class Fits>
std::optional<std::size_t> find(Fits const& fits) {
  for (std::size_t i = 0; i < std::size(kFields); ++i)
    if (fits(kFields[i], i)) return i;
  return std::nullopt;
}

}  // namespace

std::span<DefaultField const> default_fields() { return kFields; }
std::size_t listed_default_fields() { return std::size(kFields) - 1; }

PublicId default_field_id(PublicId community, std::size_t index) { return {community.seconds, static_cast<std::int64_t>(index) + 1}; }

std::optional<std::size_t> find_default_field(PublicId community, PublicId id) {
  return find([&](DefaultField const&, std::size_t i) { return id == default_field_id(community, i); });
}

std::optional<std::size_t> find_default_field(FieldNo number) {
  return find([&](DefaultField const& f, std::size_t) { return number && f.number == number; });
}

std::optional<std::size_t> find_default_field(PublicId community, std::string_view text) {
  auto const id = PublicId::parse(text);
  auto const folded = fold_case(text);
  return find([&](DefaultField const& f, std::size_t i) {
    return (id && *id == default_field_id(community, i)) || f.key == folded || fold_case(f.name) == folded;
  });
}

}  // namespace fealty::members
