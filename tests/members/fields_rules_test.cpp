#include <limits>

#include "members/fields.h"

namespace fealty::members {
namespace {

std::string times(std::size_t n, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += text;
  return out;
}

Slot custom(FieldType type, std::vector<std::string> options = {}) {
  CustomField f;
  f.number = {101};
  f.name = "Field";
  f.type = type;
  f.options = std::move(options);
  return slot_of(f);
}
Slot coins(int decimals = 6) { return slot_of(ledger::Currency{ledger::kCoins, "coins", "Taler", "spendable", true, decimals}, "Coins"); }
Slot named(std::string_view column) { return *default_slot(column); }

Catalogue catalogue() {
  Catalogue c;
  c.roles = {{20, "Editor"}, {3, "Guest"}, {7, "Straße 1"}};
  for (int i = 1; i <= 101; ++i) c.tags.push_back({i, "t" + std::to_string(i)});
  return c;
}

// "number 1500000", "text abc", or "code: message".
std::string read(Slot const& slot, std::string const& text) {
  auto const value = read_value(slot, text, catalogue());
  if (!value) return value.error().code + ": " + value.error().message;
  EXPECT_TRUE(value->present);
  return value->is_number ? "number " + std::to_string(value->number) : "text " + value->text;
}

std::string tags(int count) {
  std::string out;
  for (int i = 1; i <= count; ++i) out += (i > 1 ? "," : "") + std::string("t") + std::to_string(i);
  return out;
}

TEST(FieldRules, ValuesAreReadIntoTheirCanonicalFormOrRefusedWithTheStatedWords) {
  std::string const too_long = "value_too_long: Field takes at most 255 characters, this has 256.";
  std::string const bad_text = "invalid_text: Field has characters that are not allowed.";
  std::string const not_a_number = " is not a number; write digits with an optional point, such as 1250.50.";
  struct Case {
    Slot slot;
    std::string text, expected;
  };
  using enum FieldType;
  Case const cases[] = {
      {custom(text), "abc", "text abc"},
      {custom(single_line_text), times(255, "é"), "text " + times(255, "é")},
      {custom(text), times(256, "é"), too_long},
      {custom(single_line_text), times(256, "a"), too_long},
      {custom(text), "a\nb", bad_text},
      {custom(text), "a\tb", bad_text},
      {custom(text), "a\x01", bad_text},
      {custom(text), "a\x7f", bad_text},
      {custom(multi_line_text), "a\r\nb\rc\nd\te", "text a\nb\nc\nd\te"},
      {custom(multi_line_text), times(10'000, "é"), "text " + times(10'000, "é")},
      {custom(multi_line_text), times(10'001, "a"), "value_too_long: Field takes at most 10000 characters, this has 10001."},
      {custom(multi_line_text), times(10'000, "\r\n"), "text " + times(10'000, "\n")},
      {custom(multi_line_text), "a\x02", bad_text},
      {custom(numerical), "1.5", "number 1500000"},
      {custom(number), "+007.250000", "number 7250000"},
      {custom(number), "-0", "number 0"},
      {custom(numerical), ".5", "number 500000"},
      {custom(numerical), "5.", "number 5000000"},
      {custom(numerical), "8999999999999.999999", "number 8999999999999999999"},
      {custom(numerical), "-8999999999999.999999", "number -8999999999999999999"},
      {custom(numerical), "9000000000000", "amount_out_of_range: \"9000000000000\" is out of range."},
      {custom(numerical), "10000000000000", "amount_out_of_range: \"10000000000000\" is out of range."},
      {custom(numerical), "0.0000001", "too_many_decimals: Field takes at most 6 decimal places."},
      {custom(numerical), "1e3", "not_a_number: \"1e3\"" + not_a_number},
      {custom(numerical), "1,5", "not_a_number: \"1,5\"" + not_a_number},
      {custom(numerical), "NaN", "not_a_number: \"NaN\"" + not_a_number},
      {custom(numerical), "1 000", "not_a_number: \"1 000\"" + not_a_number},
      {custom(numerical), "$5", "not_a_number: \"$5\"" + not_a_number},
      {custom(numerical), "-", "not_a_number: \"-\"" + not_a_number},
      {custom(numerical), ".", "not_a_number: \".\"" + not_a_number},
      {custom(numerical), "0x10", "not_a_number: \"0x10\"" + not_a_number},
      {custom(numerical), times(90, "9") + "x", "not_a_number: \"" + times(80, "9") + "…\"" + not_a_number},
      {coins(), "0.000001", "number 1"},
      {coins(2), "1.25", "number 1250000"},
      {coins(2), "1.255", "too_many_decimals: Coins takes at most 2 decimal places."},
      {coins(0), "1.0", "too_many_decimals: Coins takes at most 0 decimal places."},
      {custom(date), "2026-02-28", "text 2026-02-28"},
      {custom(date), "2024-02-29", "text 2024-02-29"},
      {custom(date), "2026-04-07T11:00:00+02:00", "text 2026-04-07T09:00:00.000Z"},
      {custom(date), "1000-01-01", "text 1000-01-01"},
      {custom(date), "9999-12-31", "text 9999-12-31"},
      {custom(date), "2026-02-29", "invalid_date: \"2026-02-29\" is not a date (YYYY-MM-DD)."},
      {custom(date), "0999-12-31", "invalid_date: \"0999-12-31\" is not a date (YYYY-MM-DD)."},
      {custom(date), "2026-04-07T09:00:00", "invalid_date: \"2026-04-07T09:00:00\" is not a date (YYYY-MM-DD)."},
      {custom(date), "07/04/2026", "invalid_date: \"07/04/2026\" is not a date (YYYY-MM-DD)."},
      {custom(boolean), "TRUE", "number 1"},
      {custom(boolean), "False", "number 0"},
      {custom(boolean), "1", "invalid_boolean: \"1\" is not true or false."},
      {custom(boolean), "yes", "invalid_boolean: \"yes\" is not true or false."},
      {custom(select, {"Gold", "Silver, old"}), "Silver, old", "text Silver, old"},
      {custom(select, {"Gold", "Silver"}), "gold", "invalid_option: \"gold\" is not an option of Field: Gold, Silver."},
      {named("First Name"), times(50, "é"), "text " + times(50, "é")},
      {named("Last Name"), times(51, "é"), "value_too_long: Last Name takes at most 50 characters, this has 51."},
      {named("Display Name"), times(51, "a"), "value_too_long: Display Name takes at most 50 characters, this has 51."},
      {named("Phone"), "+49 (0)30-12.34", "text +49 (0)30-12.34"},
      {named("Phone"), "12345", "text 12345"},
      {named("Phone"), times(32, "1"), "text " + times(32, "1")},
      {named("Phone"), "1234", "invalid_phone: \"1234\" is not a phone number."},
      {named("Phone"), times(33, "1"), "invalid_phone: \"" + times(33, "1") + "\" is not a phone number."},
      {named("Phone"), "12345a", "invalid_phone: \"12345a\" is not a phone number."},
      {named("Country"), "sg", read(named("Country"), "Singapore")},
      {named("Country"), "SGP", read(named("Country"), "SINGAPORE")},
      {named("Country"), "Atlantis", "unknown_country: Unknown country \"Atlantis\"."},
      {named("Language"), "german", read(named("Language"), "DE")},
      {named("Language"), "Klingonese", "unknown_language: Unknown language \"Klingonese\"."},
      {named("Role"), "Guest, Editor ,Guest", "text 3,20"},
      {named("Role"), "@all", "text "},
      {named("Role"), "@all,Straße 1", "text 7"},
      {named("Role"), "guest", "unknown_role: There is no role \"guest\" (names are case-sensitive)."},
      {named("Role"), "A,Guest,B", "unknown_role: There is no role \"A\", \"B\" (names are case-sensitive)."},
      {named("Tag"), "t2,t1", "text 1,2"},
      {named("Tag"), "t0", "unknown_tag: There is no tag \"t0\" (names are case-sensitive)."},
      {named("Tag"), tags(101), "too_many_tags: A member can have at most 100 tags."},
  };
  for (auto const& c : cases) EXPECT_EQ(read(c.slot, c.text), c.expected) << c.slot.name << " " << c.text.substr(0, 40);
  EXPECT_EQ(read(named("Tag"), tags(100)).substr(0, 11), "text 1,2,3,");
}

TEST(FieldRules, EqualValuesHaveEqualForms) {
  auto same = [](Slot const& slot, std::string const& a, std::string const& b) {
    return *read_value(slot, a, catalogue()) == *read_value(slot, b, catalogue());
  };
  EXPECT_TRUE(same(custom(FieldType::number), "1.50", "1.5"));
  EXPECT_TRUE(same(custom(FieldType::date), "2026-04-07T11:00:00+02:00", "2026-04-07T09:00:00.000Z"));
  EXPECT_FALSE(same(custom(FieldType::date), "2026-04-07", "2026-04-07T00:00:00Z")) << "the precision that came in is kept";
  EXPECT_FALSE(same(custom(FieldType::text), "1.50", "1.5"));
  EXPECT_TRUE(same(named("Role"), "Guest,Editor", "Editor,Guest"));
}

TEST(FieldRules, ValuesAreWrittenAsJson) {
  struct Case {
    Slot slot;
    Value value;
    char const* json;
  };
  Case const cases[] = {
      {custom(FieldType::text), Value::none(), "null"},
      {custom(FieldType::text), Value::of(std::string("a\"b\n")), R"("a\"b\n")"},
      {custom(FieldType::number), Value::of(Decimal{-1'500'000}), "-1.5"},
      {custom(FieldType::boolean), Value::of(true), "true"},
      {custom(FieldType::boolean), Value::of(false), "false"},
      {coins(), Value::of(Decimal{1}), "0.000001"},
      {named("Role"), Value::of(std::string("3,20")), "\"Guest, Editor\""},
      {named("Role"), Value::of(std::string()), "\"\""},
      {named("Tag"), Value::of(std::string("999")), "\"999\""},
  };
  for (auto const& c : cases) {
    std::string out;
    write_value(out, c.slot, c.value, catalogue());
    EXPECT_EQ(out, c.json);
  }
}

TEST(FieldRules, OnlyWhatIsNoNumberCanBeCleared) {
  for (auto const* name : {"First Name", "Last Name", "Phone", "Country", "Language", "Role", "Tag"})
    EXPECT_TRUE(named(name).clearable) << name;
  EXPECT_FALSE(named("Display Name").clearable);
  EXPECT_FALSE(coins().clearable);
  EXPECT_FALSE(custom(FieldType::numerical).clearable);
  EXPECT_TRUE(custom(FieldType::boolean).clearable);
  EXPECT_FALSE(default_slot("display name"));
  EXPECT_FALSE(default_slot("Email"));
}

TEST(FieldRules, EveryTypeEverPublishedIsEchoedAsItCame) {
  for (auto const* name : {"single-line-text", "text", "multi-line-text", "numerical", "number", "date", "boolean", "select"}) {
    auto const type = parse_field_type(name);
    ASSERT_TRUE(type) << name;
    EXPECT_EQ(to_string(*type), name);
  }
  EXPECT_FALSE(parse_field_type("Text"));
}

}  // namespace
}  // namespace fealty::members
