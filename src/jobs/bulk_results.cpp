#include "api/csv_cell.h"
#include "base/text.h"
#include "jobs/bulk_service.h"
#include "jobs/bulk_store.h"
#include "jobs/row_index.h"
#include "jobs/work_list.h"

namespace fealty::jobs {
struct StoredErrors {
  std::vector<RowError> errors;
};
}  // namespace fealty::jobs
FEALTY_SCHEMA(fealty::jobs::StoredErrors, field<&fealty::jobs::StoredErrors::errors>("errors", ""))

namespace fealty::jobs {

std::vector<RowError> decode_errors(std::string const& json) {
  StoredErrors stored;
  std::vector<Issue> ignored;
  api::from_json("{\"errors\":" + json + "}", stored, ignored);
  return std::move(stored.errors);
}

namespace {

constexpr unsigned bit(RowStatus s) { return 1u << static_cast<int>(s); }
constexpr unsigned kInKeptRows = bit(RowStatus::created) | bit(RowStatus::failed);
// Rows that are looked at together where a filter needs their outcomes.
constexpr std::size_t kRowsAtOnce = 2'000;

class DetailsReader {
 public:
  DetailsReader(BulkParts const& parts, Job const& job, DetailsQuery const& query, unsigned statuses)
      : parts_(parts),
        job_(job),
        kind_(parts.kind(job.type)),
        query_(query),
        statuses_(statuses),
        facts_(job.facts()),
        index_(parts.files, job, parts.limits),
        order_(parts.files, job),
        chunks_(parts.database.read([&](sql::Tx& tx) { return list_chunks(tx, job.community, job.number); })) {}

  std::vector<RowDetail> read() {
    bool const all_kept = job_.dry_run && !(statuses_ & bit(RowStatus::not_processed));
    if (!query_.key && statuses_ != 0 && (all_kept || (statuses_ & ~kInKeptRows) == 0)) return read_kept();
    return read_by_scan();
  }

 private:
  struct Found {
    std::int64_t position;
    InputRow row;
  };
  using Batch = std::vector<Found>;

  bool is_processed(std::int64_t position) const { return order_.ordinal(position) < job_.counters.processed(); }
  std::int64_t skip() const { return query_.after_row ? 0 : (query_.page - 1) * query_.limit; }

  // Rows that have records of their own: found by an index, read at their places in the file.
  std::vector<RowDetail> read_kept() {
    auto const kept = parts_.database.read([&](sql::Tx& tx) {
      return kept_rows_with_status(tx, job_.community, job_.number, statuses_, query_.after_row.value_or(0), query_.limit, skip());
    });
    std::pmr::monotonic_buffer_resource arena;
    Batch rows;
    for (auto const& k : kept) {
      auto const place = index_.before_row(k.row);
      RowReader reader(parts_.files, job_, parts_.limits, place.at);
      RowReader::Record record;
      for (std::int64_t position = place.position; reader.next(record) && record.row.row <= k.row; position += record.blank ? 0 : 1)
        if (record.row.row == k.row) rows.push_back({position, keep_row(record.row, arena)});
    }
    return describe(rows, kept);
  }

  // Rows in the order of the file that have an outcome, from the asked place on, as many as a page holds.
  std::vector<RowDetail> read_by_scan() {
    std::vector<RowDetail> out;
    std::int64_t skip_rows = skip();
    std::int64_t const after_row = query_.after_row.value_or(0);
    // Whether a row fits is known without reading it, where only its being processed decides.
    bool const by_place = !query_.key && (statuses_ == 0 || statuses_ == bit(RowStatus::not_processed));
    auto wanted = [&](std::int64_t position) {
      if (statuses_ == bit(RowStatus::not_processed)) return job_.is_final() && !is_processed(position);
      return job_.is_final() || is_processed(position);
    };
    std::int64_t position = after_row > 0 ? index_.before_row(after_row).position : 0;
    if (by_place) {
      if (statuses_ == 0 && job_.is_final())
        position += skip_rows;
      else
        for (; position < job_.total && skip_rows > 0; ++position)
          if (wanted(position)) --skip_rows;
    }
    while (static_cast<std::int64_t>(out.size()) < query_.limit && position < job_.total) {
      std::pmr::monotonic_buffer_resource arena;
      Batch batch;
      auto const place = index_.before_position(position);
      RowReader reader(parts_.files, job_, parts_.limits, place.at);
      RowReader::Record record;
      std::int64_t at = place.position;
      auto const most = by_place ? static_cast<std::size_t>(query_.limit) - out.size() : kRowsAtOnce;
      while (batch.size() < most && at < job_.total && reader.next(record)) {
        if (record.blank) continue;
        std::int64_t const here = at++;
        if (here < position || record.row.row <= after_row || !wanted(here)) continue;
        if (query_.key && !names_key(record.row)) continue;
        batch.push_back({here, keep_row(record.row, arena)});
      }
      if (at == place.position) break;  // the file is shorter than it was
      position = at;
      for (auto& detail : describe(batch, std::nullopt)) {
        if (static_cast<std::int64_t>(out.size()) >= query_.limit) break;
        if (!fits(detail)) continue;
        if (!by_place && skip_rows > 0) {
          --skip_rows;
          continue;
        }
        out.push_back(std::move(detail));
      }
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

  // Outcomes of rows that stand in the order of the file: kept rows say theirs, changed ones stand in ledger and history,
  // the others changed nothing.
  std::vector<RowDetail> describe(Batch const& batch, std::optional<std::vector<KeptRow>> const& known) {
    if (batch.empty()) return {};
    std::vector<InputRow> rows;
    for (auto const& found : batch) rows.push_back(found.row);
    std::vector<KeptRow> kept;
    std::vector<RowChanges> changes;
    std::vector<RowKey> keys;
    parts_.database.read([&](sql::Tx& tx) {
      kept = known ? *known : kept_rows(tx, job_.community, job_.number, rows.front().row, rows.back().row);
      auto const numbers = numbers_of_changed(batch, kept);
      changes = numbers.empty() ? std::vector<RowChanges>() : kind_.read_changes(tx, facts_, numbers);
      keys = kind_.read_keys(tx, facts_, rows);
    });
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
      RowStatus status = is_processed(batch[i].position) ? RowStatus::unchanged : RowStatus::not_processed;
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

  // Where the changes of those rows would lie that may have some. `kept` by row.
  std::vector<RowNumbers> numbers_of_changed(Batch const& batch, std::vector<KeptRow> const& kept) const {
    std::vector<RowNumbers> numbers;
    if (job_.dry_run) return numbers;
    std::size_t k = 0;
    for (auto const& found : batch) {
      while (k < kept.size() && kept[k].row < found.row.row) ++k;
      if (k < kept.size() && kept[k].row == found.row.row && kept[k].status == RowStatus::failed) continue;
      std::int64_t const ordinal = order_.ordinal(found.position);
      if (ordinal >= job_.counters.processed()) continue;
      if (auto const* chunk = chunk_of(ordinal); chunk && chunk->first_number != 0)
        numbers.push_back(chunk->numbers_of(found.row.row, ordinal));
    }
    return numbers;
  }

  Chunk const* chunk_of(std::int64_t ordinal) const {
    auto const after =
        std::upper_bound(chunks_.begin(), chunks_.end(), ordinal, [](std::int64_t o, Chunk const& c) { return o < c.first_ordinal; });
    if (after == chunks_.begin()) return nullptr;
    auto const& chunk = *std::prev(after);
    return ordinal < chunk.first_ordinal + chunk.rows ? &chunk : nullptr;
  }

  BulkParts const& parts_;
  Job const& job_;
  BulkKind const& kind_;
  DetailsQuery const& query_;
  unsigned statuses_;
  JobFacts facts_;
  RowIndex index_;
  RowOrder order_;
  std::vector<Chunk> chunks_;
};

}  // namespace

std::vector<RowDetail> read_row_details(BulkParts const& parts, Job const& job, DetailsQuery const& query, unsigned statuses) {
  if (job.revert_of) return read_reversal_details(parts, job, query, statuses);
  return DetailsReader(parts, job, query, statuses).read();
}

}  // namespace fealty::jobs
