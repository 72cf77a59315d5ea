// SQL and row mapping of the ledger: no rules. What is called …_later may wait for tx.settle(), so that several travel together;
// what it is given to fill must live so long.
#pragma once
#include <functional>

#include "ledger/ledger.h"

namespace fealty::ledger {

// Locks the members (sorted, distinct) in the order of their numbers. Active, suspended and banned members are present; who is
// no member here is left out, and with Locked::skip everybody whom another transaction holds.
enum class Presence : std::uint8_t { present, invited, deleted };
void lock_members_later(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, Locked locked,
                        std::function<void(MemberNo, Presence)> on_locked);
void load_currencies_later(sql::Tx& tx, CommunityNo community, std::vector<Currency>& out);
void load_balances_later(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, std::vector<MemberBalance>& out);

struct StoredSource {
  std::optional<Operator> op;
  std::optional<Decimal> operand;
  ChangeResult::First first;
  EntryNo entry;  // none: it changed nothing
  EntryClass entry_class = EntryClass::earn;
  Decimal amount, balance_after;
};
// A source that may be there already, and its change's currency.
struct SourceKey {
  Change const* change = nullptr;
  CurrencyNo currency;
};
struct FoundSource {
  std::size_t key = 0;  // index in the keys
  SourceNo number;
};
void find_sources_later(sql::Tx& tx, CommunityNo community, std::vector<SourceKey> const& keys, std::vector<FoundSource>& found);
StoredSource read_source(sql::Tx& tx, CommunityNo community, SourceNo number);

struct NewSource {
  SourceNo number;
  Change const* change = nullptr;
  CurrencyNo currency;
  EntryNo entry;  // none: it changes nothing
};
void insert_sources(sql::Tx& tx, CommunityNo community, std::vector<NewSource> const& sources, TimeMs now);

struct SourcedPosting {
  SourceNo source;
  Posting posting;
};
// post() for entries of several sources.
void post_sourced(sql::Tx& tx, CommunityNo community, std::vector<SourcedPosting> const& postings, std::vector<NewBalance> const& balances);

}  // namespace fealty::ledger
