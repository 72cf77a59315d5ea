// Rows of reversing jobs, read back from the ledger, the histories and the kept rows. They have no file: their keys are read
// from the one of the job that they reverse, as long as that is kept.
#include <unordered_map>

#include "api/csv_cell.h"
#include "base/text.h"
#include "jobs/bulk_service.h"
#include "jobs/revert.h"
#include "jobs/row_index.h"

namespace fealty::jobs {
namespace {

constexpr unsigned bit(RowStatus s) { return 1u << static_cast<int>(s); }
constexpr std::int64_t kRowsAtOnce = 2'000, kRowsOfPage = 500;

class ReversalReader {
 public:
  ReversalReader(BulkParts const& parts, Job const& job, DetailsQuery const& query, unsigned statuses)
      : parts_(parts), job_(job), query_(query), statuses_(statuses), facts_(job.facts()) {
    parts.database.read([&](sql::Tx& tx) {
      auto original = find_job(tx, job.community, *job.revert_of);
      if (!original) throw MissingFile("the job that was reversed is forgotten");
      original_ = std::move(*original);
      chunks_ = list_chunks(tx, job.community, job.number);
    });
    kind_ = &parts.kind(original_.type);
  }

  // Rows from this ordinal on, some; none at the end. `at` is moved behind them.
  std::vector<RowDetail> read_on(std::int64_t& at) {
    std::vector<RowDetail> out;
    while (out.empty() && at < job_.counters.processed()) {
      std::int64_t const end = std::min(job_.counters.processed(), at + kRowsOfPage);
      auto rows = read_range(at, end);
      describe(rows, out);
      at = end;
    }
    return out;
  }

  std::vector<RowDetail> read() {
    std::vector<RowDetail> out;
    std::int64_t const done = job_.counters.processed();
    std::int64_t skip = query_.after_row ? 0 : (query_.page - 1) * query_.limit;
    std::int64_t at = 0;
    std::optional<std::vector<std::int64_t>> only;  // ordinals of the rows that name the asked key
    if (query_.key) only = ordinals_of_key();
    if (query_.after_row) {
      auto const found = ordinals_of({*query_.after_row});
      if (found.empty()) return out;
      at = found.front() + 1;
    }
    if (!only && statuses_ == 0) at += std::exchange(skip, 0);
    while (at < done && static_cast<std::int64_t>(out.size()) < query_.limit) {
      std::int64_t end = std::min(done, at + (only || statuses_ != 0 ? kRowsAtOnce : query_.limit - static_cast<std::int64_t>(out.size())));
      if (only) {
        auto const next = std::lower_bound(only->begin(), only->end(), at);
        if (next == only->end()) break;
        at = *next;
        end = at + 1;
      }
      auto rows = read_range(at, end);
      auto const skipped = std::min(skip, static_cast<std::int64_t>(rows.size()));
      rows.erase(rows.begin(), rows.begin() + skipped);
      skip -= skipped;
      if (auto const room = static_cast<std::size_t>(query_.limit) - out.size(); rows.size() > room) rows.resize(room);
      describe(rows, out);
      at = end;
    }
    return out;
  }

 private:
  struct Found {
    std::int64_t ordinal = 0, row = 0;
    RowStatus status = RowStatus::unchanged;
    MemberNo member;
    std::string errors = "[]", changes = "[]";
  };

  Chunk const* chunk_of(std::int64_t ordinal) const {
    auto const after =
        std::upper_bound(chunks_.begin(), chunks_.end(), ordinal, [](std::int64_t o, Chunk const& c) { return o < c.first_ordinal; });
    return after == chunks_.begin() ? nullptr : &*std::prev(after);
  }

  // The rows with these ordinals that are asked for, in their order.
  std::vector<Found> read_range(std::int64_t begin, std::int64_t end) const {
    std::vector<Found> out;
    std::pmr::monotonic_buffer_resource arena;
    parts_.database.read([&](sql::Tx& tx) {
      for (auto& kept : kept_rows_by_ordinal(tx, job_.community, job_.number, begin, end - 1))
        out.push_back({kept.ordinal, kept.row, kept.status, kept.member, std::move(kept.errors), std::move(kept.changes)});
      std::vector<RecordedChange> changes;
      std::vector<RowNumbers> numbers;
      for (std::int64_t at = begin; at < end && !job_.dry_run;) {
        auto const* chunk = chunk_of(at);
        if (chunk == nullptr || at >= chunk->first_ordinal + chunk->rows) break;
        std::int64_t const until = std::min(end, chunk->first_ordinal + chunk->rows);
        if (chunk->first_number != 0) {
          NumberRange const range{NumberSource::at(chunk->first_number, (at - chunk->first_ordinal) * chunk->per_row),
                                  NumberSource::at(chunk->first_number, (until - chunk->first_ordinal) * chunk->per_row - 1)};
          kind_->read_recorded(tx, facts_, {&range, 1}, arena, changes);
          for (auto const& c : changes) {
            if (!numbers.empty() && numbers.back().row == c.row) continue;
            std::int64_t const ordinal = chunk->first_ordinal + NumberSource::index_of(chunk->first_number, c.number) / chunk->per_row;
            numbers.push_back(chunk->numbers_of(c.row, ordinal));
            out.push_back({ordinal, c.row, RowStatus::updated, c.member});
          }
        }
        at = until;
      }
      if (!numbers.empty()) {
        std::unordered_map<std::int64_t, std::string> by_row;
        std::sort(numbers.begin(), numbers.end(), [](auto const& a, auto const& b) { return a.row < b.row; });
        for (auto& c : kind_->read_changes(tx, facts_, numbers)) by_row[c.row] = std::move(c.changes);
        for (auto& f : out)
          if (auto const found = by_row.find(f.row); f.status == RowStatus::updated && found != by_row.end())
            f.changes = std::move(found->second);
      }
    });
    std::erase_if(out, [&](Found const& f) { return statuses_ != 0 && !(statuses_ & bit(f.status)); });
    std::sort(out.begin(), out.end(), [](Found const& a, Found const& b) { return a.ordinal < b.ordinal; });
    return out;
  }

  // Their ordinals, sorted.
  std::vector<std::int64_t> ordinals_of(std::vector<std::int64_t> rows) const {
    std::vector<std::int64_t> out;
    std::sort(rows.begin(), rows.end());
    std::pmr::monotonic_buffer_resource arena;
    parts_.database.read([&](sql::Tx& tx) {
      for (auto const row : rows)
        for (auto const& kept : kept_rows(tx, job_.community, job_.number, row, row)) out.push_back(kept.ordinal);
      std::vector<RecordedChange> changes;
      for (auto const& chunk : chunks_) {
        if (out.size() >= rows.size()) break;
        if (chunk.first_number == 0) continue;
        bool any = false;
        kind_->changed_rows(tx, facts_, chunk.first_number, chunk.last_number,
                            [&](std::int64_t row) { any |= std::binary_search(rows.begin(), rows.end(), row); });
        if (!any) continue;
        NumberRange const range{chunk.first_number, chunk.last_number};
        kind_->read_recorded(tx, facts_, {&range, 1}, arena, changes);
        for (auto const& c : changes)
          if (std::binary_search(rows.begin(), rows.end(), c.row))
            out.push_back(chunk.first_ordinal + NumberSource::index_of(chunk.first_number, c.number) / chunk.per_row);
        arena.release();
      }
    });
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  std::vector<std::int64_t> ordinals_of_key() const {
    auto const wanted = fold_case(trim_blanks(*query_.key));
    std::vector<std::int64_t> rows;
    RowReader reader(parts_.files, original_, parts_.limits, original_.first);
    RowReader::Record record;
    std::string scratch;
    while (reader.next(record)) {
      if (record.blank) continue;
      for (std::size_t c = 0; c < record.row.cells.size(); ++c) {
        auto const& target = original_.columns[c].target;
        if (target != "email" && target != "user_id" && target != "username") continue;
        if (fold_case(api::clean(record.row.cells[c], false, scratch).text) != wanted) continue;
        rows.push_back(record.row.row);
        break;
      }
    }
    return rows.empty() ? rows : ordinals_of(std::move(rows));
  }

  void describe(std::vector<Found>& rows, std::vector<RowDetail>& out) {
    if (rows.empty()) return;
    std::pmr::monotonic_buffer_resource arena;
    std::vector<InputRow> cells;  // where the file still has them
    try {
      if (!index_ && !original_.file_key.empty()) index_.emplace(parts_.files, original_, parts_.limits);
      for (auto const& f : rows)
        if (index_) read_cells(f.row, cells, arena);
    } catch (MissingFile const&) {
      cells.clear();
    }
    std::vector<MemberNo> members;
    for (auto const& f : rows) members.push_back(f.member);
    std::vector<RowKey> people, keys;
    parts_.database.read([&](sql::Tx& tx) {
      people = kind_->read_people(tx, job_.community, members);
      keys = kind_->read_keys(tx, original_.facts(), cells);
    });
    for (std::size_t i = 0; i < rows.size(); ++i) {
      RowDetail d;
      d.row = rows[i].row;
      d.key = people[i].key;
      for (std::size_t k = 0; k < cells.size(); ++k) {
        if (cells[k].row != d.row) continue;
        d.line = cells[k].line;
        d.key = keys[k].key;
      }
      if (people[i].member) {
        d.email = people[i].email;
        d.user_id = std::to_string(people[i].member.value);
      }
      d.status = to_string(rows[i].status);
      if (rows[i].errors != "[]") d.errors = decode_errors(rows[i].errors);
      if (rows[i].changes != "[]") d.changes.text = std::move(rows[i].changes);
      out.push_back(std::move(d));
    }
  }

  void read_cells(std::int64_t row, std::vector<InputRow>& cells, std::pmr::memory_resource& arena) {
    RowReader reader(parts_.files, original_, parts_.limits, index_->before_row(row).at);
    RowReader::Record record;
    while (reader.next(record) && record.row.row <= row)
      if (record.row.row == row && !record.blank) cells.push_back(keep_row(record.row, arena));
  }

  BulkParts const& parts_;
  Job const& job_;
  DetailsQuery const& query_;
  unsigned statuses_;
  JobFacts facts_;
  Job original_;
  BulkKind const* kind_ = nullptr;
  std::vector<Chunk> chunks_;
  std::optional<RowIndex> index_;
};

// The rows of one job, page by page.
struct Pages {
  Pages(BulkParts const& parts, Job its_job, unsigned statuses) : job(std::move(its_job)), reader(parts, job, query, statuses) {}
  Job const job;
  DetailsQuery const query = {};
  ReversalReader reader;
  std::int64_t at = 0;
};

}  // namespace

std::function<std::vector<RowDetail>()> reversal_pages(BulkParts const& parts, Job job, unsigned statuses) {
  return [pages = std::make_shared<Pages>(parts, std::move(job), statuses)] { return pages->reader.read_on(pages->at); };
}

std::vector<RowDetail> read_reversal_details(BulkParts const& parts, Job const& job, DetailsQuery const& query, unsigned statuses) {
  return ReversalReader(parts, job, query, statuses).read();
}

}  // namespace fealty::jobs
