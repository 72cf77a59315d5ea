#include "identity/secure_auth.h"

#include <latch>
#include <thread>

#include "access/gate.h"
#include "access/keys.h"
#include "access/vault.h"
#include "api/envelope.h"
#include "base/text.h"
#include "sql/failing.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::identity {
namespace {

using test::kNow;
using test::number;
using test::run;
using testing::HasSubstr;
using testing::Not;

constexpr CommunityNo kHere{1}, kElsewhere{2};
using Pairs = std::vector<std::pair<std::string, std::string>>;

class SecureSignIn : public test::DatabaseTest {
 protected:
  // Here: 1 owns, 2 administers, 3 is a member, 5 invited, 6 suspended for an hour, 7 banned, 8 deleted. 4 is elsewhere.
  void SetUp() override {
    DatabaseTest::SetUp();
    test::add_community(db(), kHere.value, 1);
    test::add_community(db(), kElsewhere.value, 4);
    for (int const member : {1, 2, 3}) test::add_member(db(), kHere, member);
    test::add_member(db(), kHere, 5, 1);
    test::add_member(db(), kHere, 6, 2);
    test::add_member(db(), kHere, 7, 3);
    test::add_member(db(), kHere, 8, 4);
    test::add_member(db(), kElsewhere, 4);
    run(db(), "UPDATE memberships SET state_until = " + std::to_string(kNow + 3'600'000) + " WHERE member_id = 6");
    run(db(), "UPDATE communities SET host = 'club.example.org' WHERE community_id = 1");
    run(db(),
        "INSERT INTO roles (community_id, role_id, title, position, server_permissions, created_at) VALUES (1, 20, 'VIP', 1, 0, 0), "
        "(1, 22, 'Admin', 3, 64, 0)");
    run(db(), "INSERT INTO member_roles (community_id, member_id, role_id) VALUES (1, 2, 22)");
    run(db(), "INSERT INTO access_levels (community_id, level, name, roles, created_at) VALUES (1, 3, 'Three', '20', 0)");
    session_keys_ = std::make_unique<access::SessionKeys>(db(), vault_, kNow);
    service_ = std::make_unique<SecureAuth>(db(), numbers_, *session_keys_);
  }
  api::Response ask(Pairs query, std::string const& host = "club.example.org", SecureAuth* service = nullptr) {
    api::Request request;
    request.query = std::move(query);
    request.headers.push_back({"hostname", host});
    return run_route("secure_auth", request, service);
  }
  api::Response ask_json(std::string body) {
    api::Request request;
    request.method = api::Method::post;
    request.body = std::move(body);
    request.headers.push_back({"hostname", "CLUB.example.org"});
    return run_route("secure_auth.post", request);
  }
  api::Response run_route(std::string_view id, api::Request& request, SecureAuth* service = nullptr) {
    for (auto const& route : secure_auth_routes(service != nullptr ? *service : *service_)) {
      if (route.id != id) continue;
      api::Context c;
      c.principal.kind = api::PrincipalKind::system_key;
      c.principal.key_prefix = "fs_12345678";
      c.community = c.principal.community = kHere;
      c.now = now_;
      c.remote_address = "192.0.2.7";
      return api::render(route.family, route.handler(c, request), "r");
    }
    ADD_FAILURE() << id;
    return {};
  }
  static Pairs of(std::string const& username, std::string const& level = "0") {
    return {{"action", "login"}, {"userId", username}, {"accessLevel", level}};
  }
  static Pairs newcomer(std::string const& username = "nina", std::string const& email = "nina@example.org",
                        std::string const& level = "0") {
    auto query = of(username, level);
    for (auto const& [name, value] : Pairs{{"email", email}, {"firstname", "Nina"}, {"lastname", "Oh"}, {"displayname", "Nina O"}})
      query.emplace_back(name, value);
    return query;
  }
  static std::string url_of(std::string const& body) {
    auto const at = body.find("https://");
    return at == std::string::npos ? "" : body.substr(at, body.find('"', at) - at);
  }
  api::Response follow(std::string const& url, api::Method method = api::Method::get) {
    api::Request request;
    request.method = method;
    auto const path = url.substr(url.find("/v2"));
    auto const parts = split(std::string_view(path).substr(0, path.find('?')), '/');
    request.path_args = {std::string(parts.at(4)), std::string(parts.at(5))};
    for (auto const pair : split(std::string_view(path).substr(path.find('?') + 1), '&'))
      request.query.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
    request.headers.push_back({"user-agent", "Browser/1.0"});
    return run_route("secure_auth.login", request);
  }
  static std::string header(api::Response const& response, std::string_view name) {
    for (auto const& h : response.headers)
      if (h.name == name) return h.value;
    return "";
  }
  // Whom the cookie opens what for, as the gate sees it.
  Result<api::Principal> enter(std::string const& cookie, api::Needs const& needs, std::string const& header_community = "") {
    access::KeyService keys(db(), numbers_);
    access::Gate gate(db(), keys, *session_keys_);
    api::Request request;
    request.headers.push_back({"cookie", cookie.substr(0, cookie.find(';'))});
    if (!header_community.empty()) request.headers.push_back({"x-community-id", header_community});
    auto who = gate.check(request, now_);
    if (!who) return who;
    api::Route const route{
        .method = api::Method::get, .path = "/x", .family = api::Family::application, .needs = needs, .id = "x", .summary = "x"};
    if (auto admitted = gate.admit(*who, route, request, now_); !admitted) return std::unexpected(admitted.error());
    return who;
  }

  access::Vault vault_{std::string(32, 'k')};
  NumberSource numbers_{1};
  std::unique_ptr<access::SessionKeys> session_keys_;
  std::unique_ptr<SecureAuth> service_;
  TimeMs now_ = kNow;
};
FEALTY_ON_BOTH_ENGINES(SecureSignIn);

TEST_P(SecureSignIn, AKnownMemberGetsALinkOfThePublishedShape) {
  auto const answer = ask(of("USER3", "3"));
  EXPECT_EQ(answer.status, 200);
  auto const url = url_of(answer.body);
  EXPECT_THAT(answer.body, HasSubstr(R"({"error":false,"loginUrl":"https://club.example.org/v2/app/loginApi/)"));
  EXPECT_THAT(answer.body, HasSubstr(R"(&host=club.example.org","sessionId":")"));
  auto const once = url.substr(url.find("loginApi/") + 9, url.find("/2?") - url.find("loginApi/") - 9);
  EXPECT_EQ(url, "https://club.example.org/v2/app/loginApi/" + once + "/2?token=" + once + "&host=club.example.org");
  EXPECT_GE(once.size(), 22u);
  EXPECT_EQ(header(answer, "cache-control") + header(answer, "referrer-policy"), "no-storeno-referrer");
  EXPECT_THAT(test::tables_with(db(), once), testing::IsEmpty()) << "storage holds its hash alone";
  EXPECT_EQ(number(db(), "SELECT count(*) FROM member_roles WHERE member_id = 3"), 0) << "roles of a member who was there stay";
  EXPECT_EQ(ask_json(R"({"action":"login","userId":"user3","accessLevel":0})").status, 200);
}

TEST_P(SecureSignIn, ALinkSignsInOnceIntoItsCommunityAlone) {
  auto const answer = ask(of("user3"));
  auto const url = url_of(answer.body);
  EXPECT_EQ(follow(url, api::Method::head).status, 200) << "looking uses nothing up";
  auto const entered = follow(url);
  EXPECT_EQ(entered.status, 303);
  EXPECT_EQ(header(entered, "location"), "/");
  EXPECT_EQ(header(entered, "cache-control"), "no-store");
  EXPECT_EQ(header(entered, "referrer-policy"), "no-referrer");
  auto const cookie = header(entered, "set-cookie");
  EXPECT_THAT(cookie, testing::StartsWith("fealty_session="));
  for (auto const* attribute : {"; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"}) EXPECT_THAT(cookie, HasSubstr(attribute));

  auto const who = enter(cookie, api::Needs::role(api::CommunityRole::member));
  ASSERT_TRUE(who);
  EXPECT_EQ(who->account, MemberNo{3});
  EXPECT_EQ(who->scope, kHere);
  EXPECT_FALSE(enter(cookie, api::Needs::account())) << "nothing of the account itself";
  test::add_member(db(), kElsewhere, 3);
  auto const elsewhere = PublicId::of(2, number(db(), "SELECT created_at FROM communities WHERE community_id = 2")).to_string();
  EXPECT_FALSE(enter(cookie, api::Needs::session(), elsewhere)) << "nor of another community";

  auto const again = follow(url);
  EXPECT_EQ(again.status, 404);
  EXPECT_THAT(again.body, HasSubstr("<a href=\"/\""));
  EXPECT_THAT(header(again, "content-security-policy"), HasSubstr("default-src 'none'"));
  EXPECT_EQ(header(again, "set-cookie"), "");
  EXPECT_EQ(follow(url, api::Method::head).status, 404);
  auto const label = test::text(db(), "SELECT label FROM sessions");
  EXPECT_THAT(answer.body, HasSubstr("\"sessionId\":\"" + label + "\""));
}

TEST_P(SecureSignIn, ALinkThatIsLateOrChangedSignsNobodyIn) {
  auto const url = url_of(ask(of("user3")).body);
  auto const replaced = [&](std::string const& from, std::string const& to) {
    auto out = url;
    return out.replace(out.find(from), from.size(), to);
  };
  for (auto const& changed : {replaced("/2?", "/3?"), replaced("token=", "token=x"), replaced("token=", "other="),
                              replaced("loginApi/", "loginApi/x"), replaced("host=club", "host=pub")})
    EXPECT_EQ(follow(changed).status, 404) << changed;
  auto const late = url_of(ask(of("user3")).body);
  now_ += 120'000;
  EXPECT_EQ(follow(late).status, 404);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM sessions"), 0);
}

TEST_P(SecureSignIn, WhoIsBannedAfterAskingIsNotSignedIn) {
  auto const url = url_of(ask(of("user3")).body);
  run(db(), "UPDATE memberships SET state = 3 WHERE member_id = 3");
  EXPECT_EQ(follow(url).status, 404);
  run(db(), "UPDATE memberships SET state = 0 WHERE member_id = 3");
  EXPECT_EQ(follow(url).status, 404) << "the link was used";
}

TEST_P(SecureSignIn, AdministratorsGetAnOrdinaryMembersSessionUnlessTheCommunityAllowsMore) {
  auto const role_of = [&](std::string const& username) {
    auto const cookie = header(follow(url_of(ask(of(username)).body)), "set-cookie");
    return enter(cookie, api::Needs::session())->role;
  };
  for (auto const* who : {"user1", "user2", "user3"}) EXPECT_EQ(role_of(who), api::CommunityRole::member) << who;
  run(db(), "UPDATE communities SET secure_auth_administrators = 1 WHERE community_id = 1");
  EXPECT_EQ(role_of("user1"), api::CommunityRole::owner);
  EXPECT_EQ(role_of("user2"), api::CommunityRole::administrator);
  EXPECT_EQ(role_of("user3"), api::CommunityRole::member);
}

TEST_P(SecureSignIn, AnUnknownPersonBecomesAMember) {
  auto const answer = ask(newcomer("Nina.O", "Nina@Example.org", "3"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  auto const account =
      number(db(), "SELECT account_id FROM accounts WHERE username = 'Nina.O' AND email = 'Nina@Example.org' AND state = 0");
  auto const where = " WHERE community_id = 1 AND member_id = " + std::to_string(account);
  EXPECT_EQ(test::text(db(), "SELECT first_name || '|' || last_name || '|' || display_name FROM memberships" + where), "Nina|Oh|Nina O");
  EXPECT_EQ(number(db(), "SELECT role_id FROM member_roles" + where), 20);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM field_history" + where), 4);
  EXPECT_EQ(test::text(db(), "SELECT action || actor_type || actor_id FROM audit_entries"), "user.createsystem_keyfs_12345678");
  // Once more: the same person, and what is said of him does not change him.
  auto again = newcomer("nina.o", "other@example.org");
  EXPECT_EQ(ask(again).status, 200);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM accounts WHERE username_key = 'nina.o'"), 1);
  EXPECT_EQ(follow(url_of(answer.body)).status, 303);
}

TEST_P(SecureSignIn, WhatIsWrongIsToldInItsOwnShape) {
  auto const before = test::dump(db());
  struct Case {
    Pairs query;
    int status;
    char const* code;
    std::vector<char const*> words;
  };
  auto const without = [](Pairs query, std::string_view name) {
    std::erase_if(query, [&](auto const& p) { return p.first == name; });
    return query;
  };
  auto const with = [&](std::string const& name, std::string const& value) {
    auto query = without(newcomer(), name);
    query.emplace_back(name, value);
    return query;
  };
  Case const cases[] = {{{}, 400, "invalid_request", {"action", "userId", "accessLevel"}},
                        {with("action", "logout"), 400, "unknown_action", {"login"}},
                        {with("accessLevel", "x"), 400, "invalid_request", {"accessLevel"}},
                        {with("accessLevel", "9"), 400, "unknown_access_level", {"9"}},
                        {of("user3", "9"), 400, "unknown_access_level", {"9"}},
                        {of("nina"), 400, "invalid_request", {"email", "firstname", "lastname", "displayname"}},
                        {with("email", "nina"), 400, "invalid_request", {"email"}},
                        {with("userId", "no"), 400, "invalid_request", {"username"}},
                        {with("userId", "0123456789abcdef01234567"), 400, "invalid_request", {"hex"}},
                        {with("firstname", std::string(51, 'x')), 400, "invalid_request", {"First Name"}},
                        {of("user4"), 409, "username_taken", {}},
                        {newcomer("USER4", "new@example.org"), 409, "username_taken", {}},
                        {newcomer("nina", "M4@example.org"), 409, "email_taken", {}},
                        {newcomer("nina", "m3@example.org"), 409, "email_taken", {}},
                        {of("user6"), 403, "suspended", {"2026-04-07T10:00:00.000Z"}},
                        {of("user7"), 403, "banned", {}},
                        {of("user8"), 403, "user_deleted", {}}};
  for (auto const& c : cases) {
    auto const answer = ask(c.query);
    EXPECT_EQ(answer.status, c.status) << answer.body;
    EXPECT_THAT(answer.body, testing::StartsWith(std::string(R"({"error":true,"code":")") + c.code + R"(","message":")"));
    EXPECT_THAT(answer.body, testing::EndsWith(R"(","requestId":"r"})"));
    for (auto const* word : c.words) EXPECT_THAT(answer.body, HasSubstr(word));
  }
  EXPECT_EQ(ask_json("[").status, 400);
  EXPECT_EQ(ask_json(R"({"action":5,"userId":"user3","accessLevel":"x"})").status, 400);
  for (auto const* host : {"pub.example.org", "club.example.org.evil.example", ""}) EXPECT_EQ(ask(of("user3"), host).status, 403) << host;
  run(db(), "UPDATE accounts SET state = 2 WHERE account_id = 3");
  EXPECT_THAT(ask(of("user3")).body, HasSubstr("account_disabled"));
  run(db(), "UPDATE accounts SET state = 0 WHERE account_id = 3");
  EXPECT_EQ(test::dump(db()), before);
}

TEST_P(SecureSignIn, WhoIsInvitedIsSignedInToJoin) {
  auto const entered = follow(url_of(ask(of("user5")).body));
  EXPECT_EQ(entered.status, 303);
  auto const cookie = header(entered, "set-cookie");
  EXPECT_TRUE(enter(cookie, api::Needs::session()));
  EXPECT_FALSE(enter(cookie, api::Needs::role(api::CommunityRole::member)));
}

TEST_P(SecureSignIn, OnlyTheSystemKeyMayAsk) {
  for (auto const& route : secure_auth_routes(*service_)) {
    if (!route.id.starts_with("secure_auth.login")) {
      EXPECT_TRUE(route.needs.system_key);
      EXPECT_FALSE(route.needs.community_key || route.needs.user_key || route.needs.guest || route.needs.user) << route.id;
    }
  }
}

TEST_P(SecureSignIn, AHundredCallsAtOnceForANewNameMakeOneAccount) {
  constexpr int kThreads = 10, kEach = 10;
  std::latch start(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      for (int i = 0; i < kEach; ++i) {
        auto const answer = ask(newcomer("nina" + std::to_string(i), "nina" + std::to_string(i) + "@example.org"));
        EXPECT_EQ(answer.status, 200) << answer.body;
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(number(db(), "SELECT count(*) FROM accounts WHERE username_key LIKE 'nina%'"), kEach);
  EXPECT_EQ(
      number(db(), "SELECT count(*) FROM memberships m JOIN accounts a ON a.account_id = m.member_id WHERE a.username_key LIKE 'nina%'"),
      kEach);
}

TEST_P(SecureSignIn, ALinkFollowedByManyAtOnceSignsInOne) {
  auto const url = url_of(ask(of("user3")).body);
  constexpr int kThreads = 8;
  std::latch start(kThreads);
  std::atomic<int> entered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      entered += follow(url).status == 303;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(entered, 1);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM sessions"), 1);
}

TEST_P(SecureSignIn, AFailureOfAnyStorageCallLeavesNoHalfMadeMember) {
  sql::FailingDatabase failing(db());
  SecureAuth broken(failing, numbers_, *session_keys_);
  for (int n = 1;; ++n) {
    auto const name = "nina" + std::to_string(n);
    auto const before = test::dump(db());
    failing.fail_at(n);
    bool done = false;
    try {
      done = ask(newcomer(name, name + "@example.org"), "club.example.org", &broken).status == 200;
    } catch (sql::StorageError const&) {}
    auto const calls = failing.calls();
    failing.fail_at(0);
    if (!done) {
      EXPECT_EQ(test::dump(db()), before) << "call " << n;
    }
    if (calls < n) break;
  }
}

}  // namespace
}  // namespace fealty::identity
