#include "jobs/bulk_store.h"

#include "api/schema.h"
#include "base/text.h"
#include "jobs/node.h"

namespace fealty::jobs {
struct StoredColumns {
  std::vector<Column> columns;
};
}  // namespace fealty::jobs
FEALTY_SCHEMA(fealty::jobs::Column, field<&fealty::jobs::Column::name>("name", ""), field<&fealty::jobs::Column::target>("target", ""))
FEALTY_SCHEMA(fealty::jobs::StoredColumns, field<&fealty::jobs::StoredColumns::columns>("columns", ""))

namespace fealty::jobs {
namespace {

using sql::Batch;
using sql::Row;
using sql::Statement;
constexpr auto kInt = Batch::Type::integer;
constexpr auto kText = Batch::Type::text;

#define JOB_COLUMNS                                                                                                                   \
  "j.community_id, j.job_id, j.type, j.status, j.log_name, j.dry_run, j.silent, j.max_errors, j.file_key, j.file_name, j.file_size, " \
  "j.file_sha256, j.fingerprint, j.delimiter, j.encoding, j.columns, j.permissions, j.source_id, j.actor_type, j.actor_id, "          \
  "j.actor_name, j.total, j.updated, j.unchanged, j.created, j.failed, j.skipped, j.next_row, j.next_line, j.next_offset, "           \
  "j.lease_node, j.lease_epoch, j.attempts, j.cancel_requested, j.error_code, j.error_message, j.created_at, j.updated_at, "          \
  "j.started_at, j.finished_at, j.expires_at, j.first_row, j.first_line, j.first_offset, j.work_epoch, j.work_runs, j.revert_of, "    \
  "j.reverted_by, j.reverted_rows, j.conflicts, j.revert_below, j.former_status, j.reason, j.creates_only "
#define OPEN "j.status IN ('queued', 'processing')"

Statement const kLockQueue{"bulk.lock_queue", "SELECT c.community_id FROM communities c WHERE c.community_id = $1 {lock c}"};
Statement const kNewest{"bulk.newest", "SELECT coalesce(max(job_id), 0) FROM bulk_jobs WHERE community_id = $1"};
Statement const kCountOpen{"bulk.count_open", "SELECT count(*) FROM bulk_jobs j WHERE j.community_id = $1 AND " OPEN};
Statement const kOpenOf{"bulk.open_of",
                        "SELECT j.job_id FROM bulk_jobs j WHERE j.community_id = $1 AND j.actor_id = $2 AND " OPEN " ORDER BY j.job_id"};
Statement const kRetention{"bulk.retention", "SELECT file_retention_days FROM communities WHERE community_id = $1"};
Statement const kAnonymous{"bulk.anonymous",
                           "SELECT created_at, anonymous_import FROM communities WHERE community_id = $1 AND anonymous_import > 0"};
Statement const kAnyAnonymous{"bulk.any_anonymous", "SELECT community_id FROM communities WHERE anonymous_import > 0 LIMIT 1"};
Statement const kInsertJob{
    "bulk.insert_job",
    "INSERT INTO bulk_jobs (community_id, job_id, type, status, log_name, dry_run, silent, max_errors, file_key, file_name, "
    "file_size, file_sha256, fingerprint, delimiter, encoding, columns, permissions, source_id, actor_type, actor_id, "
    "actor_name, total, next_row, next_line, next_offset, created_at, updated_at, first_row, first_line, first_offset, revert_of, "
    "reason, creates_only) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, "
    "$23, $24, $25, $26, $26, $23, $24, $25, $27, $28, $29)"};
Statement const kFind{"bulk.find", "SELECT " JOB_COLUMNS "FROM bulk_jobs j WHERE j.community_id = $1 AND j.job_id = $2"};
Statement const kLock{"bulk.lock", "SELECT " JOB_COLUMNS "FROM bulk_jobs j WHERE j.community_id = $1 AND j.job_id = $2 {lock j}"};
Statement const kByFingerprint{"bulk.by_fingerprint",
                               "SELECT " JOB_COLUMNS
                               "FROM bulk_jobs j WHERE j.community_id = $1 AND j.fingerprint = $2 AND j.created_at >= $3 "
                               "ORDER BY j.job_id DESC LIMIT 1"};
Statement const kPosition{"bulk.position", "SELECT count(*) FROM bulk_jobs j WHERE j.community_id = $1 AND j.job_id < $2 AND " OPEN};
// The column stands before the 0 in each comparison: PostgreSQL takes a parameter's type from where it meets it first, and
// beside a small literal that is 32 bits.
#define LIST_FILTER                                                                                                             \
  "WHERE j.community_id = $1 AND ($2 = '' OR j.log_name = $2) AND ($3 = '' OR j.status = $3) AND ($4 = '' OR j.type = $4) AND " \
  "j.created_at >= $5 AND (j.created_at <= $6 OR $6 = 0) AND (j.job_id < $7 OR $7 = 0) AND "                                    \
  "($8 = '' OR lower(j.log_name) LIKE $8 ESCAPE '\\' OR j.log_name LIKE $9 ESCAPE '\\' OR "                                     \
  "lower(j.file_name) LIKE $8 ESCAPE '\\' OR j.file_name LIKE $9 ESCAPE '\\') "
Statement const kCount{"bulk.count", "SELECT count(*) FROM bulk_jobs j " LIST_FILTER};
Statement const kList{"bulk.list", "SELECT " JOB_COLUMNS "FROM bulk_jobs j " LIST_FILTER "ORDER BY j.job_id DESC LIMIT $10 OFFSET $11"};
Statement const kHeads{"bulk.heads",
                       "SELECT j.community_id, j.job_id, CASE WHEN j.lease_until > {now_ms} THEN 1 ELSE 0 END FROM bulk_jobs j WHERE " OPEN
                       " AND NOT EXISTS (SELECT 1 FROM bulk_jobs e WHERE e.community_id = j.community_id AND e.job_id < j.job_id "
                       "AND e.status IN ('queued', 'processing')) ORDER BY j.job_id"};
Statement const kClaim{"bulk.claim",
                       "UPDATE bulk_jobs SET status = 'processing', lease_node = $3, lease_epoch = lease_epoch + 1, "
                       "lease_until = {now_ms} + $4, attempts = attempts + 1, started_at = coalesce(started_at, $5), updated_at = $5 "
                       "WHERE community_id = $1 AND job_id = $2 AND status IN ('queued', 'processing') AND lease_until <= {now_ms}"};
Statement const kExtend{"bulk.extend",
                        "UPDATE bulk_jobs SET lease_until = {now_ms} + $1 WHERE status IN ('queued', 'processing') "
                        "AND lease_until > {now_ms} AND (community_id, job_id, lease_epoch) IN "
                        "(SELECT r.c, r.j, r.e FROM {rows r: c int, j int, e int})"};
Statement const kRelease{"bulk.release",
                         "UPDATE bulk_jobs SET lease_node = NULL, lease_until = 0, attempts = 0 "
                         "WHERE community_id = $1 AND job_id = $2 AND lease_epoch = $3"};
Statement const kReleaseAll{"bulk.release_all",
                            "UPDATE bulk_jobs SET lease_node = NULL, lease_until = 0 WHERE status IN ('queued', 'processing')"};
Statement const kProgress{
    "bulk.progress",
    "UPDATE bulk_jobs SET status = $3, updated = $4, unchanged = $5, created = $6, failed = $7, skipped = $8, next_row = $9, "
    "next_line = $10, next_offset = $11, attempts = 0, error_code = $12, error_message = $13, updated_at = $14, "
    "finished_at = $15, expires_at = $16, lease_until = CASE WHEN CAST($15 AS {int}) IS NULL THEN {now_ms} + $17 ELSE 0 END "
    "WHERE community_id = $1 AND job_id = $2"};
Statement const kRequestCancel{"bulk.request_cancel",
                               "UPDATE bulk_jobs SET cancel_requested = 1, updated_at = $3 WHERE community_id = $1 AND job_id = $2"};
Statement const kSetWorkList{
    "bulk.set_work_list",
    "UPDATE bulk_jobs SET work_epoch = $3, work_runs = $4, skipped = $5, attempts = 0 WHERE community_id = $1 AND job_id = $2"};
Statement const kInsertChunk{"bulk.insert_chunk",
                             "INSERT INTO bulk_chunks (community_id, job_id, first_ordinal, row_count, first_number, last_number, per_row) "
                             "VALUES ($1, $2, $3, $4, $5, $6, $7)"};
Statement const kChunks{"bulk.chunks",
                        "SELECT first_ordinal, row_count, first_number, last_number, per_row FROM bulk_chunks "
                        "WHERE community_id = $1 AND job_id = $2 ORDER BY first_ordinal"};
Statement const kInsertRows{sql::Append{}, "bulk.insert_rows",
                            "INSERT INTO bulk_rows (community_id, job_id, row_number, status, member_id, errors, changes, ordinal) "
                            "SELECT $1, $2, r.n, r.s, r.m, r.e, r.c, r.o FROM {rows r: n int, s int, m int, e text, c text, o int}"};
#define ROW_COLUMNS "SELECT row_number, status, member_id, errors, changes, ordinal FROM bulk_rows "
Statement const kRows{"bulk.rows",
                      ROW_COLUMNS "WHERE community_id = $1 AND job_id = $2 AND row_number BETWEEN $3 AND $4 ORDER BY row_number"};
Statement const kRowsByStatus{"bulk.rows_by_status", ROW_COLUMNS
                              "WHERE community_id = $1 AND job_id = $2 AND row_number > $3 AND (status = $4 OR status = $5 OR status = $6 "
                              "OR status = $7) ORDER BY row_number LIMIT $8 OFFSET $9"};
Statement const kRowsByOrdinal{"bulk.rows_by_ordinal", ROW_COLUMNS
                               "WHERE community_id = $1 AND job_id = $2 AND ordinal BETWEEN $3 AND $4 AND ordinal >= 0 AND status <> 3 "
                               "ORDER BY ordinal"};

Job read_job(Row const& r) {
  Job j;
  int c = 0;
  j.community = {r.integer(c++)};
  j.number = {r.integer(c++)};
  j.type = r.string(c++);
  j.status = r.string(c++);
  j.log_name = r.string(c++);
  j.dry_run = r.boolean(c++);
  j.silent = r.boolean(c++);
  j.max_errors = r.optional_integer(c++);
  j.file_key = r.string(c++);
  j.file_name = r.string(c++);
  j.file_size = r.integer(c++);
  j.file_sha256 = r.string(c++);
  j.fingerprint = r.string(c++);
  j.dialect.delimiter = r.text(c++).front();
  auto const encoding = r.text(c++);
  j.dialect.encoding = encoding == "utf-16le"   ? api::Encoding::utf16le
                       : encoding == "utf-16be" ? api::Encoding::utf16be
                                                : api::Encoding::utf8;
  StoredColumns stored;
  std::vector<Issue> issues;
  if (!api::from_json(r.text(c++), stored, issues))
    throw sql::StorageError(sql::StorageError::Kind::broken, "the columns of job " + j.id().to_string() + " cannot be read");
  j.columns = std::move(stored.columns);
  j.permissions = api::PermissionSet(static_cast<std::uint64_t>(r.integer(c++)));
  j.source = {r.integer(c++)};
  j.actor.type = r.string(c++);
  j.actor.id = r.string(c++);
  j.actor.name = r.string(c++);
  j.total = r.integer(c++);
  j.counters.updated = r.integer(c++);
  j.counters.unchanged = r.integer(c++);
  j.counters.created = r.integer(c++);
  j.counters.failed = r.integer(c++);
  j.counters.skipped = r.integer(c++);
  j.next.row = r.integer(c++);
  j.next.line = r.integer(c++);
  j.next.offset = r.integer(c++);
  if (!r.is_null(c)) j.lease_node = static_cast<int>(r.integer(c));
  ++c;
  j.lease_epoch = r.integer(c++);
  j.attempts = static_cast<int>(r.integer(c++));
  j.cancel_requested = r.boolean(c++);
  j.error_code = r.string(c++);
  j.error_message = r.string(c++);
  j.created_at = r.integer(c++);
  j.updated_at = r.integer(c++);
  j.started_at = r.optional_integer(c++);
  j.finished_at = r.optional_integer(c++);
  j.expires_at = r.optional_integer(c++);
  j.first.row = r.integer(c++);
  j.first.line = r.integer(c++);
  j.first.offset = r.integer(c++);
  j.work_epoch = r.integer(c++);
  j.work_runs = r.integer(c++);
  auto const number = [&](int column) { return r.is_null(column) ? std::nullopt : std::optional(JobNo{r.integer(column)}); };
  j.revert_of = number(c++);
  j.reverted_by = number(c++);
  j.reverted_rows = r.integer(c++);
  j.conflicts = r.integer(c++);
  j.revert_below = r.optional_integer(c++);
  j.former_status = r.string(c++);
  j.reason = r.string(c++);
  j.creates_only = r.boolean(c++);
  return j;
}

Chunk read_chunk(Row const& r) { return {r.integer(0), r.integer(1), r.integer(2), r.integer(3), r.integer(4)}; }
KeptRow read_row(Row const& r) {
  return {r.integer(0), static_cast<RowStatus>(r.integer(1)), {r.integer(2)}, r.string(3), r.string(4), r.integer(5)};
}
std::string_view encoding_name(api::Encoding e) {
  constexpr std::string_view kNames[] = {"utf-8", "utf-16le", "utf-16be"};
  return kNames[static_cast<int>(e)];
}

}  // namespace

std::string encode_columns(std::vector<Column> const& columns) { return api::to_json(StoredColumns{columns}); }

bool lock_queue(sql::Tx& tx, CommunityNo community) {
  return tx.one(kLockQueue, [](Row const& r) { return r.integer(0); }, community).has_value();
}
std::int64_t newest_job_number(sql::Tx& tx, CommunityNo community) {
  return *tx.one(kNewest, [](Row const& r) { return r.integer(0); }, community);
}
std::vector<JobNo> open_jobs_of(sql::Tx& tx, CommunityNo community, std::string_view actor_id) {
  std::vector<JobNo> jobs;
  tx.each(kOpenOf, [&](Row const& r) { jobs.push_back({r.integer(0)}); }, community, actor_id);
  return jobs;
}
std::int64_t count_open_jobs(sql::Tx& tx, CommunityNo community) {
  return *tx.one(kCountOpen, [](Row const& r) { return r.integer(0); }, community);
}
std::int64_t retention_days(sql::Tx& tx, CommunityNo community) {
  return tx.one(kRetention, [](Row const& r) { return r.integer(0); }, community).value_or(30);
}

bool any_takes_strangers(sql::Tx& tx) {
  return tx.one(kAnyAnonymous, [](Row const& r) { return r.integer(0); }).has_value();
}
std::optional<OpenCommunity> find_open_community(sql::Tx& tx, CommunityNo community) {
  return tx.one(
      kAnonymous,
      [&](Row const& r) {
        return OpenCommunity{community, PublicId::of(community.value, r.integer(0)), static_cast<AnonymousImport>(r.integer(1))};
      },
      community);
}

void insert_job(sql::Tx& tx, Job const& j) {
  std::string const delimiter(1, j.dialect.delimiter);
  tx.exec(kInsertJob, j.community, j.number, j.type, j.status, j.log_name, j.dry_run, j.silent, j.max_errors, j.file_key, j.file_name,
          j.file_size, sql::Blob{j.file_sha256}, sql::Blob{j.fingerprint}, delimiter, encoding_name(j.dialect.encoding),
          encode_columns(j.columns), static_cast<std::int64_t>(j.permissions.bits()), j.source, j.actor.type, j.actor.id, j.actor.name,
          j.total, j.first.row, j.first.line, j.first.offset, j.created_at, j.revert_of, j.reason, j.creates_only);
}

std::optional<Job> find_job(sql::Tx& tx, CommunityNo community, JobNo job) { return tx.one(kFind, read_job, community, job); }
std::optional<Job> lock_job(sql::Tx& tx, CommunityNo community, JobNo job) { return tx.one(kLock, read_job, community, job); }
std::optional<Job> newest_with_fingerprint(sql::Tx& tx, CommunityNo community, std::string_view fingerprint, TimeMs since) {
  return tx.one(kByFingerprint, read_job, community, sql::Blob{fingerprint}, since);
}
std::int64_t queue_position(sql::Tx& tx, CommunityNo community, JobNo job) {
  return *tx.one(kPosition, [](Row const& r) { return r.integer(0); }, community, job) + 1;
}

namespace {
// Of capital letters SQLite folds those of ASCII alone, so the name as it was written counts too.
struct NamePatterns {
  std::string folded, plain;
  explicit NamePatterns(std::string const& name) {
    if (name.empty()) return;
    folded = "%" + like_literal(fold_case(name)) + "%";
    plain = "%" + like_literal(name) + "%";
  }
};
}  // namespace

std::int64_t count_jobs(sql::Tx& tx, CommunityNo community, ListFilter const& f) {
  NamePatterns const name(f.name);
  return *tx.one(
      kCount, [](Row const& r) { return r.integer(0); }, community, f.log_name, f.status, f.type, f.from, f.to, f.before_job, name.folded,
      name.plain);
}
std::vector<Job> list_jobs(sql::Tx& tx, CommunityNo community, ListFilter const& f, std::int64_t limit, std::int64_t skip) {
  std::vector<Job> jobs;
  NamePatterns const name(f.name);
  tx.each(
      kList, [&](Row const& r) { jobs.push_back(read_job(r)); }, community, f.log_name, f.status, f.type, f.from, f.to, f.before_job,
      name.folded, name.plain, limit, skip);
  return jobs;
}

std::vector<QueueHead> queue_heads(sql::Tx& tx) {
  std::vector<QueueHead> heads;
  tx.each(kHeads, [&](Row const& r) { heads.push_back({{r.integer(0)}, {r.integer(1)}, r.boolean(2)}); });
  return heads;
}

std::optional<Job> claim_job(sql::Tx& tx, QueueHead const& head, int node, TimeMs now) {
  if (tx.exec(kClaim, head.community, head.job, node, kLeaseMs, now) == 0) return std::nullopt;
  return find_job(tx, head.community, head.job);
}
std::int64_t extend_leases(sql::Tx& tx, std::vector<HeldLease> const& held) {
  if (held.empty()) return 0;
  Batch batch{kInt, kInt, kInt};
  batch.reserve(held.size());
  for (auto const& lease : held) batch.add(lease.community, lease.job, lease.epoch);
  return tx.exec_batch(kExtend, batch, kLeaseMs);
}
void release_lease(sql::Tx& tx, Job const& j) { tx.exec(kRelease, j.community, j.number, j.lease_epoch); }
void release_all_leases(sql::Tx& tx) { tx.exec(kReleaseAll); }

void update_progress(sql::Tx& tx, Job const& j) {
  std::optional<std::string> code, message;
  if (!j.error_code.empty()) code = j.error_code, message = j.error_message;
  tx.exec(kProgress, j.community, j.number, j.status, j.counters.updated, j.counters.unchanged, j.counters.created, j.counters.failed,
          j.counters.skipped, j.next.row, j.next.line, j.next.offset, code, message, j.updated_at, j.finished_at, j.expires_at, kLeaseMs);
}
void request_cancel(sql::Tx& tx, CommunityNo community, JobNo job, TimeMs now) { tx.exec(kRequestCancel, community, job, now); }

RowNumbers Chunk::numbers_of(std::int64_t row, std::int64_t ordinal) const {
  if (per_row == 0) return {row, first_number, last_number};
  std::int64_t const i = (ordinal - first_ordinal) * per_row;
  return {row, NumberSource::at(first_number, i), NumberSource::at(first_number, i + per_row - 1)};
}

void set_work_list(sql::Tx& tx, Job const& j) {
  tx.exec(kSetWorkList, j.community, j.number, j.work_epoch, j.work_runs, j.counters.skipped);
}

void insert_chunk(sql::Tx& tx, CommunityNo community, JobNo job, Chunk const& c) {
  tx.exec(kInsertChunk, community, job, c.first_ordinal, c.rows, c.first_number, c.last_number, c.per_row);
}
std::vector<Chunk> list_chunks(sql::Tx& tx, CommunityNo community, JobNo job) {
  std::vector<Chunk> chunks;
  tx.each(kChunks, [&](Row const& r) { chunks.push_back(read_chunk(r)); }, community, job);
  return chunks;
}

void insert_rows(sql::Tx& tx, CommunityNo community, JobNo job, std::vector<KeptRow> const& rows) {
  if (rows.empty()) return;
  Batch batch{kInt, kInt, kInt, kText, kText, kInt};
  batch.reserve(rows.size());
  for (auto const& r : rows) batch.add(r.row, static_cast<std::int64_t>(r.status), r.member, r.errors, r.changes, r.ordinal);
  tx.exec_batch(kInsertRows, batch, community, job);
}
std::vector<KeptRow> kept_rows(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t first_row, std::int64_t last_row) {
  std::vector<KeptRow> rows;
  tx.each(kRows, [&](Row const& r) { rows.push_back(read_row(r)); }, community, job, first_row, last_row);
  return rows;
}
std::vector<KeptRow> kept_rows_with_status(sql::Tx& tx, CommunityNo community, JobNo job, unsigned statuses, std::int64_t after_row,
                                           std::int64_t limit, std::int64_t skip) {
  auto asked = [&](RowStatus s) { return statuses >> static_cast<int>(s) & 1u ? static_cast<std::int64_t>(s) : 0; };
  std::vector<KeptRow> rows;
  tx.each(
      kRowsByStatus, [&](Row const& r) { rows.push_back(read_row(r)); }, community, job, after_row, asked(RowStatus::updated),
      asked(RowStatus::unchanged), asked(RowStatus::created), asked(RowStatus::failed), limit, skip);
  return rows;
}

std::vector<KeptRow> kept_rows_by_ordinal(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t first, std::int64_t last) {
  std::vector<KeptRow> rows;
  tx.each(kRowsByOrdinal, [&](Row const& r) { rows.push_back(read_row(r)); }, community, job, first, last);
  return rows;
}

}  // namespace fealty::jobs
