#include "ledger/ledger.h"

#include <set>
#include <thread>

#include "base/text.h"
#include "sql/failing.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::ledger {
namespace {

using test::kNow;
using test::number;
using test::run;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr CommunityNo kHere{1}, kElsewhere{2};

Change change(std::string id, Operator op, std::int64_t whole, std::int64_t member = 1, std::string currency = "coins") {
  return {{member},
          std::move(currency),
          op,
          {whole * Decimal::kScale},
          {"api_key", std::move(id), "", "top_up", {"community_key", "fk_test", "Test"}},
          "",
          ""};
}

class Ledger : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    for (auto const community : {kHere, kElsewhere}) {
      test::add_community(db(), community.value);
      for (int member = 1; member <= 3; ++member) test::add_member(db(), community, member);
    }
  }
  Result<ChangeResult> apply(Change const& c, CommunityNo community = kHere) {
    return LedgerService(db(), numbers_).change(community, c, kNow);
  }
  std::int64_t balance(std::int64_t member = 1, CurrencyNo currency = kCoins) {
    return number(db(), "SELECT coalesce(sum(amount), 0) FROM balances WHERE community_id = 1 AND member_id = " + std::to_string(member) +
                            " AND currency_id = " + std::to_string(currency.value)) /
           Decimal::kScale;
  }
  std::int64_t entries() { return number(db(), "SELECT count(*) FROM ledger_entries"); }
  std::vector<std::string> mismatches() {
    std::vector<std::string> out;
    db().read([&](sql::Tx& tx) {
      for (auto const& m : audit_balances(tx, kHere, 100))
        out.push_back(std::to_string(m.member.value) + "/" + std::to_string(m.currency.value) + " " + m.what);
    });
    return out;
  }
  // Every balance's chain, walked from its head: each entry names the one before, and states the balance after it.
  void expect_chains() {
    struct Link {
      std::int64_t amount, after, previous;
    };
    std::map<std::int64_t, Link> links;
    std::vector<std::pair<std::int64_t, std::int64_t>> heads;
    db().read([&](sql::Tx& tx) {
      tx.run_text("SELECT entry_id, amount, balance_after, previous_id FROM ledger_entries WHERE community_id = 1", {},
                  [&](sql::Row const& r) { links[r.integer(0)] = {r.integer(1), r.integer(2), r.integer(3)}; });
      tx.run_text("SELECT entry_id, amount FROM balances WHERE community_id = 1", {},
                  [&](sql::Row const& r) { heads.emplace_back(r.integer(0), r.integer(1)); });
    });
    std::size_t walked = 0;
    for (auto [at, amount] : heads) {
      while (at != 0) {
        ASSERT_TRUE(links.contains(at));
        EXPECT_EQ(links[at].after, amount);
        amount -= links[at].amount;
        at = links[at].previous;
        ++walked;
      }
      EXPECT_EQ(amount, 0) << "a chain does not begin at zero";
    }
    EXPECT_EQ(walked, links.size()) << "entries that no balance leads to";
  }
  void expect_sound() {
    EXPECT_THAT(mismatches(), IsEmpty());
    expect_chains();
  }

  NumberSource numbers_{1};
};
FEALTY_ON_BOTH_ENGINES(Ledger);

TEST_P(Ledger, ChangesBalancesByEntriesInAChain) {
  auto const first = apply(change("a", Operator::add, 50));
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->entry);
  EXPECT_FALSE(first->duplicate);
  EXPECT_EQ(first->balance.to_string(), "50");
  EXPECT_EQ(apply(change("b", Operator::subtract, 20))->balance.to_string(), "30");
  EXPECT_EQ(apply(change("c", Operator::overwrite, 7))->balance.to_string(), "7");
  EXPECT_EQ(apply(change("d", Operator::add, 1, 1, "xp"))->balance.to_string(), "1");
  EXPECT_EQ(apply(change("e", Operator::add, 3, 2))->balance.to_string(), "3");
  EXPECT_EQ(balance(), 7);
  EXPECT_EQ(balance(2), 3);
  EXPECT_EQ(entries(), 5);
  // 50 earned, 20 spent, 23 corrected away.
  EXPECT_EQ(number(db(), "SELECT earned FROM balances WHERE member_id = 1 AND currency_id = 2"), 27 * Decimal::kScale);
  EXPECT_EQ(test::text(db(), "SELECT actor_id FROM change_sources WHERE external_id = 'a'"), "fk_test");
  expect_sound();
}

TEST_P(Ledger, ASourceCountsOnceForEver) {
  auto const first = apply(change("a", Operator::add, 5));
  ASSERT_TRUE(apply(change("b", Operator::add, 100)));
  run(db(), "UPDATE change_sources SET created_at = 1");
  for (int i = 0; i < 3; ++i) {
    auto const again = apply(change("a", Operator::add, 5));
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->duplicate);
    EXPECT_EQ(again->entry, first->entry);
    EXPECT_EQ(again->balance, first->balance) << "the first answer, not the balance of now";
  }
  EXPECT_EQ(balance(), 105);

  struct Case {
    char const* what;
    Change other;
  };
  Case const refused[] = {{"another value", change("a", Operator::add, 6)}, {"another operator", change("a", Operator::overwrite, 5)}};
  for (auto const& c : refused) {
    auto const result = apply(c.other);
    ASSERT_FALSE(result) << c.what;
    EXPECT_EQ(result.error().code(), "source_reused") << c.what;
    EXPECT_EQ(result.error().status(), 409) << c.what;
  }
  Change leg = change("a", Operator::add, 6), kind = leg;
  leg.leg = "prize";
  kind.source.kind = "webhook";
  Case const others[] = {{"another leg", leg},
                         {"another kind", kind},
                         {"another member", change("a", Operator::add, 6, 2)},
                         {"another currency", change("a", Operator::add, 6, 1, "premium")}};
  for (auto const& c : others) {
    auto const result = apply(c.other);
    ASSERT_TRUE(result) << c.what;
    EXPECT_FALSE(result->duplicate) << c.what;
  }
  EXPECT_FALSE(apply(change("a", Operator::add, 6), kElsewhere)->duplicate) << "another community";
  expect_sound();
}

TEST_P(Ledger, AChangeOfNothingIsASuccessWithoutEntryAndIsRemembered) {
  auto const nothing = apply(change("a", Operator::overwrite, 0));
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(nothing->entry);
  EXPECT_FALSE(nothing->duplicate);
  ASSERT_TRUE(apply(change("b", Operator::add, 9)));
  auto const again = apply(change("a", Operator::overwrite, 0));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->duplicate);
  EXPECT_FALSE(again->entry);
  EXPECT_EQ(balance(), 9) << "a repeated overwrite is not applied to what happened since";
  EXPECT_EQ(apply(change("a", Operator::overwrite, 1)).error().code(), "source_reused");
  expect_sound();
}

TEST_P(Ledger, RefusalsSayWhyAndLeaveNoTrace) {
  test::add_member(db(), kHere, 10, 1);
  test::add_member(db(), kHere, 11, 4);
  test::add_member(db(), kHere, 12, 2);
  test::add_member(db(), kHere, 13, 3);
  test::add_account(db(), 14);
  run(db(), "UPDATE currencies SET is_enabled = 0 WHERE community_id = 1 AND code = 'premium'");
  auto const before = test::dump(db());
  struct Case {
    Change asked;
    char const* code;
    int status;
    char const* message;
  };
  Case const cases[] = {
      {change("a", Operator::subtract, 1), "insufficient_balance", 409, "Coins is 0; 1 is needed."},
      {change("a", Operator::add, -1), "negative_value", 400, "Amounts to add or subtract may not be negative; use the other operator."},
      {change("a", Operator::add, 9'000'000'000'000), "amount_out_of_range", 400,
       "9000000000000 is out of range: amounts stay below 9 000 000 000 000."},
      {change("a", Operator::add, 1, 1, "premium"), "currency_disabled", 409, "Premium Currency is switched off in this community."},
      {change("a", Operator::add, 1, 1, "gold"), "currency_not_found", 404, "There is no currency \"gold\" in this community."},
      {change("a", Operator::add, 1, 10), "user_not_joined", 409, "This member has not accepted the invitation yet."},
      {change("a", Operator::add, 1, 11), "user_not_found", 404, "There is no such member in this community."},
      {change("a", Operator::add, 1, 14), "user_not_found", 404, "There is no such member in this community."},
      {change("a", Operator::add, 1, 99), "user_not_found", 404, "There is no such member in this community."},
  };
  for (auto const& c : cases) {
    auto const result = apply(c.asked);
    ASSERT_FALSE(result) << c.message;
    EXPECT_EQ(result.error().code(), c.code);
    EXPECT_EQ(result.error().status(), c.status) << c.code;
    EXPECT_EQ(result.error().message, c.message);
  }
  EXPECT_EQ(test::dump(db()), before);
  // Suspended and banned members earn nothing, but people and keys may change their balances.
  EXPECT_TRUE(apply(change("a", Operator::add, 1, 12)));
  EXPECT_TRUE(apply(change("a", Operator::add, 1, 13)));
  EXPECT_TRUE(apply(change("a", Operator::add, 1))) << "a refused change does not use its source up";
}

TEST_P(Ledger, AnAuditFindsEveryDamagedBalance) {
  struct Case {
    char const* damage;
    char const* finding;
  };
  Case const cases[] = {
      {"UPDATE balances SET amount = amount + 1 WHERE member_id = 1", "balance 7.000001 is not the sum of its entries"},
      {"UPDATE balances SET earned = 0 WHERE member_id = 1", "earned 0 is not the sum of the entries that count"},
      {"UPDATE balances SET entry_id = 0 WHERE member_id = 1", "balance is not what its newest entry says"},
      {"UPDATE balances SET entry_id = (SELECT min(entry_id) FROM ledger_entries) WHERE member_id = 1",
       "balance is not what its newest entry says"},
      {"UPDATE ledger_entries SET amount = amount - 1 WHERE member_id = 1 AND amount < 0", "balance 7 is not the sum of its entries"},
      {"UPDATE ledger_entries SET balance_after = 0 WHERE member_id = 1 AND amount < 0", "balance is not what its newest entry says"},
      {"UPDATE ledger_entries SET class = 1 WHERE member_id = 1 AND class = 2", "earned 10 is not the sum of the entries that count"},
      {"DELETE FROM ledger_entries WHERE member_id = 1 AND amount < 0", "balance 7 is not the sum of its entries"},
      {"DELETE FROM ledger_entries WHERE member_id = 1", "has a balance of 7 but no entries"},
      {"DELETE FROM balances WHERE member_id = 1", "has entries but no balance"},
      {"UPDATE balances SET member_id = 3 WHERE member_id = 1", "has entries but no balance"},
  };
  auto const tear = [&] {
    run(db(), "DELETE FROM balances"), run(db(), "DELETE FROM ledger_entries"), run(db(), "DELETE FROM change_sources");
  };
  for (auto const& c : cases) {
    ASSERT_TRUE(apply(change("a", Operator::add, 10)));
    ASSERT_TRUE(apply(change("b", Operator::subtract, 3)));
    ASSERT_TRUE(apply(change("c", Operator::add, 7, 2)));
    EXPECT_THAT(mismatches(), IsEmpty()) << c.damage;
    run(db(), c.damage);
    EXPECT_THAT(mismatches(), testing::Contains(std::string("1/2 ") + c.finding)) << c.damage;
    tear();
  }
  // A balance that went back to zero is no less a balance.
  ASSERT_TRUE(apply(change("a", Operator::add, 10)));
  ASSERT_TRUE(apply(change("b", Operator::overwrite, 0)));
  run(db(), "DELETE FROM balances WHERE member_id = 1");
  EXPECT_THAT(mismatches(), ElementsAre("1/2 has entries but no balance"));
  run(db(), "INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) VALUES (1, 2, 2, 0, 0, 77)");
  EXPECT_THAT(mismatches(), testing::Contains("2/2 balance names an entry, but there are none"));
}

// Whatever way the engine takes to the rows: a balance that is missed is taken for 0 and overwritten.
TEST_P(Ledger, BalancesOfManyMembersAreReadWholeHoweverTheyLieInTheTable) {
  constexpr int kMembers = 200;
  std::vector<MemberNo> members;
  for (int member = 1; member <= kMembers; ++member) {
    members.push_back({member});
    int const from_behind = kMembers + 1 - member;
    run(db(), "INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) VALUES (1, " +
                  std::to_string(from_behind) + ", 2, " + std::to_string(from_behind) + ", 0, 1)");
  }
  ASSERT_TRUE(is_dense(members));
  for (auto const* off : {"enable_seqscan", "enable_indexscan", "enable_bitmapscan"}) {
    db().read([&](sql::Tx& tx) {
      if (tx.engine() == sql::Engine::postgres) tx.run_text(std::string("SET LOCAL ") + off + " = off", {}, {});
      if (tx.engine() == sql::Engine::postgres) tx.run_text("SET LOCAL enable_indexscan = off", {}, {});
      std::vector<MemberBalance> found;
      load_balances(tx, kHere, members, found);
      ASSERT_EQ(found.size(), members.size()) << off;
      for (std::size_t i = 0; i < members.size(); ++i) {
        EXPECT_EQ(found[i].member, members[i]);
        EXPECT_EQ(found[i].balance.amount.micros, members[i].value);
      }
    });
  }
}

// Sums may be right where the chain is not: then a member's history is not what happened.
TEST_P(Ledger, AnAuditFindsEveryDamagedChain) {
  struct Case {
    char const* damage;
    char const* finding;
  };
  // Entries of member 1: +10, -3, +5, +2, in this order.
  Case const cases[] = {
      {"UPDATE ledger_entries SET previous_id = (SELECT min(entry_id) FROM ledger_entries) WHERE amount = 5000000",
       "1/2 entry * is followed by 2 entries instead of one"},
      {"UPDATE ledger_entries SET previous_id = 0 WHERE amount = 5000000", "1/2 the beginning is followed by 2 entries instead of one"},
      {"UPDATE ledger_entries SET previous_id = 77 WHERE amount = 10000000",
       "1/2 the beginning is on no chain: nothing follows it, and it is not the newest"},
      {"UPDATE ledger_entries SET previous_id = 77 WHERE amount = -3000000",
       "1/2 entry * is named by another and is no entry of this balance"},
      {"UPDATE ledger_entries SET balance_after = balance_after + 1 WHERE amount = -3000000",
       "1/2 what follows the beginning does not go on from its balance|1/2 what follows entry * does not go on from its balance"},
      {"UPDATE ledger_entries SET amount = amount + 1, balance_after = balance_after + 1 WHERE amount = 10000000; "
       "UPDATE ledger_entries SET amount = amount - 1 WHERE amount = 5000000",
       "1/2 what follows entry * does not go on from its balance"},
  };
  for (auto const& c : cases) {
    ASSERT_TRUE(apply(change("a", Operator::add, 10)));
    ASSERT_TRUE(apply(change("b", Operator::subtract, 3)));
    ASSERT_TRUE(apply(change("c", Operator::add, 5)));
    ASSERT_TRUE(apply(change("d", Operator::add, 2)));
    ASSERT_TRUE(apply(change("e", Operator::add, 7, 2)));
    EXPECT_THAT(mismatches(), IsEmpty());
    for (auto const statement : split(c.damage, ';')) run(db(), std::string(statement));
    auto found = mismatches();
    ASSERT_EQ(found.size(), 1u) << c.damage;
    // Which entry it is depends on the clock.
    if (auto const at = found[0].find("entry "); at != std::string::npos && found[0].size() > at + 30) found[0].replace(at + 6, 24, "*");
    EXPECT_NE(std::string(c.finding).find(found[0]), std::string::npos) << c.damage << ": " << found[0];
    run(db(), "DELETE FROM balances"), run(db(), "DELETE FROM ledger_entries"), run(db(), "DELETE FROM change_sources");
  }
}

TEST_P(Ledger, AnAuditOfAllCommunitiesNamesTheirOwn) {
  for (auto const community : {kHere, kElsewhere}) ASSERT_TRUE(apply(change("a", Operator::add, 10, 2), community));
  auto const all = [&] { return db().read([](sql::Tx& tx) { return audit_balances(tx, {}, 100); }); };
  EXPECT_THAT(all(), IsEmpty());
  run(db(), "UPDATE balances SET amount = 1 WHERE community_id = " + std::to_string(kElsewhere.value));
  auto const found = all();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].community, kElsewhere);
  EXPECT_EQ(found[0].member.value, 2);
}

TEST_P(Ledger, AnAuditGivesNoMoreThanAskedAndLooksAtOneCommunity) {
  for (int member = 1; member <= 3; ++member) ASSERT_TRUE(apply(change("a", Operator::add, 10, member)));
  ASSERT_TRUE(apply(change("a", Operator::add, 10), kElsewhere));
  run(db(), "UPDATE balances SET amount = 1");
  EXPECT_EQ(mismatches().size(), 3u);
  EXPECT_EQ(db().read([&](sql::Tx& tx) { return audit_balances(tx, kHere, 2).size(); }), 2u);
}

TEST_P(Ledger, LargeAmountsAreSummedExactly) {
  run(db(), "UPDATE currencies SET allow_negative = 1");
  constexpr std::int64_t kLarge = 8'999'999'999'999;
  for (int i = 0; i < 4; ++i) {
    for (auto const* step : {"to the top", "to zero", "to the bottom", "to zero again"}) {
      auto const op =
          std::string_view(step) == "to the top" || std::string_view(step) == "to zero again" ? Operator::add : Operator::subtract;
      ASSERT_TRUE(apply(change(step + std::to_string(i), op, kLarge, 1, "xp"))) << step << i;
    }
  }
  ASSERT_TRUE(apply(change("end", Operator::add, kLarge, 1, "xp")));
  EXPECT_EQ(apply(change("more", Operator::add, 1, 1, "xp")).error().code(), "balance_limit");
  EXPECT_EQ(balance(1, kXp), kLarge);
  expect_sound();
}

TEST_P(Ledger, ChangesOfOneMemberFromManyThreadsAddUp) {
  constexpr int kThreads = 16, kEach = 25;
  std::vector<std::thread> threads;
  std::atomic<int> refused{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        auto const id = std::to_string(t) + ":" + std::to_string(i);
        if (!apply(change(id, Operator::add, 3))) ++refused;
        if (!apply(change("s" + id, Operator::subtract, 1))) ++refused;
        // Everyone tries this one: it happens once.
        if (!apply(change("once" + std::to_string(i), Operator::add, 1'000))) ++refused;
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(balance(), kThreads * kEach * 2 + kEach * 1'000);
  EXPECT_EQ(entries(), kThreads * kEach * 2 + kEach);
  expect_sound();
}

TEST_P(Ledger, RacingSpendersNeverGoBelowZero) {
  ASSERT_TRUE(apply(change("start", Operator::add, 50)));
  std::atomic<int> paid{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i)
        if (apply(change(std::to_string(t) + ":" + std::to_string(i), Operator::subtract, 1))) ++paid;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(paid, 50);
  EXPECT_EQ(balance(), 0);
  expect_sound();
}

TEST_P(Ledger, AFailureOfAnyStorageCallLeavesAllOrNothing) {
  sql::FailingDatabase failing(db());
  LedgerService service(failing, numbers_);
  for (int n = 1;; ++n) {
    auto const asked = change("try" + std::to_string(n), Operator::add, 1);
    auto const before = test::dump(db());
    failing.fail_at(n);
    bool done = false;
    try {
      done = service.change(kHere, asked, kNow).has_value();
    } catch (sql::StorageError const&) {}
    auto const calls = failing.calls();
    failing.fail_at(0);
    if (!done) {
      EXPECT_EQ(test::dump(db()), before) << "call " << n;
    }
    // The caller tries again, as callers do: it has happened exactly once then.
    auto const again = service.change(kHere, asked, kNow);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->duplicate, done);
    EXPECT_EQ(balance(), n);
    expect_sound();
    if (calls < n) break;
    EXPECT_FALSE(done) << "call " << n;
  }
  EXPECT_GT(entries(), 5);
}

TEST_P(Ledger, EntriesOfASourceAreReadBackByNumberAndRow) {
  std::vector<Posting> postings;
  for (std::int64_t row = 2; row <= 6; ++row)
    postings.push_back({{100 + row}, {1}, kCoins, EntryClass::earn, Operator::add, {row}, {row}, {}, row});
  db().write([&](sql::Tx& tx) {
    create_source(tx, kHere, {7}, {"bulk", "job", "", "", {}}, kNow);
    post(tx, kHere, {7}, postings, {{{1}, kCoins, {{6}, {6}, {106}}}});
    post(tx, kHere, {8}, {{{110}, {2}, kCoins, EntryClass::earn, Operator::add, {1}, {1}, {}, 3}}, {{{2}, kCoins, {{1}, {1}, {110}}}});
  });
  auto rows = [&](std::vector<EntryRange> const& ranges) {
    std::vector<std::int64_t> out;
    db().read([&](sql::Tx& tx) {
      for (auto const& e : read_entries(tx, kHere, {7}, ranges)) out.push_back(e.source_row);
    });
    return out;
  };
  EXPECT_THAT(rows({{2, {102}, {102}}, {5, {105}, {105}}}), ElementsAre(2, 5));
  EXPECT_THAT(rows({{4, {0}, {1000}}}), ElementsAre(4)) << "a range may hold other rows";
  EXPECT_THAT(rows({{3, {110}, {110}}}), IsEmpty()) << "of another source";
  EXPECT_THAT(rows({}), IsEmpty());
  std::set<std::int64_t> all;
  db().read([&](sql::Tx& tx) { entry_rows(tx, kHere, {7}, {103}, {105}, [&](std::int64_t row) { all.insert(row); }); });
  EXPECT_THAT(all, ElementsAre(3, 4, 5));
}

TEST_P(Ledger, NumbersRiseAlongAChainThoughAnotherNodesClockWasAhead) {
  NumberSource ahead(2, [] { return system_now() + 30'000; });
  ASSERT_TRUE(LedgerService(db(), ahead).change(kHere, change("a", Operator::add, 5), kNow));
  ASSERT_TRUE(apply(change("b", Operator::add, 5)));
  auto const second = apply(change("c", Operator::subtract, 2));
  ASSERT_TRUE(second);
  db().write([&](sql::Tx& tx) {
    ASSERT_TRUE(LedgerService(db(), numbers_).reverse_in(tx, kHere, *second->entry, {"user", "1", "Mia"}, "wrong", kNow));
  });
  EXPECT_EQ(number(db(), "SELECT count(*) FROM ledger_entries WHERE previous_id >= entry_id"), 0);
  EXPECT_EQ(balance(), 10);
  EXPECT_THAT(mismatches(), IsEmpty());
}

}  // namespace
}  // namespace fealty::ledger
