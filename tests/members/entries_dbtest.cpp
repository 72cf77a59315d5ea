// The ledger over HTTP: its lists against the table itself and against a model, and taking single entries back.
#include "members/entries.h"

#include <random>
#include <thread>

#include "histories_harness.h"
#include "members/balances.h"
#include "members/moderation.h"
#include "sql/failing.h"

namespace fealty::members {
namespace {

using ledger::Operator;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using Query = std::vector<std::pair<std::string, std::string>>;

class Entries : public RevertTest {
 protected:
  void SetUp() override {
    RevertTest::SetUp();
    entries_ = std::make_unique<EntriesService>(db(), numbers_);
  }

  api::Context key_of(CommunityNo community) {
    auto c = context();
    c.community = c.principal.community = community;
    c.principal.community_id = PublicId::of(community.value, test::kNow);
    return c;
  }
  api::Context person(std::int64_t account, api::CommunityRole role = api::CommunityRole::administrator, CommunityNo community = kHere) {
    auto c = key_of(community);
    c.principal.kind = api::PrincipalKind::user;
    c.principal.account = {account};
    c.principal.account_id = PublicId::of(account, test::kNow);
    c.principal.role = role;
    c.principal.name = "user" + std::to_string(account);
    c.request_id = "request";
    return c;
  }
  Reply call(api::Context caller, std::string_view id, std::vector<std::string> path, std::string body, Query query,
             std::string const& idempotency_key = "") {
    for (auto const& route : entries_routes(*entries_)) {
      if (route.id != id) continue;
      api::Request request;
      request.body = std::move(body);
      request.path_args = std::move(path);
      request.query = std::move(query);
      if (!idempotency_key.empty()) request.headers.push_back({"idempotency-key", idempotency_key});
      return test::reply_of(route, caller, request);
    }
    ADD_FAILURE() << "there is no route " << id;
    return {};
  }
  Reply list(Query query = {}, std::optional<api::Context> caller = {}) {
    return call(caller ? *caller : context(), "ledger.entries", {}, "", std::move(query));
  }
  Reply reverse(std::string const& entry, std::string const& note = "typed in twice", std::string const& idempotency_key = "") {
    return call(person(2), "ledger.reverse", {entry}, R"({"note":")" + note + "\"}", {}, idempotency_key);
  }

  // The ids of a list to its end, page by page.
  std::vector<std::string> walk(Query query, std::int64_t limit = 100, std::optional<api::Context> caller = {}) {
    query.emplace_back("limit", std::to_string(limit));
    std::vector<std::string> out;
    std::string cursor;
    for (int page = 0; page < 1'000; ++page) {
      auto asked = query;
      if (!cursor.empty()) asked.emplace_back("cursor", cursor);
      auto const reply = list(asked, caller);
      EXPECT_EQ(reply.status, 200) << reply.body;
      if (reply.status != 200) return out;
      EXPECT_EQ(reply.at("/pagination/limit"), std::to_string(limit));
      std::int64_t items = 0;
      for (; !reply.at("/data/" + std::to_string(items)).empty(); ++items)
        out.push_back(reply.text("/data/" + std::to_string(items) + "/_id"));
      EXPECT_LE(items, limit);
      cursor = reply.text("/pagination/nextCursor");
      EXPECT_EQ(reply.at("/pagination/hasNextPage"), cursor == "null" ? "false" : "true");
      if (cursor == "null") return out;
    }
    ADD_FAILURE() << "the list does not end";
    return out;
  }
  // The same as the table has it.
  std::vector<std::string> stored(std::string const& where = "1 = 1", CommunityNo community = kHere) {
    std::vector<std::string> out;
    db().read([&](sql::Tx& tx) {
      tx.run_text(
          "SELECT e.entry_id FROM ledger_entries e JOIN change_sources s ON s.community_id = e.community_id AND s.source_id = "
          "e.source_id WHERE e.community_id = " +
              std::to_string(community.value) + " AND " + where + " ORDER BY e.entry_id DESC",
          {}, [&](sql::Row const& r) { out.push_back(id_of(r.integer(0))); });
    });
    return out;
  }
  static std::string id_of(std::int64_t number) { return PublicId::of(number, NumberSource::time_of(number)).to_string(); }
  std::string newest() { return stored().front(); }
  std::int64_t balance(std::int64_t member, std::int64_t currency = 2) {
    return test::number(db(), "SELECT coalesce(sum(amount), 0) FROM balances WHERE community_id = 1 AND member_id = " +
                                  std::to_string(member) + " AND currency_id = " + std::to_string(currency)) /
           Decimal::kScale;
  }
  std::int64_t earned(std::int64_t member) {
    return test::number(db(), "SELECT coalesce(sum(earned), 0) FROM balances WHERE community_id = 1 AND currency_id = 2 AND member_id = " +
                                  std::to_string(member)) /
           Decimal::kScale;
  }

  std::unique_ptr<EntriesService> entries_;
};
FEALTY_ON_BOTH_ENGINES(Entries);

TEST_P(Entries, AreShownAsTheyWereAnsweredWhenTheyWereMade) {
  BalancesService balances(db(), numbers_);
  Reply made;
  for (auto const& route : balances_routes(balances)) {
    if (route.id != "balances.adjust") continue;
    api::Request request;
    request.body = R"({"identifier":"1","currency":"coins","op":"add","amount":"2.5","reason":"top_up","note":"n","sourceId":"order-7"})";
    auto caller = context();
    made = test::reply_of(route, caller, request);
  }
  ASSERT_EQ(made.status, 200) << made.body;
  auto const shown = list({{"user_id", "1"}});
  EXPECT_EQ(shown.text("/message"), "Ledger entries fetched successfully");
  EXPECT_EQ(shown.at("/data/0"), made.at("/data/entry"));
  EXPECT_EQ(shown.at("/pagination"), R"({"limit":20,"hasNextPage":false,"nextCursor":null})");
  EXPECT_EQ(shown.at("/data/0/user"), R"({"_id":")" + PublicId::of(1, test::kNow).to_string() + R"(","id":"1","username":"user1"})");
  EXPECT_EQ(shown.text("/data/0/class"), "earn");
  EXPECT_EQ(shown.at("/data/0/amount"), "2.5");
  EXPECT_EQ(shown.at("/data/0/balanceAfter"), "2.5");
  EXPECT_EQ(shown.text("/data/0/reason"), "top_up");
  EXPECT_EQ(shown.text("/data/0/note"), "n");
  EXPECT_EQ(shown.at("/data/0/reversalOf"), "null");
  EXPECT_EQ(shown.at("/data/0/reversedBy"), "") << "absent until it is";
  EXPECT_EQ(shown.at("/data/0/seq") + shown.at("/data/0/hash"), "") << "absent until there is a chain of hashes";
  EXPECT_THAT(shown.text("/data/0/source/id"), HasSubstr(":order-7"));
}

TEST_P(Entries, OfJobsNameTheirRows) {
  auto const job = update("Email,Coins_op,Coins\r\n" + test::email_of(1) + ",add,5\r\n" + test::email_of(2) + ",add,7\r\n");
  auto const reversing = revert(job);
  auto const of_two = list({{"user_id", "2"}});
  EXPECT_EQ(of_two.at("/data/0/source"), R"({"kind":"revert","id":")" + job.to_string() + R"(:3","leg":")" + reversing.to_string() + "\"}");
  EXPECT_EQ(of_two.text("/data/1/source/kind"), "bulk");
  EXPECT_EQ(of_two.text("/data/1/source/id"), job.to_string() + ":3");
  EXPECT_EQ(of_two.text("/data/1/actor/name"), "crm");
  EXPECT_EQ(of_two.at("/data/0/reversalOf"), "null") << "that a job was taken back is told by the job";
  EXPECT_EQ(of_two.at("/data/1/reversedBy"), "");

  test::run(db(), "UPDATE change_sources SET label = 'May' WHERE kind = 'bulk'");
  EXPECT_EQ(list({{"user_id", "2"}}).at("/data/1/source/label"), "\"May\"") << "the name of the job's log";

  EXPECT_EQ(walk({{"sourceId", job.to_string()}}), stored());
  EXPECT_EQ(walk({{"sourceId", job.to_string()}, {"sourceKind", "bulk"}}), stored("s.kind = 'bulk'"));
  EXPECT_EQ(walk({{"sourceId", job.to_string() + ":2"}}), stored("e.source_row = 2"));
  EXPECT_EQ(walk({{"sourceId", job.to_string() + ":2"}, {"sourceKind", "revert"}}), stored("e.source_row = 2 AND s.kind = 'revert'"));
  EXPECT_EQ(walk({{"sourceId", job.to_string() + ":2"}, {"user_id", "2"}}), stored("1 = 0"));
  EXPECT_EQ(walk({{"sourceId", job.to_string() + ":4"}}), stored("1 = 0"));
  expect_sound();
}

TEST_P(Entries, AreFilteredByEverythingThatTheyShow) {
  for (int round = 0; round < 4; ++round)
    for (std::int64_t const member : {1, 2})
      for (auto const* currency : {"xp", "coins", "premium"}) {
        change(member, currency, Operator::add, 10 + round);
        change(member, currency, Operator::subtract, 1 + round);
      }
  EXPECT_THAT(stored(), SizeIs(48));
  struct Case {
    Query query;
    std::string where;
  };
  std::string const id = PublicId::of(2, test::kNow).to_string();
  std::vector<Case> const cases = {
      {{}, "1 = 1"},
      {{{"user_id", "1"}}, "e.member_id = 1"},
      {{{"user_id", id}}, "e.member_id = 2"},
      {{{"user_id", "undefined"}}, "1 = 1"},
      {{{"currency", "coins"}}, "e.currency_id = 2"},
      {{{"user_id", "1"}, {"currency", "premium"}}, "e.member_id = 1 AND e.currency_id = 3"},
      {{{"class", "spend"}}, "e.class = 2"},
      {{{"class", "expire"}}, "e.class = 5"},
      {{{"user_id", "2"}, {"class", "correct"}}, "e.member_id = 2 AND e.class = 4"},
      {{{"sourceKind", "api_key"}}, "1 = 1"},
      {{{"sourceKind", "bulk"}}, "1 = 0"},
      {{{"sourceId", "change 7"}}, "s.external_id = 'change 7'"},
      {{{"sourceId", "change 7"}, {"sourceKind", "api_key"}, {"user_id", "2"}}, "s.external_id = 'change 7' AND e.member_id = 2"},
      {{{"sourceId", "change 7"}, {"sourceKind", "webhook"}}, "1 = 0"},
      {{{"sourceId", "nobody's"}}, "1 = 0"},
  };
  for (auto const& c : cases)
    for (std::int64_t const limit : {1, 7, 100}) EXPECT_EQ(walk(c.query, limit), stored(c.where)) << c.where << " by " << limit;

  // Bounds of time: every entry's own millisecond, then whole days.
  auto const all = stored();
  for (auto const& entry : {all[3], all[20], all[47]}) {
    auto const number = PublicId::parse(entry)->number;
    auto const at = NumberSource::time_of(number);
    auto const from = std::to_string(NumberSource::first_at(at)), to = std::to_string(NumberSource::first_at(at + 1));
    for (Query const& of : {Query{}, Query{{"user_id", "1"}}}) {
      std::string const whose = of.empty() ? "" : " AND e.member_id = 1";
      auto query = of;
      query.emplace_back("startDate", to_iso(at));
      EXPECT_EQ(walk(query, 5), stored("e.entry_id >= " + from + whose));
      query.back().first = "endDate";
      EXPECT_EQ(walk(query, 5), stored("e.entry_id < " + to + whose));
    }
  }
  EXPECT_THAT(walk({{"endDate", "2026-01-01"}, {"user_id", "1"}}), IsEmpty());
  EXPECT_THAT(walk({{"startDate", "2026-01-01"}}), SizeIs(48));
}

TEST_P(Entries, RefuseQueriesWithEveryProblemAtOnce) {
  auto const wrong = list({{"class", "gift"}, {"sourceKind", "magic"}, {"limit", "101"}});
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, testing::AllOf(HasSubstr("\"class\""), HasSubstr("\"sourceKind\""), HasSubstr("\"limit\"")));
  EXPECT_EQ(list({{"startDate", "yesterday"}}).status, 400);
  EXPECT_EQ(list({{"startDate", "2026-04-02"}, {"endDate", "2026-04-01"}}).status, 400);
  EXPECT_EQ(list({{"currency", "gold"}}).code(), "currency_not_found");
  for (auto const* nobody : {"77", "6", "abc", "6b0000000000000000abcdef"}) EXPECT_EQ(list({{"user_id", nobody}}).code(), "user_not_found");
  EXPECT_EQ(list({{"cursor", "abc"}}).code(), "invalid_cursor");
  change(1, "coins", Operator::add, 1);
  change(1, "coins", Operator::add, 1);
  auto const cursor = list({{"user_id", "1"}, {"limit", "1"}}).text("/pagination/nextCursor");
  EXPECT_EQ(list({{"user_id", "1"}, {"cursor", cursor}}).status, 200);
  EXPECT_EQ(list({{"user_id", "2"}, {"cursor", cursor}}).code(), "invalid_cursor");
  EXPECT_EQ(list({{"user_id", "1"}, {"class", "earn"}, {"cursor", cursor}}).code(), "invalid_cursor");
}

TEST_P(Entries, StayBehindTheirCursorWhileOthersAreAdded) {
  for (int i = 0; i < 10; ++i) change(1, i % 2 == 0 ? "coins" : "xp", Operator::add, 1);
  auto const before = stored();
  for (Query const& of : {Query{{"user_id", "1"}}, Query{}}) {
    auto query = of;
    query.emplace_back("limit", "4");
    auto const first = list(query);
    change(1, "coins", Operator::add, 1);
    change(1, "premium", Operator::add, 1);
    change(1, "xp", Operator::add, 1);
    query.emplace_back("cursor", first.text("/pagination/nextCursor"));
    auto const second = list(query);
    auto const now = stored();
    auto const at = of.empty() ? 3U : 0U;  // three were added before the second turn
    EXPECT_EQ(first.text("/data/3/_id"), now[3 + 3]);
    EXPECT_EQ(second.text("/data/0/_id"), now[3 + 4]);
    EXPECT_THAT(now, SizeIs(before.size() + 3 + at));
  }
}

TEST_P(Entries, OfOneCommunityAreFoundBetweenManyOfAnother) {
  change(1, "coins", Operator::add, 1);
  auto const old = newest();
  // An hour in which 70,000 entries were written elsewhere, and two here.
  auto const begin = PublicId::parse(old)->number;
  test::run(
      db(),
      "INSERT INTO ledger_entries (community_id, entry_id, member_id, currency_id, class, operator, amount, balance_after, previous_id, "
      "source_id, source_row) WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 70000) "
      "SELECT 2, " +
          std::to_string(begin) + " + i * 214748364, 5, 2, 1, 0, 1, i, 0, 1, 0 FROM n");
  NumberSource later(1, [] { return system_now() + 7'200'000; });
  ASSERT_TRUE(ledger::LedgerService(db(), later)
                  .change(kHere, {{2}, "coins", Operator::add, {Decimal::kScale}, {"api_key", "late", "", "", {}}, "", ""}, system_now()));
  auto const both = list({{"limit", "2"}});
  EXPECT_EQ(both.text("/data/0/_id"), newest());
  EXPECT_EQ(both.text("/data/1/_id"), old) << "in one page: others are passed over";
  for (std::int64_t const limit : {1, 2, 100}) EXPECT_EQ(walk({}, limit), stored());
  auto const theirs = list({}, key_of(kElsewhere));
  EXPECT_EQ(theirs.text("/data/19/user/id"), "5");
}

TEST_P(Entries, OfAStepThatFindsNothingHaveACursorThatGoesOn) {
  change(1, "coins", Operator::add, 1);
  auto const old = PublicId::parse(newest())->number;
  // 30,000 of one class behind the one that is asked for: more than one answer looks at.
  test::run(
      db(),
      "INSERT INTO ledger_entries (community_id, entry_id, member_id, currency_id, class, operator, amount, balance_after, previous_id, "
      "source_id, source_row) WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
      "SELECT 1, " +
          std::to_string(old) + " + i * 1000, 2, 2, 4, 0, 1, i, CASE WHEN i = 1 THEN 0 ELSE " + std::to_string(old) +
          " + (i - 1) * 1000 END, (SELECT max(source_id) FROM change_sources), 0 FROM n");
  test::run(db(), "INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) VALUES (1, 2, 2, 30000, 30000, " +
                      std::to_string(old + 30'000'000) + ")");
  for (Query query : {Query{{"class", "earn"}}, Query{{"class", "earn"}, {"user_id", "2"}}}) {
    auto const first = list(query);
    EXPECT_EQ(first.at("/data"), "[]");
    EXPECT_EQ(first.at("/pagination/hasNextPage"), "true");
    EXPECT_EQ(walk(query), query.size() == 1 ? std::vector{id_of(old)} : std::vector<std::string>{});
  }
  EXPECT_THAT(walk({{"user_id", "2"}, {"class", "correct"}}), SizeIs(30'000));
}

TEST_P(Entries, OfOthersAreOutOfReach) {
  change(1, "coins", Operator::add, 3);
  change(5, "coins", Operator::add, 4);
  auto const ours = stored();
  auto const there = key_of(kElsewhere);
  EXPECT_THAT(walk({}, 100, there), IsEmpty());
  EXPECT_THAT(walk({{"user_id", "5"}}, 100, there), IsEmpty()) << "the same person has other entries there";
  EXPECT_EQ(list({{"user_id", "1"}}, there).code(), "user_not_found");
  EXPECT_THAT(walk({{"sourceId", "change 1"}}, 100, there), IsEmpty());
  auto const before = test::dump(db());
  for (auto const& entry : ours) {
    auto const theirs = call(person(6, api::CommunityRole::owner, kElsewhere), "ledger.reverse", {entry}, R"({"note":"x"})", {});
    auto const nobodys =
        call(person(6, api::CommunityRole::owner, kElsewhere), "ledger.reverse", {"6b0000000000000000abcdef"}, R"({"note":"x"})", {});
    EXPECT_EQ(theirs.status, 404);
    EXPECT_EQ(theirs.body, nobodys.body);
  }
  EXPECT_EQ(test::dump(db()), before);
}

TEST_P(Entries, OfOneselfAreSeenByMembersWithoutWhatOthersNoted) {
  change(1, "coins", Operator::add, 3);
  change(2, "coins", Operator::add, 4);
  auto const mine = person(1, api::CommunityRole::member);
  for (Query const& query : {Query{}, Query{{"user_id", "1"}}, Query{{"user_id", PublicId::of(1, test::kNow).to_string()}}}) {
    auto const reply = list(query, mine);
    EXPECT_EQ(reply.at("/data/0/user/id"), "\"1\"");
    EXPECT_EQ(reply.at("/data/1"), "");
    EXPECT_EQ(reply.at("/data/0/source"), R"({"kind":"api_key","id":"","leg":""})");
    EXPECT_EQ(reply.at("/data/0/actor"), R"({"type":"community_key","id":"","name":""})");
  }
  ASSERT_EQ(reverse(stored("e.member_id = 1").front(), "he was rude").status, 200);
  EXPECT_THAT(list({}, mine).body, Not(HasSubstr("rude")));
  EXPECT_THAT(list({{"user_id", "1"}}).body, HasSubstr("rude"));
  for (auto const* other : {"2", "6", "77"}) EXPECT_EQ(list({{"user_id", other}}, mine).status, 403);
  auto key = mine;
  key.principal.kind = api::PrincipalKind::user_key;
  EXPECT_EQ(list({}, key).body, list({}, mine).body);
  EXPECT_THAT(walk({}, 100, person(2)), SizeIs(3)) << "an administrator sees everybody";
  auto half = person(2);
  half.principal.lacks_second_factor = true;
  EXPECT_NE(list({}, half).status, 200) << "not what an administrator sees, and not silently less";
  EXPECT_NE(list({{"user_id", "1"}}, half).status, 200);
  EXPECT_EQ(list({{"user_id", "2"}}, half).at("/data/0/source/id"), "\"\"");

  // A cursor that is made up leads nobody into the chain of another.
  ledger::WalkPlace const stranger{{{ledger::kCoins, EntryNo{PublicId::parse(stored("e.member_id = 2").front())->number}}}};
  db().read([&](sql::Tx& tx) {
    auto const walk = ledger::walk_chains(tx, kHere, {1}, stranger.chains, {});
    EXPECT_THAT(walk->next(10), IsEmpty());
    EXPECT_TRUE(walk->at_end());
  });
}

TEST_P(Entries, OfPeopleWhoAreGoneStayWithoutTheirNames) {
  change(3, "coins", Operator::add, 3);
  test::run(db(), "UPDATE memberships SET state = 4, deleted_at = 1 WHERE community_id = 1 AND member_id = 3");
  auto const reply = list();
  EXPECT_EQ(reply.at("/data/0/user"), R"({"_id":")" + PublicId::of(3, test::kNow).to_string() + R"(","id":"3","username":null})");
  EXPECT_EQ(list({{"user_id", "3"}}).code(), "user_not_found");
  EXPECT_EQ(reverse(newest()).code(), "user_not_found");
  // A person who was made by a job and taken back with it has no account any more.
  auto const job = import("First Name,Last Name,Username,Email,Coins_op,Coins\r\nMia,Lee,mia,mia@example.org,add,5\r\n");
  revert(job);
  ASSERT_EQ(test::number(db(), "SELECT count(*) FROM accounts WHERE username = 'mia'"), 0);
  EXPECT_EQ(list().at("/data/0/user/_id"), "null");
  EXPECT_EQ(list().at("/data/0/user/username"), "null");
}

TEST_P(Entries, AreTakenBackOnceByTheirOpposite) {
  change(1, "coins", Operator::add, 10);
  auto const gift = newest();
  change(1, "coins", Operator::subtract, 4);
  auto const purchase = newest();
  EXPECT_EQ(earned(1), 10);

  auto const refund = reverse(purchase, "wrong product");
  EXPECT_EQ(refund.status, 200) << refund.body;
  EXPECT_EQ(refund.text("/message"), "Entry reversed successfully");
  EXPECT_EQ(refund.text("/data/class"), "refund");
  EXPECT_EQ(refund.at("/data/amount"), "4");
  EXPECT_EQ(refund.at("/data/balanceAfter"), "10");
  EXPECT_EQ(refund.text("/data/reversalOf"), purchase);
  EXPECT_EQ(refund.text("/data/note"), "wrong product");
  EXPECT_EQ(refund.at("/data/actor"), R"({"type":"user","id":"2","name":"user2"})");
  EXPECT_EQ(refund.at("/data/source"), R"({"kind":"revert","id":")" + purchase + R"(","leg":""})");
  EXPECT_EQ(list({{"user_id", "1"}}).at("/data/0"), refund.at("/data"));
  EXPECT_EQ(list({{"user_id", "1"}}).text("/data/1/reversedBy"), refund.text("/data/_id"));
  EXPECT_EQ(earned(1), 10);

  auto const taken = reverse(gift);
  EXPECT_EQ(taken.text("/data/class"), "correct");
  EXPECT_EQ(taken.at("/data/amount"), "-10");
  EXPECT_EQ(balance(1), 0);
  EXPECT_EQ(earned(1), 0) << "what counted as earned does not count any more";

  auto const again = reverse(gift);
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.code(), "already_reversed");
  EXPECT_EQ(again.text("/reversedBy"), taken.text("/data/_id"));
  EXPECT_EQ(reverse(taken.text("/data/_id")).code(), "is_reversal");
  EXPECT_EQ(balance(1), 0);
  EXPECT_EQ(walk({{"sourceId", gift}}), (std::vector{taken.text("/data/_id")}));
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'entry.reverse' AND target = '" + gift + "'"), 1);
  EXPECT_EQ(
      test::text(db(), "SELECT detail FROM audit_entries WHERE action = 'entry.reverse' AND target = '" + gift + "'"),
      R"({"request_id":"request","reason":"typed in twice","changes":[{"user":"1","currency":"coins","before":10,"after":0,"entry":")" +
          taken.text("/data/_id") + R"("}]})");
  expect_sound();
}

TEST_P(Entries, AreNotTakenBackWhereSomethingElseDoesIt) {
  auto const job = update("Email,Coins_op,Coins\r\n" + test::email_of(1) + ",add,5\r\n");
  auto const of_job = newest();
  auto const refused = reverse(of_job);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.code(), "use_revert");
  revert(job);
  EXPECT_EQ(reverse(newest()).code(), "is_reversal");
  EXPECT_EQ(reverse(of_job).code(), "use_revert");
  for (auto const* kind : {"purchase", "refund", "wheel"}) {
    ledger::Change const c{{1}, "coins", Operator::add, {Decimal::kScale}, {kind, "order-1", "", "", {}}, "", ""};
    ASSERT_TRUE(ledger::LedgerService(db(), numbers_).change(kHere, c, system_now()));
    EXPECT_EQ(reverse(newest()).code(), "use_cancel") << kind;
  }
  change(1, "coins", Operator::subtract, 3);
  change(1, "coins", Operator::add, 10);
  auto const gift = newest();
  change(1, "coins", Operator::subtract, 8);
  auto const before = test::dump(db());
  auto const spent = reverse(gift);
  EXPECT_EQ(spent.status, 409);
  EXPECT_EQ(spent.code(), "insufficient_balance");
  EXPECT_EQ(spent.at("/balance"), "2");
  EXPECT_EQ(spent.at("/required"), "10");
  EXPECT_EQ(reverse("6b0000000000000000abcdef").code(), "entry_not_found");
  EXPECT_EQ(reverse("abc").code(), "entry_not_found");
  auto other_second = gift;
  other_second[7] = other_second[7] == '0' ? '1' : '0';
  EXPECT_EQ(reverse(other_second).code(), "entry_not_found");
  for (auto const* body : {"", "{}", R"({"note":""})", R"({"note":"  "})", R"({"note":5})"})
    EXPECT_EQ(call(person(2), "ledger.reverse", {gift}, body, {}).status, 400) << body;
  EXPECT_EQ(reverse(gift, std::string(501, 'x')).status, 400);
  EXPECT_EQ(test::dump(db()), before);
  test::run(db(), "UPDATE currencies SET is_enabled = 0 WHERE currency_id = 2");
  EXPECT_EQ(reverse(gift).code(), "currency_disabled");
  test::run(db(), "UPDATE currencies SET is_enabled = 1, allow_negative = 1 WHERE currency_id = 2");
  EXPECT_EQ(reverse(gift).at("/data/balanceAfter"), "-8");
  EXPECT_THAT(mismatches(), IsEmpty());
}

TEST_P(Entries, AreTakenBackByARepeatedRequestOnce) {
  change(1, "coins", Operator::add, 10);
  auto const gift = newest();
  auto const first = reverse(gift, "x", "key-1");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(reverse(gift, "x", "key-1").body, first.body);
  EXPECT_EQ(reverse(gift, "y", "key-1").code(), "idempotency_key_reused");
  EXPECT_EQ(reverse(gift, "x", "key-2").code(), "already_reversed");
  change(1, "coins", Operator::add, 1);
  EXPECT_EQ(reverse(newest(), "x", "key-1").code(), "idempotency_key_reused") << "a key holds for one entry";
  EXPECT_EQ(reverse(newest(), "x", "key-2").status, 200) << "a refused request does not use its key up";
  EXPECT_EQ(reverse(newest(), "x", std::string(256, 'k')).status, 400);
  EXPECT_EQ(balance(1), 0);
}

TEST_P(Entries, AreTakenBackByOneOfFiftyAtTheSameTime) {
  change(1, "coins", Operator::add, 10);
  auto const gift = newest();
  change(1, "coins", Operator::add, 1'000);
  std::vector<Reply> replies(50);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < replies.size(); ++i)
    threads.emplace_back([&, i] { replies[i] = reverse(gift, "x", i % 2 == 0 ? "" : "key-" + std::to_string(i % 4)); });
  for (auto& t : threads) t.join();
  std::set<std::string> answers;
  for (auto const& r : replies) {
    EXPECT_TRUE(r.status == 200 || (r.status == 409 && r.code() == "already_reversed")) << r.body;
    answers.insert(r.status == 200 ? r.text("/data/_id") : r.text("/reversedBy"));
  }
  EXPECT_THAT(answers, ElementsAre(newest()));
  EXPECT_EQ(balance(1), 1'000);
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'entry.reverse'"), 1);
  expect_sound();
}

TEST_P(Entries, AreTakenBackWholeOrNotAtAllWhicheverStatementFails) {
  change(1, "coins", Operator::add, 10);
  auto const gift = newest();
  auto const before = test::dump(db());
  sql::FailingDatabase failing(db());
  EntriesService service(failing, numbers_);
  for (int n = 1;; ++n) {
    ASSERT_LT(n, 100);
    failing.fail_at(n);
    bool failed = false;
    try {
      EXPECT_TRUE(service.reverse(person(2), *PublicId::parse(gift), {"x"}, {}));
    } catch (sql::StorageError const&) {
      failed = true;
    }
    if (!failed) break;
    EXPECT_EQ(test::dump(db()), before) << "at call " << n;
  }
  EXPECT_EQ(balance(1), 0);
  expect_sound();
}

// Random changes of three currencies by single changes, jobs, reversals of jobs and of entries, against what they must leave.
TEST_P(Entries, EqualAModelAfterRandomChanges) {
  std::uint64_t seed = std::random_device{}();
  if (auto const* given = std::getenv("FEALTY_MODEL_SEED")) seed = std::strtoull(given, nullptr, 10);
  SCOPED_TRACE("FEALTY_MODEL_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  auto const pick = [&](std::int64_t from, std::int64_t to) { return std::uniform_int_distribution<std::int64_t>(from, to)(random); };
  struct Line {
    std::string kind;
    std::int64_t amount, after;
    bool operator==(Line const&) const = default;
  };
  std::string const kCodes[] = {"", "xp", "coins", "premium"};
  char const* const kColumns[] = {"", "XP", "Coins", "Premium Currency"};
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<Line>> model;  // the oldest first
  auto const add = [&](std::int64_t member, std::int64_t currency, std::string kind, std::int64_t amount) {
    auto& lines = model[{member, currency}];
    lines.push_back({std::move(kind), amount, (lines.empty() ? 0 : lines.back().after) + amount});
  };
  std::vector<std::pair<std::string, std::tuple<std::int64_t, std::int64_t, std::int64_t>>> singles;
  for (int step = 0; step < 60; ++step) {
    std::int64_t const member = pick(1, 4), currency = pick(1, 3);
    auto const balance_now = model[{member, currency}].empty() ? 0 : model[{member, currency}].back().after;
    switch (pick(0, 9)) {
      case 0:
      case 1: {  // a job, and often its reversal at once
        struct Row {
          std::int64_t member, amount;
        };
        std::vector<Row> rows;
        std::string csv = std::string("Email,") + kColumns[currency] + "_op," + kColumns[currency] + "\r\n";
        for (std::int64_t n = pick(1, 8); n > 0; --n) {
          rows.push_back({pick(1, 4), pick(1, 9)});
          csv += test::email_of(rows.back().member) + ",add," + std::to_string(rows.back().amount) + "\r\n";
        }
        auto const job = update(csv);
        for (auto const& r : rows) add(r.member, currency, "bulk", r.amount);
        if (pick(0, 1) == 0) break;
        revert(job);
        for (auto r = rows.rbegin(); r != rows.rend(); ++r) add(r->member, currency, "revert", -r->amount);
        break;
      }
      case 2: {  // one single entry taken back
        if (singles.empty()) break;
        auto const at = static_cast<std::size_t>(pick(0, static_cast<std::int64_t>(singles.size()) - 1));
        auto const [m, c, amount] = singles[at].second;
        bool const covered = model[{m, c}].back().after >= amount;
        auto const reply = reverse(singles[at].first);
        EXPECT_EQ(reply.status, covered ? 200 : 409) << reply.body;
        if (!covered) break;
        add(m, c, "revert", -amount);
        singles.erase(singles.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      }
      default: {
        std::int64_t const amount = balance_now > 5 && pick(0, 2) == 0 ? -pick(1, balance_now) : pick(1, 20);
        change(member, kCodes[currency], amount < 0 ? Operator::subtract : Operator::add, amount < 0 ? -amount : amount);
        add(member, currency, "api_key", amount);
        singles.push_back({newest(), {member, currency, amount}});
      }
    }
  }
  std::size_t total = 0;
  for (auto const& [place, lines] : model) {
    total += lines.size();
    auto const reply = list({{"user_id", std::to_string(place.first)}, {"currency", kCodes[place.second]}, {"limit", "100"}});
    ASSERT_LE(lines.size(), 100U);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      auto const& line = lines[lines.size() - 1 - i];
      auto const at = "/data/" + std::to_string(i);
      EXPECT_EQ(reply.text(at + "/source/kind"), line.kind);
      EXPECT_EQ(reply.at(at + "/amount"), std::to_string(line.amount));
      EXPECT_EQ(reply.at(at + "/balanceAfter"), std::to_string(line.after));
    }
    EXPECT_EQ(reply.at("/data/" + std::to_string(lines.size())), "");
  }
  EXPECT_THAT(stored(), SizeIs(total));
  for (std::int64_t limit = 1; limit <= 100; limit += limit < 8 ? 1 : 23) {
    EXPECT_EQ(walk({}, limit), stored());
    for (std::int64_t member = 1; member <= 4; ++member)
      EXPECT_EQ(walk({{"user_id", std::to_string(member)}}, limit), stored("e.member_id = " + std::to_string(member)));
    EXPECT_EQ(walk({{"sourceKind", "revert"}, {"user_id", "1"}}, limit), stored("e.member_id = 1 AND s.kind = 'revert'"));
    EXPECT_EQ(walk({{"sourceKind", "bulk"}}, limit), stored("s.kind = 'bulk'"));
  }
  expect_sound();
}

}  // namespace
}  // namespace fealty::members
