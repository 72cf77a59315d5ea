#include "jobs/results_body.h"

#include <algorithm>

#include "base/log.h"
#include "base/time.h"
#include "jobs/bulk_service.h"
#include "jobs/clean_up.h"

namespace fealty::jobs {
namespace {

// One call of next() lasts about so long at most, so that a download is fair to whoever waits for its worker.
constexpr std::int64_t kTurnMs = 50;
constexpr int kRowsBetweenLooksAtTheClock = 1'024;
// Kept rows that are read at once: few at first, then as many as make about so many bytes.
constexpr std::int64_t kKeptFirst = 32, kKeptMost = 2'000;
constexpr std::size_t kKeptBytes = 512 * 1024;

// Rows after which nothing differed cannot be told from those that changed something without looking, unless all are the
// same.
bool needs_changed_rows(Job const& job) { return !job.dry_run && job.counters.updated > 0 && job.counters.unchanged > 0; }

}  // namespace

std::shared_ptr<ResultsFacts const> ResultsMemory::find(std::string const& etag) {
  std::lock_guard lock(mutex_);
  auto const found = std::find_if(kept_.begin(), kept_.end(), [&](auto const& k) { return k.first == etag; });
  if (found == kept_.end()) return nullptr;
  std::rotate(found, found + 1, kept_.end());
  return kept_.back().second;
}

void ResultsMemory::keep(std::string const& etag, std::shared_ptr<ResultsFacts const> facts) {
  std::lock_guard lock(mutex_);
  std::erase_if(kept_, [&](auto const& k) { return k.first == etag; });
  if (kept_.size() == kKept) kept_.erase(kept_.begin());
  kept_.emplace_back(etag, std::move(facts));
}

ResultsBody::ResultsBody(BulkParts const& parts, Job job, std::vector<ColumnUse> uses, unsigned statuses, std::string etag,
                         std::shared_ptr<ResultsMemory> memory)
    : parts_(parts),
      job_(std::move(job)),
      kind_(parts.kind(job_.type)),
      facts_(job_.facts()),
      statuses_(statuses),
      etag_(std::move(etag)),
      memory_(std::move(memory)),
      known_(memory_->find(etag_)),
      csv_(job_, std::move(uses)),
      kept_limit_(kKeptFirst) {
  if (!known_) found_ = std::make_shared<ResultsFacts>();
  std::int64_t const processed = job_.counters.processed();
  if (processed > 0 && processed < job_.total) order_.emplace(parts_.files, job_);
  reader_.emplace(parts_.files, job_, parts_.limits, job_.first);
}

bool ResultsBody::seek(std::int64_t offset) {
  if (!known_ || offset > known_->length) return false;
  drop_bytes_ = offset;
  auto const& places = known_->places;
  auto const after = std::upper_bound(places.begin(), places.end(), offset, [](std::int64_t o, auto const& p) { return o < p.offset; });
  if (after == places.begin()) return true;
  auto const& place = *std::prev(after);
  drop_bytes_ = offset - place.offset;
  begun_ = true;
  made_ = place.offset;
  position_ = place.position;
  kept_after_row_ = place.at.row - 1;
  reader_.emplace(parts_.files, job_, parts_.limits, place.at);
  return true;
}

// Goes through the chunks once, which costs less than to look up row by row. True when all is known.
bool ResultsBody::find_changed() {
  if (known_ || !needs_changed_rows(job_)) return true;
  auto& bits = found_->changed;
  auto const mark = [&](std::int64_t row) {
    auto const word = static_cast<std::size_t>(row) / 64;
    if (word >= bits.size()) bits.resize(std::max(word + 1, bits.size() + bits.size() / 2));
    bits[word] |= std::uint64_t{1} << (row % 64);
  };
  std::int64_t const until_ms = steady_now_ms() + kTurnMs;
  if (!std::exchange(chunks_listed_, true)) {
    bits.reserve(static_cast<std::size_t>(job_.total) / 64 + 2);
    chunks_ = parts_.database.read([&](sql::Tx& tx) { return list_chunks(tx, job_.community, job_.number); });
  }
  while (next_chunk_ < chunks_.size() && steady_now_ms() < until_ms) {
    auto const& chunk = chunks_[next_chunk_++];
    if (chunk.first_number == 0) continue;
    parts_.database.read([&](sql::Tx& tx) { kind_.changed_rows(tx, facts_, chunk.first_number, chunk.last_number, mark); });
  }
  if (next_chunk_ < chunks_.size()) return false;
  std::vector<Chunk>().swap(chunks_);
  return true;
}

// Kept rows up to this one are there, if there are any.
void ResultsBody::load_kept(std::int64_t before_row) {
  while (!kept_ended_ && kept_at_ == kept_.size() && kept_after_row_ < before_row) {
    kept_ = parts_.database.read([&](sql::Tx& tx) {
      // Kept rows that were erased meanwhile would look like rows that changed nothing.
      auto const job = find_job(tx, job_.community, job_.number);
      if (!job || has_expired(*job, parts_.clock())) throw std::runtime_error("the rows of a job were erased while they were downloaded");
      return kept_outcomes(tx, job_.community, job_.number, kept_after_row_, kept_limit_);
    });
    kept_at_ = 0;
    kept_ended_ = static_cast<std::int64_t>(kept_.size()) < kept_limit_;
    if (kept_.empty()) break;
    kept_after_row_ = kept_.back().row;
    std::size_t bytes = 0;
    for (auto const& k : kept_) bytes += k.errors.size() + sizeof k;
    kept_limit_ = std::clamp(static_cast<std::int64_t>(kKeptBytes / (bytes / kept_.size() + 1)), kKeptFirst / 2, kKeptMost);
  }
}

void ResultsBody::write_row(std::string& out) {
  std::int64_t const row = record_.row.row;
  std::int64_t const ordinal = order_ ? order_->ordinal(position_) : position_;
  ++position_;
  RowStatus status = RowStatus::not_processed;
  KeptOutcome const* kept = nullptr;
  if (ordinal < job_.counters.processed()) {
    load_kept(row);
    while (kept_at_ < kept_.size() && kept_[kept_at_].row < row) {
      ++kept_at_;
      load_kept(row);
    }
    if (kept_at_ < kept_.size() && kept_[kept_at_].row == row) kept = &kept_[kept_at_++];
    auto const& changed = known_ ? known_->changed : found_->changed;
    auto const word = static_cast<std::size_t>(row) / 64;
    bool const has_changed = changed.empty() ? job_.counters.unchanged == 0 : word < changed.size() && (changed[word] >> (row % 64) & 1u);
    status = kept ? kept->status : has_changed ? RowStatus::updated : RowStatus::unchanged;
  }
  switch (status) {
    case RowStatus::updated: ++seen_.updated; break;
    case RowStatus::unchanged: ++seen_.unchanged; break;
    case RowStatus::created: ++seen_.created; break;
    case RowStatus::failed: ++seen_.failed; break;
    case RowStatus::not_processed: break;
  }
  if (statuses_ != 0 && !(statuses_ >> static_cast<int>(status) & 1u)) return;
  ResultCells result{to_string(status), {}, {}};
  if (kept && kept->errors != "[]") {
    if (kept->errors != joined_) {  // many rows fail for one reason
      join_errors(decode_errors(kept->errors), codes_, messages_);
      joined_ = kept->errors;
    }
    result.error_code = codes_;
    result.error_message = messages_;
  } else if (status == RowStatus::not_processed) {
    bool const cancelled = job_.error_code.empty();
    result.error_code = cancelled ? "job_cancelled" : "job_stopped";
    result.error_message =
        cancelled ? "The job was cancelled before its turn came." : "The job stopped because of an error before its turn came.";
  }
  csv_.row(out, record_, result);
}

api::BodyStream::Next ResultsBody::next(std::string& out) {
  if (!find_changed()) return {Then::more};
  std::size_t const before = out.size();
  std::int64_t const until_ms = steady_now_ms() + kTurnMs;
  if (!std::exchange(begun_, true)) csv_.begin(out);
  bool ended = false;
  for (int rows = 0; out.size() - before < kPieceBytes; ++rows) {
    if (rows % kRowsBetweenLooksAtTheClock == kRowsBetweenLooksAtTheClock - 1 && steady_now_ms() >= until_ms) break;
    if (ended = !reader_->next(record_); ended) break;
    if (!record_.blank) write_row(out);
  }
  made_ += static_cast<std::int64_t>(out.size() - before);
  if (found_ && !ended && made_ - (found_->places.empty() ? 0 : found_->places.back().offset) >= kPlaceBytes)
    found_->places.push_back({made_, reader_->position(), position_});
  auto const dropped = std::min(drop_bytes_, static_cast<std::int64_t>(out.size() - before));
  out.erase(before, static_cast<std::size_t>(dropped));
  drop_bytes_ -= dropped;
  if (!ended) return {Then::more};
  if (found_) finish();
  return {Then::end};
}

// The whole file was made, from its first byte on.
void ResultsBody::finish() {
  auto const& c = job_.counters;
  if (seen_.updated != c.updated || seen_.unchanged != c.unchanged || seen_.created != c.created || seen_.failed != c.failed)
    log::error("bulk.results_differ", {{"job", job_.id().to_string()},
                                       {"updated", seen_.updated - c.updated},
                                       {"unchanged", seen_.unchanged - c.unchanged},
                                       {"created", seen_.created - c.created},
                                       {"failed", seen_.failed - c.failed}});
  found_->length = made_;
  memory_->keep(etag_, std::move(found_));
}

}  // namespace fealty::jobs
