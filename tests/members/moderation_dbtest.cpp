#include "members/erasure.h"
#include "members/states.h"
#include "members/users_harness.h"

namespace fealty::members {
namespace {

constexpr std::int64_t kDay = 86'400'000;

class Moderation : public UsersTest {
 protected:
  api::Context person(std::int64_t account, api::CommunityRole role) const {
    auto c = context();
    c.principal.kind = api::PrincipalKind::user;
    c.principal.account = {account};
    c.principal.account_id = PublicId::of(account, kNow);
    c.principal.role = role;
    return c;
  }
  std::string state(std::int64_t member) {
    return text(db(), "SELECT CAST(state AS TEXT) FROM memberships WHERE community_id = 1 AND member_id = " + std::to_string(member));
  }
  std::string members_rows() { return test::dump(db(), {"audit_entries", "misconduct_records", "sessions", "api_keys", "counters"}); }
  void add_session(std::int64_t number, std::int64_t account, std::int64_t scope) {
    auto const n = std::to_string(number);
    run(db(),
        "INSERT INTO sessions (session_id, account_id, scope_id, refresh_hash, rotated_at, device, remote_address, created_at, "
        "last_used_at, expires_at) VALUES (" +
            n + ", " + std::to_string(account) + ", " + std::to_string(scope) + ", CAST('" + n +
            "' AS {blob}), 0, '', '', 0, 0, 9000000000000)");
  }
};
FEALTY_ON_BOTH_ENGINES(Moderation);

TEST_P(Moderation, DeletedMembersComeBackBitForBit) {
  add_field("Tier", "text");
  add_field("Card", "text", "", true);
  add_role(2, "Trader", 10);
  ASSERT_EQ(
      call("users.create", R"({"firstname":"Mia","lastname":"Lee","displayname":"Mia","username":"mia","email":"mia@example.org",)"
                           R"("accessLevel":0,"joinServer":true,"externalId":"c-1","customFields":[{"fieldIdorName":"Tier","value":"a"}]})")
          .status,
      200);
  auto const id = number(db(), "SELECT account_id FROM accounts WHERE username = 'mia'");
  give_role(id, 2);
  ledger::LedgerService ledger(db(), numbers_);
  ledger::Change change;
  change.member = {id};
  change.currency = "coins";
  change.value = {7 * Decimal::kScale};
  change.source = {"api_key", "x", "", "", {"operator", "", ""}};
  ASSERT_TRUE(ledger.change(kHere, change, now_));
  auto const before = members_rows();
  auto const shown = info("mia").body;

  auto const answer = manage("delete", "mia");
  EXPECT_EQ(answer.body, R"({"status":"success","message":"User deleted successfully","data":{"action":"delete","user":"mia","userId":")" +
                             std::to_string(id) + R"("},"action":"delete","user":"mia"})");
  EXPECT_EQ(info("mia").status, 404);
  EXPECT_EQ(filter(R"({"filter":{"username":"mia"}})").at("/data/total"), "0");
  EXPECT_EQ(manage("delete", "mia").body, answer.body) << "may be repeated";
  EXPECT_EQ(manage("restore", "mia").at("/message"), "\"User restored successfully\"");
  EXPECT_EQ(manage("restore", "mia").status, 200) << "may be repeated";
  EXPECT_EQ(members_rows(), before);
  EXPECT_EQ(info("mia").body, shown);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE action IN ('user.delete', 'user.restore')"), 2);
  expect_sound();
}

TEST_P(Moderation, EveryStateComesBackAsItWas) {
  run(db(), "UPDATE memberships SET state_until = 1775552500000 WHERE member_id = 9");
  for (int member : {2, 7, 9, 10}) {
    auto const before = members_rows();
    EXPECT_EQ(manage("delete", std::to_string(member)).status, 200);
    EXPECT_EQ(manage("restore", std::to_string(member)).status, 200);
    EXPECT_EQ(members_rows(), before) << member;
  }
  // Who left of his own will is invited.
  run(db(),
      "UPDATE memberships SET state = 4, deleted_at = 1775552400000, left_by_self = 1, former_states = 1 WHERE community_id = 1 AND "
      "member_id = 3");
  EXPECT_EQ(manage("restore", "user3").status, 200);
  EXPECT_EQ(info("3").at("/data/status"), "\"invited\"");
}

TEST_P(Moderation, DeletionEndsSessionsAndKeysOfThisCommunityAlone) {
  add_session(1, 5, 1);
  add_session(2, 5, 2);
  add_session(3, 5, 0);
  add_session(4, 4, 1);
  for (auto const& [key, community, account] : {std::tuple{1, 1, 5}, {2, 2, 5}, {3, 1, 4}})
    run(db(),
        "INSERT INTO api_keys (community_id, key_id, kind, name, prefix, secret_hash, permissions, created_at, created_by, account_id) "
        "VALUES (" +
            std::to_string(community) + ", " + std::to_string(key) + ", 'user', 'k', 'fu', CAST('" + std::to_string(key) +
            "' AS {blob}), 0, 0, '', " + std::to_string(account) + ")");
  EXPECT_EQ(manage("delete", "5").status, 200);
  EXPECT_EQ(number(db(), "SELECT sum(session_id) FROM sessions WHERE ended_at IS NOT NULL"), 1);
  EXPECT_EQ(number(db(), "SELECT sum(key_id) FROM api_keys WHERE revoked_at IS NOT NULL"), 1);
  EXPECT_EQ(number(db(), "SELECT state FROM memberships WHERE community_id = 2 AND member_id = 5"), 0);
  EXPECT_EQ(manage("restore", "5").status, 200);
  EXPECT_EQ(number(db(), "SELECT sum(key_id) FROM api_keys WHERE revoked_at IS NOT NULL"), 1) << "keys do not come back";
}

TEST_P(Moderation, TheOwnerAndStrangersAreOutOfReach) {
  EXPECT_EQ(manage("delete", "1").at("/code"), "\"owner_protected\"");
  EXPECT_EQ(moderate("ban", "1").status, 403);
  for (auto const* user : {"6", "nobody@example.org", "user6"}) {
    EXPECT_EQ(manage("delete", user).status, 404);
    EXPECT_EQ(manage("restore", user).body, manage("restore", "nobody@example.org").body);
    EXPECT_EQ(moderate("warn", user).status, 404);
  }
  EXPECT_EQ(call("users.manage", R"({"action":"remove","user":""})").at("/errors/1/field"), "\"/user\"");
  run(db(), "UPDATE accounts SET username = '008', username_key = '008' WHERE account_id = 2");
  EXPECT_EQ(manage("restore", "008").at("/code"), "\"ambiguous_member\"") << "one of the two is deleted";
  EXPECT_EQ(manage("restore", "id:8").status, 200);
  // Administrators act on those below them.
  give_role(2, add_role(2, "Admin", 10, 64));
  give_role(3, 2);
  auto const ban = [&](api::Context const& who, std::string const& user) {
    return call_as(who, "users.moderate", R"({"action":"ban","user":")" + user + R"(","reason":"r"})").at("/code");
  };
  EXPECT_EQ(ban(person(2, api::CommunityRole::administrator), "3"), "\"rank_too_low\"");
  EXPECT_EQ(ban(person(2, api::CommunityRole::administrator), "user3"), "\"rank_too_low\"");
  EXPECT_EQ(ban(person(1, api::CommunityRole::owner), "1"), "\"owner_protected\"");
  EXPECT_EQ(ban(person(2, api::CommunityRole::administrator), "id:2"), "\"rank_too_low\"") << "himself";
  EXPECT_EQ(ban(person(2, api::CommunityRole::administrator), "4"), "");
  EXPECT_EQ(ban(person(1, api::CommunityRole::owner), "3"), "");
}

TEST_P(Moderation, SuspensionsEndByThemselvesAndBansAreLifted) {
  add_session(1, 2, 1);
  auto const answer = moderate("suspend", "2", R"(,"until":"2026-04-08T09:00:00Z")");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.at("/data/action"), "\"suspend\"");
  EXPECT_EQ(answer.at("/data/until"), "\"2026-04-08T09:00:00.000Z\"");
  EXPECT_EQ(answer.at("/data/status"), "\"suspended\"");
  EXPECT_EQ(answer.at("/data/user/userId"), "\"2\"");
  EXPECT_EQ(number(db(), "SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL"), 1);
  now_ = kNow + kDay - 1;
  EXPECT_EQ(info("2").at("/data/status"), "\"suspended\"");
  now_ = kNow + kDay;
  EXPECT_EQ(info("2").at("/data/status"), "\"active\"");
  EXPECT_EQ(moderate("lift", "2").at("/code"), "\"nothing_to_lift\"");
  EXPECT_EQ(moderate("ban", "2").status, 200);
  EXPECT_EQ(moderate("suspend", "2").at("/code"), "\"already_banned\"");
  EXPECT_EQ(moderate("warn", "2").at("/data/status"), "\"banned\"");
  EXPECT_EQ(moderate("lift", "2").at("/data/status"), "\"active\"");
  // An invited member is one again after the ban.
  EXPECT_EQ(moderate("ban", "7").at("/data/status"), "\"banned\"");
  EXPECT_EQ(moderate("lift", "7").at("/data/status"), "\"invited\"");
  EXPECT_EQ(moderate("suspend", "3", R"(,"until":"2026-04-07T09:00:00Z")").at("/errors/0/code"), "\"in_the_past\"");
  EXPECT_EQ(moderate("ban", "3", R"(,"until":"2027-04-07T09:00:00Z")").at("/errors/0/field"), "\"/until\"");
  EXPECT_EQ(call("users.moderate", R"({"action":"shout","user":"3"})").at("/errors/1/field"), "\"/reason\"");
  auto const log = call_as(context(), "users.misconduct", "", "", {{"user", "2"}, {"limit", "2"}});
  EXPECT_EQ(log.at("/data/0/action"), "\"lift\"");
  EXPECT_EQ(log.at("/data/1/action"), "\"warn\"");
  EXPECT_EQ(log.at("/data/0/reason"), "\"because\"");
  EXPECT_EQ(log.at("/pagination/total"), "4");
  EXPECT_EQ(call_as(context(kElsewhere), "users.misconduct", "", "", {{"user", "2"}}).status, 404);
}

TEST_P(Moderation, ABanOutlivesDeletion) {
  EXPECT_EQ(moderate("ban", "2").status, 200);
  EXPECT_EQ(manage("delete", "2").status, 200);
  EXPECT_EQ(manage("restore", "2").status, 200);
  EXPECT_EQ(info("2").at("/data/status"), "\"banned\"");
  // Who leaves is not out of reach.
  EXPECT_EQ(manage("delete", "3").status, 200);
  EXPECT_EQ(moderate("ban", "3").status, 200);
  EXPECT_EQ(manage("restore", "3").status, 200);
  EXPECT_EQ(info("3").at("/data/status"), "\"banned\"");
  EXPECT_EQ(manage("delete", "3").status, 200);
  EXPECT_EQ(moderate("lift", "3").status, 200);
  EXPECT_EQ(manage("restore", "3").status, 200);
  EXPECT_EQ(info("3").at("/data/status"), "\"active\"");
  EXPECT_EQ(moderate("kick", "3").at("/data/status"), "\"deleted\"");
  EXPECT_EQ(moderate("kick", "3").status, 404);
  EXPECT_EQ(manage("restore", "3").status, 200);
  EXPECT_EQ(info("3").at("/data/status"), "\"invited\"") << "a kicked member comes back by invitation";
}

TEST_P(Moderation, AfterItsTimePersonalDataIsErasedAndTheLedgerStays) {
  add_field("Tier", "text");
  add_field("Card", "text", "", true);
  auto const create = [&](std::string const& name) {
    return call("users.create", R"({"firstname":"Wilhelmina","lastname":"Quux","displayname":"Wilhelmina","username":")" + name +
                                    R"(","email":")" + name + R"(@example.org","accessLevel":0,"joinServer":true,"externalId":"card-)" +
                                    name + R"(","customFields":[{"fieldIdorName":"Tier","value":"tier-Wilhelmina"}]})");
  };
  ASSERT_EQ(create("mia").status, 200);
  ASSERT_EQ(create("banned").status, 200);
  MemberNo const mia{number(db(), "SELECT account_id FROM accounts WHERE username = 'mia'")};
  ledger::LedgerService ledger(db(), numbers_);
  ledger::Change change;
  change.member = mia;
  change.currency = "coins";
  change.value = {7 * Decimal::kScale};
  change.source = {"api_key", "x", "", "", {"operator", "", ""}};
  ASSERT_TRUE(ledger.change(kHere, change, now_));
  ASSERT_EQ(moderate("ban", "banned").status, 200);
  for (auto const* user : {"mia", "banned"}) ASSERT_EQ(manage("delete", user).status, 200);
  test::TemporaryFolder folder;
  AvatarFiles pictures(folder.file("avatars"));
  auto const picture = pictures.add("mia"), other = pictures.add("somebody else");
  run(db(), "UPDATE memberships SET avatar = '" + picture + "' WHERE member_id = " + std::to_string(mia.value));
  run(db(), "UPDATE memberships SET avatar = '" + other + "' WHERE member_id = 1");
  Erasure erasure(db(), numbers_, pictures, [this] { return now_; });
  now_ = kNow + 30 * kDay - 1;
  run(db(), "UPDATE memberships SET deleted_at = NULL, state = 0 WHERE member_id = 8");
  EXPECT_EQ(erasure.erase_due(), 0);
  EXPECT_EQ(manage("restore", "mia").status, 200);
  EXPECT_EQ(manage("delete", "mia").status, 200);
  now_ = kNow + 60 * kDay;
  EXPECT_EQ(manage("restore", "mia").status, 404) << "also before the erasure has run";
  EXPECT_TRUE(pictures.read(picture)) << "as long as he may come back";
  EXPECT_EQ(erasure.erase_due(), 2);
  EXPECT_EQ(erasure.erase_due(), 0);
  EXPECT_FALSE(pictures.read(picture));
  EXPECT_TRUE(pictures.read(other));
  EXPECT_THAT(test::tables_with(db(), "Wilhelmina"), IsEmpty());
  EXPECT_THAT(test::tables_with(db(), "Quux"), IsEmpty());
  EXPECT_EQ(test::tables_with(db(), "card-mia"), std::vector<std::string>());
  for (auto const* table : {"field_values", "field_history", "identifier_values"}) EXPECT_EQ(count(table), 0) << table;
  EXPECT_EQ(number(db(), "SELECT amount FROM balances WHERE member_id = " + std::to_string(mia.value)), 7 * Decimal::kScale);
  expect_sound();
  EXPECT_EQ(manage("restore", "mia").status, 404);
  EXPECT_EQ(manage("delete", "mia").status, 404);
  // Made again he is a new member on the balance that stayed; who was banned has to be pardoned first.
  EXPECT_EQ(create("mia").at("/data/status"), "\"active\"");
  EXPECT_EQ(info("mia").at("/data/coins"), "7");
  EXPECT_EQ(info("mia").at("/data/customFields"), R"({"Tier":"tier-Wilhelmina","Card":"card-mia"})");
  EXPECT_EQ(create("banned").at("/code"), "\"user_banned\"");
  EXPECT_EQ(moderate("lift", "banned").status, 200);
  EXPECT_EQ(create("banned").status, 200);
  expect_sound();
}

TEST_P(Moderation, OfManyAtOnceEachIsDoneOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) EXPECT_EQ(manage(t % 2 ? "delete" : "restore", "2").status, 200);
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(manage("restore", "2").status, 200);
  EXPECT_EQ(number(db(), "SELECT former_states FROM memberships WHERE community_id = 1 AND member_id = 2"), 0);
  EXPECT_EQ(info("2").at("/data/status"), "\"active\"");
  auto const first = call("users.moderate", R"({"action":"warn","user":"3","reason":"r"})", "key");
  EXPECT_EQ(call("users.moderate", R"({"action":"warn","user":"3","reason":"r"})", "key").body, first.body);
  EXPECT_EQ(count("misconduct_records"), 1);
}

}  // namespace
}  // namespace fealty::members
