// SQL and row mapping of the ledger: no rules.
#pragma once
#include "ledger/ledger.h"

namespace fealty::ledger {

struct StoredSource {
  SourceNo number;
  std::optional<Operator> op;
  std::optional<Decimal> operand;
  EntryNo entry;
};

// Locks the member. Active, suspended and banned members are present; nothing when they are no member here.
enum class Presence : std::uint8_t { present, invited, deleted };
std::optional<Presence> lock_member(sql::Tx& tx, CommunityNo community, MemberNo member);
std::optional<StoredSource> find_source(sql::Tx& tx, CommunityNo community, Change const& change, CurrencyNo currency);
void insert_source(sql::Tx& tx, CommunityNo community, SourceNo number, Source const& source, std::string_view leg, MemberNo member,
                   CurrencyNo currency, std::optional<Operator> op, std::optional<Decimal> operand, EntryNo entry, std::string_view note,
                   TimeMs now);
Decimal balance_after(sql::Tx& tx, CommunityNo community, EntryNo entry);

}  // namespace fealty::ledger
