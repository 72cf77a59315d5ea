#include <algorithm>
#include <chrono>
#include <thread>

#include "base/id.h"
#include "base/number_source.h"
#include "base/time.h"
#include "jobs/bulk_check.h"
#include "jobs/clean_up_store.h"

namespace fealty::jobs {
namespace {

using sql::Row;
using sql::Statement;

// Results of a job are kept until it expires or is erased; after that its rows and its file may be gone.
#define RESULTS_KEPT "(j.file_key <> '' AND (j.expires_at IS NULL OR j.expires_at > {now_ms}))"
#define OPEN "IN ('queued', 'processing')"

// Statuses of kept rows: 1 updated, 2 unchanged, 3 created, 4 failed (jobs/bulk_kind.h). A dry run keeps all its rows.
Statement const kWrongCounters{
    "bulk.check_counters",
    "SELECT j.community_id, j.job_id, j.total, j.updated + j.unchanged + j.created + j.failed, j.status, j.dry_run, j.created, j.failed, "
    "j.updated, j.unchanged, coalesce(r.created, 0), coalesce(r.failed, 0), coalesce(r.updated, 0), coalesce(r.unchanged, 0) "
    "FROM bulk_jobs j LEFT JOIN (SELECT community_id, job_id, sum(CASE WHEN status = 1 THEN 1 ELSE 0 END) AS updated, "
    "sum(CASE WHEN status = 2 THEN 1 ELSE 0 END) AS unchanged, sum(CASE WHEN status = 3 THEN 1 ELSE 0 END) AS created, "
    "sum(CASE WHEN status = 4 THEN 1 ELSE 0 END) AS failed FROM bulk_rows GROUP BY community_id, job_id) r "
    "ON r.community_id = j.community_id AND r.job_id = j.job_id "
    "WHERE (" RESULTS_KEPT
    " AND (j.created <> coalesce(r.created, 0) OR j.failed <> coalesce(r.failed, 0) "
    "OR (j.dry_run = 1 AND (j.updated <> coalesce(r.updated, 0) OR j.unchanged <> coalesce(r.unchanged, 0))))) "
    "OR j.updated + j.unchanged + j.created + j.failed > j.total "
    "OR (j.status = 'completed' AND j.updated + j.unchanged + j.created + j.failed <> j.total) LIMIT 20"};

// Rows with effects, by the source of their job, beside what the job says. All entries, items and kept rows are gathered by
// one sort. Highest possible row: the header is row 1, and blank records have numbers too. A job that is applied in the order
// of its members may have reached any row of its file, and knows the number of its blank records from the beginning. Of a job
// that is thinned some items were removed since, with members or fields that were erased or because of their age.
#define ROWS_REACHED "(CASE WHEN j.work_runs > 0 THEN j.total ELSE j.updated + j.unchanged + j.created + j.failed END + j.skipped + 1)"
Statement const kWrongEffects{
    "bulk.check_effects",
    "SELECT j.community_id, j.job_id, j.updated, j.created, coalesce(e.effect_rows, 0), coalesce(e.created_rows, 0), "
    "coalesce(e.failed_rows, 0), coalesce(e.first_failed, 0), coalesce(e.lowest, 2), coalesce(e.highest, 0), " ROWS_REACHED
    " "
    "FROM bulk_jobs j LEFT JOIN (SELECT t.community_id, t.source_id, sum(CASE WHEN t.effects > 0 THEN 1 ELSE 0 END) AS effect_rows, "
    "sum(CASE WHEN t.effects > 0 AND t.created > 0 THEN 1 ELSE 0 END) AS created_rows, "
    "sum(CASE WHEN t.effects > 0 AND t.failed > 0 THEN 1 ELSE 0 END) AS failed_rows, "
    "min(CASE WHEN t.effects > 0 AND t.failed > 0 THEN t.source_row END) AS first_failed, "
    "min(CASE WHEN t.effects > 0 THEN t.source_row END) AS lowest, max(CASE WHEN t.effects > 0 THEN t.source_row END) AS highest FROM ("
    "SELECT u.community_id, u.source_id, u.source_row, sum(u.effects) AS effects, sum(u.created) AS created, sum(u.failed) AS failed FROM ("
    "SELECT community_id, source_id, source_row, 1 AS effects, 0 AS created, 0 AS failed FROM ledger_entries WHERE source_row > 0 UNION "
    "ALL "
    "SELECT community_id, source_id, source_row, 1, 0, 0 FROM field_history WHERE source_row > 0 UNION ALL "
    "SELECT k.community_id, k.source_id, r.row_number, 0, CASE WHEN r.status = 3 THEN 1 ELSE 0 END, "
    "CASE WHEN r.status = 4 THEN 1 ELSE 0 END FROM bulk_rows r JOIN bulk_jobs k ON k.community_id = r.community_id "
    "AND k.job_id = r.job_id WHERE k.source_id <> 0 AND r.status IN (3, 4)) u GROUP BY u.community_id, u.source_id, u.source_row) t "
    "GROUP BY t.community_id, t.source_id) e ON e.community_id = j.community_id AND e.source_id = j.source_id "
    "LEFT JOIN change_sources s ON s.community_id = j.community_id AND s.source_id = j.source_id "
    "WHERE j.source_id <> 0 AND j.type <> 'revert' AND (j.dry_run = 1 OR coalesce(e.failed_rows, 0) > 0 OR coalesce(e.lowest, 2) < 2 "
    "OR coalesce(e.highest, 0) > " ROWS_REACHED
    " "
    "OR (coalesce(s.is_thinned, 0) = 0 AND ((" RESULTS_KEPT
    " AND coalesce(e.effect_rows, 0) - coalesce(e.created_rows, 0) <> j.updated) OR coalesce(e.effect_rows, 0) < j.updated)) "
    "OR coalesce(e.effect_rows, 0) > j.updated + j.created) LIMIT 20"};

// Of rows alone: what a single change did has no row, and its source is looked for by whoever repeats it.
Statement const kNoSource{
    "bulk.check_sources",
    "SELECT e.community_id, e.source_id, e.first_row, e.effects FROM (SELECT u.community_id, u.source_id, min(u.source_row) AS first_row, "
    "count(*) AS effects FROM (SELECT community_id, source_id, source_row FROM ledger_entries WHERE source_row > 0 UNION ALL "
    "SELECT community_id, source_id, source_row FROM field_history WHERE source_row > 0) u GROUP BY u.community_id, u.source_id) e "
    "LEFT JOIN change_sources s ON s.community_id = e.community_id AND s.source_id = e.source_id WHERE s.source_id IS NULL LIMIT 20"};

#define DOUBLES(table, slot)                                                                                                        \
  "SELECT d.community_id, coalesce(j.job_id, 0), d.source_id, d.source_row, d.slot, d.times FROM (SELECT community_id, source_id, " \
  "source_row, " slot " AS slot, count(*) AS times FROM " table                                                                     \
  " WHERE source_row > 0 GROUP BY community_id, source_id, source_row, " slot                                                       \
  " HAVING count(*) > 1 LIMIT 20) d LEFT JOIN bulk_jobs j ON j.community_id = d.community_id AND j.source_id = d.source_id"
Statement const kDoubleEntries{"bulk.check_entries", DOUBLES("ledger_entries", "currency_id")};
Statement const kDoubleItems{"bulk.check_items", DOUBLES("field_history", "field_id")};

// The same row stands in two chunks; its ordinal counts from 0, in the order in which the rows are applied.
Statement const kOverlaps{
    "bulk.check_chunks",
    "SELECT a.community_id, a.job_id, a.first_ordinal FROM bulk_chunks a JOIN bulk_chunks b ON b.community_id = a.community_id "
    "AND b.job_id = a.job_id AND b.first_ordinal > a.first_ordinal AND b.first_ordinal < a.first_ordinal + a.row_count LIMIT 20"};
// A reversed job's rows are refused, reversed, or not looked at yet; and whoever is being reversed has a reversal that is
// under way.
Statement const kWrongReversals{
    "bulk.check_reversals",
    "SELECT o.community_id, o.job_id FROM bulk_jobs o LEFT JOIN (SELECT community_id, job_id, count(*) AS refused FROM bulk_conflicts "
    "GROUP BY community_id, job_id) c ON c.community_id = o.community_id AND c.job_id = o.job_id "
    "LEFT JOIN bulk_jobs r ON r.community_id = o.community_id AND r.job_id = o.reverted_by "
    "WHERE o.file_key <> '' AND (o.conflicts <> coalesce(c.refused, 0) OR o.reverted_rows + o.conflicts > o.updated + o.created "
    "OR (o.status = 'reverted' AND o.reverted_rows + o.conflicts <> o.updated + o.created) "
    "OR (o.status = 'reverting') <> (r.status IS NOT NULL AND r.status IN ('queued', 'processing'))) LIMIT 20"};
// A row that was reversed twice would have two entries for one currency in the reversals of its job.
Statement const kDoubleReversals{
    "bulk.check_reversed_entries",
    "SELECT j.community_id, j.revert_of, e.source_row FROM bulk_jobs j JOIN ledger_entries e ON e.community_id = j.community_id "
    "AND e.source_id = j.source_id WHERE j.revert_of IS NOT NULL AND j.source_id <> 0 "
    "GROUP BY j.community_id, j.revert_of, e.source_row, e.currency_id HAVING count(*) > 1 LIMIT 20"};

Statement const kFiles{"bulk.check_files", "SELECT j.community_id, j.job_id, j.file_key, CASE WHEN j.status " OPEN
                                           " THEN 1 ELSE 0 END FROM bulk_jobs j "
                                           "WHERE j.revert_of IS NULL AND " RESULTS_KEPT};

// The head of a community's queue that no node has taken for a minute, though nodes live. Since when it could have been
// taken: since its upload, its last sign of life, or the end of the job before it.
Statement const kNotTaken{"bulk.check_not_taken",
                          "SELECT j.community_id, j.job_id, j.status FROM bulk_jobs j WHERE j.status " OPEN
                          " AND j.lease_until + 60000 <= {now_ms} AND j.updated_at + 60000 <= {now_ms} "
                          "AND EXISTS (SELECT 1 FROM nodes n WHERE n.lease_until > {now_ms}) "
                          "AND NOT EXISTS (SELECT 1 FROM bulk_jobs b WHERE b.community_id = j.community_id AND b.job_id < j.job_id "
                          "AND (b.status " OPEN " OR b.finished_at + 60000 > {now_ms})) ORDER BY j.community_id, j.job_id LIMIT 20"};
// A lease that somebody extends and a job on which nobody works: longer than a failing storage is tried again.
Statement const kNotMoving{"bulk.check_not_moving",
                           "SELECT j.community_id, j.job_id, j.lease_node, j.updated_at FROM bulk_jobs j WHERE j.status = 'processing' "
                           "AND j.lease_until > {now_ms} AND j.updated_at + 900000 <= {now_ms} ORDER BY j.community_id, j.job_id LIMIT 20"};
Statement const kOvertaken{
    "bulk.check_overtaken",
    "SELECT j.community_id, j.job_id, min(l.job_id) FROM bulk_jobs j JOIN bulk_jobs l ON l.community_id = j.community_id "
    "AND l.job_id > j.job_id WHERE j.status " OPEN " AND l.started_at IS NOT NULL GROUP BY j.community_id, j.job_id LIMIT 20"};

constexpr std::string_view kKeepAndRestore = " Keep a copy of the installation, and compare with the last backup whose doctor was content.";

std::string id_of(std::int64_t number) { return PublicId::of(number, NumberSource::time_of(number)).to_string(); }
std::string job_name(std::int64_t community, std::int64_t number) {
  return "Bulk job " + id_of(number) + " of community number " + std::to_string(community);
}
std::string count_of(std::int64_t n, std::string const& thing) { return std::to_string(n) + " " + thing + (n == 1 ? "" : "s"); }

std::string counters_problem(Row const& r) {
  std::int64_t const total = r.integer(2), processed = r.integer(3);
  std::string text = job_name(r.integer(0), r.integer(1));
  if (processed > total || (r.text(4) == "completed" && processed != total)) {
    text += " is " + r.string(4) + " with " + count_of(processed, "outcome") + " of " + count_of(total, "row") + ".";
  } else {
    // Of a dry run all rows are kept, otherwise those that were created or failed.
    auto const list = [&](int from) {
      std::string out = std::to_string(r.integer(from)) + " created, " + std::to_string(r.integer(from + 1)) + " failed";
      if (r.boolean(5))
        out += ", " + std::to_string(r.integer(from + 2)) + " updated, " + std::to_string(r.integer(from + 3)) + " unchanged";
      return out;
    };
    text += " has counters that do not fit its rows: it counts " + list(6) + " and keeps " + list(10) + ".";
  }
  return text + std::string(kKeepAndRestore);
}

std::string effects_problem(Row const& r) {
  std::string const name = job_name(r.integer(0), r.integer(1));
  std::int64_t const updated = r.integer(2), effect_rows = r.integer(4), created_rows = r.integer(5), failed_rows = r.integer(6);
  if (failed_rows > 0)
    return name + " has effects of " + count_of(failed_rows, "row") + " that it reports as failed, the first of them row " +
           std::to_string(r.integer(7)) + ". Correct these members by hand after a look at the job's details." +
           std::string(kKeepAndRestore);
  if (r.integer(8) < 2 || r.integer(9) > r.integer(10))
    return name + " has an effect of row " + std::to_string(r.integer(8) < 2 ? r.integer(8) : r.integer(9)) +
           ", which it has not reached; it stands at row " + std::to_string(r.integer(10)) + "." + std::string(kKeepAndRestore);
  return name + " counts " + count_of(updated, "updated row") + ", and " + std::to_string(effect_rows - created_rows) +
         " have effects in ledger and histories" +
         (effect_rows - created_rows < updated ? ": effects were lost." : ": rows took effect without being counted.") +
         std::string(kKeepAndRestore);
}

std::string double_problem(Row const& r, char const* what, char const* slot) {
  std::string const name = r.integer(1) != 0
                               ? job_name(r.integer(0), r.integer(1))
                               : "The bulk source " + std::to_string(r.integer(2)) + " of community number " + std::to_string(r.integer(0));
  return name + " has " + std::to_string(r.integer(5)) + " " + what + " of its row " + std::to_string(r.integer(3)) + " in " + slot + " " +
         std::to_string(r.integer(4)) + ": the row was applied more than once. Correct this member by hand." + std::string(kKeepAndRestore);
}

// (community, job) of each row, with a sentence.
using Stuck = std::vector<std::pair<std::pair<std::int64_t, std::int64_t>, std::string>>;

Stuck find_stuck(sql::Database& database, bool servers_run) {
  Stuck found;
  database.read([&](sql::Tx& tx) {
    found.clear();
    auto const not_taken = [&](Row const& r) {
      found.push_back(
          {{r.integer(0), r.integer(1)},
           job_name(r.integer(0), r.integer(1)) + " is " + r.string(2) +
               ", it is the first of its queue, and no node has taken it for a minute though nodes run. Look for errors in their "
               "logs and restart them."});
    };
    if (servers_run) tx.each(kNotTaken, not_taken);
    tx.each(kNotMoving, [&](Row const& r) {
      found.push_back({{r.integer(0), r.integer(1)},
                       job_name(r.integer(0), r.integer(1)) + " has not moved since " + to_iso(r.integer(3)) + " though node " +
                           std::to_string(r.integer(2)) + " holds it. Look for errors in that node's log and restart it."});
    });
    tx.each(kOvertaken, [&](Row const& r) {
      found.push_back({{r.integer(0), r.integer(1)},
                       job_name(r.integer(0), r.integer(1)) + " is open though the later job " + id_of(r.integer(2)) +
                           " has begun: jobs of one community take turns. Cancel it and upload its file again if its order matters."});
    });
  });
  return found;
}

void check_stuck(sql::Database& database, JobCheckSettings const& settings, std::vector<std::string>& problems) {
  auto const first = find_stuck(database, settings.servers_run);
  if (first.empty()) return;
  std::this_thread::sleep_for(std::chrono::milliseconds(settings.second_look_ms));
  for (auto& [job, text] : find_stuck(database, settings.servers_run))
    if (std::any_of(first.begin(), first.end(), [&](auto const& f) { return f.first == job; })) problems.push_back(std::move(text));
}

std::vector<std::string> missing_files(sql::Database& database, FileStore const& files) {
  std::vector<std::string> problems;
  database.read([&](sql::Tx& tx) {
    problems.clear();
    tx.each(kFiles, [&](Row const& r) {
      if (files.open(r.string(2))) return;
      problems.push_back(job_name(r.integer(0), r.integer(1)) +
                         (r.boolean(3) ? " is not finished and its file is gone: it will end as failed (source_missing). "
                                       : " has lost its file before its results expired: they cannot be read any more. ") +
                         "Put uploads/" + r.string(2) + " back from a backup.");
    });
  });
  return problems;
}

void check_files(sql::Database& database, FileStore const& files, std::int64_t orphan_idle_ms, std::vector<std::string>& problems) {
  // Twice, because a job may expire, or its files be erased, between the two looks at database and folder.
  if (!missing_files(database, files).empty())
    for (auto& problem : missing_files(database, files)) problems.push_back(std::move(problem));
  auto const orphans =
      files.find_orphans(orphan_idle_ms, [&](FileStore::Keys& keys) { database.read([&](sql::Tx& tx) { keep_used_keys(tx, keys); }); });
  for (auto const& name : orphans)
    problems.push_back(
        "The file uploads/" + name +
        " belongs to no job: what an interrupted upload left behind. A server removes it within an hour, and when it starts.");
}

}  // namespace

std::vector<std::string> check_jobs(sql::Database& database, FileStore const& files, JobCheckSettings const& settings) {
  std::vector<std::string> problems;
  auto check = [&](Statement const& statement, auto const& problem_of) {
    std::vector<std::string> found;
    database.read([&](sql::Tx& tx) {
      found.clear();
      tx.each(statement, [&](Row const& r) { found.push_back(problem_of(r)); });
    });
    std::move(found.begin(), found.end(), std::back_inserter(problems));
  };
  check(kWrongCounters, counters_problem);
  check(kWrongEffects, effects_problem);
  check(kNoSource, [](Row const& r) {
    return count_of(r.integer(3), "effect") + " of rows (the first of row " + std::to_string(r.integer(2)) + ") in community number " +
           std::to_string(r.integer(0)) + " name the source " + std::to_string(r.integer(1)) + ", which is not there." +
           std::string(kKeepAndRestore);
  });
  check(kDoubleEntries, [](Row const& r) { return double_problem(r, "entries", "currency"); });
  check(kDoubleItems, [](Row const& r) { return double_problem(r, "history items", "field"); });
  check(kOverlaps, [](Row const& r) {
    return job_name(r.integer(0), r.integer(1)) + " has chunks that overlap: the one that begins with its applied row number " +
           std::to_string(r.integer(2)) + " reaches into the next." + std::string(kKeepAndRestore);
  });
  check(kWrongReversals, [](Row const& r) {
    return job_name(r.integer(0), r.integer(1)) + " has a reversal that does not fit its rows." + std::string(kKeepAndRestore);
  });
  check(kDoubleReversals, [](Row const& r) {
    return "Row " + std::to_string(r.integer(2)) + " of " + job_name(r.integer(0), r.integer(1)) + " was reversed twice." +
           std::string(kKeepAndRestore);
  });
  check_files(database, files, settings.orphan_idle_ms, problems);
  check_stuck(database, settings, problems);
  return problems;
}

}  // namespace fealty::jobs
