#include "members/bulk_session.h"

#include <charconv>

#include "api/csv_cell.h"
#include "api/schema.h"
#include "base/text.h"
#include "base/time.h"
#include "members/removal_store.h"
#include "sql/counters.h"

namespace fealty::members {
namespace {

using jobs::RowIssue;
using jobs::RowOutcome;
using jobs::RowStatus;
using Role = BoundColumn::Role;

std::string quoted(std::string_view value) {
  constexpr std::size_t kShownMax = 100;
  std::string out(value.substr(0, kShownMax));
  while (!is_valid_utf8(out)) out.pop_back();
  return "\"" + out + (value.size() > kShownMax ? "…\"" : "\"");
}

// Short decimal id, or nothing.
std::optional<std::int64_t> short_id(std::string_view text) {
  std::int64_t number = 0;
  auto const end = text.data() + text.size();
  auto const [at, error] = std::from_chars(text.data(), end, number);
  return !text.empty() && text.front() != '-' && error == std::errc{} && at == end && number > 0 ? std::optional(number) : std::nullopt;
}

}  // namespace

// Everything that evaluating the rows of one chunk needs and fills.
struct MemberBulkSession::Evaluation {
  jobs::ApplyFrame const& frame;
  Catalogue const& catalogue;
  BoundColumns const& bound;
  MemberChanges& changes;
  MemberNo owner;
  std::vector<NewAccount> new_accounts;
  std::vector<NewMembership> new_memberships;
  std::vector<ImaginedAccount> imagined;
  // People whom earlier rows of this chunk made, by email key.
  std::unordered_map<std::string_view, MemberNo> made;
  std::unordered_map<std::string_view, MemberNo> usernames_made;
  std::vector<SlotChange> row_changes;  // of the row at hand
  std::string scratch;
};

MemberBulkSession::MemberBulkSession(BulkFlavour flavour, jobs::JobFacts job, sql::Database& database, NumberSource& numbers,
                                     std::string const& scratch_folder)
    : flavour_(flavour), job_(std::move(job)), database_(database), numbers_(numbers), keys_bound_(resolve_columns(job_.columns, {})) {
  for (std::size_t c = 0; c < keys_bound_.columns.size(); ++c)
    if (auto const role = keys_bound_.columns[c].role; role == Role::email || role == Role::user_id || role == Role::username)
      key_columns_.push_back({c, role});
  if (job_.dry_run) dry_run_.emplace(scratch_folder);
}

std::string_view MemberBulkSession::keep(std::string_view text, std::string_view cell) {
  if (std::less_equal<>()(cell.data(), text.data()) && std::less_equal<>()(text.data() + text.size(), cell.data() + cell.size()))
    return text;
  auto* const copy = static_cast<char*>(texts_->allocate(text.size() + 1, 1));
  text.copy(copy, text.size());
  return {copy, text.size()};
}

void MemberBulkSession::read_keys(std::span<jobs::InputRow const> rows) {
  texts_ = std::make_unique<std::pmr::monotonic_buffer_resource>(16 * 1024);
  keys_.assign(rows.size(), {});
  auto folded = [&](std::string_view text) {
    bool const is_folded =
        std::none_of(text.begin(), text.end(), [](char c) { return (c >= 'A' && c <= 'Z') || static_cast<signed char>(c) < 0; });
    return is_folded ? text : keep(fold_case(text));
  };
  std::string scratch;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].right_width) continue;
    RowKeys& k = keys_[i];
    for (auto const [c, role] : key_columns_) {
      auto const cell = api::clean(rows[i].cells[c], false, scratch);
      if (cell.text.empty()) continue;
      std::string const& column = job_.columns[c].name;
      if (cell.is_clear) {
        k.issues.push_back({column, "not_clearable", column + " cannot be cleared."});
      } else if (role == Role::email) {
        k.email = keep(cell.text, rows[i].cells[c]);
        if (!api::is_email(cell.text))
          k.issues.push_back({column, "invalid_email", quoted(cell.text) + " is not an e-mail address."});
        else
          k.email_key = folded(k.email);
      } else if (role == Role::user_id) {
        k.user_ref = keep(cell.text, rows[i].cells[c]);
        if (!short_id(cell.text) && !PublicId::parse(cell.text))
          k.issues.push_back({column, "invalid_user_id", quoted(cell.text) + " is not a user id."});
      } else {
        k.username = keep(cell.text, rows[i].cells[c]);
        k.username_key = folded(k.username);
      }
    }
  }
}

void MemberBulkSession::look_up(sql::Tx& tx) {
  std::vector<std::string_view> emails, usernames;
  std::vector<MemberNo> numbers;
  std::vector<std::size_t> email_row, username_row, number_row;
  emails.reserve(keys_.size());
  email_row.reserve(keys_.size());
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    auto& k = keys_[i];
    if (!k.email_key.empty()) emails.push_back(k.email_key), email_row.push_back(i);
    if (!k.username_key.empty()) usernames.push_back(k.username_key), username_row.push_back(i);
    if (k.user_ref.empty()) continue;
    if (auto const number = short_id(k.user_ref))
      k.by_user_ref = {*number};
    else if (auto const id = PublicId::parse(k.user_ref))
      numbers.push_back({id->number}), number_row.push_back(i);
  }
  bool const import = flavour_ == BulkFlavour::import;
  if (import)
    find_accounts_by_email(tx, emails, [&](std::size_t i, Account a) {
      auto& k = keys_[email_row[i]];
      k.by_email = a.number;
      accounts_by_email_.insert_or_assign(k.email_key, std::move(a));
    });
  else {
    auto const found = find_members_by_email(tx, emails);
    for (std::size_t i = 0; i < found.size(); ++i) keys_[email_row[i]].by_email = found[i];
  }
  find_accounts_by_username(tx, usernames, [&](std::size_t i, Account const& a) {
    auto& k = keys_[username_row[i]];
    k.by_username = a.number;
    if (import) usernames_taken_.insert_or_assign(k.username_key, a.number);
  });
  find_accounts_by_number(tx, numbers, [&](std::size_t i, Account const& a) {
    auto& k = keys_[number_row[i]];
    if (a.id().to_string() == k.user_ref) k.by_user_ref = a.number;
  });
}

void MemberBulkSession::look_up(std::span<jobs::InputRow> rows) {
  read_keys(rows);
  database_.read([&](sql::Tx& tx) { look_up(tx); });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& target = rows[i].target;
    for (std::size_t k = 0; k < key_columns_.size(); ++k) {
      target.named[k] = keys_[i].named_by(key_columns_[k].role).value;
      if (target.order == 0) target.order = target.named[k];
    }
    rows[i].is_looked_up = true;
  }
}

void MemberBulkSession::prepare(std::span<jobs::InputRow const> rows) {
  rows_ = rows;
  accounts_by_email_.clear();
  usernames_taken_.clear();
  new_numbers_.clear();
  usernames_free_.clear();
  read_keys(rows);
  if (!rows.empty() && rows.front().is_looked_up) {
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t k = 0; k < key_columns_.size(); ++k) keys_[i].named_by(key_columns_[k].role) = {rows[i].target.named[k]};
    return;
  }
  database_.read([&](sql::Tx& tx) { look_up(tx); });
  if (flavour_ != BulkFlavour::import) return;
  if (dry_run_) {
    std::vector<std::string> emails, usernames;
    for (auto const& k : keys_) {
      if (!k.email_key.empty()) emails.emplace_back(k.email_key);
      if (!k.username_key.empty()) usernames.emplace_back(k.username_key);
    }
    dry_run_->find_by_email(emails, [&](ImaginedAccount const& a) {
      if (a.member.value < 0)
        accounts_by_email_.insert_or_assign(keep(a.email_key), Account{a.member, AccountState::unclaimed, "", "", a.username_key, 0});
    });
    dry_run_->find_by_username(usernames, [&](ImaginedAccount const& a) {
      if (a.member.value < 0) usernames_taken_.insert_or_assign(keep(a.username_key), a.member);
    });
  }
  draw_account_numbers();
}

// An account that an earlier row makes is one that this chunk has not found.
bool MemberBulkSession::depends_on(jobs::BulkSession const& earlier) const {
  if (flavour_ != BulkFlavour::import) return false;
  auto const& keys = dynamic_cast<MemberBulkSession const&>(earlier).keys_;
  return std::any_of(keys.begin(), keys.end(),
                     [&](RowKeys const& k) { return new_numbers_.contains(k.email_key) || usernames_free_.contains(k.username_key); });
}

void MemberBulkSession::draw_account_numbers() {
  for (auto const& k : keys_)
    if (!k.username_key.empty() && !usernames_taken_.contains(k.username_key)) usernames_free_.insert(k.username_key);
  for (auto const& k : keys_)
    if (!k.email_key.empty() && !accounts_by_email_.contains(k.email_key)) new_numbers_.emplace(k.email_key, MemberNo{});
  if (new_numbers_.empty()) return;
  if (dry_run_) {
    for (auto& [key, number] : new_numbers_) number = dry_run_->next_imagined();
    return;
  }
  // In a short transaction of its own: the counter's row must not stay locked as long as a chunk takes. Numbers that a
  // refused row leaves over are never used.
  std::int64_t next =
      database_.write([&](sql::Tx& tx) { return sql::draw_numbers(tx, "account", static_cast<std::int64_t>(new_numbers_.size())); });
  // In file order, so that earlier rows get lower numbers.
  for (auto const& k : keys_)
    if (auto const found = new_numbers_.find(k.email_key); found != new_numbers_.end() && !found->second) found->second = {next++};
}

MemberNo MemberBulkSession::find_member(MemberChanges& changes, RowKeys const& k, std::vector<RowIssue>& issues) const {
  // Accounts are global: who is no member here is nobody here, or rows with two keys would tell which belong together.
  auto here = [&](MemberNo member) {
    auto const index = member ? changes.find(member) : std::nullopt;
    return index && changes.person(*index).is_member ? member : MemberNo{};
  };
  struct Named {
    std::size_t column;
    MemberNo member;
  };
  std::array<Named, 3> all_named;
  std::size_t count = 0;
  for (auto const [c, role] : key_columns_) {
    if (role == Role::email && !k.email.empty()) all_named[count++] = {c, here(k.by_email)};
    if (role == Role::user_id && !k.user_ref.empty()) all_named[count++] = {c, here(k.by_user_ref)};
    if (role == Role::username && !k.username.empty() && flavour_ != BulkFlavour::import) all_named[count++] = {c, here(k.by_username)};
  }
  std::span const named(all_named.data(), count);
  if (named.empty()) {
    std::vector<std::string> columns;
    for (auto const [c, role] : key_columns_)
      if (role != Role::username || flavour_ != BulkFlavour::import) columns.push_back(job_.columns[c].name);
    issues.push_back({columns.front(), "missing_key", "This row names no member: fill in " + join(columns, " or ") + "."});
    return {};
  }
  for (auto const& n : named) {
    if (n.member == named.front().member) continue;
    std::string const& first = job_.columns[named.front().column].name;
    std::string const& other = job_.columns[n.column].name;
    issues.push_back({other, "key_conflict", first + " and " + other + " name different members."});
    return {};
  }
  return named.front().member;
}

void MemberBulkSession::load_identifiers(MemberChanges& changes, BoundColumns const& bound) {
  if (dry_run_)
    changes.overlay_identifiers([this](Slot const& slot, std::vector<std::string> const& keys, MemberChanges::Holders& holders) {
      dry_run_->find_identifiers(slot.field, keys, [&](std::string key, MemberNo holder) { holders[std::move(key)] = holder; });
    });
  std::string scratch;
  for (std::size_t s = 0; s < bound.slots.size(); ++s) {
    if (!bound.slots[s].identifier || bound.value_column[s] == BoundColumns::npos) continue;
    std::vector<std::string> keys;
    for (auto const& row : rows_) {
      if (!row.right_width) continue;
      auto const cell = api::clean(row.cells[bound.value_column[s]], false, scratch);
      if (cell.text.empty() || cell.is_clear) continue;
      if (auto const value = read_value(bound.slots[s], cell.text, {})) keys.push_back(MemberChanges::identifier_key(*value));
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    changes.load_identifiers(s, keys);
  }
}

void MemberBulkSession::apply(sql::Tx& tx, jobs::ApplyFrame const& frame, std::vector<RowOutcome>& outcomes) {
  outcomes.clear();
  outcomes.reserve(rows_.size());
  drawn_ = {};
  std::vector<MemberNo> members;
  members.reserve(keys_.size());
  for (auto const& k : keys_) {
    if (flavour_ == BulkFlavour::import) {
      if (auto const known = accounts_by_email_.find(k.email_key); known != accounts_by_email_.end())
        members.push_back(known->second.number);
      continue;
    }
    for (MemberNo const m : {k.by_email, k.by_user_ref, k.by_username})
      if (m) members.push_back(m);
  }
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  lock_ranges(tx, members);
  Catalogue const catalogue = load_catalogue(tx, job_.community);
  BoundColumns const bound = resolve_columns(job_.columns, catalogue);
  MemberChanges changes(job_.community, catalogue, bound.slots);
  changes.load(tx, members);
  load_identifiers(changes, bound);
  if (dry_run_) dry_run_->overlay(changes, members);

  Evaluation e{frame, catalogue, bound, changes, community_owner(tx, job_.community), {}, {}, {}, {}, {}, {}, {}};
  changes.reserve(rows_.size() * bound.slots.size());
  std::int64_t failed = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    outcomes.push_back(evaluate_row(e, rows_[i], keys_[i]));
    if (outcomes.back().status != RowStatus::failed) continue;
    if (frame.failures_left && ++failed > *frame.failures_left) break;
  }
  if (dry_run_) {
    dry_run_->stage(changes, std::move(e.imagined));
    return;
  }
  std::sort(e.new_memberships.begin(), e.new_memberships.end(), [](auto const& a, auto const& b) { return a.member < b.member; });
  insert_accounts(tx, e.new_accounts, frame.now);
  lock_known_accounts(tx, e);
  // With the profile in which the chunk leaves them.
  for (auto& membership : e.new_memberships) {
    auto const index = changes.find(membership.member).value();
    for (std::size_t s = 0; s < bound.slots.size(); ++s) {
      if (bound.slots[s].kind != Slot::Kind::profile) continue;
      auto const& value = changes.state(index, s).value;
      membership.profile[static_cast<std::size_t>(bound.slots[s].field.value - 1)] =
          value.present ? std::optional(value.text) : std::nullopt;
    }
  }
  insert_memberships(tx, job_.community, e.new_memberships, frame.now);
  drawn_ = changes.write(tx, job_.source, numbers_, rows_.size());
}

// Definitions are read behind this: whoever changes one takes all ranges, so what is read holds until the chunk is committed.
void MemberBulkSession::lock_ranges(sql::Tx& tx, std::vector<MemberNo> const& members) const {
  auto touched = members;
  for (auto const& [key, number] : new_numbers_)
    if (number.value > 0) touched.push_back(number);
  std::sort(touched.begin(), touched.end());
  // The rows of those who are there are locked one by one where new ones stand between them.
  bool const all_there = touched.size() == members.size();
  ledger::lock_ranges_later(tx, job_.community, touched, all_there ? ledger::grain_of(touched) : ledger::RangeLock::shared);
}

// An account that was there when the rows were looked up may have been taken back since, with the job that made it.
void MemberBulkSession::lock_known_accounts(sql::Tx& tx, Evaluation const& e) const {
  std::vector<MemberNo> known, made;
  for (auto const& a : e.new_accounts) made.push_back(a.number);
  std::sort(made.begin(), made.end());
  for (auto const& m : e.new_memberships)
    if (!std::binary_search(made.begin(), made.end(), m.member)) known.push_back(m.member);
  if (lock_accounts(tx, known) != known.size())
    throw sql::StorageError(sql::StorageError::Kind::constraint, "an account was removed after it had been looked up");
}

void MemberBulkSession::committed() {
  if (dry_run_) dry_run_->commit();
}

RowOutcome MemberBulkSession::evaluate_row(Evaluation& e, jobs::InputRow const& row, RowKeys const& keys) {
  RowOutcome outcome;
  if (!row.right_width) {
    outcome.issues.push_back(
        {"", "column_count",
         "This row has " + std::to_string(row.cell_count) + " cells, the header has " + std::to_string(job_.columns.size()) + "."});
    return outcome;
  }
  outcome.issues = keys.issues;
  bool created = false;
  std::size_t const accounts_before = e.new_accounts.size(), memberships_before = e.new_memberships.size(),
                    imagined_before = e.imagined.size();
  auto const person = member_of_row(e, keys, row, created, outcome.issues);
  auto& changes = e.row_changes;
  changes.clear();
  evaluate_cells(e, row, person, outcome.issues, changes);
  if (person) outcome.member = e.changes.person(*person).member;

  if (!outcome.issues.empty()) {
    if (created) {
      // The row is all or nothing: the person is not made after all, and a later row may make them.
      e.made.erase(keys.email_key);
      e.usernames_made.erase(keys.username_key);
      e.new_accounts.resize(accounts_before);
      e.new_memberships.resize(memberships_before);
      e.imagined.resize(imagined_before);
      e.changes.person(*person).is_member = false;
      outcome.member = {};
    }
    return outcome;
  }
  if (dry_run_) outcome.changes = e.changes.describe(changes);
  bool const changed = e.changes.commit_row(changes);
  outcome.status = created ? RowStatus::created : changed ? RowStatus::updated : RowStatus::unchanged;
  return outcome;
}

std::optional<std::size_t> MemberBulkSession::member_of_row(Evaluation& e, RowKeys const& keys, jobs::InputRow const& row, bool& created,
                                                            std::vector<RowIssue>& issues) {
  if (!keys.issues.empty()) return std::nullopt;
  std::size_t const before = issues.size();
  MemberNo const member = find_member(e.changes, keys, issues);
  if (issues.size() != before) return std::nullopt;
  auto key_column = [&] {
    for (auto const [c, role] : key_columns_)
      if ((role == Role::email && !keys.email.empty()) || (role == Role::user_id && !keys.user_ref.empty()) ||
          (role == Role::username && !keys.username.empty()))
        return job_.columns[c].name;
    return std::string();
  };

  std::optional<std::size_t> index;
  if (flavour_ == BulkFlavour::import)
    index = person_to_import(e, keys, row, created, issues);
  else if (member)
    index = e.changes.find(member);
  if (issues.size() != before) return std::nullopt;
  if (created) return index;
  if (!index || !e.changes.person(*index).is_member) {
    issues.push_back({key_column(), "user_not_found", "No member " + std::string(keys.shown()) + " in this community."});
    return std::nullopt;
  }
  Person const& person = e.changes.person(*index);
  if (person.state == MembershipState::deleted) {
    issues.push_back({key_column(), "user_deleted",
                      "Member " + std::string(keys.shown()) + " was deleted on " + to_day(person.deleted_at.value_or(0)) +
                          "; restore the member first."});
    return std::nullopt;
  }
  if (person.state == MembershipState::invited) {
    issues.push_back({key_column(), "user_not_joined", std::string(keys.shown()) + " has not accepted the invitation yet."});
    return std::nullopt;
  }
  return index;
}

// Import: the member with this e-mail, made when there is none.
std::optional<std::size_t> MemberBulkSession::person_to_import(Evaluation& e, RowKeys const& keys, jobs::InputRow const& row, bool& created,
                                                               std::vector<RowIssue>& issues) {
  auto column_named = [&](std::string_view name) -> std::string_view {
    for (std::size_t c = 0; c < job_.columns.size(); ++c)
      if (job_.columns[c].name == name) {
        auto const cell = api::clean(row.cells[c], false, e.scratch);
        return cell.is_clear ? std::string_view() : cell.text;
      }
    return {};
  };
  auto check_username_of = [&](std::string_view username_key) {
    if (!keys.username.empty() && !username_key.empty() && keys.username_key != username_key)
      issues.push_back({"Username", "username_mismatch", "This account has another username; leave the cell empty."});
  };
  // Invited and deleted members are members, too, and so is whom an earlier row has made.
  auto const refuse_member = [&]() -> std::optional<std::size_t> {
    issues.push_back({"Email", "not_allowed_anonymous", "An import without key cannot change an existing member."});
    return std::nullopt;
  };
  auto const account = accounts_by_email_.find(keys.email_key);
  if (auto const made = e.made.find(keys.email_key); made != e.made.end()) {
    if (job_.creates_only) return refuse_member();
    if (account != accounts_by_email_.end()) check_username_of(account->second.username_key);
    for (auto const& [username, member] : e.usernames_made)
      if (member == made->second) check_username_of(username);
    return e.changes.find(made->second);
  }
  if (account != accounts_by_email_.end()) {
    Account const& a = account->second;
    auto const index = e.changes.find(a.number);
    bool const is_member = index && e.changes.person(*index).is_member;
    if (is_member && job_.creates_only) return refuse_member();
    check_username_of(a.username_key);
    if (is_member) return index;
    if (!issues.empty()) return std::nullopt;
    // A claimed account joins on its own word; until then the membership is an invitation.
    auto const state = a.state == AccountState::unclaimed ? MembershipState::active : MembershipState::invited;
    created = true;
    std::string const name(column_named("First Name"));
    return add_member(e, keys, a.number, state, name.empty() ? a.username : name, a.username_key);
  }

  std::vector<std::string> missing;
  for (auto const* name : {"First Name", "Last Name"})
    if (column_named(name).empty()) missing.emplace_back(name);
  for (auto const& name : missing) issues.push_back({name, "value_required", name + " is required for a new account."});
  if (keys.username.empty()) {
    issues.push_back({"Username", "username_required", "A new account needs a username."});
  } else if (auto const rule = username_problem(keys.username)) {
    issues.push_back({"Username", "invalid_username", quoted(keys.username) + " cannot be a username: " + *rule + "."});
  } else if (usernames_taken_.contains(keys.username_key) || e.usernames_made.contains(keys.username_key)) {
    issues.push_back({"Username", "username_taken", "Username " + std::string(keys.username) + " is in use."});
  }
  if (!issues.empty()) return std::nullopt;
  created = true;
  MemberNo const number = new_numbers_.at(keys.email_key);
  std::string display(column_named("First Name"));
  e.new_accounts.push_back(
      {number, std::string(keys.email), std::string(keys.email_key), std::string(keys.username), std::string(keys.username_key)});
  e.usernames_made.emplace(keys.username_key, number);
  return add_member(e, keys, number, MembershipState::active, std::move(display), keys.username_key);
}

std::size_t MemberBulkSession::add_member(Evaluation& e, RowKeys const& keys, MemberNo member, MembershipState state,
                                          std::string display_name, std::string_view username_key) {
  std::size_t const index = e.changes.add_new(member, state);
  // The name that the membership begins with is seen by later rows of this chunk as those of the next one read it.
  for (std::size_t s = 0; s < e.bound.slots.size(); ++s)
    if (e.bound.slots[s].kind == Slot::Kind::profile && e.bound.slots[s].field == kDisplayName)
      e.changes.state(index, s).value = Value::of(display_name);
  e.made.emplace(keys.email_key, member);
  e.imagined.push_back({std::string(keys.email_key), std::string(username_key), member, state, display_name});
  NewMembership membership{member, state, {}};
  membership.profile[static_cast<std::size_t>(kDisplayName.value - 1)] = std::move(display_name);
  e.new_memberships.push_back(std::move(membership));
  return index;
}

// Reads every cell and, when the member is known, evaluates its change; all problems are noted.
void MemberBulkSession::evaluate_cells(Evaluation& e, jobs::InputRow const& row, std::optional<std::size_t> person,
                                       std::vector<RowIssue>& issues, std::vector<SlotChange>& changes) {
  for (std::size_t s = 0; s < e.bound.slots.size(); ++s) {
    std::size_t const c = e.bound.value_column[s];
    if (c == BoundColumns::npos) continue;
    Slot const& slot = e.bound.slots[s];
    std::string const& column = job_.columns[c].name;
    bool const multi_line = slot.value_kind == ValueKind::multi_line;
    auto const cell = api::clean(row.cells[c], multi_line, e.scratch);
    if (trim_blanks(cell.text).empty() && !cell.is_clear) continue;
    if (e.bound.columns[c].removed) {
      issues.push_back({column, "field_removed", column + " was removed after the upload."});
      continue;
    }
    std::size_t const before = issues.size();
    Value operand;
    if (!cell.is_clear) {
      auto value = read_value(slot, cell.text, e.catalogue);
      if (!value)
        issues.push_back({column, value.error().code, value.error().message});
      else
        operand = std::move(*value);
    }
    ledger::Operator op = ledger::Operator::overwrite;
    if (std::size_t const oc = e.bound.op_column[s]; oc != BoundColumns::npos) {
      std::string const& op_column = job_.columns[oc].name;
      std::string op_scratch;
      auto const op_text = api::clean(row.cells[oc], false, op_scratch).text;
      if (op_text.empty()) {
        // The command is no value: it is refused for itself.
        if (!cell.is_clear) issues.push_back({op_column, "missing_operator", column + " has a value but " + op_column + " is empty."});
      } else if (auto const parsed = ledger::parse_operator(op_text)) {
        op = *parsed;
      } else {
        issues.push_back(
            {op_column, "invalid_operator", "Operator must be add, subtract or overwrite, in lower case; found " + quoted(op_text) + "."});
      }
    }
    if (issues.size() != before) continue;
    if (!person) {
      if (auto wrong = MemberChanges::problem_of(slot, op, operand))
        issues.push_back({column, std::move(wrong->code), std::move(wrong->message)});
      continue;
    }
    auto change =
        e.changes.evaluate({row.row, static_cast<std::size_t>(&row - rows_.data())}, *person, s, op, operand, job_.permissions, e.owner);
    if (!change)
      issues.push_back({column, change.error().code, change.error().message});
    else
      changes.push_back(std::move(*change));
  }
}

}  // namespace fealty::members
