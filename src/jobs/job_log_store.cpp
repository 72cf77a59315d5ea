#include "jobs/job_log_store.h"

#include "jobs/job_log.h"

namespace fealty::jobs {
namespace {

using sql::Row;
using sql::Statement;

// As requests name their callers: a person by the word and his short id.
#define CALLER "CASE WHEN actor_type = 'user' THEN 'user:' || actor_id ELSE actor_id END"
// A filter that is not given is NULL.
#define JOB_LOG                                                                                                               \
  "SELECT job_id, type, status, log_name, total, updated + unchanged + created, failed, actor_type, " CALLER                  \
  ", actor_name, created_at "                                                                                                 \
  "FROM bulk_jobs WHERE community_id = $1 AND job_id >= $2 AND job_id <= $3 AND (CAST($4 AS TEXT) IS NULL OR log_name = $4) " \
  "AND (CAST($5 AS {int}) IS NULL OR job_id = $5) AND (CAST($6 AS TEXT) IS NULL OR status = $6) "                             \
  "AND (CAST($7 AS TEXT) IS NULL OR " CALLER " = $7) "
Statement const kNewest{"job_log.newest", JOB_LOG "ORDER BY job_id DESC LIMIT $8"};
Statement const kOldest{"job_log.oldest", JOB_LOG "ORDER BY job_id LIMIT $8"};
#undef JOB_LOG
#undef CALLER

}  // namespace

std::vector<access::JobLogRow> list_job_log(sql::Tx& tx, CommunityNo community, access::LogFilter const& f) {
  std::optional<std::int64_t> job;
  if (f.job_id) {
    auto const id = PublicId::parse(*f.job_id);
    if (!id) return {};
    job = id->number;
  }
  std::vector<access::JobLogRow> all;
  tx.each(
      f.descending ? kNewest : kOldest,
      [&](Row const& r) {
        access::JobLogRow row;
        row.number = r.integer(0);
        row.id = PublicId::of(row.number, NumberSource::time_of(row.number)).to_string();
        row.type = r.string(1);
        row.status = r.string(2);
        row.log_name = r.string(3);
        row.total = r.integer(4);
        row.success = r.integer(5);
        row.failed = r.integer(6);
        row.processed = row.success + row.failed;
        row.caller_kind = r.string(7);
        row.caller_prefix = r.string(8);
        row.caller_name = r.string(9);
        row.created_at = r.integer(10);
        all.push_back(std::move(row));
      },
      community, f.first, f.last, f.log_name, job, f.job_status, f.key, f.limit);
  return all;
}

access::JobLog job_log() { return list_job_log; }

}  // namespace fealty::jobs
