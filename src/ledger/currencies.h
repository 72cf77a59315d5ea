// The currencies of a community as people set them up (gamification.md §1). Codes and kinds never change; names, symbols and icons
// are free.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "access/once.h"
#include "api/route.h"
#include "api/schema.h"
#include "api/typed.h"
#include "ledger/ledger.h"

namespace fealty::ledger {

namespace errors {
inline constexpr ErrorDef kCurrencyExists{"currency_exists", 409};
inline constexpr ErrorDef kTooManyCurrencies{"too_many_currencies", 409};
inline constexpr ErrorDef kDecimalsInUse{"decimals_in_use", 409};
}  // namespace errors

// Counters of the games are not counted.
inline constexpr std::size_t kCurrenciesMax = 20;
inline constexpr std::string_view kCurrencyKinds[] = {"progress", "spendable"};

struct CurrencyOut {
  std::string code, name, symbol, icon, kind;
  bool isEnabled = true;
  std::int64_t decimals = 6;
  bool allowNegative = false;
  std::int64_t order = 0;
};
// What is absent stays.
struct CurrencyChange {
  std::optional<std::string> name, symbol, icon;
  std::optional<bool> isEnabled;
  std::optional<std::int64_t> decimals;
  std::optional<bool> allowNegative;
  std::optional<std::int64_t> order;
};
struct CurrencyIn {
  std::string code, name, kind;
  std::optional<std::string> symbol, icon;
  std::optional<bool> isEnabled;
  std::optional<std::int64_t> decimals;
  std::optional<bool> allowNegative;
  std::optional<std::int64_t> order;
};

// Any thread.
class CurrencyService {
 public:
  CurrencyService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}
  // In their order, without the counters of games.
  std::vector<CurrencyOut> list(api::Context const& context);
  Result<api::Answer> create(api::Context const& context, CurrencyIn const& in, std::optional<access::OnceKey> const& key);
  // Places are taken away only while no entry needs them; below zero is for the owner to allow, and never XP.
  Result<CurrencyOut> change(api::Context const& context, std::string const& code, CurrencyChange const& in);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
};

std::vector<api::Route> currency_routes(CurrencyService& service);

}  // namespace fealty::ledger

#define FEALTY_F(T, name, ...) field<&fealty::ledger::T::name>(#name, __VA_ARGS__)
FEALTY_SCHEMA(
    fealty::ledger::CurrencyOut, FEALTY_F(CurrencyOut, code, "What programs call it; it never changes.", {.example = "\"coins\""}),
    FEALTY_F(CurrencyOut, name, "Name."), FEALTY_F(CurrencyOut, symbol, "Symbol beside amounts."),
    FEALTY_F(CurrencyOut, icon, "An emoji or a short text."),
    FEALTY_F(CurrencyOut, kind, "progress: only earned; spendable: earned and spent.", {.one_of = fealty::ledger::kCurrencyKinds}),
    FEALTY_F(CurrencyOut, isEnabled, "Off: balances can be read, not changed."), FEALTY_F(CurrencyOut, decimals, "Places of an amount."),
    FEALTY_F(CurrencyOut, allowNegative, "Balances may fall below zero."), FEALTY_F(CurrencyOut, order, "Place in lists."))
FEALTY_SCHEMA(fealty::ledger::CurrencyChange, FEALTY_F(CurrencyChange, name, "1 to 50 characters.", {.min = 1, .max = 50}),
              FEALTY_F(CurrencyChange, symbol, "Up to 10 characters.", {.max = 10}),
              FEALTY_F(CurrencyChange, icon, "Up to 20 characters.", {.max = 20}),
              FEALTY_F(CurrencyChange, isEnabled, "Off: balances can be read, not changed."),
              FEALTY_F(CurrencyChange, decimals, "0 to 6.", {.min = 0, .max = 6}),
              FEALTY_F(CurrencyChange, allowNegative, "The owner alone; never of xp."),
              FEALTY_F(CurrencyChange, order, "Place in lists.", {.min = 0, .max = 1'000'000}))
FEALTY_SCHEMA(fealty::ledger::CurrencyIn,
              FEALTY_F(CurrencyIn, code, "A small letter, then small letters, digits, dot, underscore and hyphen, 32 at most.",
                       {.min = 1, .max = 32, .required = true, .example = "\"gems\""}),
              FEALTY_F(CurrencyIn, name, "1 to 50 characters.", {.min = 1, .max = 50, .required = true}),
              FEALTY_F(CurrencyIn, kind, "progress or spendable.", {.one_of = fealty::ledger::kCurrencyKinds, .required = true}),
              FEALTY_F(CurrencyIn, symbol, "Up to 10 characters.", {.max = 10}),
              FEALTY_F(CurrencyIn, icon, "Up to 20 characters.", {.max = 20}), FEALTY_F(CurrencyIn, isEnabled, "true when absent."),
              FEALTY_F(CurrencyIn, decimals, "0 to 6; 6 when absent.", {.min = 0, .max = 6}),
              FEALTY_F(CurrencyIn, allowNegative, "The owner alone."),
              FEALTY_F(CurrencyIn, order, "Place in lists; the last when absent.", {.min = 0, .max = 1'000'000}))
#undef FEALTY_F
