#include "jobs/row_index.h"

#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "base/log.h"

namespace fealty::jobs {
namespace {

constexpr std::string_view kSuffix = "rows";
// Files of fewer rows are read through faster than an index is kept.
constexpr std::int64_t kKeptFromRows = 20'000;

}  // namespace

RowIndex::RowIndex(FileStore& files, Job const& job, Limits const& limits) {
  bool const kept = job.total >= kKeptFromRows;
  if (kept && load(files, job.file_key)) return;
  build(files, job, limits);
  if (!kept) return;
  try {
    auto file = files.create_side(job.file_key, kSuffix);
    file->write({reinterpret_cast<char const*>(entries_.data()), entries_.size() * sizeof(Entry)});
    file->keep();
  } catch (std::exception const& e) {
    // It is made again the next time; this reader has it.
    log::warning("bulk.row_index_not_kept", {{"job", job.id().to_string()}, {"reason", e.what()}});
  }
}

bool RowIndex::load(FileStore& files, std::string const& key) {
  auto const file = files.open_side(key, kSuffix);
  if (!file) return false;
  entries_.resize(static_cast<std::size_t>(file->size()) / sizeof(Entry));
  file->read_at(0, {reinterpret_cast<char*>(entries_.data()), entries_.size() * sizeof(Entry)});
  return !entries_.empty();
}

void RowIndex::build(FileStore& files, Job const& job, Limits const& limits) {
  RowReader reader(files, job, limits, job.first);
  RowReader::Record record;
  for (std::int64_t position = 0; reader.next(record);) {
    if (record.blank) continue;
    if (position++ % kEvery == 0)
      entries_.push_back({record.offset, static_cast<std::uint32_t>(record.row.row), static_cast<std::uint32_t>(record.row.line)});
  }
}

RowIndex::Place RowIndex::place(std::size_t i) const {
  auto const& e = entries_.at(i);
  return {{e.offset, e.row, e.line}, static_cast<std::int64_t>(i) * kEvery};
}

RowIndex::Place RowIndex::before_position(std::int64_t position) const {
  return place(std::min(static_cast<std::size_t>(position / kEvery), entries_.size() - 1));
}

RowIndex::Place RowIndex::before_row(std::int64_t row) const {
  auto const after = std::upper_bound(entries_.begin(), entries_.end(), row, [](std::int64_t r, Entry const& e) { return r < e.row; });
  return place(after == entries_.begin() ? 0 : static_cast<std::size_t>(after - entries_.begin()) - 1);
}

}  // namespace fealty::jobs
