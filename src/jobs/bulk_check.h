#pragma once
#include <string>
#include <vector>

#include "jobs/file_store.h"
#include "sql/sql.h"

namespace fealty::jobs {

// What is wrong with stored bulk jobs, a sentence each: counters that do not fit the rows, chunks that overlap, unfinished
// jobs without their file. Empty when all is well.
std::vector<std::string> check_jobs(sql::Tx& tx, FileStore const& files);

}  // namespace fealty::jobs
