#include "jobs/bulk_check.h"

#include <filesystem>
#include <fstream>

#include "base/number_source.h"
#include "base/text.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::jobs {
namespace {

using test::run;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Four jobs of one community, written as a runner leaves them:
//   job 100, premium currency: rows 2 and 3 updated, row 4 failed, row 5 unchanged; row 6 is blank
//   job 200, import: row 2 created with a name, row 3 created without anything more
//   job 300, a dry run: row 2 would be updated, row 3 fails
//   job 400, an update: cancelled after row 2 of three
class JobChecks : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    test::add_community(db(), 1);
    for (int number : {100, 200, 300, 400}) write_file("upload-" + std::to_string(number));
    add_job(100, "bulk_update_premium_currency", "completed", 4, {2, 1, 0, 1, 1}, 11);
    add_entry(1, 2, 11), add_entry(2, 3, 11);
    add_row(100, 4, 4);
    add_job(200, "bulk_import", "completed", 2, {0, 0, 2, 0, 0}, 12);
    add_item(3, 2, 12);
    add_row(200, 2, 3), add_row(200, 3, 3);
    add_job(300, "bulk_update", "completed", 2, {1, 0, 0, 1, 0}, 0);
    run(db(), "UPDATE bulk_jobs SET dry_run = 1 WHERE job_id = 300");
    add_row(300, 2, 1), add_row(300, 3, 4);
    add_job(400, "bulk_update", "cancelled", 3, {1, 0, 0, 0, 0}, 14);
    add_item(4, 2, 14);
  }

  struct Counts {
    int updated, unchanged, created, failed, skipped;
  };
  void add_job(int number, std::string const& type, std::string const& status, int total, Counts c, int source) {
    auto const n = std::to_string(number);
    run(db(),
        "INSERT INTO bulk_jobs (community_id, job_id, type, status, log_name, dry_run, silent, file_key, file_name, file_size, "
        "file_sha256, "
        "fingerprint, delimiter, encoding, columns, permissions, source_id, actor_type, actor_id, actor_name, total, updated, unchanged, "
        "created, failed, skipped, next_row, next_line, next_offset, created_at, started_at, updated_at) VALUES (1, " +
            n + ", '" + type + "', '" + status + "', '', 0, 1, 'upload-" + n +
            "', '', 1, CAST('' AS {blob}), CAST('' AS {blob}), ',', 'utf-8', '{}', 0, " + std::to_string(source) + ", '', '', '', " +
            std::to_string(total) + ", " + std::to_string(c.updated) + ", " + std::to_string(c.unchanged) + ", " +
            std::to_string(c.created) + ", " + std::to_string(c.failed) + ", " + std::to_string(c.skipped) + ", 2, 2, 2, 1, 1, 1)");
    if (source != 0)
      run(db(),
          "INSERT INTO change_sources (community_id, source_id, kind, external_id, actor_type, actor_id, actor_name, created_at) VALUES "
          "(1, " +
              std::to_string(source) + ", 'bulk', '" + n + "', '', '', '', 1)");
  }
  void add_entry(int entry, int row, int source, int currency = 3) {
    run(db(),
        "INSERT INTO ledger_entries (community_id, entry_id, member_id, currency_id, class, operator, amount, balance_after, previous_id, "
        "source_id, source_row) VALUES (1, " +
            std::to_string(entry) + ", " + std::to_string(row) + ", " + std::to_string(currency) + ", 1, 0, 5, 5, 0, " +
            std::to_string(source) + ", " + std::to_string(row) + ")");
  }
  void add_item(int item, int row, int source) {
    run(db(),
        "INSERT INTO field_history (community_id, history_id, member_id, field_id, operator, previous_id, source_id, source_row) VALUES "
        "(1, " +
            std::to_string(item) + ", 1, 1, 2, 0, " + std::to_string(source) + ", " + std::to_string(row) + ")");
  }
  void add_row(int job, int row, int status) {
    run(db(), "INSERT INTO bulk_rows (community_id, job_id, row_number, status, member_id, errors, changes) VALUES (1, " +
                  std::to_string(job) + ", " + std::to_string(row) + ", " + std::to_string(status) + ", 0, '[]', '[]')");
  }
  void write_file(std::string const& key, bool idle = true) {
    auto const path = folder_.file(key);
    std::ofstream(path) << "x";
    if (idle) std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  }
  // A node that lives.
  void add_node() { run(db(), "INSERT INTO nodes (node_id, holder, lease_until) VALUES (5, 'x', {now_ms} + 60000)"); }
  std::vector<std::string> problems() { return check_jobs(db(), files_, {.second_look_ms = 0}); }
  static std::string name(std::int64_t job) { return "Bulk job " + PublicId::of(job, NumberSource::time_of(job)).to_string(); }

  test::TemporaryFolder folder_;
  FileStore files_{folder_.path()};
};
FEALTY_ON_BOTH_ENGINES(JobChecks);

TEST_P(JobChecks, FindNothingWhereAllIsWell) {
  EXPECT_THAT(problems(), IsEmpty());
  add_node();
  EXPECT_THAT(problems(), IsEmpty());
}

// Each case names the job that it concerns, and the text that must stand in its only finding.
struct Damage {
  char const* what;
  char const* statements;
  std::int64_t job;
  char const* finding;
};
Damage const kDamages[] = {
    {"an entry of an updated row is gone", "DELETE FROM ledger_entries WHERE entry_id = 1", 100,
     "counts 2 updated rows, and 1 have effects in ledger and histories: effects were lost."},
    {"all effects of a job are gone", "DELETE FROM field_history WHERE history_id = 4", 400, "counts 1 updated row, and 0 have effects"},
    {"an unchanged row has an entry",
     "INSERT INTO ledger_entries SELECT community_id, 9, member_id, currency_id, class, operator, amount, balance_after, previous_id, "
     "source_id, "
     "5 FROM ledger_entries WHERE entry_id = 1",
     100, "counts 2 updated rows, and 3 have effects in ledger and histories: rows took effect without being counted."},
    {"a failed row has an effect",
     "UPDATE bulk_jobs SET updated = 1, failed = 2 WHERE job_id = 100; INSERT INTO bulk_rows (community_id, job_id, row_number, status, "
     "member_id, errors, changes) SELECT community_id, job_id, 3, "
     "status, member_id, errors, changes FROM bulk_rows WHERE job_id = 100",
     100, "has effects of 1 row that it reports as failed, the first of them row 3."},
    {"a row behind the cursor has an effect", "UPDATE field_history SET source_row = 3 WHERE history_id = 4", 400,
     "has an effect of row 3, which it has not reached; it stands at row 2."},
    {"the header has an effect", "UPDATE field_history SET source_row = 1 WHERE history_id = 4", 400, "has an effect of row 1"},
    {"an imported person's effects are more than the rows", "UPDATE bulk_jobs SET created = 1, unchanged = 1 WHERE job_id = 200", 200,
     "has counters that do not fit its rows: it counts 1 created, 0 failed and keeps 2 created, 0 failed."},
    {"a dry run counts what it does not keep", "UPDATE bulk_jobs SET updated = 0, unchanged = 1 WHERE job_id = 300", 300,
     "it counts 0 created, 1 failed, 0 updated, 1 unchanged and keeps 0 created, 1 failed, 1 updated, 0 unchanged."},
    {"a completed job has rows without outcome", "UPDATE bulk_jobs SET total = 5 WHERE job_id = 100", 100,
     "is completed with 4 outcomes of 5 rows"},
    {"a job has more outcomes than rows", "UPDATE bulk_jobs SET total = 0 WHERE job_id = 400", 400,
     "is cancelled with 1 outcome of 0 rows"},
    {"chunks overlap",
     "INSERT INTO bulk_chunks (community_id, job_id, first_ordinal, row_count, first_number, last_number, per_row) VALUES "
     "(1, 100, 0, 3, 1, 1, 1), (1, 100, 2, 2, 2, 2, 1)",
     100, "has chunks that overlap: the one that begins with its applied row number 0 reaches into the next."},
    {"a finished job's file is gone", "UPDATE bulk_jobs SET file_key = 'upload-lost' WHERE job_id = 400", 400,
     "has lost its file before its results expired"},
};

TEST_P(JobChecks, FindEveryDamage) {
  for (auto const& damage : kDamages) {
    for (auto const statement : split(damage.statements, ';')) run(db(), std::string(statement));
    auto found = problems();
    // The file that nobody names any more is a finding of its own.
    std::erase_if(found, [](std::string const& f) { return f.starts_with("The file uploads/upload-400"); });
    ASSERT_EQ(found.size(), 1u) << damage.what << ": " << testing::PrintToString(found);
    EXPECT_THAT(found[0], HasSubstr(name(damage.job))) << damage.what;
    EXPECT_THAT(found[0], HasSubstr(damage.finding)) << damage.what;
    TearDown();
    SetUp();
  }
}

TEST_P(JobChecks, FindARowThatWasAppliedTwice) {
  add_entry(5, 2, 11);
  add_item(6, 2, 14);
  EXPECT_THAT(problems(),
              ElementsAre(HasSubstr(name(100) + " of community number 1 has 2 entries of its row 2 in currency 3: the row was applied "
                                                "more than once."),
                          HasSubstr(name(400) + " of community number 1 has 2 history items of its row 2 in field 1")));
  // Two currencies in one row are no such thing.
  run(db(), "DELETE FROM ledger_entries WHERE entry_id = 5");
  run(db(), "DELETE FROM field_history WHERE history_id = 6");
  add_entry(5, 2, 11, 1);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_P(JobChecks, KnowThatAJobInTheOrderOfItsMembersMayBeAnywhereInItsFile) {
  run(db(), "UPDATE bulk_jobs SET work_runs = 1 WHERE job_id = 400");
  run(db(), "UPDATE field_history SET source_row = 4 WHERE history_id = 4");
  EXPECT_THAT(problems(), IsEmpty());
  run(db(), "UPDATE field_history SET source_row = 5 WHERE history_id = 4");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("has an effect of row 5, which it has not reached; it stands at row 4.")));
}

TEST_P(JobChecks, FindWhatADryRunDid) {
  add_entry(7, 2, 0);
  EXPECT_THAT(problems(),
              ElementsAre(HasSubstr("1 effect of rows (the first of row 2) in community number 1 name the source 0, which is not there.")));
  run(db(), "UPDATE ledger_entries SET source_id = 13 WHERE entry_id = 7");
  run(db(), "UPDATE bulk_jobs SET source_id = 13 WHERE job_id = 300");
  EXPECT_THAT(problems(), testing::Contains(HasSubstr("source 13, which is not there")));
  EXPECT_THAT(problems(), testing::Contains(HasSubstr(name(300))));
}

TEST_P(JobChecks, BelieveAnExpiredJobWithoutItsRowsAndItsFile) {
  run(db(), "DELETE FROM bulk_rows");
  run(db(), "UPDATE bulk_jobs SET expires_at = {now_ms}");
  for (int number : {100, 200, 300, 400}) files_.remove("upload-" + std::to_string(number));
  EXPECT_THAT(problems(), IsEmpty());
  // What can still be known is.
  run(db(), "DELETE FROM ledger_entries WHERE entry_id = 1");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr(name(100))));
}

TEST_P(JobChecks, FindFilesWithoutJobsOnceNobodyWritesToThem) {
  write_file("upload-young", false);
  write_file("upload-young.part", false);
  write_file("somebody's notes");
  EXPECT_THAT(problems(), IsEmpty());
  write_file("upload-old");
  write_file("upload-old.part");
  EXPECT_THAT(problems(), testing::UnorderedElementsAre(HasSubstr("The file uploads/upload-old belongs to no job"),
                                                        HasSubstr("The file uploads/upload-old.part belongs to no job")));
}

TEST_P(JobChecks, FindAnUnfinishedJobWithoutItsFile) {
  run(db(), "UPDATE bulk_jobs SET status = 'queued', started_at = NULL, updated_at = {now_ms} WHERE job_id = 400");
  EXPECT_THAT(problems(), IsEmpty());
  files_.remove("upload-400");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr(name(400) + " of community number 1 is not finished and its file is gone")));
}

TEST_P(JobChecks, FindAJobThatNobodyTakesThoughNodesLive) {
  run(db(), "UPDATE bulk_jobs SET status = 'queued', started_at = NULL WHERE job_id = 400");
  EXPECT_THAT(problems(), IsEmpty()) << "no node lives";
  add_node();
  auto const stuck = HasSubstr(name(400) + " of community number 1 is queued, it is the first of its queue, and no node has taken it");
  EXPECT_THAT(problems(), ElementsAre(stuck));
  EXPECT_THAT(check_jobs(db(), files_, {.second_look_ms = 0, .servers_run = false}), IsEmpty()) << "of a killed server the number is left";
  struct Case {
    char const* what;
    char const* statement;
  };
  Case const cases[] = {
      {"it was uploaded a moment ago", "UPDATE bulk_jobs SET updated_at = {now_ms} - 30000 WHERE job_id = 400"},
      {"somebody has it", "UPDATE bulk_jobs SET lease_until = {now_ms} + 5000 WHERE job_id = 400"},
      {"somebody lost it a moment ago", "UPDATE bulk_jobs SET lease_until = {now_ms} - 30000 WHERE job_id = 400"},
      {"the job before it has just ended", "UPDATE bulk_jobs SET finished_at = {now_ms} - 30000 WHERE job_id = 100"},
  };
  for (auto const& c : cases) {
    run(db(), c.statement);
    EXPECT_THAT(problems(), IsEmpty()) << c.what;
    run(db(), "UPDATE bulk_jobs SET updated_at = 1, lease_until = 0, finished_at = NULL");
    EXPECT_THAT(problems(), ElementsAre(stuck)) << c.what;
  }
}

TEST_P(JobChecks, FindAJobThatIsHeldAndDoesNotMove) {
  add_node();
  run(db(),
      "UPDATE bulk_jobs SET status = 'processing', lease_node = 5, lease_until = {now_ms} + 60000, updated_at = {now_ms} - 800000 "
      "WHERE job_id = 400");
  EXPECT_THAT(problems(), IsEmpty());
  run(db(), "UPDATE bulk_jobs SET updated_at = {now_ms} - 1000000 WHERE job_id = 400");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("though node 5 holds it")));
}

TEST_P(JobChecks, FindAJobThatALaterOneOvertook) {
  run(db(), "UPDATE bulk_jobs SET status = 'processing', lease_until = {now_ms} + 60000, updated_at = {now_ms} WHERE job_id = 100");
  run(db(), "UPDATE bulk_jobs SET started_at = NULL WHERE job_id <> 100");
  EXPECT_THAT(problems(), IsEmpty()) << "cancelled in their queue";
  run(db(), "UPDATE bulk_jobs SET started_at = 5 WHERE job_id >= 300");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr(name(100) + " of community number 1 is open though the later job " + name(300).substr(9) +
                                                " has begun")));
}

}  // namespace
}  // namespace fealty::jobs
