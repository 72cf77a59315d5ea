#include "access/idempotency.h"
#include "api/typed.h"
#include "base/text.h"
#include "members/balances_api.h"

namespace fealty::members {
namespace {

using api::Context;
using api::Family;
using api::Method;
using api::Needs;
using api::Permission;
using api::Request;
using api::Route;

void need(std::vector<Issue>& issues, bool present, std::string const& place, std::string const& name) {
  if (!present) api::add_issue(issues, {place + name, "required", (place + name).substr(1) + " is required."});
}

bool is_snake_case(std::string_view text) {
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

// What the schema cannot say of one item.
void check_item(AdjustItem const& item, std::string const& place, std::vector<Issue>& issues) {
  if (item.reason && !is_snake_case(*item.reason))
    api::add_issue(issues, {place + "/reason", "not_snake_case",
                            (place + "/reason").substr(1) + " must be small letters, digits and underscores, such as top_up."});
  need(issues, item.identifier_type != "custom-field" || item.field_name, place, "/field_name");
}

Result<Adjust> read_adjust(Request const& request) {
  AdjustIn in;
  std::vector<Issue> issues;
  bool const parsed = api::from_json(trim_space(request.body).empty() ? "{}" : request.body, in, issues);
  // A body that is no JSON object has this one problem.
  bool const readable = parsed || std::none_of(issues.begin(), issues.end(), [](Issue const& i) { return i.field.empty(); });
  Adjust out;
  if (readable && in.items) {
    out.is_list = true;
    out.items = *std::move(in.items);
    if (in.identifier || in.currency || in.op || in.amount || in.sourceId || in.reason || in.note)
      api::add_issue(issues, {"/items", "conflicting_members", "Send either items or the members of one change, not both."});
    for (std::size_t i = 0; i < out.items.size(); ++i) check_item(out.items[i], "/items/" + std::to_string(i), issues);
  } else if (readable) {
    // A member that was given and refused is listed already.
    auto const known = [&](std::string_view place) {
      return std::any_of(issues.begin(), issues.end(), [&](Issue const& i) { return i.field == place; });
    };
    need(issues, in.identifier || known("/identifier"), "", "/identifier");
    need(issues, in.currency || known("/currency"), "", "/currency");
    need(issues, in.op || known("/op"), "", "/op");
    need(issues, in.amount || known("/amount"), "", "/amount");
    AdjustItem item{in.identifier.value_or(""),
                    in.identifier_type,
                    in.field_name,
                    in.currency.value_or(""),
                    in.op.value_or(""),
                    in.amount.value_or(Decimal{}),
                    in.reason,
                    in.note,
                    in.sourceId};
    if (!item.reason || !known("/reason")) check_item(item, "", issues);
    out.items.push_back(std::move(item));
  }
  if (auto const key = request.header("idempotency-key")) {
    if (auto issue = access::idempotency_key_problem(*key))
      api::add_issue(issues, *std::move(issue));
    else
      out.idempotency_key = *key;
  }
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
  return out;
}

}  // namespace

std::vector<Route> balances_routes(BalancesService& service) {
  std::vector<Route> routes;
  routes.push_back(api::typed_route<api::None, BalancesIn, MemberBalances>(
      {.method = Method::post,
       .path = "/users/balances",
       .family = Family::integration,
       .needs = Needs::key({Permission::get_user_stats}),
       .id = "balances.read",
       .summary = "Balances of a member",
       .description = "Every currency of the community with the member's balance and what he ever earned in it.",
       .tag = "Balances",
       .errors = {&errors::kUserNotFound, &errors::kAmbiguousMember, &errors::kNotAnIdentifier, &ledger::errors::kUserNotJoined},
       .quick = true},
      "Balances fetched successfully", [&service](Context& c, api::None const&, BalancesIn const& in) { return service.read(c, in); }));

  Route adjust{
      .method = Method::post,
      .path = "/users/balances/adjust",
      .family = Family::integration,
      .needs = Needs::key({Permission::bulk_update_user}),
      .body = api::BodyKind::json,
      .id = "balances.adjust",
      .summary = "Adjust balances",
      .description =
          "Changes one balance, or up to 100 as items, all or none. A change with a sourceId, or else an Idempotency-Key, is applied "
          "once: repeated with the same operator and amount it answers the first entry.",
      .tag = "Balances",
      .in = &api::Schema<AdjustIn>::def,
      .out = &api::Schema<AdjustOut>::def,
      .errors = {&errors::kUserNotFound, &errors::kAmbiguousMember, &errors::kNotAnIdentifier, &ledger::errors::kUserNotJoined,
                 &ledger::errors::kNegativeValue, &ledger::errors::kAmountOutOfRange, &ledger::errors::kInsufficientBalance,
                 &ledger::errors::kBalanceLimit, &ledger::errors::kCurrencyDisabled, &ledger::errors::kCurrencyNotFound,
                 &ledger::errors::kSourceReused, &fealty::errors::kIdempotencyKeyReused},
      .later = [&service](Context& context, Request& request, api::Done done) {
        auto in = read_adjust(request);
        if (!in) return done(std::unexpected(std::move(in).error()), nullptr);
        service.adjust(context, *std::move(in), [done = std::move(done)](Result<api::Json> data, std::exception_ptr thrown) mutable {
          if (thrown || !data) return done(data ? Result<api::Answer>() : std::unexpected(std::move(data).error()), thrown);
          done(api::Answer{.message = "Balances adjusted successfully", .data = std::move(data->text)}, nullptr);
        });
      }};
  routes.push_back(std::move(adjust));
  return routes;
}

}  // namespace fealty::members
