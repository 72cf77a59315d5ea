#include "bulk_machine.h"
#include "jobs/bulk_check.h"
#include "jobs/job_run.h"

namespace fealty::jobs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Reversals : public MachineTest {
 protected:
  Result<RevertAnswer> ask(PublicId id, bool dry_run = false, std::optional<std::string_view> key = {}, CommunityNo community = kA) {
    auto c = context(community);
    return program->service->revert(c, id, {"typed in twice", dry_run}, key);
  }
  std::string refusal(PublicId id, CommunityNo community = kA) {
    auto const answer = ask(id, false, {}, community);
    return answer ? "queued" : std::string(answer.error().code());
  }
  PublicId revert(PublicId id, bool dry_run = false) {
    auto const answer = ask(id, dry_run);
    if (!answer) throw std::logic_error(answer.error().message);
    EXPECT_EQ(answer->revert_of, id.to_string());
    return *PublicId::parse(answer->id);
  }
  std::string progress(PublicId id) {
    auto const s = status(id);
    return s.status + " " + std::to_string(s.reverted_rows) + " reversed, " + std::to_string(s.conflicts) + " refused";
  }
  PublicId done(std::string text, Query query = {}) {
    auto const id = queue(std::move(text), std::move(query));
    if (!program->runner) program->start();
    ended(id);
    return id;
  }
  // Keys that name their members, in an order of their own.
  static std::string shuffled(int rows) {
    std::string out = "Key,Do\n";
    for (int i = 0; i < rows; ++i) out += "m" + std::to_string(i * 37 % rows + 1) + (i % 10 == 3 ? ",same\n" : ",ok\n");
    return out;
  }
  // The rows of a job's effects in the order of their numbers.
  std::vector<std::int64_t> effect_rows(PublicId id) {
    std::vector<std::int64_t> out;
    db().read([&](sql::Tx& tx) {
      tx.run_text("SELECT row_number FROM test_effects WHERE job_id = " + std::to_string(id.number) + " ORDER BY number", {},
                  [&](sql::Row const& r) { out.push_back(r.integer(0)); });
    });
    return out;
  }
  std::string rows(PublicId id, DetailsQuery const& query = {}) {
    auto c = context();
    auto const result = program->service->details(c, id, query);
    if (!result) return std::string(result.error().code());
    std::string out;
    for (auto const& r : result->first.rows) out += (out.empty() ? "" : " ") + std::to_string(r.row) + ":" + r.status;
    return out;
  }
};
FEALTY_ON_BOTH_ENGINES(Reversals);

TEST_P(Reversals, TakeTheRowsWithEffectsBackFromLastToFirst) {
  auto const id = done(csv({{"ok", 60}, {"bad", 3}, {"same", 20}, {"new", 30}}));
  auto const reversing = revert(id);
  EXPECT_EQ(counters(ended(reversing)), "completed 90/0/0/0 of 90, 0 not, 0 blank");
  EXPECT_EQ(progress(id), "reverted 90 reversed, 0 refused");
  auto expected = effect_rows(id);
  std::reverse(expected.begin(), expected.end());
  EXPECT_EQ(effect_rows(reversing), expected);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_P(Reversals, FollowTheOrderInWhichTheRowsWereApplied) {
  script.by_member = true;
  auto const id = done(shuffled(170));
  ASSERT_EQ(counters(status(id)), "completed 153/17/0/0 of 170, 0 not, 0 blank");
  auto expected = effect_rows(id);
  ASSERT_FALSE(std::is_sorted(expected.begin(), expected.end())) << "the job was applied in the order of the file";
  std::reverse(expected.begin(), expected.end());
  auto const reversing = revert(id);
  EXPECT_EQ(counters(ended(reversing)), "completed 153/0/0/0 of 153, 0 not, 0 blank");
  EXPECT_EQ(effect_rows(reversing), expected);
}

TEST_P(Reversals, AreToldByTheStatusAndFoundByType) {
  auto const id = done(csv({{"ok", 3}}), {{"log_name", "march"}});
  auto const before = status(id);
  EXPECT_FALSE(before.revert_of || before.reverted_by);
  auto const reversing = revert(id);
  ended(reversing);
  auto const original = status(id), reversal = status(reversing);
  EXPECT_EQ(original.reverted_by, reversing.to_string());
  EXPECT_EQ(reversal.revert_of, id.to_string());
  EXPECT_EQ(reversal.type, "revert");
  EXPECT_EQ(reversal.log_name, "march");
  EXPECT_EQ(reversal.file.name, "");
  EXPECT_EQ(reversal.file.size, 0);
  auto c = context();
  JobListQuery query;
  query.type = "revert";
  auto const found = program->service->list(c, query).value();
  ASSERT_EQ(found.items.size(), 1u);
  EXPECT_EQ(found.items[0]._id, reversing.to_string());
  query.type = std::nullopt;
  query.status = "reverted";
  EXPECT_EQ(program->service->list(c, query).value().items.size(), 1u);
  EXPECT_EQ(test::text(db(), "SELECT action FROM audit_entries WHERE target = '" + id.to_string() + "' ORDER BY audit_id DESC LIMIT 1"),
            "bulk.revert");
}

TEST_P(Reversals, AreRefusedWhereThereIsNothingToDo) {
  auto const waiting = queue(csv({{"ok", 2}}));
  EXPECT_EQ(refusal(waiting), "job_not_finished");
  program->start();
  ended(waiting);
  EXPECT_EQ(refusal(waiting, kB), "job_not_found");
  EXPECT_EQ(refusal(PublicId::of(77, test::kNow)), "job_not_found");
  EXPECT_EQ(refusal(done(csv({{"same", 2}, {"bad", 1}}))), "nothing_to_revert");
  EXPECT_EQ(refusal(done(csv({{"ok", 2}}), {{"dry_run", "true"}})), "nothing_to_revert");
  auto c = context();
  EXPECT_EQ(program->service->revert(c, waiting, {"  ", false}, {}).error().code(), "invalid_request");
  auto const expired = done(csv({{"ok", 2}}));
  test::run(db(), "UPDATE bulk_jobs SET expires_at = 1 WHERE job_id = " + std::to_string(expired.number));
  EXPECT_EQ(refusal(expired), "results_expired");
  program->stop();
  auto const reversing = revert(waiting);
  EXPECT_EQ(refusal(waiting), "already_reverting");
  EXPECT_EQ(refusal(reversing), "job_not_finished");
  program->start();
  ended(reversing);
  EXPECT_EQ(refusal(reversing), "nothing_to_revert");
  EXPECT_EQ(refusal(waiting), "nothing_to_revert") << "reversed already";
  EXPECT_EQ(effects(reversing), 2);
}

TEST_P(Reversals, WithOneIdempotencyKeyAreOne) {
  auto const id = done(csv({{"ok", 2}})), other = done(csv({{"ok", 2}}));
  auto const first = ask(id, false, "key"), again = ask(id, false, "key");
  ASSERT_TRUE(first && again);
  EXPECT_EQ(first->id, again->id);
  EXPECT_EQ(ask(other, false, "key").error().code(), "idempotency_key_reused");
  EXPECT_EQ(ask(id, false, "").error().code(), "invalid_request");
}

TEST_P(Reversals, OfADryRunLeaveTheJobAsItIs) {
  auto const id = done(csv({{"ok", 120}}));
  script.refused = {5, 7};
  auto const reversing = revert(id, true);
  EXPECT_EQ(status(id).status, "completed");
  EXPECT_EQ(counters(ended(reversing)), "completed 118/0/0/2 of 120, 0 not, 0 blank");
  EXPECT_EQ(progress(id), "completed 0 reversed, 0 refused");
  EXPECT_FALSE(status(id).reverted_by);
  EXPECT_EQ(effects(reversing), 0);
  DetailsQuery refused;
  refused.status = "failed";
  EXPECT_EQ(rows(reversing, refused), "7:failed 5:failed");
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_P(Reversals, TryRefusedRowsAgainAndNoOthers) {
  auto const id = done(csv({{"ok", 120}}));
  script.refused = {2, 60, 61, 121};
  auto const first = revert(id);
  EXPECT_EQ(counters(ended(first)), "completed 116/0/0/4 of 120, 0 not, 0 blank");
  EXPECT_EQ(progress(id), "reverted 116 reversed, 4 refused");
  script.refused = {60};
  auto const second = revert(id);
  EXPECT_EQ(counters(ended(second)), "completed 3/0/0/1 of 4, 0 not, 0 blank");
  EXPECT_THAT(effect_rows(second), ElementsAre(121, 61, 2));
  EXPECT_EQ(progress(id), "reverted 119 reversed, 1 refused");
  EXPECT_THAT(problems(), IsEmpty());
  script.refused = {};
  auto const third = revert(id);
  EXPECT_EQ(counters(ended(third)), "completed 1/0/0/0 of 1, 0 not, 0 blank");
  EXPECT_EQ(progress(id), "reverted 120 reversed, 0 refused");
  EXPECT_EQ(refusal(id), "nothing_to_revert");
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_P(Reversals, ThatAreCancelledKeepWhatTheyDidAndGoOnLater) {
  for (bool const by_member : {false, true}) {
    script.by_member = by_member;
    auto const id = done(shuffled(200));
    script.refused = {20, 30, 180, 190};
    Gate second_chunk, cancelled;
    std::atomic<int> chunks{0};
    script.on_apply = [&](JobFacts const&, std::int64_t) {
      int const chunk = ++chunks;
      // Steps back for a moment, so that the cancel finds the job's row free.
      if (chunk == 3) throw std::runtime_error("made to fail");
      if (chunk != 2) return;
      second_chunk.open();
      EXPECT_TRUE(cancelled.wait());
    };
    auto const first = revert(id);
    ASSERT_TRUE(second_chunk.wait());
    // The chunk that waits here has the writer: on SQLite the cancel comes when it is over.
    std::thread cancel([&] {
      auto c = context();
      EXPECT_TRUE(program->service->cancel(c, first));
    });
    cancelled.open();
    cancel.join();
    auto const stopped = ended(first);
    script.on_apply = nullptr;
    EXPECT_EQ(stopped.status, "cancelled");
    EXPECT_EQ(status(id).status, "completed");
    EXPECT_EQ(status(id).reverted_rows, stopped.updated);
    EXPECT_EQ(status(id).conflicts, stopped.failed);
    EXPECT_THAT(problems(), IsEmpty());
    script.refused = {30};
    auto const second = revert(id);
    ended(second);
    EXPECT_EQ(progress(id), "reverted 179 reversed, 1 refused");
    auto all = effect_rows(first), rest = effect_rows(second), expected = effect_rows(id);
    all.insert(all.end(), rest.begin(), rest.end());
    std::erase(expected, 30);
    std::sort(all.begin(), all.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(all, expected) << "each row once";
    EXPECT_THAT(problems(), IsEmpty());
  }
}

TEST_P(Reversals, ThatNeverBeganLeaveTheJobWhatItWas) {
  auto const id = done(csv({{"ok", 5}}));
  program->stop();
  auto const first = revert(id);
  EXPECT_EQ(status(id).status, "reverting");
  auto c = context();
  EXPECT_TRUE(program->service->cancel(c, first));
  EXPECT_EQ(program->service->status(c, first)->status, "cancelled");
  EXPECT_EQ(status(id).status, "completed");
  script.refused = {3};
  auto const second = revert(id);
  program->start();
  ended(second);
  auto const third = revert(id);
  EXPECT_EQ(ended(third).failed, 1);
  EXPECT_EQ(status(id).status, "reverted") << "reversed but for its conflicts";
}

TEST_P(Reversals, ThatFailGiveTheJobBack) {
  auto const id = done(csv({{"ok", 120}}));
  std::atomic<int> chunks{0};
  script.on_apply = [&](JobFacts const&, std::int64_t) {
    if (++chunks > 1) throw std::runtime_error("made to fail");
  };
  auto const first = revert(id);
  auto const failed = ended(first);
  EXPECT_EQ(failed.status, "failed");
  EXPECT_NE(failed.error->message.find("50 rows were reversed"), std::string::npos) << failed.error->message;
  EXPECT_EQ(progress(id), "completed 50 reversed, 0 refused");
  script.on_apply = nullptr;
  EXPECT_EQ(counters(ended(revert(id))), "completed 70/0/0/0 of 70, 0 not, 0 blank");
  EXPECT_EQ(progress(id), "reverted 120 reversed, 0 refused");
}

TEST_P(Reversals, SurviveTheFailureOfAnyStorageCall) {
  program->start();
  for (int n = 1; n <= 40; ++n) {
    script.looks_ahead = n % 2 == 0;
    script.by_member = n % 4 < 2;
    script.refused = {};
    auto const call = (n + 1) / 2;
    auto const id = done(shuffled(120));
    script.refused = {4, 44};
    auto const first = revert(id);
    ended(first);
    script.refused = {44};
    program->database.fail_at(call);
    auto const second = revert(id);
    EXPECT_EQ(counters(ended(second)), "completed 1/0/0/1 of 2, 0 not, 0 blank") << "call " << call;
    program->database.fail_at(0);
    script.refused = {};
    auto const again = done(shuffled(120));
    program->database.fail_at(call);
    auto const whole = revert(again);
    EXPECT_EQ(counters(ended(whole)), "completed 108/0/0/0 of 108, 0 not, 0 blank") << "call " << call;
    program->database.fail_at(0);
    EXPECT_EQ(effects(whole), 108) << "call " << call;
    EXPECT_EQ(effects(first) + effects(second), 107) << "call " << call;
  }
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_P(Reversals, AreTakenOverWhereTheyStand) {
  for (bool const dry_run : {false, true}) {
    auto const id = done(csv({{"ok", 230}}));
    program->stop();
    script.refused = {33, 111};
    auto const reversing = revert(id, dry_run);
    // A program of its own that loses its lease before every chunk but one.
    for (int round = 0; round < 4; ++round) {
      NumberSource numbers(round + 2);
      auto parts = *program->parts;
      auto const job = db().write([&](sql::Tx& tx) { return claim_job(tx, {kA, {reversing.number}, false}, round + 2, system_now()); });
      ASSERT_TRUE(job);
      JobRun stale(parts, *job, 1'000);
      end_lease(reversing);
      auto const taken = db().write([&](sql::Tx& tx) { return claim_job(tx, {kA, {reversing.number}, false}, round + 2, system_now()); });
      ASSERT_TRUE(taken);
      JobRun run(parts, *taken, 1'000);
      EXPECT_EQ(run.step(), JobRun::Step::more);
      EXPECT_EQ(stale.step(), JobRun::Step::lost);
      end_lease(reversing);
    }
    program->start();
    EXPECT_EQ(counters(ended(reversing)), "completed 228/0/0/2 of 230, 0 not, 0 blank");
    EXPECT_EQ(effects(reversing), dry_run ? 0 : 228);
    EXPECT_EQ(progress(id), dry_run ? "completed 0 reversed, 0 refused" : "reverted 228 reversed, 2 refused");
  }
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_P(Reversals, ListTheirRowsByTheNumbersOfTheOriginal) {
  for (bool const by_member : {false, true}) {
    script.by_member = by_member;
    script.refused = {};
    auto const id = done(shuffled(110));
    auto expected = effect_rows(id);
    std::reverse(expected.begin(), expected.end());
    script.refused = {10, 90};
    auto const reversing = revert(id);
    ended(reversing);
    std::vector<std::string> texts;
    for (auto const row : expected) texts.push_back(std::to_string(row) + (row == 10 || row == 90 ? ":failed" : ":updated"));
    auto page = [&](std::size_t from, std::size_t count) {
      std::string out;
      for (std::size_t i = from; i < std::min(from + count, texts.size()); ++i) out += (out.empty() ? "" : " ") + texts[i];
      return out;
    };
    DetailsQuery query;
    query.limit = 30;
    for (query.page = 1; query.page <= 5; ++query.page)
      EXPECT_EQ(rows(reversing, query), page(static_cast<std::size_t>(query.page - 1) * 30, 30)) << query.page;
    query.page = 1;
    query.after_row = expected[41];
    EXPECT_EQ(rows(reversing, query), page(42, 30));
    query.after_row = 10;
    auto const ten = static_cast<std::size_t>(std::find(expected.begin(), expected.end(), 10) - expected.begin());
    EXPECT_EQ(rows(reversing, query), page(ten + 1, 30));
    query.after_row = std::nullopt;
    query.status = "failed";
    EXPECT_EQ(rows(reversing, query), ten < static_cast<std::size_t>(std::find(expected.begin(), expected.end(), 90) - expected.begin())
                                          ? "10:failed 90:failed"
                                          : "90:failed 10:failed");
    query.status = "updated";
    query.page = 4;
    auto const last = rows(reversing, query);
    EXPECT_EQ(std::count(last.begin(), last.end(), ':'), 7);
    query = {};
    query.key = "M" + std::to_string(8 * 37 % 110 + 1);
    EXPECT_EQ(rows(reversing, query), "10:failed");
    auto c = context();
    auto const detail = program->service->details(c, reversing, query).value().first.rows.at(0);
    EXPECT_EQ(detail.key, "m" + std::to_string(8 * 37 % 110 + 1));
    EXPECT_EQ(detail.line, 10);
    EXPECT_EQ(detail.errors.at(0).code, "value_changed");
    EXPECT_EQ(detail.changes.text, "[]");
  }
}

TEST_P(Reversals, AreReadWithoutTheFileOfTheOriginal) {
  auto const id = done(csv({{"ok", 3}}));
  for (auto const& file : stored_files()) files.remove(file);
  auto const reversing = revert(id);
  EXPECT_EQ(counters(ended(reversing)), "completed 3/0/0/0 of 3, 0 not, 0 blank");
  auto c = context();
  auto const details = program->service->details(c, reversing, {}).value().first;
  ASSERT_EQ(details.rows.size(), 3u);
  EXPECT_EQ(details.rows[0].row, 4);
  EXPECT_EQ(details.rows[0].key, "person 4");
  EXPECT_EQ(details.rows[0].changes.text, "[{\"row\":4}]");
}

TEST_P(Reversals, HaveResultsToDownloadUntilTheyAreErased) {
  auto const id = done(csv({{"ok", 1'203}}));
  script.refused = {700};
  auto const reversing = revert(id);
  ended(reversing);
  auto download = [&](std::optional<std::string> statuses) -> std::string {
    auto c = context();
    api::Request request;
    request.method = api::Method::get;
    ResultsQuery query;
    query.status = std::move(statuses);
    auto const answer = program->service->results(c, request, reversing, query);
    if (!answer) return std::string(answer.error().code());
    std::string out;
    while (answer->stream->next(out).then != api::BodyStream::Then::end) {}
    return out;
  };
  std::string expected = "\xef\xbb\xbfrow,key,status,error_code,error_message\r\n";
  for (int row = 1'204; row >= 2; --row)
    expected += std::to_string(row) + ",k" + std::to_string(row - 1) +
                (row == 700 ? ",failed,value_changed,Do is not what it was.\r\n" : ",updated,,\r\n");
  EXPECT_EQ(download(std::nullopt), expected);
  EXPECT_EQ(download("failed"),
            "\xef\xbb\xbfrow,key,status,error_code,error_message\r\n700,k699,failed,value_changed,Do is not what it was.\r\n");
  auto c = context();
  ASSERT_TRUE(program->service->erase_files(c, reversing));
  EXPECT_EQ(download(std::nullopt), "results_expired");
  EXPECT_EQ(rows(reversing), "results_expired");
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM bulk_rows WHERE job_id = " + std::to_string(reversing.number)), 0);
  // What was refused can be tried again, and what was erased cannot.
  script.refused = {};
  EXPECT_EQ(counters(ended(revert(id))), "completed 1/0/0/0 of 1, 0 not, 0 blank");
  auto const erased = done(csv({{"ok", 3}}));
  ASSERT_TRUE(program->service->erase_files(c, erased));
  EXPECT_EQ(refusal(erased), "results_expired");
  EXPECT_THAT(problems(), IsEmpty());
}

}  // namespace
}  // namespace fealty::jobs
