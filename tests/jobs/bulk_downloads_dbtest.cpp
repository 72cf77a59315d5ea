// The uploaded file given back, erased early, and removed after its time.
#include "bulk_machine.h"
#include "jobs/bulk_check.h"
#include "jobs/clean_up.h"

namespace fealty::jobs {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr TimeMs kDayMs = 86'400'000;

std::string header(api::Response const& response, std::string_view name) {
  for (auto const& h : response.headers)
    if (h.name == name) return h.value;
  return "";
}
std::string body(api::Response const& response) {
  std::string out;
  while (response.stream->next(out).then != api::BodyStream::Then::end) {}
  return out;
}

class Downloads : public MachineTest {
 protected:
  Result<api::Response> source(PublicId id, std::vector<api::Header> headers = {}, CommunityNo community = kA) {
    api::Request request;
    request.headers = std::move(headers);
    auto c = context(community);
    return program->service->source(c, request, id);
  }
  Result<JobStatus> erase(PublicId id, CommunityNo community = kA) {
    auto c = context(community);
    return program->service->erase_files(c, id);
  }
  std::string details_code(PublicId id) {
    auto c = context();
    auto const result = program->service->details(c, id, {});
    return result ? "" : std::string(result.error().code());
  }
  std::int64_t count(std::string const& table, PublicId id) {
    return test::number(db(), "SELECT count(*) FROM " + table + " WHERE job_id = " + std::to_string(id.number));
  }
  // A job that has ended, with kept rows and chunks.
  PublicId finished(int failed = 70) {
    program->start();
    auto const id = queue(csv({{"ok", 60}, {"bad", failed}, {"new", 3}}));
    EXPECT_EQ(ended(id).status, "completed");
    program->stop();
    EXPECT_GT(count("bulk_rows", id), failed);
    EXPECT_GT(count("bulk_chunks", id), 1);
    return id;
  }
  void make_side_files() {
    for (auto const& name : stored_files()) std::ofstream(folder.file(name + ".rows")) << "rows";
  }
  BulkParts parts_at(std::function<TimeMs()> clock, sql::Database* other = nullptr) {
    return BulkParts{other ? *other : db(), files, program->numbers, limits, program->kinds, std::move(clock)};
  }
  static TimeMs in_days(int days) { return system_now() + days * kDayMs; }
  void expect_erased(PublicId id) {
    EXPECT_EQ(count("bulk_rows", id), 0);
    EXPECT_EQ(count("bulk_chunks", id), 0);
    EXPECT_EQ(count("bulk_conflicts", id), 0);
    EXPECT_EQ(test::text(db(), "SELECT file_key FROM bulk_jobs WHERE job_id = " + std::to_string(id.number)), "");
    EXPECT_EQ(source(id).error().code(), "results_expired");
    EXPECT_EQ(details_code(id), "results_expired");
    EXPECT_THAT(problems(), IsEmpty());
  }
};
FEALTY_ON_BOTH_ENGINES(Downloads);

TEST_P(Downloads, GiveTheUploadedBytes) {
  std::string const file = "\xef\xbb\xbfKey;Do\r\n\"a\r\nb\";ok\n\n;same";
  auto const id = queue(file);
  auto const whole = source(id);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->status, 200);
  EXPECT_EQ(whole->content_type, "text/csv; charset=utf-8");
  EXPECT_EQ(whole->stream->length(), static_cast<std::int64_t>(file.size()));
  EXPECT_THAT(header(*whole, "Content-Disposition"), HasSubstr("attachment; filename=\"" + id.to_string() + ".csv\""));
  EXPECT_EQ(header(*whole, "ETag"), "\"" + status(id).file.sha256 + "\"");
  EXPECT_EQ(body(*whole), file);
  auto const part = source(id, {{"range", "bytes=3-5"}});
  EXPECT_EQ(part->status, 206);
  EXPECT_EQ(body(*part), "Key");
  EXPECT_EQ(header(*source(id, {{"accept-encoding", "gzip"}}), "Content-Encoding"), "gzip");
}

TEST_P(Downloads, GiveTheFormNameAndTheEncodingOfTheFile) {
  auto const id = queue(csv({{"ok", 1}}));
  test::run(db(), "UPDATE bulk_jobs SET file_name = 'März.csv', encoding = 'utf-16le'");
  auto const response = source(id);
  EXPECT_EQ(header(*response, "Content-Disposition"), "attachment; filename=\"M_rz.csv\"; filename*=UTF-8''M%C3%A4rz.csv");
  EXPECT_EQ(response->content_type, "text/csv; charset=utf-16");
}

TEST_P(Downloads, GoOnWhenTheFileIsErasedMeanwhile) {
  auto const id = finished(3'000);
  auto const response = source(id);
  std::string const whole = csv({{"ok", 60}, {"bad", 3'000}, {"new", 3}});
  ASSERT_TRUE(erase(id));
  EXPECT_THAT(stored_files(), IsEmpty());
  EXPECT_EQ(body(*response), whole);
}

TEST_P(Downloads, AreThereForTheirCommunityAndTheirTimeAlone) {
  auto const id = finished();
  EXPECT_EQ(source(id, {}, kB).error().code(), "job_not_found");
  EXPECT_EQ(erase(id, kB).error().code(), "job_not_found");
  EXPECT_EQ(source({id.seconds, id.number + 1}).error().code(), "job_not_found");
  EXPECT_EQ(source({id.seconds + 1, id.number}).error().code(), "job_not_found");
  EXPECT_TRUE(source(id));
  test::run(db(), "UPDATE bulk_jobs SET expires_at = " + std::to_string(system_now() - 1));
  EXPECT_EQ(source(id).error().code(), "results_expired");
  test::run(db(), "UPDATE bulk_jobs SET expires_at = " + std::to_string(in_days(1)));
  for (auto const& name : stored_files()) files.remove(name);
  EXPECT_EQ(source(id).error().code(), "results_expired");
}

TEST_P(Downloads, AreErasedAtOnceAndTheSummaryStays) {
  auto const id = finished(4'500);  // more than one transaction's rows
  make_side_files();
  for (int ordinal : {0, 3, 4})
    test::run(db(), "INSERT INTO bulk_conflicts (community_id, job_id, ordinal, row_number) VALUES (1, " + std::to_string(id.number) +
                        ", " + std::to_string(ordinal) + ", 9)");
  auto const other = finished();
  auto const before = status(id);
  auto const applied = effects(id);
  auto const erased = erase(id);
  ASSERT_TRUE(erased);
  EXPECT_LE(*parse_iso(*erased->expiresAt), system_now());
  expect_erased(id);
  EXPECT_EQ(counters(status(id)), counters(before));
  EXPECT_EQ(effects(id), applied);
  EXPECT_EQ(stored_files().size(), 1u) << "that of the other job";
  EXPECT_EQ(details_code(other), "");
  EXPECT_TRUE(source(other));
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'bulk.erase' AND target = '" + id.to_string() +
                                   "' AND actor_id = 'fk_1' AND remote_address = '192.0.2.1'"),
            1);
  auto const again = erase(id);
  ASSERT_TRUE(again) << "repeating it is fine";
  EXPECT_EQ(again->expiresAt, erased->expiresAt);
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'bulk.erase'"), 1);
}

TEST_P(Downloads, AreNotErasedBeforeTheJobHasEnded) {
  auto const id = queue(csv({{"ok", 5}}));
  EXPECT_EQ(erase(id).error().code(), "job_not_finished");
  for (auto const* open : {"processing", "reverting"}) {
    test::run(db(), "UPDATE bulk_jobs SET status = '" + std::string(open) + "'");
    EXPECT_EQ(erase(id).error().code(), "job_not_finished") << open;
  }
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'bulk.erase'"), 0);
  EXPECT_EQ(stored_files().size(), 1u);
  test::run(db(), "UPDATE bulk_jobs SET status = 'queued'");
  program->start();
  EXPECT_EQ(ended(id).status, "completed");
}

TEST_P(Downloads, AreErasedToTheEndByTheNextCallWhateverBrokeOff) {
  sql::FailingDatabase failing(db());
  BulkService service(parts_at([] { return system_now(); }, &failing), [] {});
  for (int n = 1;; ++n) {
    auto const id = finished();
    auto c = context();
    failing.fail_at(n);
    bool good = false;
    try {
      good = service.erase_files(c, id).has_value();
    } catch (sql::StorageError const&) {}
    auto const calls = failing.calls();
    failing.fail_at(0);
    EXPECT_EQ(good, calls < n) << "call " << n;
    ASSERT_TRUE(erase(id)) << "call " << n;
    expect_erased(id);
    if (calls < n) break;
    ASSERT_LT(n, 100);
  }
}

TEST_P(Downloads, AreRemovedAfterTheirTimeAndNoOthers) {
  auto const old = finished(), young = finished(), reverting = finished();
  auto const open = queue(csv({{"ok", 5}}));
  make_side_files();
  auto set = [&](PublicId id, std::string const& what) {
    test::run(db(), "UPDATE bulk_jobs SET " + what + " WHERE job_id = " + std::to_string(id.number));
  };
  set(old, "expires_at = " + std::to_string(system_now() - 1));
  set(reverting,
      "status = 'reverting', reverted_by = " + std::to_string(open.number) + ", expires_at = " + std::to_string(system_now() - 1));
  auto const applied = effects(old);
  CleanUp clean_up(parts_at([] { return system_now(); }));
  EXPECT_TRUE(clean_up.remove_expired());
  expect_erased(old);
  EXPECT_EQ(status(old).processed, 133);
  EXPECT_EQ(effects(old), applied);
  EXPECT_EQ(stored_files().size(), 6u) << "files and side files of three jobs";
  EXPECT_EQ(details_code(young), "");
  EXPECT_TRUE(source(open));
  EXPECT_GT(count("bulk_rows", reverting), 0) << "a revert still reads them";
  EXPECT_TRUE(clean_up.remove_expired());
}

TEST_P(Downloads, AreKeptForTheDaysOfTheirCommunity) {
  test::run(db(), "UPDATE communities SET file_retention_days = 7 WHERE community_id = 1");
  auto const id = finished();
  auto const left = *parse_iso(*status(id).expiresAt) - system_now();
  EXPECT_GT(left, 7 * kDayMs - 60'000);
  EXPECT_LE(left, 7 * kDayMs);
  EXPECT_TRUE(CleanUp(parts_at([] { return in_days(6); })).remove_expired());
  EXPECT_EQ(details_code(id), "");
  EXPECT_TRUE(CleanUp(parts_at([] { return in_days(8); })).remove_expired());
  EXPECT_EQ(count("bulk_rows", id), 0);
}

TEST_P(Downloads, AreRemovedInSmallStepsThatAnotherNodeGoesOnWith) {
  auto const id = finished(4'500);
  auto const rows = count("bulk_rows", id);
  CleanUp stopped(parts_at([] { return in_days(31); }));
  stopped.stop();
  EXPECT_FALSE(stopped.remove_expired());
  auto const left = count("bulk_rows", id);
  EXPECT_EQ(left, rows - 2'000) << "one transaction's rows";
  std::vector<std::thread> nodes;
  std::atomic<int> ended = 0;
  for (int n = 0; n < 3; ++n)
    nodes.emplace_back([&] {
      CleanUp node(parts_at([] { return in_days(31); }));
      ended += node.remove_expired();
    });
  for (auto& node : nodes) node.join();
  EXPECT_EQ(ended, 3);
  EXPECT_EQ(count("bulk_rows", id), 0);
  EXPECT_EQ(count("bulk_chunks", id), 0);
  EXPECT_THAT(stored_files(), IsEmpty());
}

TEST_P(Downloads, AreRemovedFromTheOthersWhenOneCannotBe) {
  auto const stuck = finished(), next = finished();
  auto const key = test::text(db(), "SELECT file_key FROM bulk_jobs WHERE job_id = " + std::to_string(stuck.number));
  // A folder in the place of the file cannot be unlinked.
  std::filesystem::remove(folder.file(key));
  std::filesystem::create_directory(folder.file(key));
  test::run(db(), "UPDATE bulk_jobs SET expires_at = 5 WHERE job_id = " + std::to_string(stuck.number));
  CleanUp clean_up(parts_at([] { return in_days(31); }));
  EXPECT_TRUE(clean_up.remove_expired());
  EXPECT_EQ(count("bulk_rows", next), 0);
  EXPECT_NE(test::text(db(), "SELECT file_key FROM bulk_jobs WHERE job_id = " + std::to_string(stuck.number)), "");
  std::filesystem::remove(folder.file(key));
  EXPECT_TRUE(clean_up.remove_expired());
  EXPECT_EQ(count("bulk_rows", stuck), 0);
}

TEST_P(Downloads, LeaveTheirSummaryForAYear) {
  auto const erased = finished(), kept = finished();
  auto const open = queue(csv({{"ok", 5}}));
  ASSERT_TRUE(erase(erased));
  auto const applied = effects(erased);
  EXPECT_TRUE(CleanUp(parts_at([] { return in_days(364); })).remove_old_summaries());
  EXPECT_EQ(status(erased).status, "completed");
  CleanUp later(parts_at([] { return in_days(366); }));
  EXPECT_TRUE(later.remove_old_summaries());
  auto c = context();
  EXPECT_EQ(program->service->status(c, erased).error().code(), "job_not_found");
  EXPECT_EQ(effects(erased), applied);
  EXPECT_EQ(status(kept).status, "completed") << "its files go first";
  EXPECT_EQ(status(open).status, "queued");
  EXPECT_TRUE(later.remove_expired());
  EXPECT_TRUE(later.remove_old_summaries());
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM bulk_jobs"), 1);
}

TEST_P(Downloads, AreRemovedByAThreadThatStartsAndStops) {
  auto const id = finished();
  std::ofstream(folder.file("upload-lost")) << "x";
  std::filesystem::last_write_time(folder.file("upload-lost"), std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  CleanUp clean_up(parts_at([] { return in_days(400); }));
  clean_up.start();
  EXPECT_TRUE(eventually([&] { return test::number(db(), "SELECT count(*) FROM bulk_jobs") == 0 && stored_files().empty(); }));
  EXPECT_EQ(count("bulk_rows", id), 0);
  clean_up.stop();
}

}  // namespace
}  // namespace fealty::jobs
