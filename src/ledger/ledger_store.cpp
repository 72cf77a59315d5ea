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
Statement const kInsertCurrency{"ledger.insert_currency",
                                "INSERT INTO currencies (community_id, currency_id, code, name, kind, position) VALUES ($1, $2, $3, $4, $5, $2)"};
Statement const kLockMember{"ledger.lock_member",
                            "SELECT m.state FROM memberships m WHERE m.community_id = $1 AND m.member_id = $2 {lock m}"};
Statement const kBalances{"ledger.balances",
                          "SELECT b.member_id, b.currency_id, b.amount, b.earned, b.entry_id FROM {rows r: member_id int} "
                          "CROSS JOIN balances b WHERE b.community_id = $1 AND b.member_id = r.member_id"};
Statement const kSetBalances{"ledger.set_balances",
                             "INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) "
                             "SELECT $1, r.member_id, r.currency_id, r.amount, r.earned, r.entry_id "
                             "FROM {rows r: member_id int, currency_id int, amount int, earned int, entry_id int} WHERE true "
                             "ON CONFLICT (community_id, member_id, currency_id) DO UPDATE "
                             "SET amount = excluded.amount, earned = excluded.earned, entry_id = excluded.entry_id"};
Statement const kAppend{"ledger.append",
                        "INSERT INTO ledger_entries (community_id, entry_id, member_id, currency_id, class, operator, amount, balance_after, "
                        "previous_id, source_id, source_row) "
                        "SELECT $1, r.entry_id, r.member_id, r.currency_id, r.class, r.operator, r.amount, r.balance_after, r.previous_id, $2, r.source_row "
                        "FROM {rows r: entry_id int, member_id int, currency_id int, class int, operator int, amount int, balance_after int, "
                        "previous_id int, source_row int}"};
Statement const kInsertSource{"ledger.insert_source",
                              "INSERT INTO change_sources (community_id, source_id, kind, external_id, leg, member_id, currency_id, operator, "
                              "operand, entry_id, label, reason, note, actor_type, actor_id, actor_name, created_at) "
                              "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"};
Statement const kFindSource{"ledger.find_source",
                            "SELECT source_id, operator, operand, entry_id FROM change_sources WHERE community_id = $1 AND kind = $2 "
                            "AND external_id = $3 AND leg = $4 AND member_id = $5 AND currency_id = $6"};
Statement const kBalanceAfter{"ledger.balance_after",
                              "SELECT balance_after FROM ledger_entries WHERE community_id = $1 AND entry_id = $2"};
Statement const kEntries{"ledger.entries_of_source",
                         "SELECT entry_id, member_id, currency_id, class, operator, amount, balance_after, source_row FROM ledger_entries "
                         "WHERE community_id = $1 AND entry_id BETWEEN $3 AND $4 AND source_id = $2 AND source_row BETWEEN $5 AND $6 "
                         "ORDER BY entry_id"};
// Sums in two halves: the plain sum of many entries may leave 64 bits on its way even where its end does not.
Statement const kAudit{"ledger.audit",
                       "SELECT coalesce(b.member_id, e.member_id), coalesce(b.currency_id, e.currency_id), b.amount, b.earned, "
                       "e.whole, e.rest, e.earned_whole, e.earned_rest, h.balance_after, CASE WHEN b.member_id IS NULL THEN 1 ELSE 0 END, "
                       "CASE WHEN e.member_id IS NULL THEN 1 ELSE 0 END, CASE WHEN h.entry_id IS NULL THEN 1 ELSE 0 END, b.entry_id "
                       "FROM (SELECT * FROM balances WHERE community_id = $1) b FULL JOIN ("
                       "SELECT member_id, currency_id, sum(amount / 1000000) AS whole, sum(amount % 1000000) AS rest, "
                       "sum(CASE WHEN class IN (1, 4) THEN amount / 1000000 ELSE 0 END) AS earned_whole, "
                       "sum(CASE WHEN class IN (1, 4) THEN amount % 1000000 ELSE 0 END) AS earned_rest "
                       "FROM ledger_entries WHERE community_id = $1 GROUP BY member_id, currency_id) e "
                       "ON e.member_id = b.member_id AND e.currency_id = b.currency_id "
                       "LEFT JOIN ledger_entries h ON h.community_id = $1 AND h.entry_id = b.entry_id"};

}  // namespace

std::vector<Currency> load_currencies(sql::Tx& tx, CommunityNo community) {
  std::vector<Currency> all;
  tx.each(kCurrencies,
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
  Batch batch{kInt};
  batch.reserve(members.size());
  for (MemberNo const m : members) batch.add(m);
  tx.each_batch(kBalances, batch,
                [&](Row const& r) {
                  out.push_back({{r.integer(0)}, {r.integer(1)}, {{r.integer(2)}, {r.integer(3)}, {r.integer(4)}}});
                },
                community);
}

void post(sql::Tx& tx, CommunityNo community, SourceNo source, std::vector<Posting> const& postings,
          std::vector<NewBalance> const& balances) {
  if (postings.empty()) return;
  Batch entries{kInt, kInt, kInt, kInt, kInt, kInt, kInt, kInt, kInt};
  entries.reserve(postings.size());
  for (auto const& p : postings)
    entries.add(p.entry, p.member, p.currency, static_cast<std::int64_t>(p.entry_class), static_cast<std::int64_t>(p.op), p.amount.micros, p.balance_after.micros, p.previous,
                p.source_row);
  tx.exec_batch(kAppend, entries, community, source);
  Batch states{kInt, kInt, kInt, kInt, kInt};
  states.reserve(balances.size());
  for (auto const& b : balances) states.add(b.member, b.currency, b.balance.amount.micros, b.balance.earned.micros, b.balance.newest);
  tx.exec_batch(kSetBalances, states, community);
}

SourceNo create_source(sql::Tx& tx, CommunityNo community, SourceNo number, Source const& source, TimeMs now) {
  insert_source(tx, community, number, source, "", {}, {}, std::nullopt, std::nullopt, {}, "", now);
  return number;
}

std::optional<Presence> lock_member(sql::Tx& tx, CommunityNo community, MemberNo member) {
  constexpr std::int64_t kInvited = 1, kDeleted = 4;
  return tx.one(kLockMember,
                [](Row const& r) {
                  return r.integer(0) == kInvited ? Presence::invited : r.integer(0) == kDeleted ? Presence::deleted : Presence::present;
                },
                community, member);
}

std::optional<StoredSource> find_source(sql::Tx& tx, CommunityNo community, Change const& c, CurrencyNo currency) {
  return tx.one(kFindSource,
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
  tx.exec(kInsertSource, community, number, s.kind, s.external_id, leg, member, currency, op_number, micros, entry_number, s.label, s.reason,
          note, s.actor.type, s.actor.id, s.actor.name, now);
}

Decimal balance_after(sql::Tx& tx, CommunityNo community, EntryNo entry) {
  return tx.one(kBalanceAfter, [](Row const& r) { return Decimal{r.integer(0)}; }, community, entry).value_or(Decimal{});
}

std::vector<Entry> read_entries(sql::Tx& tx, CommunityNo community, SourceNo source, EntryNo first, EntryNo last, std::int64_t first_row,
                                std::int64_t last_row) {
  std::vector<Entry> out;
  tx.each(kEntries,
          [&](Row const& r) {
            out.push_back({{r.integer(0)}, {r.integer(1)}, {r.integer(2)}, static_cast<EntryClass>(r.integer(3)),
                           static_cast<Operator>(r.integer(4)), {r.integer(5)}, {r.integer(6)}, r.integer(7)});
          },
          community, source, first, last, first_row, last_row);
  return out;
}

std::vector<Mismatch> audit_balances(sql::Tx& tx, CommunityNo community, std::size_t most) {
  std::vector<Mismatch> found;
  tx.each(kAudit,
          [&](Row const& r) {
            if (found.size() >= most) return;
            auto report = [&](std::string what) { found.push_back({community, {r.integer(0)}, {r.integer(1)}, std::move(what)}); };
            __int128 const sum = static_cast<__int128>(r.integer(4)) * Decimal::kScale + r.integer(5);
            __int128 const earned = static_cast<__int128>(r.integer(6)) * Decimal::kScale + r.integer(7);
            if (r.boolean(9)) {
              report("has entries but no balance");
            } else if (r.boolean(10)) {
              if (r.integer(2) != 0 || r.integer(3) != 0) report("has a balance of " + Decimal{r.integer(2)}.to_string() + " but no entries");
              else if (r.integer(12) != 0) report("balance names an entry, but there are none");
            } else if (sum != r.integer(2)) {
              report("balance " + Decimal{r.integer(2)}.to_string() + " is not the sum of its entries");
            } else if (earned != r.integer(3)) {
              report("earned " + Decimal{r.integer(3)}.to_string() + " is not the sum of the entries that count");
            } else if (r.boolean(11) || r.integer(8) != r.integer(2)) {
              report("balance is not what its newest entry says");
            }
          },
          community);
  return found;
}

}  // namespace fealty::ledger
