#include <map>

#include "members/users_harness.h"
#include "sql/failing.h"

namespace fealty::members {
namespace {

class UsersCreate : public UsersTest {
 protected:
  static std::string body(std::string const& username, std::string const& email, std::string const& more = "", bool join = true) {
    return R"({"firstname":"Mia","lastname":"Lee","displayname":"Mia L.","username":")" + username + R"(","email":")" + email +
           R"(","accessLevel":0,"joinServer":)" + (join ? "true" : "false") + more + "}";
  }
  Reply create(std::string const& username, std::string const& email, std::string const& more = "", bool join = true) {
    return call("users.create", body(username, email, more, join));
  }
};
FEALTY_ON_BOTH_ENGINES(UsersCreate);

TEST_P(UsersCreate, MakesAFullMemberAtOnce) {
  add_field("Tier", "text");
  add_field("Score", "number");
  add_field("Card", "text", "", true);
  add_role(2, "Trader", 10);
  run(db(), "INSERT INTO access_levels (community_id, level, name, roles, created_at) VALUES (1, 3, 'Traders', '2', 0)");
  auto const answer =
      call("users.create", R"({"firstname":" Mia ","lastname":"Lee","displayname":"Mia L.","username":"Mia","email":"Mia@Example.org",)"
                           R"("accessLevel":3,"joinServer":true,"sendEmail":true,"emailPassword":true,"password":"secret-word-7!",)"
                           R"("confirmPassword":"secret-word-7!","customFields":[{"fieldIdorName":"tier","value":"gold"},)"
                           R"({"fieldIdorName":"Score","value":1.5e1}],"externalId":"c-77","referral":"user3"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  auto const id = answer.at("/data/userId");
  EXPECT_EQ(answer.body, R"({"status":"success","message":"User created successfully","data":{"userId":)" + id + R"(,"_id":)" +
                             answer.at("/data/_id") +
                             R"(,"username":"Mia","email":"Mia@Example.org","status":"active","emailPassword":"link","warnings":[]}})");
  auto const made = info("mia@example.org");
  EXPECT_EQ(made.at("/data/userId"), id);
  EXPECT_EQ(made.at("/data/firstName"), "\"Mia\"");
  EXPECT_EQ(made.at("/data/roles"), R"(["Trader"])");
  EXPECT_EQ(made.at("/data/referredBy"), "\"3\"");
  EXPECT_EQ(made.at("/data/customFields"), R"({"Tier":"gold","Score":15,"Card":"c-77"})");
  EXPECT_EQ(text(db(), "SELECT template FROM mails ORDER BY template LIMIT 1"), "claim");
  EXPECT_EQ(number(db(), "SELECT count(*) FROM mails WHERE template = 'set_password'"), 1);
  EXPECT_EQ(count("community_passwords"), 1);
  EXPECT_THAT(test::tables_with(db(), "secret-word-7"), IsEmpty());
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'user.create' AND remote_address = '192.0.2.1'"), 1);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM field_history"), 7) << "three names, the role, two fields and the identifier";
  EXPECT_EQ(create("other", "other@example.org", R"(,"externalId":"c-77")").at("/code"), "\"external_id_taken\"");
  EXPECT_EQ(info("other@example.org").status, 404);
}

TEST_P(UsersCreate, ARoleThatCameToAdministerIsGivenToNobody) {
  add_role(2, "Trader", 10);
  add_role(3, "Helper", 20);
  run(db(), "INSERT INTO access_levels (community_id, level, name, roles, created_at) VALUES (1, 3, 'Both', '2,3', 0)");
  run(db(), "UPDATE roles SET server_permissions = 64 WHERE community_id = 1 AND role_id = 3");
  auto const answer =
      call("users.create", R"({"firstname":"Mia","lastname":"Lee","displayname":"Mia","username":"mia","email":"mia@example.org",)"
                           R"("accessLevel":3,"joinServer":true})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(info("mia@example.org").at("/data/roles"), R"(["Trader"])");
}

TEST_P(UsersCreate, InvitesWhoDoesNotJoinAtOnceAndWhoHasAnAccount) {
  EXPECT_EQ(create("mia", "mia@example.org", R"(,"sendEmail":true)", false).at("/data/status"), "\"invited\"");
  EXPECT_EQ(text(db(), "SELECT template FROM mails"), "invitation");
  // 6 is a member elsewhere alone; unclaimed, then claimed.
  auto const known = create("another", "M6@example.org", R"(,"emailPassword":true)");
  EXPECT_EQ(known.at("/data/status"), "\"active\"");
  EXPECT_EQ(known.at("/data/userId"), "\"6\"");
  EXPECT_EQ(known.at("/data/username"), "\"user6\"");
  EXPECT_EQ(known.at("/data/email"), "\"m6@example.org\"");
  EXPECT_EQ(known.at("/data/warnings"), R"(["username_kept"])");
  test::add_account(db(), 20, 1);
  auto const claimed = create("USER20", "m20@example.org", R"(,"emailPassword":true)");
  EXPECT_EQ(claimed.at("/data/status"), "\"invited\"");
  EXPECT_EQ(claimed.at("/data/emailPassword"), "\"none\"");
  EXPECT_EQ(claimed.at("/data/warnings"), "[]");
  EXPECT_EQ(create("mia2", "mia2@example.org", R"(,"referral":"nobody")").at("/data/warnings"), R"(["unknown_referral"])");
}

TEST_P(UsersCreate, ConflictsNameMembersOfThisCommunityAlone) {
  auto const taken = create("newname", "M2@EXAMPLE.org");
  EXPECT_EQ(taken.status, 409);
  EXPECT_EQ(taken.at("/code"), "\"email_taken\"");
  EXPECT_EQ(taken.at("/existing"), R"({"userId":"2","username":"user2","status":"active"})");
  auto const name = create("User3", "new@example.org");
  EXPECT_EQ(name.at("/code"), "\"username_taken\"");
  EXPECT_EQ(name.at("/existing/userId"), "\"3\"");
  auto const foreign = create("user6", "new@example.org");
  EXPECT_EQ(foreign.at("/code"), "\"username_taken\"");
  EXPECT_EQ(foreign.at("/existing"), "") << "of another community";
  auto const gone = create("newname", "m8@example.org");
  EXPECT_EQ(gone.at("/code"), "\"user_deleted\"");
  EXPECT_EQ(gone.at("/existing/status"), "\"deleted\"");
  EXPECT_EQ(create("newname", "m7@example.org").at("/existing/status"), "\"invited\"");
  EXPECT_EQ(count("accounts"), 10);
}

TEST_P(UsersCreate, AllProblemsArriveTogetherAndNothingIsMade) {
  add_field("Level", "number");
  auto const vip = add_field("Vip", "boolean");
  auto const before = test::dump(db(), {"counters"});  // a number that was drawn for nobody is never used
  auto const answer = call(
      "users.create",
      R"({"firstname":"","displayname":"x","username":"a b","email":"nope","accessLevel":9,"joinServer":"yes",)"
      R"("password":"short","confirmPassword":"other","emailTemplate":"5","externalId":"1","customFields":[{"fieldIdorName":"Level","value":"x"},)"
      R"({"fieldIdorName":"Nothing","value":1},{"fieldIdorName":"Vip","value":[1]},{"fieldIdorName":"level","value":2}]})");
  EXPECT_EQ(answer.status, 400);
  for (auto const* place : {"/firstname", "/lastname", "/username", "/email", "/accessLevel", "/joinServer", "/password",
                            "/confirmPassword", "/externalId", "/customFields/0/value", "/customFields/1/fieldIdorName",
                            "/customFields/2/value", "/customFields/3/fieldIdorName", "/emailTemplate"})
    EXPECT_THAT(answer.body, HasSubstr("\"field\":\"" + std::string(place) + "\"")) << place;
  EXPECT_EQ(create("mia", "mia@example.org", R"(,"externalId":"1")").at("/code"), "\"no_identifier_field\"");
  EXPECT_EQ(create("mia", "mia@example.org", R"(,"customFields":[{"fieldIdorName":"Nothing","value":1}])").at("/code"),
            "\"unknown_field\"");
  for (auto const* username : {"ab", "0123456789abcdef01234567", "mia@x", "mi a"})
    EXPECT_EQ(create(username, "mia@example.org").at("/errors/0/field"), "\"/username\"");
  EXPECT_EQ(create("mia", "mia@example.org", R"(,"password":"mia-long-word!")").at("/errors/0/field"), "\"/confirmPassword\"");
  EXPECT_EQ(create("mia", "mia@example.org", R"(,"emailTemplate":"1")").at("/errors/0/code"), "\"unknown_template\"");
  EXPECT_EQ(call("users.create", "[]").status, 400);
  EXPECT_EQ(test::dump(db(), {"counters"}), before);
  EXPECT_EQ(create("mia", "mia@example.org",
                   R"(,"emailTemplate":"0","customFields":[{"fieldIdorName":")" + vip.id().to_string() +
                       R"(","value":true},{"fieldIdorName":"Level","value":null}])")
                .status,
            200);
  EXPECT_EQ(info("mia").at("/data/customFields"), R"({"Level":null,"Vip":true})");
}

TEST_P(UsersCreate, OfFiftyAtOnceOneIsMade) {
  for (auto const* what : {"email", "username", "both", "known"}) {
    SCOPED_TRACE(what);
    std::string const kind = what;
    constexpr int kThreads = 50;
    std::latch start(kThreads);
    std::mutex mutex;
    std::map<std::string, int> answers;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        auto const n = std::to_string(t);
        // E-mails that differ in case alone are one.
        std::string const username = kind == "email" ? "Racer" + n : kind + "racer";
        std::string const email = kind == "username" ? "racer" + n + "@example.net"
                                  : kind == "known"  ? "m6@example.org"
                                                     : (t % 2 ? kind + "RACE@example.net" : kind + "race@EXAMPLE.net");
        start.arrive_and_wait();
        auto const answer = create(username, email);
        std::lock_guard lock(mutex);
        ++answers[answer.status == 200 ? "made" : answer.at("/code")];
      });
    for (auto& t : threads) t.join();
    EXPECT_EQ(answers["made"], 1);
    EXPECT_EQ(answers["\"email_taken\""] + answers["\"username_taken\""], kThreads - 1);
  }
  EXPECT_EQ(number(db(), "SELECT count(*) FROM memberships WHERE community_id = 1"), 13);
}

TEST_P(UsersCreate, AnIdempotencyKeyRepeatsTheFirstAnswer) {
  auto const first = call("users.create", body("mia", "mia@example.org"), "key");
  ASSERT_EQ(first.status, 200);
  EXPECT_EQ(call("users.create", body("mia", "mia@example.org"), "key").body, first.body);
  EXPECT_EQ(call("users.create", body("mia", "mia@example.org")).status, 409) << "without the key it is another request";
  EXPECT_EQ(call("users.create", body("mio", "mio@example.org"), "key").at("/code"), "\"idempotency_key_reused\"");
  // What was refused does not use the key up.
  EXPECT_EQ(call("users.create", body("mia", "mio@example.org"), "later").status, 409);
  EXPECT_EQ(call("users.create", body("mio", "mio@example.org"), "later").status, 200);
  EXPECT_EQ(call("users.create", body("mio", "x@example.org"), std::string(256, 'k')).status, 400);
}

TEST_P(UsersCreate, AFailureOfAnyStorageCallLeavesAllOrNothing) {
  add_field("Tier", "text");
  sql::FailingDatabase failing(db());
  UsersService service(failing, numbers_, passwords_);
  for (int n = 1;; ++n) {
    auto const name = "mia" + std::to_string(n);
    auto const request = body(name, name + "@example.org", R"(,"sendEmail":true,"customFields":[{"fieldIdorName":"Tier","value":"a"}])");
    auto const before = test::dump(db(), {"counters"});
    failing.fail_at(n);
    bool done = false;
    try {
      for (auto const& route : users_routes(service, passwords_)) {
        if (route.id != "users.create") continue;
        api::Request r;
        r.body = request;
        auto caller = context();
        done = test::answer_of(route, caller, r).has_value();
      }
    } catch (sql::StorageError const&) {}
    auto const calls = failing.calls();
    failing.fail_at(0);
    if (!done) {
      EXPECT_EQ(test::dump(db(), {"counters"}), before) << "call " << n;
      EXPECT_EQ(call("users.create", request).status, 200);
    }
    if (calls < n) break;
  }
}

}  // namespace
}  // namespace fealty::members
