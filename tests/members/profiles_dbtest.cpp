#include "members/profiles.h"

#include <latch>
#include <set>
#include <thread>

#include "api/envelope.h"
#include "api/route_table.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::members {
namespace {

using test::kNow;
using test::number;
using test::run;
using testing::HasSubstr;
using testing::Not;

constexpr CommunityNo kHere{1}, kElsewhere{2};
constexpr std::int64_t kMine = 3, kAdministrator = 1;

class Profiles : public test::DatabaseTest {
 protected:
  // Members 1 to 5 here (1 administers), 5 and 6 elsewhere; 7 is invited, 8 deleted, 9 suspended, 10 banned here.
  void SetUp() override {
    DatabaseTest::SetUp();
    for (auto const community : {kHere, kElsewhere}) test::add_community(db(), community.value);
    for (int member = 1; member <= 5; ++member) test::add_member(db(), kHere, member);
    test::add_member(db(), kHere, 7, 1);
    test::add_member(db(), kHere, 8, 4);
    test::add_member(db(), kHere, 9, 2);
    test::add_member(db(), kHere, 10, 3);
    for (int member = 5; member <= 6; ++member) test::add_member(db(), kElsewhere, member);
    service_ = std::make_unique<ProfileService>(db(), numbers_);
  }
  PublicId id_of(std::int64_t account) {
    return PublicId::of(account, number(db(), "SELECT created_at FROM accounts WHERE account_id = " + std::to_string(account)));
  }
  api::Principal user(std::int64_t account, api::CommunityRole role = api::CommunityRole::member) {
    api::Principal p;
    p.kind = api::PrincipalKind::user;
    p.community = kHere;
    p.account = {account};
    p.account_id = id_of(account);
    p.role = role;
    p.name = test::username_of(account);
    return p;
  }
  api::Principal administrator() { return user(kAdministrator, api::CommunityRole::administrator); }
  api::Principal key() {
    api::Principal p;
    p.kind = api::PrincipalKind::community_key;
    p.community = kHere;
    p.key_prefix = "fk_12345678";
    return p;
  }
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  api::Response call(std::string_view id, api::Principal const& who, std::vector<std::string> path, Pairs query = {},
                     std::string body = "") {
    for (auto const& route : profile_routes(*service_)) {
      if (route.id != id) continue;
      api::Request request;
      request.path_args = std::move(path);
      request.query = std::move(query);
      request.body = std::move(body);
      api::Context context;
      context.principal = who;
      context.community = kHere;
      context.remote_address = "192.0.2.1";
      context.now = now_;
      return api::render(route.family, route.handler(context, request), "r");
    }
    ADD_FAILURE() << "there is no route " << id;
    return {};
  }
  api::Response get(api::Principal const& who, std::int64_t account, Pairs query = {}) {
    return call("user.get", who, {id_of(account).to_string()}, std::move(query));
  }
  api::Response patch(api::Principal const& who, std::int64_t account, std::string body) {
    return call("user.update", who, {id_of(account).to_string()}, {}, std::move(body));
  }
  api::Response list(Pairs query = {}) { return call("community.users", key(), {"x"}, std::move(query)); }
  static std::vector<std::int64_t> ids_of(std::string const& body) {
    std::vector<std::int64_t> out;
    for (std::size_t at = 0; (at = body.find("\"id\":", at)) != std::string::npos;) out.push_back(std::atoll(body.c_str() + (at += 5)));
    return out;
  }
  static std::string cursor_of(std::string const& body) {
    constexpr std::string_view kName = "\"nextCursor\":\"";
    auto const at = body.find(kName);
    return at == std::string::npos ? "" : body.substr(at + kName.size(), body.find('"', at + kName.size()) - at - kName.size());
  }
  std::string stored(std::string const& column, std::int64_t member, CommunityNo community = kHere) {
    return test::text(db(), "SELECT coalesce(" + column + ", '') FROM memberships WHERE community_id = " + std::to_string(community.value) +
                                " AND member_id = " + std::to_string(member));
  }

  NumberSource numbers_{1};
  std::unique_ptr<ProfileService> service_;
  TimeMs now_ = kNow;
};
FEALTY_ON_BOTH_ENGINES(Profiles);

TEST_P(Profiles, OnesOwnHasThePublishedShape) {
  run(db(), "UPDATE memberships SET display_name = 'Mia', first_name = 'Mia', last_name = 'Lu', avatar = 'k' WHERE member_id = 3");
  run(db(), "UPDATE communities SET host = 'club.example.org' WHERE community_id = 1");
  run(db(),
      "INSERT INTO sessions (session_id, account_id, scope_id, refresh_hash, rotated_at, device, remote_address, created_at, last_used_at, "
      "expires_at) VALUES (1, 3, 1, CAST('a' AS {blob}), 0, '', '', " +
          std::to_string(kNow) + ", 0, 0), (2, 3, 2, CAST('b' AS {blob}), 0, '', '', " + std::to_string(kNow + 5'000) + ", 0, 0)");
  auto const answer = get(user(kMine), kMine);
  EXPECT_EQ(answer.body, R"({"meta":{"status":"success","statusCode":200},"message":"Get user success.","data":{"_id":")" +
                             id_of(kMine).to_string() +
                             R"(","id":3,"avatar":"https://club.example.org/avatars/k","displayName":"Mia","username":"user3",)"
                             R"("firstName":"Mia","lastName":"Lu","email":"m3@example.org","isOnline":false,)"
                             R"("lastLogin":"2026-04-07T09:00:00.000Z"}})")
      << "a session of another community does not count";
  EXPECT_EQ(call("community.user", key(), {"x", id_of(kMine).to_string()}).body, answer.body);
}

TEST_P(Profiles, FlagsChooseTheMembersOfTheAnswer) {
  struct Case {
    Pairs query;
    char const* data;
  };
  Case const cases[] = {{{{"id", "true"}}, R"("data":{"id":3}})"},
                        {{{"id", "true"}, {"email", "true"}, {"username", "false"}}, R"("data":{"id":3,"email":"m3@example.org"}})"},
                        {{{"isOnline", "1"}}, R"("data":{"isOnline":false}})"},
                        {{{"lastLogin", "true"}, {"avatar", "true"}}, R"("data":{"avatar":null,"lastLogin":null}})"}};
  for (auto const& c : cases) EXPECT_THAT(get(user(kMine), kMine, c.query).body, HasSubstr(c.data));
  for (auto const& none : {Pairs{}, Pairs{{"id", "undefined"}}, Pairs{{"id", "false"}}})
    EXPECT_THAT(get(user(kMine), kMine, none).body, HasSubstr("\"lastLogin\""));
  EXPECT_EQ(get(user(kMine), kMine, {{"id", "perhaps"}}).status, 400);
}

TEST_P(Profiles, OthersAreShownToAdministratorsAlone) {
  auto own_key = user(kMine);
  own_key.kind = api::PrincipalKind::user_key;
  auto administrators_key = administrator();
  administrators_key.kind = api::PrincipalKind::user_key;
  EXPECT_EQ(get(own_key, kMine).status, 200);
  for (auto const& who : {user(kMine), own_key, administrators_key}) {
    // Members, strangers, the invited, the deleted and nobody: the same answer.
    auto const first = get(who, 4);
    EXPECT_EQ(first.status, 403);
    for (auto const other : {5, 6, 7, 8}) EXPECT_EQ(get(who, other).body, first.body) << other;
    for (auto const* nobody : {"0123456789abcdef01234567", "4", "x"}) EXPECT_EQ(call("user.get", who, {nobody}).body, first.body);
    EXPECT_EQ(patch(who, 4, R"({"displayName":"Taken over"})").body, first.body);
  }
  for (auto const visible : {1, 3, 5, 9, 10}) EXPECT_EQ(get(administrator(), visible).status, 200) << visible;
  auto const missing = get(administrator(), 6);
  EXPECT_EQ(missing.status, 404);
  EXPECT_THAT(missing.body, HasSubstr("user_not_found"));
  for (auto const other : {7, 8}) {
    EXPECT_EQ(get(administrator(), other).body, missing.body) << other;
    EXPECT_EQ(call("community.user", key(), {"x", id_of(other).to_string()}).status, 404) << other;
    EXPECT_EQ(patch(administrator(), other, R"({"displayName":"Nobody"})").status, 404) << other;
  }
  EXPECT_EQ(patch(administrator(), 6, R"({"displayName":"Nobody"})").status, 404);
  EXPECT_EQ(call("community.user", key(), {"x", id_of(6).to_string()}).body, missing.body);
  EXPECT_EQ(call("community.user", key(), {"x", "6"}).status, 404);
  EXPECT_EQ(stored("display_name", 4), "Member 4");
}

TEST_P(Profiles, OfOthersAreNothingToAnAdministratorWithoutTheSecondFactorThatIsAskedFor) {
  auto without = administrator();
  without.lacks_second_factor = true;
  EXPECT_THAT(get(without, kMine).body, HasSubstr("second_factor_setup_required"));
  EXPECT_EQ(patch(without, kMine, R"({"displayName":"Taken"})").status, 403);
  EXPECT_THAT(stored("display_name", kMine), Not(HasSubstr("Taken")));
  EXPECT_EQ(get(without, kAdministrator).status, 200) << "his own is his";
}

TEST_P(Profiles, AreChangedWithTheirHistories) {
  auto const answer = patch(user(kMine), kMine,
                            R"({"displayName":" Mia ","firstName":"Mia","lastName":"Lu","phone":"+65 6123 4567","country":"Singapore",)"
                            R"("language":"German","timeZone":"Asia/Singapore","unknown":1})");
  EXPECT_THAT(answer.body, HasSubstr(R"("message":"Update user success.","data":{"_id":")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("displayName":"Mia","username":"user3","firstName":"Mia","lastName":"Lu")"));
  EXPECT_EQ(stored("country", kMine), "SG");
  EXPECT_EQ(stored("language", kMine), "de");
  EXPECT_EQ(stored("time_zone", kMine), "Asia/Singapore");
  EXPECT_EQ(number(db(), "SELECT count(*) FROM field_history WHERE community_id = 1 AND member_id = 3"), 6);
  EXPECT_EQ(test::text(db(), "SELECT actor_type FROM change_sources"), "user");
  EXPECT_EQ(test::text(db(), "SELECT action FROM audit_entries"), "user.update");
  EXPECT_THAT(test::text(db(), "SELECT detail FROM audit_entries"), Not(HasSubstr("6123"))) << "names of what changed, no values";

  // What is not given stays; null and "" take away; the same once more changes and records nothing.
  ASSERT_EQ(patch(user(kMine), kMine, R"({"firstName":null,"phone":"","timeZone":null})").status, 200);
  EXPECT_EQ(stored("first_name", kMine) + stored("phone", kMine) + stored("time_zone", kMine), "");
  EXPECT_EQ(stored("last_name", kMine), "Lu");
  auto const before = test::dump(db());
  ASSERT_EQ(patch(user(kMine), kMine, R"({"firstName":null,"lastName":"Lu"})").status, 200);
  ASSERT_EQ(patch(user(kMine), kMine, "").status, 200);
  EXPECT_EQ(test::dump(db()), before);
}

TEST_P(Profiles, TellAllProblemsOfAChangeTogetherAndChangeNothing) {
  auto const before = test::dump(db());
  auto const answer = patch(user(kMine), kMine,
                            R"({"displayName":"","firstName":")" + std::string(51, 'x') +
                                R"(","lastName":5,"phone":"call me","country":"Atlantis","language":"?","timeZone":"Moon/Base",)"
                                R"("hidden":{"name":"perhaps"}})");
  EXPECT_EQ(answer.status, 400);
  for (auto const* place : {"/displayName", "/firstName", "/lastName", "/phone", "/country", "/language", "/timeZone", "/hidden/name"})
    EXPECT_THAT(answer.body, HasSubstr(std::string("\"field\":\"") + place + "\"")) << place;
  EXPECT_EQ(patch(user(kMine), kMine, "[").status, 400);
  EXPECT_EQ(test::dump(db()), before);
}

TEST_P(Profiles, WhatIsHiddenIsSeenByOneselfAlone) {
  ASSERT_EQ(patch(user(kMine), kMine, R"({"firstName":"Mia","hidden":{"name":true,"email":true}})").status, 200);
  EXPECT_THAT(get(user(kMine), kMine).body, HasSubstr(R"("firstName":"Mia","lastName":null,"email":"m3@example.org")"));
  std::string const masked = R"("firstName":"---","lastName":"---","email":"---")";
  EXPECT_THAT(get(administrator(), kMine).body, HasSubstr(masked));
  EXPECT_THAT(call("community.user", key(), {"x", id_of(kMine).to_string()}).body, HasSubstr(masked));
  EXPECT_THAT(list().body, HasSubstr(masked));
  EXPECT_TRUE(ids_of(list({{"search", "keyword:m3@"}}).body).empty()) << "nor can it be guessed by searching";
  ASSERT_EQ(patch(user(kMine), kMine, R"({"hidden":{"email":false}})").status, 200);
  EXPECT_THAT(get(administrator(), kMine).body, HasSubstr(R"("firstName":"---","lastName":"---","email":"m3@example.org")"));
}

TEST_P(Profiles, OfACommunityAreListedInPages) {
  run(db(), "UPDATE memberships SET joined_at = member_id");
  auto const first = list({{"limit", "3"}});
  EXPECT_THAT(first.body, HasSubstr(R"("meta":{"status":"success","statusCode":200,"page":1,"limit":3,"total":7,"nextCursor":")"));
  EXPECT_THAT(first.body, HasSubstr(R"("message":"Get community users success.","data":[{"_id":")"));
  EXPECT_THAT(first.body, HasSubstr(R"("roles":[],"tags":[],"joinedAt":"1970-01-01T00:00:00.010Z","status":"banned"})"));
  EXPECT_EQ(ids_of(first.body), (std::vector<std::int64_t>{10, 9, 5}));
  EXPECT_EQ(ids_of(list({{"limit", "3"}, {"page", "2"}}).body), (std::vector<std::int64_t>{4, 3, 2}));
  EXPECT_EQ(ids_of(list({{"sort", "createdAt:asc"}, {"limit", "2"}}).body), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(ids_of(list({{"page", "9"}}).body), (std::vector<std::int64_t>{}));
  for (auto const& bad : {Pairs{{"page", "0"}}, Pairs{{"limit", "101"}}, Pairs{{"sort", "email"}}, Pairs{{"sort", "xp:up"}},
                          Pairs{{"search", "mia"}}, Pairs{{"status", "deleted"}}, Pairs{{"cursor", "zz"}}, Pairs{{"page", "5001"}},
                          Pairs{{"page", "1"}, {"cursor", cursor_of(first.body)}}})
    EXPECT_EQ(list(bad).status, 400) << bad.front().first << "=" << bad.front().second;
}

TEST_P(Profiles, AreFoundByWhatTheyAre) {
  run(db(), "UPDATE memberships SET display_name = 'Ana_1%' WHERE member_id = 2");
  run(db(), "UPDATE memberships SET display_name = 'ÉLAN' WHERE member_id = 3");
  run(db(), "UPDATE memberships SET state_until = " + std::to_string(kNow + 1'000) + " WHERE member_id = 9");
  run(db(), "INSERT INTO roles (community_id, role_id, title, position, created_at) VALUES (1, 20, 'VIP', 1, 0), (2, 21, 'VIP', 1, 0)");
  run(db(), "INSERT INTO member_roles (community_id, member_id, role_id) VALUES (1, 4, 20), (2, 5, 21)");
  run(db(), "INSERT INTO tags (community_id, tag_id, name, created_at) VALUES (1, 30, 'gold', 0)");
  run(db(), "INSERT INTO member_tags (community_id, member_id, tag_id) VALUES (1, 4, 30), (1, 5, 30)");
  struct Case {
    Pairs query;
    std::set<std::int64_t> expected;
  };
  Case const cases[] = {{{{"search", "keyword:ANA_"}}, {2}},
                        {{{"search", "keyword:ana1"}}, {}},
                        {{{"search", "keyword:%"}}, {}},
                        {{{"search", "keyword:ÉLAN"}}, {3}},
                        {{{"search", "keyword:USER1"}}, {1, 10}},
                        {{{"search", "keyword:M5@"}}, {5}},
                        {{{"search", "keyword:example"}}, {}},
                        {{{"search", "keyword:' OR 1=1 --"}}, {}},
                        {{{"role", "VIP"}}, {4}},
                        {{{"role", "vip"}}, {}},
                        {{{"role", "@all"}}, {1, 2, 3, 4, 5, 9, 10}},
                        {{{"tag", "gold"}, {"search", "keyword:user5"}}, {5}},
                        {{{"status", "active"}}, {1, 2, 3, 4, 5}},
                        {{{"status", "suspended, banned"}}, {9, 10}},
                        {{{"status", "active"}, {"tag", "gold"}}, {4, 5}}};
  for (auto const& c : cases) {
    auto const answer = list(c.query);
    auto const ids = ids_of(answer.body);
    EXPECT_EQ(std::set<std::int64_t>(ids.begin(), ids.end()), c.expected) << c.query.front().second;
    EXPECT_THAT(answer.body, HasSubstr("\"total\":" + std::to_string(c.expected.size()) + "}")) << c.query.front().second;
  }
  EXPECT_THAT(list({{"role", "VIP"}}).body, HasSubstr(R"("roles":["VIP"],"tags":["gold"])"));
  // The suspension ends by itself.
  now_ = kNow + 1'000;
  EXPECT_EQ(ids_of(list({{"status", "suspended"}}).body).size(), 0u);
  EXPECT_EQ(ids_of(list({{"status", "active"}}).body).size(), 6u);
}

TEST_P(Profiles, AWalkByCursorGivesEveryoneOnceInEveryOrder) {
  run(db(), "UPDATE memberships SET joined_at = 5, display_name = 'Same'");
  run(db(), "UPDATE memberships SET display_name = 'Zoe', last_online_at = 7 WHERE member_id = 2");
  run(db(), "UPDATE memberships SET display_name = NULL WHERE member_id = 4");
  run(db(), "INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) VALUES (1, 5, 1, 9000000, 0, 0)");
  struct Case {
    char const* sort;
    std::int64_t first;
  };
  for (auto const& c : {Case{"createdAt:desc", 10}, Case{"createdAt:asc", 1}, Case{"displayName", 4}, Case{"displayName:desc", 2},
                        Case{"lastLogin:desc", 2}, Case{"xp:desc", 5}, Case{"xp:asc", 1}}) {
    std::vector<std::int64_t> seen;
    Pairs query{{"sort", c.sort}, {"limit", "2"}};
    for (int page = 1; page <= 5; ++page) {
      auto const answer = list(query);
      ASSERT_EQ(answer.status, 200) << answer.body;
      EXPECT_THAT(answer.body, HasSubstr("\"page\":" + std::to_string(page) + ","));
      for (auto const id : ids_of(answer.body)) seen.push_back(id);
      auto const cursor = cursor_of(answer.body);
      if (cursor.empty()) break;
      query = {{"sort", c.sort}, {"limit", "2"}, {"cursor", cursor}};
    }
    EXPECT_EQ(seen.size(), 7u) << c.sort;
    EXPECT_EQ(std::set<std::int64_t>(seen.begin(), seen.end()).size(), 7u) << c.sort;
    EXPECT_EQ(seen.front(), c.first) << c.sort;
  }
}

TEST_P(Profiles, ACursorIsOfOneListAndOneDay) {
  auto const cursor = cursor_of(list({{"limit", "2"}}).body);
  EXPECT_EQ(list({{"limit", "2"}, {"cursor", cursor}}).status, 200);
  EXPECT_THAT(list({{"limit", "2"}, {"cursor", cursor}, {"status", "active"}}).body, HasSubstr("invalid_cursor"));
  EXPECT_THAT(list({{"limit", "2"}, {"cursor", cursor}, {"sort", "xp"}}).body, HasSubstr("invalid_cursor"));
  now_ = kNow + 24ll * 3'600'000 + 1;
  EXPECT_THAT(list({{"limit", "2"}, {"cursor", cursor}}).body, HasSubstr("invalid_cursor"));
}

TEST_P(Profiles, NothingOfAnotherCommunityIsShownOrChanged) {
  run(db(), "UPDATE memberships SET display_name = 'There', first_name = 'There' WHERE community_id = 2");
  auto const there = [&] {
    return test::text(db(),
                      "SELECT coalesce(display_name, '') || coalesce(first_name, '') || hidden FROM memberships WHERE community_id = 2 "
                      "AND member_id = 5");
  };
  auto const before = there();
  for (auto const& query : {Pairs{}, Pairs{{"search", "keyword:there"}}, Pairs{{"search", "keyword:user6"}}})
    EXPECT_THAT(list(query).body, testing::AllOf(Not(HasSubstr("There")), Not(HasSubstr("m6@"))));
  EXPECT_THAT(get(administrator(), 5).body, Not(HasSubstr("There")));
  ASSERT_EQ(patch(administrator(), 5, R"({"displayName":"Here","firstName":"Here","hidden":{"name":true}})").status, 200);
  EXPECT_EQ(there(), before);
}

TEST_P(Profiles, ChangedByManyAtOnceKeepOneUnbrokenHistory) {
  constexpr int kThreads = 8, kEach = 5;
  std::latch start(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < kEach; ++i) {
        auto const name = std::to_string(t) + "-" + std::to_string(i);
        EXPECT_EQ(patch(user(kMine), kMine, R"({"displayName":")" + name + R"("})").status, 200);
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(number(db(), "SELECT count(*) FROM field_history WHERE member_id = 3"), kThreads * kEach);
  // Each item follows another one: nobody's change was made on a state that somebody else had left behind.
  EXPECT_EQ(number(db(), "SELECT count(DISTINCT previous_id) FROM field_history WHERE member_id = 3"), kThreads * kEach);
  EXPECT_EQ(number(db(),
                   "SELECT count(*) FROM field_history a JOIN field_history b ON a.previous_id = b.history_id "
                   "WHERE a.member_id = 3 AND a.before_text <> b.after_text"),
            0);
}

}  // namespace
}  // namespace fealty::members
