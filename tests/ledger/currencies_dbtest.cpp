#include "ledger/currencies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/envelope.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::ledger {
namespace {

using testing::HasSubstr;

constexpr CommunityNo kHere{1}, kElsewhere{2};

class Currencies : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    for (auto const community : {kHere, kElsewhere}) test::add_community(db(), community.value, 1);
    test::add_member(db(), kHere, 1);
    service_ = std::make_unique<CurrencyService>(db(), numbers_);
    routes_ = currency_routes(*service_);
  }
  std::string ask(std::string_view id, std::string body = "", std::string code = "", api::CommunityRole role = api::CommunityRole::owner,
                  std::string const& once = "") {
    api::Context context;
    context.community = context.principal.community = kHere;
    context.principal.kind = api::PrincipalKind::user;
    context.principal.account = {1};
    context.principal.role = role;
    context.now = test::kNow;
    for (auto const& route : routes_)
      if (route.id == id) {
        api::Request request;
        request.body = std::move(body);
        request.path_args = {std::move(code)};
        if (!once.empty()) request.headers.push_back({"idempotency-key", once});
        return api::render(route.family, route.handler(context, request), "request").body;
      }
    ADD_FAILURE() << "there is no route " << id;
    return {};
  }
  Result<ChangeResult> pay(std::string const& currency, std::int64_t micros, Operator op = Operator::add) {
    Change change;
    change.member = {1};
    change.currency = currency;
    change.op = op;
    change.value = Decimal{micros};
    change.source = {"api_key", "x" + std::to_string(++paid_), "", "", {"operator", "", ""}};
    return LedgerService(db(), numbers_).change(kHere, change, test::kNow);
  }

  NumberSource numbers_{1, [] { return test::kNow; }};
  std::unique_ptr<CurrencyService> service_;
  std::vector<api::Route> routes_;
  int paid_ = 0;
};
FEALTY_ON_BOTH_ENGINES(Currencies);

TEST_P(Currencies, HaveNamesSymbolsAndIconsThatAreFree) {
  EXPECT_THAT(ask("currencies.list"),
              HasSubstr(R"({"code":"xp","name":"XP","symbol":"","icon":"","kind":"progress","isEnabled":true,"decimals":6,)"
                        R"("allowNegative":false,"order":1})"));
  EXPECT_THAT(ask("currencies.update", R"({"name":" Gems ","symbol":"G","icon":"💎"})", "coins"),
              HasSubstr(R"("data":{"code":"coins","name":"Gems","symbol":"G","icon":"💎")"));
  EXPECT_EQ(test::text(db(), "SELECT name FROM currencies WHERE community_id = 2 AND code = 'coins'"), "Coins");
  EXPECT_THAT(ask("currencies.update", R"({"name":"GEMS"})", "xp"), HasSubstr("currency_exists"));
  EXPECT_THAT(ask("currencies.update", R"({"name":" "})", "xp"), HasSubstr("\"/name\""));
  EXPECT_THAT(ask("currencies.update", R"({"name":"a\nb"})", "xp"), HasSubstr("\"code\":\"invalid_"));
  EXPECT_THAT(ask("currencies.update", "{}", "gold"), HasSubstr("currency_not_found"));
  EXPECT_THAT(test::text(db(), "SELECT detail FROM audit_entries WHERE action = 'currency.update'"),
              HasSubstr(R"({"path":"/name","before":"Coins","after":"Gems"})"));
  ask("currencies.update", R"({"name":"Gems"})", "coins");
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries"), 1) << "what was so already writes nothing";
}

TEST_P(Currencies, CanBeMadeBesideTheThreeAndPaidIn) {
  EXPECT_THAT(ask("currencies.create", R"({"code":"stars","name":"Stars","kind":"spendable","decimals":0,"icon":"⭐"})"),
              HasSubstr(R"("code":"stars","name":"Stars","symbol":"","icon":"⭐","kind":"spendable","isEnabled":true,"decimals":0)"));
  EXPECT_TRUE(pay("stars", 3'000'000));
  EXPECT_FALSE(pay("stars", 500'000)) << "it has no places";
  EXPECT_FALSE(pay("stars", 4'000'000, Operator::subtract));
  EXPECT_THAT(ask("currencies.create", R"({"code":"stars","name":"Other","kind":"progress"})"), HasSubstr("currency_exists"));
  EXPECT_THAT(ask("currencies.create", R"({"code":"other","name":"sTars","kind":"progress"})"), HasSubstr("currency_exists"));
  for (auto const* code : {"Stars", "1st", "spins.wheel", "a b", ""})
    EXPECT_THAT(ask("currencies.create", std::string(R"({"code":")") + code + R"(","name":"N","kind":"progress"})"), HasSubstr("\"/code\""))
        << code;
  EXPECT_THAT(ask("currencies.create", R"({"code":"ok","name":"N","kind":"counter"})"), HasSubstr("\"/kind\""));
  for (int i = 4; i < 20; ++i)
    ask("currencies.create", R"({"code":"c)" + std::to_string(i) + R"(","name":"N)" + std::to_string(i) + R"(","kind":"progress"})");
  EXPECT_THAT(ask("currencies.create", R"({"code":"last","name":"Last","kind":"progress"})"), HasSubstr("too_many_currencies"));
}

TEST_P(Currencies, AreMadeOnceByOneIdempotencyKey) {
  auto const create = [&](std::string const& name) {
    return ask("currencies.create", R"({"code":"stars","kind":"progress","name":")" + name + "\"}", "", api::CommunityRole::owner, "key");
  };
  auto const first = create("Stars");
  EXPECT_THAT(first, HasSubstr(R"("code":"stars")"));
  EXPECT_EQ(create("Stars"), first);
  EXPECT_THAT(create("Suns"), HasSubstr("idempotency_key_reused"));
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries"), 1);
}

TEST_P(Currencies, LosePlacesOnlyWhileNoAmountNeedsThem) {
  ASSERT_TRUE(pay("coins", 1'500'000));
  EXPECT_THAT(ask("currencies.update", R"({"decimals":1})", "coins"), HasSubstr(R"("decimals":1)"));
  EXPECT_THAT(ask("currencies.update", R"({"decimals":0})", "coins"), HasSubstr("decimals_in_use"));
  ASSERT_TRUE(pay("coins", 500'000));
  EXPECT_THAT(ask("currencies.update", R"({"decimals":0})", "coins"), HasSubstr("decimals_in_use")) << "the entries have them still";
  EXPECT_THAT(ask("currencies.update", R"({"decimals":6})", "coins"), HasSubstr(R"("decimals":6)"));
  EXPECT_THAT(ask("currencies.update", R"({"decimals":7})", "coins"), HasSubstr("\"/decimals\""));
}

TEST_P(Currencies, AreSwitchedOffAndLetBelowZeroByWhoMay) {
  ASSERT_TRUE(pay("coins", 1'000'000));
  ask("currencies.update", R"({"isEnabled":false})", "coins");
  EXPECT_EQ(pay("coins", 1).error().code(), "currency_disabled");
  ask("currencies.update", R"({"isEnabled":true})", "coins");
  EXPECT_THAT(ask("currencies.update", R"({"allowNegative":true})", "coins", api::CommunityRole::administrator), HasSubstr("forbidden"));
  EXPECT_EQ(pay("coins", 2'000'000, Operator::subtract).error().code(), "insufficient_balance");
  EXPECT_THAT(ask("currencies.update", R"({"allowNegative":true})", "coins"), HasSubstr(R"("allowNegative":true)"));
  EXPECT_TRUE(pay("coins", 2'000'000, Operator::subtract));
  EXPECT_THAT(ask("currencies.update", R"({"allowNegative":true})", "xp"), HasSubstr("\"/allowNegative\""));
}

}  // namespace
}  // namespace fealty::ledger
