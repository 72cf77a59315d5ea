#include "members/bulk_kinds.h"

#include <charconv>
#include <map>

#include "api/csv_cell.h"
#include "base/text.h"
#include "members/bulk_session.h"
#include "members/revert_session.h"

namespace fealty::members {
namespace {

struct FlavourFacts {
  BulkFlavour flavour;
  std::string_view type, path, queued_message, template_name;
};
constexpr FlavourFacts kFlavours[] = {
    {BulkFlavour::update, "bulk_update", "/users/bulk-update", "Bulk update user process is queued", "update"},
    {BulkFlavour::premium, "bulk_update_premium_currency", "/users/bulk-update-premium-currency",
     "Bulk update premium currency process is queued", "premium"},
    {BulkFlavour::import, "bulk_import", "/users/bulk-import", "Bulk import user process is queued", "import"}};

class MemberBulkKind final : public jobs::BulkKind {
 public:
  MemberBulkKind(FlavourFacts const& facts, sql::Database& database, NumberSource& numbers, std::string scratch_folder)
      : facts_(facts), database_(database), numbers_(numbers), scratch_folder_(std::move(scratch_folder)) {}

  std::string_view type() const override { return facts_.type; }
  std::string_view path() const override { return facts_.path; }
  std::string_view queued_message() const override { return facts_.queued_message; }
  std::string_view template_name() const override { return facts_.template_name; }
  std::vector<api::Permission> permissions() const override {
    if (facts_.flavour == BulkFlavour::import) return {api::Permission::bulk_update_user, api::Permission::create_user};
    return {api::Permission::bulk_update_user};
  }

  std::vector<std::string> known_columns(sql::Tx& tx, CommunityNo community) const override {
    return members::known_columns(facts_.flavour, load_catalogue(tx, community));
  }
  Result<std::vector<jobs::Column>> bind(sql::Tx& tx, CommunityNo community, std::span<std::string const> header,
                                         bool creates_only) const override {
    return bind_columns(facts_.flavour, load_catalogue(tx, community), header, creates_only);
  }
  std::vector<std::string> template_header(sql::Tx& tx, CommunityNo community) const override {
    return template_columns(facts_.flavour, load_catalogue(tx, community));
  }
  std::vector<std::string> template_example(std::span<std::string const> header) const override;

  std::vector<jobs::ColumnUse> column_uses(sql::Tx& tx, jobs::JobFacts const& job) const override {
    auto const bound = resolve_columns(job.columns, load_catalogue(tx, job.community));
    std::vector<jobs::ColumnUse> uses(bound.columns.size());
    for (std::size_t c = 0; c < uses.size(); ++c) {
      if (bound.columns[c].role != BoundColumn::Role::value || bound.columns[c].removed) continue;
      Slot const& slot = bound.slots[bound.columns[c].slot];
      uses[c].numeric = slot.kind == Slot::Kind::currency || slot.value_kind == ValueKind::decimal;
      uses[c].multi_line = slot.value_kind == ValueKind::multi_line;
    }
    return uses;
  }

  void create_source(sql::Tx& tx, jobs::JobFacts const& job, std::string const& label, access::Actor const& actor,
                     TimeMs now) const override {
    ledger::create_source(tx, job.community, job.source, {"bulk", job.id.to_string(), label, "", actor}, now);
  }
  std::unique_ptr<jobs::BulkSession> open(jobs::JobFacts const& job) const override {
    return std::make_unique<MemberBulkSession>(facts_.flavour, job, database_, numbers_, scratch_folder_);
  }
  // An import's rows name people whom earlier rows may have made, and a dry run remembers what earlier rows imagined.
  bool looks_ahead(jobs::JobFacts const& job) const override { return !job.dry_run; }
  // An import's rows share the names that they take, and a row that gives away an identifier lets a later one take it.
  bool rows_are_independent(sql::Tx& tx, jobs::JobFacts const& job) const override {
    if (facts_.flavour == BulkFlavour::import) return false;
    auto const bound = resolve_columns(job.columns, load_catalogue(tx, job.community));
    return std::none_of(bound.slots.begin(), bound.slots.end(), [](Slot const& s) { return s.identifier; });
  }
  std::vector<jobs::RowChanges> read_changes(sql::Tx& tx, jobs::JobFacts const& job, std::span<jobs::RowNumbers const> rows) const override;
  void changed_rows(sql::Tx& tx, jobs::JobFacts const& job, std::int64_t first_number, std::int64_t last_number,
                    std::function<void(std::int64_t)> const& on_row) const override {
    ledger::entry_rows(tx, job.community, job.source, {first_number}, {last_number}, on_row);
    history_rows(tx, job.community, job.source, first_number, last_number, on_row);
  }
  std::vector<jobs::RowKey> read_keys(sql::Tx& tx, jobs::JobFacts const& job, std::span<jobs::InputRow const> rows) const override;

  // The original's id, and the reversing job as the leg: a job that is reversed in several goes has a source for each. With
  // the row and the currency they name the one entry that a reversing entry takes back.
  void create_reversal_source(sql::Tx& tx, jobs::ReversalFacts const& facts, std::string const& label, std::string const& reason,
                              access::Actor const& actor, TimeMs now) const override {
    ledger::create_source(tx, facts.job.community, facts.job.source, {"revert", facts.original.id.to_string(), label, reason, actor}, now,
                          facts.job.id.to_string());
  }
  std::unique_ptr<jobs::BulkSession> open_reversal(jobs::ReversalFacts const& facts) const override {
    return std::make_unique<RevertSession>(facts, numbers_, scratch_folder_);
  }
  void read_recorded(sql::Tx& tx, jobs::JobFacts const& job, std::span<jobs::NumberRange const> ranges, std::pmr::memory_resource& arena,
                     std::vector<jobs::RecordedChange>& out) const override {
    members::read_recorded(tx, job, ranges, arena, out);
  }
  std::vector<jobs::RowKey> read_people(sql::Tx& tx, CommunityNo community, std::span<MemberNo const> people) const override {
    return members::read_people(tx, community, people);
  }

 private:
  FlavourFacts facts_;
  sql::Database& database_;
  NumberSource& numbers_;
  std::string scratch_folder_;
};

std::vector<std::string> MemberBulkKind::template_example(std::span<std::string const> header) const {
  static std::map<std::string, std::string, std::less<>> const kExample{{"Email", "ana@example.org"},
                                                                        {"First Name", "Ana"},
                                                                        {"Last Name", "Silva"},
                                                                        {"Display Name", "Ana"},
                                                                        {"Username", "ana"},
                                                                        {"Phone", "+65 6123 4567"},
                                                                        {"Country", "SG"},
                                                                        {"Language", "English"},
                                                                        {"XP", "100"},
                                                                        {"XP_op", "add"},
                                                                        {"Coins", "50"},
                                                                        {"Coins_op", "add"},
                                                                        {"Premium Currency", "5"},
                                                                        {"Premium Currency_op", "add"}};
  std::vector<std::string> row;
  for (auto const& column : header) {
    auto const found = kExample.find(column);
    row.push_back(found == kExample.end() ? "" : found->second);
  }
  return row;
}

std::vector<jobs::RowChanges> MemberBulkKind::read_changes(sql::Tx& tx, jobs::JobFacts const& job,
                                                           std::span<jobs::RowNumbers const> rows) const {
  Catalogue const catalogue = load_catalogue(tx, job.community);
  auto const bound = resolve_columns(job.columns, catalogue);
  auto slot_for = [&](auto const& fits) -> Slot const* {
    auto const found = std::find_if(bound.slots.begin(), bound.slots.end(), fits);
    return found == bound.slots.end() ? nullptr : &*found;
  };
  // Entries and history items share one series of numbers: by row and number they stand in the order of the columns.
  std::map<std::pair<std::int64_t, std::int64_t>, std::pair<MemberNo, std::string>> by_number;
  auto open = [&](std::int64_t row, std::int64_t number, MemberNo member) -> std::string& {
    return by_number.try_emplace({row, number}, member, "").first->second.second;
  };
  std::vector<ledger::EntryRange> ranges;
  ranges.reserve(rows.size());
  for (auto const& r : rows) ranges.push_back({r.row, {r.first}, {r.last}});
  for (auto const& entry : ledger::read_entries(tx, job.community, job.source, ranges)) {
    auto const* slot = slot_for([&](Slot const& s) { return s.kind == Slot::Kind::currency && s.currency.number == entry.currency; });
    if (slot == nullptr) continue;
    Decimal const operand = entry.op == ledger::Operator::add        ? entry.amount
                            : entry.op == ledger::Operator::subtract ? -entry.amount
                                                                     : entry.balance_after;
    write_change(open(entry.source_row, entry.number.value, entry.member), *slot, catalogue, entry.op, operand,
                 Value::of(Decimal{entry.balance_after.micros - entry.amount.micros}), Value::of(entry.balance_after), entry.id());
  }
  auto value = [](std::optional<std::int64_t> number, std::optional<std::string> const& text) {
    return number ? Value{true, true, *number, {}} : text ? Value::of(*text) : Value::none();
  };
  for (auto const& item : read_history(tx, job.community, job.source, rows)) {
    auto const* slot = slot_for([&](Slot const& s) { return s.kind != Slot::Kind::currency && s.field == item.field; });
    if (slot == nullptr) continue;  // the field was removed: its history is hidden
    std::optional<Decimal> const operand = item.operand ? std::optional(Decimal{*item.operand}) : std::nullopt;
    write_change(open(item.source_row, item.number.value, item.member), *slot, catalogue, item.op, operand,
                 value(item.before_number, item.before_text), value(item.after_number, item.after_text),
                 PublicId::of(item.number.value, NumberSource::time_of(item.number.value)));
  }
  std::vector<jobs::RowChanges> out;
  for (auto const& [place, change] : by_number) {
    bool const same_row = !out.empty() && out.back().row == place.first;
    if (!same_row) out.push_back({place.first, change.first, "["});
    out.back().changes += (same_row ? "," : "") + change.second;
  }
  for (auto& row : out) row.changes += ']';
  return out;
}

std::vector<jobs::RowKey> MemberBulkKind::read_keys(sql::Tx& tx, jobs::JobFacts const& job, std::span<jobs::InputRow const> rows) const {
  auto const bound = resolve_columns(job.columns, {});
  std::vector<jobs::RowKey> out(rows.size());
  std::vector<std::string> emails(rows.size()), usernames(rows.size()), references(rows.size());
  std::string scratch;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].right_width) continue;
    for (std::size_t c = 0; c < bound.columns.size(); ++c) {
      auto const role = bound.columns[c].role;
      if (role == BoundColumn::Role::ignored || role == BoundColumn::Role::value || role == BoundColumn::Role::op) continue;
      // In an import the username is a wish, not a key.
      if (role == BoundColumn::Role::username && facts_.flavour == BulkFlavour::import) continue;
      auto const text = api::clean(rows[i].cells[c], false, scratch).text;
      if (text.empty()) continue;
      if (out[i].key.empty()) out[i].key = text;
      (role == BoundColumn::Role::email ? emails : role == BoundColumn::Role::user_id ? references : usernames)[i] = text;
    }
  }
  // Only accounts that are members here may be shown.
  std::vector<std::pair<std::size_t, Account>> found;
  auto look_up = [&](std::vector<std::string> const& texts, auto find) {
    std::vector<std::string> keys;
    std::vector<std::size_t> at;
    for (std::size_t i = 0; i < texts.size(); ++i)
      if (!texts[i].empty()) keys.push_back(fold_case(texts[i])), at.push_back(i);
    std::vector<std::string_view> views(keys.begin(), keys.end());
    find(tx, views, [&](std::size_t i, Account a) { found.emplace_back(at[i], std::move(a)); });
  };
  look_up(emails, find_accounts_by_email);
  look_up(usernames, find_accounts_by_username);
  std::vector<MemberNo> numbers;
  std::vector<std::size_t> at;
  for (std::size_t i = 0; i < references.size(); ++i) {
    std::int64_t number = 0;
    auto const* const end = references[i].data() + references[i].size();
    if (auto const id = PublicId::parse(references[i]))
      number = id->number;
    else if (std::from_chars(references[i].data(), end, number).ptr != end)
      continue;
    if (number > 0) numbers.push_back({number}), at.push_back(i);
  }
  find_accounts_by_number(tx, numbers, [&](std::size_t i, Account a) {
    if (PublicId::parse(references[at[i]]) && references[at[i]] != a.id().to_string()) return;
    found.emplace_back(at[i], std::move(a));
  });

  std::vector<MemberNo> members;
  for (auto const& [row, account] : found) members.push_back(account.number);
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  auto const present = members_of(tx, job.community, members);
  for (auto& [row, account] : found) {
    if (out[row].member || !std::binary_search(present.begin(), present.end(), account.number)) continue;
    out[row].member = account.number;
    out[row].email = std::move(account.email);
  }
  return out;
}

}  // namespace

std::vector<std::unique_ptr<jobs::BulkKind>> bulk_kinds(sql::Database& database, NumberSource& numbers, std::string const& scratch_folder) {
  std::vector<std::unique_ptr<jobs::BulkKind>> kinds;
  for (auto const& facts : kFlavours) kinds.push_back(std::make_unique<MemberBulkKind>(facts, database, numbers, scratch_folder));
  return kinds;
}

}  // namespace fealty::members
