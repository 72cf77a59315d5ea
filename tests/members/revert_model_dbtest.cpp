// Random jobs are reversed. On an untouched community everything must be what it was; with changes in between, a second
// reversal must find the refused rows and no others. FEALTY_MODEL_SEED=<number> replays one run.
#include <cstdlib>
#include <iostream>
#include <random>

#include "revert_machine.h"

namespace fealty::members {
namespace {

using test::email_of;

class RevertModel : public RevertTest {
 protected:
  std::int64_t pick(std::int64_t from, std::int64_t to) { return std::uniform_int_distribution<std::int64_t>(from, to)(random_); }
  bool one_in(std::int64_t n) { return pick(1, n) == 1; }
  template <std::size_t N>
  std::string any_of(char const* const (&choices)[N]) {
    return choices[pick(0, static_cast<std::int64_t>(N) - 1)];
  }

  void SetUp() override {
    RevertTest::SetUp();
    FieldService fields(db(), numbers_);
    access::Actor const actor{"operator", "shell", "Test"};
    for (auto const* title : {"Helper", "Guest"}) ASSERT_TRUE(fields.create_role(kHere, title, actor, test::kNow));
    for (auto const* name : {"north", "south"}) ASSERT_TRUE(fields.create_tag(kHere, name, actor, test::kNow));
    field("Note", "text");
    field("Score", "numerical", {.default_value = "2"});
    field("Size", "select", {.options = {"S", "M"}});
    limits_.bulk_chunk_rows_max = 50;
    for (int member = 10; member < 10 + kMembers; ++member) test::add_member(db(), kHere, member);
  }

  std::string number_cells() {
    if (one_in(3)) return ",";
    return any_of({"add", "subtract", "overwrite"}) + "," + std::to_string(pick(0, 40));
  }
  std::string row(bool with_card) {
    std::string out = email_of(10 + pick(0, kMembers - 1));
    out += "," + any_of({"", "", "Ana", "Bo", "<clear>"}) + "," + any_of({"", "", "Helper", "Guest", "<clear>"}) + "," +
           any_of({"", "", "north", "south", "<clear>"});
    for (int i = 0; i < 3; ++i) out += "," + number_cells();
    out += "," + any_of({"", "", "one", "two", "<clear>"}) + "," + any_of({"", "", "S", "M", "<clear>"});
    if (with_card) out += "," + any_of({"", "", "a", "b", "c", "<clear>"});
    return out + "\n";
  }
  std::string update_file(std::int64_t rows) {
    bool const with_card = one_in(2);
    std::string out = "Email,First Name,Role,Tag,XP_op,XP,Coins_op,Coins,Score_op,Score,Note,Size";
    if (with_card) out += ",Card";
    out += "\n";
    for (; rows > 0; --rows) out += one_in(20) ? "\n" : row(with_card);
    return out;
  }
  // People who are there, people who are not, and the same ones again.
  std::string import_file(std::int64_t rows) {
    std::string out = "First Name,Last Name,Username,Email,Tag,Coins_op,Coins,Note\n";
    for (; rows > 0; --rows) {
      auto const person = pick(0, 60);
      bool const known = person < 20;
      auto const name = "p" + std::to_string(person);
      out += (known && one_in(2) ? std::string(",,,") : "Pia,Roth," + (known ? std::string() : "user-" + name) + ",") +
             (known ? email_of(10 + person) : name + "@example.org") + "," + any_of({"", "north", "south"}) + "," + number_cells() + "," +
             any_of({"", "one", "two"}) + "\n";
    }
    return out;
  }
  PublicId some_job() { return one_in(3) ? import(import_file(pick(1, 180))) : update(update_file(pick(1, 180))); }

  void reverse_completely(PublicId id) {
    auto const s = status(id);
    if (s.updated + s.created == 0) {
      EXPECT_EQ(ask_revert(id).error().code(), "nothing_to_revert");
      return;
    }
    if (one_in(3)) {
      auto const before = state();
      revert(id, true);
      EXPECT_EQ(state(), before);
    }
    // In one go, or in pieces with other workers, or cancelled on its way.
    PublicId const reversing = queue_revert(id);
    for (auto pieces = pick(0, 3); pieces > 0 && status(reversing).status != "completed"; --pieces) work(static_cast<int>(pick(1, 2)));
    if (one_in(3) && status(reversing).status != "completed") {
      auto c = context();
      EXPECT_TRUE(service_->cancel(c, reversing));
      if (status(reversing).status == "processing") work();
      EXPECT_EQ(status(id).status, "completed");
      EXPECT_EQ(status(id).reverted_rows, status(reversing).updated);
      revert(id);
    } else if (status(reversing).status != "completed") {
      work();
    }
  }

  void run_with(std::uint64_t seed) {
    random_.seed(seed);
    for (int step = 0; step < 3 && !HasFailure(); ++step) {
      some_job();
      auto const before = state();
      auto const id = some_job();
      if (one_in(2)) {
        // Nothing happened in between.
        reverse_completely(id);
        EXPECT_EQ(state(), before) << "step " << step;
        if (auto const s = status(id); s.updated + s.created > 0)
          EXPECT_EQ(progress(id), "reverted " + std::to_string(s.updated + s.created) + "+0");
        continue;
      }
      some_job();
      auto const s = status(id);
      if (s.updated + s.created == 0) continue;
      auto const told = revert(id, true), first = revert(id);
      EXPECT_EQ(outcomes_of(told), outcomes_of(first)) << "a dry run foretells it";
      auto const after_first = status(id);
      EXPECT_EQ(after_first.reverted_rows + after_first.conflicts, s.updated + s.created);
      if (after_first.conflicts == 0) continue;
      // Rows that are refused may free others: what is refused twice stays as it is.
      for (std::int64_t conflicts = -1; conflicts != status(id).conflicts && status(id).conflicts > 0;) {
        conflicts = status(id).conflicts;
        revert(id);
      }
      if (status(id).conflicts == 0) continue;
      auto const left = state();
      auto const last = revert(id);
      EXPECT_EQ(status(last).updated, 0);
      EXPECT_EQ(state(), left);
    }
    expect_sound();
  }

  static constexpr int kMembers = 40;
  std::mt19937_64 random_;
};
FEALTY_ON_BOTH_ENGINES(RevertModel);

TEST_P(RevertModel, ReversedJobsLeaveNothingBehind) {
  field("Card", "text", {.identifier = true});
  char const* const asked = std::getenv("FEALTY_MODEL_SEED");
  char const* const runs = std::getenv("FEALTY_MODEL_RUNS");
  int const count = asked ? 1 : runs ? std::atoi(runs) : 4;
  for (int run = 0; run < count && !HasFailure(); ++run) {
    std::uint64_t const seed = asked ? std::strtoull(asked, nullptr, 10) : std::random_device{}();
    SCOPED_TRACE("replay with FEALTY_MODEL_SEED=" + std::to_string(seed));
    std::cout << "FEALTY_MODEL_SEED=" << seed << std::endl;
    run_with(seed);
  }
}

}  // namespace
}  // namespace fealty::members
