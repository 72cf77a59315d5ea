// Balances of one member at a time: read, and changed by API keys. The single-row write of the API.
#pragma once
#include <exception>
#include <functional>
#include <memory>
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
  // Finishes what waits.
  ~BalancesService();

  Result<MemberBalances> read(api::Context const& context, BalancesIn const& in);
  // All items or none; `done` gets the answer's `data`, or what was thrown, on another thread. A source (`sourceId`, else the
  // Idempotency-Key) that was applied before answers its first entry again. The context stays until then.
  using Adjusted = std::move_only_function<void(Result<api::Json>, std::exception_ptr)>;
  void adjust(api::Context const& context, Adjust in, Adjusted done);

 private:
  struct Task;
  class Round;
  using Lanes = WriteLanes<Task>;
  void run_round(CommunityNo community, std::span<std::unique_ptr<Task>> tasks, Lane lane);
  void finish(CommunityNo community, std::vector<std::unique_ptr<Task>> tasks);

  sql::Database& database_;
  NumberSource& numbers_;
  ledger::LedgerService ledger_;
  std::unique_ptr<Lanes> lanes_;
};

std::vector<api::Route> balances_routes(BalancesService& service);

}  // namespace fealty::members
