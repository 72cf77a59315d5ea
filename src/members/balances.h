// Balances of one member at a time: read, and changed by API keys. The single-row write of the API.
#pragma once
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "api/context.h"
#include "api/route.h"
#include "base/decimal.h"
#include "base/number_source.h"
#include "ledger/ledger.h"
#include "members/write_lanes.h"
#include "sql/sql.h"

namespace fealty::members {

inline constexpr std::size_t kAdjustItemsMax = 100;

struct BalancesIn {
  std::string identifier;
  std::optional<std::string> identifier_type, field_name;
};
struct CurrencyBalance {
  std::string currency, name;
  Decimal balance, earned;
};
struct MemberBalances {
  std::string user_id;
  std::vector<CurrencyBalance> balances;
};

// One change as a request names it; checked.
struct AdjustItem {
  std::string identifier;
  std::optional<std::string> identifier_type, field_name;
  std::string currency, op;
  Decimal amount;
  std::optional<std::string> reason, note, sourceId;
};
struct Adjust {
  std::vector<AdjustItem> items;
  bool is_list = false;  // they came, and are answered, as `items`
  std::optional<std::string> idempotency_key;
};

// Any thread.
class BalancesService {
 public:
  BalancesService(sql::Database& database, NumberSource& numbers);

  Result<MemberBalances> read(api::Context const& context, BalancesIn const& in);
  // All items or none; the answer's `data`. A source (`sourceId`, else the Idempotency-Key) that was applied before answers
  // its first entry again.
  Result<api::Json> adjust(api::Context const& context, Adjust const& in);

 private:
  struct Task;
  class Round;
  void run_round(CommunityNo community, std::span<Task* const> tasks, Lane lane);

  sql::Database& database_;
  NumberSource& numbers_;
  ledger::LedgerService ledger_;
  WriteLanes<Task> lanes_;
};

std::vector<api::Route> balances_routes(BalancesService& service);

}  // namespace fealty::members
