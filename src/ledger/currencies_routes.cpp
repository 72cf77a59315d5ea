#include "ledger/currencies.h"

#include "access/written_once.h"

namespace fealty::ledger {
namespace {

using api::Context;
using api::Method;
using api::Needs;
using api::None;
using api::Request;
using api::Route;

}  // namespace

std::vector<Route> currency_routes(CurrencyService& service) {
  auto const route = [](Method method, std::string path, Needs needs, std::string id, std::string summary, std::string description,
                        std::vector<ErrorDef const*> list) {
    return Route{.method = method,
                 .path = std::move(path),
                 .family = api::Family::integration,
                 .needs = std::move(needs),
                 .id = std::move(id),
                 .summary = std::move(summary),
                 .description = std::move(description),
                 .tag = "Currencies",
                 .errors = std::move(list)};
  };
  std::vector<Route> routes;
  auto list = route(Method::get, "/currencies", Needs::key({api::Permission::get_user_stats}), "currencies.list", "Get currencies",
                    "In their order, without the counters of games.", {});
  list.out = &api::Schema<CurrencyOut>::def;
  list.list = true;
  list.handler = api::typed<None, None, api::Listing<CurrencyOut>>("Currencies fetched successfully", [&service](Context& c, None const&) {
    api::Listing<CurrencyOut> out{service.list(c), {}};
    auto const count = static_cast<std::int64_t>(out.items.size());
    out.page = api::Page::of(count, 1, std::max<std::int64_t>(count, 1));
    return Result<api::Listing<CurrencyOut>>(std::move(out));
  });
  routes.push_back(std::move(list));
  routes.push_back(access::once_route<CurrencyIn, CurrencyOut>(
      route(Method::post, "/currencies", Needs::role(api::CommunityRole::administrator), "currencies.create", "Create a currency",
            "Beside XP, Coins and Premium Currency. Code and kind never change; it cannot be removed, only switched off.",
            {&errors::kCurrencyExists, &errors::kTooManyCurrencies, &fealty::errors::kForbidden}),
      [&service](Context& c, CurrencyIn const& in, auto const& key) { return service.create(c, in, key); }, 201));
  routes.push_back(api::typed_route<None, CurrencyChange, CurrencyOut>(
      route(Method::put, "/currencies/{code}", Needs::role(api::CommunityRole::administrator), "currencies.update", "Change a currency",
            "What is absent stays. Places are taken away only while no amount needs them.",
            {&errors::kCurrencyNotFound, &errors::kCurrencyExists, &errors::kDecimalsInUse, &fealty::errors::kForbidden}),
      "Currency updated successfully", [&service](Context& c, Request const& r, None const&, CurrencyChange const& in) {
        return service.change(c, r.path_args.at(0), in);
      }));
  return routes;
}

}  // namespace fealty::ledger
