#include "ledger/ledger_store.h"

#include <algorithm>
#include <memory>
#include <set>

namespace fealty::ledger {
namespace {

using sql::Batch;
using sql::Row;
using sql::Statement;
constexpr auto kInt = Batch::Type::integer;
constexpr auto kText = Batch::Type::text;

Statement const kCurrencies{"ledger.currencies",
                            "SELECT currency_id, code, name, kind, is_enabled, decimals, allow_negative FROM currencies "
                            "WHERE community_id = $1 ORDER BY position, currency_id"};
Statement const kInsertCurrency{
    "ledger.insert_currency",
    "INSERT INTO currencies (community_id, currency_id, code, name, kind, position) VALUES ($1, $2, $3, $4, $5, $2)"};
// PostgreSQL's texts of these differ: a lateral subquery that cannot be pulled up is a look-up by key for each row. As a join
// it would be planned by what an average community holds, and read all of a large one's members for every request.
#define LOCK_MEMBERS(lock)                                                                                                           \
  "SELECT m.member_id, m.state FROM {rows r: member_id int} CROSS JOIN memberships m "                                               \
  "WHERE m.community_id = $1 AND m.member_id = r.member_id ORDER BY m.member_id",                                                    \
      "SELECT l.member_id, l.state FROM {rows r: member_id int} CROSS JOIN LATERAL (SELECT m.member_id, m.state FROM memberships m " \
      "WHERE m.community_id = $1 AND m.member_id = r.member_id " lock ") l"
Statement const kLockMembers{"ledger.lock_members", LOCK_MEMBERS("{lock m}")};
Statement const kLockFreeMembers{"ledger.lock_free_members", LOCK_MEMBERS("{skip_locked m}")};
#undef LOCK_MEMBERS
// A lock of a number that stands for a range. Only PostgreSQL is asked.
Statement const kShareRanges{"ledger.share_ranges", "SELECT r.k FROM {rows r: k int}",
                             "SELECT count(pg_advisory_xact_lock_shared(r.k)) FROM {rows r: k int}"};
Statement const kTakeRanges{"ledger.take_ranges", "SELECT r.k FROM {rows r: k int}",
                            "SELECT count(pg_advisory_xact_lock(r.k)) FROM {rows r: k int}"};
Statement const kTryRanges{"ledger.try_ranges", "SELECT r.k FROM {rows r: k int}",
                           "SELECT r.k FROM {rows r: k int} WHERE pg_try_advisory_xact_lock_shared(r.k)"};
Statement const kBalances{"ledger.balances",
                          "SELECT b.member_id, b.currency_id, b.amount, b.earned, b.entry_id FROM {rows r: member_id int} "
                          "CROSS JOIN balances b WHERE b.community_id = $1 AND b.member_id = r.member_id",
                          "SELECT l.member_id, l.currency_id, l.amount, l.earned, l.entry_id FROM {rows r: member_id int} "
                          "CROSS JOIN LATERAL (SELECT b.member_id, b.currency_id, b.amount, b.earned, b.entry_id FROM balances b "
                          "WHERE b.community_id = $1 AND b.member_id = r.member_id OFFSET 0) l"};
// Many members of a narrow range are read faster by going through the range. In order, because the caller walks along: without
// it PostgreSQL gives rows as they lie in the table as soon as it finds that cheaper.
Statement const kBalancesBetween{"ledger.balances_between",
                                 "SELECT member_id, currency_id, amount, earned, entry_id FROM balances "
                                 "WHERE community_id = $1 AND member_id BETWEEN $2 AND $3 ORDER BY member_id"};
Statement const kAmountsBetween{"ledger.amounts_between",
                                "SELECT member_id, currency_id, amount FROM balances WHERE community_id = $1 "
                                "AND member_id BETWEEN $2 AND $3 ORDER BY member_id"};
// On SQLite a row with this key is overwritten in place, without first looking for it.
Statement const kSetBalances{"ledger.set_balances",
                             "INSERT OR REPLACE INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) "
                             "SELECT $1, r.member_id, r.currency_id, r.amount, r.earned, r.entry_id "
                             "FROM {rows r: member_id int, currency_id int, amount int, earned int, entry_id int}",
                             "INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) "
                             "SELECT $1, r.member_id, r.currency_id, r.amount, r.earned, r.entry_id "
                             "FROM {rows r: member_id int, currency_id int, amount int, earned int, entry_id int} WHERE true "
                             "ON CONFLICT (community_id, member_id, currency_id) DO UPDATE "
                             "SET amount = excluded.amount, earned = excluded.earned, entry_id = excluded.entry_id"};
// Rows that are there, of neighbours: PostgreSQL looks a row up and locks it before each DO UPDATE, which costs as much again.
// The range lets it join what lies there instead of looking up one by one. (On SQLite never used.)
Statement const kUpdateBalances{"ledger.update_balances",
                                "UPDATE balances SET amount = r.amount, earned = r.earned, entry_id = r.entry_id "
                                "FROM {rows r: member_id int, currency_id int, amount int, earned int, entry_id int} "
                                "WHERE balances.community_id = $1 AND balances.member_id BETWEEN $2 AND $3 "
                                "AND balances.member_id = r.member_id AND balances.currency_id = r.currency_id"};
Statement const kAppend{
    sql::Append{}, "ledger.append",
    "INSERT INTO ledger_entries (community_id, entry_id, member_id, currency_id, class, operator, amount, balance_after, "
    "previous_id, source_id, source_row) "
    "SELECT $1, r.entry_id, r.member_id, r.currency_id, r.class, r.operator, r.amount, r.balance_after, r.previous_id, $2, r.source_row "
    "FROM {rows r: entry_id int, member_id int, currency_id int, class int, operator int, amount int, balance_after int, "
    "previous_id int, source_row int}"};
Statement const kAppendSourced{
    "ledger.append_sourced",
    "INSERT INTO ledger_entries (community_id, entry_id, member_id, currency_id, class, operator, amount, balance_after, "
    "previous_id, source_id, source_row) "
    "SELECT $1, r.entry_id, r.member_id, r.currency_id, r.class, r.operator, r.amount, r.balance_after, r.previous_id, r.source_id, 0 "
    "FROM {rows r: entry_id int, member_id int, currency_id int, class int, operator int, amount int, balance_after int, "
    "previous_id int, source_id int}"};
Statement const kInsertSource{
    "ledger.insert_source",
    "INSERT INTO change_sources (community_id, source_id, kind, external_id, leg, member_id, currency_id, operator, "
    "operand, entry_id, label, reason, note, actor_type, actor_id, actor_name, created_at, history_items) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"};
Statement const kInsertSources{
    "ledger.insert_sources",
    "INSERT INTO change_sources (community_id, source_id, kind, external_id, leg, member_id, currency_id, operator, "
    "operand, entry_id, label, reason, note, actor_type, actor_id, actor_name, created_at) "
    "SELECT $1, r.source_id, r.kind, r.external_id, r.leg, r.member_id, r.currency_id, r.operator, r.operand, r.entry_id, r.label, "
    "r.reason, r.note, r.actor_type, r.actor_id, r.actor_name, $2 "
    "FROM {rows r: source_id int, kind text, external_id text, leg text, member_id int, currency_id int, operator int, operand int, "
    "entry_id int, label text, reason text, note text, actor_type text, actor_id text, actor_name text}"};
// A look-up for each row, and no join: PostgreSQL plans this while the table is still empty, and would for a join read all
// sources of the community ever after.
Statement const kFindSources{
    "ledger.find_sources",
    "SELECT r.k, (SELECT s.source_id FROM change_sources s WHERE s.community_id = $1 AND s.kind = r.kind "
    "AND s.external_id = r.external_id AND s.leg = r.leg AND s.member_id = r.member_id AND s.currency_id = r.currency_id) "
    "FROM {rows r: k int, kind text, external_id text, leg text, member_id int, currency_id int}"};
Statement const kReadSource{
    "ledger.read_source",
    "SELECT s.operator, s.operand, s.reason, s.note, s.actor_type, s.actor_id, s.actor_name, e.entry_id, e.class, e.amount, "
    "e.balance_after FROM change_sources s LEFT JOIN ledger_entries e ON e.community_id = $1 AND e.entry_id = s.entry_id "
    "WHERE s.community_id = $1 AND s.source_id = $2"};
Statement const kEntries{"ledger.entries_of_source",
                         "SELECT e.entry_id, e.member_id, e.currency_id, e.class, e.operator, e.amount, e.balance_after, e.source_row "
                         "FROM {rows r: n int, f int, l int} CROSS JOIN ledger_entries e WHERE e.community_id = $1 "
                         "AND e.entry_id BETWEEN r.f AND r.l AND e.source_id = $2 AND e.source_row = r.n"};
Statement const kEntriesBetween{
    "ledger.entries_between",
    "SELECT e.entry_id, e.member_id, e.currency_id, e.class, e.operator, e.amount, e.balance_after, e.source_row "
    "FROM {rows r: f int, l int} CROSS JOIN ledger_entries e WHERE e.community_id = $1 "
    "AND e.entry_id BETWEEN r.f AND r.l AND e.source_id = $2"};
Statement const kEntryRows{"ledger.rows_of_source",
                           "SELECT source_row FROM ledger_entries WHERE community_id = $1 AND entry_id BETWEEN $3 AND $4 "
                           "AND source_id = $2"};
// One pass over balances and entries together, gathered by one sort: a join of the two would look up every member. Sums in
// two halves: the plain sum of many entries may leave 64 bits on its way even where its end does not.
// (In each of the audits $1 = 0 stands for all communities. SQLite's table of entries has no index by community: a pass for
// each of them would read the whole table every time.)
Statement const kAudit{
    "ledger.audit",
    "SELECT t.community_id, t.member_id, t.currency_id, sum(t.balances), sum(t.entries), sum(t.amount), sum(t.earned), sum(t.newest), "
    "sum(t.whole), sum(t.rest), sum(t.earned_whole), sum(t.earned_rest) FROM ("
    "SELECT community_id, member_id, currency_id, 1 AS balances, 0 AS entries, amount, earned, entry_id AS newest, 0 AS whole, 0 AS rest, "
    "0 AS earned_whole, 0 AS earned_rest FROM balances WHERE community_id = $1 OR $1 = 0 UNION ALL "
    "SELECT community_id, member_id, currency_id, 0, 1, 0, 0, 0, amount / 1000000, amount % 1000000, "
    "CASE WHEN class IN (1, 4) THEN amount / 1000000 ELSE 0 END, CASE WHEN class IN (1, 4) THEN amount % 1000000 ELSE 0 END "
    "FROM ledger_entries WHERE community_id = $1 OR $1 = 0) t GROUP BY t.community_id, t.member_id, t.currency_id "
    "HAVING sum(t.balances) <> 1 OR sum(t.entries) = 0 OR sum(t.newest) = 0 OR sum(t.amount) <> sum(t.whole) * 1000000 + sum(t.rest) "
    "OR sum(t.earned) <> sum(t.earned_whole) * 1000000 + sum(t.earned_rest) ORDER BY t.community_id, t.member_id, t.currency_id"};
Statement const kAuditHeads{"ledger.audit_heads",
                            "SELECT b.community_id, b.member_id, b.currency_id FROM balances b LEFT JOIN ledger_entries h "
                            "ON h.community_id = b.community_id AND h.entry_id = b.entry_id "
                            "WHERE (b.community_id = $1 OR $1 = 0) AND b.entry_id <> 0 AND (h.entry_id IS NULL "
                            "OR h.member_id <> b.member_id OR h.currency_id <> b.currency_id OR h.balance_after <> b.amount) "
                            "ORDER BY b.community_id, b.member_id, b.currency_id"};
// Every place of a chain is offered once (by the entry, or by the balance: place 0, where all begin with nothing) and taken
// once (by the entry that follows, or by the balance: its newest), and whoever takes it goes on from its amount. One sort
// again, instead of a look-up for each entry. What this cannot see is a ring of entries beside the chain.
Statement const kAuditChains{
    "ledger.audit_chains",
    "SELECT t.community_id, t.member_id, t.currency_id, t.place, sum(t.offered), sum(t.taken) FROM ("
    "SELECT community_id, member_id, currency_id, entry_id AS place, 1 AS offered, 0 AS taken, balance_after / 1000000 AS whole, "
    "balance_after % 1000000 AS rest FROM ledger_entries WHERE community_id = $1 OR $1 = 0 UNION ALL "
    "SELECT community_id, member_id, currency_id, previous_id, 0, 1, amount / 1000000 - balance_after / 1000000, "
    "amount % 1000000 - balance_after % 1000000 FROM ledger_entries WHERE community_id = $1 OR $1 = 0 UNION ALL "
    "SELECT community_id, member_id, currency_id, 0, 1, 0, 0, 0 FROM balances WHERE (community_id = $1 OR $1 = 0) AND entry_id <> 0 UNION "
    "ALL "
    "SELECT community_id, member_id, currency_id, entry_id, 0, 1, -(amount / 1000000), -(amount % 1000000) FROM balances "
    "WHERE (community_id = $1 OR $1 = 0) AND entry_id <> 0) t GROUP BY t.community_id, t.member_id, t.currency_id, t.place "
    "HAVING sum(t.offered) <> 1 OR sum(t.taken) <> 1 OR sum(t.whole) * 1000000 + sum(t.rest) <> 0 "
    "ORDER BY t.community_id, t.member_id, t.currency_id, t.place LIMIT $2"};

// So many members share a range that a chunk meets few ranges, and so few that a chunk leaves most of a community alone. Ranges
// of very many members share a number: the server's table of locks is small.
constexpr int kRangeBits = 12;
constexpr std::int64_t kRanges = 256;

std::int64_t range_of(MemberNo member) { return (member.value >> kRangeBits) % kRanges; }

// The number that the lock of a range has in the database, told apart from other uses of such locks by its highest bytes.
std::int64_t lock_number(CommunityNo community, std::int64_t range) {
  constexpr std::int64_t kTag = 0x4652, kCommunities = std::int64_t{1} << 40;
  return kTag << 48 | (community.value % kCommunities) << 8 | range;
}

// Of each range the number of its lock, in the order of the ranges.
Batch locks_of(CommunityNo community, std::vector<MemberNo> const& members, RangeLock how) {
  std::vector<std::int64_t> ranges;
  if (how == RangeLock::whole) {
    std::int64_t const first = members.front().value >> kRangeBits, last = members.back().value >> kRangeBits;
    for (std::int64_t r = first; r <= last && r < first + kRanges; ++r) ranges.push_back(r % kRanges);
  } else {
    for (MemberNo const m : members)
      if (auto const r = range_of(m); ranges.empty() || ranges.back() != r) ranges.push_back(r);
  }
  std::sort(ranges.begin(), ranges.end());
  ranges.erase(std::unique(ranges.begin(), ranges.end()), ranges.end());
  Batch batch{kInt};
  batch.reserve(ranges.size());
  for (auto const r : ranges) batch.add(lock_number(community, r));
  return batch;
}

Entry read_entry(Row const& r) {
  return {{r.integer(0)}, {r.integer(1)}, {r.integer(2)}, static_cast<EntryClass>(r.integer(3)), static_cast<Operator>(r.integer(4)),
          {r.integer(5)}, {r.integer(6)}, r.integer(7)};
}

}  // namespace

void load_currencies_later(sql::Tx& tx, CommunityNo community, std::vector<Currency>& out) {
  tx.each_later(
      kCurrencies,
      [&out](Row const& r) {
        out.push_back({{r.integer(0)}, r.string(1), r.string(2), r.string(3), r.boolean(4), static_cast<int>(r.integer(5)), r.boolean(6)});
      },
      community);
}

std::vector<Currency> load_currencies(sql::Tx& tx, CommunityNo community) {
  std::vector<Currency> all;
  load_currencies_later(tx, community, all);
  tx.settle();
  return all;
}

void create_default_currencies(sql::Tx& tx, CommunityNo community) {
  tx.exec(kInsertCurrency, community, kXp, "xp", "XP", "progress");
  tx.exec(kInsertCurrency, community, kCoins, "coins", "Coins", "spendable");
  tx.exec(kInsertCurrency, community, kPremium, "premium", "Premium Currency", "spendable");
}

void load_balances_later(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, std::vector<MemberBalance>& out) {
  if (members.empty()) return;
  auto const read = [](Row const& r) {
    return MemberBalance{{r.integer(0)}, {r.integer(1)}, {{r.integer(2)}, {r.integer(3)}, {r.integer(4)}}};
  };
  if (members.size() == 1 || is_dense(members)) {
    tx.each_later(
        kBalancesBetween,
        [&out, read, meant = MeantMembers(members)](Row const& r) mutable {
          if (meant.contain({r.integer(0)})) out.push_back(read(r));
        },
        community, members.front(), members.back());
    return;
  }
  Batch batch{kInt};
  batch.reserve(members.size());
  for (MemberNo const m : members) batch.add(m);
  tx.each_batch_later(kBalances, batch, [&out, read](Row const& r) { out.push_back(read(r)); }, community);
}

void load_balances(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, std::vector<MemberBalance>& out) {
  load_balances_later(tx, community, members, out);
  tx.settle();
}
void load_amounts(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, std::vector<MemberAmount>& out) {
  if (members.size() > 1 && !is_dense(members)) {
    std::vector<MemberBalance> all;
    load_balances(tx, community, members, all);
    for (auto const& b : all) out.push_back({b.member, b.currency, b.balance.amount});
    return;
  }
  if (members.empty()) return;
  MeantMembers meant(members);
  tx.each(
      kAmountsBetween,
      [&](Row const& r) {
        if (MemberNo const member{r.integer(0)}; meant.contain(member)) out.push_back({member, {r.integer(1)}, {r.integer(2)}});
      },
      community, members.front(), members.back());
}

namespace {
// `balances` are sorted by member.
void set_balances(sql::Tx& tx, CommunityNo community, std::vector<NewBalance> const& balances) {
  std::vector<MemberNo> stored;
  if (tx.engine() == sql::Engine::postgres)
    for (auto const& b : balances)
      if (b.is_stored) stored.push_back(b.member);
  bool const updates = is_dense(stored);
  Batch states{kInt, kInt, kInt, kInt, kInt}, updated{kInt, kInt, kInt, kInt, kInt};
  (updates ? updated : states).reserve(balances.size());
  for (auto const& b : balances)
    (updates && b.is_stored ? updated : states)
        .add(b.member, b.currency, b.balance.amount.micros, b.balance.earned.micros, b.balance.newest);
  if (states.rows() > 0) tx.exec_batch_later(kSetBalances, states, community);
  if (!updates) return;
  auto const changed = tx.exec_batch(kUpdateBalances, updated, community, stored.front(), stored.back());
  if (changed != static_cast<std::int64_t>(updated.rows()))
    throw sql::StorageError(sql::StorageError::Kind::broken, "balances that were read are not there any more");
}
}  // namespace

void post(sql::Tx& tx, CommunityNo community, SourceNo source, std::vector<Posting> const& postings,
          std::vector<NewBalance> const& balances) {
  if (postings.empty()) return;
  Batch entries{kInt, kInt, kInt, kInt, kInt, kInt, kInt, kInt, kInt};
  entries.reserve(postings.size());
  for (auto const& p : postings)
    entries.add(p.entry, p.member, p.currency, static_cast<std::int64_t>(p.entry_class), static_cast<std::int64_t>(p.op), p.amount.micros,
                p.balance_after.micros, p.previous, p.source_row);
  tx.exec_batch_later(kAppend, entries, community, source);
  set_balances(tx, community, balances);
}

void post_sourced(sql::Tx& tx, CommunityNo community, std::vector<SourcedPosting> const& postings,
                  std::vector<NewBalance> const& balances) {
  if (postings.empty()) return;
  Batch entries{kInt, kInt, kInt, kInt, kInt, kInt, kInt, kInt, kInt};
  entries.reserve(postings.size());
  for (auto const& [source, p] : postings)
    entries.add(p.entry, p.member, p.currency, static_cast<std::int64_t>(p.entry_class), static_cast<std::int64_t>(p.op), p.amount.micros,
                p.balance_after.micros, p.previous, source);
  tx.exec_batch_later(kAppendSourced, entries, community);
  set_balances(tx, community, balances);
}

SourceNo create_source(sql::Tx& tx, CommunityNo community, SourceNo number, Source const& s, TimeMs now, std::string_view leg) {
  tx.exec(kInsertSource, community, number, s.kind, s.external_id, leg, 0, 0, nullptr, nullptr, nullptr, s.label, s.reason, s.note,
          s.actor.type, s.actor.id, s.actor.name, now, s.history_items);
  return number;
}

void lock_ranges_later(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, RangeLock how) {
  if (tx.engine() == sql::Engine::sqlite || members.empty()) return;
  tx.exec_batch_later(how == RangeLock::whole ? kTakeRanges : kShareRanges, locks_of(community, members, how));
}

void lock_everybody(sql::Tx& tx, CommunityNo community) {
  lock_ranges_later(tx, community, {MemberNo{0}, MemberNo{(kRanges << kRangeBits) - 1}}, RangeLock::whole);
  tx.settle();
}

void lock_members_later(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, Locked locked,
                        std::function<void(MemberNo, Presence)> on_locked) {
  constexpr std::int64_t kInvited = 1, kDeleted = 4;
  if (members.empty()) return;
  bool const skip = locked == Locked::skip;
  // Who holds a whole range holds its members, without a lock on their rows.
  std::shared_ptr<std::set<std::int64_t>> shared;
  if (!skip) {
    lock_ranges_later(tx, community, members, RangeLock::shared);
  } else if (tx.engine() == sql::Engine::postgres) {
    shared = std::make_shared<std::set<std::int64_t>>();
    tx.each_batch_later(kTryRanges, locks_of(community, members, RangeLock::shared),
                        [shared](Row const& r) { shared->insert(r.integer(0)); });
  }
  Batch batch{kInt};
  batch.reserve(members.size());
  for (MemberNo const m : members) batch.add(m);
  tx.each_batch_later(
      skip ? kLockFreeMembers : kLockMembers, batch,
      [on_locked = std::move(on_locked), shared, community](Row const& r) {
        MemberNo const member{r.integer(0)};
        if (shared && !shared->contains(lock_number(community, range_of(member)))) return;
        on_locked(member, r.integer(1) == kInvited ? Presence::invited : r.integer(1) == kDeleted ? Presence::deleted : Presence::present);
      },
      community);
}

void find_sources_later(sql::Tx& tx, CommunityNo community, std::vector<SourceKey> const& keys, std::vector<FoundSource>& found) {
  if (keys.empty()) return;
  Batch batch{kInt, kText, kText, kText, kInt, kInt};
  batch.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    Change const& c = *keys[i].change;
    batch.add(static_cast<std::int64_t>(i), c.source.kind, c.source.external_id, c.leg, c.member, keys[i].currency);
  }
  tx.each_batch_later(
      kFindSources, batch,
      [&found](Row const& r) {
        if (!r.is_null(1)) found.push_back({static_cast<std::size_t>(r.integer(0)), {r.integer(1)}});
      },
      community);
}

StoredSource read_source(sql::Tx& tx, CommunityNo community, SourceNo number) {
  auto const read = [](Row const& r) {
    StoredSource s;
    if (!r.is_null(0)) s.op = static_cast<Operator>(r.integer(0));
    if (!r.is_null(1)) s.operand = Decimal{r.integer(1)};
    s.first = {r.string(2), r.string(3), {r.string(4), r.string(5), r.string(6)}};
    s.entry = {r.integer(7)};
    if (s.entry) s.entry_class = static_cast<EntryClass>(r.integer(8));
    s.amount = {r.integer(9)};
    s.balance_after = {r.integer(10)};
    return s;
  };
  return tx.one(kReadSource, read, community, number).value();
}

void insert_sources(sql::Tx& tx, CommunityNo community, std::vector<NewSource> const& sources, TimeMs now) {
  if (sources.empty()) return;
  Batch batch{kInt, kText, kText, kText, kInt, kInt, kInt, kInt, kInt, kText, kText, kText, kText, kText, kText};
  batch.reserve(sources.size());
  for (auto const& s : sources) {
    Change const& c = *s.change;
    batch.add(s.number, c.source.kind, c.source.external_id, c.leg, c.member, s.currency, static_cast<std::int64_t>(c.op), c.value.micros,
              s.entry ? std::optional(s.entry.value) : std::nullopt, c.source.label, c.source.reason, c.note, c.source.actor.type,
              c.source.actor.id, c.source.actor.name);
  }
  tx.exec_batch_later(kInsertSources, batch, community, now);
}

std::vector<Entry> read_entries(sql::Tx& tx, CommunityNo community, SourceNo source, std::span<EntryRange const> ranges) {
  std::vector<Entry> out;
  Batch batch{kInt, kInt, kInt};
  batch.reserve(ranges.size());
  for (auto const& r : ranges) batch.add(r.row, r.first, r.last);
  tx.each_batch(kEntries, batch, [&](Row const& r) { out.push_back(read_entry(r)); }, community, source);
  std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.number < b.number; });
  return out;
}

std::vector<Entry> read_entries_between(sql::Tx& tx, CommunityNo community, SourceNo source,
                                        std::span<std::pair<EntryNo, EntryNo> const> ranges) {
  std::vector<Entry> out;
  Batch batch{kInt, kInt};
  batch.reserve(ranges.size());
  for (auto const& [first, last] : ranges) batch.add(first, last);
  tx.each_batch(kEntriesBetween, batch, [&](Row const& r) { out.push_back(read_entry(r)); }, community, source);
  if (!std::is_sorted(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.number < b.number; }))
    std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.number < b.number; });
  return out;
}

void entry_rows(sql::Tx& tx, CommunityNo community, SourceNo source, EntryNo first, EntryNo last,
                std::function<void(std::int64_t)> const& on_row) {
  tx.each(kEntryRows, [&](Row const& r) { on_row(r.integer(0)); }, community, source, first, last);
}

std::vector<Mismatch> audit_balances(sql::Tx& tx, CommunityNo community, std::size_t most) {
  std::vector<Mismatch> found;
  auto report = [&](Row const& r, std::string what) {
    // One finding a balance: the first says what the others follow from.
    bool const known = std::any_of(found.begin(), found.end(), [&](Mismatch const& m) {
      return m.community.value == r.integer(0) && m.member.value == r.integer(1) && m.currency.value == r.integer(2);
    });
    if (found.size() < most && !known) found.push_back({{r.integer(0)}, {r.integer(1)}, {r.integer(2)}, std::move(what)});
  };
  tx.each(
      kAudit,
      [&](Row const& r) {
        std::int64_t const balances = r.integer(3), entries = r.integer(4), amount = r.integer(5), earned = r.integer(6);
        __int128 const sum = static_cast<__int128>(r.integer(8)) * Decimal::kScale + r.integer(9);
        if (balances == 0)
          report(r, "has entries but no balance");
        else if (entries == 0 && (amount != 0 || earned != 0))
          report(r, "has a balance of " + Decimal{amount}.to_string() + " but no entries");
        else if (entries == 0 && r.integer(7) != 0)
          report(r, "balance names an entry, but there are none");
        else if (entries != 0 && sum != amount)
          report(r, "balance " + Decimal{amount}.to_string() + " is not the sum of its entries");
        else if (entries != 0 && r.integer(7) == 0)
          report(r, "balance is not what its newest entry says");
        else if (entries != 0)
          report(r, "earned " + Decimal{earned}.to_string() + " is not the sum of the entries that count");
      },
      community);
  tx.each(kAuditHeads, [&](Row const& r) { report(r, "balance is not what its newest entry says"); }, community);
  tx.each(
      kAuditChains,
      [&](Row const& r) {
        std::int64_t const place = r.integer(3), offered = r.integer(4), taken = r.integer(5);
        std::string const entry = place == 0 ? "the beginning" : "entry " + PublicId::of(place, NumberSource::time_of(place)).to_string();
        if (offered == 0)
          report(r, entry + " is named by another and is no entry of this balance");
        else if (taken == 0)
          report(r, entry + " is on no chain: nothing follows it, and it is not the newest");
        else if (taken > 1)
          report(r, entry + " is followed by " + std::to_string(taken) + " entries instead of one");
        else
          report(r, "what follows " + entry + " does not go on from its balance");
      },
      community, static_cast<std::int64_t>(most));
  return found;
}

}  // namespace fealty::ledger
