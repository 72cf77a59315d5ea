// The filter of users: columns, conditions, cursors. Rules without SQL; users_filter_store.h turns conditions into statements.
#pragma once
#include <functional>
#include <limits>

#include "members/fields.h"
#include "members/users_api.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kUnknownColumn{"unknown_column", 400};
inline constexpr ErrorDef kUnknownOperator{"unknown_operator", 400};
inline constexpr ErrorDef kInvalidCursor{"invalid_cursor", 400};
inline constexpr ErrorDef kPageTooDeep{"page_too_deep", 400};
}  // namespace errors

inline constexpr std::int64_t kFilterPageSize = 200, kFilterPageMax = 5'000;
inline constexpr std::size_t kFilterConditionsMax = 20;
inline constexpr std::size_t kFilterListMax = 100;  // values of one `in` or `not`
inline constexpr std::size_t kFilterPartMax = 255;  // characters that `contains` looks for

enum class Column : std::uint8_t {
  email,
  first_name,
  last_name,
  join_date,
  xp,
  coins,
  username,
  phone,
  country,
  language,
  role,
  tag,
  premium_currency,
  last_online,
  referred_by,
  id,
  user_id,
  display_name,
  status,
  custom,
};

struct AskedColumn {
  std::string shown;  // as it was asked for
  Column column = Column::custom;
  CustomField const* field = nullptr;
};

// One condition, in the terms of storage. Empty ends of ranges are the ends of the type.
struct Condition {
  enum class Kind : std::uint8_t {
    never,   // nobody fits
    always,  // everybody fits
    empty,   // nothing is stored
    text,    // text is stored exactly
    range,   // low ≤ stored number or time ≤ high; member numbers too
    days,    // custom dates: a day or an instant inside the texts
    has,     // role or tag of this number
    part,    // the text is somewhere in what is stored, without case
    any,     // one of `any` fits; all of them are about the same column
  };
  Kind kind = Kind::never;
  Column column = Column::custom;
  FieldNo field;  // custom
  std::string text;
  std::int64_t low = std::numeric_limits<std::int64_t>::min(), high = std::numeric_limits<std::int64_t>::max();
  std::string day_low = {}, day_high = {}, time_low = {}, time_high = {};
  bool fits_default = false;  // custom: who has no value of his own fits by the field's default value
  // What has to be looked up first: accounts by e-mail or username, identifiers.
  bool by_account = false, by_identifier = false;
  // Everybody else fits. Who hides his name or e-mail fits whatever they are, so that nobody is found by leaving others out.
  bool negated = false;
  std::vector<Condition> any = {};
};

// What conditions are read against. Most filters name default columns alone, and need none of it.
struct FilterFacts {
  std::function<Catalogue const&()> catalogue;
  std::function<std::string_view()> time_zone;
};

// Facts of what was read already; both outlive them.
inline FilterFacts facts_of(Catalogue const& catalogue, std::string_view time_zone) {
  return {[known = &catalogue]() -> Catalogue const& { return *known; }, [time_zone] { return time_zone; }};
}
// The column that a name means: one of the default ones, or a custom field's by its key without case.
std::optional<AskedColumn> find_column(std::string_view name, FilterFacts const& facts);
// The name that find_column() finds this column by, whatever the community has.
std::string column_name(Column column);
std::string column_name(CustomField const& field);
// Columns by their names; unknown ones are noted, as items of the list at `place`.
std::vector<AskedColumn> read_columns(std::vector<std::string> const& names, FilterFacts const& facts, std::vector<Issue>& issues,
                                      std::string_view place = "/fields");
// Conditions of a filter's JSON text; all problems are noted.
std::vector<Condition> read_conditions(std::string_view json, FilterFacts const& facts, std::vector<Issue>& issues);

}  // namespace fealty::members
