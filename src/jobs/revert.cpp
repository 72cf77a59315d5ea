#include "jobs/revert.h"

#include <limits>
#include <map>
#include <tuple>

namespace fealty::jobs {
namespace {

constexpr std::int64_t kAboveAll = std::numeric_limits<std::int64_t>::max();
// What is read back at once: bounds the memory of jobs with large chunks and many columns.
constexpr std::int64_t kRowsAtOnce = 2'000, kNumbersAtOnce = 20'000, kConflictsAtOnce = 500, kCreatedAtOnce = 2'000;

[[noreturn]] void broken(std::string const& what) { throw std::logic_error(what); }

template <class T>
T* new_in(std::pmr::memory_resource& arena, std::size_t count) {
  return static_cast<T*>(arena.allocate(sizeof(T) * std::max<std::size_t>(1, count), alignof(T)));
}

std::optional<std::string_view> copy_text(std::optional<std::string_view> text, std::pmr::memory_resource& arena) {
  if (!text) return std::nullopt;
  auto* const bytes = new_in<char>(arena, text->size());
  text->copy(bytes, text->size());
  return std::string_view(bytes, text->size());
}

RecordedRow const* copy_row(RecordedRow const& row, std::pmr::memory_resource& arena) {
  auto* const changes = new_in<RecordedChange>(arena, row.changes.size());
  for (std::size_t i = 0; i < row.changes.size(); ++i) {
    auto* const copy = new (changes + i) RecordedChange(row.changes[i]);
    copy->before_text = copy_text(copy->before_text, arena);
    copy->after_text = copy_text(copy->after_text, arena);
  }
  auto* const copy = new (new_in<RecordedRow>(arena, 1)) RecordedRow(row);
  copy->changes = {changes, row.changes.size()};
  return copy;
}

}  // namespace

api::CsvPosition reversal_start(Job const& original) {
  return {original.revert_below.value_or(original.counters.processed()), original.conflicts > 0 ? kAboveAll : 0, 0};
}

Job original_of(sql::Tx& tx, Job const& reversing) {
  auto original = find_job(tx, reversing.community, *reversing.revert_of);
  if (!original) broken("the job that is to be reversed is gone");
  return std::move(*original);
}

ReversalFacts reversal_facts(sql::Tx& tx, Job const& reversing, Job const& original) {
  ReversalFacts facts{reversing.facts(), original.facts(), original.started_at.value_or(original.created_at), {original.source}};
  for (auto const source : reversal_sources(tx, original.community, original.number)) facts.sources.push_back(source);
  return facts;
}

RevertFeed::RevertFeed(BulkParts const& parts, Job const& original, api::CsvPosition from)
    : parts_(parts),
      kind_(parts.kind(original.type)),
      community_(original.community),
      job_(original.number),
      facts_(original.facts()),
      at_(from),
      below_(from.offset),
      created_below_row_(kAboveAll) {
  chunks_ = parts.database.read([&](sql::Tx& tx) { return list_chunks(tx, community_, job_); });
  // Only a dry run can meet that: the rows of a job that is being reversed are kept.
  if (chunks_.empty()) throw MissingFile("the rows of the job were erased");
}

bool RevertFeed::next(InputRow& row, std::pmr::memory_resource& arena) {
  if (loaded_.empty() && at_.row > 0) load_conflicts();
  while (loaded_.empty() && below_ > 0) load_rows();
  if (loaded_.empty()) {
    at_ = {0, 0, 0};
    return false;
  }
  Loaded const& last = loaded_.back();
  row = {};
  row.row = last.row;
  row.recorded = copy_row(last.recorded, arena);
  if (last.recorded.is_conflict)
    at_.row = last.recorded.ordinal;
  else
    at_ = {last.recorded.ordinal, 0, 0};
  loaded_.pop_back();
  return true;
}

// Changes of one chunk, by number, become rows. Those of one row lie together.
void RevertFeed::add_rows(Chunk const& chunk, std::vector<RecordedChange>::const_iterator begin,
                          std::vector<RecordedChange>::const_iterator end) {
  while (begin != end) {
    auto const last = std::find_if(begin, end, [&](RecordedChange const& c) { return c.row != begin->row; });
    std::int64_t const ordinal = chunk.first_ordinal + NumberSource::index_of(chunk.first_number, begin->number) / chunk.per_row;
    loaded_.push_back({begin->row, {ordinal, begin->member, false, false, {&*begin, static_cast<std::size_t>(last - begin)}}});
    begin = last;
  }
}

// Rows that an earlier reversal refused.
void RevertFeed::load_conflicts() {
  arena_ = std::make_unique<std::pmr::monotonic_buffer_resource>(64 * 1024);
  parts_.database.read([&](sql::Tx& tx) {
    loaded_.clear();
    auto conflicts = conflicts_below(tx, community_, job_, at_.row, kConflictsAtOnce);
    std::reverse(conflicts.begin(), conflicts.end());
    std::vector<NumberRange> ranges;
    for (auto const& c : conflicts) {
      auto const after = std::upper_bound(chunks_.begin(), chunks_.end(), c.ordinal,
                                          [](std::int64_t ordinal, Chunk const& chunk) { return ordinal < chunk.first_ordinal; });
      if (after == chunks_.begin()) broken("a refused row lies in no chunk");
      if (std::prev(after)->first_number == 0) continue;
      auto const numbers = std::prev(after)->numbers_of(c.row, c.ordinal);
      ranges.push_back({numbers.first, numbers.last});
    }
    changes_.clear();
    if (!ranges.empty()) kind_.read_recorded(tx, facts_, ranges, *arena_, changes_);
    auto const created = created_among(tx, community_, job_, conflicts);
    // Each refused row with its changes, which have its number and lie in its range.
    std::map<std::int64_t, std::span<RecordedChange const>> by_row;
    for (auto begin = changes_.cbegin(); begin != changes_.cend();) {
      auto const end = std::find_if(begin, changes_.cend(), [&](RecordedChange const& c) { return c.row != begin->row; });
      by_row[begin->row] = {&*begin, static_cast<std::size_t>(end - begin)};
      begin = end;
    }
    for (auto const& c : conflicts) {
      Loaded l{c.row, {c.ordinal, {}, false, true, {}}};
      if (auto const found = by_row.find(c.row); found != by_row.end()) {
        l.recorded.changes = found->second;
        l.recorded.member = found->second.front().member;
      }
      auto const maker = std::find_if(created.begin(), created.end(), [&](CreatedRow const& r) { return r.row == c.row; });
      if (maker != created.end()) {
        l.recorded.created = true;
        l.recorded.member = maker->member;
      }
      loaded_.push_back(l);
    }
  });
  if (loaded_.empty()) at_.row = 0;
}

// The next rows below `below_` that did something; none when a piece of the job did nothing.
void RevertFeed::load_rows() {
  auto const after = std::lower_bound(chunks_.begin(), chunks_.end(), below_,
                                      [](Chunk const& chunk, std::int64_t ordinal) { return chunk.first_ordinal < ordinal; });
  if (after == chunks_.begin()) {
    below_ = 0;
    return;
  }
  Chunk const& chunk = *std::prev(after);
  std::int64_t const end = std::min(below_, chunk.first_ordinal + chunk.rows);
  std::int64_t const most = std::clamp<std::int64_t>(kNumbersAtOnce / std::max<std::int64_t>(1, chunk.per_row), 1, kRowsAtOnce);
  std::int64_t const begin = std::max(chunk.first_ordinal, end - most);
  arena_ = std::make_unique<std::pmr::monotonic_buffer_resource>(64 * 1024);
  auto const created = created_;
  auto const created_place = std::pair(created_below_row_, created_at_end_);
  parts_.database.read([&](sql::Tx& tx) {
    // It may be called again.
    loaded_.clear();
    changes_.clear();
    created_ = created;
    std::tie(created_below_row_, created_at_end_) = created_place;
    if (chunk.first_number != 0 && begin < end) {
      NumberRange const range{NumberSource::at(chunk.first_number, (begin - chunk.first_ordinal) * chunk.per_row),
                              NumberSource::at(chunk.first_number, (end - chunk.first_ordinal) * chunk.per_row - 1)};
      kind_.read_recorded(tx, facts_, {&range, 1}, *arena_, changes_);
      add_rows(chunk, changes_.cbegin(), changes_.cend());
    }
    take_created(tx, begin);
  });
  below_ = begin;
}

// Marks the rows that made members, from this ordinal on, and adds those of them that changed nothing else. Rows and
// ordinals of a job that makes members have the same order.
void RevertFeed::take_created(sql::Tx& tx, std::int64_t from_ordinal) {
  auto const changed = static_cast<std::ptrdiff_t>(loaded_.size());
  auto by_ordinal = [](Loaded const& l, std::int64_t ordinal) { return l.recorded.ordinal < ordinal; };
  while (true) {
    if (created_.empty() && !created_at_end_) {
      created_ = created_rows_below(tx, community_, job_, created_below_row_, below_, kCreatedAtOnce);
      created_at_end_ = created_.size() < static_cast<std::size_t>(kCreatedAtOnce);
      if (!created_.empty()) created_below_row_ = created_.back().row;
      std::reverse(created_.begin(), created_.end());
    }
    if (created_.empty() || created_.back().ordinal < from_ordinal) break;
    CreatedRow const made = created_.back();
    created_.pop_back();
    auto const found = std::lower_bound(loaded_.begin(), loaded_.begin() + changed, made.ordinal, by_ordinal);
    if (found != loaded_.begin() + changed && found->recorded.ordinal == made.ordinal)
      found->recorded.created = true;
    else
      loaded_.push_back({made.row, {made.ordinal, made.member, true, false, {}}});
  }
  if (static_cast<std::ptrdiff_t>(loaded_.size()) > changed)
    std::sort(loaded_.begin(), loaded_.end(), [](Loaded const& a, Loaded const& b) { return a.recorded.ordinal < b.recorded.ordinal; });
}

Job lock_original(sql::Tx& tx, Job const& reversing, api::CsvPosition at) {
  auto original = lock_job(tx, reversing.community, *reversing.revert_of);
  if (!original) broken("the job that is to be reversed is gone");
  if (reversing.dry_run) return std::move(*original);
  if (original->status != "reverting" || original->reverted_by != reversing.number)
    broken("this reversal is not the one that is under way");
  if (original->revert_below.value_or(original->counters.processed()) != at.offset) broken("the rows of this chunk were reversed before");
  return std::move(*original);
}

void keep_reversed(sql::Tx& tx, Job& original, std::span<InputRow const> rows, std::vector<RowOutcome> const& outcomes,
                   api::CsvPosition end, TimeMs now) {
  std::vector<Conflict> refused;
  std::vector<std::int64_t> settled;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    auto const& recorded = *rows[i].recorded;
    bool const failed = outcomes[i].status == RowStatus::failed;
    if (failed && !recorded.is_conflict) refused.push_back({recorded.ordinal, rows[i].row});
    if (!failed && recorded.is_conflict) settled.push_back(recorded.ordinal);
    original.reverted_rows += failed ? 0 : 1;
  }
  add_conflicts(tx, original.community, original.number, refused);
  if (remove_conflicts(tx, original.community, original.number, settled) != static_cast<std::int64_t>(settled.size()))
    broken("refused rows of this chunk were reversed before");
  original.conflicts += static_cast<std::int64_t>(refused.size()) - static_cast<std::int64_t>(settled.size());
  original.revert_below = end.offset;
  original.updated_at = now;
  update_reversal(tx, original);
}

void end_reversal(sql::Tx& tx, Job const& reversing) {
  if (!reversing.revert_of || reversing.dry_run) return;
  auto original = lock_job(tx, reversing.community, *reversing.revert_of);
  if (!original || original->status != "reverting" || original->reverted_by != reversing.number) return;
  original->status = reversing.status == "completed" ? "reverted" : std::exchange(original->former_status, {});
  original->updated_at = reversing.updated_at;
  update_reversal(tx, *original);
}

}  // namespace fealty::jobs
