// SQL and row mapping of bulk jobs: no rules.
#pragma once
#include "jobs/anonymous_import.h"
#include "jobs/bulk_jobs.h"

namespace fealty::jobs {

// Locks the community's queue until the transaction ends, so that jobs get their places one after another.
bool lock_queue(sql::Tx& tx, CommunityNo community);
std::int64_t newest_job_number(sql::Tx& tx, CommunityNo community);
std::int64_t count_open_jobs(sql::Tx& tx, CommunityNo community);
std::vector<JobNo> open_jobs_of(sql::Tx& tx, CommunityNo community, std::string_view actor_id);
std::int64_t retention_days(sql::Tx& tx, CommunityNo community);
// Whether any community takes imports without a key.
bool any_takes_strangers(sql::Tx& tx);
// Nothing when there is no such community, or when it takes none.
std::optional<OpenCommunity> find_open_community(sql::Tx& tx, CommunityNo community);
void insert_job(sql::Tx& tx, Job const& job);
std::optional<Job> find_job(sql::Tx& tx, CommunityNo community, JobNo job);
// The same, locked against other writers.
std::optional<Job> lock_job(sql::Tx& tx, CommunityNo community, JobNo job);
std::optional<Job> newest_with_fingerprint(sql::Tx& tx, CommunityNo community, std::string_view fingerprint, TimeMs since);
std::int64_t queue_position(sql::Tx& tx, CommunityNo community, JobNo job);

struct ListFilter {
  std::string log_name, status, type;  // empty = any
  std::string name;                    // stands somewhere in the label or in the file's name, in whatever case; empty = any
  TimeMs from = 0, to = 0;             // to 0 = no end
  std::int64_t before_job = 0;         // cursor: jobs below this number; 0 = from the newest
};
std::int64_t count_jobs(sql::Tx& tx, CommunityNo community, ListFilter const& filter);
std::vector<Job> list_jobs(sql::Tx& tx, CommunityNo community, ListFilter const& filter, std::int64_t limit, std::int64_t skip);

// The oldest open job of every community: those that a node may work on.
struct QueueHead {
  CommunityNo community;
  JobNo job;
  bool leased = false;  // by a node whose lease has not ended
};
std::vector<QueueHead> queue_heads(sql::Tx& tx);
// Takes the lease of an open job that nobody holds.
std::optional<Job> claim_job(sql::Tx& tx, QueueHead const& head, int node, TimeMs now);
// A job on which this program works, and the lease under which it does.
struct HeldLease {
  CommunityNo community;
  JobNo job;
  std::int64_t epoch = 0;
};
// Of these alone, and of those only the leases that have not ended. Not all that name the node: one whose claim was stored but
// not answered, or that a dead owner of the node's number left, has nobody who works on it, and must end.
std::int64_t extend_leases(sql::Tx& tx, std::vector<HeldLease> const& held);
void release_lease(sql::Tx& tx, Job const& job);
// Ends the leases of all nodes: for an engine that only one program can use at a time.
void release_all_leases(sql::Tx& tx);

// Counters, cursor, state and lease of a job whose row is locked.
void update_progress(sql::Tx& tx, Job const& job);
// The work list is durable: the next chunk is read from it.
void set_work_list(sql::Tx& tx, Job const& job);
void request_cancel(sql::Tx& tx, CommunityNo community, JobNo job, TimeMs now);

struct Chunk {
  std::int64_t first_ordinal = 0, rows = 0;
  // Numbers of its entries and history items, both ends included; {0, -1} when it drew none. With `per_row` they follow
  // NumbersDrawn; chunks of programs before schema 2 have 0 there, and any row's numbers may lie anywhere in the range.
  std::int64_t first_number = 0, last_number = -1, per_row = 0;

  RowNumbers numbers_of(std::int64_t row, std::int64_t ordinal) const;
};
void insert_chunk(sql::Tx& tx, CommunityNo community, JobNo job, Chunk const& chunk);
// All chunks of a job, in the order in which they were applied.
std::vector<Chunk> list_chunks(sql::Tx& tx, CommunityNo community, JobNo job);

struct KeptRow {
  std::int64_t row = 0;
  RowStatus status = RowStatus::failed;
  MemberNo member;
  std::string errors = "[]", changes = "[]";
  std::int64_t ordinal = -1;  // of created rows, and of all kept rows of reversing jobs
};
void insert_rows(sql::Tx& tx, CommunityNo community, JobNo job, std::vector<KeptRow> const& rows);
std::vector<KeptRow> kept_rows(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t first_row, std::int64_t last_row);
// By row, those with one of the statuses (a bit set by status number).
std::vector<KeptRow> kept_rows_with_status(sql::Tx& tx, CommunityNo community, JobNo job, unsigned statuses, std::int64_t after_row,
                                           std::int64_t limit, std::int64_t skip);
// Of a reversing job, by ordinal.
std::vector<KeptRow> kept_rows_by_ordinal(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t first, std::int64_t last);

std::string encode_columns(std::vector<Column> const& columns);

}  // namespace fealty::jobs
