#include "bulk_machine.h"

namespace fealty::jobs {
namespace {

using sql::StorageError;

class Failures : public MachineTest {};
FEALTY_ON_BOTH_ENGINES(Failures);

// Every call of a job once, in each of the ways in which a job can go: the job with fewer calls than n is the last.
TEST_P(Failures, OfAnyStorageCallAreRetriedAndNoRowIsLostOrAppliedTwice) {
  struct Way {
    char const* name;
    bool looks_ahead, by_member;
    Query query;
    char const* counters;
    std::int64_t effects;
  };
  Way const ways[] = {
      {"in the members' order, looking ahead", true, true, {}, "completed 60/0/20/2 of 82, 0 not, 0 blank", 80},
      {"as a dry run", false, false, {{"dry_run", "true"}}, "completed 60/0/20/2 of 82, 0 not, 0 blank", 0},
      {"until it stops", false, false, {{"stop_on_error", "true"}}, "failed too_many_errors 60/0/0/1 of 82, 21 not, 0 blank", 60},
  };
  // Rarely enough that what looks for new jobs makes few calls beside those of the job.
  program.reset();
  program.emplace(db(), files, limits, script, RunnerSettings{.workers = 2, .poll_ms = 100});
  program->start();
  for (auto const& way : ways) {
    script.looks_ahead = way.looks_ahead;
    script.by_member = way.by_member;
    int most = 0;
    for (int n = 1;; ++n) {
      std::string const where = "call " + std::to_string(n) + ", " + way.name;
      auto const id = queue(csv({{"ok", 60}, {"bad", 2}, {"new", 20}}), way.query);
      program->database.fail_at(n);
      EXPECT_EQ(counters(ended(id)), way.counters) << where;
      auto const calls = program->database.calls();
      program->database.fail_at(0);
      EXPECT_TRUE(eventually([&] { return program->runner->jobs_held() == 0; })) << where;
      EXPECT_EQ(effects(id), way.effects) << where;
      most = n;
      if (calls < n) break;
    }
    EXPECT_GT(most, 10) << way.name;
  }
}

// What stands still at one call, for longer than its lease: another program ends its connections and takes the job over. When
// it wakes it must find that the job is not its own any more, whatever it was about to do. Two programs have one database on
// PostgreSQL alone.
class Standstills : public MachineTest {};
INSTANTIATE_TEST_SUITE_P(, Standstills, testing::Values(sql::Engine::postgres), test::engine_name);

TEST_P(Standstills, AtAnyStorageCallDoubleNothing) {
  int met = 0;
  for (int n = 1;; ++n) {
    auto const first_handle = database().open_another();
    auto const second_handle = database().open_another();
    Script first_script, second_script;
    // In the members' order, which makes all the calls that there are.
    first_script.by_member = second_script.by_member = true;
    Program first(*first_handle, files, limits, first_script), second(*second_handle, files, limits, second_script);
    auto const id = queue(csv({{"ok", 70}, {"bad", 2}, {"new", 10}}));
    Gate free;
    std::atomic<bool> stood{false};
    first.database.fail_at(0);
    first.database.on_call([&](std::int64_t call) {
      if (call != n) return;
      stood = true;
      EXPECT_TRUE(free.wait());
    });
    first.start();
    // A job with fewer calls than n ends in front of the gate.
    EXPECT_TRUE(eventually([&] { return stood || status(id).status == "completed"; })) << "call " << n;
    bool const last = !stood;
    if (!last) {
      ++met;
      second_handle->end_session(first_handle->session());
      end_lease(id);
      second.start();
      EXPECT_EQ(counters(ended(id)), "completed 70/0/10/2 of 82, 0 not, 0 blank") << "call " << n;
      auto const before = test::dump(db(), {"nodes"});
      free.open();
      EXPECT_TRUE(eventually([&] { return first.runner->jobs_held() == 0; })) << "call " << n;
      first.stop();
      EXPECT_EQ(test::dump(db(), {"nodes"}), before) << "call " << n;
    }
    EXPECT_EQ(effects(id), 80) << "call " << n;
    free.open();
    first.stop();
    first.database.on_call(nullptr);  // what it looks at is gone before the program
    if (last) break;
  }
  EXPECT_GT(met, 10) << "calls of a job";
}

TEST_P(Failures, OfALookUpNeverLeaveRowsWithoutTheirMembers) {
  std::atomic<int> failures{0};
  script.on_prepare = [&](JobFacts const&, std::int64_t) {
    if (++failures <= 2) throw StorageError(StorageError::Kind::unavailable, "made to fail");
  };
  auto const id = queue(csv({{"ok", 60}}));
  program->start();
  EXPECT_EQ(counters(ended(id)), "completed 60/0/0/0 of 60, 0 not, 0 blank");
}

TEST_P(Failures, ByAnotherWriterAreLookedUpAgain) {
  std::atomic<int> prepared{0}, applied{0};
  script.on_prepare = [&](JobFacts const&, std::int64_t) { ++prepared; };
  script.on_apply = [&](JobFacts const&, std::int64_t) {
    if (++applied <= 3) throw StorageError(StorageError::Kind::constraint, "made to fail");
  };
  auto const id = queue(csv({{"ok", 40}}));
  program->start();
  EXPECT_EQ(counters(ended(id)), "completed 40/0/0/0 of 40, 0 not, 0 blank");
  EXPECT_EQ(prepared, 4) << "each try looks again";
  EXPECT_EQ(effects(id), 40);
}

TEST_P(Failures, ThatNeverEndDoEndTheJobAndTheQueueGoesOn) {
  struct Case {
    char const* what;
    std::function<void()> failure;
    char const* code;
  };
  Case const cases[] = {
      {"a conflict", [] { throw StorageError(StorageError::Kind::constraint, "made to fail"); }, "internal"},
      {"a broken invariant", [] { throw StorageError(StorageError::Kind::broken, "made to fail"); }, "internal"},
      {"an exception", [] { throw std::runtime_error("made to fail"); }, "internal"},
      {"storage that is away", [] { throw StorageError(StorageError::Kind::unavailable, "made to fail"); }, "storage"},
      {"storage that is full", [] { throw StorageError(StorageError::Kind::full, "made to fail"); }, "storage"},
  };
  program.reset();
  program.emplace(db(), files, limits, script, RunnerSettings{.workers = 2, .poll_ms = 20, .storage_retry_ms_max = 300});
  program->start();
  for (auto const& c : cases) {
    PublicId bad{};
    std::atomic<std::int64_t> failing{0};
    script.on_apply = [&](JobFacts const& job, std::int64_t first_row) {
      if (job.job.value == failing && first_row > 2) c.failure();
    };
    // The job is known before its first chunk can be applied.
    Gate known;
    script.on_prepare = [&](JobFacts const&, std::int64_t) { EXPECT_TRUE(known.wait()); };
    bad = queue(csv({{"ok", 70}}));
    failing = bad.number;
    known.open();
    auto const next = queue(csv({{"ok", 5}}));
    auto const s = ended(bad);
    EXPECT_EQ(counters(s), std::string("failed ") + c.code + " 50/0/0/0 of 70, 20 not, 0 blank") << c.what;
    EXPECT_EQ(s.error->message.find("made to fail"), std::string::npos) << "internals were shown";
    EXPECT_NE(s.error->message.find("ows before row 52 were applied."), std::string::npos) << s.error->message;
    EXPECT_EQ(effects(bad), 50) << c.what;
    EXPECT_EQ(ended(next).status, "completed") << c.what;
    script.on_prepare = nullptr;
  }
}

TEST_P(Failures, ThatHideTheEndOfAJobAreMadeGoodWhenStorageIsBack) {
  std::atomic<bool> mended{false};
  std::atomic<int> tries{0};
  auto const id = queue(csv({{"ok", 5}}));
  script.on_apply = [&](JobFacts const&, std::int64_t) {
    if (mended) return;
    // The last try of an unexpected failure, and then the job cannot even be ended.
    if (++tries == 5) program->database.fail_from(1);
    throw std::runtime_error("made to fail");
  };
  program->start();
  EXPECT_TRUE(eventually([&] { return tries == 5; }));
  auto const calls = program->database.calls();
  EXPECT_TRUE(eventually([&] { return program->database.calls() > calls + 5; }));
  mended = true;
  program->database.fail_at(0);
  EXPECT_EQ(counters(ended(id)), "completed 5/0/0/0 of 5, 0 not, 0 blank");
  EXPECT_EQ(effects(id), 5);
}

TEST_P(Failures, AChunkThatStopsItsWorkerThreeTimesEndsItsJob) {
  for (int attempts : {2, 3}) {
    auto const id = queue(csv({{"ok", 5}}));
    test::run(db(), "UPDATE bulk_jobs SET status = 'processing', attempts = " + std::to_string(attempts) +
                        " WHERE job_id = " + std::to_string(id.number));
    program->start();
    auto const s = ended(id);
    program->stop();
    EXPECT_EQ(counters(s), attempts == 2 ? "completed 5/0/0/0 of 5, 0 not, 0 blank" : "failed internal 0/0/0/0 of 5, 5 not, 0 blank");
  }
}

TEST_P(Failures, AMissingFileEndsTheJob) {
  auto const gone = queue(csv({{"ok", 5}}));
  for (auto const& file : stored_files()) files.remove(file);
  auto const next = queue(csv({{"ok", 5}}));
  program->start();
  auto const s = ended(gone);
  EXPECT_EQ(counters(s), "failed source_missing 0/0/0/0 of 5, 5 not, 0 blank");
  EXPECT_EQ(s.error->message, "The uploaded file is gone. Rows before row 2 were applied.");
  EXPECT_EQ(ended(next).status, "completed");
  program->stop();

  // The same for a dry run that has to be imagined again.
  std::atomic<int> calls{0};
  Gate third;
  script.on_prepare = [&](JobFacts const&, std::int64_t) {
    if (++calls == 3) third.open();
  };
  auto const dry = queue(csv({{"ok", 400}}), {{"dry_run", "true"}});
  program->start();
  ASSERT_TRUE(third.wait());
  program->stop();
  for (auto const& file : stored_files()) files.remove(file);
  program->start();
  auto const missed = ended(dry);
  EXPECT_EQ(missed.error->code, "source_missing");
  EXPECT_EQ(missed.error->message, "The uploaded file is gone. Rows before row " + std::to_string(missed.processed + 2) + " were applied.");
}

TEST_P(Failures, ACommitOfWhichNobodyKnowsIsNotRepeated) {
  // The chunk commits, and its cursor moves, behind the back of a worker that takes it for failed.
  std::atomic<bool> once{false};
  auto const id = queue(csv({{"ok", 120}}));
  script.on_apply = [&](JobFacts const&, std::int64_t first_row) {
    if (first_row == 2 || once.exchange(true)) return;
    throw StorageError(StorageError::Kind::commit_unknown, "made to fail");
  };
  program->start();
  EXPECT_EQ(counters(ended(id)), "completed 120/0/0/0 of 120, 0 not, 0 blank");
  EXPECT_EQ(effects(id), 120);
}

// A look-ahead has a session and rows of its own: whatever fails on either side, each row is looked up and applied once.
TEST_P(Failures, OnEitherSideOfALookAheadLoseNoRow) {
  script.looks_ahead = true;
  using Kind = StorageError::Kind;
  enum class Side { prepare, apply };
  program->start();
  for (auto const side : {Side::prepare, Side::apply}) {
    for (auto const kind : {Kind::unavailable, Kind::constraint, Kind::commit_unknown}) {
      std::mutex mutex;
      std::set<std::int64_t> failed;
      auto fail_each_chunk_once = [&](Side here, std::int64_t first_row) {
        std::lock_guard lock(mutex);
        if (here == side && failed.insert(first_row).second) throw StorageError(kind, "made to fail");
      };
      script.on_prepare = [&](JobFacts const&, std::int64_t first_row) { fail_each_chunk_once(Side::prepare, first_row); };
      script.on_apply = [&](JobFacts const&, std::int64_t first_row) { fail_each_chunk_once(Side::apply, first_row); };
      auto const id = queue(csv({{"ok", 110}, {"bad", 3}, {"new", 60}, {"same", 7}}));
      EXPECT_EQ(counters(ended(id)), "completed 110/7/60/3 of 180, 0 not, 0 blank");
      EXPECT_EQ(effects(id), 170);
      EXPECT_GE(failed.size(), 4u);
      EXPECT_TRUE(eventually([&] { return program->runner->jobs_held() == 0; }));
    }
  }
}

TEST_P(Failures, WhatALookAheadFoundTooEarlyIsLookedUpAgain) {
  script.looks_ahead = script.depends = true;
  std::mutex mutex;
  std::vector<std::int64_t> looked_up, applied;
  script.on_prepare = [&](JobFacts const&, std::int64_t first_row) {
    std::lock_guard lock(mutex);
    looked_up.push_back(first_row);
  };
  script.on_apply = [&](JobFacts const&, std::int64_t first_row) {
    std::lock_guard lock(mutex);
    // Once while the rows before them were written, and again behind their commit.
    EXPECT_EQ(std::count(looked_up.begin(), looked_up.end(), first_row), applied.empty() ? 1 : 2);
    applied.push_back(first_row);
  };
  program->start();
  auto const id = queue(csv({{"ok", 200}}));
  EXPECT_EQ(counters(ended(id)), "completed 200/0/0/0 of 200, 0 not, 0 blank");
  EXPECT_GE(applied.size(), 3u);
}

TEST_P(Failures, AStopAndACancelHoldForWhatWasReadAhead) {
  script.looks_ahead = true;
  program->start();
  auto const stopped = queue(csv({{"ok", 70}, {"bad", 1}, {"ok", 200}}), {{"stop_on_error", "true"}});
  EXPECT_EQ(counters(ended(stopped)), "failed too_many_errors 70/0/0/1 of 271, 200 not, 0 blank");
  EXPECT_EQ(effects(stopped), 70);
  std::thread canceller;
  script.on_apply = [&](JobFacts const& job, std::int64_t first_row) {
    if (first_row != 2) return;
    // From another connection, while the first chunk is on its way: it stops in front of the second or the third.
    canceller = std::thread([this, id = job.id] {
      auto c = context();
      EXPECT_TRUE(program->service->cancel(c, id));
    });
  };
  script.on_prepare = [&](JobFacts const& job, std::int64_t first_row) {
    if (first_row < 150) return;
    EXPECT_TRUE(eventually([&] {
      auto const now = status(job.id);
      return now.cancel_requested || now.status == "cancelled";
    }));
  };
  auto const cancelled = queue(csv({{"ok", 1'000}}));
  auto const s = ended(cancelled);
  canceller.join();
  EXPECT_EQ(s.status, "cancelled");
  EXPECT_LE(s.updated, 250);
  EXPECT_EQ(effects(cancelled), s.updated);
}

}  // namespace
}  // namespace fealty::jobs
