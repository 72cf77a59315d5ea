#include "ledger/ledger_store.h"

namespace fealty::ledger {
namespace {

using sql::Batch;
using sql::Row;
using sql::Statement;
constexpr auto kInt = Batch::Type::integer;

Statement const kCurrencies{"ledger.currencies",
                            "SELECT currency_id, code, name, kind, is_enabled, decimals, allow_negative FROM currencies "
                            "WHERE community_id = $1 ORDER BY position, currency_id"};
Statement const kInsertCurrency{
    "ledger.insert_currency",
    "INSERT INTO currencies (community_id, currency_id, code, name, kind, position) VALUES ($1, $2, $3, $4, $5, $2)"};
Statement const kLockMember{"ledger.lock_member",
                            "SELECT m.state FROM memberships m WHERE m.community_id = $1 AND m.member_id = $2 {lock m}"};
Statement const kBalances{"ledger.balances",
                          "SELECT b.member_id, b.currency_id, b.amount, b.earned, b.entry_id FROM {rows r: member_id int} "
                          "CROSS JOIN balances b WHERE b.community_id = $1 AND b.member_id = r.member_id"};
// Many members of a narrow range are read faster by going through the range.
Statement const kBalancesBetween{"ledger.balances_between",
                                 "SELECT member_id, currency_id, amount, earned, entry_id FROM balances "
                                 "WHERE community_id = $1 AND member_id BETWEEN $2 AND $3"};
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
Statement const kAppend{
    "ledger.append",
    "INSERT INTO ledger_entries (community_id, entry_id, member_id, currency_id, class, operator, amount, balance_after, "
    "previous_id, source_id, source_row) "
    "SELECT $1, r.entry_id, r.member_id, r.currency_id, r.class, r.operator, r.amount, r.balance_after, r.previous_id, $2, r.source_row "
    "FROM {rows r: entry_id int, member_id int, currency_id int, class int, operator int, amount int, balance_after int, "
    "previous_id int, source_row int}"};
Statement const kInsertSource{
    "ledger.insert_source",
    "INSERT INTO change_sources (community_id, source_id, kind, external_id, leg, member_id, currency_id, operator, "
    "operand, entry_id, label, reason, note, actor_type, actor_id, actor_name, created_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"};
Statement const kFindSource{"ledger.find_source",
                            "SELECT source_id, operator, operand, entry_id FROM change_sources WHERE community_id = $1 AND kind = $2 "
                            "AND external_id = $3 AND leg = $4 AND member_id = $5 AND currency_id = $6"};
Statement const kBalanceAfter{"ledger.balance_after", "SELECT balance_after FROM ledger_entries WHERE community_id = $1 AND entry_id = $2"};
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
Statement const kAudit{
    "ledger.audit",
    "SELECT t.member_id, t.currency_id, sum(t.balances), sum(t.entries), sum(t.amount), sum(t.earned), sum(t.newest), "
    "sum(t.whole), sum(t.rest), sum(t.earned_whole), sum(t.earned_rest) FROM ("
    "SELECT member_id, currency_id, 1 AS balances, 0 AS entries, amount, earned, entry_id AS newest, 0 AS whole, 0 AS rest, "
    "0 AS earned_whole, 0 AS earned_rest FROM balances WHERE community_id = $1 UNION ALL "
    "SELECT member_id, currency_id, 0, 1, 0, 0, 0, amount / 1000000, amount % 1000000, "
    "CASE WHEN class IN (1, 4) THEN amount / 1000000 ELSE 0 END, CASE WHEN class IN (1, 4) THEN amount % 1000000 ELSE 0 END "
    "FROM ledger_entries WHERE community_id = $1) t GROUP BY t.member_id, t.currency_id "
    "HAVING sum(t.balances) <> 1 OR sum(t.entries) = 0 OR sum(t.newest) = 0 OR sum(t.amount) <> sum(t.whole) * 1000000 + sum(t.rest) "
    "OR sum(t.earned) <> sum(t.earned_whole) * 1000000 + sum(t.earned_rest) ORDER BY t.member_id, t.currency_id"};
Statement const kAuditHeads{"ledger.audit_heads",
                            "SELECT b.member_id, b.currency_id FROM balances b LEFT JOIN ledger_entries h ON h.community_id = $1 "
                            "AND h.entry_id = b.entry_id WHERE b.community_id = $1 AND b.entry_id <> 0 AND (h.entry_id IS NULL "
                            "OR h.member_id <> b.member_id OR h.currency_id <> b.currency_id OR h.balance_after <> b.amount) "
                            "ORDER BY b.member_id, b.currency_id"};

Entry read_entry(Row const& r) {
  return {{r.integer(0)}, {r.integer(1)}, {r.integer(2)}, static_cast<EntryClass>(r.integer(3)), static_cast<Operator>(r.integer(4)),
          {r.integer(5)}, {r.integer(6)}, r.integer(7)};
}

}  // namespace

std::vector<Currency> load_currencies(sql::Tx& tx, CommunityNo community) {
  std::vector<Currency> all;
  tx.each(
      kCurrencies,
      [&](Row const& r) {
        all.push_back({{r.integer(0)}, r.string(1), r.string(2), r.string(3), r.boolean(4), static_cast<int>(r.integer(5)), r.boolean(6)});
      },
      community);
  return all;
}

void create_default_currencies(sql::Tx& tx, CommunityNo community) {
  tx.exec(kInsertCurrency, community, kXp, "xp", "XP", "progress");
  tx.exec(kInsertCurrency, community, kCoins, "coins", "Coins", "spendable");
  tx.exec(kInsertCurrency, community, kPremium, "premium", "Premium Currency", "spendable");
}

void load_balances(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, std::vector<MemberBalance>& out) {
  if (members.empty()) return;
  auto read = [](Row const& r) { return MemberBalance{{r.integer(0)}, {r.integer(1)}, {{r.integer(2)}, {r.integer(3)}, {r.integer(4)}}}; };
  if (is_dense(members)) {
    auto next = members.begin();
    tx.each(
        kBalancesBetween,
        [&](Row const& r) {
          next = std::lower_bound(next, members.end(), MemberNo{r.integer(0)});
          if (next != members.end() && next->value == r.integer(0)) out.push_back(read(r));
        },
        community, members.front(), members.back());
    return;
  }
  Batch batch{kInt};
  batch.reserve(members.size());
  for (MemberNo const m : members) batch.add(m);
  tx.each_batch(kBalances, batch, [&](Row const& r) { out.push_back(read(r)); }, community);
}

void post(sql::Tx& tx, CommunityNo community, SourceNo source, std::vector<Posting> const& postings,
          std::vector<NewBalance> const& balances) {
  if (postings.empty()) return;
  Batch entries{kInt, kInt, kInt, kInt, kInt, kInt, kInt, kInt, kInt};
  entries.reserve(postings.size());
  for (auto const& p : postings)
    entries.add(p.entry, p.member, p.currency, static_cast<std::int64_t>(p.entry_class), static_cast<std::int64_t>(p.op), p.amount.micros,
                p.balance_after.micros, p.previous, p.source_row);
  tx.exec_batch(kAppend, entries, community, source);
  Batch states{kInt, kInt, kInt, kInt, kInt};
  states.reserve(balances.size());
  for (auto const& b : balances) states.add(b.member, b.currency, b.balance.amount.micros, b.balance.earned.micros, b.balance.newest);
  tx.exec_batch(kSetBalances, states, community);
}

SourceNo create_source(sql::Tx& tx, CommunityNo community, SourceNo number, Source const& source, TimeMs now, std::string_view leg) {
  insert_source(tx, community, number, source, leg, {}, {}, std::nullopt, std::nullopt, {}, "", now);
  return number;
}

std::optional<Presence> lock_member(sql::Tx& tx, CommunityNo community, MemberNo member) {
  constexpr std::int64_t kInvited = 1, kDeleted = 4;
  return tx.one(
      kLockMember,
      [](Row const& r) {
        return r.integer(0) == kInvited ? Presence::invited : r.integer(0) == kDeleted ? Presence::deleted : Presence::present;
      },
      community, member);
}

std::optional<StoredSource> find_source(sql::Tx& tx, CommunityNo community, Change const& c, CurrencyNo currency) {
  return tx.one(
      kFindSource,
      [](Row const& r) {
        StoredSource s{{r.integer(0)}, {}, {}, {r.integer(3)}};
        if (!r.is_null(1)) s.op = static_cast<Operator>(r.integer(1));
        if (!r.is_null(2)) s.operand = Decimal{r.integer(2)};
        return s;
      },
      community, c.source.kind, c.source.external_id, c.leg, c.member, currency);
}

void insert_source(sql::Tx& tx, CommunityNo community, SourceNo number, Source const& s, std::string_view leg, MemberNo member,
                   CurrencyNo currency, std::optional<Operator> op, std::optional<Decimal> operand, EntryNo entry, std::string_view note,
                   TimeMs now) {
  std::optional<std::int64_t> const op_number = op ? std::optional(static_cast<std::int64_t>(*op)) : std::nullopt;
  std::optional<std::int64_t> const micros = operand ? std::optional(operand->micros) : std::nullopt;
  std::optional<std::int64_t> const entry_number = entry ? std::optional(entry.value) : std::nullopt;
  tx.exec(kInsertSource, community, number, s.kind, s.external_id, leg, member, currency, op_number, micros, entry_number, s.label,
          s.reason, note, s.actor.type, s.actor.id, s.actor.name, now);
}

Decimal balance_after(sql::Tx& tx, CommunityNo community, EntryNo entry) {
  return tx.one(kBalanceAfter, [](Row const& r) { return Decimal{r.integer(0)}; }, community, entry).value_or(Decimal{});
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
    bool const known = std::any_of(found.begin(), found.end(),
                                   [&](Mismatch const& m) { return m.member.value == r.integer(0) && m.currency.value == r.integer(1); });
    if (found.size() < most && !known) found.push_back({community, {r.integer(0)}, {r.integer(1)}, std::move(what)});
  };
  tx.each(
      kAudit,
      [&](Row const& r) {
        std::int64_t const balances = r.integer(2), entries = r.integer(3), amount = r.integer(4), earned = r.integer(5);
        __int128 const sum = static_cast<__int128>(r.integer(7)) * Decimal::kScale + r.integer(8);
        if (balances == 0)
          report(r, "has entries but no balance");
        else if (entries == 0 && (amount != 0 || earned != 0))
          report(r, "has a balance of " + Decimal{amount}.to_string() + " but no entries");
        else if (entries == 0 && r.integer(6) != 0)
          report(r, "balance names an entry, but there are none");
        else if (entries != 0 && sum != amount)
          report(r, "balance " + Decimal{amount}.to_string() + " is not the sum of its entries");
        else if (entries != 0 && r.integer(6) == 0)
          report(r, "balance is not what its newest entry says");
        else if (entries != 0)
          report(r, "earned " + Decimal{earned}.to_string() + " is not the sum of the entries that count");
      },
      community);
  tx.each(kAuditHeads, [&](Row const& r) { report(r, "balance is not what its newest entry says"); }, community);
  return found;
}

}  // namespace fealty::ledger
