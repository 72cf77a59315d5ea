// Where the rows of an uploaded file lie, so that any page of a million rows is read at once. A row's position counts the
// rows of the file that are not blank, from 0.
#pragma once
#include "jobs/bulk_jobs.h"

namespace fealty::jobs {

class RowIndex {
 public:
  // Reads the index that lies beside the upload; of a large file without one it is made and kept. Throws MissingFile.
  RowIndex(FileStore& files, Job const& job, Limits const& limits);

  struct Place {
    api::CsvPosition at;
    std::int64_t position = 0;  // of the first row that is read from there
  };
  // Where to begin reading for this position: at most kEvery rows before it.
  Place before_position(std::int64_t position) const;
  // The same for the number of a record.
  Place before_row(std::int64_t row) const;

  static constexpr std::int64_t kEvery = 64;

 private:
  // As it lies in the file; both ends are the same machine's architecture.
  struct Entry {
    std::int64_t offset = 0;
    std::uint32_t row = 0, line = 0;
  };
  bool load(FileStore& files, std::string const& key);
  void build(FileStore& files, Job const& job, Limits const& limits);
  Place place(std::size_t entry) const;

  std::vector<Entry> entries_;
};

}  // namespace fealty::jobs
