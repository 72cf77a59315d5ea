#include "ledger/currencies_store.h"

namespace fealty::ledger {
namespace {

using sql::Row;
using sql::Statement;

Statement const kList{"currencies.list",
                      "SELECT currency_id, code, name, symbol, icon, kind, is_enabled, decimals, allow_negative, position FROM currencies "
                      "WHERE community_id = $1 ORDER BY position, currency_id"};
Statement const kInsert{"currencies.insert",
                        "INSERT INTO currencies (community_id, currency_id, code, name, symbol, icon, kind, is_enabled, decimals, "
                        "allow_negative, position, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"};
Statement const kUpdate{"currencies.update",
                        "UPDATE currencies SET name = $3, symbol = $4, icon = $5, is_enabled = $6, decimals = $7, allow_negative = $8, "
                        "position = $9, updated_at = $10 WHERE community_id = $1 AND currency_id = $2"};
Statement const kFinerEntry{"currencies.finer_entry",
                            "SELECT entry_id FROM ledger_entries WHERE community_id = $1 AND currency_id = $2 AND entry_id >= $4 "
                            "AND amount % $3 <> 0 LIMIT 1"};
Statement const kFinerBalance{"currencies.finer_balance",
                              "SELECT member_id FROM balances WHERE community_id = $1 AND currency_id = $2 AND amount % $3 <> 0 LIMIT 1"};

}  // namespace

std::vector<CurrencyRow> list_currencies(sql::Tx& tx, CommunityNo community) {
  std::vector<CurrencyRow> all;
  tx.each(
      kList,
      [&](Row const& r) {
        all.push_back(
            {{r.integer(0)},
             {r.string(1), r.string(2), r.string(3), r.string(4), r.string(5), r.boolean(6), r.integer(7), r.boolean(8), r.integer(9)}});
      },
      community);
  return all;
}

void insert_currency(sql::Tx& tx, CommunityNo community, CurrencyRow const& c, TimeMs now) {
  auto const& s = c.shown;
  tx.exec(kInsert, community, c.number, s.code, s.name, s.symbol, s.icon, s.kind, s.isEnabled, s.decimals, s.allowNegative, s.order, now);
}

void update_currency(sql::Tx& tx, CommunityNo community, CurrencyRow const& c, TimeMs now) {
  auto const& s = c.shown;
  tx.exec(kUpdate, community, c.number, s.name, s.symbol, s.icon, s.isEnabled, s.decimals, s.allowNegative, s.order, now);
}

bool needs_finer_places(sql::Tx& tx, CommunityNo community, CurrencyNo currency, std::int64_t unit, std::int64_t from_entry) {
  auto const number = [](Row const& r) { return r.integer(0); };
  return tx.one(kFinerBalance, number, community, currency, unit) || tx.one(kFinerEntry, number, community, currency, unit, from_entry);
}

}  // namespace fealty::ledger
