#include <latch>
#include <thread>

#include "members/fields.h"
#include "members/members.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::members {
namespace {

using testing::ElementsAre;

access::Actor const kActor{"operator", "shell", "Test"};
constexpr CommunityNo kHere{1};

class Fields : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    test::add_community(db(), kHere.value);
  }
  Result<CustomField> create(std::string name, std::string type = "text", std::string key = "") {
    NewField field;
    field.name = std::move(name);
    field.type = std::move(type);
    field.key = std::move(key);
    return create(field);
  }
  Result<CustomField> create(NewField const& field) { return FieldService(db(), numbers_).create(kHere, field, kActor, test::kNow); }
  std::string code(Result<CustomField> const& result) {
    if (result) return "made " + result->key;
    std::string out(result.error().code());
    for (auto const& issue : result.error().issues) out += " " + issue.field;
    return out;
  }
  NumberSource numbers_{1};
};
FEALTY_ON_BOTH_ENGINES(Fields);

TEST_P(Fields, KeysAndNamesShareOneNameSpace) {
  struct Case {
    char const* name;
    char const* key;
    char const* expected;
  };
  Case const cases[] = {
      {"Deposit amount", "", "made Deposit-amount"},
      {"deposit AMOUNT", "other", "field_exists"},
      {"Other", "DEPOSIT-amount", "field_exists"},
      {"Deposit-Amount", "", "field_exists"},
      {"Größe", "", "made Größe"},
      {"GRÖSSE", "", "field_exists"},
      {"Email", "e", "field_exists"},
      {"x", "first_name", "field_exists"},
      {"Premium Currency", "p", "field_exists"},
      {"Status", "s", "field_exists"},
      {"Coins_op", "c", "invalid_request name"},
      {"Fine", "x_OP", "invalid_request name"},
      {"", "", "invalid_request name field"},
      {"Bad key", "a b/c", "invalid_request field"},
      {"two\nlines", "k", "invalid_request name"},
      {"  Trimmed  ", "", "made Trimmed"},
  };
  for (auto const& c : cases) EXPECT_EQ(code(create(c.name, "text", c.key)), c.expected) << c.name;
  EXPECT_EQ(code(create("Typeless", "nothing")), "invalid_request type");
}

TEST_P(Fields, OfOneNameMadeAtOnceOnlyOneIsMade) {
  constexpr int kThreads = 8;
  std::latch start(kThreads);
  std::atomic<int> made{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      EXPECT_EQ(test::number(db(), "SELECT count(*) FROM fields"), 0);
      start.arrive_and_wait();
      auto const result = create("Score");
      if (result)
        ++made;
      else
        EXPECT_EQ(result.error().code(), "field_exists");
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM fields"), 1);
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM field_names"), 1);
}

TEST_P(Fields, ARemovedFieldFreesItsNameForAnotherField) {
  auto const first = *create("Score", "numerical");
  ASSERT_TRUE(FieldService(db(), numbers_).remove(kHere, "Score", kActor, test::kNow));
  EXPECT_EQ(FieldService(db(), numbers_).remove(kHere, "Score", kActor, test::kNow).error().code(), "field_not_found");
  auto const second = *create("Score", "text");
  EXPECT_NE(first.number, second.number);
  auto const fields = db().read([](sql::Tx& tx) { return load_catalogue(tx, kHere).fields; });
  ASSERT_EQ(fields.size(), 1u);
  EXPECT_EQ(fields[0].number, second.number);
}

TEST_P(Fields, OptionsAndDefaultsFitTheType) {
  struct Case {
    char const* type;
    std::vector<std::string> options;
    char const* default_value;
    bool identifier;
    char const* expected;
  };
  Case const cases[] = {
      {"select", {"A", "B"}, "B", false, "made F0"},
      {"select", {}, "", false, "invalid_request options"},
      {"text", {"A"}, "", false, "invalid_request options"},
      {"select", {"A", "A"}, "", false, "invalid_request options"},
      {"select", {"A", ""}, "", false, "invalid_request options"},
      {"select", {"A"}, "C", false, "invalid_request defaultValue"},
      {"number", {}, "1.5", false, "made F6"},
      {"number", {}, "x", false, "invalid_request defaultValue"},
      {"boolean", {}, "TRUE", false, "made F8"},
      {"date", {}, "2026-02-30", false, "invalid_request defaultValue"},
      {"text", {}, "", true, "made F10"},
      {"boolean", {}, "", true, "invalid_request identifier"},
  };
  int n = 0;
  for (auto const& c : cases) {
    NewField field;
    field.name = "F" + std::to_string(n++);
    field.type = c.type;
    field.options = c.options;
    field.default_value = c.default_value;
    field.identifier = c.identifier;
    EXPECT_EQ(code(create(field)), c.expected) << field.name;
  }
  auto const fields = db().read([](sql::Tx& tx) { return load_catalogue(tx, kHere).fields; });
  ASSERT_EQ(fields.size(), 4u);
  EXPECT_THAT(fields[0].options, ElementsAre("A", "B"));
  EXPECT_EQ(fields[0].default_value, Value::of(std::string("B")));
  EXPECT_EQ(fields[1].default_value, Value::of(Decimal{1'500'000}));
  EXPECT_EQ(fields[2].default_value, (Value{true, true, 1, {}}));
  EXPECT_TRUE(fields[3].identifier);
}

TEST_P(Fields, ACommunityIsMadeWholeAndCanBeUsedAtOnce) {
  access::KeyService keys(db(), numbers_);
  CommunityService communities(db(), numbers_, keys);
  auto const wrong = communities.create({"", "nobody", "Mars/Olympus"}, kActor, test::kNow);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().issues.size(), 3u);
  auto const made = communities.create({"Club", "Owner@Example.org", "Europe/Berlin"}, kActor, test::kNow);
  ASSERT_TRUE(made);
  auto const second = communities.create({"Other", "owner@example.org", "UTC"}, kActor, test::kNow);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->owner, made->owner) << "one person owns both";
  api::Request request;
  request.headers.push_back({"x-api-key", made->system_key});
  EXPECT_EQ(keys.check(request, test::kNow)->community, made->number);
  ledger::LedgerService ledger(db(), numbers_);
  EXPECT_TRUE(ledger.change(
      made->number, {{made->owner_short_id}, "coins", ledger::Operator::add, {5}, {"api_key", "a", "", "", kActor}, "", ""}, test::kNow));
  auto const list = communities.list();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[1].id, made->community);
  EXPECT_EQ(list[1].members, 1);
}

}  // namespace
}  // namespace fealty::members
