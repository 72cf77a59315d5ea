// SQL of the clean-up: no rules.
#pragma once
#include <optional>
#include <vector>

#include "jobs/bulk_jobs.h"

namespace fealty::jobs {

struct JobName {
  CommunityNo community;
  JobNo job;
};
// Finished jobs whose time is over and of which something is still stored, those with the oldest end first.
std::vector<JobName> expired_jobs(sql::Tx& tx, TimeMs now, std::int64_t limit);
void set_expiry(sql::Tx& tx, CommunityNo community, JobNo job, TimeMs expires_at);
void forget_file(sql::Tx& tx, CommunityNo community, JobNo job);

// Remove up to `limit` of a job's kept rows, conflicts of its reversal, chunks, in the order of their keys and from this key
// on. Give the key to go on from, or nothing when there are no more.
std::optional<std::int64_t> remove_rows(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t from, std::int64_t limit);
std::optional<std::int64_t> remove_conflicts(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t from, std::int64_t limit);
std::optional<std::int64_t> remove_chunks(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t from, std::int64_t limit);

std::vector<CommunityNo> all_communities(sql::Tx& tx);
// Removes up to `limit` summaries of jobs below `before_job` that ended before that time and are erased. Gives their number.
std::int64_t remove_summaries(sql::Tx& tx, CommunityNo community, std::int64_t before_job, TimeMs ended_before, std::int64_t limit);

// Takes the keys of all jobs' files out of the set.
void keep_used_keys(sql::Tx& tx, FileStore::Keys& keys);

}  // namespace fealty::jobs
