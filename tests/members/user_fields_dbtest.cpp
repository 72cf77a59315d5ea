#include "members/user_fields.h"

#include <gmock/gmock.h>

#include <thread>

#include "api/envelope.h"
#include "api/json_tree.h"
#include "members/member_store.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::members {
namespace {

using test::kNow;
using test::number;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr CommunityNo kHere{1}, kElsewhere{2};

struct Told {
  int status = 0;
  std::string body;
  std::string code() const { return member("code"); }
  // A member of the answer, or of its data, as text.
  std::string member(std::string const& name) const {
    api::JsonTree tree;
    std::vector<Issue> issues;
    if (!tree.parse(body, issues)) return "no JSON: " + body;
    for (auto const& object : {std::optional(tree.root()), tree.root().find("data")}) {
      if (!object) continue;
      if (auto const found = object->find(name)) {
        std::string out;
        if (found->kind() == api::JsonKind::string) return std::string(found->text());
        found->write(out);
        return out;
      }
    }
    return "";
  }
};

class UserFields : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    for (auto const community : {kHere, kElsewhere}) test::add_community(db(), community.value);
    for (int member = 1; member <= 3; ++member) test::add_member(db(), kHere, member);
    service_ = std::make_unique<UserFieldsService>(db(), numbers_);
  }
  api::Context context(CommunityNo community = kHere) const {
    api::Context c;
    c.principal.kind = api::PrincipalKind::community_key;
    c.principal.community = c.community = community;
    c.principal.community_id = PublicId::of(community.value, kNow);
    c.principal.key_prefix = "fk_test";
    c.now = kNow;
    return c;
  }
  Told call(std::string const& id, std::string body = "", std::vector<std::string> path = {},
            std::vector<std::pair<std::string, std::string>> query = {}, CommunityNo community = kHere, std::string const& once = "") {
    for (auto const& route : user_fields_routes(*service_)) {
      if (route.id != id) continue;
      api::Request request;
      request.body = std::move(body);
      request.path_args = {context(community).principal.community_id.to_string()};
      request.path_args.insert(request.path_args.end(), path.begin(), path.end());
      request.query = std::move(query);
      if (!once.empty()) request.headers.push_back({"idempotency-key", once});
      auto c = context(community);
      auto const response = api::render(route.family, route.handler(c, request), "request");
      return {response.status, response.body};
    }
    ADD_FAILURE() << "there is no route " << id;
    return {};
  }
  Told create(std::string const& body, CommunityNo community = kHere) { return call("user_fields.create", body, {}, {}, community); }
  std::string made(std::string const& body) {
    auto const answer = create(body);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.member("_id");
  }
  Told update(std::string const& id, std::string const& body) { return call("user_fields.update", body, {id}); }
  void hold(int member, std::string const& id, std::optional<std::string> text, std::optional<std::int64_t> number = {}) {
    db().write(
        [&](sql::Tx& tx) { set_values(tx, kHere, {{{member}, {PublicId::parse(id)->number}, number, std::move(text), {1}, false}}); });
  }
  std::vector<std::string> problems(std::string const& body) {
    api::JsonTree tree;
    std::vector<Issue> issues;
    EXPECT_TRUE(tree.parse(body, issues)) << body;
    std::vector<std::string> out;
    auto const list = tree.root().find("meta")->find("validation");
    for (auto const item : *list) out.push_back(std::string(item.find("field")->text()) + " " + std::string(item.find("code")->text()));
    return out;
  }

  NumberSource numbers_{1};
  std::unique_ptr<UserFieldsService> service_;
};
FEALTY_ON_BOTH_ENGINES(UserFields);

TEST_P(UserFields, AreMadeAsThePublishedPageSays) {
  auto const answer = create(R"({"name":"Deposit amount","field":"deposit amount","type":"numerical","description":"Sum"})");
  EXPECT_EQ(answer.status, 201);
  auto const id = answer.member("_id");
  EXPECT_EQ(answer.body,
            R"({"meta":{"status":"success","statusCode":201},"message":"Create user field successful","data":{"_id":")" + id +
                R"(","field":"deposit-amount","name":"Deposit amount","type":"numerical","creator":null,"communityId":")" +
                context().principal.community_id.to_string() +
                R"(","createdAt":"2026-04-07T09:00:00.000Z","updatedAt":"2026-04-07T09:00:00.000Z","description":"Sum","required":false,)"
                R"("defaultValue":null,"options":[],"visibility":"admin","memberEditable":false,"identifier":null,"isCustom":true}})");
}

TEST_P(UserFields, AreMadeOnceByOneIdempotencyKey) {
  std::string const body = R"({"name":"Tier","type":"text"})";
  auto const first = call("user_fields.create", body, {}, {}, kHere, "k");
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(call("user_fields.create", body, {}, {}, kHere, "k").body, first.body);
  EXPECT_EQ(call("user_fields.create", R"({"name":"Other","type":"text"})", {}, {}, kHere, "k").code(), "idempotency_key_reused");
  EXPECT_EQ(create(body).code(), "field_exists") << "without the key it is another request";
  EXPECT_EQ(number(db(), "SELECT count(*) FROM fields"), 1);
}

TEST_P(UserFields, TakeBothSpellingsOfTypesAndGiveThemBack) {
  for (std::string const type : {"single-line-text", "text", "multi-line-text", "numerical", "number", "date", "boolean"}) {
    auto const answer = create(R"({"name":"F )" + type + R"(","type":")" + type + "\"}");
    EXPECT_EQ(answer.status, 201) << answer.body;
    EXPECT_EQ(answer.member("type"), type);
  }
  EXPECT_EQ(create(R"({"name":"Plan","type":"select","options":["free","gold"]})").member("options"), R"(["free","gold"])");
}

TEST_P(UserFields, KeepDefaultsOfEveryType) {
  struct Case {
    std::string type, value, more;
  };
  for (auto const& c : std::vector<Case>{{"text", R"("none yet")", ""},
                                         {"numerical", "12.5", ""},
                                         {"number", R"("0.000001")", ""},
                                         {"boolean", "true", ""},
                                         {"date", R"("2026-02-28")", ""},
                                         {"select", R"("gold")", R"(,"options":["free","gold"])"}}) {
    auto const answer = create(R"({"name":"D )" + c.type + R"(","type":")" + c.type + R"(","defaultValue":)" + c.value + c.more + "}");
    EXPECT_EQ(answer.status, 201) << answer.body;
    auto const shown = answer.member("defaultValue");
    EXPECT_EQ(c.type == "number" ? "\"" + shown + "\"" : shown == "true" || c.type == "numerical" ? shown : "\"" + shown + "\"", c.value);
  }
}

TEST_P(UserFields, AreRefusedWithEveryProblemAtOnce) {
  auto const answer =
      create(R"({"name":"Deposits_op","field":"a b!","type":"numerical","options":["x"],"defaultValue":[1],"memberEditable":true,)"
             R"("identifier":{"enabled":true,"dataAttribute":"onclick"}})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(problems(answer.body),
              testing::UnorderedElementsAre("/defaultValue bad_value", "/name bad_value", "/field bad_field_key", "/options bad_value",
                                            "/memberEditable bad_value", "/identifier/dataAttribute bad_value"));
  EXPECT_THAT(problems(create("{}").body), testing::UnorderedElementsAre("/name required", "/type required"));
  EXPECT_THAT(problems(create(R"({"name":"X","type":"money"})").body), ElementsAre("/type not_an_option"));
  EXPECT_EQ(number(db(), "SELECT count(*) FROM fields"), 0);
}

TEST_P(UserFields, ShareOneNameSpaceWithTheDefaultOnes) {
  made(R"({"name":"Account type","field":"account","type":"text"})");
  for (std::string const body : {R"({"name":"account TYPE","type":"text"})", R"({"name":"Other","field":"Account","type":"text"})",
                                 R"({"name":"Account","type":"text"})", R"({"name":"First Name","type":"text"})",
                                 R"({"name":"Anything","field":"premium_currency","type":"text"})"}) {
    auto const answer = create(body);
    EXPECT_EQ(answer.status, 409) << body << answer.body;
    EXPECT_EQ(answer.code(), "field_exists");
  }
  EXPECT_EQ(create(R"({"name":"Account type","field":"account","type":"text"})", kElsewhere).status, 201) << "another community's own";
}

TEST_P(UserFields, OfTwoCreationsAtOnceOneIsMade) {
  std::atomic<int> created{0}, refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      auto const status = create(R"({"name":"Deposits","type":"number"})").status;
      (status == 201 ? created : refused) += status == 201 || status == 409;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(created, 1);
  EXPECT_EQ(refused, 7);
}

TEST_P(UserFields, AreListedWithTheDefaultOnes) {
  made(R"({"name":"Zebra","type":"text","visibility":"public"})");
  made(R"({"name":"Apple","type":"text"})");
  auto const all = call("user_fields.list");
  EXPECT_EQ(all.status, 200);
  EXPECT_THAT(
      all.body,
      HasSubstr(R"("meta":{"status":"success","statusCode":200,"page":1,"limit":20,"total":17},"message":"Get user fields successful")"));
  EXPECT_THAT(all.body, HasSubstr(R"("field":"premium_currency")"));
  auto names = [&](std::vector<std::pair<std::string, std::string>> query) {
    query.emplace_back("fields", "name");
    return call("user_fields.list", "", {}, std::move(query)).member("data");
  };
  EXPECT_EQ(names({{"type", "custom"}}), R"([{"name":"Zebra"},{"name":"Apple"}])");
  EXPECT_EQ(names({{"type", "custom"}, {"sort", "name:asc"}}), R"([{"name":"Apple"},{"name":"Zebra"}])");
  EXPECT_EQ(names({{"sort", "name:desc"}, {"limit", "2"}}), R"([{"name":"Zebra"},{"name":"XP"}])");
  EXPECT_EQ(names({{"search", "keyword:zeb"}}), R"([{"name":"Zebra"}])");
  EXPECT_EQ(names({{"filter", "visibility:public"}}), R"([{"name":"Zebra"}])");
  EXPECT_EQ(names({{"page", "9"}, {"limit", "2"}}), R"([{"name":"Apple"}])");
  auto const wrong = call("user_fields.list", "", {}, {{"fields", "name,secret"}, {"sort", "size"}, {"search", "zeb"}});
  EXPECT_THAT(problems(wrong.body), testing::UnorderedElementsAre("fields unknown_field", "sort bad_value", "search bad_value"));
}

TEST_P(UserFields, AreFoundByTheirId) {
  auto const id = made(R"({"name":"Deposits","type":"number"})");
  EXPECT_EQ(call("user_fields.get", "", {id}).member("name"), "Deposits");
  auto const first = call("user_fields.list", "", {}, {{"limit", "1"}, {"fields", "_id"}}).member("data");
  auto const default_id = first.substr(first.find(":\"") + 2, 24);
  EXPECT_EQ(call("user_fields.get", "", {default_id}).member("isCustom"), "false");
  EXPECT_EQ(call("user_fields.get", "", {"12"}).status, 400);
  auto const theirs = create(R"({"name":"Deposits","type":"number"})", kElsewhere).member("_id");
  auto const foreign = call("user_fields.get", "", {theirs}), unknown = call("user_fields.get", "", {"6b0000000000000000abcdef"});
  EXPECT_EQ(foreign.status, 404);
  EXPECT_EQ(foreign.body, unknown.body);
  for (auto const* operation : {"user_fields.update", "user_fields.delete"}) {
    EXPECT_EQ(call(operation, R"({"name":"X","type":"text"})", {default_id}).code(), "default_field");
    EXPECT_EQ(call(operation, R"({"name":"X","type":"text"})", {theirs}).status, 404);
  }
}

TEST_P(UserFields, AreChangedAndWhatIsAbsentStays) {
  auto const id = made(R"({"name":"Plan","type":"select","options":["free","gold"],"description":"Which","defaultValue":"free"})");
  auto const later = update(id, R"({"name":"The plan","type":"select"})");
  EXPECT_EQ(later.status, 200) << later.body;
  EXPECT_EQ(later.member("message"), "Updated user field");
  EXPECT_EQ(later.member("name"), "The plan");
  EXPECT_EQ(later.member("field"), "Plan");
  EXPECT_EQ(later.member("options"), R"(["free","gold"])");
  EXPECT_EQ(later.member("description"), "Which");
  EXPECT_EQ(later.member("defaultValue"), "free");
  EXPECT_EQ(update(id, R"({"name":"The plan","type":"select","defaultValue":null})").member("defaultValue"), "null");
  EXPECT_EQ(create(R"({"name":"plan2","type":"text"})").status, 201) << "its former name is free";
  EXPECT_EQ(update(id, R"({"name":"The plan","type":"select","field":"other"})").code(), "key_is_fixed");
  EXPECT_EQ(update(id, R"({"name":"The plan","type":"select","field":"Plan"})").status, 200);
  EXPECT_EQ(update(id, R"({"name":"plan2","type":"select"})").code(), "field_exists");
  EXPECT_EQ(update(id, R"({"name":"XP","type":"select"})").code(), "field_exists");
}

TEST_P(UserFields, TheSameAgainChangesNothing) {
  auto const id = made(R"({"name":"Plan","type":"text"})");
  test::run(db(), "UPDATE fields SET updated_at = 5000");
  EXPECT_EQ(update(id, R"({"name":"Plan","type":"text"})").member("updatedAt"), "1970-01-01T00:00:05.000Z");
  EXPECT_EQ(update(id, R"({"name":"Plan","type":"single-line-text"})").member("updatedAt"), "2026-04-07T09:00:00.000Z");
}

TEST_P(UserFields, ATypeThatValuesWouldNotFitIsRefused) {
  auto const text = made(R"({"name":"Note","type":"text"})"), plan = made(R"({"name":"Plan","type":"select","options":["a","b","c"]})");
  EXPECT_EQ(update(text, R"({"name":"Note","type":"number"})").status, 200) << "nobody holds a value";
  EXPECT_EQ(update(text, R"({"name":"Note","type":"text"})").status, 200);
  hold(1, text, "hello");
  hold(1, plan, "a");
  hold(2, plan, "b");
  for (std::string const type : {"number", "date", "boolean"}) {
    auto const answer = update(text, R"({"name":"Note","type":")" + type + "\"}");
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.code(), "type_in_use");
    EXPECT_EQ(answer.member("values"), "1");
  }
  EXPECT_EQ(update(text, R"({"name":"Note","type":"single-line-text"})").status, 200) << "the same kind";
  EXPECT_EQ(update(text, R"({"name":"Note","type":"multi-line-text"})").status, 200);
  EXPECT_EQ(update(text, R"({"name":"Note","type":"text"})").code(), "type_in_use") << "shorter";
  EXPECT_EQ(update(plan, R"({"name":"Plan","type":"select","options":["a","b"]})").status, 200) << "nobody has c";
  EXPECT_EQ(update(plan, R"({"name":"Plan","type":"select","options":["a"]})").code(), "type_in_use");
}

TEST_P(UserFields, IdentifyMembersOnlyWhileValuesDiffer) {
  auto const id = made(R"({"name":"Customer","type":"text"})"), amount = made(R"({"name":"Account","type":"number"})");
  hold(1, id, "c-1");
  hold(2, id, "c-1");
  hold(1, amount, {}, 1'500'000);
  auto const body = R"({"name":"Customer","type":"text","identifier":{"enabled":true,"dataAttribute":"data-customer-id"}})";
  EXPECT_EQ(update(id, body).code(), "duplicate_values");
  EXPECT_EQ(update(id, body).member("values"), "1");
  test::run(db(), "UPDATE field_values SET text = 'c-2' WHERE member_id = 2");
  auto const on = update(id, body);
  EXPECT_EQ(on.member("identifier"), R"({"enabled":true,"dataAttribute":"data-customer-id"})") << on.body;
  EXPECT_EQ(number(db(), "SELECT count(*) FROM identifier_values WHERE value_key LIKE 'c-%'"), 2);
  EXPECT_EQ(update(amount, R"({"name":"Account","type":"number","identifier":{"enabled":true}})").status, 200);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM identifier_values WHERE value_key = '1.5'"), 1);
  EXPECT_EQ(update(id, R"({"name":"Customer","type":"text","identifier":null})").member("identifier"), "null");
  EXPECT_EQ(number(db(), "SELECT count(*) FROM identifier_values"), 1);
}

TEST_P(UserFields, DisappearAtOnceAndLeaveTheKeyFree) {
  auto const id = made(R"({"name":"Deposits","type":"number","identifier":{"enabled":true}})");
  hold(1, id, {}, 5'000'000);
  auto const gone = call("user_fields.delete", "", {id});
  EXPECT_EQ(gone.body,
            R"({"meta":{"status":"success","statusCode":200},"message":"Delete user field successful","data":{"_id":")" + id + "\"}}");
  EXPECT_EQ(call("user_fields.delete", "", {id}).status, 404);
  EXPECT_EQ(call("user_fields.get", "", {id}).status, 404);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM identifier_values"), 0);
  auto const again = made(R"({"name":"Deposits","type":"number"})");
  EXPECT_NE(again, id);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM field_values WHERE field_id = " + std::to_string(PublicId::parse(again)->number)), 0);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE action LIKE 'field.%'"), 3);
}

}  // namespace
}  // namespace fealty::members
