// Jobs of schema 1, whose chunks were kept by rows of the file, after the upgrade.
#include "jobs/bulk_store.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::jobs {
namespace {

class Upgrade : public test::DatabaseTest {
 protected:
  static constexpr CommunityNo kHere{1};
  Upgrade() : DatabaseTest(test::TestDatabase::Schema::empty) {}

  void SetUp() override {
    DatabaseTest::SetUp();
    sql::migrate(db(), sql::migrations().first(1));
  }
  void add_job(std::int64_t number, std::string const& status, int updated, int failed, std::string const& next) {
    test::run(db(),
              "INSERT INTO bulk_jobs (community_id, job_id, type, status, log_name, dry_run, silent, file_key, file_name, file_size, "
              "file_sha256, fingerprint, delimiter, encoding, columns, permissions, source_id, actor_type, actor_id, actor_name, total, "
              "updated, failed, next_row, next_line, next_offset, created_at, updated_at) VALUES (1, " +
                  std::to_string(number) + ", 'bulk_update', '" + status + "', '', 0, 1, 'upload-a', 'a.csv', 90, " +
                  (engine() == sql::Engine::sqlite ? "x'00', x'00'" : "'\\x00', '\\x00'") +
                  ", ',', 'utf-8', '{\"columns\":[]}', 0, 7, 'community_key', 'fk', 'crm', 7, " + std::to_string(updated) + ", " +
                  std::to_string(failed) + ", " + next + ", 1, 1)");
  }
  void add_chunk(std::int64_t job, std::string const& values) {
    test::run(db(),
              "INSERT INTO bulk_chunks (community_id, job_id, first_row, last_row, line, file_offset, rows_before, first_number, "
              "last_number) VALUES (1, " +
                  std::to_string(job) + ", " + values + ")");
  }
  Job job(std::int64_t number) {
    return db().read([&](sql::Tx& tx) { return find_job(tx, kHere, {number}); }).value();
  }
  std::vector<Chunk> chunks(std::int64_t number) {
    return db().read([&](sql::Tx& tx) { return list_chunks(tx, kHere, {number}); });
  }
};
FEALTY_ON_BOTH_ENGINES(Upgrade);

TEST_P(Upgrade, ChunksAreFoundByTheOrderOfTheirRows) {
  add_job(10, "completed", 6, 1, "11, 11, 90");
  add_chunk(10, "2, 5, 2, 20, 0, 100, 110");   // row 4 is blank: 3 rows
  add_chunk(10, "6, 10, 6, 50, 3, 120, 125");  // row 8 is blank: 4 rows
  sql::migrate(db());

  auto const all = chunks(10);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(std::tuple(all[0].first_ordinal, all[0].rows), std::tuple(0, 3));
  EXPECT_EQ(std::tuple(all[1].first_ordinal, all[1].rows), std::tuple(3, 4));
  // Where in its chunk's numbers a row has its own was not fixed then.
  auto const numbers = all[1].numbers_of(7, 4);
  EXPECT_EQ(std::tuple(numbers.row, numbers.first, numbers.last), std::tuple(7, 120, 125));
  auto const first = job(10).first;
  EXPECT_EQ(std::tuple(first.row, first.line, first.offset), std::tuple(2, 2, 20));
  EXPECT_EQ(job(10).work_runs, 0);
  EXPECT_FALSE(job(10).revert_below.has_value());
}

TEST_P(Upgrade, AJobThatHadNotBegunBeginsWhereItWouldHave) {
  add_job(11, "queued", 0, 0, "2, 3, 24");
  sql::migrate(db());
  EXPECT_EQ(job(11).first, (api::CsvPosition{24, 2, 3}));
  EXPECT_EQ(job(11).next, job(11).first);
}

TEST_P(Upgrade, AJobInTheMiddleGoesOnInTheOrderOfItsFile) {
  add_job(12, "processing", 3, 0, "6, 6, 50");
  add_chunk(12, "2, 5, 2, 20, 0, 100, 110");
  sql::migrate(db());
  EXPECT_EQ(job(12).next, (api::CsvPosition{50, 6, 6}));
  EXPECT_EQ(job(12).first, (api::CsvPosition{20, 2, 2}));
  EXPECT_EQ(chunks(12).front().rows, 3) << "the counters say how far it is";
}

}  // namespace
}  // namespace fealty::jobs
