// Jobs that are applied in the order of their members.
#include "bulk_machine.h"
#include "jobs/job_run.h"
#include "jobs/row_index.h"
#include "jobs/work_list.h"

namespace fealty::jobs {
namespace {

using ::testing::ElementsAre;

class WorkList : public MachineTest {
 protected:
  void SetUp() override {
    MachineTest::SetUp();
    script.by_member = true;
    script.looks_ahead = true;
  }

  // Rows of a file in which every member comes several times, far apart: row i (from 2 on) belongs to member i × 7 mod 40.
  static std::string scattered(int rows, std::string const& what = "ok") {
    std::string out = "Key,Do\n";
    for (int i = 0; i < rows; ++i) out += "k" + std::to_string(member_of(i + 2)) + "," + what + "\n";
    return out;
  }
  static std::int64_t member_of(std::int64_t row) { return row * 7 % 40 + 1; }
  // Rows in the order in which their effects were written.
  std::vector<std::int64_t> applied(PublicId id) {
    std::vector<std::int64_t> rows;
    db().read([&](sql::Tx& tx) {
      tx.run_text("SELECT row_number FROM test_effects WHERE job_id = " + std::to_string(id.number) + " ORDER BY number", {},
                  [&](sql::Row const& r) { rows.push_back(r.integer(0)); });
    });
    return rows;
  }
  std::vector<RowDetail> details(PublicId id, DetailsQuery const& query) {
    auto c = context();
    auto out = program->service->details(c, id, query);
    if (!out) throw std::logic_error(out.error().message);
    return std::move(out->first.rows);
  }
  static DetailsQuery query(std::int64_t page, std::int64_t limit, std::string status = "", std::int64_t after_row = 0,
                            std::string key = "") {
    DetailsQuery q;
    q.page = page;
    q.limit = limit;
    if (!status.empty()) q.status = std::move(status);
    if (after_row > 0) q.after_row = after_row;
    if (!key.empty()) q.key = std::move(key);
    return q;
  }
  std::vector<std::string> runs_left() {
    std::vector<std::string> out;
    for (auto const& name : stored_files())
      if (name.find(".run-") != std::string::npos) out.push_back(name);
    return out;
  }
};

FEALTY_ON_BOTH_ENGINES(WorkList);

// Storage goes away at every place for a while, and a commit whose answer is lost has taken effect: the rows are applied in one
// order, and the blank records counted once.
TEST_P(WorkList, StorageMayFailOrLoseAnAnswerAnywhere) {
  script.looks_ahead = false;
  std::string csv = "Key,Do\n";
  constexpr int kRows = 120, kBlank = 6;
  for (int i = 0; i < kRows; ++i) csv += (i % (kRows / kBlank) == 0 ? "\nk" : "k") + std::to_string(member_of(i + 2)) + ",ok\n";
  auto& storage = program->database;
  storage.lose_answers();
  for (int width = 1; width <= 3; ++width) {
    for (std::int64_t n = 1;; ++n) {
      auto const id = queue(csv);
      auto const heads = db().read([](sql::Tx& tx) { return queue_heads(tx); });
      ASSERT_EQ(heads.size(), 1u);
      auto claimed = db().write([&](sql::Tx& tx) { return claim_job(tx, heads.front(), 1, system_now()); });
      ASSERT_TRUE(claimed);
      JobRun run(*program->parts, *claimed, 600'000);
      storage.fail_between(n, n + width - 1);
      auto step = JobRun::Step::more;
      for (int i = 0; step == JobRun::Step::more && i < 1'000; ++i) step = run.step();
      auto const calls = storage.calls();
      storage.fail_at(0);
      // Who has not heard of the last commit finds that the job is not his any more.
      ASSERT_NE(step, JobRun::Step::more) << "call " << n << ", width " << width;
      ASSERT_EQ(counters(status(id)), "completed 120/0/0/0 of 120, 0 not, 6 blank") << "call " << n << ", width " << width;
      ASSERT_EQ(effects(id), kRows) << "call " << n << ", width " << width;
      if (calls < n) break;
    }
  }
}

TEST_P(WorkList, RowsGoByMemberAndThoseOfOneMemberByTheirPlaceInTheFile) {
  auto const id = queue(scattered(400));
  program->start();
  EXPECT_EQ(counters(ended(id)), "completed 400/0/0/0 of 400, 0 not, 0 blank");
  auto const rows = applied(id);
  ASSERT_EQ(rows.size(), 400u);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    auto const before = std::pair(member_of(rows[i - 1]), rows[i - 1]);
    EXPECT_LT(before, std::pair(member_of(rows[i]), rows[i]));
  }
  EXPECT_TRUE(eventually([&] { return runs_left().empty(); }));
}

TEST_P(WorkList, DetailsStandInTheOrderOfTheFile) {
  auto const id = queue("Key,Do\n" + scattered(200).substr(7) + ",\nk5,bad\nk6,same\nk7,new\n");
  program->start();
  EXPECT_EQ(counters(ended(id)), "completed 200/1/1/1 of 203, 0 not, 1 blank");
  auto const page = details(id, query(3, 90));
  ASSERT_EQ(page.size(), 23u);
  EXPECT_EQ(page.front().row, 182);
  EXPECT_EQ(page.front().status, "updated");
  EXPECT_EQ(page.front().changes.text, "[{\"row\":182}]");
  std::vector<std::string> last;
  for (std::size_t i = 20; i < 23; ++i) last.push_back(std::to_string(page[i].row) + " " + page[i].key + " " + page[i].status);
  EXPECT_THAT(last, ElementsAre("203 k5 failed", "204 k6 unchanged", "205 k7 created"));
  EXPECT_EQ(details(id, query(1, 5, "failed,created")).size(), 2u);
  EXPECT_EQ(details(id, query(1, 5, "unchanged")).front().row, 204);
  EXPECT_EQ(details(id, query(1, 500, "", 0, "K5")).back().row, 203);
  EXPECT_EQ(details(id, query(1, 5, "", 150)).front().row, 151);
}

TEST_P(WorkList, WhatACancelLeavesIsScatteredOverTheFileAndTold) {
  auto const id = queue(scattered(400));
  std::atomic<int> chunks{0};
  script.on_apply = [&](JobFacts const&, std::int64_t) {
    if (++chunks != 3) return;
    auto c = context();
    // From another thread: on SQLite the writer is here.
    std::thread([&, c]() mutable { program->service->cancel(c, id).value(); }).detach();
  };
  program->start();
  auto const s = ended(id);
  EXPECT_EQ(s.status, "cancelled");
  EXPECT_GT(s.not_processed, 0);
  EXPECT_EQ(effects(id), s.updated);
  auto const not_done = details(id, query(1, 500, "not_processed"));
  EXPECT_EQ(static_cast<std::int64_t>(not_done.size()), s.not_processed);
  auto const done = details(id, query(1, 500, "updated"));
  EXPECT_EQ(static_cast<std::int64_t>(done.size()), s.updated);
  EXPECT_EQ(details(id, query(1, 500)).size(), 400u);
  auto const all = applied(id);
  std::set<std::int64_t> const changed(all.begin(), all.end());
  for (auto const& row : not_done) EXPECT_FALSE(changed.contains(row.row)) << row.row;
  EXPECT_TRUE(eventually([&] { return runs_left().empty(); }));
}

TEST_P(WorkList, AnotherNodeGoesOnFromTheCursor) {
  auto const id = queue(scattered(600));
  Gate third, go;
  std::atomic<int> chunks{0};
  script.on_apply = [&](JobFacts const&, std::int64_t) {
    if (++chunks == 3) {
      third.open();
      throw std::runtime_error("the third chunk fails while its node stops");
    }
  };
  program->start();
  ASSERT_TRUE(third.wait());
  program->stop();
  script.on_apply = nullptr;
  end_lease(id);
  Program other(db(), files, limits, script);
  other.start();
  EXPECT_EQ(counters(ended(id)), "completed 600/0/0/0 of 600, 0 not, 0 blank");
  EXPECT_EQ(effects(id), 600);
  EXPECT_EQ(details(id, query(2, 300)).size(), 300u);
}

TEST_P(WorkList, AListThatSpillsIntoSeveralRunsIsOneOrder) {
  std::string csv = "Key,Do,#note\n";
  std::string const note(2'000, 'x');
  for (int i = 0; i < 12'000; ++i) csv += "k" + std::to_string(member_of(i + 2)) + ",ok," + note + "\n";
  limits.bulk_chunk_rows_max = 2'000;
  auto const id = queue(std::move(csv));
  program->start();
  EXPECT_EQ(counters(ended(id)), "completed 12000/0/0/0 of 12000, 0 not, 0 blank");
  auto const rows = applied(id);
  for (std::size_t i = 1; i < rows.size(); ++i)
    ASSERT_LT(std::pair(member_of(rows[i - 1]), rows[i - 1]), std::pair(member_of(rows[i]), rows[i]));
  EXPECT_GT(test::number(db(), "SELECT work_runs FROM bulk_jobs"), 1);
  EXPECT_TRUE(eventually([&] { return runs_left().empty(); }));
}

TEST_P(WorkList, ALimitOfFailuresKeepsTheOrderOfTheFile) {
  auto const id = queue(scattered(300) + "k1,bad\n" + scattered(50).substr(7), {{"stop_on_error", "true"}});
  program->start();
  EXPECT_EQ(counters(ended(id)), "failed too_many_errors 300/0/0/1 of 351, 50 not, 0 blank");
  EXPECT_EQ(test::number(db(), "SELECT work_runs FROM bulk_jobs"), 0);
}

TEST_P(WorkList, ADryRunSeesEarlierRowsOfItsMembers) {
  auto const id = queue(scattered(300), {{"dry_run", "true"}});
  program->start();
  EXPECT_EQ(counters(ended(id)), "completed 300/0/0/0 of 300, 0 not, 0 blank");
  EXPECT_EQ(details(id, query(1, 500)).size(), 300u);
  EXPECT_EQ(effects(id), 0);
}

TEST_P(WorkList, ARunThatIsGoneEndsTheJob) {
  auto const id = queue(scattered(400));
  Gate second, removed;
  std::atomic<int> chunks{0};
  script.on_apply = [&](JobFacts const&, std::int64_t) {
    if (++chunks != 2) return;
    second.open();
    throw std::runtime_error("reads the list again");
  };
  program->start();
  ASSERT_TRUE(second.wait());
  for (auto const& name : runs_left()) std::filesystem::remove(folder.path() + "/" + name);
  auto const s = ended(id);
  EXPECT_EQ(s.status, "failed");
  EXPECT_EQ(s.error.value().code, "source_missing");
  EXPECT_EQ(effects(id), s.updated);
}

TEST_P(WorkList, TheIndexOfALargeFileIsKeptBesideIt) {
  std::string csv = "Key,Do\n";
  for (int i = 0; i < 25'000; ++i) csv += i % 1'000 == 999 ? ",\nk1,same\n" : "k2,same\n";
  limits.bulk_chunk_rows_max = 10'000;
  auto const id = queue(std::move(csv));
  program->start();
  EXPECT_EQ(counters(ended(id)), "completed 0/25000/0/0 of 25000, 0 not, 25 blank");
  auto const first = details(id, query(2'500, 10));
  ASSERT_EQ(first.size(), 10u);
  EXPECT_EQ(first.back().row, 25'026);
  auto const again = details(id, query(2'500, 10));
  EXPECT_EQ(again.back().row, 25'026);
  auto const names = stored_files();
  EXPECT_EQ(std::count_if(names.begin(), names.end(), [](std::string const& n) { return n.ends_with(".rows"); }), 1);
  EXPECT_EQ(details(id, query(1, 1, "", 1'000)).front().row, 1'002) << "row 1,001 is blank";
}

}  // namespace
}  // namespace fealty::jobs
