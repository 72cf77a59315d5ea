#include "access/written_once.h"
#include "members/entries.h"
#include "members/member_reference.h"
#include "members/users_filter.h"

namespace fealty::members {
namespace {

using api::Answer;
using api::Context;
using api::Family;
using api::Method;
using api::Needs;
using api::Permission;
using api::Request;
using api::Route;

}  // namespace

std::vector<Route> entries_routes(EntriesService& service) {
  std::vector<Route> routes;
  Route list{
      .method = Method::get,
      .path = "/ledger/entries",
      .family = Family::integration,
      .needs = Needs::key_or_own(Permission::get_user_stats, Permission::read_own_profile),
      .id = "ledger.entries",
      .summary = "Get ledger entries",
      .description =
          "The newest first: of the community, or of one member. A member himself, by his token or his key, gets his own, without notes, "
          "actors and ids of sources. A page may be short, or empty, although there is a nextCursor: it ends where nextCursor is null.",
      .tag = "Balances",
      .query = &api::Schema<EntriesQuery>::def,
      .out = &api::Schema<EntryOut>::def,
      .list = true,
      .by_cursor = true,
      .errors = {&errors::kInvalidCursor, &errors::kUserNotFound, &ledger::errors::kCurrencyNotFound, &fealty::errors::kForbidden},
      .handler = [&service](Context& c, Request& request) -> Result<Answer> {
        EntriesQuery query;
        std::vector<Issue> issues;
        if (!api::from_pairs(request.query, query, issues)) return std::unexpected(api::invalid_request(std::move(issues)));
        auto const page = service.list(c, query);
        if (!page) return std::unexpected(page.error());
        Answer answer{.message = "Ledger entries fetched successfully"};
        api::CodecFor<std::vector<EntryOut>>::value.write(answer.data, &page->items);
        answer.extra = api::cursor_pagination(query.limit, page->next_cursor);
        return answer;
      }};
  routes.push_back(std::move(list));

  Route reverse{.method = Method::post,
                .path = "/ledger/entries/{entryId}/reverse",
                .family = Family::integration,
                .needs = Needs::role(api::CommunityRole::administrator),
                .id = "ledger.reverse",
                .summary = "Take an entry back",
                .description =
                    "Adds the opposite entry, once for ever. Entries of bulk jobs are taken back with their jobs alone, those of purchases "
                    "and spins by cancelling these; a reversal is not taken back.",
                .tag = "Balances",
                .errors = {&ledger::errors::kEntryNotFound, &ledger::errors::kAlreadyReversed, &ledger::errors::kIsReversal,
                           &ledger::errors::kUseRevert, &ledger::errors::kUseCancel, &ledger::errors::kInsufficientBalance,
                           &ledger::errors::kBalanceLimit, &ledger::errors::kCurrencyDisabled, &ledger::errors::kUserNotFound,
                           &ledger::errors::kUserNotJoined}};
  routes.push_back(access::once_route<ReverseIn, EntryOut>(
      std::move(reverse), [&service](Context& c, Request const& request, ReverseIn const& in, auto const& key) -> Result<Answer> {
        auto const entry = api::path_id(request, 0, ledger::errors::kEntryNotFound);
        if (!entry) return std::unexpected(entry.error());
        return service.reverse(c, *entry, in, key);
      }));
  return routes;
}

}  // namespace fealty::members
