#include "bulk_machine.h"
#include "jobs/job_log_store.h"

namespace fealty::jobs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Details : public MachineTest {
 protected:
  Result<std::pair<JobDetails, api::Page>> ask(PublicId id, DetailsQuery const& query = {}, CommunityNo community = kA) {
    auto c = context(community);
    return program->service->details(c, id, query);
  }
  // "2:updated 3:failed …"
  std::string rows(PublicId id, DetailsQuery const& query = {}) {
    auto const result = ask(id, query);
    if (!result) return std::string(result.error().code());
    std::string out;
    for (auto const& r : result->first.rows) out += (out.empty() ? "" : " ") + std::to_string(r.row) + ":" + r.status;
    return out;
  }
  static DetailsQuery with(std::optional<std::string> status, std::int64_t limit = 50, std::int64_t page = 1,
                           std::optional<std::int64_t> after = {}) {
    DetailsQuery q;
    q.status = std::move(status);
    q.limit = limit;
    q.page = page;
    q.after_row = after;
    return q;
  }
  static DetailsQuery key(std::string k) {
    DetailsQuery q;
    q.key = std::move(k);
    return q;
  }
};
FEALTY_ON_BOTH_ENGINES(Details);

TEST_P(Details, ShowEveryRowWithItsPlaceKeyErrorsAndChanges) {
  auto const id = queue("Key,Do\r\na,ok\r\n\r\n\"b\nb\",same\r\nc,bad\r\nd,new\r\ne\r\n");
  EXPECT_EQ(rows(id), "") << "rows that the job has not reached are absent";
  program->start();
  EXPECT_EQ(counters(ended(id)), "completed 1/1/1/2 of 5, 0 not, 1 blank");
  auto const [job, page] = *ask(id);
  EXPECT_EQ(job.total, 5);
  EXPECT_EQ(job.success, 3);
  EXPECT_EQ(page.total, 5);
  EXPECT_FALSE(page.has_next);
  ASSERT_EQ(job.rows.size(), 5u);
  struct Case {
    std::int64_t row, line;
    char const* key;
    char const* status;
    char const* changes;
    char const* error;
  };
  Case const expected[] = {{2, 2, "a", "updated", "[{\"row\":2}]", ""},
                           {4, 4, "b\nb", "unchanged", "[]", ""},
                           {5, 6, "c", "failed", "[]", "Do/bad: This is \"bad\"."},
                           {6, 7, "d", "created", "[{\"row\":6}]", ""},
                           {7, 8, "", "failed", "[]", "Do/column_count: This is \"bad\"."}};
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    auto const& r = job.rows[i];
    EXPECT_EQ(r.row, expected[i].row);
    EXPECT_EQ(r.line, expected[i].line);
    EXPECT_EQ(r.key, expected[i].key);
    EXPECT_EQ(r.status, expected[i].status);
    EXPECT_EQ(r.changes.text, expected[i].changes);
    EXPECT_EQ(r.errors.empty() ? "" : r.errors[0].column + "/" + r.errors[0].code + ": " + r.errors[0].message, expected[i].error);
  }
  EXPECT_EQ(ask(id, {}, kB).error().code(), "job_not_found");
}

TEST_P(Details, EveryPageAndFilterGivesItsRows) {
  program->start();
  auto const id = queue(csv({{"ok", 95}, {"bad", 4}, {"new", 3}, {"same", 60}, {"bad", 1}, {"ok", 2}}) + ",\nlast,new\n");
  ended(id);
  struct Case {
    DetailsQuery query;
    char const* rows;
    std::int64_t total;
    bool has_next;
  };
  Case const cases[] = {
      {with({}, 2), "2:updated 3:updated", 166, true},
      {with({}, 3, 33), "98:failed 99:failed 100:failed", 166, true},
      {with({}, 3, 55), "164:failed 165:updated 166:updated", 166, true},
      {with({}, 3, 56), "168:created", 166, false},
      {with({}, 3, 57), "", 166, false},
      {with({}, 3, 1, 96), "97:failed 98:failed 99:failed", 166, true},
      {with({}, 3, 1, 166), "168:created", 166, false},
      {with({}, 3, 1, 168), "", 166, false},
      {with("failed"), "97:failed 98:failed 99:failed 100:failed 164:failed", 5, false},
      {with("failed", 2, 2), "99:failed 100:failed", 5, true},
      {with("failed", 2, 3), "164:failed", 5, false},
      {with("failed", 50, 1, 99), "100:failed 164:failed", 5, false},
      {with("created"), "101:created 102:created 103:created 168:created", 4, false},
      {with("created,failed", 3, 2), "100:failed 101:created 102:created", 9, true},
      {with("updated", 2, 48), "96:updated 165:updated", 97, true},
      {with("updated", 2, 1, 165), "166:updated", 97, false},
      {with("unchanged", 2, 30), "162:unchanged 163:unchanged", 60, false},
      {with(" success , failed", 2), "2:updated 3:updated", 166, true},
      {with("success", 3, 54), "166:updated 168:created", 161, false},
      {with("success", 3, 55), "", 161, false},
      {with("success", 3, 32), "95:updated 96:updated 101:created", 161, true},
      {with("not_processed"), "", 0, false},
      {key("K97"), "98:failed", 1, false},
      {key(" last "), "168:created", 1, false},
      {key("k"), "", 0, false},
  };
  for (auto const& c : cases) {
    auto const what = c.query.status.value_or("") + c.query.key.value_or("") + " page " + std::to_string(c.query.page) + " after " +
                      std::to_string(c.query.after_row.value_or(-1));
    EXPECT_EQ(rows(id, c.query), c.rows) << what;
    auto const result = ask(id, c.query);
    ASSERT_TRUE(result) << what;
    EXPECT_EQ(result->second.total, c.total) << what;
    EXPECT_EQ(result->second.has_next, c.has_next) << what;
  }
  // All pages together are all rows, however long a page is.
  for (std::int64_t const limit : {1, 7, 50, 100, 500}) {
    std::vector<std::int64_t> by_page, by_cursor;
    for (std::int64_t page = 1;; ++page) {
      auto const part = ask(id, with({}, limit, page))->first.rows;
      if (part.empty()) break;
      for (auto const& r : part) by_page.push_back(r.row);
    }
    for (std::int64_t after = 0;;) {
      auto const part = ask(id, with({}, limit, 1, after))->first.rows;
      if (part.empty()) break;
      for (auto const& r : part) by_cursor.push_back(r.row);
      after = part.back().row;
    }
    EXPECT_EQ(by_page.size(), 166u) << limit;
    EXPECT_TRUE(std::is_sorted(by_page.begin(), by_page.end()));
    EXPECT_EQ(by_page, by_cursor) << limit;
  }
}

TEST_P(Details, RowsBehindAStopAreNotProcessed) {
  program->start();
  auto const id = queue(csv({{"ok", 70}, {"bad", 1}, {"ok", 60}}), {{"stop_on_error", "true"}});
  EXPECT_EQ(ended(id).not_processed, 60);
  EXPECT_EQ(rows(id, with({}, 3, 24)), "71:updated 72:failed 73:not_processed");
  EXPECT_EQ(rows(id, with("not_processed", 2)), "73:not_processed 74:not_processed");
  EXPECT_EQ(rows(id, with("not_processed", 20, 3)).substr(0, 18), "113:not_processed ");
  EXPECT_EQ(rows(id, with("not_processed", 20, 4)), "");
  EXPECT_EQ(rows(id, with("failed,not_processed", 2)), "72:failed 73:not_processed");
  EXPECT_EQ(rows(id, with({}, 2, 1, 131)), "132:not_processed");
  EXPECT_EQ(ask(id, with("not_processed"))->second.total, 60);
  EXPECT_EQ(rows(id, key("k131")), "132:not_processed");
}

TEST_P(Details, OfARunningJobEndAtItsCursor) {
  Gate reached, go;
  std::atomic<int> chunks{0};
  script.on_prepare = [&](JobFacts const&, std::int64_t) {
    if (++chunks != 2) return;
    reached.open();
    EXPECT_TRUE(go.wait());
  };
  program->start();
  auto const id = queue(csv({{"ok", 80}}));
  ASSERT_TRUE(reached.wait());
  EXPECT_EQ(rows(id, with({}, 25, 2)).substr(0, 10), "27:updated");
  EXPECT_EQ(rows(id, with({}, 25, 3)), "");
  EXPECT_EQ(rows(id, with({}, 25, 1, 50)), "51:updated");
  EXPECT_EQ(rows(id, with("not_processed")), "");
  EXPECT_EQ(rows(id, key("k79")), "");
  EXPECT_EQ(ask(id)->second.total, 50);
  go.open();
  ended(id);
}

TEST_P(Details, OfADryRunTellWhatWouldHaveChanged) {
  program->start();
  auto const id = queue(csv({{"ok", 60}, {"bad", 1}, {"same", 5}}), {{"dry_run", "true"}});
  EXPECT_TRUE(ended(id).dry_run);
  auto const all = ask(id, with({}, 100))->first.rows;
  ASSERT_EQ(all.size(), 66u);
  EXPECT_EQ(all[59].changes.text, "[60]");
  EXPECT_EQ(rows(id, with("failed")), "62:failed");
  EXPECT_EQ(rows(id, with("unchanged", 2)), "63:unchanged 64:unchanged");
  EXPECT_EQ(rows(id, with("updated", 2, 30)), "60:updated 61:updated");
  EXPECT_EQ(effects(id), 0);
}

TEST_P(Details, APageOfRareRowsDoesNotReadWhatLiesBetween) {
  program->start();
  auto const id = queue(csv({{"bad", 1}, {"ok", 1'000}, {"new", 1}, {"ok", 1'000}, {"bad", 1}}));
  ended(id);
  auto const before = program->kind().reads_of_changes.load();
  EXPECT_EQ(rows(id, with("failed")), "2:failed 2004:failed");
  EXPECT_EQ(program->kind().reads_of_changes, before);
  EXPECT_EQ(rows(id, with("failed,created")), "2:failed 1003:created 2004:failed");
  EXPECT_EQ(program->kind().reads_of_changes, before + 1);
  EXPECT_EQ(rows(id, with({}, 2, 900)), "1800:updated 1801:updated");
  EXPECT_LE(program->kind().reads_of_changes, before + 3);
}

TEST_P(Details, JobsAreFoundByAPartOfTheirName) {
  queue(csv({{"ok", 1}}), {{"log_name", "March 100% bonus"}, {"dry_run", "true"}});
  queue(csv({{"ok", 1}}), {{"log_name", "MARCH correction"}});
  queue(csv({{"ok", 1}}), {{"log_name", "Élan_vital"}});
  queue(csv({{"ok", 1}}));
  queue(csv({{"ok", 1}}), {{"log_name", "march of another"}}, kB);
  auto const found = [&](std::string name) {
    JobListQuery query;
    query.name = std::move(name);
    auto c = context();
    auto const list = program->service->list(c, query).value();
    EXPECT_EQ(list.page.total, static_cast<std::int64_t>(list.items.size()));
    std::string out;
    for (auto const& job : list.items) out += (out.empty() ? "" : ", ") + job.log_name + (job.dry_run ? " (dry run)" : "");
    return out;
  };
  EXPECT_EQ(found("march"), "MARCH correction, March 100% bonus (dry run)");
  EXPECT_EQ(found(" Correction "), "MARCH correction");
  EXPECT_EQ(found("100%"), "March 100% bonus (dry run)");
  EXPECT_EQ(found("%"), "March 100% bonus (dry run)") << "no wild card";
  EXPECT_EQ(found("_"), "Élan_vital") << "no wild card";
  EXPECT_EQ(found("Éla"), "Élan_vital");
  EXPECT_EQ(found("april"), "");
  EXPECT_EQ(found(""), "Élan_vital, MARCH correction, March 100% bonus (dry run)");
}

TEST_P(Details, JobsStandInTheApiLogUnderTheNamesOfTheirCallers) {
  queue(csv({{"ok", 1}}), {{"log_name", "of a key"}});
  queue(csv({{"ok", 1}}), {{"log_name", "of a person"}});
  test::run(db(), "UPDATE bulk_jobs SET actor_type = 'user', actor_id = '7' WHERE log_name = 'of a person'");
  auto const found = [&](std::optional<std::string> caller) {
    access::LogFilter filter;
    filter.key = std::move(caller);
    std::string out;
    for (auto const& row : db().read([&](sql::Tx& tx) { return list_job_log(tx, kA, filter); }))
      out += (out.empty() ? "" : ", ") + row.log_name + " by " + row.caller_prefix;
    return out;
  };
  EXPECT_EQ(found({}), "of a person by user:7, of a key by " + context().principal.key_prefix);
  EXPECT_EQ(found("user:7"), "of a person by user:7") << "as requests name a person";
  EXPECT_EQ(found("7"), "");
}

TEST_P(Details, WhatCannotBeAnsweredSaysSo) {
  program->start();
  auto const id = queue(csv({{"ok", 5}}));
  ended(id);
  EXPECT_EQ(rows(id, with("nonsense")), "invalid_request");
  EXPECT_EQ(rows(id, with("failed", 50, 1'001)), "invalid_request") << "filtered lists end at page 1,000";
  EXPECT_EQ(rows(id, with({}, 50, 1'001)), "") << "others do not";
  EXPECT_EQ(rows(id, with({}, 50, 2, 3)), "invalid_request") << "page and cursor";
  EXPECT_EQ(rows({id.seconds, id.number + 1}), "job_not_found");
  EXPECT_EQ(rows({id.seconds + 1, id.number}), "job_not_found");
  test::run(db(), "UPDATE bulk_jobs SET expires_at = 1");
  EXPECT_EQ(rows(id), "results_expired");
  test::run(db(), "UPDATE bulk_jobs SET expires_at = NULL");
  EXPECT_NE(rows(id), "results_expired");
  for (auto const& file : stored_files()) files.remove(file);
  EXPECT_EQ(rows(id), "results_expired");
}

}  // namespace
}  // namespace fealty::jobs
