#include <algorithm>

#include "access/written_once.h"
#include "base/text.h"
#include "ledger/currencies_store.h"

namespace fealty::ledger {
namespace {

constexpr std::string_view kCounter = "counter";
// Spin balances of wheels have these codes.
constexpr std::string_view kReservedPrefix = "spins.";

std::unexpected<Error> no_currency(std::string const& code) {
  return fail(errors::kCurrencyNotFound, "There is no currency \"" + code + "\" in this community.");
}

bool is_code(std::string_view code) {
  return !code.empty() && code.size() <= 32 && code.front() >= 'a' && code.front() <= 'z' &&
         std::all_of(code.begin(), code.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'; });
}

// Brings the texts into their form, and notes what is wrong with them.
void check_texts(CurrencyOut& c, std::vector<Issue>& issues) {
  for (auto const& [name, text] : {std::pair{"/name", &c.name}, {"/symbol", &c.symbol}, {"/icon", &c.icon}}) {
    *text = to_nfc(trim_space(*text));
    if (has_control_characters(*text, false)) api::add_issue(issues, {name, "invalid_text", "This text stands on one line."});
  }
  if (c.name.empty()) api::add_issue(issues, {"/name", "required", "name must not be blank."});
}

std::unexpected<Error> name_taken(std::string const& name) {
  std::string const message = "There is a currency \"" + name + "\" already.";
  return fail(errors::kCurrencyExists, message, {{"/name", std::string(errors::kCurrencyExists.code), message}});
}
bool has_name(std::vector<CurrencyRow> const& all, std::string_view name, CurrencyNo but) {
  return std::any_of(all.begin(), all.end(),
                     [&](CurrencyRow const& c) { return c.number != but && fold_case(c.shown.name) == fold_case(name); });
}

std::unexpected<Error> owner_alone() {
  return fail(fealty::errors::kForbidden, "Only the owner of the community lets balances fall below zero.");
}

std::int64_t unit_of(std::int64_t decimals) {
  std::int64_t unit = 1;
  for (auto i = decimals; i < Decimal::kPlacesMax; ++i) unit *= 10;
  return unit;
}

void audit(sql::Tx& tx, NumberSource& numbers, api::Context const& c, std::string action, std::string const& code, std::string detail) {
  access::write_audit(tx, c.community, numbers.next(),
                      {access::actor_of(c.principal), std::move(action), code, std::move(detail), c.remote_address, c.now});
}

}  // namespace

std::vector<CurrencyOut> CurrencyService::list(api::Context const& c) {
  return database_.read([&](sql::Tx& tx) {
    std::vector<CurrencyOut> all;
    for (auto& currency : list_currencies(tx, c.community))
      if (currency.shown.kind != kCounter) all.push_back(std::move(currency.shown));
    return all;
  });
}

Result<api::Answer> CurrencyService::create(api::Context const& c, CurrencyIn const& in, std::optional<access::OnceKey> const& key) {
  CurrencyRow made{{},
                   {in.code, in.name, in.symbol.value_or(""), in.icon.value_or(""), in.kind, in.isEnabled.value_or(true),
                    in.decimals.value_or(Decimal::kPlacesMax), in.allowNegative.value_or(false), 0}};
  std::vector<Issue> issues;
  check_texts(made.shown, issues);
  if (!is_code(in.code) || in.code.starts_with(kReservedPrefix))
    api::add_issue(issues, {"/code", "bad_value",
                            "A code is a small letter and up to 31 small letters, digits, dots, underscores and hyphens; spins. is kept "
                            "for the games."});
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
  if (made.shown.allowNegative && c.principal.role != api::CommunityRole::owner) return owner_alone();
  return access::once_as<CurrencyOut>(201, "Currency created successfully", database_, c, key, [&](sql::Tx& tx) -> Result<CurrencyOut> {
    lock_everybody(tx, c.community);
    auto const all = list_currencies(tx, c.community);
    std::size_t count = 0;
    made.number = {0};
    made.shown.order = 0;
    for (auto const& other : all) {
      count += other.shown.kind != kCounter;
      made.number.value = std::max(made.number.value, other.number.value);
      made.shown.order = std::max(made.shown.order, other.shown.order);
      if (other.shown.code == in.code) {
        std::string const message = "There is a currency with the code " + in.code + " already.";
        return fail(errors::kCurrencyExists, message, {{"/code", std::string(errors::kCurrencyExists.code), message}});
      }
    }
    ++made.number.value;
    made.shown.order = in.order.value_or(made.shown.order + 1);
    if (has_name(all, made.shown.name, {})) return name_taken(made.shown.name);
    if (count >= kCurrenciesMax)
      return fail(errors::kTooManyCurrencies, "A community can have " + std::to_string(kCurrenciesMax) + " currencies.");
    insert_currency(tx, c.community, made, c.now);
    audit(tx, numbers_, c, "currency.create", in.code, access::audit_value(api::to_json(made.shown), c.request_id));
    return made.shown;
  });
}

Result<CurrencyOut> CurrencyService::change(api::Context const& c, std::string const& code, CurrencyChange const& in) {
  // Fewer places: all entries are looked at before anybody is made to wait, and the latest ones again when nobody writes any more.
  if (in.decimals) {
    auto const refused = database_.read([&](sql::Tx& tx) {
      for (auto const& r : list_currencies(tx, c.community))
        if (r.shown.code == code && *in.decimals < r.shown.decimals)
          return needs_finer_places(tx, c.community, r.number, unit_of(*in.decimals), 0);
      return false;
    });
    if (refused)
      return fail(errors::kDecimalsInUse, "There are amounts of this currency with more than " + std::to_string(*in.decimals) + " places.");
  }
  return database_.write([&](sql::Tx& tx) -> Result<CurrencyOut> {
    // Whoever writes balances is finished now, and those that come read the new definition.
    lock_everybody(tx, c.community);
    auto const all = list_currencies(tx, c.community);
    auto const found = std::find_if(all.begin(), all.end(), [&](CurrencyRow const& r) { return r.shown.code == code; });
    if (found == all.end() || found->shown.kind == kCounter) return no_currency(code);
    CurrencyRow after = *found;
    auto& s = after.shown;
    if (in.name) s.name = *in.name;
    if (in.symbol) s.symbol = *in.symbol;
    if (in.icon) s.icon = *in.icon;
    s.isEnabled = in.isEnabled.value_or(s.isEnabled);
    s.decimals = in.decimals.value_or(s.decimals);
    s.allowNegative = in.allowNegative.value_or(s.allowNegative);
    s.order = in.order.value_or(s.order);
    std::vector<Issue> issues;
    check_texts(s, issues);
    if (s.allowNegative && after.number == kXp) api::add_issue(issues, {"/allowNegative", "not_allowed", "XP never falls below zero."});
    if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
    if (api::to_json(s) == api::to_json(found->shown)) return s;
    if (s.allowNegative != found->shown.allowNegative && c.principal.role != api::CommunityRole::owner) return owner_alone();
    if (has_name(all, s.name, after.number)) return name_taken(s.name);
    if (s.decimals < found->shown.decimals &&
        needs_finer_places(tx, c.community, after.number, unit_of(s.decimals), NumberSource::first_at(c.now - kClockSlackMs)))
      return fail(errors::kDecimalsInUse, "There are amounts of this currency with more than " + std::to_string(s.decimals) + " places.");
    update_currency(tx, c.community, after, c.now);
    audit(tx, numbers_, c, "currency.update", code, access::audit_changes(found->shown, s, c.request_id));
    return s;
  });
}

}  // namespace fealty::ledger
