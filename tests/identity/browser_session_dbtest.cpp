#include "identity/totp.h"
#include "identity/world.h"

namespace fealty::identity {
namespace {

class BrowserSessions : public World {
 protected:
  static std::string cookie_body(std::int64_t account) {
    return R"({"email":")" + test::email_of(account) + R"(","password":")" + kPassword + R"(","session":"cookie"})";
  }
  // Headers of a page of our own host, with the cookie when there is one.
  static std::vector<api::Header> page(std::string const& cookie = "") {
    std::vector<api::Header> headers{
        {"host", "club.example.org"}, {"origin", "https://club.example.org"}, {"sec-fetch-site", "same-origin"}};
    if (!cookie.empty()) headers.push_back({"cookie", "fealty_session=" + cookie});
    return headers;
  }
  static std::string set_cookie(Answered const& answer) {
    for (auto const& h : answer.headers)
      if (h.name == "Set-Cookie") return h.value;
    return {};
  }
  static std::string cookie_of(Answered const& answer) {
    auto const text = set_cookie(answer);
    auto const from = text.find('=') + 1;
    return text.substr(from, text.find(';') - from);
  }
};
FEALTY_ON_BOTH_ENGINES(BrowserSessions);

TEST_P(BrowserSessions, GiveACookieAndNoTokenThatAScriptCouldRead) {
  give_password(1);
  auto const answer = call("auth.login", cookie_body(1), "", page());
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, Not(HasSubstr("oken\"")));
  EXPECT_THAT(answer.body, HasSubstr(R"("expiresIn":2592000)"));
  EXPECT_THAT(set_cookie(answer), HasSubstr("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"));
  EXPECT_THAT(answer.body, Not(HasSubstr(cookie_of(answer))));
  auto const me = call("account.me", "", "", page(cookie_of(answer)));
  ASSERT_EQ(me.status, 200) << me.body;
  EXPECT_THAT(me.body, HasSubstr(R"("username":"user1")"));
  EXPECT_EQ(call("account.me", "", "", page("unknown")).status, 401);
  EXPECT_EQ(call("account.me", "").status, 401);
}

TEST_P(BrowserSessions, AreForPagesOfThisHostAlone) {
  give_password(1);
  std::vector<std::vector<api::Header>> const foreign{
      {{"host", "club.example.org"}},
      {{"host", "club.example.org"}, {"origin", "https://evil.example.org"}},
      {{"host", "club.example.org"}, {"origin", "https://club.example.org"}, {"sec-fetch-site", "cross-site"}},
      {{"host", "club.example.org"}, {"sec-fetch-site", "none"}}};
  for (auto const& headers : foreign) {
    auto const answer = call("auth.login", cookie_body(1), "", headers);
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.code(), "cross_site_request");
    EXPECT_EQ(set_cookie(answer), "");
  }
  EXPECT_EQ(count("sessions"), 0);
  // And the cookie that a foreign page makes the browser send opens nothing.
  auto const cookie = cookie_of(call("auth.login", cookie_body(1), "", page()));
  auto headers = foreign[2];
  headers.push_back({"cookie", "fealty_session=" + cookie});
  EXPECT_EQ(call("auth.logout", "{}", "", headers).status, 401);
  EXPECT_EQ(call("auth.refresh", R"({"session":"cookie"})", "", headers).code(), "cross_site_request");
  EXPECT_EQ(call("account.me", "", "", page(cookie)).status, 200);
}

TEST_P(BrowserSessions, AreRenewedWhileRequestsAreUnderWay) {
  give_password(1);
  auto const first = cookie_of(call("auth.login", cookie_body(1), "", page()));
  now_ += kDay;
  auto const renewed = call("auth.refresh", R"({"session":"cookie"})", "", page(first));
  ASSERT_EQ(renewed.status, 200) << renewed.body;
  EXPECT_THAT(renewed.body, Not(HasSubstr("oken\"")));
  auto const second = cookie_of(renewed);
  EXPECT_NE(second, first);
  EXPECT_THAT(set_cookie(renewed), HasSubstr("SameSite=Strict"));
  EXPECT_EQ(call("account.me", "", "", page(first)).status, 200) << "it left before the new cookie came";
  EXPECT_EQ(cookie_of(call("auth.refresh", R"({"session":"cookie"})", "", page(first))), second) << "another tab";
  now_ += access::kRefreshGraceMs;
  EXPECT_EQ(call("account.me", "", "", page(first)).status, 401);
  EXPECT_EQ(call("account.me", "", "", page(second)).status, 200);
  EXPECT_EQ(call("auth.refresh", R"({"session":"cookie"})", "", page()).status, 401);
  EXPECT_EQ(call("auth.refresh", "{}", "", page()).status, 400);
  // Somebody else has the old one.
  EXPECT_EQ(call("auth.refresh", R"({"session":"cookie"})", "", page(first)).status, 401);
  EXPECT_EQ(call("account.me", "", "", page(second)).status, 401);
}

TEST_P(BrowserSessions, EndWithASignOut) {
  give_password(1);
  auto const cookie = cookie_of(call("auth.login", cookie_body(1), "", page()));
  auto const out = call("auth.logout", "{}", "", page(cookie));
  EXPECT_EQ(out.status, 200) << out.body;
  EXPECT_THAT(set_cookie(out), HasSubstr("fealty_session=; Path=/; Max-Age=0"));
  EXPECT_EQ(call("account.me", "", "", page(cookie)).status, 401);
}

TEST_P(BrowserSessions, ComeAfterTheSecondFactorToo) {
  give_password(1);
  auto const token = token_of(1);
  auto const setup = call("account.second_factor_setup", R"({"currentPassword":"correct horse-1"})", token);
  ASSERT_EQ(setup.status, 200) << setup.body;
  auto const secret =
      *vault_.open("second factor of 1", test::text(db(), "SELECT totp_secret FROM account_credentials WHERE account_id = 1"));
  auto const codes = call("account.second_factor_confirm", R"({"code":")" + totp_code(secret, now_ / 30'000) + "\"}", token);
  auto const recovery = codes.body.substr(codes.body.find("[\"") + 2, 11);
  auto const asked = call("auth.login", cookie_body(1), "", page());
  EXPECT_EQ(asked.status, 401);
  EXPECT_EQ(set_cookie(asked), "");
  auto const body = R"({"challenge":")" + asked.text("challenge") + R"(","recoveryCode":")" + recovery + R"(","session":"cookie"})";
  auto const answer = call("auth.second_factor", body, "", page());
  ASSERT_EQ(answer.status, 200) << answer.body;
  auto const me = call("account.me", "", "", page(cookie_of(answer)));
  EXPECT_THAT(me.body, HasSubstr(R"("secondFactor":true)"));
}

TEST_P(BrowserSessions, BeginWithTheNewPassword) {
  give_password(2);
  auto const body = [](std::string const& token) {
    return R"({"token":")" + token + R"(","password":"battery staple+2","confirmPassword":"battery staple+2","session":"cookie"})";
  };
  auto const claimed = call("auth.claim", body(link("claim", 1)), "", page());
  ASSERT_EQ(claimed.status, 200) << claimed.body;
  EXPECT_THAT(claimed.body, HasSubstr(R"("signedIn":true)"));
  EXPECT_EQ(call("account.me", "", "", page(cookie_of(claimed))).status, 200);
  // Who has a second factor is asked for it.
  run(db(), "UPDATE account_credentials SET totp_confirmed_at = 1 WHERE account_id = 2");
  auto const reset = call("auth.reset_password", body(link("reset_password", 2)), "", page());
  ASSERT_EQ(reset.status, 200) << reset.body;
  EXPECT_THAT(reset.body, HasSubstr(R"("signedIn":false)"));
  EXPECT_EQ(set_cookie(reset), "");
  auto const link_text = link("reset_password", 2);
  EXPECT_EQ(call("auth.reset_password", body(link_text)).status, 403);
  EXPECT_EQ(call("auth.reset_password", body(link_text), "", page()).status, 200) << "a refusal uses no link up";
}

TEST_P(BrowserSessions, KnowWhatTheirHolderIsInEachCommunity) {
  give_password(3);
  give_password(5);
  run(db(), "INSERT INTO roles (community_id, role_id, title, position, server_permissions, created_at) VALUES (2, 70, 'Admin', 9, 64, 1)");
  run(db(), "INSERT INTO member_roles (community_id, member_id, role_id) VALUES (2, 3, 70)");
  auto const here = PublicId::of(1, kNow).to_string(), elsewhere = PublicId::of(2, kNow).to_string();
  auto const community = [](Answered const& me, std::string const& id) {
    auto const from = me.body.find("{\"_id\":\"" + id);
    return from == std::string::npos ? std::string() : me.body.substr(from, me.body.find('}', from) - from);
  };
  auto me = call("account.me", "", token_of(3));
  ASSERT_EQ(me.status, 200) << me.body;
  EXPECT_THAT(community(me, here), HasSubstr(R"("role":"APPLICATION_MEMBER")"));
  EXPECT_THAT(community(me, elsewhere), HasSubstr(R"("role":"COMMUNITY_ADMIN")"));
  EXPECT_THAT(me.body, HasSubstr(R"("mayCreateCommunities":false)"));
  EXPECT_THAT(me.body, HasSubstr(R"("scope":"installation")"));
  EXPECT_THAT(community(call("account.me", "", token_of(5)), here), HasSubstr(R"("role":"COMMUNITY_OWNER")"));
  // Who is banned is nobody there.
  run(db(), "UPDATE memberships SET state = 3 WHERE community_id = 2 AND member_id = 3");
  me = call("account.me", "", token_of(3));
  EXPECT_THAT(community(me, elsewhere), HasSubstr(R"("role":null,"status":"banned")"));
  // A session of one community sees that one.
  give_community_password(kHere, 3, "given by here-1");
  auto const scoped = call("auth.login", R"({"email":"m3@example.org","password":"given by here-1","communityId":")" + here + "\"}");
  me = call("account.me", "", scoped.text("token"));
  EXPECT_THAT(me.body, HasSubstr(R"("scope":"community","communityId":")" + here));
  EXPECT_EQ(community(me, elsewhere), "");
  // Operators may make communities.
  run(db(), "UPDATE account_credentials SET is_operator = 1 WHERE account_id = 5");
  EXPECT_THAT(call("account.me", "", token_of(5)).body, HasSubstr(R"("mayCreateCommunities":true)"));
}

}  // namespace
}  // namespace fealty::identity
