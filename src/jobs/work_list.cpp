#include "jobs/work_list.h"

#include <algorithm>
#include <cstring>

namespace fealty::jobs {
namespace {

// Rows that are looked up together: sorted by key, they walk the index in order, so more at a time read fewer pages.
constexpr std::size_t kBatchRows = 16'384, kBatchBytes = 4 * 1024 * 1024;
// One run. With the next one being filled while it is sorted and written, and the batches, this bounds the builder's memory.
constexpr std::size_t kRunBytes = 6 * 1024 * 1024;
constexpr std::size_t kReadBytes = 128 * 1024;
constexpr std::string_view kOrderSuffix = "order";

constexpr std::string_view kRunPrefix = "run-";
std::string run_suffix(std::int64_t epoch, std::int64_t run) {
  return std::string(kRunPrefix) + std::to_string(epoch) + "-" + std::to_string(run);
}

// One record of a run: this head, two more targets if `has_keys`, then each cell as its length (LEB128) and its bytes.
struct RecordHead {
  std::uint32_t bytes;  // of the rest
  std::uint32_t position, row, line;
  std::int64_t order;
  std::uint32_t cells;
  std::uint8_t right_width, has_keys;
  std::uint16_t unused;
};
static_assert(sizeof(RecordHead) == 32);

void append_length(std::string& out, std::size_t n) {
  for (; n >= 0x80; n >>= 7) out += static_cast<char>(n | 0x80);
  out += static_cast<char>(n);
}

std::size_t read_length(char const*& at) {
  std::size_t n = 0;
  for (int shift = 0;; shift += 7) {
    auto const byte = static_cast<unsigned char>(*at++);
    n |= static_cast<std::size_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return n;
  }
}

}  // namespace

struct WorkListBuilder::Batch {
  std::unique_ptr<BulkSession> session;
  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena;
  std::vector<InputRow> rows;
  std::int64_t first_position = 0;
};

struct WorkListBuilder::Run {
  struct Place {
    std::int64_t order;
    std::uint32_t position, offset;
  };
  Run() { bytes.reserve(kRunBytes + 64 * 1024); }
  std::string bytes;
  std::vector<Place> places;

  void add(InputRow const& row, std::int64_t position) {
    auto const& t = row.target;
    bool const has_keys = t.named != std::array<std::int64_t, 3>{t.order, 0, 0};
    std::size_t const begin = bytes.size();
    places.push_back({t.order, static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(begin)});
    bytes.resize(begin + sizeof(RecordHead));
    if (has_keys) bytes.append(reinterpret_cast<char const*>(t.named.data()), sizeof(t.named));
    for (auto const cell : row.cells) {
      append_length(bytes, cell.size());
      bytes.append(cell);
    }
    RecordHead const head{static_cast<std::uint32_t>(bytes.size() - begin - sizeof(RecordHead)),
                          static_cast<std::uint32_t>(position),
                          static_cast<std::uint32_t>(row.row),
                          static_cast<std::uint32_t>(row.line),
                          t.order,
                          static_cast<std::uint32_t>(row.cell_count),
                          row.right_width,
                          has_keys,
                          0};
    std::memcpy(bytes.data() + begin, &head, sizeof head);
  }
};

WorkListBuilder::WorkListBuilder(FileStore& files, Job const& job, Limits const& limits, BulkKind const& kind)
    : files_(files), job_(job), reader_(files, job, limits, job.first), run_(std::make_unique<Run>()) {
  for (auto& batch : batches_) {
    batch = std::make_unique<Batch>();
    batch->session = kind.open(job.facts());
  }
}
WorkListBuilder::~WorkListBuilder() = default;

void WorkListBuilder::read(Batch& batch) {
  batch.arena = std::make_unique<std::pmr::monotonic_buffer_resource>(64 * 1024);
  batch.rows.clear();
  batch.first_position = position_;
  RowReader::Record record;
  for (std::size_t bytes = 0; !at_end_ && batch.rows.size() < kBatchRows && bytes < kBatchBytes;) {
    if (!reader_.next(record)) {
      at_end_ = true;
      break;
    }
    if (record.blank) {
      ++blank_;
      continue;
    }
    for (auto const cell : record.row.cells) bytes += cell.size();
    batch.rows.push_back(keep_row(record.row, *batch.arena));
    ++position_;
  }
}

bool WorkListBuilder::step() {
  for (auto& batch : batches_) read(*batch);
  auto look_up = [](Batch& batch) {
    if (!batch.rows.empty()) batch.session->look_up(batch.rows);
  };
  auto other = std::async(std::launch::async, look_up, std::ref(*batches_[1]));
  look_up(*batches_[0]);
  other.get();
  for (auto const& batch : batches_) add(*batch);
  if (!at_end_) return false;
  if (!run_->places.empty()) write_run();
  wait_for_run();
  return true;
}

void WorkListBuilder::add(Batch const& batch) {
  std::int64_t position = batch.first_position;
  for (auto const& row : batch.rows) {
    run_->add(row, position++);
    if (run_->bytes.size() >= kRunBytes) write_run();
  }
}

void WorkListBuilder::write_run() {
  wait_for_run();
  auto full = std::exchange(run_, std::make_unique<Run>());
  writing_ = std::async(std::launch::async, [this, run = std::move(full), suffix = run_suffix(job_.lease_epoch, runs_)] {
    std::sort(run->places.begin(), run->places.end(),
              [](auto const& a, auto const& b) { return a.order != b.order ? a.order < b.order : a.position < b.position; });
    auto file = files_.create_side(job_.file_key, suffix);
    std::string sorted;
    for (auto const& place : run->places) {
      RecordHead head;
      std::memcpy(&head, run->bytes.data() + place.offset, sizeof head);
      sorted.append(run->bytes, place.offset, sizeof head + head.bytes);
      if (sorted.size() < kReadBytes) continue;
      file->write(sorted);
      sorted.clear();
    }
    file->write(sorted);
    file->keep();
  });
  ++runs_;
}

void WorkListBuilder::wait_for_run() {
  if (writing_.valid()) writing_.get();
}

// The records of one run, one after another.
class WorkListReader::Source {
 public:
  explicit Source(std::unique_ptr<StoredFile> file) : file_(std::move(file)), buffer_(kReadBytes) {}
  bool next() {
    at_ += length_;
    length_ = 0;
    if (!have(sizeof(RecordHead))) return false;
    std::memcpy(&head_, buffer_.data() + at_, sizeof head_);
    if (!have(sizeof(RecordHead) + head_.bytes)) throw MissingFile("a sorted run of the job's rows is cut short");
    length_ = sizeof(RecordHead) + head_.bytes;
    return true;
  }
  RecordHead const& head() const { return head_; }
  char const* rest() const { return buffer_.data() + at_ + sizeof(RecordHead); }

 private:
  bool have(std::size_t bytes) {
    if (filled_ - at_ >= bytes) return true;
    std::memmove(buffer_.data(), buffer_.data() + at_, filled_ - at_);
    filled_ -= at_;
    at_ = 0;
    if (buffer_.size() < bytes) buffer_.resize(bytes);
    while (filled_ < bytes) {
      std::size_t const n = file_->read_some(offset_, std::span(buffer_).subspan(filled_));
      if (n == 0) return false;
      offset_ += static_cast<std::int64_t>(n);
      filled_ += n;
    }
    return true;
  }

  std::unique_ptr<StoredFile> file_;
  std::vector<char> buffer_;
  std::size_t at_ = 0, filled_ = 0, length_ = 0;
  std::int64_t offset_ = 0;
  RecordHead head_{};
};

WorkListReader::WorkListReader(FileStore& files, Job const& job) : first_(job.first) {
  for (std::int64_t run = 0; run < job.work_runs; ++run) {
    auto file = files.open_side(job.file_key, run_suffix(job.work_epoch, run));
    if (!file) throw MissingFile("a sorted run of the job's rows is gone");
    sources_.push_back(std::make_unique<Source>(std::move(file)));
    auto& source = *sources_.back();
    if (source.next()) heads_.push({source.head().order, source.head().position, static_cast<std::uint32_t>(run)});
  }
  order_ = files.write_numbers(job.file_key, kOrderSuffix, static_cast<std::size_t>(job.total));
}
WorkListReader::~WorkListReader() = default;

bool WorkListReader::next(InputRow& row, std::pmr::memory_resource& arena) {
  if (heads_.empty()) return false;
  auto const top = heads_.top();
  heads_.pop();
  auto& source = *sources_[top.run];
  RecordHead const head = source.head();
  order_->numbers()[head.position] = static_cast<std::uint32_t>(++ordinal_);  // 0 = not known yet

  row = {};
  row.row = head.row;
  row.line = head.line;
  row.cell_count = head.cells;
  row.right_width = head.right_width != 0;
  row.is_looked_up = true;
  row.target.order = head.order;
  row.target.named[0] = head.order;
  auto* const bytes = static_cast<char*>(arena.allocate(head.bytes + 1, 1));
  if (head.bytes > 0) std::memcpy(bytes, source.rest(), head.bytes);
  char const* at = bytes;
  if (head.has_keys) {
    std::memcpy(row.target.named.data(), at, sizeof row.target.named);
    at += sizeof row.target.named;
  }
  if (row.right_width) {
    auto* const cells =
        static_cast<std::string_view*>(arena.allocate(sizeof(std::string_view) * (head.cells + 1), alignof(std::string_view)));
    for (std::uint32_t c = 0; c < head.cells; ++c) {
      std::size_t const n = read_length(at);
      new (cells + c) std::string_view(at, n);
      at += n;
    }
    row.cells = {cells, head.cells};
  }
  if (source.next()) heads_.push({source.head().order, source.head().position, top.run});
  return true;
}

void WorkListReader::skip(std::int64_t rows) {
  std::pmr::monotonic_buffer_resource arena(64 * 1024);
  InputRow row;
  for (std::int64_t i = 0; i < rows && next(row, arena); ++i)
    if (i % 1'000 == 999) arena.release();
}

void sync_work_list(FileStore& files, Job const& job) {
  if (job.work_runs > 0) files.sync_side(job.file_key, kOrderSuffix);
}

void remove_work_list(FileStore& files, Job const& job) {
  // Also those of a node that died while it made them.
  if (job.work_runs > 0) files.remove_sides(job.file_key, kRunPrefix);
}

RowOrder::RowOrder(FileStore const& files, Job const& job) : identity_(job.work_runs == 0) {
  if (!identity_) order_ = files.read_numbers(job.file_key, kOrderSuffix, static_cast<std::size_t>(job.total));
}

}  // namespace fealty::jobs
