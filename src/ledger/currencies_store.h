// SQL and row mapping of currencies as they are set up: no rules.
#pragma once
#include "ledger/currencies.h"

namespace fealty::ledger {

struct CurrencyRow {
  CurrencyNo number;
  CurrencyOut shown;
};
// All of them, counters of games too, in their order.
std::vector<CurrencyRow> list_currencies(sql::Tx& tx, CommunityNo community);
void insert_currency(sql::Tx& tx, CommunityNo community, CurrencyRow const& currency, TimeMs now);
void update_currency(sql::Tx& tx, CommunityNo community, CurrencyRow const& currency, TimeMs now);
// Whether an entry from this number on, or a balance, is no multiple of `unit` millionths.
bool needs_finer_places(sql::Tx& tx, CommunityNo community, CurrencyNo currency, std::int64_t unit, std::int64_t from_entry);

}  // namespace fealty::ledger
