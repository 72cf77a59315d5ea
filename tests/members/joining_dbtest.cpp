#include "members/joining.h"

#include <latch>
#include <thread>

#include "api/envelope.h"
#include "members/community_settings.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::members {
namespace {

using test::kNow;
using test::number;
using test::run;
using testing::HasSubstr;

constexpr CommunityNo kOpen{1}, kClosed{2};

class Joining : public test::DatabaseTest {
 protected:
  // Of both communities: 1 owns, 2 is a member, 3 invited, 4 suspended for an hour, 5 banned, 6 deleted by the community. 9 is
  // nobody's member. The first one is open.
  void SetUp() override {
    DatabaseTest::SetUp();
    for (auto const community : {kOpen, kClosed}) {
      test::add_community(db(), community.value, 1);
      test::add_member(db(), community, 1);
      for (int state = 0; state <= 4; ++state) test::add_member(db(), community, 2 + state, state);
    }
    test::add_account(db(), 9);
    run(db(), "UPDATE communities SET open_registration = 1 WHERE community_id = 1");
    run(db(), "UPDATE memberships SET state_until = " + std::to_string(kNow + 3'600'000) + " WHERE state = 2");
    service_ = std::make_unique<JoiningService>(db(), numbers_);
  }
  api::Response call(std::string_view id, std::int64_t account, CommunityNo community, std::string const& once = "") {
    for (auto const& route : joining_routes(*service_)) {
      if (route.id != id) continue;
      api::Request request;
      if (!once.empty()) request.headers.push_back({"idempotency-key", once});
      api::Context c;
      c.principal.kind = api::PrincipalKind::user;
      c.principal.account = {account};
      c.principal.community = c.community = community;
      c.now = now_;
      return api::render(route.family, route.handler(c, request), "r");
    }
    ADD_FAILURE() << id;
    return {};
  }
  api::Response join(std::int64_t account, CommunityNo community = kOpen) { return call("community.join", account, community); }
  api::Response leave(std::int64_t account, CommunityNo community = kOpen) { return call("community.leave", account, community); }
  std::int64_t state(std::int64_t account, CommunityNo community = kOpen) {
    return number(db(), "SELECT coalesce(sum(state), -1) FROM memberships WHERE community_id = " + std::to_string(community.value) +
                            " AND member_id = " + std::to_string(account));
  }

  NumberSource numbers_{1};
  std::unique_ptr<JoiningService> service_;
  TimeMs now_ = kNow;
};
FEALTY_ON_BOTH_ENGINES(Joining);

TEST_P(Joining, RepeatsItsAnswerToTheSameIdempotencyKey) {
  auto const joined = call("community.join", 9, kOpen, "first");
  EXPECT_EQ(joined.status, 200);
  EXPECT_EQ(call("community.leave", 9, kOpen, "second").status, 200);
  EXPECT_EQ(call("community.join", 9, kOpen, "first").body, joined.body) << "what was answered then";
  EXPECT_EQ(state(9), 4) << "and nothing more was done";
  EXPECT_THAT(call("community.leave", 9, kOpen, "first").body, HasSubstr("idempotency_key_reused"));
}

TEST_P(Joining, IsForOpenCommunitiesAndForThoseWhoAreInvited) {
  struct Case {
    std::int64_t account;
    CommunityNo community;
    int status;
    std::int64_t state;
  };
  Case const cases[] = {{9, kOpen, 200, 0},   {2, kOpen, 200, 0},   {3, kOpen, 200, 0},    {4, kOpen, 403, 2},
                        {5, kOpen, 403, 3},   {6, kOpen, 403, 4},   {9, kClosed, 403, -1}, {2, kClosed, 200, 0},
                        {3, kClosed, 200, 0}, {4, kClosed, 403, 2}, {5, kClosed, 403, 3},  {6, kClosed, 403, 4}};
  for (auto const& c : cases) {
    auto const answer = join(c.account, c.community);
    EXPECT_EQ(answer.status, c.status) << c.account << " " << answer.body;
    EXPECT_EQ(state(c.account, c.community), c.state) << c.account;
  }
  EXPECT_THAT(join(9).body, testing::AllOf(HasSubstr(R"("message":"User has joined the community successfully")"),
                                           HasSubstr(R"("userId":"9","status":"active")")));
  EXPECT_EQ(test::text(db(), "SELECT display_name FROM memberships WHERE member_id = 9"), "user9");
  EXPECT_EQ(join(9, kClosed).body, join(6, kClosed).body) << "who may not join is told what a stranger is told";
  now_ += 3'600'000;
  EXPECT_EQ(join(4).status, 200) << "the suspension ended by itself";
}

TEST_P(Joining, WhoLeftComesBackWhereEverybodyMay) {
  run(db(),
      "INSERT INTO sessions (session_id, account_id, scope_id, refresh_hash, rotated_at, device, remote_address, created_at, last_used_at, "
      "expires_at) VALUES (1, 2, 1, CAST('a' AS {blob}), 0, '', '', 0, 0, 9), (2, 2, 2, CAST('b' AS {blob}), 0, '', '', 0, 0, 9), "
      "(3, 2, 0, CAST('c' AS {blob}), 0, '', '', 0, 0, 9)");
  run(db(), "INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) VALUES (1, 2, 1, 9000000, 0, 0)");
  EXPECT_THAT(leave(2).body, HasSubstr(R"("message":"User has left the community successfully")"));
  EXPECT_EQ(state(2), 4);
  EXPECT_EQ(number(db(), "SELECT session_id FROM sessions WHERE ended_at IS NOT NULL"), 1) << "those of this community alone";
  EXPECT_EQ(leave(2).status, 200);
  EXPECT_EQ(join(2).status, 200);
  EXPECT_EQ(state(2), 0);
  EXPECT_EQ(number(db(), "SELECT amount FROM balances WHERE member_id = 2"), 9'000'000);
  ASSERT_EQ(leave(2, kClosed).status, 200);
  EXPECT_EQ(join(2, kClosed).status, 403);
  EXPECT_EQ(leave(9).status, 403);
  EXPECT_EQ(leave(5).status, 403) << "a ban is not left behind";
  EXPECT_THAT(leave(1).body, HasSubstr("owner_must_transfer"));
  EXPECT_EQ(state(1), 0);
}

TEST_P(Joining, ManyTimesAtOnceIsOneMembership) {
  constexpr int kThreads = 8;
  std::latch start(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      EXPECT_EQ(join(9).status, 200);
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(number(db(), "SELECT count(*) FROM memberships WHERE member_id = 9"), 1);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries"), 1);
}

TEST_P(Joining, SettingsOfACommunityAreChangedTogetherOrNotAtAll) {
  access::Actor const actor{"operator", "shell:0", "command line"};
  auto const set = [&](CommunityChange const& change, CommunityNo community = kOpen) {
    return change_community(db(), numbers_, community, change, actor, kNow);
  };
  auto const made = set({.host = " Club.Example.org ", .secure_auth_administrators = true, .restore_days = 7});
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, R"("host":"club.example.org","secureAuthAdministrators":true,"restoreDays":7)");
  auto const row = [&] {
    return test::text(db(),
                      "SELECT coalesce(host, '-') || open_registration || secure_auth_administrators || restore_days FROM communities "
                      "WHERE community_id = 1");
  };
  EXPECT_EQ(row(), "club.example.org117");
  for (auto const* bad : {"club.example.org:443", "https://club", "a..b", "-a.b", "a_b.c", "ü.example"})
    EXPECT_FALSE(set({.host = bad, .restore_days = 9})) << bad;
  EXPECT_FALSE(set({.restore_days = 0}));
  EXPECT_FALSE(set({}));
  EXPECT_EQ(set({.host = "CLUB.example.org"}, kClosed).error().code(), "host_taken");
  EXPECT_EQ(set({.host = "x.example"}, CommunityNo{99}).error().code(), "community_not_found");
  EXPECT_EQ(row(), "club.example.org117");
  ASSERT_TRUE(set({.host = "", .open_registration = false}));
  EXPECT_EQ(row(), "-017");
}

}  // namespace
}  // namespace fealty::members
