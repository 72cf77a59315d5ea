#include "ledger/ledger.h"
#include "members/users_harness.h"

namespace fealty::members {
namespace {

class UsersInfo : public UsersTest {
 protected:
  // Posts one change of a balance at the present time of the test.
  void change(std::int64_t member, std::string const& currency, ledger::Operator op, std::int64_t units) {
    ledger::LedgerService ledger(db(), numbers_);
    ledger::Change c;
    c.member = {member};
    c.currency = currency;
    c.op = op;
    c.value = {units * Decimal::kScale};
    c.source = {"api_key", "test:" + std::to_string(++sources_), "", "", {"operator", "", ""}};
    ASSERT_TRUE(ledger.change(kHere, c, now_));
  }
  int sources_ = 0;
};
FEALTY_ON_BOTH_ENGINES(UsersInfo);

TEST_P(UsersInfo, OfAnEmptyMemberHasEveryDefaultField) {
  EXPECT_EQ(info("2").body,
            R"({"status":"success","data":{"userId":"2","username":"user2","xp":0,"coins":0,"roles":[],"highestRole":"@all",)"
            R"("firstName":null,"lastName":null,"xpEarnedToday":0,"coinsEarnedToday":0,"language":null,"totalMessages":0,)"
            R"("totalReactions":0,"visitCount":0,"replySent":0,"timeSpent":0,"loginStreak":0,"customFields":{},"_id":")" +
                PublicId::of(2, kNow).to_string() +
                R"(","email":"m2@example.org","displayName":"Member 2","avatar":null,"phone":null,"country":null,"premiumCurrency":0,)"
                R"("tags":[],"joinedAt":"2026-04-07T09:00:00.000Z","lastOnline":null,"status":"active","suspendedUntil":null,)"
                R"("referredBy":null}})");
}

TEST_P(UsersInfo, ShowsWhatTheMemberHas) {
  add_role(1, "@all", 0);
  give_role(3, add_role(2, "Trader", 10));
  give_role(3, add_role(3, "Moderator", 20));
  give_role(3, add_role(4, "Helper", 20));
  run(db(), "INSERT INTO tags (community_id, tag_id, name, created_at) VALUES (1, 5, 'vip', 0)");
  run(db(), "INSERT INTO member_tags (community_id, member_id, tag_id) VALUES (1, 3, 5)");
  auto const tier = add_field("Tier", "text", "basic"), gold = add_field("Gold", "boolean"), score = add_field("Score", "number");
  run(db(), "INSERT INTO field_values (community_id, member_id, field_id, number, text, history_id) VALUES (1, 3, " +
                std::to_string(score.number.value) + ", 12500000, NULL, 0), (1, 3, " + std::to_string(gold.number.value) + ", 1, NULL, 0)");
  run(db(),
      "UPDATE memberships SET first_name = 'Ana', last_name = 'Lee', language = 'pt-BR', country = 'SG', phone = '+65 1', "
      "referred_by = 4, last_online_at = 1775552400001 WHERE community_id = 1 AND member_id = 3");
  auto const answer = info("m3@EXAMPLE.org");
  EXPECT_EQ(answer.at("/data/roles"), R"(["Moderator","Helper","Trader"])");
  EXPECT_EQ(answer.at("/data/highestRole"), "\"Moderator\"");
  EXPECT_EQ(answer.at("/data/tags"), R"(["vip"])");
  EXPECT_EQ(answer.at("/data/customFields"), R"({"Tier":"basic","Gold":true,"Score":12.5})");
  EXPECT_EQ(answer.at("/data/language"), "\"Portuguese (Brazil)\"");
  EXPECT_EQ(answer.at("/data/country"), "\"SG\"");
  EXPECT_EQ(answer.at("/data/referredBy"), "\"4\"");
  EXPECT_EQ(answer.at("/data/lastOnline"), "\"2026-04-07T09:00:00.001Z\"");
  EXPECT_EQ(answer.at("/data/firstName"), "\"Ana\"");
  run(db(), "UPDATE memberships SET hidden = 3 WHERE community_id = 1 AND member_id = 3");
  auto const hidden = info("user3");
  for (auto const* name : {"firstName", "lastName", "email"}) EXPECT_EQ(hidden.at("/data/" + std::string(name)), "\"---\"");
  EXPECT_EQ(hidden.at("/data/displayName"), "\"Member 3\"");
}

TEST_P(UsersInfo, CountsWhatWasEarnedSinceMidnightOfTheCommunity) {
  run(db(), "UPDATE communities SET time_zone = 'Asia/Singapore' WHERE community_id = 1");
  TimeMs const midnight = *parse_iso("2026-04-07T16:00:00Z");
  now_ = midnight - 1;
  change(2, "xp", ledger::Operator::add, 100);
  change(2, "coins", ledger::Operator::add, 50);
  EXPECT_EQ(info("2").at("/data/xpEarnedToday"), "100");
  now_ = midnight;
  EXPECT_EQ(info("2").at("/data/xpEarnedToday"), "0");
  for (int i = 0; i < 5; ++i) change(2, "xp", ledger::Operator::add, 2);
  change(2, "xp", ledger::Operator::subtract, 1);  // of a currency that cannot be spent: a correction
  change(2, "coins", ledger::Operator::add, 7);
  change(2, "coins", ledger::Operator::subtract, 5);  // spending is no loss of what was earned
  auto const answer = info("2");
  EXPECT_EQ(answer.at("/data/xp"), "109");
  EXPECT_EQ(answer.at("/data/xpEarnedToday"), "9");
  EXPECT_EQ(answer.at("/data/coins"), "52");
  EXPECT_EQ(answer.at("/data/coinsEarnedToday"), "7");
  change(3, "xp", ledger::Operator::add, 5);
  now_ += 86'400'000;
  EXPECT_EQ(info("3").at("/data/xpEarnedToday"), "0");
  expect_sound();
}

TEST_P(UsersInfo, KnowsMembersOfThisCommunityAlone) {
  EXPECT_EQ(info("7").at("/data/status"), "\"invited\"");
  EXPECT_EQ(info("9").at("/data/status"), "\"suspended\"");
  EXPECT_EQ(info("10").at("/data/status"), "\"banned\"");
  auto const nobody = info("nobody@example.org");
  EXPECT_EQ(nobody.status, 404);
  EXPECT_EQ(nobody.at("/code"), "\"user_not_found\"");
  for (auto const* other : {"6", "8", "m6@example.org", "user8", "0123456789abcdef01234567", "id:6", "username:user6"})
    EXPECT_EQ(info(other).body, nobody.body) << other;
  EXPECT_EQ(call("users.info", "{}").status, 400);
  run(db(), "UPDATE accounts SET username = '003', username_key = '003' WHERE account_id = 2");
  EXPECT_EQ(info("003").status, 409);
  EXPECT_EQ(info("id:3").at("/data/userId"), "\"3\"");
  EXPECT_EQ(info("username:003").at("/data/userId"), "\"2\"");
}

TEST_P(UsersInfo, TellsTheEndOfASuspension) {
  run(db(), "UPDATE memberships SET state_until = " + std::to_string(kNow + 1000) + " WHERE community_id = 1 AND member_id = 9");
  EXPECT_EQ(info("9").at("/data/suspendedUntil"), "\"2026-04-07T09:00:01.000Z\"");
  now_ = kNow + 1000;
  EXPECT_EQ(info("9").at("/data/status"), "\"active\"");
  EXPECT_EQ(info("9").at("/data/suspendedUntil"), "null");
}

TEST_P(UsersInfo, ActivityHasEveryDayOfTheRange) {
  run(db(), "UPDATE communities SET time_zone = 'Pacific/Auckland' WHERE community_id = 1");
  now_ = *parse_iso("2026-04-07T13:00:00Z");
  auto const answer = call("users.activity", R"({"identifier":"m2@example.org","identifier_type":"email","days":3})");
  EXPECT_EQ(answer.body,
            R"({"status":"success","message":"User gamification stats fetched successfully","data":{"user_id":"2",)"
            R"("range":{"start_date":"2026-04-06","end_date":"2026-04-08"},"totals":{"messages":0,"replies":0,"reaction":0,"socials":0},)"
            R"("daily_stats":[{"date":"2026-04-08","messages":0,"replies":0,"reaction":0,"socials":0},)"
            R"({"date":"2026-04-07","messages":0,"replies":0,"reaction":0,"socials":0},)"
            R"({"date":"2026-04-06","messages":0,"replies":0,"reaction":0,"socials":0}]}})");
  EXPECT_EQ(call_as(context(), "users.activity.get", "", "", {{"identifier", "2"}, {"identifier_type", "id"}, {"days", "3"}}).body,
            answer.body);
  EXPECT_EQ(call("users.activity", R"({"identifier":"user2","identifier_type":"username"})").at("/data/range/start_date"),
            "\"2026-03-10\"");
  EXPECT_EQ(call("users.activity", R"({"identifier":"2","days":367,"identifier_type":"phone"})").at("/errors/1/code"), "\"too_large\"");
  EXPECT_EQ(call("users.activity", R"({"identifier":"m6@example.org"})").status, 404);
}

}  // namespace
}  // namespace fealty::members
