#include "jobs/revert_store.h"

namespace fealty::jobs {
namespace {

using sql::Batch;
using sql::Row;
using sql::Statement;
constexpr auto kInt = Batch::Type::integer;

Statement const kUpdate{"bulk.update_reversal",
                        "UPDATE bulk_jobs SET status = $3, former_status = $4, reverted_by = $5, reverted_rows = $6, conflicts = $7, "
                        "revert_below = $8, updated_at = $9 WHERE community_id = $1 AND job_id = $2"};
Statement const kWithoutPlaces{"bulk.chunks_without_places",
                               "SELECT first_ordinal FROM bulk_chunks WHERE community_id = $1 AND job_id = $2 AND per_row = 0 "
                               "AND first_number <> 0 LIMIT 1"};
Statement const kSources{"bulk.reversal_sources",
                         "SELECT source_id FROM bulk_jobs WHERE community_id = $1 AND revert_of = $2 AND source_id <> 0 ORDER BY job_id"};
Statement const kConflicts{"bulk.conflicts",
                           "SELECT ordinal, row_number FROM bulk_conflicts WHERE community_id = $1 AND job_id = $2 AND ordinal < $3 "
                           "ORDER BY ordinal DESC LIMIT $4"};
Statement const kAddConflicts{"bulk.add_conflicts",
                              "INSERT INTO bulk_conflicts (community_id, job_id, ordinal, row_number) "
                              "SELECT $1, $2, r.o, r.n FROM {rows r: o int, n int}"};
Statement const kRemoveConflicts{
    "bulk.remove_conflicts",
    "DELETE FROM bulk_conflicts WHERE community_id = $1 AND job_id = $2 AND ordinal IN (SELECT r.o FROM {rows r: o int})"};
// 3: created (bulk_kind.h).
Statement const kCreatedBelow{"bulk.created_below",
                              "SELECT ordinal, row_number, member_id FROM bulk_rows WHERE community_id = $1 AND job_id = $2 "
                              "AND row_number < $3 AND ordinal < $4 AND status = 3 ORDER BY row_number DESC LIMIT $5"};
Statement const kCreatedAmong{"bulk.created_among",
                              "SELECT b.ordinal, b.row_number, b.member_id FROM {rows r: n int} CROSS JOIN bulk_rows b "
                              "WHERE b.community_id = $1 AND b.job_id = $2 AND b.row_number = r.n AND b.status = 3"};

CreatedRow read_created(Row const& r) { return {r.integer(0), r.integer(1), {r.integer(2)}}; }

}  // namespace

void update_reversal(sql::Tx& tx, Job const& o) {
  tx.exec(kUpdate, o.community, o.number, o.status, o.former_status, o.reverted_by, o.reverted_rows, o.conflicts, o.revert_below,
          o.updated_at);
}

bool has_rows_without_places(sql::Tx& tx, CommunityNo community, JobNo job) {
  return tx.one(kWithoutPlaces, [](Row const& r) { return r.integer(0); }, community, job).has_value();
}

std::vector<SourceNo> reversal_sources(sql::Tx& tx, CommunityNo community, JobNo job) {
  std::vector<SourceNo> out;
  tx.each(kSources, [&](Row const& r) { out.push_back({r.integer(0)}); }, community, job);
  return out;
}

std::vector<Conflict> conflicts_below(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t below, std::int64_t limit) {
  std::vector<Conflict> out;
  tx.each(kConflicts, [&](Row const& r) { out.push_back({r.integer(0), r.integer(1)}); }, community, job, below, limit);
  return out;
}

void add_conflicts(sql::Tx& tx, CommunityNo community, JobNo job, std::vector<Conflict> const& conflicts) {
  if (conflicts.empty()) return;
  Batch batch{kInt, kInt};
  for (auto const& c : conflicts) batch.add(c.ordinal, c.row);
  tx.exec_batch(kAddConflicts, batch, community, job);
}

std::int64_t remove_conflicts(sql::Tx& tx, CommunityNo community, JobNo job, std::vector<std::int64_t> const& ordinals) {
  if (ordinals.empty()) return 0;
  Batch batch{kInt};
  for (auto const o : ordinals) batch.add(o);
  return tx.exec_batch(kRemoveConflicts, batch, community, job);
}

std::vector<CreatedRow> created_rows_below(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t row, std::int64_t ordinal,
                                           std::int64_t limit) {
  std::vector<CreatedRow> out;
  tx.each(kCreatedBelow, [&](Row const& r) { out.push_back(read_created(r)); }, community, job, row, ordinal, limit);
  return out;
}

std::vector<CreatedRow> created_among(sql::Tx& tx, CommunityNo community, JobNo job, std::vector<Conflict> const& rows) {
  std::vector<CreatedRow> out;
  if (rows.empty()) return out;
  Batch batch{kInt};
  for (auto const& r : rows) batch.add(r.row);
  tx.each_batch(kCreatedAmong, batch, [&](Row const& r) { out.push_back(read_created(r)); }, community, job);
  return out;
}

}  // namespace fealty::jobs
