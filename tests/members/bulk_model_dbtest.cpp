// Random jobs against a model of the ledger that fits on one page. FEALTY_MODEL_SEED=<number> replays one run;
// FEALTY_MODEL_RUNS=<number> makes more of them.
#include <cstdlib>
#include <iostream>
#include <random>

#include "bulk_harness.h"

namespace fealty::members {
namespace {

using test::email_of;

// What the rules of gamification.md §2 and bulk.md say, in 128 bits and without any code of the rooms.
class Model {
 public:
  struct Balance {
    __int128 amount = 0, earned = 0;
    std::int64_t entries = 0;
  };
  static constexpr __int128 kLimit = static_cast<__int128>(9'000'000'000'000) * 1'000'000;

  struct Change {
    int currency;  // 1 XP, 2 Coins
    std::string op;
    __int128 value;
  };
  // The code of the refusal, or nothing and what the balance becomes.
  std::string check(std::int64_t member, Change const& c, Balance& after) const {
    if (c.op != "overwrite" && c.value < 0) return "negative_value";
    Balance const before = of(member, c.currency);
    __int128 const amount = c.op == "add" ? c.value : c.op == "subtract" ? -c.value : c.value - before.amount;
    after = before;
    after.amount += amount;
    if (after.amount >= kLimit || after.amount <= -kLimit) return "balance_limit";
    if (after.amount < 0 && !may_be_negative.at(c.currency)) return "insufficient_balance";
    bool const spent = c.op == "subtract" && c.currency == 2;
    if (!spent) after.earned += amount;
    if (amount >= kLimit || amount <= -kLimit || after.earned >= kLimit || after.earned <= -kLimit) return "balance_limit";
    after.entries += amount != 0 ? 1 : 0;
    return "";
  }
  Balance of(std::int64_t member, int currency) const {
    auto const found = balances.find({member, currency});
    return found == balances.end() ? Balance{} : found->second;
  }

  std::map<std::pair<std::int64_t, int>, Balance> balances;
  std::map<int, bool> may_be_negative;
};

class BulkModel : public BulkTest {
 protected:
  std::int64_t pick(std::int64_t from, std::int64_t to) { return std::uniform_int_distribution<std::int64_t>(from, to)(random_); }
  bool one_in(std::int64_t n) { return pick(1, n) == 1; }

  // A number as a file might have it, with its millionths.
  std::pair<std::string, __int128> amount() {
    std::int64_t micros = 0;
    switch (pick(0, 9)) {
      case 0: micros = 0; break;
      case 1: micros = pick(1, 9); break;
      case 2: micros = Decimal::kLimitMicros - pick(1, 5); break;
      case 3: micros = pick(0, 4) * 1'000'000'000'000'000'000; break;
      default: micros = pick(0, 50) * 500'000;
    }
    if (one_in(8)) micros = -micros;
    return {Decimal{micros}.to_string(), micros};
  }

  struct Cell {
    std::string value, op, wrong;  // wrong: column:code of a cell that cannot be read
    std::optional<Model::Change> change;
  };
  Cell cell(int currency) {
    std::string const column = currency == 1 ? "XP" : "Coins";
    if (one_in(4)) return {"", one_in(2) ? "add" : "", "", std::nullopt};
    static constexpr char const* kOps[] = {"add", "subtract", "overwrite"};
    std::string op = kOps[pick(0, 2)];
    auto [text, micros] = amount();
    if (one_in(25)) return {text, "", column + "_op:missing_operator", std::nullopt};
    if (one_in(25)) return {text, "Add", column + "_op:invalid_operator", std::nullopt};
    if (one_in(25)) return {"1e3", op, column + ":not_a_number", std::nullopt};
    if (one_in(25)) return {"0.0000001", op, column + ":too_many_decimals", std::nullopt};
    if (one_in(25)) return {"9000000000000", op, column + ":amount_out_of_range", std::nullopt};
    if (one_in(25)) return {"<clear>", op, column + ":not_clearable", std::nullopt};
    return {text, op, "", Model::Change{currency, op, micros}};
  }

  // One row and what must come of it; a row that is good moves the model on.
  void add_row(Job& job, std::vector<std::string>& expected) {
    if (one_in(30)) {
      job.rows.push_back({"a", "b"});
      expected.emplace_back("failed :column_count");
      return;
    }
    std::int64_t const member = one_in(20) ? 6 : pick(1, 5);
    Cell const xp = cell(1), coins = cell(2);
    job.rows.push_back({email_of(member), coins.value, coins.op, xp.op, xp.value});
    std::string problems;
    if (member == 6) problems += " Email:user_not_found";
    std::vector<std::pair<std::pair<std::int64_t, int>, Model::Balance>> after;
    for (auto const* c : {&coins, &xp}) {  // in the order of the columns
      if (!c->wrong.empty()) problems += " " + c->wrong;
      if (!c->change) continue;
      Model::Balance balance;
      auto code = model_.check(member, *c->change, balance);
      // Of a stranger no more can be said than what is wrong with the value itself.
      if (member == 6 && code != "negative_value") continue;
      if (!code.empty())
        problems += (c->change->currency == 1 ? " XP:" : " Coins:") + code;
      else
        after.push_back({{member, c->change->currency}, balance});
    }
    if (!problems.empty()) {
      expected.push_back("failed" + problems);
      return;
    }
    bool changed = false;
    for (auto const& [key, balance] : after) {
      changed |= model_.of(key.first, key.second).entries != balance.entries;
      model_.balances[key] = balance;
    }
    expected.emplace_back(changed ? "updated" : "unchanged");
  }

  void change_singly() {
    std::int64_t const member = pick(1, 5);
    auto const c = cell(2);
    if (!c.change) return;
    Model::Balance after;
    auto const code = model_.check(member, *c.change, after);
    ledger::Change change{{member},
                          "coins",
                          *ledger::parse_operator(c.op),
                          {static_cast<std::int64_t>(c.change->value)},
                          {"api_key", std::to_string(++singles_), "", "", {}},
                          "",
                          ""};
    for (bool const again : {false, true}) {
      auto const result = ledger::LedgerService(db(), numbers_).change(kHere, change, test::kNow);
      if (!result) {
        EXPECT_EQ(result.error().code(), code) << c.op << " " << c.value;
      } else {
        EXPECT_EQ(code, "") << c.op << " " << c.value;
        EXPECT_EQ(result->duplicate, again);
      }
    }
    if (code.empty()) model_.balances[{member, 2}] = after;
  }

  void expect_equal() {
    for (std::int64_t member = 1; member <= 6; ++member) {
      for (int currency = 1; currency <= 2; ++currency) {
        auto const wanted = model_.of(member, currency);
        auto const where = " FROM balances WHERE community_id = 1 AND member_id = " + std::to_string(member) +
                           " AND currency_id = " + std::to_string(currency);
        EXPECT_TRUE(wanted.amount == test::number(db(), "SELECT amount" + where)) << member << "/" << currency;
        EXPECT_TRUE(wanted.earned == test::number(db(), "SELECT earned" + where)) << member << "/" << currency;
        EXPECT_EQ(wanted.entries, test::number(db(), "SELECT count(*) FROM ledger_entries WHERE community_id = 1 AND member_id = " +
                                                         std::to_string(member) + " AND currency_id = " + std::to_string(currency)));
      }
    }
    EXPECT_THAT(mismatches(), testing::IsEmpty());
  }

  void run_with(std::uint64_t seed) {
    random_.seed(seed);
    for (int currency = 1; currency <= 2; ++currency) {
      bool const negative = one_in(3);
      model_.may_be_negative[currency] = negative;
      test::run(db(), "UPDATE currencies SET allow_negative = " + std::to_string(negative) +
                          " WHERE community_id = 1 AND currency_id = " + std::to_string(currency));
    }
    for (int step = 0; step < 12 && !HasFailure(); ++step) {
      if (one_in(3)) change_singly();
      Job job{.header = {"Email", "Coins", "Coins_op", "XP_op", "XP"}, .chunk = static_cast<std::size_t>(pick(1, 12))};
      Model before = model_;
      std::vector<std::string> expected;
      for (std::int64_t rows = pick(1, 40); rows > 0; --rows) add_row(job, expected);
      if (one_in(3)) {
        // A dry run first, in other pieces: it must say the same and change nothing.
        auto dry = job;
        dry.dry_run = true;
        dry.chunk = static_cast<std::size_t>(pick(1, 12));
        dry.by_member = one_in(2);
        EXPECT_EQ(run_job(dry).outcomes, expected) << "dry run of step " << step;
        std::swap(model_, before);
        expect_equal();
        std::swap(model_, before);
      }
      // The order of the members cannot be told from the order of the file.
      job.by_member = one_in(2);
      EXPECT_EQ(run_job(job).outcomes, expected) << "step " << step;
      expect_equal();
    }
  }

  std::mt19937_64 random_;
  Model model_;
  int singles_ = 0;
};
FEALTY_ON_BOTH_ENGINES(BulkModel);

TEST_P(BulkModel, RandomJobsDoWhatTheModelDoes) {
  char const* const asked = std::getenv("FEALTY_MODEL_SEED");
  char const* const runs = std::getenv("FEALTY_MODEL_RUNS");
  int const count = asked ? 1 : runs ? std::atoi(runs) : 4;
  for (int run = 0; run < count && !HasFailure(); ++run) {
    std::uint64_t const seed = asked ? std::strtoull(asked, nullptr, 10) : std::random_device{}();
    SCOPED_TRACE("replay with FEALTY_MODEL_SEED=" + std::to_string(seed));
    std::cout << "FEALTY_MODEL_SEED=" << seed << std::endl;
    run_with(seed);
    model_ = {};
    test::run(db(), "DELETE FROM balances");
    test::run(db(), "DELETE FROM ledger_entries");
    test::run(db(), "DELETE FROM change_sources");
  }
}

}  // namespace
}  // namespace fealty::members
