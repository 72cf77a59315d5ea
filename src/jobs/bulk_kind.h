// What a bulk kind (update, premium, import …) gives to the bulk machine. The machine owns files, jobs, leases, chunks,
// counters and results; a kind owns the meaning of columns and rows. A new kind is one implementation in a feature room.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/audit.h"
#include "api/permission.h"
#include "base/error.h"
#include "base/id.h"
#include "base/number_source.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::jobs {

// The numbers stand in storage: append, never reorder.
enum class RowStatus : std::uint8_t { updated = 1, unchanged = 2, created = 3, failed = 4, not_processed = 5 };
std::string_view to_string(RowStatus s);

struct RowIssue {
  std::string column, code, message;
};

// One column of a job's file: its header as given, and what the kind bound it to at the upload ("xp", "field_op:12", "-").
// The binding is stored with the job, so that a field that is renamed or replaced later is never mistaken for another.
struct Column {
  std::string name;
  std::string target;
};

// How the cells of a column are read, for those who write them again.
struct ColumnUse {
  bool numeric = false;     // holds numbers: a sign at their beginning is nothing that a spreadsheet runs
  bool multi_line = false;  // blanks around the text belong to it
};

// Whom the key cells of a row name: up to three keys, in the order of their columns, 0 where a key names nobody. Rows of one
// member have the same `order`, and members that lie together in storage have neighbouring ones.
struct RowTarget {
  std::int64_t order = 0;
  std::array<std::int64_t, 3> named{};
};

// One ledger entry or history item of a row, as a reversal reads it back. Numbers are millionths, as in storage.
struct RecordedChange {
  std::int64_t number = 0, row = 0;
  MemberNo member;
  bool is_entry = false;     // of the ledger; else a history item
  std::int64_t subject = 0;  // the currency or the field
  int op = 0, entry_class = 0;
  std::optional<std::int64_t> operand, before_number, after_number;
  std::optional<std::string_view> before_text, after_text;
};

// What one row of a job did.
struct RecordedRow {
  std::int64_t ordinal = 0;
  MemberNo member;
  bool created = false;      // the row made the membership
  bool is_conflict = false;  // an earlier reversal refused it
  std::span<RecordedChange const> changes;
};

// One record as the machine read it. Cells are raw (neither trimmed nor unescaped) and as many as the job has columns;
// a record of another width has no cells and `cell_count` tells how many it had.
struct InputRow {
  std::int64_t row = 0, line = 0;
  std::size_t cell_count = 0;
  bool right_width = true;
  std::span<std::string_view const> cells;
  // Filled by look_up() when the job began, for jobs that are applied in the order of their members.
  bool is_looked_up = false;
  RowTarget target = {};
  // What the row did, where it is to be reversed: it has no cells then.
  RecordedRow const* recorded = nullptr;
};

struct RowOutcome {
  RowStatus status = RowStatus::failed;
  MemberNo member;               // none when the row's member is unknown
  std::vector<RowIssue> issues;  // of a failed row, all of them
  std::string changes;           // JSON array; filled on dry runs alone, otherwise read back from ledger and history
};

// What a session needs to know of its job.
struct JobFacts {
  CommunityNo community;
  JobNo job;
  PublicId id;
  bool dry_run = false;
  SourceNo source;
  std::vector<Column> columns;
  api::PermissionSet permissions;  // of the uploader, at the upload
  bool creates_only = false;       // nobody who is there already may be touched (anonymous_import.h)
};

// What the session of a reversing job needs to know.
struct ReversalFacts {
  JobFacts job;  // its columns are those of the original
  JobFacts original;
  TimeMs original_started_at = 0;
  std::vector<SourceNo> sources;  // the original's, and those of all its reversals
};

// Both ends included.
struct NumberRange {
  std::int64_t first = 0, last = -1;
};

// A block of numbers with the same share for each row: those of the chunk's i-th row are
// NumberSource::at(first, i × per_row) and the per_row − 1 after it, whether the row needs them or not. So what a row
// changed is found by its place. `first` is 0 when nothing was drawn.
struct NumbersDrawn {
  std::int64_t first = 0, per_row = 0;
};

struct ApplyFrame {
  TimeMs now = 0;
  // The row that makes failures exceed this ends the chunk: it is reported, later rows are not looked at.
  std::optional<std::int64_t> failures_left;
};

// One job on one node, used by one thread at a time.
class BulkSession {
 public:
  virtual ~BulkSession() = default;
  // Finds out whom the rows name, for jobs whose rows are independent: fills `target`.
  virtual void look_up(std::span<InputRow> rows) = 0;
  // Looks up what needs no lock, outside of the transaction. The rows stay valid until `committed`.
  virtual void prepare(std::span<InputRow const> rows) = 0;
  // Evaluates the prepared rows in order and writes their effects in the given transaction. Gives one outcome per row that
  // was looked at. May be called again for the same rows when the transaction is retried.
  virtual void apply(sql::Tx& tx, ApplyFrame const& frame, std::vector<RowOutcome>& outcomes) = 0;
  // Whether applying the rows that `earlier`, a session of the same job, has prepared may change what `prepare` found here.
  virtual bool depends_on(BulkSession const& earlier) const = 0;
  // Numbers that the last `apply` drew for its ledger entries and history items.
  virtual NumbersDrawn numbers_drawn() const = 0;
  // The transaction of the last `apply` is durable.
  virtual void committed() = 0;
};

// Where the entries and history items of one row lie, both ends included.
struct RowNumbers {
  std::int64_t row = 0, first = 0, last = -1;
};

struct RowChanges {
  std::int64_t row = 0;
  MemberNo member;
  std::string changes;  // JSON array of {field, op, value, before, after, entry_id}
};

// Whom a row names, for lists of results.
struct RowKey {
  std::string key;    // the first filled key cell
  MemberNo member;    // none when unknown
  std::string email;  // empty when unknown
};

class BulkKind {
 public:
  virtual ~BulkKind() = default;
  virtual std::string_view type() const = 0;            // "bulk_update_premium_currency"
  virtual std::string_view path() const = 0;            // "/users/bulk-update-premium-currency"
  virtual std::string_view queued_message() const = 0;  // published text of the 200 answer
  virtual std::string_view template_name() const = 0;   // "premium"
  virtual std::vector<api::Permission> permissions() const = 0;

  // Header names that this community's files may have: the delimiter is the one with which most header cells are known.
  virtual std::vector<std::string> known_columns(sql::Tx& tx, CommunityNo community) const = 0;
  // Binds a header, or reports every problem of it at once. `creates_only` as in JobFacts; such an uploader is told nothing
  // of the community's own columns.
  virtual Result<std::vector<Column>> bind(sql::Tx& tx, CommunityNo community, std::span<std::string const> header,
                                           bool creates_only) const = 0;
  // Header line of the template, and one example row.
  virtual std::vector<std::string> template_header(sql::Tx& tx, CommunityNo community) const = 0;
  virtual std::vector<std::string> template_example(std::span<std::string const> header) const = 0;

  // One item for each column of the job, as of now: a field that was removed since reads as text.
  virtual std::vector<ColumnUse> column_uses(sql::Tx& tx, JobFacts const& job) const = 0;

  // Registers the job as the source of what its rows will change, in the upload's transaction.
  virtual void create_source(sql::Tx& tx, JobFacts const& job, std::string const& label, access::Actor const& actor, TimeMs now) const = 0;
  virtual std::unique_ptr<BulkSession> open(JobFacts const& job) const = 0;
  // Whether the look-ups of a chunk hardly depend on what the chunk before it changes (BulkSession::depends_on tells when they do):
  // then they are made while that one commits, by a session of their own.
  virtual bool looks_ahead(JobFacts const& job) const = 0;
  // Whether rows of different members cannot influence each other, so that only rows of one member have to keep the order
  // of the file. Rows of such a job make no memberships: a reversal looks for those in the order of the file.
  virtual bool rows_are_independent(sql::Tx& tx, JobFacts const& job) const = 0;

  // What rows of this job changed, read back from the ledger and the histories, by row; rows that changed nothing are
  // left out. A range may hold the numbers of other rows, too.
  virtual std::vector<RowChanges> read_changes(sql::Tx& tx, JobFacts const& job, std::span<RowNumbers const> rows) const = 0;
  // Calls with the row of every change of this job whose number lies in the range; a row may come several times.
  virtual void changed_rows(sql::Tx& tx, JobFacts const& job, std::int64_t first_number, std::int64_t last_number,
                            std::function<void(std::int64_t row)> const& on_row) const = 0;
  virtual std::vector<RowKey> read_keys(sql::Tx& tx, JobFacts const& job, std::span<InputRow const> rows) const = 0;

  // Reversals. The source of what the reversing job will change, registered when that job is made.
  virtual void create_reversal_source(sql::Tx& tx, ReversalFacts const& facts, std::string const& label, std::string const& reason,
                                      access::Actor const& actor, TimeMs now) const = 0;
  // Its rows come with `recorded`, from the last to the first.
  virtual std::unique_ptr<BulkSession> open_reversal(ReversalFacts const& facts) const = 0;
  // What this job changed, by number, of all numbers in the ranges; texts lie in the arena.
  virtual void read_recorded(sql::Tx& tx, JobFacts const& job, std::span<NumberRange const> ranges, std::pmr::memory_resource& arena,
                             std::vector<RecordedChange>& out) const = 0;
  // Key (the e-mail), number and e-mail of those of these people who are members of the job's community; empty for others.
  virtual std::vector<RowKey> read_people(sql::Tx& tx, CommunityNo community, std::span<MemberNo const> people) const = 0;
};

}  // namespace fealty::jobs
