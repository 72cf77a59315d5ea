#include "base/id.h"
#include "base/number_source.h"
#include "jobs/bulk_check.h"

namespace fealty::jobs {
namespace {

// Statuses of kept rows: 3 created, 4 failed (jobs/bulk_kind.h).
sql::Statement const kWrongCounters{
    "bulk.check_counters",
    "SELECT j.community_id, j.job_id FROM bulk_jobs j LEFT JOIN (SELECT community_id, job_id, "
    "sum(CASE WHEN status = 3 THEN 1 ELSE 0 END) AS created, sum(CASE WHEN status = 4 THEN 1 ELSE 0 END) AS failed "
    "FROM bulk_rows GROUP BY community_id, job_id) r ON r.community_id = j.community_id AND r.job_id = j.job_id "
    "WHERE j.created <> coalesce(r.created, 0) OR j.failed <> coalesce(r.failed, 0) "
    "OR j.updated + j.unchanged + j.created + j.failed > j.total "
    "OR (j.status = 'completed' AND j.updated + j.unchanged + j.created + j.failed <> j.total)"};
// A row applied twice would stand in two chunks, or have two entries for one currency.
sql::Statement const kDoubleEntries{"bulk.check_entries",
                                    "SELECT e.community_id, e.source_id, e.source_row FROM ledger_entries e WHERE e.source_row > 0 "
                                    "GROUP BY e.community_id, e.source_id, e.source_row, e.currency_id HAVING count(*) > 1 LIMIT 20"};
sql::Statement const kOverlaps{
    "bulk.check_chunks",
    "SELECT a.community_id, a.job_id, a.first_ordinal FROM bulk_chunks a JOIN bulk_chunks b ON b.community_id = a.community_id "
    "AND b.job_id = a.job_id AND b.first_ordinal > a.first_ordinal AND b.first_ordinal < a.first_ordinal + a.row_count LIMIT 20"};
sql::Statement const kOpenFiles{"bulk.check_files",
                                "SELECT community_id, job_id, file_key FROM bulk_jobs WHERE status IN ('queued', 'processing') "
                                "AND revert_of IS NULL"};
// A reversed job's rows are refused, reversed, or not looked at yet; and whoever is being reversed has a reversal that is
// under way.
sql::Statement const kWrongReversals{
    "bulk.check_reversals",
    "SELECT o.community_id, o.job_id FROM bulk_jobs o LEFT JOIN (SELECT community_id, job_id, count(*) AS refused FROM bulk_conflicts "
    "GROUP BY community_id, job_id) c ON c.community_id = o.community_id AND c.job_id = o.job_id "
    "LEFT JOIN bulk_jobs r ON r.community_id = o.community_id AND r.job_id = o.reverted_by "
    "WHERE o.conflicts <> coalesce(c.refused, 0) OR o.reverted_rows + o.conflicts > o.updated + o.created "
    "OR (o.status = 'reverted' AND o.reverted_rows + o.conflicts <> o.updated + o.created) "
    "OR (o.status = 'reverting') <> (r.status IS NOT NULL AND r.status IN ('queued', 'processing'))"};
// A row that was reversed twice would have two entries for one currency in the reversals of its job.
sql::Statement const kDoubleReversals{
    "bulk.check_reversed_entries",
    "SELECT j.community_id, j.revert_of, e.source_row FROM bulk_jobs j JOIN ledger_entries e ON e.community_id = j.community_id "
    "AND e.source_id = j.source_id WHERE j.revert_of IS NOT NULL AND j.source_id <> 0 "
    "GROUP BY j.community_id, j.revert_of, e.source_row, e.currency_id HAVING count(*) > 1 LIMIT 20"};

std::string job_name(std::int64_t number) { return "Bulk job " + PublicId::of(number, NumberSource::time_of(number)).to_string(); }

}  // namespace

std::vector<std::string> check_jobs(sql::Tx& tx, FileStore const& files) {
  std::vector<std::string> problems;
  tx.each(kWrongCounters,
          [&](sql::Row const& r) { problems.push_back(job_name(r.integer(1)) + " has counters that do not fit its rows."); });
  tx.each(kDoubleEntries, [&](sql::Row const& r) {
    problems.push_back("Row " + std::to_string(r.integer(2)) + " of the bulk source " + std::to_string(r.integer(1)) +
                       " has two entries in one currency.");
  });
  tx.each(kOverlaps, [&](sql::Row const& r) {
    problems.push_back(job_name(r.integer(1)) + " has chunks that overlap at row " + std::to_string(r.integer(2)) + ".");
  });
  tx.each(kWrongReversals,
          [&](sql::Row const& r) { problems.push_back(job_name(r.integer(1)) + " has a reversal that does not fit its rows."); });
  tx.each(kDoubleReversals, [&](sql::Row const& r) {
    problems.push_back("Row " + std::to_string(r.integer(2)) + " of " + job_name(r.integer(1)) + " was reversed twice.");
  });
  tx.each(kOpenFiles, [&](sql::Row const& r) {
    if (!files.open(r.string(2))) problems.push_back(job_name(r.integer(1)) + " is not finished and its file is gone.");
  });
  return problems;
}

}  // namespace fealty::jobs
