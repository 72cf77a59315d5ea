#pragma once
#include <string>
#include <vector>

#include "jobs/clean_up.h"
#include "jobs/file_store.h"
#include "sql/sql.h"

namespace fealty::jobs {

struct JobCheckSettings {
  // Open jobs that nobody works on are looked at again after this: a server that has just started takes them within a second.
  int second_look_ms = 3'000;
  // Files without a job are somebody's upload as long as they are written to.
  std::int64_t orphan_idle_ms = kOrphanIdleMs;
  // Whether there is anybody who could take a job.
  bool servers_run = true;
};

// What is wrong with stored bulk jobs, a few sentences each: what it is, of which job, and what to do.
//
// - Every row that a job counts as updated has effects (ledger entries or history items), every row with effects is one that
//   the job counts as updated or created, and lies before the job's cursor; a refused row, or a row of a dry run, has none.
// - A row has one effect on each balance and field. Every effect names a source that is there.
// - Counters fit the kept rows; chunks do not overlap.
// - Every job has its file until its results expire; every file has its job.
// - No job stands still, and none was overtaken by a later one of its community.
//
// Reads only, a snapshot a check, so that servers may work meanwhile. Empty when all is well.
std::vector<std::string> check_jobs(sql::Database& database, FileStore const& files, JobCheckSettings const& settings = {});

}  // namespace fealty::jobs
