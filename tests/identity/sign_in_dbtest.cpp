#include <deque>

#include "identity/totp.h"
#include "identity/world.h"

namespace fealty::identity {
namespace {

class SigningIn : public World {};
FEALTY_ON_BOTH_ENGINES(SigningIn);

TEST_P(SigningIn, GivesTokensInThePublishedShape) {
  give_password(1);
  for (auto const& body : {login_body("M1@Example.org", kPassword), login_body(" user1 ", kPassword),
                           std::string(R"({"username":"USER1","password":")") + kPassword + R"("})"}) {
    auto const answer = call("auth.login", body);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_THAT(
        answer.body,
        testing::MatchesRegex(
            R"(\{"meta":\{"success":true,"message":"User has been logged in successfully","devMessage":"[^"]*"\},"body":\{"token":"eyJ[^"]*","refreshToken":"[-_A-Za-z0-9]{43}","expiresIn":3600,"user":\{"_id":"[0-9a-f]{24}","id":"1","username":"user1","email":"m1@example.org","displayname":"Member 1","emailVerified":true\}\}\})"));
  }
  auto const sessions = call("account.sessions", "", token_of(1));
  EXPECT_EQ(sessions.status, 200) << sessions.body;
  EXPECT_THAT(sessions.body, HasSubstr(R"("communityId":null)"));
  EXPECT_THAT(sessions.body, HasSubstr(R"("current":true)"));
}

TEST_P(SigningIn, IsRefusedAlikeForUnknownNamesWrongPasswordsAndMissingOnes) {
  give_password(1);
  auto const wrong = login(1, kOther);
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.code(), "invalid_credentials");
  for (auto const& body :
       {login_body("nobody@example.org", kPassword), login_body("nobody", kPassword), login_body("m2@example.org", kPassword),
        login_body("m1@example.org", std::string(500, 'x')), login_body("m1@example.org", "")}) {
    auto const answer = call("auth.login", body);
    EXPECT_EQ(answer.status, 401) << body;
    EXPECT_EQ(answer.body, wrong.body) << body;
  }
  EXPECT_EQ(call("auth.login", "{}").status, 400);
  EXPECT_EQ(call("auth.login", R"({"password":"x"})").status, 400);
  EXPECT_EQ(count("sessions"), 0);
}

TEST_P(SigningIn, TakesAboutAsLongForUnknownNamesAsForKnownOnes) {
  give_password(1);
  auto const time_of = [&](std::string const& name) {
    std::vector<std::int64_t> times;
    for (int i = 0; i < 7; ++i) {
      auto const began = std::chrono::steady_clock::now();
      call("auth.login", login_body(name, kOther));
      times.push_back(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began).count());
      run(db(), "DELETE FROM sign_in_failures");
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  };
  auto const known = time_of("m1@example.org"), unknown = time_of("nobody@example.org"), without = time_of("m2@example.org");
  // Without the work of a hash an answer comes in a tenth of the time.
  EXPECT_LT(known, unknown * 3);
  EXPECT_LT(unknown, known * 3);
  EXPECT_LT(known, without * 3);
  EXPECT_LT(without, known * 3);
}

TEST_P(SigningIn, TellsStatesAfterARightPasswordAlone) {
  for (int account : {1, 2, 3, 4}) give_password(account);
  run(db(), "UPDATE accounts SET state = 2 WHERE account_id = 1");
  EXPECT_EQ(login(1).code(), "account_disabled");
  EXPECT_EQ(login(1).status, 403);
  EXPECT_EQ(login(1, kOther).code(), "invalid_credentials");
  // A registration that waits.
  ASSERT_EQ(
      call(
          "auth.register",
          R"({"firstname":"A","lastname":"B","username":"fresh","displayname":"F","email":"fresh@example.org","password":"correct horse-1","confirmPassword":"correct horse-1","communityId":")" +
              PublicId::of(1, kNow).to_string() + "\"}")
          .status,
      200);
  EXPECT_EQ(call("auth.login", login_body("fresh@example.org", kPassword)).code(), "email_not_verified");
  EXPECT_EQ(call("auth.login", login_body("fresh@example.org", kOther)).code(), "invalid_credentials");
  // An account's own password opens the installation, whatever one community thinks of its holder.
  run(db(), "UPDATE memberships SET state = 3 WHERE member_id = 2");
  EXPECT_EQ(login(2).status, 200);
}

TEST_P(SigningIn, WithACommunitysPasswordSeesThatCommunityAlone) {
  give_password(3);
  give_community_password(kHere, 3, "given by here-1");
  give_community_password(kElsewhere, 3, "given elsewhere-2");
  std::string const here = PublicId::of(1, kNow).to_string(), elsewhere = PublicId::of(2, kNow).to_string();
  auto const body = [&](std::string const& password, std::string const& community) {
    return R"({"email":"m3@example.org","password":")" + password + R"(","communityId":")" + community + "\"}";
  };
  EXPECT_EQ(call("auth.login", body("given by here-1", elsewhere)).status, 401);
  auto const scoped = call("auth.login", body("given by here-1", here));
  ASSERT_EQ(scoped.status, 200) << scoped.body;
  auto const token = scoped.text("token");
  for (auto const* id : {"account.sessions", "account.delete"}) EXPECT_EQ(call(id, "", token).status, 403) << id;
  EXPECT_EQ(call("account.change", R"({"username":"other","currentPassword":"given by here-1"})", token).status, 403);
  EXPECT_EQ(call("account.second_factor_setup", R"({"currentPassword":"given by here-1"})", token).status, 403);
  EXPECT_EQ(call("auth.logout", "{}", token).status, 200);
  EXPECT_EQ(call("auth.logout", "{}", token).status, 401);

  EXPECT_EQ(call("auth.login", body("given elsewhere-2", elsewhere)).status, 200);
  auto const header = call("auth.login", login_body("m3@example.org", "given by here-1"), "", {{"x-community-id", here}});
  EXPECT_EQ(header.status, 200);
  run(db(), "UPDATE communities SET host = 'club.example.org' WHERE community_id = 1");
  auto const host = call("auth.login", login_body("m3@example.org", "given by here-1"), "", {{"host", "Club.example.org:8443"}});
  EXPECT_EQ(host.status, 200);
  struct Case {
    char const* change;
    int status;
    char const* code;
  };
  for (auto const& c :
       {Case{"state = 2, state_until = NULL", 403, "suspended"}, Case{"state = 2, state_until = 1775552460000", 403, "suspended"},
        Case{"state = 2, state_until = 1775552340000", 200, ""}, Case{"state = 3", 403, "banned"},
        Case{"state = 4", 401, "invalid_credentials"}, Case{"state = 0", 200, ""}}) {
    run(db(), std::string("UPDATE memberships SET ") + c.change + " WHERE community_id = 1 AND member_id = 3");
    auto const answer = call("auth.login", body("given by here-1", here));
    EXPECT_EQ(answer.status, c.status) << c.change << answer.body;
    EXPECT_EQ(answer.code(), c.code) << c.change;
    EXPECT_EQ(call("auth.login", body("wrong password-1", here)).code(), "invalid_credentials") << c.change;
  }
}

TEST_P(SigningIn, IsThrottledByAccountAndAddressOnAllNodesTogether) {
  give_password(1);
  Node second(db(), numbers_, vault_);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(call_on(i % 2 ? second : *node_, "auth.login", login_body(i % 3 ? "m1@example.org" : "user1", kOther)).status, 401);
  auto const full = call_on(second, "auth.login", login_body("m1@example.org", kPassword));
  EXPECT_EQ(full.status, 429) << full.body;
  EXPECT_EQ(full.code(), "rate_limited");
  ASSERT_EQ(full.headers.size(), 1u);
  EXPECT_EQ(full.headers[0].name, "retry-after");
  EXPECT_GT(std::stoi(full.headers[0].value), 800);
  // The same for a name that nobody has.
  for (int i = 0; i < 10; ++i) EXPECT_EQ(call("auth.login", login_body("nobody@example.org", kOther)).status, 401);
  EXPECT_EQ(call("auth.login", login_body("NOBODY@example.org", kPassword)).status, 429);
  // Another network is another place, and time heals.
  address_ = "198.51.100.1";
  EXPECT_EQ(login(1).status, 200);
  address_ = "192.0.2.200";
  EXPECT_EQ(login(1).status, 429) << "one network block counts as one";
  now_ += 16 * kMinute;
  EXPECT_EQ(login(1).status, 200);
  // Success clears the count.
  for (int i = 0; i < 9; ++i) EXPECT_EQ(login(1, kOther).status, 401);
  EXPECT_EQ(login(1).status, 200);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(login(1, kOther).status, 401);
  EXPECT_EQ(login(1).status, 200);
}

TEST_P(SigningIn, IsThrottledByAddressAndByAccount) {
  give_password(1);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(call("auth.login", login_body("n" + std::to_string(i), kOther)).status, 401);
  EXPECT_EQ(login(1).status, 429) << "50 of an address";
  run(db(), "DELETE FROM sign_in_failures");
  for (int i = 0; i < 100; ++i) {
    address_ = "198.51." + std::to_string(i) + ".1";
    EXPECT_EQ(login(1, kOther).status, 401);
  }
  address_ = "203.0.113.1";
  EXPECT_EQ(login(1).status, 429) << "100 of an account";
}

TEST_P(SigningIn, AHundredGuessesAtOnceAreAHundred) {
  give_password(1);
  Node second(db(), numbers_, vault_);
  std::atomic<int> tried{0}, refused{0};
  std::vector<std::thread> threads;
  std::latch start(8);
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < 4; ++i) {
        auto const status = call_on(t % 2 ? second : *node_, "auth.login", login_body("m1@example.org", kOther)).status;
        if (status == 401) ++tried;
        if (status == 429) ++refused;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(tried, 10);
  EXPECT_EQ(refused, 22);
}

TEST_P(SigningIn, WhoWaitsForTheHasherHoldsNoThreadAndTooManyAreToldToComeBack) {
  constexpr int kPeople[] = {1, 2, 3, 5};
  for (int const person : kPeople) give_password(person);
  // Both turns are taken, by work that goes on when this test says so.
  std::latch taken(2), go(1);
  for (int i = 0; i < 2; ++i) {
    access::PasswordHasher::Work work = [&] {
      taken.count_down();
      go.wait();
    };
    ASSERT_TRUE(node_->hasher.later(work));
  }
  taken.wait();
  constexpr int kWaiting = 100, kTooMany = 5;
  struct Login {
    api::Context context;
    api::Request request;
    std::promise<Result<api::Answer>> answered;
  };
  std::deque<Login> logins;
  auto const& route = node_->route("auth.login");
  for (int i = 0; i < kWaiting + kTooMany; ++i) {
    auto& login = logins.emplace_back();
    login.context.now = now_;
    login.context.remote_address = "198.51." + std::to_string(i) + ".1";
    login.request.body = login_body(test::email_of(kPeople[i % 4]), kPassword);
    route.later(login.context, login.request, [&login](Result<api::Answer> answer, std::exception_ptr thrown) {
      EXPECT_FALSE(thrown);
      login.answered.set_value(std::move(answer));
    });
  }
  // All of them were begun by this one thread; the first hundred wait.
  for (int i = 0; i < kTooMany; ++i) {
    auto const answer = logins[static_cast<std::size_t>(kWaiting + i)].answered.get_future().get();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), "overloaded");
    EXPECT_EQ(answer.error().retry_after_s, 5);
  }
  go.count_down();
  for (int i = 0; i < kWaiting; ++i) EXPECT_TRUE(logins[static_cast<std::size_t>(i)].answered.get_future().get()) << i;
  EXPECT_EQ(number(db(), "SELECT coalesce(sum(failures), 0) FROM sign_in_failures"), 0) << "none of them was a wrong guess";
}

TEST_P(SigningIn, RefreshGivesANewPairAndReuseEndsTheSession) {
  give_password(1);
  auto const first = login(1);
  auto refresh = [&](std::string const& token) { return call("auth.refresh", R"({"refreshToken":")" + token + "\"}"); };
  std::string const r1 = first.text("refreshToken");
  auto const second = refresh(r1);
  ASSERT_EQ(second.status, 200) << second.body;
  std::string const r2 = second.text("refreshToken");
  EXPECT_NE(r1, r2);
  EXPECT_EQ(call("account.sessions", "", second.text("token")).status, 200);
  now_ += 29'000;
  EXPECT_EQ(refresh(r1).text("refreshToken"), r2) << "parallel calls go on with the same one";
  now_ += 2'000;
  auto const third = refresh(r2);
  ASSERT_EQ(third.status, 200);
  EXPECT_EQ(refresh("unknown").status, 401);
  EXPECT_EQ(refresh(r1).status, 401) << "older ones are nobody's";
  EXPECT_EQ(call("account.sessions", "", third.text("token")).status, 200);
  now_ += 31'000;
  EXPECT_EQ(refresh(r2).status, 401);
  EXPECT_EQ(refresh(third.text("refreshToken")).status, 401) << "the session has ended";
  EXPECT_EQ(call("account.sessions", "", third.text("token")).status, 401);
}

TEST_P(SigningIn, ParallelRefreshesAllGoOn) {
  give_password(1);
  Node second(db(), numbers_, vault_);
  std::string const r1 = login(1).text("refreshToken");
  std::vector<std::string> got(8);
  std::vector<std::thread> threads;
  std::latch start(8);
  for (std::size_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      got[t] = call_on(t % 2 ? second : *node_, "auth.refresh", R"({"refreshToken":")" + r1 + "\"}").text("refreshToken");
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(got.begin(), got.end()).size(), 1u);
  EXPECT_EQ(call("auth.refresh", R"({"refreshToken":")" + got[0] + "\"}").status, 200);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM sessions WHERE ended_at IS NULL"), 1);
}

TEST_P(SigningIn, ASessionOfMonthsIsOver) {
  give_password(1);
  auto const first = login(1);
  now_ += 31 * kDay;
  EXPECT_EQ(call("auth.refresh", R"({"refreshToken":")" + first.text("refreshToken") + "\"}").status, 401);
}

TEST_P(SigningIn, SessionsAreListedAndEndedOneByOneOnEveryNode) {
  give_password(1);
  give_password(2);
  Node second(db(), numbers_, vault_);
  auto const a = token_of(1), b = token_of(1), stranger = token_of(2);
  auto const list = call("account.sessions", "", a);
  std::vector<std::string> ids;
  for (std::size_t at = 0; (at = list.body.find("\"_id\":\"", at)) != std::string::npos; at += 31)
    ids.push_back(list.body.substr(at + 7, 24));
  ASSERT_EQ(ids.size(), 2u);
  for (auto const& id : ids) EXPECT_EQ(call("account.end_session", "", stranger, {}, {id}).status, 404);
  EXPECT_EQ(call("account.end_session", "", a, {}, {"nonsense"}).status, 404);
  // The newest is listed first, and is b.
  EXPECT_EQ(call_on(second, "account.sessions", "", b).status, 200);
  EXPECT_EQ(call("account.end_session", "", a, {}, {ids[0]}).status, 200);
  EXPECT_EQ(call("account.end_session", "", a, {}, {ids[0]}).status, 404);
  EXPECT_EQ(call_on(second, "account.sessions", "", b).status, 401) << "the other node knows at once";
  EXPECT_EQ(call_on(second, "account.sessions", "", a).status, 200);
  auto const c = token_of(1);
  EXPECT_EQ(call("auth.logout", R"({"all":true})", a).status, 200);
  EXPECT_EQ(call_on(second, "account.sessions", "", c).status, 401);
}

TEST_P(SigningIn, TheSecondFactorIsAskedForAndCountsOnce) {
  give_password(1);
  auto const token = token_of(1);
  EXPECT_EQ(call("account.second_factor_setup", R"({"currentPassword":"wrong password-1"})", token).status, 401);
  auto const setup = call("account.second_factor_setup", std::string(R"({"currentPassword":")") + kPassword + "\"}", token);
  ASSERT_EQ(setup.status, 200) << setup.body;
  EXPECT_THAT(setup.text("url"), HasSubstr("otpauth://totp/Fealty:m1%40example.org?secret=" + setup.text("secret")));
  EXPECT_EQ(login(1).status, 200) << "before it is confirmed it does not count";
  auto const sealed = test::text(db(), "SELECT totp_secret FROM account_credentials WHERE account_id = 1");
  auto const secret = *vault_.open("second factor of 1", sealed);
  auto const code_now = [&] { return totp_code(secret, now_ / 30'000); };
  EXPECT_EQ(call("account.second_factor_confirm", R"({"code":"000000"})", token).code(), "invalid_code");
  auto const confirmed = call("account.second_factor_confirm", R"({"code":")" + code_now() + "\"}", token);
  ASSERT_EQ(confirmed.status, 200) << confirmed.body;
  auto const list = confirmed.body.find("[\"");
  std::string const recovery = confirmed.body.substr(list + 2, 11);

  auto const asked = login(1);
  EXPECT_EQ(asked.status, 401);
  EXPECT_EQ(asked.code(), "second_factor_required");
  auto const second = [&](std::string const& challenge, std::string const& member, std::string const& value) {
    return call("auth.second_factor", R"({"challenge":")" + challenge + R"(",")" + member + R"(":")" + value + "\"}");
  };
  EXPECT_EQ(second(asked.text("challenge"), "code", code_now()).status, 401) << "the code of the confirmation is used up";
  now_ += 30'000;
  EXPECT_EQ(second("unknown", "code", code_now()).status, 401);
  auto const in = second(asked.text("challenge"), "code", code_now());
  EXPECT_EQ(in.status, 200) << in.body;
  EXPECT_EQ(second(asked.text("challenge"), "code", code_now()).status, 401) << "challenge and code count once";
  auto const again = login(1);
  EXPECT_EQ(second(again.text("challenge"), "code", code_now()).status, 401);
  EXPECT_EQ(second(again.text("challenge"), "recoveryCode", recovery).status, 200);
  auto const late = login(1);
  EXPECT_EQ(second(late.text("challenge"), "recoveryCode", recovery).status, 401);
  now_ += 6 * kMinute;
  EXPECT_EQ(second(late.text("challenge"), "code", code_now()).status, 401) << "the challenge lives five minutes";

  std::string const password = std::string(R"({"currentPassword":")") + kPassword + R"(","code":")";
  EXPECT_EQ(call("account.second_factor_disable", password + "000000\"}", in.text("token")).code(), "invalid_code");
  EXPECT_EQ(call("account.second_factor_disable", password + code_now() + "\"}", in.text("token")).status, 200);
  EXPECT_EQ(login(1).status, 200);
  EXPECT_EQ(test::text(db(), "SELECT template FROM mails"), "second_factor_off");
  for (auto const& needle : {setup.text("secret"), secret, recovery}) EXPECT_THAT(test::tables_with(db(), needle), IsEmpty());
}

TEST_P(SigningIn, NothingSecretIsStored) {
  give_password(1);
  auto const in = login(1);
  auto const next = call("auth.refresh", R"({"refreshToken":")" + in.text("refreshToken") + "\"}");
  login(1, kOther);
  call("auth.login", login_body("secret word-typed as name", kPassword));
  auto const link_text = link("reset_password", 1);
  call("auth.reset_password", R"({"token":")" + link_text + R"(","password":"entirely new-3","confirmPassword":"entirely new-3"})");
  EXPECT_THAT(test::tables_with(db(), "user1"), Not(IsEmpty())) << "the search works";
  for (auto const& needle : {std::string(kPassword), std::string(kOther), std::string("entirely new-3"), std::string("secret word"),
                             in.text("refreshToken"), next.text("refreshToken"), in.text("token").substr(60, 40), link_text})
    EXPECT_THAT(test::tables_with(db(), needle), IsEmpty()) << needle;
}

}  // namespace
}  // namespace fealty::identity
