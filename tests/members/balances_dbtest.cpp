#include "members/balances.h"

#include <latch>
#include <thread>

#include "api/envelope.h"
#include "members/fields.h"
#include "sql/failing.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::members {
namespace {

using test::kNow;
using test::number;
using test::run;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr CommunityNo kHere{1}, kElsewhere{2};
constexpr std::int64_t kUnit = Decimal::kScale;

struct Answered {
  int status = 0;
  std::string body;
};

class Balances : public test::DatabaseTest {
 protected:
  // Members 1 to 5 here, 5 and 6 elsewhere; 7 is invited, 8 deleted, 9 suspended, 10 banned here.
  void SetUp() override {
    DatabaseTest::SetUp();
    for (auto const community : {kHere, kElsewhere}) test::add_community(db(), community.value);
    for (int member = 1; member <= 5; ++member) test::add_member(db(), kHere, member);
    test::add_member(db(), kHere, 7, 1);
    test::add_member(db(), kHere, 8, 4);
    test::add_member(db(), kHere, 9, 2);
    test::add_member(db(), kHere, 10, 3);
    for (int member = 5; member <= 6; ++member) test::add_member(db(), kElsewhere, member);
    service_ = std::make_unique<BalancesService>(db(), numbers_);
  }

  api::Context context(std::int64_t key = 1) const {
    api::Context c;
    c.principal.kind = api::PrincipalKind::community_key;
    c.principal.community = c.community = kHere;
    c.principal.key = {key};
    c.principal.key_id = PublicId::of(key, kNow);
    c.principal.key_prefix = "fk_key" + std::to_string(key);
    c.principal.name = "Key " + std::to_string(key);
    c.request_id = "request";
    c.remote_address = "192.0.2.1";
    c.now = kNow + now_ms_;
    if (person_ > 0) {
      c.principal.kind = api::PrincipalKind::user;
      c.principal.role = api::CommunityRole::administrator;
      c.principal.account = {person_};
      c.principal.account_id = PublicId::of(person_, kNow);
      c.principal.name = "Mia";
    }
    return c;
  }
  // As the pipeline calls it, with the family's envelope around the answer.
  Answered call(std::string_view id, std::string body, std::string const& idempotency_key = "", std::int64_t key = 1) {
    return call_on(*service_, id, std::move(body), idempotency_key, key);
  }
  Answered call_on(BalancesService& service, std::string_view id, std::string body, std::string const& idempotency_key = "",
                   std::int64_t key = 1) {
    for (auto const& route : balances_routes(service)) {
      if (route.id != id) continue;
      api::Request request;
      request.body = std::move(body);
      if (!idempotency_key.empty()) request.headers.push_back({"idempotency-key", idempotency_key});
      auto caller = context(key);
      Result<api::Answer> answer;
      std::exception_ptr thrown;
      std::latch done(1);
      if (route.handler) {
        answer = route.handler(caller, request);
        done.count_down();
      } else {
        route.later(caller, request, [&](Result<api::Answer> given, std::exception_ptr e) {
          answer = std::move(given);
          thrown = e;
          done.count_down();
        });
      }
      done.wait();
      if (thrown) std::rethrow_exception(thrown);
      auto const response = api::render(route.family, answer, "request");
      return {response.status, response.body};
    }
    ADD_FAILURE() << "there is no route " << id;
    return {};
  }
  Answered adjust(std::string body, std::string const& idempotency_key = "", std::int64_t key = 1) {
    return call("balances.adjust", std::move(body), idempotency_key, key);
  }
  static std::string item(std::string const& identifier, std::string const& op, std::string const& amount, std::string const& more = "",
                          std::string const& currency = "coins") {
    return R"({"identifier":")" + identifier + R"(","currency":")" + currency + R"(","op":")" + op + R"(","amount":)" + amount + more + "}";
  }
  static std::string source(std::string const& id) { return R"(,"sourceId":")" + id + '"'; }

  std::int64_t balance(std::int64_t member, CommunityNo community = kHere) {
    return number(db(), "SELECT coalesce(sum(amount), 0) FROM balances WHERE currency_id = 2 AND community_id = " +
                            std::to_string(community.value) + " AND member_id = " + std::to_string(member)) /
           kUnit;
  }
  std::int64_t count(std::string const& table) { return number(db(), "SELECT count(*) FROM " + table); }
  void expect_sound() {
    db().read([&](sql::Tx& tx) { EXPECT_THAT(ledger::audit_balances(tx, kHere, 100), IsEmpty()); });
    EXPECT_EQ(number(db(), "SELECT count(*) FROM balances WHERE amount < 0"), 0);
  }

  std::int64_t person_ = 0;  // who calls, where it is no key
  NumberSource numbers_{1};
  std::unique_ptr<BalancesService> service_;
  std::int64_t now_ms_ = 0;
};
FEALTY_ON_BOTH_ENGINES(Balances);

TEST_P(Balances, AreChangedByReferencesOfEveryKind) {
  FieldService fields(db(), numbers_);
  NewField field;
  field.name = "Card";
  field.type = "text";
  field.identifier = true;
  auto const card = fields.create(kHere, field, {"operator", "shell", "Test"}, kNow);
  ASSERT_TRUE(card);
  run(db(), "INSERT INTO identifier_values (community_id, field_id, value_key, member_id) VALUES (1, " +
                std::to_string(card->number.value) + ", 'A-77', 1)");
  std::string const id = PublicId::of(1, kNow).to_string();
  struct Case {
    char const* what;
    std::string identifier, more;
  };
  Case const cases[] = {
      {"an e-mail in any case", " M1@Example.ORG ", ""},
      {"a short id", "1", ""},
      {"a public id", id, ""},
      {"a username in any case", "USER1", ""},
      {"a marked id", "id:1", ""},
      {"a marked username", "username:user1", ""},
      {"type email", "m1@example.org", R"(,"identifier_type":"email")"},
      {"type id", "1", R"(,"identifier_type":"id")"},
      {"type _id", id, R"(,"identifier_type":"_id")"},
      {"type username", "User1", R"(,"identifier_type":"username")"},
      {"type custom-field by name", "A-77", R"(,"identifier_type":"custom-field","field_name":"card")"},
  };
  std::int64_t sum = 0;
  for (auto const& c : cases) {
    auto const answer = adjust(item(c.identifier, "add", "1", c.more));
    EXPECT_EQ(answer.status, 200) << c.what << ": " << answer.body;
    EXPECT_EQ(balance(1), ++sum) << c.what;
  }
  expect_sound();
}

TEST_P(Balances, RefusalsNameTheirPartAndChangeNothing) {
  run(db(), "UPDATE accounts SET username = '2', username_key = '2' WHERE account_id = 3");
  run(db(), "UPDATE accounts SET username = '4', username_key = '4' WHERE account_id = 6");
  run(db(), "UPDATE currencies SET is_enabled = 0 WHERE code = 'premium'");
  run(db(), "UPDATE currencies SET decimals = 0 WHERE code = 'xp'");
  ASSERT_EQ(adjust(item("1", "add", "5")).status, 200);
  auto const before = test::dump(db());
  std::string const other_community = PublicId::of(6, kNow).to_string(), wrong_time = PublicId::of(1, kNow + 5'000).to_string();
  struct Case {
    std::string body;
    int status;
    char const* code;
    char const* field;
  };
  Case const cases[] = {
      {item("nobody", "add", "1"), 404, "user_not_found", "/identifier"},
      {item("99", "add", "1"), 404, "user_not_found", "/identifier"},
      {item("m6@example.org", "add", "1"), 404, "user_not_found", "/identifier"},
      {item(other_community, "add", "1"), 404, "user_not_found", "/identifier"},
      {item(wrong_time, "add", "1"), 404, "user_not_found", "/identifier"},
      {item("-1", "add", "1", R"(,"identifier_type":"id")"), 404, "user_not_found", "/identifier"},
      {item("m8@example.org", "add", "1"), 404, "user_not_found", "/identifier"},
      {item("m7@example.org", "add", "1"), 409, "user_not_joined", "/identifier"},
      {item("2", "add", "1"), 409, "ambiguous_member", "/identifier"},
      {item("1", "add", "1", R"(,"identifier_type":"custom-field","field_name":"Card")"), 400, "not_an_identifier", "/field_name"},
      {item("1", "add", "1", R"(,"identifier_type":"custom-field")"), 400, "invalid_request", "/field_name"},
      {item("1", "add", "1", R"(,"identifier_type":"phone")"), 400, "invalid_request", "/identifier_type"},
      {item("1", "add", "1", "", "gold"), 404, "currency_not_found", "/currency"},
      {item("1", "add", "1", "", "premium"), 409, "currency_disabled", "/currency"},
      {item("1", "add", "-1"), 400, "negative_value", "/amount"},
      {item("1", "subtract", "-1"), 400, "negative_value", "/amount"},
      {item("1", "subtract", "5.000001"), 409, "insufficient_balance", "/amount"},
      {item("1", "overwrite", "-1"), 409, "insufficient_balance", "/amount"},
      {item("1", "add", "0.5", "", "xp"), 400, "amount_out_of_range", "/amount"},
      {item("1", "add", "8999999999999"), 409, "balance_limit", "/amount"},
      {item("1", "add", "1e400"), 400, "invalid_request", "/amount"},
      {item("1", "add", "0.1234567"), 400, "invalid_request", "/amount"},
      {item("1", "add", R"("one")"), 400, "invalid_request", "/amount"},
      {item("1", "multiply", "1"), 400, "invalid_request", "/op"},
      {item("1", "add", "1", R"(,"reason":"Top up")"), 400, "invalid_request", "/reason"},
      {item("1", "add", "1", R"(,"reason":"")"), 400, "invalid_request", "/reason"},
      {item("1", "add", "1", source("")), 400, "invalid_request", "/sourceId"},
      {item("1", "add", "1", source(std::string(256, 'x'))), 400, "invalid_request", "/sourceId"},
      {item("", "add", "1"), 400, "invalid_request", "/identifier"},
      {R"({"items":[]})", 400, "invalid_request", "/items"},
      {R"({"items":[)" + item("1", "add", "1") + R"(],"amount":1})", 400, "invalid_request", "/items"},
      {"[]", 400, "invalid_request", ""},
      {"{", 400, "invalid_request", ""},
  };
  for (auto const& c : cases) {
    auto const answer = adjust(c.body);
    EXPECT_EQ(answer.status, c.status) << c.body << answer.body;
    EXPECT_THAT(answer.body, HasSubstr(std::string("\"code\":\"") + c.code + '"')) << c.body;
    EXPECT_THAT(answer.body, HasSubstr(std::string("{\"field\":\"") + c.field + '"')) << c.body;
  }
  EXPECT_EQ(test::dump(db()), before);
  // A username that looks like the id of a stranger is no reason to doubt.
  EXPECT_EQ(adjust(item("4", "add", "1")).status, 200);
  EXPECT_EQ(balance(4), 1);
}

TEST_P(Balances, TellAllProblemsOfARequestAtOnce) {
  auto const missing = adjust("{}");
  for (auto const* name : {"/identifier", "/currency", "/op", "/amount"}) EXPECT_THAT(missing.body, HasSubstr(name));
  auto const bad = adjust(R"({"identifier":5,"op":"x","amount":"1.2.3"})");
  for (auto const* part : {R"("field":"/identifier","code":"not_a_string")", R"("field":"/op","code":"not_an_option")",
                           R"("field":"/amount","code":"not_a_number")", R"("field":"/currency","code":"required")"})
    EXPECT_THAT(bad.body, HasSubstr(part));
  EXPECT_THAT(bad.body, Not(HasSubstr(R"("field":"/identifier","code":"required")")));

  auto const items = adjust(R"({"items":[)" + item("1", "add", "1") + "," + item("nobody", "add", "1") + "," +
                            item("1", "add", "1", "", "gold") + "," + item("2", "subtract", "7") + "]}");
  EXPECT_EQ(items.status, 404);
  EXPECT_THAT(items.body, HasSubstr(R"("message":"Item 1: There is no such member in this community. Nothing was changed.")"));
  for (auto const* part :
       {R"("field":"/items/1/identifier","code":"user_not_found")", R"("field":"/items/2/currency","code":"currency_not_found")",
        R"("field":"/items/3/amount","code":"insufficient_balance")", R"("currency":"coins","balance":0,"required":7)"})
    EXPECT_THAT(items.body, HasSubstr(part));
  EXPECT_THAT(items.body, Not(HasSubstr("/items/0")));
  EXPECT_EQ(count("ledger_entries"), 0);
}

TEST_P(Balances, AnswerTheEntryAndKeepWhoAndWhy) {
  auto const answer = adjust(item("m1@example.org", "add", R"("25.50")", source("topup-1") + R"(,"reason":"top_up","note":"thanks\nAna")"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  std::string const key = PublicId::of(1, kNow).to_string(), user = PublicId::of(1, kNow).to_string();
  for (auto const& part : {std::string(R"({"status":"success","message":"Balances adjusted successfully","data":{"entry":{"_id":")"),
                           R"("user":{"_id":")" + user +
                               R"(","id":"1","username":"user1"},"currency":"coins","class":"earn","amount":25.5,"balanceAfter":25.5)",
                           R"("source":{"kind":"api_key","id":")" + key + R"(:topup-1","leg":""},"reason":"top_up","note":"thanks\nAna")",
                           R"("actor":{"type":"api_key","id":")" + key + R"(","name":"Key 1"},"reversalOf":null)",
                           std::string(R"("balance":25.5,"duplicate":false}})")})
    EXPECT_THAT(answer.body, HasSubstr(part));
  EXPECT_THAT(adjust(item("1", "subtract", "5.5")).body, HasSubstr(R"("class":"spend","amount":-5.5,"balanceAfter":20)"));
  EXPECT_THAT(adjust(item("1", "overwrite", "20")).body, HasSubstr(R"("data":{"entry":null,"balance":20,"duplicate":false})"));
  EXPECT_EQ(test::text(db(), "SELECT note FROM change_sources WHERE reason = 'top_up'"), "thanks\nAna");
  // One audit row for each request that changed something.
  EXPECT_EQ(count("audit_entries"), 2);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'balance.adjusted' AND target = '" + user +
                             "' AND actor_type = 'community_key' AND actor_id = 'fk_key1' AND remote_address = '192.0.2.1'"),
            2);
  EXPECT_THAT(test::text(db(), "SELECT detail FROM audit_entries ORDER BY audit_id LIMIT 1"),
              HasSubstr(R"("currency":"coins","before":0,"after":25.5,"entry":")"));
  expect_sound();
}

TEST_P(Balances, OfAPersonsAdjustmentTheEntryAndTheTrailNameThePerson) {
  person_ = 2;
  auto const answer = adjust(item("1", "add", "5", R"(,"note":"a prize")"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("source":{"kind":"admin","id":")" + PublicId::of(2, kNow).to_string() + ":auto:"));
  EXPECT_THAT(answer.body, HasSubstr(R"("actor":{"type":"user","id":"2","name":"Mia"})"));
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE actor_type = 'user' AND actor_id = '2'"), 1);
}

TEST_P(Balances, ItemsAreAppliedInTheirOrderAllOrNone) {
  auto const good = adjust(R"({"items":[)" + item("1", "add", "10") + "," + item("1", "subtract", "4") + "," + item("2", "add", "3") + "," +
                           item("1", "overwrite", "6") + "]}");
  ASSERT_EQ(good.status, 200) << good.body;
  EXPECT_THAT(good.body, HasSubstr(R"("data":{"items":[{"entry":{)"));
  EXPECT_THAT(good.body, HasSubstr(R"("balance":10,"duplicate":false},{"entry":{)"));
  EXPECT_THAT(good.body, HasSubstr(R"({"entry":null,"balance":6,"duplicate":false}]})"));
  EXPECT_EQ(balance(1), 6);
  EXPECT_EQ(balance(2), 3);
  EXPECT_EQ(test::text(db(), "SELECT target FROM audit_entries"), "") << "of several members";

  auto const before = test::dump(db());
  EXPECT_EQ(adjust(R"({"items":[)" + item("1", "add", "10", source("a")) + "," + item("2", "subtract", "4") + "]}").status, 409);
  EXPECT_EQ(test::dump(db()), before);
  EXPECT_EQ(adjust(item("1", "add", "1", source("a"))).status, 200) << "a refused request does not use its sources up";

  std::string many = R"({"items":[)";
  for (int i = 0; i < 101; ++i) many += (i ? "," : "") + item("1", "add", "1");
  EXPECT_EQ(adjust(many + "]}").status, 400);
  EXPECT_EQ(adjust(many.substr(0, many.rfind(",{")) + "]}").status, 200);
  EXPECT_EQ(balance(1), 107);
  expect_sound();
}

TEST_P(Balances, ASourceCountsOnceForEveryKeyMemberAndCurrency) {
  auto const first = adjust(item("1", "add", "5", source("s") + R"(,"reason":"first")"));
  ASSERT_EQ(adjust(item("1", "add", "100")).status, 200);
  auto const again = adjust(item("user1", "add", "5.0", source("s") + R"(,"reason":"second")"));
  EXPECT_EQ(again.status, 200);
  std::string expected = first.body;
  expected.replace(expected.find("\"duplicate\":false"), 17, "\"duplicate\":true");
  EXPECT_EQ(again.body, expected) << "the first entry, as it was";
  auto const reused = adjust(item("1", "add", "6", source("s")));
  EXPECT_EQ(reused.status, 409);
  EXPECT_THAT(reused.body, HasSubstr(R"("field":"/sourceId","code":"source_reused")"));
  EXPECT_EQ(adjust(item("1", "subtract", "5", source("s"))).status, 409);
  EXPECT_EQ(balance(1), 105);
  EXPECT_EQ(count("audit_entries"), 2) << "what was applied before is not done again";

  EXPECT_THAT(adjust(item("2", "add", "5", source("s"))).body, HasSubstr("\"duplicate\":false"));
  EXPECT_THAT(adjust(item("1", "add", "5", source("s"), "xp")).body, HasSubstr("\"duplicate\":false"));
  EXPECT_THAT(adjust(item("1", "add", "7", source("s")), "", 2).body, HasSubstr("\"duplicate\":false")) << "another key's";
  // Twice in one request, too.
  auto const twice = adjust(R"({"items":[)" + item("3", "add", "1", source("t")) + "," + item("3", "add", "1", source("t")) + "]}");
  EXPECT_THAT(twice.body, HasSubstr(R"("duplicate":true}]})"));
  EXPECT_EQ(adjust(R"({"items":[)" + item("4", "add", "1", source("t")) + "," + item("4", "add", "2", source("t")) + "]}").status, 409);
  EXPECT_EQ(balance(3), 1);
  EXPECT_EQ(balance(4), 0);
  expect_sound();
}

TEST_P(Balances, AnIdempotencyKeyRepeatsTheFirstAnswer) {
  auto const body = item("1", "add", "5");
  auto const first = adjust(body, "key");
  ASSERT_EQ(first.status, 200);
  EXPECT_EQ(adjust(item("1", "add", "5.00"), "key").body, first.body) << "the same request, written otherwise";
  for (auto const& other : {item("1", "add", "6"), item("2", "add", "5"), R"({"items":[)" + body + "]}"}) {
    auto const answer = adjust(other, "key");
    EXPECT_EQ(answer.status, 409);
    EXPECT_THAT(answer.body, HasSubstr("idempotency_key_reused"));
  }
  EXPECT_EQ(adjust(body, "key", 2).status, 200) << "another API key has Idempotency-Keys of its own";
  EXPECT_EQ(balance(1), 10);
  // A refused request does not use its key up.
  EXPECT_EQ(adjust(item("1", "subtract", "11"), "later").status, 409);
  EXPECT_EQ(adjust(item("1", "subtract", "10"), "later").status, 200);
  // Items have one key and are told apart by their place.
  auto const list = R"({"items":[)" + body + "," + body + "]}";
  auto const both = adjust(list, "list");
  EXPECT_EQ(balance(1), 10);
  EXPECT_EQ(adjust(list, "list").body, both.body);
  EXPECT_EQ(balance(1), 10);
  // After its day the answer is forgotten; the ledger is not.
  now_ms_ = 2 * 86'400'000;
  auto const late = adjust(body, "key");
  EXPECT_THAT(late.body, HasSubstr("\"duplicate\":true"));
  EXPECT_EQ(balance(1), 10);
  EXPECT_EQ(adjust(item("1", "add", "6"), "another").status, 200);
  EXPECT_EQ(adjust(body, "\xff").status, 400);
  EXPECT_EQ(adjust(body, std::string(256, 'k')).status, 400);
  expect_sound();
}

TEST_P(Balances, AreReadInEveryCurrency) {
  run(db(),
      "INSERT INTO currencies (community_id, currency_id, code, name, kind, position) VALUES (1, 9, 'spins.w', 'Spins', 'counter', 9)");
  run(db(), "UPDATE currencies SET is_enabled = 0, name = 'Gems' WHERE code = 'premium'");
  ASSERT_EQ(adjust(item("1", "add", "9")).status, 200);
  ASSERT_EQ(adjust(item("1", "subtract", "4")).status, 200);
  auto const answer = call("balances.read", R"({"identifier":"m1@example.org"})");
  EXPECT_EQ(answer.body,
            R"({"status":"success","message":"Balances fetched successfully","data":{"user_id":"1","balances":[)"
            R"({"currency":"xp","name":"XP","balance":0,"earned":0},{"currency":"coins","name":"Coins","balance":5,"earned":9},)"
            R"({"currency":"premium","name":"Gems","balance":0,"earned":0}]}})");
  EXPECT_EQ(call("balances.read", R"({"identifier":"9"})").status, 200) << "suspended";
  EXPECT_EQ(call("balances.read", R"({"identifier":"m6@example.org"})").status, 404) << "of another community";
  EXPECT_EQ(call("balances.read", R"({"identifier":"8"})").status, 404) << "deleted";
  EXPECT_EQ(call("balances.read", R"({"identifier":"7"})").status, 409) << "invited";
  EXPECT_EQ(call("balances.read", "{}").status, 400);
  for (auto const* banned_or_suspended : {"9", "10"}) EXPECT_EQ(adjust(item(banned_or_suspended, "add", "1")).status, 200);
}

TEST_P(Balances, RequestsThatShareARoundDoNotTouchEachOther) {
  ASSERT_EQ(adjust(item("1", "add", "100")).status, 200);
  constexpr int kThreads = 24, kEach = 20;
  std::latch start(kThreads);
  std::atomic<int> spent{0}, refused{0}, once{0}, kept{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < kEach; ++i) {
        auto const n = std::to_string(i);
        // 480 want one of 100; half of them together with a second item, which must not be there without it.
        auto const spend = item("1", "subtract", "1");
        auto const answer = adjust(t % 2 ? spend : R"({"items":[)" + item("2", "add", "1") + "," + spend + "]}");
        ++(answer.status == 200 ? spent : refused);
        // All send this one: it happens once, and its key answers everybody the same.
        once += adjust(item("3", "add", "1", source("once" + n))).body.find("\"duplicate\":false") != std::string::npos;
        kept += adjust(item("4", "add", "1"), "key" + n).body.find("\"duplicate\":false") != std::string::npos;
        EXPECT_EQ(adjust(item("nobody", "add", "1")).status, 404);
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(spent, 100);
  EXPECT_EQ(refused, kThreads * kEach - 100);
  EXPECT_EQ(balance(1), 0);
  EXPECT_EQ(once, kEach);
  EXPECT_EQ(balance(3), kEach);
  EXPECT_EQ(kept, kThreads * kEach);
  EXPECT_EQ(balance(4), kEach);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM ledger_entries WHERE member_id = 2"), balance(2));
  EXPECT_EQ(count("idempotency_keys"), kEach);
  expect_sound();
}

// Two programs on one database: what shares no round, and for PostgreSQL no lock but the database's own.
TEST_P(Balances, OfTwoNodesAtOnceAddUp) {
  auto other_db = engine() == sql::Engine::postgres ? database().open_another() : nullptr;
  NumberSource other_numbers(2);
  BalancesService other(other_db ? *other_db : db(), other_numbers);
  constexpr int kThreads = 8, kEach = 25;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      auto& service = t % 2 ? other : *service_;
      for (int i = 0; i < kEach; ++i) {
        // The members in both orders: whoever locked them as they come would meet himself.
        auto const a = item("1", "add", "1"), b = item("2", "add", "1");
        auto const answer = call_on(service, "balances.adjust", R"({"items":[)" + (i % 2 ? a + "," + b : b + "," + a) + "]}");
        EXPECT_EQ(answer.status, 200) << answer.body;
        // One key and two bodies: one of them is right.
        call_on(service, "balances.adjust", item(t % 2 ? "3" : "4", "add", "1"), "race" + std::to_string(i));
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(balance(1), kThreads * kEach);
  EXPECT_EQ(balance(2), kThreads * kEach);
  EXPECT_EQ(balance(3) + balance(4), kEach);
  expect_sound();
}

TEST_P(Balances, AChunkThatHoldsAWholeRangeStopsItsMembersAlone) {
  if (engine() == sql::Engine::sqlite) return;  // one writer: there is nothing to hold
  constexpr std::int64_t kFar = 5'000;
  test::add_member(db(), kHere, kFar);
  std::latch held(1), free(1);
  std::thread holder([&] {
    db().write([&](sql::Tx& tx) {
      ledger::lock_ranges_later(tx, kHere, {MemberNo{1}, MemberNo{100}}, ledger::RangeLock::whole);
      tx.settle();
      // What whoever waits must see.
      tx.run_text("INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) VALUES (1, 1, 2, 5000000, 0, 0)",
                  {}, {});
      held.count_down();
      free.wait();
    });
  });
  held.wait();
  std::atomic<bool> answered{false};
  std::thread waiting([&] {
    EXPECT_EQ(adjust(item("1", "add", "1")).status, 200);
    answered = true;
  });
  for (int i = 0; i < 10; ++i) EXPECT_EQ(adjust(item(std::to_string(kFar), "add", "1")).status, 200);
  EXPECT_FALSE(answered);
  free.count_down();
  waiting.join();
  holder.join();
  EXPECT_EQ(balance(1), 6);
  EXPECT_EQ(balance(kFar), 10);
}

TEST_P(Balances, AMemberWhomAnotherTransactionHoldsStopsNobodyElse) {
  if (engine() == sql::Engine::sqlite) return;  // one writer: there is nothing to hold
  std::latch held(1), free(1);
  std::thread holder([&] {
    db().write([&](sql::Tx& tx) {
      tx.run_text("UPDATE memberships SET display_name = 'Held' WHERE community_id = 1 AND member_id = 1", {}, {});
      held.count_down();
      free.wait();
    });
  });
  held.wait();
  std::atomic<bool> answered{false};
  std::thread waiting([&] {
    EXPECT_EQ(adjust(item("1", "add", "1")).status, 200);
    answered = true;
  });
  std::vector<std::thread> others;
  for (int t = 0; t < 4; ++t)
    others.emplace_back([&] {
      for (int i = 0; i < 10; ++i) EXPECT_EQ(adjust(item("2", "add", "1")).status, 200);
    });
  for (auto& t : others) t.join();
  EXPECT_EQ(balance(2), 40);
  EXPECT_FALSE(answered);
  free.count_down();
  waiting.join();
  holder.join();
  EXPECT_EQ(balance(1), 1);
  expect_sound();
}

TEST_P(Balances, AFailureOfAnyStorageCallLeavesAllOrNothing) {
  sql::FailingDatabase failing(db());
  BalancesService service(failing, numbers_);
  for (int n = 1;; ++n) {
    auto const body = R"({"items":[)" + item("1", "add", "1") + "," + item("2", "add", "1") + "]}";
    auto const key = "key" + std::to_string(n);
    auto const before = test::dump(db());
    failing.fail_at(n);
    bool done = false;
    try {
      done = call_on(service, "balances.adjust", body, key).status == 200;
    } catch (sql::StorageError const&) {}
    auto const calls = failing.calls();
    failing.fail_at(0);
    if (!done) {
      EXPECT_EQ(test::dump(db()), before) << "call " << n;
    }
    EXPECT_EQ(call_on(service, "balances.adjust", body, key).status, 200);
    EXPECT_EQ(balance(1), n);
    EXPECT_EQ(balance(2), n);
    if (calls < n) break;
    EXPECT_FALSE(done) << "call " << n;
  }
  expect_sound();
}

}  // namespace
}  // namespace fealty::members
