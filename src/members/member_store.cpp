#include "members/member_store.h"

#include <charconv>

#include "base/text.h"

namespace fealty::members {
namespace {

using sql::Batch;
using sql::Row;
using sql::Statement;
constexpr auto kInt = Batch::Type::integer;
constexpr auto kText = Batch::Type::text;

#define ACCOUNT_COLUMNS ", a.account_id, a.state, a.email, a.username, a.username_key, a.created_at "
Statement const kByEmail{"accounts.by_email",
                         "SELECT r.k" ACCOUNT_COLUMNS "FROM {rows r: k int, v text} CROSS JOIN accounts a WHERE a.email_key = r.v"};
Statement const kByUsername{"accounts.by_username",
                            "SELECT r.k" ACCOUNT_COLUMNS "FROM {rows r: k int, v text} CROSS JOIN accounts a WHERE a.username_key = r.v"};
Statement const kByNumber{"accounts.by_number",
                          "SELECT r.k" ACCOUNT_COLUMNS "FROM {rows r: k int, v int} CROSS JOIN accounts a WHERE a.account_id = r.v"};
// A single one, as most requests name: a batch of one costs twice as much.
Statement const kByOneEmail{"accounts.by_one_email", "SELECT CAST(0 AS {int})" ACCOUNT_COLUMNS "FROM accounts a WHERE a.email_key = $1"};
Statement const kByOneUsername{"accounts.by_one_username",
                               "SELECT CAST(0 AS {int})" ACCOUNT_COLUMNS "FROM accounts a WHERE a.username_key = $1"};
Statement const kByOneNumber{"accounts.by_one_number", "SELECT CAST(0 AS {int})" ACCOUNT_COLUMNS "FROM accounts a WHERE a.account_id = $1"};
#undef ACCOUNT_COLUMNS
Statement const kMemberByEmail{"accounts.number_by_email",
                               "SELECT r.k, a.account_id FROM {rows r: k int, v text} CROSS JOIN accounts a WHERE a.email_key = r.v"};
Statement const kInsertAccounts{sql::Append{}, "accounts.insert",
                                "INSERT INTO accounts (account_id, email, email_key, username, username_key, state, created_at) "
                                "SELECT r.account_id, r.email, r.email_key, r.username, r.username_key, $2, $1 "
                                "FROM {rows r: account_id int, email text, email_key text, username text, username_key text}"};
Statement const kLock{"memberships.lock",
                      "SELECT m.member_id, m.state, m.deleted_at FROM {rows r: member_id int} CROSS JOIN memberships m "
                      "WHERE m.community_id = $1 AND m.member_id = r.member_id ORDER BY m.member_id {lock m}"};
Statement const kLockProfile{
    "memberships.lock_profile",
    "SELECT m.member_id, m.state, m.deleted_at, m.first_name, m.last_name, m.display_name, m.phone, m.country, m.language "
    "FROM {rows r: member_id int} CROSS JOIN memberships m "
    "WHERE m.community_id = $1 AND m.member_id = r.member_id ORDER BY m.member_id {lock m}"};
// Many members of a narrow range are read faster by going through the range, which is locked as a whole.
Statement const kBetween{"memberships.between",
                         "SELECT m.member_id, m.state, m.deleted_at FROM memberships m WHERE m.community_id = $1 "
                         "AND m.member_id BETWEEN $2 AND $3 ORDER BY m.member_id"};
Statement const kProfileBetween{
    "memberships.profile_between",
    "SELECT m.member_id, m.state, m.deleted_at, m.first_name, m.last_name, m.display_name, m.phone, m.country, m.language "
    "FROM memberships m WHERE m.community_id = $1 AND m.member_id BETWEEN $2 AND $3 ORDER BY m.member_id"};
Statement const kPresent{"memberships.present",
                         "SELECT m.member_id FROM {rows r: member_id int} CROSS JOIN memberships m "
                         "WHERE m.community_id = $1 AND m.member_id = r.member_id AND m.state <> 4 ORDER BY m.member_id"};
Statement const kEver{"memberships.ever",
                      "SELECT m.member_id FROM {rows r: member_id int} CROSS JOIN memberships m "
                      "WHERE m.community_id = $1 AND m.member_id = r.member_id AND m.erased_at IS NULL ORDER BY m.member_id"};
Statement const kState{"memberships.state", "SELECT state FROM memberships WHERE community_id = $1 AND member_id = $2"};
Statement const kInsertMemberships{
    sql::Append{}, "memberships.insert",
    "INSERT INTO memberships (community_id, member_id, state, joined_at, first_name, last_name, display_name, phone, country, language) "
    "SELECT $1, r.m, r.s, $2, r.f, r.l, r.d, r.p, r.c, r.g "
    "FROM {rows r: m int, s int, f text, l text, d text, p text, c text, g text}"};
// The join names the order: the rows first, each member by key. (An UPDATE … FROM leaves it to the engine, and SQLite reads
// the whole community for every chunk.)
#define SET_PROFILE(column)                                                                                                  \
  {"memberships.set_" #column,                                                                                               \
   "INSERT INTO memberships (community_id, member_id, state, joined_at, " #column                                            \
   ") SELECT m.community_id, m.member_id, m.state, "                                                                         \
   "m.joined_at, r.v FROM {rows r: k int, v text} CROSS JOIN memberships m WHERE m.community_id = $1 AND m.member_id = r.k " \
   "ON CONFLICT (community_id, member_id) DO UPDATE SET " #column " = excluded." #column}
Statement const kSetProfile[] = {SET_PROFILE(first_name), SET_PROFILE(last_name), SET_PROFILE(display_name),
                                 SET_PROFILE(phone),      SET_PROFILE(country),   SET_PROFILE(language)};
#undef SET_PROFILE
struct SetStatements {
  Statement load, clear, add;
};
SetStatements const kRoles{
    {"member_roles.load",
     "SELECT s.member_id, s.role_id FROM {rows r: k int} CROSS JOIN member_roles s "
     "WHERE s.community_id = $1 AND s.member_id = r.k ORDER BY s.member_id, s.role_id"},
    {"member_roles.clear", "DELETE FROM member_roles WHERE community_id = $1 AND member_id IN (SELECT r.k FROM {rows r: k int})"},
    {"member_roles.add", "INSERT INTO member_roles (community_id, member_id, role_id) SELECT $1, r.k, r.v FROM {rows r: k int, v int}"}};
SetStatements const kTags{
    {"member_tags.load",
     "SELECT s.member_id, s.tag_id FROM {rows r: k int} CROSS JOIN member_tags s "
     "WHERE s.community_id = $1 AND s.member_id = r.k ORDER BY s.member_id, s.tag_id"},
    {"member_tags.clear", "DELETE FROM member_tags WHERE community_id = $1 AND member_id IN (SELECT r.k FROM {rows r: k int})"},
    {"member_tags.add", "INSERT INTO member_tags (community_id, member_id, tag_id) SELECT $1, r.k, r.v FROM {rows r: k int, v int}"}};
Statement const kLoadValues{"field_values.load",
                            "SELECT v.member_id, v.field_id, v.number, v.text, v.history_id FROM {rows r: k int} CROSS JOIN field_values v "
                            "WHERE v.community_id = $1 AND v.member_id = r.k"};
Statement const kLoadValuesBetween{"field_values.load_between",
                                   "SELECT v.member_id, v.field_id, v.number, v.text, v.history_id FROM field_values v "
                                   "WHERE v.community_id = $1 AND v.member_id BETWEEN $2 AND $3 ORDER BY v.member_id"};
// On SQLite a row with this key is overwritten in place, without first looking for it.
Statement const kSetValues{"field_values.set",
                           "INSERT OR REPLACE INTO field_values (community_id, member_id, field_id, number, text, history_id) "
                           "SELECT $1, r.m, r.f, r.n, r.t, r.h FROM {rows r: m int, f int, n int, t text, h int}",
                           "INSERT INTO field_values (community_id, member_id, field_id, number, text, history_id) "
                           "SELECT $1, r.m, r.f, r.n, r.t, r.h FROM {rows r: m int, f int, n int, t text, h int} WHERE true "
                           "ON CONFLICT (community_id, member_id, field_id) DO UPDATE "
                           "SET number = excluded.number, text = excluded.text, history_id = excluded.history_id"};
Statement const kUpdateValues{"field_values.update",
                              "UPDATE field_values SET number = r.n, text = r.t, history_id = r.h "
                              "FROM {rows r: m int, f int, n int, t text, h int} WHERE field_values.community_id = $1 "
                              "AND field_values.member_id BETWEEN $2 AND $3 AND field_values.member_id = r.m "
                              "AND field_values.field_id = r.f"};
Statement const kAppendHistory{
    sql::Append{}, "field_history.append",
    "INSERT INTO field_history (community_id, history_id, member_id, field_id, operator, operand, before_number, "
    "before_text, after_number, after_text, previous_id, source_id, source_row) "
    "SELECT $1, r.h, r.m, r.f, r.o, r.v, r.bn, r.bt, r.an, r.at, r.p, $2, r.s FROM {rows r: h int, m int, f int, "
    "o int, v int, bn int, bt text, an int, at text, p int, s int}"};
Statement const kReadHistory{
    "field_history.of_source",
    "SELECT h.history_id, h.member_id, h.field_id, h.operator, h.operand, h.before_number, h.before_text, h.after_number, "
    "h.after_text, h.source_row FROM {rows r: n int, f int, l int} CROSS JOIN field_history h WHERE h.community_id = $1 "
    "AND h.history_id BETWEEN r.f AND r.l AND h.source_id = $2 AND h.source_row = r.n"};
Statement const kHistoryBetween{
    "field_history.between",
    "SELECT h.history_id, h.member_id, h.field_id, h.operator, h.operand, h.before_number, h.before_text, h.after_number, "
    "h.after_text, h.source_row FROM {rows r: f int, l int} CROSS JOIN field_history h WHERE h.community_id = $1 "
    "AND h.history_id BETWEEN r.f AND r.l AND h.source_id = $2"};
Statement const kHistoryRows{"field_history.rows_of_source",
                             "SELECT source_row FROM field_history WHERE community_id = $1 AND history_id BETWEEN $3 AND $4 "
                             "AND source_id = $2"};
Statement const kFindIdentifiers{"identifiers.find",
                                 "SELECT r.k, i.member_id FROM {rows r: k int, v text} CROSS JOIN identifier_values i "
                                 "WHERE i.community_id = $1 AND i.field_id = $2 AND i.value_key = r.v"};
Statement const kRemoveIdentifiers{"identifiers.remove",
                                   "DELETE FROM identifier_values WHERE community_id = $1 AND field_id = $2 "
                                   "AND value_key IN (SELECT r.v FROM {rows r: v text})"};
Statement const kAddIdentifiers{"identifiers.add",
                                "INSERT INTO identifier_values (community_id, field_id, value_key, member_id) "
                                "SELECT $1, $2, r.v, r.m FROM {rows r: v text, m int}"};
Statement const kOwner{"communities.owner", "SELECT owner_id FROM communities WHERE community_id = $1"};

HistoryItem read_item(Row const& r) {
  HistoryItem i;
  i.number = {r.integer(0)};
  i.member = {r.integer(1)};
  i.field = {r.integer(2)};
  i.op = static_cast<ledger::Operator>(r.integer(3));
  i.operand = r.optional_integer(4);
  i.before_number = r.optional_integer(5);
  i.before_text = r.optional_string(6);
  i.after_number = r.optional_integer(7);
  i.after_text = r.optional_string(8);
  i.source_row = r.integer(9);
  return i;
}

Account read_account(Row const& r) {
  return {{r.integer(1)}, static_cast<AccountState>(r.integer(2)), r.string(3), r.string(4), r.string(5), r.integer(6)};
}

// In the order of the index: neighbours share pages. Most pairs are told apart by the eight bytes behind what all keys have
// in common, without reading the texts.
Batch sorted_keys(std::vector<std::string_view> const& keys) {
  std::size_t common = keys.front().size();
  for (auto const key : keys)
    common = static_cast<std::size_t>(
        std::mismatch(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(std::min(common, key.size())), keys.front().begin()).first -
        key.begin());
  struct Place {
    std::uint64_t head;
    std::size_t index;
  };
  std::vector<Place> order(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::uint64_t head = 0;
    for (std::size_t b = 0; b < 8; ++b)
      head = head << 8 | (common + b < keys[i].size() ? static_cast<unsigned char>(keys[i][common + b]) : 0u);
    order[i] = {head, i};
  }
  std::sort(order.begin(), order.end(),
            [&](Place const& a, Place const& b) { return a.head != b.head ? a.head < b.head : keys[a.index] < keys[b.index]; });
  Batch batch{kInt, kText};
  batch.reserve(keys.size());
  for (auto const& place : order) batch.add(static_cast<std::int64_t>(place.index), keys[place.index]);
  return batch;
}

auto giving_to(OnAccount const& on_found) {
  return [&on_found](Row const& r) { on_found(static_cast<std::size_t>(r.integer(0)), read_account(r)); };
}

void find_accounts_later(sql::Tx& tx, Statement const& one, Statement const& many, std::vector<std::string_view> const& keys,
                         OnAccount const& on_found) {
  if (keys.size() == 1) return tx.each_later(one, giving_to(on_found), keys.front());
  if (!keys.empty()) tx.each_batch_later(many, sorted_keys(keys), giving_to(on_found));
}

Batch numbers_of(std::vector<MemberNo> const& members) {
  Batch batch{kInt};
  batch.reserve(members.size());
  for (MemberNo const m : members) batch.add(m);
  return batch;
}

SetStatements const& set_statements(Slot::Kind kind) { return kind == Slot::Kind::role_set ? kRoles : kTags; }

}  // namespace

void find_accounts_by_email_later(sql::Tx& tx, std::vector<std::string_view> const& keys, OnAccount const& on_found) {
  find_accounts_later(tx, kByOneEmail, kByEmail, keys, on_found);
}
void find_accounts_by_username_later(sql::Tx& tx, std::vector<std::string_view> const& keys, OnAccount const& on_found) {
  find_accounts_later(tx, kByOneUsername, kByUsername, keys, on_found);
}
void find_accounts_by_number_later(sql::Tx& tx, std::vector<MemberNo> const& numbers, OnAccount const& on_found) {
  if (numbers.empty()) return;
  if (numbers.size() == 1) return tx.each_later(kByOneNumber, giving_to(on_found), numbers.front());
  Batch batch{kInt, kInt};
  for (std::size_t i = 0; i < numbers.size(); ++i) batch.add(static_cast<std::int64_t>(i), numbers[i]);
  tx.each_batch_later(kByNumber, batch, giving_to(on_found));
}
void find_accounts_by_email(sql::Tx& tx, std::vector<std::string_view> const& keys, OnAccount const& on_found) {
  find_accounts_by_email_later(tx, keys, on_found);
  tx.settle();
}
void find_accounts_by_username(sql::Tx& tx, std::vector<std::string_view> const& keys, OnAccount const& on_found) {
  find_accounts_by_username_later(tx, keys, on_found);
  tx.settle();
}
void find_accounts_by_number(sql::Tx& tx, std::vector<MemberNo> const& numbers, OnAccount const& on_found) {
  find_accounts_by_number_later(tx, numbers, on_found);
  tx.settle();
}
std::vector<MemberNo> find_members_by_email(sql::Tx& tx, std::vector<std::string_view> const& keys) {
  std::vector<MemberNo> found(keys.size());
  if (keys.empty()) return found;
  auto const batch = sorted_keys(keys);
  tx.each_batch(kMemberByEmail, batch, [&](Row const& r) { found[static_cast<std::size_t>(r.integer(0))] = {r.integer(1)}; });
  return found;
}
void insert_accounts(sql::Tx& tx, std::vector<NewAccount> const& accounts, TimeMs now) {
  if (accounts.empty()) return;
  Batch batch{kInt, kText, kText, kText, kText};
  batch.reserve(accounts.size());
  for (auto const& a : accounts) batch.add(a.number, a.email, a.email_key, a.username, a.username_key);
  tx.exec_batch_later(kInsertAccounts, batch, now, static_cast<std::int64_t>(AccountState::unclaimed));
}

void lock_memberships(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, bool with_profile,
                      std::function<void(Membership)> const& on_found) {
  if (members.empty()) return;
  auto read = [&](Row const& r) {
    Membership m{{r.integer(0)}, static_cast<MembershipState>(r.integer(1)), r.optional_integer(2), {}};
    if (with_profile)
      for (int i = 0; i < 6; ++i) m.profile[static_cast<std::size_t>(i)] = r.optional_string(3 + i);
    return m;
  };
  auto const grain = ledger::grain_of(members);
  ledger::lock_ranges_later(tx, community, members, grain);
  if (grain == ledger::RangeLock::whole) {
    ledger::MeantMembers meant(members);
    tx.each(
        with_profile ? kProfileBetween : kBetween,
        [&](Row const& r) {
          if (meant.contain({r.integer(0)})) on_found(read(r));
        },
        community, members.front(), members.back());
    return;
  }
  tx.each_batch(with_profile ? kLockProfile : kLock, numbers_of(members), [&](Row const& r) { on_found(read(r)); }, community);
}

std::vector<MemberNo> members_of(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& people) {
  std::vector<MemberNo> out;
  if (people.empty()) return out;
  tx.each_batch(kPresent, numbers_of(people), [&](Row const& r) { out.push_back({r.integer(0)}); }, community);
  return out;
}

std::vector<MemberNo> ever_members_of(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& people) {
  std::vector<MemberNo> out;
  if (people.empty()) return out;
  tx.each_batch(kEver, numbers_of(people), [&](Row const& r) { out.push_back({r.integer(0)}); }, community);
  return out;
}

std::optional<MembershipState> state_of(sql::Tx& tx, CommunityNo community, MemberNo member) {
  return tx.one(kState, [](Row const& r) { return static_cast<MembershipState>(r.integer(0)); }, community, member);
}

void insert_memberships(sql::Tx& tx, CommunityNo community, std::vector<NewMembership> const& memberships, TimeMs now) {
  if (memberships.empty()) return;
  Batch batch{kInt, kInt, kText, kText, kText, kText, kText, kText};
  batch.reserve(memberships.size());
  for (auto const& m : memberships) {
    auto const& p = m.profile;
    batch.add(m.member, static_cast<std::int64_t>(m.state), p[0], p[1], p[2], p[3], p[4], p[5]);
  }
  tx.exec_batch_later(kInsertMemberships, batch, community, now);
}

void update_profile(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<ProfileUpdate> const& updates) {
  Batch batch{kInt, kText};
  batch.reserve(updates.size());
  for (auto const& u : updates) {
    if (u.value.present)
      batch.add(u.member, u.value.text);
    else
      batch.add(u.member, nullptr);
  }
  tx.exec_batch(kSetProfile[field.value - 1], batch, community);
}

void load_sets(sql::Tx& tx, CommunityNo community, Slot::Kind kind, std::vector<MemberNo> const& members,
               std::function<void(MemberNo, std::string)> const& on_set) {
  if (members.empty()) return;
  MemberNo current;
  std::string set;
  tx.each_batch(
      set_statements(kind).load, numbers_of(members),
      [&](Row const& r) {
        if (r.integer(0) != current.value) {
          if (current) on_set(current, std::move(set));
          current = {r.integer(0)};
          set.clear();
        }
        if (!set.empty()) set += ',';
        set += std::to_string(r.integer(1));
      },
      community);
  if (current) on_set(current, std::move(set));
}

void replace_sets(sql::Tx& tx, CommunityNo community, Slot::Kind kind, std::vector<std::pair<MemberNo, std::string>> const& sets) {
  Batch cleared{kInt}, added{kInt, kInt};
  for (auto const& [member, set] : sets) {
    cleared.add(member);
    if (set.empty()) continue;
    for (auto const part : split(set, ',')) {
      std::int64_t number = 0;
      std::from_chars(part.data(), part.data() + part.size(), number);
      added.add(member, number);
    }
  }
  tx.exec_batch(set_statements(kind).clear, cleared, community);
  if (added.rows() > 0) tx.exec_batch(set_statements(kind).add, added, community);
}

namespace {

template <class F>
void read_values(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, F const& on_row) {
  if (members.empty()) return;
  if (members.size() == 1 || ledger::is_dense(members)) {
    ledger::MeantMembers meant(members);
    tx.each(
        kLoadValuesBetween,
        [&](Row const& r) {
          if (meant.contain({r.integer(0)})) on_row(r);
        },
        community, members.front(), members.back());
    return;
  }
  tx.each_batch(kLoadValues, numbers_of(members), on_row, community);
}

}  // namespace

void load_values(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members,
                 std::function<void(StoredValue)> const& on_value) {
  read_values(tx, community, members, [&](Row const& r) {
    on_value({{r.integer(0)}, {r.integer(1)}, r.optional_integer(2), r.optional_string(3), {r.integer(4)}});
  });
}

void show_values(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members,
                 std::function<void(MemberNo, FieldNo, ValueView)> const& on_value) {
  read_values(tx, community, members, [&](Row const& r) {
    auto const text = r.is_null(3) ? std::nullopt : std::optional(r.text(3));
    on_value({r.integer(0)}, {r.integer(1)}, ValueView(r.optional_integer(2), text));
  });
}

// Rows of neighbours that are there are updated, as balances are (ledger_store.cpp says why).
void set_values(sql::Tx& tx, CommunityNo community, std::vector<StoredValue> const& values) {
  std::vector<MemberNo> stored;
  if (tx.engine() == sql::Engine::postgres)
    for (auto const& v : values)
      if (v.is_stored) stored.push_back(v.member);
  bool const updates = ledger::is_dense(stored);
  Batch set{kInt, kInt, kInt, kText, kInt}, updated{kInt, kInt, kInt, kText, kInt};
  (updates ? updated : set).reserve(values.size());
  for (auto const& v : values) (updates && v.is_stored ? updated : set).add(v.member, v.field, v.number, v.text, v.newest);
  if (set.rows() > 0) tx.exec_batch_later(kSetValues, set, community);
  if (!updates) return;
  auto const changed = tx.exec_batch(kUpdateValues, updated, community, stored.front(), stored.back());
  if (changed != static_cast<std::int64_t>(updated.rows()))
    throw sql::StorageError(sql::StorageError::Kind::broken, "values that were read are not there any more");
}

void append_history(sql::Tx& tx, CommunityNo community, SourceNo source, std::vector<HistoryItem> const& items) {
  if (items.empty()) return;
  Batch batch{kInt, kInt, kInt, kInt, kInt, kInt, kText, kInt, kText, kInt, kInt};
  batch.reserve(items.size());
  for (auto const& i : items)
    batch.add(i.number, i.member, i.field, static_cast<std::int64_t>(i.op), i.operand, i.before_number, i.before_text, i.after_number,
              i.after_text, i.previous, i.source_row);
  tx.exec_batch_later(kAppendHistory, batch, community, source);
}

std::vector<HistoryItem> read_history(sql::Tx& tx, CommunityNo community, SourceNo source, std::span<jobs::RowNumbers const> rows) {
  std::vector<HistoryItem> out;
  Batch batch{kInt, kInt, kInt};
  batch.reserve(rows.size());
  for (auto const& r : rows) batch.add(r.row, r.first, r.last);
  tx.each_batch(kReadHistory, batch, [&](Row const& r) { out.push_back(read_item(r)); }, community, source);
  std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.number < b.number; });
  return out;
}

std::vector<HistoryItem> read_history_between(sql::Tx& tx, CommunityNo community, SourceNo source,
                                              std::span<jobs::NumberRange const> ranges) {
  std::vector<HistoryItem> out;
  Batch batch{kInt, kInt};
  batch.reserve(ranges.size());
  for (auto const& r : ranges) batch.add(r.first, r.last);
  tx.each_batch(kHistoryBetween, batch, [&](Row const& r) { out.push_back(read_item(r)); }, community, source);
  std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.number < b.number; });
  return out;
}

void history_rows(sql::Tx& tx, CommunityNo community, SourceNo source, std::int64_t first, std::int64_t last,
                  std::function<void(std::int64_t)> const& on_row) {
  tx.each(kHistoryRows, [&](Row const& r) { on_row(r.integer(0)); }, community, source, first, last);
}

void find_identifiers(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<std::string_view> const& value_keys,
                      std::function<void(std::size_t, MemberNo)> const& on_found) {
  if (value_keys.empty()) return;
  Batch batch{kInt, kText};
  for (std::size_t i = 0; i < value_keys.size(); ++i) batch.add(static_cast<std::int64_t>(i), value_keys[i]);
  tx.each_batch(
      kFindIdentifiers, batch, [&](Row const& r) { on_found(static_cast<std::size_t>(r.integer(0)), {r.integer(1)}); }, community, field);
}

void remove_identifiers(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<std::string_view> const& value_keys) {
  if (value_keys.empty()) return;
  Batch batch{kText};
  for (auto const key : value_keys) batch.add(key);
  tx.exec_batch(kRemoveIdentifiers, batch, community, field);
}

void add_identifiers(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<std::pair<std::string_view, MemberNo>> const& values) {
  if (values.empty()) return;
  Batch batch{kText, kInt};
  for (auto const& [key, member] : values) batch.add(key, member);
  tx.exec_batch(kAddIdentifiers, batch, community, field);
}

MemberNo community_owner(sql::Tx& tx, CommunityNo community) {
  return tx.one(kOwner, [](Row const& r) { return MemberNo{r.integer(0)}; }, community).value_or(MemberNo{});
}

}  // namespace fealty::members
