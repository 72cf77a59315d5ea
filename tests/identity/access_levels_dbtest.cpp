#include "identity/access_levels.h"

#include <latch>
#include <thread>

#include "api/envelope.h"
#include "members/newcomers.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::identity {
namespace {

using test::kNow;
using test::run;
using testing::HasSubstr;

constexpr CommunityNo kHere{1}, kElsewhere{2};

class AccessLevels : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    for (auto const community : {kHere, kElsewhere}) test::add_community(db(), community.value);
    run(db(),
        "INSERT INTO roles (community_id, role_id, title, position, server_permissions, created_at) VALUES (1, 20, 'VIP', 1, 0, 0), "
        "(1, 21, 'Gold', 2, 4, 0), (1, 22, 'Admin', 3, 64, 0), (2, 30, 'There', 1, 0, 0)");
    service_ = std::make_unique<AccessLevelService>(db(), numbers_);
  }
  api::Response call(std::string_view id, std::string body = "", std::string const& number = "", CommunityNo community = kHere,
                     std::string const& once = "") {
    for (auto const& route : access_level_routes(*service_)) {
      if (route.id != id) continue;
      EXPECT_EQ(route.needs.user, api::CommunityRole::administrator);
      EXPECT_FALSE(route.needs.community_key || route.needs.user_key || route.needs.guest);
      api::Request request;
      request.path_args = {"community", number};
      request.body = std::move(body);
      if (!once.empty()) request.headers.push_back({"idempotency-key", once});
      api::Context c;
      c.principal.kind = api::PrincipalKind::user;
      c.principal.account = {1};
      c.community = community;
      c.now = kNow;
      return api::render(route.family, route.handler(c, request), "r");
    }
    ADD_FAILURE() << id;
    return {};
  }
  std::string list(CommunityNo community = kHere) { return call("access_levels.list", "", "", community).body; }

  NumberSource numbers_{1};
  std::unique_ptr<AccessLevelService> service_;
};
FEALTY_ON_BOTH_ENGINES(AccessLevels);

constexpr char kZero[] = R"({"number":0,"name":"Everybody","roles":["@all"]})";

TEST_P(AccessLevels, AreMadeChangedListedAndRemoved) {
  EXPECT_EQ(list(), std::string(R"({"meta":{"status":"success","statusCode":200,"page":1,"limit":1,"total":1},)"
                                R"("message":"Get access levels success.","data":[)") +
                        kZero + "]}");
  auto const made = call("access_levels.create", R"({"number":7,"name":" Partners ","roles":["Gold","@all","VIP","Gold"]})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.body, R"({"meta":{"status":"success","statusCode":201},"message":"Create access level success.",)"
                       R"("data":{"number":7,"name":"Partners","roles":["Gold","VIP"]}})");
  EXPECT_THAT(list(), HasSubstr(std::string(kZero) + R"(,{"number":7,"name":"Partners","roles":["Gold","VIP"]}])"));
  EXPECT_EQ(list(kElsewhere).find("Partners"), std::string::npos);
  EXPECT_THAT(call("access_levels.update", R"({"roles":["VIP"]})", "7").body,
              HasSubstr(R"("Update access level success.","data":{"number":7,"name":"Partners","roles":["VIP"]})"));
  EXPECT_THAT(call("access_levels.update", R"({"name":"Friends","number":7})", "7").body, HasSubstr(R"("name":"Friends","roles":["VIP"])"));
  EXPECT_THAT(call("access_levels.delete", "", "7").body, HasSubstr(R"("Delete access level success.","data":{"number":7)"));
  EXPECT_EQ(call("access_levels.delete", "", "7").status, 404);
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries WHERE action LIKE 'access_level.%'"), 4);
}

TEST_P(AccessLevels, AreMadeOnceByOneIdempotencyKey) {
  std::string const body = R"({"number":7,"name":"Partners","roles":["VIP"]})";
  auto const first = call("access_levels.create", body, "", kHere, "k");
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(call("access_levels.create", body, "", kHere, "k").body, first.body);
  EXPECT_THAT(call("access_levels.create", R"({"number":8,"name":"x","roles":[]})", "", kHere, "k").body,
              HasSubstr("idempotency_key_reused"));
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'access_level.create'"), 1);
}

TEST_P(AccessLevels, RefuseWhatTheyMayNotBe) {
  ASSERT_EQ(call("access_levels.create", R"({"number":1,"name":"One","roles":[]})").status, 201);
  auto const before = test::dump(db());
  struct Case {
    char const* operation;
    char const* number;
    char const* body;
    int status;
    char const* word;
  };
  Case const cases[] = {{"access_levels.create", "", R"({"number":2,"name":"x","roles":["Admin"]})", 400, "role_not_allowed"},
                        {"access_levels.create", "", R"({"number":2,"name":"x","roles":["There"]})", 400, "unknown_role"},
                        {"access_levels.create", "", R"({"number":2,"name":"x","roles":["vip"]})", 400, "unknown_role"},
                        {"access_levels.create", "", R"({"number":-1,"name":"","roles":5})", 400, "/number"},
                        {"access_levels.create", "", R"({"name":" "})", 400, "/roles"},
                        {"access_levels.create", "", R"({"number":1,"name":"x","roles":[]})", 409, "access_level_exists"},
                        {"access_levels.create", "", R"({"number":0,"name":"x","roles":[]})", 409, "access_level_exists"},
                        {"access_levels.update", "0", R"({"name":"x"})", 409, "access_level_fixed"},
                        {"access_levels.update", "1", R"({"number":2})", 400, "not_changeable"},
                        {"access_levels.update", "1", R"({"roles":["Admin"]})", 400, "role_not_allowed"},
                        {"access_levels.update", "2", R"({"name":"x"})", 404, "access_level_not_found"},
                        {"access_levels.update", "x", R"({"name":"x"})", 404, "access_level_not_found"},
                        {"access_levels.delete", "0", "", 409, "access_level_fixed"},
                        {"access_levels.delete", "99999999999999999999", "", 404, "access_level_not_found"}};
  for (auto const& c : cases) {
    auto const answer = call(c.operation, c.body, c.number);
    EXPECT_EQ(answer.status, c.status) << c.body;
    EXPECT_THAT(answer.body, HasSubstr(c.word)) << c.body;
  }
  EXPECT_EQ(call("access_levels.delete", "", "1", kElsewhere).status, 404) << "of another community";
  EXPECT_EQ(test::dump(db()), before);
}

TEST_P(AccessLevels, GiveTheRolesThatAreStillThere) {
  ASSERT_EQ(call("access_levels.create", R"({"number":1,"name":"One","roles":["VIP","Gold"]})").status, 201);
  auto const roles = [&](std::int64_t level) { return db().read([&](sql::Tx& tx) { return members::starting_roles(tx, kHere, level); }); };
  EXPECT_EQ(roles(0), std::vector<std::int64_t>{});
  EXPECT_EQ(roles(1), (std::vector<std::int64_t>{20, 21}));
  EXPECT_EQ(roles(2), std::nullopt);
  run(db(), "DELETE FROM roles WHERE role_id = 20");
  EXPECT_EQ(roles(1), std::vector<std::int64_t>{21});
  run(db(), "UPDATE roles SET server_permissions = 64 WHERE role_id = 21");
  EXPECT_EQ(roles(1), std::vector<std::int64_t>{}) << "it came to administer the community afterwards";
}

TEST_P(AccessLevels, OfOneNumberMadeAtOnceAreOne) {
  constexpr int kThreads = 8;
  std::latch start(kThreads);
  std::atomic<int> made{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      auto const status = call("access_levels.create", R"({"number":5,"name":"Five","roles":[]})").status;
      EXPECT_TRUE(status == 201 || status == 409) << status;
      made += status == 201;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(made, 1);
}

}  // namespace
}  // namespace fealty::identity
