#include "api/json_tree.h"
#include "api/typed.h"
#include "base/hash.h"
#include "base/locale_names.h"
#include "base/text.h"
#include "base/zone.h"
#include "members/member_reference.h"
#include "members/users_filter.h"

namespace fealty::members {
namespace {

using api::JsonKind;
using api::JsonValue;
using Kind = Condition::Kind;

constexpr std::string_view kColumnNames[] = {
    "email", "first_name", "last_name",        "join_date",   "xp",          "coins", "username", "phone",        "country", "language",
    "role",  "tag",        "premium_currency", "last_online", "referred_by", "_id",   "user_id",  "display_name", "status"};
static_assert(std::size(kColumnNames) == static_cast<std::size_t>(Column::custom));
constexpr std::string_view kFieldPrefix = "field:";
constexpr int kTypingErrorsMax = 2;

void refuse_column(std::vector<Issue>& issues, std::string place, std::string const& name, Catalogue const& catalogue) {
  Issue issue{std::move(place), "unknown_column", "There is no column \"" + name.substr(0, 100) + "\"."};
  for (auto const known : kColumnNames)
    if (edit_distance(name, known, kTypingErrorsMax) <= kTypingErrorsMax) issue.suggestions.emplace_back(known);
  for (auto const& field : catalogue.fields)
    if (edit_distance(name, field.key, kTypingErrorsMax) <= kTypingErrorsMax) issue.suggestions.push_back(field.key);
  api::add_issue(issues, std::move(issue));
}

// Reads the conditions of one filter.
class Reader {
 public:
  Reader(FilterFacts const& facts, std::vector<Issue>& issues) : facts_(facts), issues_(issues) {}

  std::optional<Condition> read(AskedColumn const& asked, JsonValue value, std::string const& place) {
    begin(asked, place);
    return value.kind() == JsonKind::object ? read_operators(asked, value) : read_one(asked, value);
  }

 private:
  void begin(AskedColumn const& asked, std::string place) {
    place_ = std::move(place);
    name_ = asked.shown;
    condition_ = {};
    condition_.column = asked.column;
    if (asked.field) condition_.field = asked.field->number;
  }
  std::optional<Condition> read_one(AskedColumn const& asked, JsonValue value) {
    if (value.kind() == JsonKind::array) return refuse("bad_value", "takes one value, not a list; write {\"in\": […]}");
    if (value.kind() == JsonKind::object) return refuse("bad_value", "takes a value here, not an operator");
    if (value.is_null()) return read_empty(asked);
    return asked.column == Column::custom ? read_custom(*asked.field, value) : read_default(asked.column, value);
  }
  std::optional<Condition> refuse(std::string code, std::string const& rest, std::string const& part = "") {
    api::add_issue(issues_, {place_ + part, std::move(code), name_ + " " + rest + "."});
    return std::nullopt;
  }
  std::optional<Condition> done(Kind kind) {
    condition_.kind = kind;
    return std::move(condition_);
  }

  static bool is_number(AskedColumn const& asked) {
    if (asked.field) return kind_of(asked.field->type) == ValueKind::decimal;
    return asked.column == Column::xp || asked.column == Column::coins || asked.column == Column::premium_currency;
  }
  static bool is_date(AskedColumn const& asked) {
    if (asked.field) return kind_of(asked.field->type) == ValueKind::date;
    return asked.column == Column::join_date || asked.column == Column::last_online;
  }

  // A text, or the digits of a number.
  std::optional<std::string> scalar(JsonValue value, std::string const& part = "") {
    if (value.kind() == JsonKind::boolean) return value.truth() ? "true" : "false";
    if (value.kind() != JsonKind::string && value.kind() != JsonKind::number) {
      refuse("bad_value", "takes a text or a number", part);
      return std::nullopt;
    }
    if (!is_valid_utf8(value.text()) || value.text().find('\0') != std::string_view::npos) {
      refuse("invalid_text", "must be valid text", part);
      return std::nullopt;
    }
    return to_nfc(value.text());
  }
  std::optional<std::int64_t> decimal(JsonValue value, std::string const& part = "") {
    auto const text = scalar(value, part);
    if (!text) return std::nullopt;
    auto const parsed = value.kind() == JsonKind::number ? api::json_decimal(*text) : parse_decimal(trim_blanks(*text));
    if (parsed.error != DecimalError::none) {
      refuse("not_a_number", "is compared with numbers of at most 6 places", part);
      return std::nullopt;
    }
    return parsed.value.micros;
  }

  // First and last instant of a day, or an instant twice.
  struct Span {
    TimeMs first = 0, last = 0;
    std::optional<std::int64_t> day;
  };
  std::optional<Span> time(JsonValue value, std::string const& part = "") {
    auto const text = scalar(value, part);
    if (!text) return std::nullopt;
    if (auto const day = parse_day(*text)) {
      auto const number = *day / kDayMs - (*day % kDayMs < 0 ? 1 : 0);
      return Span{day_start(facts_.time_zone(), number), day_start(facts_.time_zone(), number + 1) - 1, number};
    }
    if (auto const instant = parse_iso(*text)) return Span{*instant, *instant, std::nullopt};
    refuse("not_a_date", "is compared with days (2026-04-07) or times with their zone", part);
    return std::nullopt;
  }

  // gte and lte are published; in, not and contains are ours. One kind at a time, so that an object has one meaning.
  std::optional<Condition> read_operators(AskedColumn const& asked, JsonValue value) {
    bool right = true;
    std::optional<JsonValue> low, high, in, no, part;
    for (auto const member : value) {
      if (member.name() == "gte") {
        low = member;
      } else if (member.name() == "lte") {
        high = member;
      } else if (member.name() == "in") {
        in = member;
      } else if (member.name() == "not") {
        no = member;
      } else if (member.name() == "contains") {
        part = member;
      } else {
        std::string pointer;
        api::append_pointer(pointer, member.name());
        refuse("unknown_operator", "takes gte, lte, in, not and contains as operators", pointer);
        right = false;
      }
    }
    if (!right) return std::nullopt;
    int const kinds = (low || high ? 1 : 0) + (in ? 1 : 0) + (no ? 1 : 0) + (part ? 1 : 0);
    if (kinds != 1) return refuse("bad_value", "takes one operator: gte and lte, in, not, or contains");
    if (in) return read_list(asked, *in, "/in");
    if (no) {
      auto condition = no->kind() == JsonKind::array ? read_list(asked, *no, "/not") : read_at(asked, *no, "/not");
      if (condition) condition->negated = true;
      return condition;
    }
    if (part) return read_part(asked, *part);
    return read_range(asked, low, high);
  }

  std::optional<Condition> read_at(AskedColumn const& asked, JsonValue value, std::string const& part) {
    std::string const place = place_;
    begin(asked, place + part);
    auto condition = read_one(asked, value);
    place_ = place;
    return condition;
  }

  std::optional<Condition> read_list(AskedColumn const& asked, JsonValue list, std::string const& part) {
    if (list.kind() != JsonKind::array || list.size() == 0 || list.size() > kFilterListMax)
      return refuse("bad_value", "takes a list of 1 to " + std::to_string(kFilterListMax) + " values here", part);
    std::vector<Condition> any;
    bool right = true;
    std::size_t index = 0;
    for (auto const item : list) {
      auto condition = read_at(asked, item, part + "/" + std::to_string(index++));
      right &= condition.has_value();
      if (condition) any.push_back(*std::move(condition));
    }
    if (!right) return std::nullopt;
    begin(asked, place_);
    condition_.any = std::move(any);
    return done(Kind::any);
  }

  static bool is_text(AskedColumn const& asked) {
    if (asked.field) {
      auto const kind = kind_of(asked.field->type);
      return kind == ValueKind::text || kind == ValueKind::multi_line || kind == ValueKind::option;
    }
    switch (asked.column) {
      case Column::email:
      case Column::username:
      case Column::first_name:
      case Column::last_name:
      case Column::display_name:
      case Column::phone: return true;
      default: return false;
    }
  }

  std::optional<Condition> read_part(AskedColumn const& asked, JsonValue value) {
    if (!is_text(asked)) return refuse("unknown_operator", "has no text that could contain another", "/contains");
    auto text = scalar(value, "/contains");
    if (!text) return std::nullopt;
    if (text->empty() || code_points(*text) > kFilterPartMax)
      return refuse("bad_value", "is searched for 1 to " + std::to_string(kFilterPartMax) + " characters", "/contains");
    if (asked.field && asked.field->default_value.present)
      condition_.fits_default = fold_case(asked.field->default_value.text).contains(fold_case(*text));
    condition_.text = *std::move(text);
    return done(Kind::part);
  }

  std::optional<Condition> read_range(AskedColumn const& asked, std::optional<JsonValue> low, std::optional<JsonValue> high) {
    bool right = true;
    if (!is_number(asked) && !is_date(asked)) return refuse("unknown_operator", "has no order; gte and lte are for numbers and dates");
    if (is_number(asked)) {
      if (low) right &= keep(condition_.low, decimal(*low, "/gte"));
      if (high) right &= keep(condition_.high, decimal(*high, "/lte"));
      if (!right) return std::nullopt;
      return numbers(asked.field);
    }
    std::optional<Span> from, to;
    if (low) right &= (from = time(*low, "/gte")).has_value();
    if (high) right &= (to = time(*high, "/lte")).has_value();
    if (!right) return std::nullopt;
    return times(asked.field, from ? std::optional(from->first) : std::nullopt, to ? std::optional(to->last) : std::nullopt);
  }
  static bool keep(std::int64_t& place, std::optional<std::int64_t> value) {
    if (value) place = *value;
    return value.has_value();
  }

  std::optional<Condition> numbers(CustomField const* field) {
    if (field && field->default_value.present)
      condition_.fits_default = field->default_value.number >= condition_.low && field->default_value.number <= condition_.high;
    return done(Kind::range);
  }
  std::optional<Condition> times(CustomField const* field, std::optional<TimeMs> low, std::optional<TimeMs> high) {
    if (!field) {
      if (low) condition_.low = *low;
      if (high) condition_.high = *high;
      return done(Kind::range);
    }
    // A stored day counts as its midnight in the community's zone, a stored time as itself.
    constexpr std::string_view kFirstDay = "0000-01-01", kLastDay = "9999-12-31";
    condition_.day_low = condition_.time_low = kFirstDay;
    condition_.day_high = kLastDay;
    condition_.time_high = "9999-12-31T23:59:59.999Z";
    if (low) {
      auto const day = day_at(facts_.time_zone(), *low);
      condition_.day_low = day_text(day_start(facts_.time_zone(), day) >= *low ? day : day + 1);
      condition_.time_low = to_iso(*low);
    }
    if (high) {
      condition_.day_high = day_text(day_at(facts_.time_zone(), *high));
      condition_.time_high = to_iso(*high);
    }
    if (auto const& value = field->default_value; value.present) {
      bool const is_day = value.text.size() == kFirstDay.size();
      condition_.fits_default = value.text >= (is_day ? condition_.day_low : condition_.time_low) &&
                                value.text <= (is_day ? condition_.day_high : condition_.time_high);
    }
    return done(Kind::days);
  }

  std::optional<Condition> read_empty(AskedColumn const& asked) {
    switch (asked.column) {
      // Everybody has these.
      case Column::email:
      case Column::username:
      case Column::join_date:
      case Column::xp:
      case Column::coins:
      case Column::premium_currency:
      case Column::id:
      case Column::user_id:
      case Column::status: return done(Kind::never);
      case Column::custom: return done(asked.field->default_value.present ? Kind::never : Kind::empty);
      default: return done(Kind::empty);
    }
  }

  std::optional<Condition> read_custom(CustomField const& field, JsonValue value) {
    if (kind_of(field.type) == ValueKind::decimal) {
      auto const number = decimal(value);
      if (!number) return std::nullopt;
      condition_.low = condition_.high = *number;
      return numbers(&field);
    }
    auto const text = scalar(value);
    if (!text) return std::nullopt;
    Slot slot = slot_of(field);
    // Whoever asks for an option or a text that nobody can have finds nobody.
    slot.characters_max = std::numeric_limits<std::size_t>::max();
    if (slot.value_kind == ValueKind::option) slot.value_kind = ValueKind::multi_line;
    auto const parsed = read_value(slot, *text, facts_.catalogue());
    if (!parsed) {
      api::add_issue(issues_, {place_, parsed.error().code, parsed.error().message});
      return std::nullopt;
    }
    condition_.fits_default = field.default_value == *parsed;
    if (parsed->is_number) {
      condition_.low = condition_.high = parsed->number;
      return done(Kind::range);
    }
    condition_.text = parsed->text;
    condition_.by_identifier = field.identifier;
    return done(Kind::text);
  }

  std::optional<Condition> named(std::vector<NamedNumber> const& known, std::string_view name) {
    for (auto const& item : known) {
      if (item.name != name) continue;
      condition_.low = condition_.high = item.number;
      return done(Kind::has);
    }
    return done(Kind::never);
  }

  std::optional<Condition> read_default(Column column, JsonValue value) {
    if (column == Column::xp || column == Column::coins || column == Column::premium_currency) {
      auto const number = decimal(value);
      if (!number) return std::nullopt;
      condition_.low = condition_.high = *number;
      return done(Kind::range);
    }
    if (column == Column::join_date || column == Column::last_online) {
      auto const span = time(value);
      return span ? times(nullptr, span->first, span->last) : std::nullopt;
    }
    auto text = scalar(value);
    if (!text) return std::nullopt;
    switch (column) {
      case Column::role:
        if (*text == "@all") return done(Kind::always);
        return named(facts_.catalogue().roles, *text);
      case Column::tag: return named(facts_.catalogue().tags, *text);
      case Column::country: {
        auto const code = find_country(*text);
        if (!code) return refuse("unknown_country", "is compared with countries by name or code");
        condition_.text = *code;
        return done(Kind::text);
      }
      case Column::language: {
        auto const code = find_language(*text);
        if (!code) return refuse("unknown_language", "is compared with languages by name or code");
        condition_.text = *code;
        return done(Kind::text);
      }
      case Column::status: {
        for (auto const state : {MembershipState::active, MembershipState::suspended, MembershipState::banned}) {
          if (to_string(state) != *text) continue;
          condition_.low = condition_.high = static_cast<std::int64_t>(state);
          return done(Kind::range);
        }
        return refuse("bad_value", "is active, suspended or banned");
      }
      case Column::email:
      case Column::username:
      case Column::referred_by:
      case Column::id:
      case Column::user_id:
        condition_.text = std::string(trim_blanks(*text));
        condition_.by_account = true;
        return done(Kind::text);
      default: condition_.text = std::move(*text); return done(Kind::text);
    }
  }

  FilterFacts const& facts_;
  std::vector<Issue>& issues_;
  std::string place_, name_;
  Condition condition_;
};

}  // namespace

std::optional<AskedColumn> find_column(std::string_view name, FilterFacts const& facts) {
  for (std::size_t i = 0; i < std::size(kColumnNames); ++i)
    if (kColumnNames[i] == name) return AskedColumn{std::string(name), static_cast<Column>(i), nullptr};
  auto const key = fold_case(name.starts_with(kFieldPrefix) ? name.substr(kFieldPrefix.size()) : name);
  for (auto const& field : facts.catalogue().fields)
    if (fold_case(field.key) == key) return AskedColumn{std::string(name), Column::custom, &field};
  return std::nullopt;
}

std::string column_name(Column column) { return std::string(kColumnNames[static_cast<std::size_t>(column)]); }

std::string column_name(CustomField const& field) {
  return std::ranges::find(kColumnNames, field.key) == std::end(kColumnNames) ? field.key : std::string(kFieldPrefix) + field.key;
}

std::vector<AskedColumn> read_columns(std::vector<std::string> const& names, FilterFacts const& facts, std::vector<Issue>& issues,
                                      std::string_view place) {
  std::vector<AskedColumn> columns;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto column = find_column(names[i], facts);
    if (!column)
      refuse_column(issues, std::string(place) + "/" + std::to_string(i), names[i], facts.catalogue());
    else if (std::none_of(columns.begin(), columns.end(), [&](AskedColumn const& c) { return c.shown == column->shown; }))
      columns.push_back(*std::move(column));
  }
  return columns;
}

std::vector<Condition> read_conditions(std::string_view json, FilterFacts const& facts, std::vector<Issue>& issues) {
  std::vector<Condition> conditions;
  api::JsonTree tree;
  std::vector<Issue> ignored;  // the body was parsed before
  if (!tree.parse(json, ignored) || tree.root().kind() != JsonKind::object) {
    api::add_issue(issues, {"/filter", "not_an_object", "filter must be a JSON object of conditions by column."});
    return conditions;
  }
  if (tree.root().size() > kFilterConditionsMax) {
    api::add_issue(issues, {"/filter", "too_long", "filter takes at most 20 conditions.", {}, {}, {}, kFilterConditionsMax});
    return conditions;
  }
  Reader reader(facts, issues);
  for (auto const member : tree.root()) {
    std::string place = "/filter";
    api::append_pointer(place, member.name());
    std::string const name(member.name());
    auto const column = find_column(name, facts);
    if (!column)
      refuse_column(issues, std::move(place), name, facts.catalogue());
    else if (auto condition = reader.read(*column, member, place))
      conditions.push_back(*std::move(condition));
  }
  return conditions;
}

}  // namespace fealty::members
