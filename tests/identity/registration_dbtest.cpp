#include "identity/world.h"

namespace fealty::identity {
namespace {

std::string const kHereId = PublicId::of(1, kNow).to_string();

class Registering : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    system_key_ = node_->keys
                      .create(kHere, {access::KeyKind::system, "System key", api::PermissionSet::everything(), 0},
                              {"operator", "shell", "Test"}, kNow)
                      ->key;
  }
  static std::string body(std::string const& email, std::string const& username, std::string const& more = "",
                          std::string const& password = kPassword) {
    return R"({"firstname":"Mia","lastname":"Meyer","displayname":"Mia M","username":")" + username + R"(","email":")" + email +
           R"(","password":")" + password + R"(","confirmPassword":")" + password + "\"" + more + "}";
  }
  static std::string in_here() { return R"(,"communityId":")" + kHereId + "\""; }
  Answered by_key(std::string const& text) { return call("auth.register", text, "", {{"x-api-key", system_key_}}); }
  Answered by_guest(std::string const& text) { return call("auth.register", text); }
  Answered verify(std::string const& email, std::string const& digits) {
    return call("auth.verify_email", R"({"email":")" + email + R"(","code":")" + digits + "\"}");
  }
  std::string system_key_;
};
FEALTY_ON_BOTH_ENGINES(Registering);

TEST_P(Registering, ByKeyAnswersInFullAndTheIdsStay) {
  auto const answer = by_key(body(" Mia@Example.org ", "mia"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(
      answer.body,
      testing::MatchesRegex(
          R"(\{"meta":\{"success":true,"message":"User has been registered successfully","devMessage":"[^"]*"\},"body":\{"_id":"[0-9a-f]{24}","id":"[0-9]+","username":"mia","email":"Mia@Example.org","displayname":"Mia M","emailVerified":false,"createdAt":"2026-04-07T09:00:00.000Z"\}\})"));
  EXPECT_EQ(test::text(db(), "SELECT template FROM mails"), "verify_email");
  EXPECT_EQ(count("accounts"), 5) << "no account before the mailbox is proved";
  now_ += 5'000;
  auto const verified = verify("mia@example.ORG", code("mia@example.org"));
  ASSERT_EQ(verified.status, 200) << verified.body;
  EXPECT_THAT(verified.body, HasSubstr("Email has been verified successfully"));
  EXPECT_EQ(verified.text("_id"), answer.text("_id"));
  EXPECT_EQ(verified.text("id"), answer.text("id"));
  EXPECT_THAT(verified.body, HasSubstr(R"("emailVerified":true)"));
  auto const in = call("auth.login", login_body("mia", kPassword));
  EXPECT_EQ(in.status, 200);
  EXPECT_EQ(in.text("_id"), answer.text("_id"));
  EXPECT_EQ(in.text("displayname"), "Mia M");
  EXPECT_EQ(number(db(), "SELECT count(*) FROM memberships WHERE community_id = 1 AND state = 0 AND first_name = 'Mia'"), 1);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM field_history WHERE community_id = 1 AND before_text IS NULL"), 3) << "the three names";
}

TEST_P(Registering, WithoutAKeyKnownAndUnknownAddressesAreAnsweredAlike) {
  auto const fresh = by_guest(body("mia@example.org", "mia", in_here()));
  auto const known = by_guest(body("m1@example.org", "mia2", in_here()));
  EXPECT_EQ(fresh.status, 200) << fresh.body;
  EXPECT_EQ(known.status, 200) << known.body;
  EXPECT_THAT(fresh.body, HasSubstr(R"("body":{"email":"mia@example.org","emailVerified":false})"));
  EXPECT_THAT(known.body, HasSubstr(R"("body":{"email":"m1@example.org","emailVerified":false})"));
  EXPECT_EQ(count("registrations"), 1);
  EXPECT_EQ(test::text(db(), "SELECT template FROM mails WHERE recipient = 'mia@example.org'"), "verify_email");
  EXPECT_EQ(test::text(db(), "SELECT template FROM mails WHERE recipient = 'm1@example.org'"), "sign_in_or_claim");
  EXPECT_EQ(by_guest(body("other@example.org", "USER1", in_here())).code(), "username_taken");
  EXPECT_EQ(by_guest(body("m1@example.org", "USER1", in_here())).code(), "username_taken");
}

TEST_P(Registering, IsOpenWhereTheCommunitySaysSo) {
  std::string const elsewhere = R"(,"communityId":")" + PublicId::of(2, kNow).to_string() + "\"";
  std::string const unknown = R"(,"communityId":")" + PublicId::of(9, kNow).to_string() + "\"";
  EXPECT_EQ(by_guest(body("mia@example.org", "mia")).code(), "community_required");
  auto const closed = by_guest(body("mia@example.org", "mia", elsewhere));
  EXPECT_EQ(closed.status, 403);
  EXPECT_EQ(closed.code(), "registration_closed");
  EXPECT_EQ(by_guest(body("mia@example.org", "mia", unknown)).body, closed.body) << "unknown ones are closed ones";
  EXPECT_EQ(by_key(body("mia@example.org", "mia", elsewhere)).status, 403) << "a key has its community";
  EXPECT_EQ(call("auth.register", body("mia@example.org", "mia"), "", {{"x-api-key", "fs_wrong"}}).status, 401);
  run(db(), "UPDATE communities SET host = 'club.example.org' WHERE community_id = 1");
  EXPECT_EQ(call("auth.register", body("mia@example.org", "mia"), "", {{"host", "club.example.org"}}).status, 200);
}

TEST_P(Registering, TellsAllProblemsAtOnceAndChangesNothing) {
  auto const before = test::dump(db(), {"sign_in_failures"});
  auto const all =
      by_key(R"({"firstname":"","username":"a b","email":"nonsense","password":"short","confirmPassword":"other","accessLevel":7})");
  EXPECT_EQ(all.status, 400);
  for (auto const* field :
       {"/firstname", "/lastname", "/displayname", "/username", "/email", "/password", "/confirmPassword", "/accessLevel"})
    EXPECT_THAT(all.body, HasSubstr(std::string("\"field\":\"") + field + "\"")) << all.body;
  struct Case {
    char const* password;
    char const* what;
  };
  for (auto const& c :
       {Case{"short-1", "8 to 128"}, Case{"nospecial1", "special"}, Case{"mia.meyer", "username"}, Case{"Mia.M@example.org", "e-mail"},
        Case{"P@ssw0rd!", "first"}, Case{"Summer2026!", "first"}, Case{"12345678!", "first"}, Case{"!!!!!!!!!", "first"}}) {
    auto const answer = by_key(body("mia.m@example.org", "mia.meyer", "", c.password));
    EXPECT_EQ(answer.status, 400) << c.password;
    EXPECT_THAT(answer.body, HasSubstr(c.what)) << c.password;
  }
  EXPECT_EQ(by_key("[]").status, 400);
  EXPECT_EQ(by_guest(body("mia@example.org", "mia", in_here() + R"(,"accessLevel":1)")).status, 400) << "strangers get no roles";
  EXPECT_EQ(test::dump(db(), {"sign_in_failures"}), before);
}

TEST_P(Registering, ByKeyConflictsAreTold) {
  EXPECT_EQ(by_key(body("M1@example.org", "mia")).code(), "email_taken");
  EXPECT_EQ(by_key(body("mia@example.org", "User1")).code(), "username_taken");
  EXPECT_EQ(by_key(body("mia@example.org", "User1")).status, 409);
  ASSERT_EQ(by_key(body("mia@example.org", "mia")).status, 200);
  EXPECT_EQ(by_key(body("MIA@example.org", "mia2")).code(), "email_taken");
  EXPECT_EQ(by_key(body("other@example.org", "MIA")).code(), "username_taken");
}

TEST_P(Registering, OfOneAddressManyTimesAtOnceOneIsMade) {
  std::atomic<int> made{0}, taken{0};
  std::vector<std::thread> threads;
  std::latch start(10);
  for (int t = 0; t < 10; ++t)
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      auto const answer = by_key(body(t % 2 ? "Mia@example.org" : "mia@example.org", "mia" + std::to_string(t)));
      if (answer.status == 200) ++made;
      if (answer.code() == "email_taken") ++taken;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(taken, 9);
}

TEST_P(Registering, NobodyOccupiesAStrangersAddress) {
  ASSERT_EQ(by_guest(body("mia@example.org", "intruder", in_here(), "intruder here-9")).status, 200);
  auto const first = code("mia@example.org");
  auto const link_text = link("verify_email", number(db(), "SELECT account_id FROM registrations"), R"({"email":"mia@example.org"})");
  // The holder registers too: what the intruder's mail says opens nothing any more.
  ASSERT_EQ(by_guest(body("mia@example.org", "mia", in_here())).status, 200);
  EXPECT_EQ(verify("mia@example.org", first).code(), "invalid_code");
  EXPECT_EQ(call("auth.verify_email", R"({"token":")" + link_text + R"(","password":"intruder here-9"})").code(), "invalid_code");
  ASSERT_EQ(verify("mia@example.org", code("mia@example.org")).status, 200);
  EXPECT_EQ(call("auth.login", login_body("mia@example.org", "intruder here-9")).status, 401);
  EXPECT_EQ(call("auth.login", login_body("mia@example.org", kPassword)).status, 200);
}

TEST_P(Registering, GivesWayToAnAccountThatWasMadeMeanwhile) {
  ASSERT_EQ(by_guest(body("m77@example.org", "mia", in_here())).status, 200);
  auto const digits = code("m77@example.org");
  test::add_member(db(), kElsewhere, 77);
  EXPECT_EQ(verify("m77@example.org", digits).code(), "invalid_code");
  EXPECT_EQ(number(db(), "SELECT count(*) FROM memberships WHERE community_id = 1 AND member_id = 77"), 0);
}

TEST_P(Registering, ACodeMayBeGuessedAtFiveTimesAndCountsOnce) {
  ASSERT_EQ(by_key(body("mia@example.org", "mia")).status, 200);
  auto digits = code("mia@example.org");
  std::string const wrong = digits == "123456" ? "654321" : "123456";
  auto const unknown = verify("nobody@example.org", wrong);
  EXPECT_EQ(unknown.code(), "invalid_code");
  EXPECT_EQ(unknown.status, 400);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(verify("mia@example.org", wrong).body, unknown.body);
  EXPECT_EQ(verify("mia@example.org", digits).body, unknown.body) << "guessed too often";
  digits = code("mia@example.org");
  now_ += 15 * kMinute;
  EXPECT_EQ(verify("mia@example.org", digits).body, unknown.body) << "too late";
  digits = code("mia@example.org");
  auto const right = verify("mia@example.org", digits);
  EXPECT_EQ(right.status, 200);
  EXPECT_EQ(verify("mia@example.org", digits).body, right.body) << "repeated";
  EXPECT_EQ(verify("mia@example.org", wrong).body, unknown.body);
}

TEST_P(Registering, ALinkAsksForTheChosenPassword) {
  ASSERT_EQ(by_key(body("mia@example.org", "mia")).status, 200);
  auto const text = link("verify_email", number(db(), "SELECT account_id FROM registrations"), R"({"email":"mia@example.org"})");
  auto const use = [&](std::string const& password) {
    return call("auth.verify_email", R"({"token":")" + text + R"(","password":")" + password + "\"}");
  };
  EXPECT_EQ(call("auth.verify_email", R"({"token":")" + text + "\"}").status, 400);
  EXPECT_EQ(use(kOther).code(), "invalid_code");
  EXPECT_EQ(use(kPassword).status, 200);
  EXPECT_EQ(use(kPassword).status, 200) << "repeated";
  EXPECT_EQ(use(kOther).status, 400);
  EXPECT_EQ(count("accounts"), 6);
}

TEST_P(Registering, OneCodeUsedByManyAtOnceMakesOneAccount) {
  ASSERT_EQ(by_key(body("mia@example.org", "mia")).status, 200);
  auto const digits = code("mia@example.org");
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  std::latch start(6);
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      if (verify("mia@example.org", digits).status == 200) ++good;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_GE(good, 1);
  EXPECT_EQ(count("accounts"), 6);
}

TEST_P(Registering, EndsAfterSevenDaysAndMailsGoOutOnceAMinute) {
  ASSERT_EQ(by_guest(body("mia@example.org", "mia", in_here())).status, 200);
  auto const resend = [&](std::string const& email) { return call("auth.resend", R"({"email":")" + email + "\"}"); };
  auto const unknown = resend("nobody@example.org");
  EXPECT_EQ(unknown.status, 200);
  EXPECT_EQ(resend("mia@example.org").body, unknown.body);
  EXPECT_EQ(count("mails"), 1) << "the first one has just left";
  now_ += 2 * kMinute;
  EXPECT_EQ(resend("mia@example.org").status, 200);
  EXPECT_EQ(resend("mia@example.org").status, 200);
  EXPECT_EQ(count("mails"), 2);
  now_ += 7 * kDay;
  EXPECT_EQ(call("auth.login", login_body("mia@example.org", kPassword)).code(), "invalid_credentials");
  EXPECT_EQ(verify("mia@example.org", code("mia@example.org")).code(), "invalid_code");
  clean_accounts(db(), numbers_, now_);
  EXPECT_EQ(count("registrations"), 0);
}

TEST_P(Registering, RolesOfTheAccessLevelAndTheReferrerAreGiven) {
  run(db(), "INSERT INTO roles (community_id, role_id, title, position, created_at) VALUES (1, 8, 'Gold', 1, 1), (1, 9, 'Blue', 2, 1)");
  run(db(), "INSERT INTO access_levels (community_id, level, name, roles, created_at) VALUES (1, 4, 'Four', '8,9', 1)");
  ASSERT_EQ(by_key(body("mia@example.org", "mia", R"(,"accessLevel":4,"referral":"user2")")).status, 200);
  ASSERT_EQ(verify("mia@example.org", code("mia@example.org")).status, 200);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM member_roles WHERE community_id = 1"), 2);
  EXPECT_EQ(number(db(), "SELECT referred_by FROM memberships WHERE first_name = 'Mia'"), 2);
}

TEST_P(Registering, ManyFromOneAddressBlockAreStopped) {
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(by_guest(body("mia" + std::to_string(i) + "@example.org", "mia" + std::to_string(i), in_here())).status, 200);
  EXPECT_EQ(by_guest(body("mia@example.org", "mia", in_here())).status, 429);
  EXPECT_EQ(by_key(body("mia@example.org", "mia")).status, 200) << "a key is no stranger";
}

}  // namespace
}  // namespace fealty::identity
