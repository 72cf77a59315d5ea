#include "api/json_tree.h"
#include "api/schema.h"
#include "base/locale_names.h"
#include "base/text.h"
#include "members/fields.h"
#include "members/roles.h"

namespace fealty::members {
namespace {

constexpr std::string_view kTypeNames[] = {"single-line-text", "text", "multi-line-text", "numerical",
                                           "number",           "date", "boolean",         "select"};

using Read = std::expected<Value, ValueProblem>;
Read problem(std::string code, std::string message) { return std::unexpected(ValueProblem{std::move(code), std::move(message)}); }

std::string quoted(std::string_view value) {
  constexpr std::size_t kShownMax = 80;
  std::string out(value.substr(0, kShownMax));
  while (!out.empty() && !is_valid_utf8(out)) out.pop_back();
  return "\"" + out + (value.size() > kShownMax ? "…\"" : "\"");
}

Read read_text(Slot const& slot, std::string_view text, bool multi_line) {
  std::string value(text);
  if (multi_line) {
    // Line ends are stored as line feeds, whatever the file had.
    std::string unified;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i] == '\r') {
        unified += '\n';
        if (i + 1 < value.size() && value[i + 1] == '\n') ++i;
      } else {
        unified += value[i];
      }
    }
    value = std::move(unified);
  }
  if (has_control_characters(value, multi_line)) return problem("invalid_text", slot.name + " has characters that are not allowed.");
  std::size_t const length = code_points(value);
  if (length > slot.characters_max)
    return problem("value_too_long", slot.name + " takes at most " + std::to_string(slot.characters_max) + " characters, this has " +
                                         std::to_string(length) + ".");
  return Value::of(std::move(value));
}

Read read_decimal(Slot const& slot, std::string_view text) {
  int const places = slot.kind == Slot::Kind::currency ? slot.currency.decimals : Decimal::kPlacesMax;
  auto const parsed = parse_decimal(text, places);
  switch (parsed.error) {
    case DecimalError::none: return Value::of(parsed.value);
    case DecimalError::not_a_number:
      return problem("not_a_number", quoted(text) + " is not a number; write digits with an optional point, such as 1250.50.");
    case DecimalError::too_many_decimals:
      return problem("too_many_decimals", slot.name + " takes at most " + std::to_string(places) + " decimal places.");
    case DecimalError::out_of_range: return problem("amount_out_of_range", quoted(text) + " is out of range.");
  }
  throw std::logic_error("a decimal error without a message");
}

Read read_phone(std::string_view text) {
  bool const good = text.size() >= 5 && text.size() <= 32 && text.find_first_not_of("0123456789 +()-.") == std::string_view::npos;
  return good ? Read(Value::of(std::string(text))) : problem("invalid_phone", quoted(text) + " is not a phone number.");
}

// Names, comma-separated, to their sorted numbers; every unknown name is reported.
Read read_set(Slot const& slot, std::string_view text, std::vector<NamedNumber> const& known) {
  bool const roles = slot.value_kind == ValueKind::role_set;
  std::vector<std::int64_t> numbers;
  std::vector<std::string> unknown;
  // Only commas name nothing: <clear> empties a set, a slip does not.
  if (text.find_first_not_of(", \t") == std::string_view::npos) unknown.push_back(quoted(text));
  for (auto part : split(text, ',')) {
    part = trim_blanks(part);
    if (part.empty() || (roles && part == "@all")) continue;
    auto const found = std::find_if(known.begin(), known.end(), [&](NamedNumber const& n) { return n.name == part; });
    if (found == known.end())
      unknown.push_back(quoted(part));
    else
      numbers.push_back(found->number);
  }
  if (!unknown.empty())
    return problem(roles ? "unknown_role" : "unknown_tag",
                   std::string("There is no ") + (roles ? "role " : "tag ") + join(unknown, ", ") + " (names are case-sensitive).");
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  if (!roles && numbers.size() > kTagsPerMemberMax)
    return problem("too_many_tags", "A member can have at most " + std::to_string(kTagsPerMemberMax) + " tags.");
  std::vector<std::string> parts;
  for (auto const n : numbers) parts.push_back(std::to_string(n));
  return Value::of(join(parts, ","));
}

std::string set_names(std::string_view set, std::vector<NamedNumber> const& known) {
  std::vector<std::string> names;
  for (auto const part : split(set, ',')) {
    auto const found = std::find_if(known.begin(), known.end(), [&](NamedNumber const& n) { return std::to_string(n.number) == part; });
    names.push_back(found == known.end() ? std::string(part) : found->name);
  }
  return join(names, ", ");
}

}  // namespace

std::string_view to_string(FieldType t) { return kTypeNames[static_cast<int>(t)]; }

std::optional<FieldType> parse_field_type(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kTypeNames); ++i)
    if (kTypeNames[i] == text) return static_cast<FieldType>(i);
  return std::nullopt;
}

ValueKind kind_of(FieldType t) {
  switch (t) {
    case FieldType::single_line_text:
    case FieldType::text: return ValueKind::text;
    case FieldType::multi_line_text: return ValueKind::multi_line;
    case FieldType::numerical:
    case FieldType::number: return ValueKind::decimal;
    case FieldType::date: return ValueKind::date;
    case FieldType::boolean: return ValueKind::boolean;
    case FieldType::select: return ValueKind::option;
  }
  throw std::logic_error("a field type without a kind");
}

std::vector<std::string> names_in_set(std::string_view set, std::vector<NamedNumber> const& known) {
  std::vector<NamedNumber const*> held;
  for (auto const part : split(set, ','))
    for (auto const& item : known)
      if (std::to_string(item.number) == part) held.push_back(&item);
  // Larger positions rank higher; of equal ones, and of tags, which have none, the older.
  std::ranges::sort(
      held, [](auto const* a, auto const* b) { return a->position != b->position ? a->position > b->position : a->number < b->number; });
  std::vector<std::string> names;
  for (auto const* item : held) names.push_back(item->name);
  return names;
}

CustomField const* find_custom_field(Catalogue const& catalogue, std::string_view text) {
  for (auto const& field : catalogue.fields)
    if (field.id().to_string() == text) return &field;
  auto const folded = fold_case(text);
  for (auto const& field : catalogue.fields)
    if (fold_case(field.key) == folded || fold_case(field.name) == folded) return &field;
  return nullptr;
}

std::optional<std::string> text_of_json(std::string const& json) {
  if (json.empty()) return "";
  api::JsonTree tree;
  std::vector<Issue> issues;
  if (!tree.parse(json, issues)) return std::nullopt;
  auto const value = tree.root();
  switch (value.kind()) {
    case api::JsonKind::null: return "";
    case api::JsonKind::boolean: return value.truth() ? "true" : "false";
    case api::JsonKind::string: return to_nfc(value.text());
    case api::JsonKind::number: {
      // Readers of text know no exponents; what is no decimal they refuse in their own words.
      auto const parsed = api::json_decimal(value.text());
      return parsed.error == DecimalError::none ? parsed.value.to_string() : std::string(value.text());
    }
    case api::JsonKind::array:
    case api::JsonKind::object: break;
  }
  return std::nullopt;
}

std::optional<Slot> default_slot(std::string_view column) {
  struct Row {
    std::string_view column;
    FieldNo field;
    Slot::Kind kind;
    ValueKind value_kind;
    std::size_t characters_max;
    bool clearable;
  };
  static constexpr Row kRows[] = {
      {"First Name", kFirstName, Slot::Kind::profile, ValueKind::text, 50, true},
      {"Last Name", kLastName, Slot::Kind::profile, ValueKind::text, 50, true},
      {"Display Name", kDisplayName, Slot::Kind::profile, ValueKind::text, 50, false},
      {"Phone", kPhone, Slot::Kind::profile, ValueKind::phone, 32, true},
      {"Country", kCountry, Slot::Kind::profile, ValueKind::country, 255, true},
      {"Language", kLanguage, Slot::Kind::profile, ValueKind::language, 255, true},
      {"Role", kRole, Slot::Kind::role_set, ValueKind::role_set, 0, true},
      {"Tag", kTag, Slot::Kind::tag_set, ValueKind::tag_set, 0, true},
  };
  for (auto const& row : kRows) {
    if (row.column != column) continue;
    Slot slot;
    slot.kind = row.kind;
    slot.field = row.field;
    slot.name = row.column;
    slot.value_kind = row.value_kind;
    slot.characters_max = row.characters_max;
    slot.clearable = row.clearable;
    return slot;
  }
  return std::nullopt;
}

Slot slot_of(CustomField const& field) {
  Slot slot;
  slot.kind = Slot::Kind::custom;
  slot.field = field.number;
  slot.name = field.name;
  slot.value_kind = kind_of(field.type);
  slot.characters_max = slot.value_kind == ValueKind::multi_line ? 10'000 : 255;
  slot.required = field.required;
  slot.clearable = slot.value_kind != ValueKind::decimal;
  slot.identifier = field.identifier;
  slot.default_value = field.default_value;
  slot.options = field.options;
  return slot;
}

Slot slot_of(ledger::Currency const& currency, std::string_view column) {
  Slot slot;
  slot.kind = Slot::Kind::currency;
  slot.currency = currency;
  slot.name = column;
  slot.value_kind = ValueKind::decimal;
  slot.clearable = false;
  return slot;
}

std::expected<Value, ValueProblem> read_value(Slot const& slot, std::string_view text, Catalogue const& catalogue) {
  switch (slot.value_kind) {
    case ValueKind::text: return read_text(slot, text, false);
    case ValueKind::multi_line: return read_text(slot, text, true);
    case ValueKind::decimal: return read_decimal(slot, text);
    case ValueKind::phone: return read_phone(text);
    case ValueKind::date: {
      if (auto const day = parse_day(text)) return Value::of(to_day(*day));
      if (auto const time = parse_iso(text)) return Value::of(to_iso(*time));
      return problem("invalid_date", quoted(text) + " is not a date (YYYY-MM-DD).");
    }
    case ValueKind::boolean: {
      if (equals_ignore_ascii_case(text, "true")) return Value::of(true);
      if (equals_ignore_ascii_case(text, "false")) return Value::of(false);
      return problem("invalid_boolean", quoted(text) + " is not true or false.");
    }
    case ValueKind::option: {
      for (auto const& option : slot.options)
        if (option == text) return Value::of(option);
      return problem("invalid_option", quoted(text) + " is not an option of " + slot.name + ": " + join(slot.options, ", ") + ".");
    }
    case ValueKind::country: {
      auto code = find_country(text);
      return code ? Read(Value::of(std::move(*code))) : problem("unknown_country", "Unknown country " + quoted(text) + ".");
    }
    case ValueKind::language: {
      auto code = find_language(text);
      return code ? Read(Value::of(std::move(*code))) : problem("unknown_language", "Unknown language " + quoted(text) + ".");
    }
    case ValueKind::role_set: return read_set(slot, text, catalogue.roles);
    case ValueKind::tag_set: return read_set(slot, text, catalogue.tags);
  }
  throw std::logic_error("a value kind without a rule");
}

void write_value(std::string& out, Slot const& slot, ValueView value, Catalogue const& catalogue) {
  bool const is_set = slot.value_kind == ValueKind::role_set || slot.value_kind == ValueKind::tag_set;
  if (!value.present) {
    out += "null";
  } else if (slot.value_kind == ValueKind::boolean) {
    out += value.number != 0 ? "true" : "false";
  } else if (value.is_number) {
    Decimal{value.number}.append_to(out);
  } else if (is_set) {
    api::write_json_string(
        out, value.text.empty() ? "" : set_names(value.text, slot.value_kind == ValueKind::role_set ? catalogue.roles : catalogue.tags));
  } else {
    api::write_json_string(out, value.text);
  }
}

}  // namespace fealty::members
