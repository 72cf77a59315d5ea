#include "api/csv_cell.h"
#include "base/text.h"
#include "jobs/bulk_service.h"
#include "jobs/bulk_store.h"

namespace fealty::jobs {
struct StoredErrors {
  std::vector<RowError> errors;
};
}  // namespace fealty::jobs
FEALTY_SCHEMA(fealty::jobs::StoredErrors, field<&fealty::jobs::StoredErrors::errors>("errors", ""))

namespace fealty::jobs {
namespace {

constexpr unsigned bit(RowStatus s) { return 1u << static_cast<int>(s); }
constexpr unsigned kInKeptRows = bit(RowStatus::created) | bit(RowStatus::failed);
// Records that are read and thrown away before the asked rows of one chunk.
constexpr std::size_t kRowsAtOnce = 10'000;

std::vector<RowError> decode_errors(std::string const& json) {
  StoredErrors stored;
  std::vector<Issue> ignored;
  api::from_json("{\"errors\":" + json + "}", stored, ignored);
  return std::move(stored.errors);
}

// Records copied out of the reader, so that several can be looked at together.
struct Rows {
  std::unique_ptr<std::pmr::monotonic_buffer_resource> arena = std::make_unique<std::pmr::monotonic_buffer_resource>();
  std::vector<InputRow> rows;

  void add(InputRow const& row) { rows.push_back(keep_row(row, *arena)); }
};

class DetailsReader {
 public:
  DetailsReader(BulkParts const& parts, Job const& job, DetailsQuery const& query, unsigned statuses)
      : parts_(parts), job_(job), kind_(parts.kind(job.type)), query_(query), statuses_(statuses), facts_(job.facts()) {}

  std::vector<RowDetail> read() {
    if (query_.key) return read_by_scan(0, query_.after_row.value_or(0), (query_.page - 1) * query_.limit);
    bool const all_kept = job_.dry_run && !(statuses_ & bit(RowStatus::not_processed));
    if (statuses_ != 0 && (all_kept || (statuses_ & ~kInKeptRows) == 0)) return read_kept();
    // What was not processed lies behind the cursor.
    std::int64_t const from = statuses_ == bit(RowStatus::not_processed) ? job_.next.row : 0;
    if (statuses_ != 0) return read_by_scan(from, query_.after_row.value_or(0), (query_.page - 1) * query_.limit);
    if (query_.after_row) return read_by_scan(0, *query_.after_row, 0);
    return read_page();
  }

 private:
  // Rows that have records of their own: found by an index, read at their places in the file.
  std::vector<RowDetail> read_kept() {
    auto const kept = parts_.database.read([&](sql::Tx& tx) {
      return kept_rows_with_status(tx, job_.community, job_.number, statuses_, query_.after_row.value_or(0), query_.limit,
                                   query_.after_row ? 0 : (query_.page - 1) * query_.limit);
    });
    Rows rows;
    for (auto const& k : kept) {
      RowReader reader(parts_.files, job_, parts_.limits, {k.file_offset, k.row, k.line});
      RowReader::Record record;
      if (reader.next(record)) rows.add(record.row);
    }
    // The rows may lie far apart: what lies between them is not read.
    std::vector<RowChanges> changes;
    std::vector<RowKey> keys;
    parts_.database.read([&](sql::Tx& tx) {
      changes.clear();
      for (auto const& k : kept) {
        if (job_.dry_run || k.status != RowStatus::created) continue;
        auto of_row = changes_between(tx, k.row, k.row, std::nullopt);
        std::move(of_row.begin(), of_row.end(), std::back_inserter(changes));
      }
      keys = kind_.read_keys(tx, facts_, rows.rows);
    });
    return details_of(rows.rows, kept, changes, keys);
  }

  // One page of all rows: the chunk that holds its first row is known, so any page costs the same.
  std::vector<RowDetail> read_page() {
    std::int64_t const ordinal = (query_.page - 1) * query_.limit;
    auto const processed = job_.counters.processed();
    if (ordinal >= processed) {
      if (!job_.is_final() || ordinal >= job_.total) return {};
      return read_by_scan(job_.next.row, 0, ordinal - processed);
    }
    auto const chunk = parts_.database.read([&](sql::Tx& tx) { return chunk_with_ordinal(tx, job_.community, job_.number, ordinal); });
    if (!chunk) return {};
    return read_by_scan(chunk->first_row, 0, ordinal - chunk->rows_before);
  }

  // Walks chunk by chunk from `from_row` on, skips `skip` rows that fit, and gives up to a page of those that fit.
  std::vector<RowDetail> read_by_scan(std::int64_t from_row, std::int64_t after_row, std::int64_t skip) {
    std::vector<RowDetail> out;
    std::int64_t at = std::max(from_row, after_row + 1);
    while (static_cast<std::int64_t>(out.size()) < query_.limit) {
      auto const chunk = parts_.database.read([&](sql::Tx& tx) { return chunk_from_row(tx, job_.community, job_.number, at); });
      bool const tail = !chunk || chunk->first_row >= job_.next.row;
      if (tail && !job_.is_final()) break;
      api::CsvPosition const begin = tail ? job_.next : api::CsvPosition{chunk->file_offset, chunk->first_row, chunk->line};
      RowReader reader(parts_.files, job_, parts_.limits, begin);
      RowReader::Record record;
      Rows batch;
      bool more = false;
      std::int64_t last_seen = at;
      // Without a filter every row fits: the ones to skip need not be described.
      bool const unfiltered = statuses_ == 0 && !query_.key;
      while ((more = reader.next(record))) {
        if (!tail && record.row.row > chunk->last_row) break;
        last_seen = record.row.row;
        if (record.blank || record.row.row < at || record.row.row <= after_row) continue;
        if (unfiltered && skip > 0) {
          --skip;
          continue;
        }
        if (query_.key && !names_key(record.row)) continue;
        batch.add(record.row);
        bool const enough = unfiltered && static_cast<std::int64_t>(out.size() + batch.rows.size()) >= query_.limit;
        if (enough || batch.rows.size() >= kRowsAtOnce) break;
      }
      for (auto& detail : describe(batch.rows, tail ? std::nullopt : chunk)) {
        if (static_cast<std::int64_t>(out.size()) >= query_.limit) break;
        if (!fits(detail)) continue;
        if (!unfiltered && skip > 0) {
          --skip;
          continue;
        }
        out.push_back(std::move(detail));
      }
      if (tail && !more) break;
      at = (!tail && (!more || record.row.row > chunk->last_row)) ? chunk->last_row + 1 : last_seen + 1;
    }
    return out;
  }

  bool fits(RowDetail const& d) const {
    if (statuses_ == 0) return true;
    for (auto const s : {RowStatus::updated, RowStatus::unchanged, RowStatus::created, RowStatus::failed, RowStatus::not_processed})
      if (statuses_ & bit(s) && d.status == to_string(s)) return true;
    return false;
  }

  // Whether a key cell of the row holds the asked key; e-mails and usernames are compared without case.
  bool names_key(InputRow const& row) const {
    auto const wanted = fold_case(trim_blanks(*query_.key));
    std::string scratch;
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      auto const& target = job_.columns[c].target;
      if (target != "email" && target != "user_id" && target != "username") continue;
      if (fold_case(api::clean(row.cells[c], false, scratch).text) == wanted) return true;
    }
    return false;
  }

  // Outcomes of records: kept rows say theirs, changed ones stand in ledger and history, the others changed nothing.
  std::vector<RowDetail> describe(std::vector<InputRow> const& rows, std::optional<Chunk> const& chunk) {
    if (rows.empty()) return {};
    std::int64_t const first = rows.front().row, last = rows.back().row;
    std::vector<KeptRow> kept;
    std::vector<RowChanges> changes;
    std::vector<RowKey> keys;
    parts_.database.read([&](sql::Tx& tx) {
      kept = kept_rows(tx, job_.community, job_.number, first, last);
      if (!job_.dry_run) changes = changes_between(tx, first, last, chunk);
      keys = kind_.read_keys(tx, facts_, rows);
    });
    return details_of(rows, kept, changes, keys);
  }

  // `kept` and `changes` by row.
  std::vector<RowDetail> details_of(std::vector<InputRow> const& rows, std::vector<KeptRow> const& kept,
                                    std::vector<RowChanges> const& changes, std::vector<RowKey> const& keys) const {
    std::vector<RowDetail> out;
    std::size_t k = 0, c = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      RowDetail d;
      d.row = rows[i].row;
      d.line = rows[i].line;
      d.key = keys[i].key;
      if (keys[i].member) {
        d.email = keys[i].email;
        d.user_id = std::to_string(keys[i].member.value);
      }
      while (k < kept.size() && kept[k].row < d.row) ++k;
      while (c < changes.size() && changes[c].row < d.row) ++c;
      RowStatus status = d.row >= job_.next.row ? RowStatus::not_processed : RowStatus::unchanged;
      if (c < changes.size() && changes[c].row == d.row) {
        status = RowStatus::updated;
        d.changes.text = changes[c].changes;
      }
      if (k < kept.size() && kept[k].row == d.row) {
        status = kept[k].status;
        if (kept[k].errors != "[]") d.errors = decode_errors(kept[k].errors);
        if (kept[k].changes != "[]") d.changes.text = kept[k].changes;
      }
      d.status = to_string(status);
      out.push_back(std::move(d));
    }
    return out;
  }

  std::vector<RowChanges> changes_between(sql::Tx& tx, std::int64_t first, std::int64_t last, std::optional<Chunk> const& chunk) {
    if (chunk && chunk->last_row >= last) return kind_.read_changes(tx, facts_, chunk->numbers, first, last);
    std::vector<RowChanges> all;
    for (std::int64_t at = first; at <= last;) {
      auto const next = chunk_from_row(tx, job_.community, job_.number, at);
      if (!next || next->first_row > last) break;
      auto part = kind_.read_changes(tx, facts_, next->numbers, first, last);
      std::move(part.begin(), part.end(), std::back_inserter(all));
      at = next->last_row + 1;
    }
    return all;
  }

  BulkParts const& parts_;
  Job const& job_;
  BulkKind const& kind_;
  DetailsQuery const& query_;
  unsigned statuses_;
  JobFacts facts_;
};

}  // namespace

std::vector<RowDetail> read_row_details(BulkParts const& parts, Job const& job, DetailsQuery const& query, unsigned statuses) {
  return DetailsReader(parts, job, query, statuses).read();
}

}  // namespace fealty::jobs
