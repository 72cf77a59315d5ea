// SQL and row mapping of the ledger: no rules.
#pragma once
#include <functional>

#include "ledger/ledger.h"

namespace fealty::ledger {

// Locks the members (sorted, distinct) in the order of their numbers. Active, suspended and banned members are present; who is
// no member here is left out, and with Locked::skip everybody whom another transaction holds.
enum class Presence : std::uint8_t { present, invited, deleted };
void lock_members(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, Locked locked,
                  std::function<void(MemberNo, Presence)> const& on_locked);

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
void find_sources(sql::Tx& tx, CommunityNo community, std::vector<SourceKey> const& keys,
                  std::function<void(std::size_t, StoredSource)> const& on_found);

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
