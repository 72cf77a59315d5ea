#include "bulk_machine.h"

namespace fealty::jobs {
namespace {

using sql::StorageError;
using testing::ElementsAre;

class Runner : public MachineTest {};
FEALTY_ON_BOTH_ENGINES(Runner);

TEST_P(Runner, FinishesAJobWithOneOutcomePerRow) {
  auto const id = queue(csv({{"ok", 120}, {"same", 60}, {"new", 30}, {"bad", 10}}) + "\n,\nlast,ok\n");
  EXPECT_EQ(status(id).status, "queued");
  EXPECT_EQ(status(id).queue_position, 1);
  EXPECT_EQ(status(id).progress.to_string(), "0");
  program->start();
  auto const s = ended(id);
  EXPECT_EQ(counters(s), "completed 121/60/30/10 of 221, 0 not, 2 blank");
  EXPECT_EQ(s.processed, 221);
  EXPECT_EQ(s.success, 211);
  EXPECT_EQ(s.progress.to_string(), "1");
  EXPECT_FALSE(s.queue_position);
  EXPECT_FALSE(s.error);
  ASSERT_TRUE(s.startedAt && s.finishedAt && s.expiresAt);
  EXPECT_EQ(*parse_iso(*s.expiresAt) - *parse_iso(*s.finishedAt), 30ll * 86'400'000);
  EXPECT_EQ(effects(id), 151);
  EXPECT_TRUE(eventually([&] { return program->runner->rows_done() == 221; })) << "counted behind the commit";
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM bulk_rows"), 40) << "only failed and created rows have rows of their own";
  EXPECT_TRUE(eventually([&] { return program->runner->jobs_held() == 0; }));
}

TEST_P(Runner, WorksOffOneCommunityInOrderOfUpload) {
  std::mutex mutex;
  std::vector<std::int64_t> order;
  script.on_apply = [&](JobFacts const& job, std::int64_t) {
    std::lock_guard lock(mutex);
    order.push_back(job.job.value);
  };
  std::vector<PublicId> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(queue(csv({{"ok", 150 - 30 * i}})));
  EXPECT_EQ(status(ids[2]).queue_position, 3);
  program->start();
  for (auto const id : ids) EXPECT_EQ(ended(id).status, "completed");
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end())) << "two jobs of a community ran in turns";
  EXPECT_EQ(std::set(order.begin(), order.end()).size(), 4u);
}

TEST_P(Runner, ASmallJobOfOneCommunityDoesNotWaitForALargeOneOfAnother) {
  program.reset();
  program.emplace(db(), files, limits, script, RunnerSettings{.workers = 1, .poll_ms = 20});
  Gate begun, uploaded;
  std::mutex mutex;
  std::vector<char> turns;
  PublicId large;
  script.on_prepare = [&](JobFacts const& job, std::int64_t first_row) {
    std::lock_guard lock(mutex);
    turns.push_back(job.community == kA ? 'A' : 'B');
    if (job.community == kA && first_row > 2) return;
    if (job.community == kA) {
      begun.open();
      EXPECT_TRUE(uploaded.wait());
    }
  };
  large = queue(csv({{"ok", 1'500}}));
  program->start();
  ASSERT_TRUE(begun.wait());
  auto const small = queue(csv({{"ok", 10}}), {}, kB);
  uploaded.open();
  EXPECT_EQ(ended(small, kB).status, "completed");
  EXPECT_EQ(ended(large).status, "completed");
  auto const at = std::find(turns.begin(), turns.end(), 'B') - turns.begin();
  EXPECT_LT(at, static_cast<std::ptrdiff_t>(turns.size()) - 1) << "the small job ran last";
  EXPECT_LE(*status(small, kB).finishedAt, *status(large).finishedAt);
}

TEST_P(Runner, CancelStopsAQueuedJobAtOnceAndARunningOneBehindItsChunk) {
  auto cancel = [&](PublicId id, CommunityNo community = kA) {
    auto c = context(community);
    auto const answer = program->service->cancel(c, id);
    return answer ? program->service->status(c, id) : Result<JobStatus>(std::unexpected(answer.error()));
  };
  auto const first = queue(csv({{"ok", 200}})), second = queue(csv({{"ok", 10}}));
  EXPECT_EQ(cancel(second, kB).error().code(), "job_not_found");
  auto const cancelled = cancel(second);
  ASSERT_TRUE(cancelled);
  EXPECT_EQ(counters(*cancelled), "cancelled 0/0/0/0 of 10, 10 not, 0 blank");
  EXPECT_TRUE(cancelled->finishedAt);
  EXPECT_TRUE(cancel(second)) << "a repeat is fine";

  std::atomic<int> chunks{0};
  script.on_prepare = [&](JobFacts const& job, std::int64_t) {
    if (++chunks != 3) return;
    auto const asked = cancel(job.id);
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->status, "processing");
    EXPECT_TRUE(asked->cancel_requested);
    EXPECT_TRUE(cancel(job.id));
  };
  program->start();
  auto const s = ended(first);
  EXPECT_EQ(counters(s), "cancelled 100/0/0/0 of 200, 100 not, 0 blank");
  EXPECT_FALSE(s.cancel_requested);
  EXPECT_EQ(effects(first), 100);
  auto const third = queue(csv({{"ok", 1}}));
  EXPECT_EQ(ended(third).status, "completed");
  auto const late = cancel(third);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), "job_finished");
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'bulk.cancel'"), 2);
}

TEST_P(Runner, TheRowThatPassesTheLimitOfErrorsEndsTheJob) {
  struct Case {
    std::vector<std::pair<std::string, int>> rows;
    Query query;
    char const* counters;
    std::int64_t effects;
  };
  Case const cases[] = {
      {{{"ok", 5}, {"bad", 1}, {"ok", 5}, {"bad", 1}, {"ok", 5}},
       {{"max_errors", "1"}},
       "failed too_many_errors 10/0/0/2 of 17, 5 not, 0 blank",
       10},
      {{{"ok", 5}, {"bad", 1}, {"ok", 5}}, {{"max_errors", "1"}}, "completed 10/0/0/1 of 11, 0 not, 0 blank", 10},
      {{{"ok", 5}, {"bad", 1}, {"ok", 5}}, {{"stop_on_error", "true"}}, "failed too_many_errors 5/0/0/1 of 11, 5 not, 0 blank", 5},
      {{{"ok", 5}, {"bad", 1}, {"ok", 5}},
       {{"stop_on_error", "1"}, {"max_errors", "7"}},
       "failed too_many_errors 5/0/0/1 of 11, 5 not, 0 blank",
       5},
      {{{"ok", 60}, {"bad", 3}, {"ok", 60}, {"bad", 1}, {"ok", 60}},
       {{"max_errors", "3"}},
       "failed too_many_errors 120/0/0/4 of 184, 60 not, 0 blank",
       120},
      {{{"ok", 3}, {"bad", 1}}, {{"max_errors", "0"}}, "failed too_many_errors 3/0/0/1 of 4, 0 not, 0 blank", 3},
      {{{"ok", 5}, {"bad", 1}, {"ok", 5}},
       {{"stop_on_error", "true"}, {"dry_run", "true"}},
       "failed too_many_errors 5/0/0/1 of 11, 5 not, 0 blank",
       0},
  };
  program->start();
  for (auto const& c : cases) {
    auto const id = queue(csv(c.rows), c.query);
    EXPECT_EQ(counters(ended(id)), c.counters);
    EXPECT_EQ(effects(id), c.effects);
  }
}

TEST_P(Runner, AWorkerThatWasOvertakenCannotCommit) {
  auto const other_handle = database().open_another();
  Script other_script;
  Program other(*other_handle, files, limits, other_script);
  Gate stuck, free;
  std::atomic<int> chunks{0};
  script.on_prepare = [&](JobFacts const&, std::int64_t) {
    if (++chunks != 2) return;
    stuck.open();
    EXPECT_TRUE(free.wait());
  };
  auto const id = queue(csv({{"ok", 200}, {"bad", 5}}));
  program->start();
  ASSERT_TRUE(stuck.wait());
  EXPECT_EQ(effects(id), 50);
  end_lease(id);
  other.start();
  auto const s = ended(id);
  EXPECT_EQ(counters(s), "completed 200/0/0/5 of 205, 0 not, 0 blank");
  EXPECT_EQ(effects(id), 200);
  auto const before = test::dump(db(), {"nodes"});
  free.open();
  EXPECT_TRUE(eventually([&] { return program->runner->jobs_held() == 0; })) << "the first worker goes on";
  EXPECT_EQ(test::dump(db(), {"nodes"}), before);
  EXPECT_EQ(effects(id), 200);
}

TEST_P(Runner, AJobOfANodeThatDiedIsTakenOverFromItsCursor) {
  auto const id = queue(csv({{"ok", 100}}));
  NumberSource numbers(0);
  {
    // A node that claims the job and is heard of no more.
    Node dead(db(), numbers);
    EXPECT_NE(dead.number(), program->node.number());
    auto const heads = db().read([&](sql::Tx& tx) { return queue_heads(tx); });
    ASSERT_EQ(heads.size(), 1u);
    ASSERT_TRUE(db().write([&](sql::Tx& tx) { return claim_job(tx, heads[0], dead.number(), system_now()); }));
  }
  EXPECT_TRUE(db().read([&](sql::Tx& tx) { return queue_heads(tx); }).front().leased);
  EXPECT_FALSE(db().write([&](sql::Tx& tx) { return claim_job(tx, {kA, {id.number}, false}, program->node.number(), system_now()); }));
  end_lease(id);
  program->start();
  EXPECT_EQ(ended(id).status, "completed");
  EXPECT_EQ(effects(id), 100);
}

// The claim was stored and its answer was lost, or a dead node had this one's number: a heartbeat that extended such a lease
// would keep the job from everybody for ever.
TEST_P(Runner, ALeaseThatNobodyWorksUnderEndsThoughItNamesALivingNode) {
  auto const id = queue(csv({{"ok", 10}}));
  auto const heads = db().read([&](sql::Tx& tx) { return queue_heads(tx); });
  ASSERT_EQ(heads.size(), 1u);
  ASSERT_TRUE(db().write([&](sql::Tx& tx) { return claim_job(tx, heads[0], program->node.number(), system_now()); }));
  test::run(db(), "UPDATE bulk_jobs SET lease_until = {now_ms} + 3000");
  auto const began = steady_now_ms();
  program->start();
  EXPECT_EQ(ended(id).status, "completed");
  EXPECT_GE(steady_now_ms() - began, 2'900);
  EXPECT_EQ(effects(id), 10);
}

TEST_P(Runner, AHeartbeatExtendsTheLeasesOfTheJobsInHandAlone) {
  auto const id = queue(csv({{"ok", 10}}));
  auto const job = db().write([&](sql::Tx& tx) { return claim_job(tx, queue_heads(tx).front(), 0, system_now()); });
  ASSERT_TRUE(job);
  auto const extend = [&](std::int64_t epoch) {
    return db().write([&](sql::Tx& tx) { return extend_leases(tx, {{kA, {id.number}, epoch}}); });
  };
  EXPECT_EQ(extend(job->lease_epoch), 1);
  EXPECT_EQ(extend(job->lease_epoch - 1), 0) << "somebody else's";
  EXPECT_EQ(db().write([&](sql::Tx& tx) { return extend_leases(tx, {}); }), 0);
  end_lease(id);
  EXPECT_EQ(extend(job->lease_epoch), 0) << "it has ended";
}

TEST_P(Runner, ADrainedJobGoesOnWhereItWas) {
  std::atomic<int> chunks{0};
  Gate second;
  script.on_prepare = [&](JobFacts const&, std::int64_t) {
    if (++chunks == 3) second.open();
  };
  for (bool const dry : {false, true}) {
    chunks = 0;
    auto const id = queue(csv({{"ok", 400}}), dry ? Query{{"dry_run", "true"}} : Query{});
    program->start();
    ASSERT_TRUE(second.wait());
    program->stop();
    EXPECT_EQ(test::number(db(), "SELECT count(*) FROM bulk_jobs WHERE lease_until > 0"), 0);
    program->start();
    EXPECT_EQ(counters(ended(id)), "completed 400/0/0/0 of 400, 0 not, 0 blank");
    EXPECT_EQ(effects(id), dry ? 0 : 400);
    program->stop();
  }
  // Rows of a dry run saw all rows before them, whoever evaluated those.
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM bulk_rows WHERE changes <> '[' || CAST(row_number - 1 AS TEXT) || ']'"), 0);
}

TEST_P(Runner, ADryRunThatIsTakenOverImaginesTheRowsBeforeAgainEvenWhenThatFailsAtFirst) {
  for (bool const storage : {true, false}) {
    std::atomic<int> calls{0};
    Gate third;
    script.on_prepare = [&](JobFacts const&, std::int64_t) {
      if (++calls == 4) third.open();
    };
    auto const id = queue(csv({{"ok", 400}}), {{"dry_run", "true"}});
    program->start();
    ASSERT_TRUE(third.wait());
    program->stop();
    std::atomic<int> failures{0};
    script.on_prepare = [&](JobFacts const&, std::int64_t first_row) {
      // In the middle of the imagining.
      if (first_row < 60 || failures++ > 0) return;
      if (storage) throw StorageError(StorageError::Kind::unavailable, "made to fail");
      throw std::runtime_error("made to fail");
    };
    program->start();
    EXPECT_EQ(counters(ended(id)), "completed 400/0/0/0 of 400, 0 not, 0 blank");
    EXPECT_GT(failures, 1);
    program->stop();
  }
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM bulk_rows"), 800);
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM bulk_rows WHERE changes <> '[' || CAST(row_number - 1 AS TEXT) || ']'"), 0);
}

}  // namespace
}  // namespace fealty::jobs
