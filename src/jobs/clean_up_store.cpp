#include "jobs/clean_up_store.h"

#include "jobs/clean_up.h"

namespace fealty::jobs {
namespace {

using sql::Row;
using sql::Statement;

// The first condition is that of the index bulk_jobs_with_files.
Statement const kExpired{"clean_up.expired",
                         "SELECT community_id, job_id FROM bulk_jobs WHERE file_key <> '' AND expires_at <= $1 "
                         "AND status IN ('completed', 'failed', 'cancelled', 'reverted') ORDER BY expires_at, job_id LIMIT $2"};
Statement const kSetExpiry{"clean_up.set_expiry",
                           "UPDATE bulk_jobs SET expires_at = $3, updated_at = $3 WHERE community_id = $1 AND job_id = $2"};
Statement const kForgetFile{"clean_up.forget_file", "UPDATE bulk_jobs SET file_key = '' WHERE community_id = $1 AND job_id = $2"};
Statement const kRowsEnd{"clean_up.rows_end",
                         "SELECT row_number FROM bulk_rows WHERE community_id = $1 AND job_id = $2 AND row_number >= $3 "
                         "ORDER BY row_number LIMIT 1 OFFSET $4"};
Statement const kRemoveRows{"clean_up.remove_rows",
                            "DELETE FROM bulk_rows WHERE community_id = $1 AND job_id = $2 AND row_number >= $3 AND row_number < $4"};
Statement const kChunksEnd{"clean_up.chunks_end",
                           "SELECT first_ordinal FROM bulk_chunks WHERE community_id = $1 AND job_id = $2 AND first_ordinal >= $3 "
                           "ORDER BY first_ordinal LIMIT 1 OFFSET $4"};
Statement const kRemoveChunks{
    "clean_up.remove_chunks",
    "DELETE FROM bulk_chunks WHERE community_id = $1 AND job_id = $2 AND first_ordinal >= $3 AND first_ordinal < $4"};
Statement const kConflictsEnd{"clean_up.conflicts_end",
                              "SELECT ordinal FROM bulk_conflicts WHERE community_id = $1 AND job_id = $2 AND ordinal >= $3 "
                              "ORDER BY ordinal LIMIT 1 OFFSET $4"};
Statement const kRemoveConflicts{"clean_up.remove_conflicts",
                                 "DELETE FROM bulk_conflicts WHERE community_id = $1 AND job_id = $2 AND ordinal >= $3 AND ordinal < $4"};
Statement const kCommunities{"clean_up.communities", "SELECT community_id FROM communities ORDER BY community_id"};
// Numbers of jobs are ordered by time, so the key leads to the oldest ones.
Statement const kRemoveSummaries{
    "clean_up.remove_summaries",
    "DELETE FROM bulk_jobs WHERE community_id = $1 AND job_id IN (SELECT j.job_id FROM bulk_jobs j WHERE j.community_id = $1 "
    "AND j.job_id < $2 AND j.finished_at < $3 AND j.file_key = '' ORDER BY j.job_id LIMIT $4)"};
Statement const kSourcesWithResults{"clean_up.sources_with_results",
                                    "SELECT source_id FROM bulk_jobs WHERE file_key <> '' AND +community_id = $1 AND source_id <> 0"};
Statement const kKeys{"clean_up.keys", "SELECT file_key FROM bulk_jobs WHERE file_key <> ''"};

constexpr std::int64_t kNoEnd = std::numeric_limits<std::int64_t>::max();

std::optional<std::int64_t> remove_some(sql::Tx& tx, Statement const& find_end, Statement const& remove, CommunityNo community, JobNo job,
                                        std::int64_t from, std::int64_t limit) {
  auto const end = tx.one(find_end, [](Row const& r) { return r.integer(0); }, community, job, from, limit);
  tx.exec(remove, community, job, from, end.value_or(kNoEnd));
  return end;
}

}  // namespace

std::vector<JobName> expired_jobs(sql::Tx& tx, TimeMs now, std::int64_t limit) {
  std::vector<JobName> jobs;
  tx.each(kExpired, [&](Row const& r) { jobs.push_back({{r.integer(0)}, {r.integer(1)}}); }, now, limit);
  return jobs;
}
void set_expiry(sql::Tx& tx, CommunityNo community, JobNo job, TimeMs at) { tx.exec(kSetExpiry, community, job, at); }
void forget_file(sql::Tx& tx, CommunityNo community, JobNo job) { tx.exec(kForgetFile, community, job); }

std::optional<std::int64_t> remove_rows(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t from, std::int64_t limit) {
  return remove_some(tx, kRowsEnd, kRemoveRows, community, job, from, limit);
}
std::optional<std::int64_t> remove_conflicts(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t from, std::int64_t limit) {
  return remove_some(tx, kConflictsEnd, kRemoveConflicts, community, job, from, limit);
}
std::optional<std::int64_t> remove_chunks(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t from, std::int64_t limit) {
  return remove_some(tx, kChunksEnd, kRemoveChunks, community, job, from, limit);
}

std::vector<CommunityNo> all_communities(sql::Tx& tx) {
  std::vector<CommunityNo> all;
  tx.each(kCommunities, [&](Row const& r) { all.push_back({r.integer(0)}); });
  return all;
}
std::int64_t remove_summaries(sql::Tx& tx, CommunityNo community, std::int64_t before_job, TimeMs ended_before, std::int64_t limit) {
  return tx.exec(kRemoveSummaries, community, before_job, ended_before, limit);
}

std::vector<SourceNo> sources_with_results(sql::Tx& tx, CommunityNo community) {
  std::vector<SourceNo> all;
  tx.each(kSourcesWithResults, [&](Row const& r) { all.push_back({r.integer(0)}); }, community);
  return all;
}

void keep_used_keys(sql::Tx& tx, FileStore::Keys& keys) {
  tx.each(kKeys, [&](Row const& r) {
    if (auto const found = keys.find(r.text(0)); found != keys.end()) keys.erase(found);
  });
}

}  // namespace fealty::jobs
