#include "api/schema.h"

#include "api/json_tree.h"

namespace fealty::api::test {

constexpr std::string_view kColours[] = {"red", "green", "blue"};
constexpr Rules kTagRules{.min = 1, .max = 4};

struct Address {
  std::string city;
  std::optional<std::string> zip;
};

struct Person {
  std::string name;
  std::optional<std::string> email;
  bool active = true;
  std::int64_t level = 7;
  Decimal amount;
  std::optional<Decimal> bonus;
  PublicId ref;
  std::string colour = "red";
  std::string note;
  std::string day;
  std::string at;
  std::vector<std::string> tags;
  std::vector<Address> addresses;
  std::optional<Address> home;
  Json extra;
  std::optional<std::optional<std::string>> nick;
};

struct Tree {
  std::string name;
  std::vector<Tree> children;
};

struct ListIn {
  std::int64_t page = 1;
  std::optional<bool> silent;
  std::string status;
  std::vector<std::string> fields;
  std::optional<PublicId> job;
  std::optional<Decimal> least;
};

struct Sparse {
  std::optional<std::string> shown;
  std::optional<std::string> hidden;
  std::vector<std::int64_t> numbers;
};

struct Empty {};

}  // namespace fealty::api::test

FEALTY_SCHEMA(fealty::api::test::Address, field<&fealty::api::test::Address::city>("city", "City.", {.min = 2, .required = true}),
              field<&fealty::api::test::Address::zip>("zip", "Postal code."))
FEALTY_SCHEMA(fealty::api::test::Person, field<&fealty::api::test::Person::name>("name", "Name.", {.min = 1, .max = 5, .required = true}),
              field<&fealty::api::test::Person::email>("email", "Address.", {.format = "email"}),
              field<&fealty::api::test::Person::active>("active", "Whether."),
              field<&fealty::api::test::Person::level>("level", "Level.", {.min = 0, .max = 99}),
              field<&fealty::api::test::Person::amount>("amount", "Amount.", {.min = -10, .max = 1000}),
              field<&fealty::api::test::Person::bonus>("bonus", "Bonus."), field<&fealty::api::test::Person::ref>("ref", "Id."),
              field<&fealty::api::test::Person::colour>("colour", "Colour.", {.one_of = fealty::api::test::kColours}),
              field<&fealty::api::test::Person::note>("note", "Note.", {.format = "multi-line"}),
              field<&fealty::api::test::Person::day>("day", "Day.", {.format = "date"}),
              field<&fealty::api::test::Person::at>("at", "Time.", {.format = "date-time"}),
              field<&fealty::api::test::Person::tags>("tags", "Tags.", {.max = 3, .items = &fealty::api::test::kTagRules}),
              field<&fealty::api::test::Person::addresses>("addresses", "Addresses."),
              field<&fealty::api::test::Person::home>("home", "Home."), field<&fealty::api::test::Person::extra>("extra", "Anything."),
              field<&fealty::api::test::Person::nick>("nick", "Nick name."))
FEALTY_SCHEMA(fealty::api::test::Tree, field<&fealty::api::test::Tree::name>("name", "Name."),
              field<&fealty::api::test::Tree::children>("children", "Children."))
FEALTY_SCHEMA(fealty::api::test::ListIn, field<&fealty::api::test::ListIn::page>("page", "Page.", {.min = 1}),
              field<&fealty::api::test::ListIn::silent>("silent", "Silent."),
              field<&fealty::api::test::ListIn::status>("status", "Status.", {.one_of = fealty::api::test::kColours, .required = true}),
              field<&fealty::api::test::ListIn::fields>("fields", "Fields.", {.max = 2, .one_of = fealty::api::test::kColours}),
              field<&fealty::api::test::ListIn::job>("job", "Job."), field<&fealty::api::test::ListIn::least>("least", "Least."))
FEALTY_SCHEMA(fealty::api::test::Sparse, field<&fealty::api::test::Sparse::shown>("shown", "Shown."),
              field<&fealty::api::test::Sparse::hidden>("hidden", "Hidden.", {.omit_empty = true}),
              field<&fealty::api::test::Sparse::numbers>("numbers", "Numbers.", {.omit_empty = true}))
FEALTY_SCHEMA(fealty::api::test::Empty)

namespace fealty::api::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::vector<std::pair<std::string, std::string>> problems_of(std::vector<Issue> const& issues) {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto const& issue : issues) out.emplace_back(issue.field, issue.code);
  return out;
}

template <class T>
std::vector<std::pair<std::string, std::string>> problems(std::string_view body) {
  T out;
  std::vector<Issue> issues;
  bool const good = from_json(body, out, issues);
  EXPECT_EQ(good, issues.empty()) << body;
  return problems_of(issues);
}

Person good_person(std::string_view members) {
  Person out;
  std::vector<Issue> issues;
  std::string const body = R"({"name":"Ana")" + std::string(members.empty() ? "" : ",") + std::string(members) + "}";
  EXPECT_TRUE(from_json(body, out, issues)) << body << " " << (issues.empty() ? "" : issues[0].message);
  return out;
}

TEST(Schema, ReadsEveryTypeOfMember) {
  Person const p = good_person(
      R"("email":" ana@example.org ","active":false,"level":3,"amount":12.5,"bonus":"0.000001","ref":"66b0c0ffee0000000000a101",)"
      R"("colour":"blue","note":"a\r\nb\tc","day":"2024-02-29","at":"2026-04-07T09:00:00+02:00","tags":["x","yy"],)"
      R"("addresses":[{"city":"Rome"},{"city":"Oslo","zip":"1"}],"home":{"city":"Bern","zip":null},)"
      R"("extra":{"a":[1.50,true,null,"\u00e9\n"]},"nick":"N","unknown":{"x":[{}]})");
  EXPECT_EQ(p.name, "Ana");
  EXPECT_EQ(p.email, "ana@example.org");
  EXPECT_FALSE(p.active);
  EXPECT_EQ(p.level, 3);
  EXPECT_EQ(p.amount.micros, 12'500'000);
  EXPECT_EQ(p.bonus->micros, 1);
  EXPECT_EQ(p.ref.to_string(), "66b0c0ffee0000000000a101");
  EXPECT_EQ(p.colour, "blue");
  EXPECT_EQ(p.note, "a\nb\tc");
  EXPECT_THAT(p.tags, ElementsAre("x", "yy"));
  ASSERT_EQ(p.addresses.size(), 2u);
  EXPECT_EQ(p.addresses[1].city, "Oslo");
  EXPECT_EQ(p.addresses[1].zip, "1");
  EXPECT_EQ(p.home->city, "Bern");
  EXPECT_EQ(p.home->zip, std::nullopt);
  EXPECT_EQ(p.extra.text, "{\"a\":[1.50,true,null,\"é\\n\"]}");
  EXPECT_EQ(p.nick, std::optional<std::string>("N"));
}

TEST(Schema, KeepsDefaultsOfMembersThatAreAbsentOrNull) {
  Person const p = good_person(R"("level":null,"colour":null,"email":null,"tags":null)");
  EXPECT_EQ(p.level, 7);
  EXPECT_EQ(p.colour, "red");
  EXPECT_EQ(p.email, std::nullopt);
  EXPECT_TRUE(p.active);
}

TEST(Schema, TellsAnAbsentMemberFromANullOne) {
  EXPECT_FALSE(good_person("").nick.has_value());
  auto const p = good_person(R"("nick":null)");
  ASSERT_TRUE(p.nick.has_value());
  EXPECT_FALSE(p.nick->has_value());
}

TEST(Schema, NamesThePlaceAndTheCodeOfEachBadValue) {
  struct Case {
    char const *members, *field, *code;
  };
  for (auto const& c : std::vector<Case>{
           {R"("name":5)", "/name", "not_a_string"},
           {R"("name":null)", "/name", "required"},
           {R"("name":"")", "/name", "too_short"},
           {R"("name":"sixsix")", "/name", "too_long"},
           {R"("name":"a\u0000b")", "/name", "invalid_text"},
           {R"("name":"a\nb")", "/name", "invalid_text"},
           {R"("email":"ana")", "/email", "not_an_email"},
           {R"("email":"a@b@c.d")", "/email", "not_an_email"},
           {R"("email":"a b@c.d")", "/email", "not_an_email"},
           {R"("email":"@c.d")", "/email", "not_an_email"},
           {R"("email":"a@c..d")", "/email", "not_an_email"},
           {R"("active":"true")", "/active", "not_a_boolean"},
           {R"("active":1)", "/active", "not_a_boolean"},
           {R"("level":"3")", "/level", "not_an_integer"},
           {R"("level":3.5)", "/level", "not_an_integer"},
           {R"("level":1e-1)", "/level", "not_an_integer"},
           {R"("level":-1)", "/level", "too_small"},
           {R"("level":100)", "/level", "too_large"},
           {R"("level":9223372036854775808)", "/level", "out_of_range"},
           {R"("level":1e400)", "/level", "out_of_range"},
           {R"("amount":true)", "/amount", "not_a_number"},
           {R"("amount":"")", "/amount", "not_a_number"},
           {R"("amount":"1e3")", "/amount", "not_a_number"},
           {R"("amount":"NaN")", "/amount", "not_a_number"},
           {R"("amount":0.1234567)", "/amount", "too_many_decimals"},
           {R"("amount":1e-7)", "/amount", "too_many_decimals"},
           {R"("amount":1e400)", "/amount", "out_of_range"},
           {R"("amount":9000000000000)", "/amount", "out_of_range"},
           {R"("amount":1000.000001)", "/amount", "too_large"},
           {R"("amount":-10.000001)", "/amount", "too_small"},
           {R"("ref":"66B0c0ffee0000000000a101")", "/ref", "not_an_id"},
           {R"("ref":12)", "/ref", "not_a_string"},
           {R"("colour":"Red")", "/colour", "not_an_option"},
           {R"("note":"a\rb")", "/note", "invalid_text"},
           {R"("day":"2026-02-30")", "/day", "not_a_date"},
           {R"("at":"2026-02-03T10:00:00")", "/at", "not_a_date"},
           {R"("tags":"x")", "/tags", "not_an_array"},
           {R"("tags":["a","b","c","d"])", "/tags", "too_long"},
           {R"("tags":["a","fives"])", "/tags/1", "too_long"},
           {R"("tags":[null])", "/tags/0", "not_a_string"},
           {R"("addresses":[{"city":"Rome"},{"zip":"1"}])", "/addresses/1/city", "required"},
           {R"("addresses":[[]])", "/addresses/0", "not_an_object"},
           {R"("home":{"city":"R"})", "/home/city", "too_short"},
           {R"("home":"Rome")", "/home", "not_an_object"},
       }) {
    std::string const members(c.members);
    std::string const body = "{" + std::string(members.starts_with("\"name\"") ? "" : "\"name\":\"Ana\",") + members + "}";
    EXPECT_THAT(problems<Person>(body), ElementsAre(Pair(c.field, c.code))) << body;
  }
}

TEST(Schema, ReportsAllProblemsOfABodyTogether) {
  EXPECT_THAT(problems<Person>(R"({"email":"x","level":-1,"amount":"z","colour":"rod","tags":["","ok","toolong"],"a":1,"a":2})"),
              ElementsAre(Pair("/a", "duplicate_member"), Pair("/name", "required"), Pair("/email", "not_an_email"),
                          Pair("/level", "too_small"), Pair("/amount", "not_a_number"), Pair("/colour", "not_an_option"),
                          Pair("/tags/0", "too_short"), Pair("/tags/2", "too_long")));
}

TEST(Schema, MessagesNameTheMemberTheRuleAndTheLimit) {
  Person out;
  std::vector<Issue> issues;
  EXPECT_FALSE(from_json(R"({"name":"sixsix","colour":"rod","home":{"city":"R"}})", out, issues));
  ASSERT_EQ(issues.size(), 3u);
  EXPECT_EQ(issues[0].message, "name must have at most 5 characters.");
  EXPECT_EQ(issues[0].limit, 5);
  EXPECT_EQ(issues[1].message, "colour must be one of red, green, blue.");
  EXPECT_THAT(issues[1].suggestions, ElementsAre("red"));
  EXPECT_EQ(issues[2].message, "home/city must have at least 2 characters.");
}

TEST(Schema, RefusesTextThatIsNoJsonObject) {
  struct Case {
    std::string body;
    char const* code;
  };
  std::string const deep = R"({"name":"A","extra":)" + std::string(32, '[') + std::string(32, ']') + "}";
  for (auto const& c : std::vector<Case>{
           {"", "invalid_json"},
           {"{", "invalid_json"},
           {"{\"name\":\"A\"} x", "invalid_json"},
           {"{\"name\":NaN}", "invalid_json"},
           {"{\"name\":\"A\",}", "invalid_json"},
           {"{\"name\":\"A\" /* c */}", "invalid_json"},
           {"{\"level\":01,\"name\":\"A\"}", "invalid_json"},
           {"{\"name\":'A'}", "invalid_json"},
           {"[1]", "not_an_object"},
           {"null", "not_an_object"},
           {"7", "not_an_object"},
           {"{\"name\":\"\xff\"}", "invalid_text"},
           {"{\"name\":\"\xc0\xaf\"}", "invalid_text"},
           {"{\"name\":\"\xed\xa0\x80\"}", "invalid_text"},
           {deep, "too_deep"},
       }) {
    EXPECT_THAT(problems<Person>(c.body), ElementsAre(Pair("", c.code))) << c.body;
  }
  EXPECT_THAT(problems<Person>(R"({"name":"\ud800"})"), ElementsAre(Pair("", "invalid_json")));
  for (auto body : {R"({"name":"\udc00"})", R"({"name":"\ud800\u0041"})"}) {
    EXPECT_THAT(problems<Person>(body), ElementsAre(Pair("/name", "invalid_text"))) << body;
  }
  EXPECT_THAT(problems<Person>(R"({"tags":["a","b",1e99999999999]})"), ElementsAre(Pair("/tags/2", "out_of_range")));
}

TEST(Schema, AcceptsTheDeepestAllowedNestingAndAByteOrderMark) {
  std::string const deepest = "\xEF\xBB\xBF{\"name\":\"A\",\"extra\":" + std::string(31, '[') + std::string(31, ']') + "}";
  EXPECT_THAT(problems<Person>(deepest), IsEmpty());
}

TEST(Schema, RefusesDuplicateMembersAtEveryLevelAndInUnknownParts) {
  EXPECT_THAT(problems<Person>(R"({"name":"A","name":"B"})"), ElementsAre(Pair("/name", "duplicate_member")));
  EXPECT_THAT(problems<Person>(R"({"name":"A","x":[1,{"a/b":[{"k":1,"k":2,"k":3}]}]})"),
              ElementsAre(Pair("/x/1/a~1b/0/k", "duplicate_member")));
  EXPECT_THAT(problems<Person>(R"({"name":"A","n\u0061me":"B"})"), ElementsAre(Pair("/name", "duplicate_member")));
}

TEST(Schema, SyntaxProblemsNameLineAndByte) {
  Person out;
  std::vector<Issue> issues;
  EXPECT_FALSE(from_json("{\"name\":\"A\",\n  oops}", out, issues));
  ASSERT_EQ(issues.size(), 1u);
  EXPECT_THAT(issues[0].message, HasSubstr("line 2, byte 3"));
}

TEST(Schema, BringsTextIntoNormalFormC) { EXPECT_EQ(good_person("\"colour\":\"red\",\"extra\":1,\"note\":\"e\\u0301\"").note, "é"); }

TEST(Schema, CountsCodePointsNotBytes) { EXPECT_THAT(problems<Person>(R"({"name":"ééééé"})"), IsEmpty()); }

TEST(Schema, StopsCollectingProblemsAtItsLimit) {
  std::string body = R"({"name":"A","addresses":[)";
  for (int i = 0; i < 5000; ++i) body += i ? ",1" : "1";
  body += "]}";
  EXPECT_EQ(problems<Person>(body).size(), kRequestIssuesMax + 1);
}

TEST(Schema, RefusesMoreValuesThanTheLimit) {
  std::string body = "{\"x\":[";
  for (std::size_t i = 0; i < kJsonValuesMax; ++i) body += i ? ",1" : "1";
  body += "]}";
  EXPECT_THAT(problems<Person>(body), ElementsAre(Pair("", "too_many_values")));
}

TEST(Schema, ReadsAStructThatHoldsItself) {
  Tree out;
  std::vector<Issue> issues;
  ASSERT_TRUE(from_json(R"({"name":"a","children":[{"name":"b","children":[{"name":"c"}]}]})", out, issues));
  EXPECT_EQ(out.children[0].children[0].name, "c");
  EXPECT_EQ(to_json(out), R"({"name":"a","children":[{"name":"b","children":[{"name":"c","children":[]}]}]})");
}

TEST(Schema, WritesWhatItReads) {
  std::string const text =
      R"({"name":"Ana","email":null,"active":true,"level":7,"amount":0.1,"bonus":null,"ref":"66b0c0ffee0000000000a101",)"
      R"("colour":"red","note":"a\n\"b\"\\","day":"2026-01-02","at":"2026-01-02T03:04:05Z","tags":["x"],)"
      R"("addresses":[{"city":"Rome","zip":null}],"home":null,"extra":[1.0,"x"],"nick":"n"})";
  Person p;
  std::vector<Issue> issues;
  ASSERT_TRUE(from_json(text, p, issues)) << issues[0].message;
  EXPECT_EQ(to_json(p), text);
}

TEST(Schema, LeavesEmptyMembersOutWhenTheirRuleSaysSo) {
  EXPECT_EQ(to_json(Sparse{}), R"({"shown":null})");
  EXPECT_EQ(to_json(Sparse{"a", "b", {1, -2}}), R"({"shown":"a","hidden":"b","numbers":[1,-2]})");
  EXPECT_EQ(to_json(Empty{}), "{}");
}

TEST(Schema, WritesStringsThatAreValidJsonWhateverTheyHold) {
  std::string out;
  write_json_string(out, std::string_view("\"\\\n\r\t\b\x01\x7f é", 11));
  EXPECT_EQ(out, "\"\\\"\\\\\\n\\r\\t\\u0008\\u0001\x7f é\"");
  out.clear();
  write_json_string(out,
                    "a\xff"
                    "b\xc3");
  EXPECT_EQ(out,
            "\"a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\"");
}

TEST(Schema, ReadsQueryParameters) {
  ListIn in;
  std::vector<Issue> issues;
  std::vector<std::pair<std::string, std::string>> const pairs{
      {"page", "3"},   {"silent", "1"}, {"status", "red"}, {"other", "x"}, {"fields", "red, blue"}, {"job", "66b0c0ffee0000000000a101"},
      {"least", "1.5"}};
  ASSERT_TRUE(from_pairs(pairs, in, issues)) << issues[0].message;
  EXPECT_EQ(in.page, 3);
  EXPECT_EQ(in.silent, true);
  EXPECT_EQ(in.status, "red");
  EXPECT_THAT(in.fields, ElementsAre("red", "blue"));
  EXPECT_EQ(in.job->to_string(), "66b0c0ffee0000000000a101");
  EXPECT_EQ(in.least->micros, 1'500'000);
}

TEST(Schema, TakesUndefinedNullAndEmptyParametersAsNotGiven) {
  ListIn in;
  std::vector<Issue> issues;
  std::vector<std::pair<std::string, std::string>> const pairs{{"page", "undefined"}, {"page", "2"}, {"silent", "null"}, {"status", ""}};
  EXPECT_FALSE(from_pairs(pairs, in, issues));
  EXPECT_THAT(problems_of(issues), ElementsAre(Pair("status", "required")));
  EXPECT_EQ(in.page, 2);
  EXPECT_EQ(in.silent, std::nullopt);
}

TEST(Schema, ReportsAllBadParametersTogether) {
  ListIn in;
  std::vector<Issue> issues;
  std::vector<std::pair<std::string, std::string>> const pairs{{"page", "0"},     {"silent", "yes"}, {"status", "red"}, {"status", "red"},
                                                               {"fields", "rot"}, {"job", "12"},     {"least", "1,5"}};
  EXPECT_FALSE(from_pairs(pairs, in, issues));
  EXPECT_THAT(problems_of(issues),
              ElementsAre(Pair("page", "too_small"), Pair("silent", "not_a_boolean"), Pair("status", "duplicate_member"),
                          Pair("fields", "not_an_option"), Pair("job", "not_an_id"), Pair("least", "not_a_number")));
  EXPECT_EQ(issues[0].message, "page must be at least 1.");
  for (char const* bad : {"1.0", "+1", " 1", "1 ", "0x1", "99999999999999999999"}) {
    issues.clear();
    EXPECT_FALSE(from_pairs(std::vector<std::pair<std::string, std::string>>{{"page", bad}, {"status", "red"}}, in, issues)) << bad;
  }
}

TEST(JsonNumbers, AreExactWithAndWithoutExponent) {
  struct Case {
    char const* text;
    char const* value;  // or the error
  };
  for (auto const& c : std::vector<Case>{{"0", "0"},
                                         {"-0", "0"},
                                         {"0.1", "0.1"},
                                         {"0.000001", "0.000001"},
                                         {"8999999999999.999999", "8999999999999.999999"},
                                         {"-8999999999999.999999", "-8999999999999.999999"},
                                         {"1e3", "1000"},
                                         {"1E+3", "1000"},
                                         {"12.5e-1", "1.25"},
                                         {"1.25e2", "125"},
                                         {"123456e-6", "0.123456"},
                                         {"1e-6", "0.000001"},
                                         {"10e-7", "0.000001"},
                                         {"0e999999999", "0"},
                                         {"0.0e-999999999", "0"},
                                         {"-2.5e0", "-2.5"},
                                         {"0.00000000000001e14", "1"},
                                         {"1e-7", "decimals"},
                                         {"1e13", "range"},
                                         {"9e12", "range"},
                                         {"1e999999999", "range"},
                                         {"1e-999999999", "decimals"},
                                         {"12345678901234.5e-3", "12345678901.2345"},
                                         {"12345678901234e-2", "123456789012.34"},
                                         {"12345678901234567e-3", "range"},
                                         {"12345678901234567e-8", "decimals"},
                                         {"1.0000000", "decimals"}}) {
    auto const parsed = json_decimal(c.text);
    std::string const got = parsed.error == DecimalError::none                ? parsed.value.to_string()
                            : parsed.error == DecimalError::too_many_decimals ? "decimals"
                            : parsed.error == DecimalError::out_of_range      ? "range"
                                                                              : "none";
    EXPECT_EQ(got, c.value) << c.text;
  }
  EXPECT_EQ(json_integer("9223372036854775807").value, INT64_MAX);
  EXPECT_EQ(json_integer("-9223372036854775808").value, INT64_MIN);
  EXPECT_EQ(json_integer("1.50e2").value, 150);
  EXPECT_EQ(json_integer("100e-2").value, 1);
  EXPECT_EQ(json_integer("3.0").value, 3);
  EXPECT_EQ(json_integer("0.5e0").error, DecimalError::not_a_number);
  EXPECT_EQ(json_integer("1e19").error, DecimalError::out_of_range);
}

TEST(JsonTree, GivesValuesInTheOrderOfTheText) {
  JsonTree tree;
  std::vector<Issue> issues;
  ASSERT_TRUE(tree.parse(R"( {"b":[1,2.50,{"x":null}],"a":"t\u00e9","c":true} )", issues));
  std::string text;
  tree.root().write(text);
  EXPECT_EQ(text, "{\"b\":[1,2.50,{\"x\":null}],\"a\":\"té\",\"c\":true}");
  EXPECT_EQ(tree.root().size(), 3u);
  auto const b = tree.root().find("b");
  ASSERT_TRUE(b);
  std::vector<JsonKind> kinds;
  for (auto item : *b) kinds.push_back(item.kind());
  EXPECT_THAT(kinds, ElementsAre(JsonKind::number, JsonKind::number, JsonKind::object));
  EXPECT_EQ(tree.root().find("a")->text(), "té");
  EXPECT_TRUE(tree.root().find("c")->truth());
  EXPECT_FALSE(tree.root().find("d"));
}

}  // namespace
}  // namespace fealty::api::test
