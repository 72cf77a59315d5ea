#include "access/written_once.h"
#include "api/typed.h"
#include "members/histories.h"
#include "members/member_reference.h"
#include "members/users.h"
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

constexpr std::string_view kCommunity = "/communities/{communityId}";

Route base(Method method, std::string const& path, std::string id, std::string summary, std::string description) {
  return {.method = method,
          .path = std::string(kCommunity) + path,
          .family = Family::application,
          .needs = Needs::key({Permission::user_fields}),
          .id = std::move(id),
          .summary = std::move(summary),
          .description = std::move(description),
          .tag = "User field histories"};
}

std::string meta_of(HistoryPage const& page) {
  std::string out = "\"page\":" + std::to_string(page.page) + ",\"limit\":" + std::to_string(page.limit);
  if (page.total) out += ",\"total\":" + std::to_string(*page.total);
  out += ",\"nextCursor\":";
  if (page.next_cursor)
    api::write_json_string(out, *page.next_cursor);
  else
    out += "null";
  return out;
}

Result<Answer> list(HistoriesService& service, Context const& c, HistoriesService::Asked const& asked, HistoriesQuery const& query) {
  auto page = service.list(c, asked, query);
  if (!page) return std::unexpected(std::move(page).error());
  Answer answer{.message = "Get user field histories successful", .data = "[", .meta_extra = meta_of(*page)};
  for (auto const& item : page->items) {
    if (answer.data.size() > 1) answer.data += ',';
    answer.data += item.text;
  }
  answer.data += ']';
  return answer;
}

// Which parts of the path name the member and the field, behind the community's.
struct Places {
  std::optional<std::size_t> user = {}, field = {};
};
Route list_of(HistoriesService& service, std::string const& path, std::string id, std::string summary, Places places) {
  auto route = base(Method::get, path, std::move(id), std::move(summary),
                    "The newest first. Items of deleted fields and members are not listed. A page may be short although there is a "
                    "nextCursor: it ends where nextCursor is null.");
  route.query = &api::Schema<HistoriesQuery>::def;
  route.out = &api::Schema<UserFieldHistoryItem>::def;
  route.list = true;
  route.errors = {&fealty::errors::kInvalidRequest, &errors::kInvalidCursor};
  if (places.user) route.errors.push_back(&errors::kUserNotFound);
  if (places.field) route.errors.push_back(&errors::kFieldNotFound);
  route.handler = [&service, places](Context& c, Request& request) -> Result<Answer> {
    HistoriesQuery query;
    std::vector<Issue> issues;
    if (!api::from_pairs(request.query, query, issues)) return std::unexpected(api::invalid_request(std::move(issues)));
    HistoriesService::Asked asked;
    if (places.user) asked.user = request.path_args.at(*places.user);
    if (places.field) asked.field = request.path_args.at(*places.field);
    return list(service, c, asked, query);
  };
  return route;
}

Route list_of_community(HistoriesService& service) {
  auto route = list_of(service, "/user-field-histories", "user_field_histories.list", "Get all user field histories", {});
  route.query = &api::Schema<CommunityHistoriesQuery>::def;
  route.errors.push_back(&errors::kUserNotFound);
  route.errors.push_back(&errors::kFieldNotFound);
  route.handler = [&service](Context& c, Request& request) -> Result<Answer> {
    CommunityHistoriesQuery query;
    std::vector<Issue> issues;
    if (!api::from_pairs(request.query, query, issues)) return std::unexpected(api::invalid_request(std::move(issues)));
    return list(service, c, {query.userId, query.fieldId, query.source}, query.common());
  };
  return route;
}

}  // namespace

std::vector<Route> histories_routes(HistoriesService& service) {
  std::vector<Route> routes;
  routes.push_back(list_of_community(service));
  routes.push_back(list_of(service, "/user-fields/{fieldId}/histories", "user_field_histories.of_field", "Get the histories of one field",
                           {.field = 1}));
  routes.push_back(list_of(service, "/users/{userId}/user-field-histories", "user_field_histories.of_user", "Get the histories of one user",
                           {.user = 1}));
  routes.push_back(list_of(service, "/users/{userId}/user-fields/{fieldId}/histories", "user_field_histories.of_field_and_user",
                           "Get the history of one field of one user", {.user = 1, .field = 2}));

  auto create =
      base(Method::post, "/users/{userId}/user-field-histories", "user_field_histories.create", "Create a history item for one user",
           "Sets the value of a custom field and adds the item that tells of it, both or neither. A value that is there already "
           "changes nothing: 200 with the latest item, or null.");
  create.body = api::BodyKind::json;
  create.in = &api::Schema<CreateHistoryIn>::def;
  create.out = &api::Schema<UserFieldHistoryItem>::def;
  create.success_status = 201;
  create.errors = {&fealty::errors::kInvalidRequest,
                   &errors::kUserNotFound,
                   &errors::kFieldNotFound,
                   &errors::kDefaultField,
                   &errors::kBadValue,
                   &errors::kValueRequired,
                   &errors::kOpNotNumeric,
                   &errors::kValueChanged,
                   &errors::kIdentifierTaken,
                   &fealty::errors::kIdempotencyKeyReused};
  create.handler = access::written_once<CreateHistoryIn>(
      create.id, [&service](Context& c, Request const& r, CreateHistoryIn const& in, std::optional<access::OnceKey> const& key) {
        return service.create(c, r.path_args.at(1), in, key);
      });
  routes.push_back(std::move(create));

  auto set = base(Method::patch, "/users/{userId}/user-fields", "user_fields.set", "Set values of one user",
                  "Up to 100 values of custom fields, all or none. add and subtract begin at the field's default value, or at 0, where the "
                  "member has no value. An Idempotency-Key makes it repeatable. A member sets his own values of the fields that members "
                  "may edit; those that he does not see are set and not shown.");
  set.needs = Needs::key_or_own(Permission::user_fields, Permission::update_own_profile);
  set.tag = "User fields";
  set.body = api::BodyKind::json;
  set.in = &api::Schema<SetValuesIn>::def;
  set.out = &api::Schema<SetValuesOut>::def;
  set.errors = {&fealty::errors::kInvalidRequest, &errors::kUserNotFound,     &errors::kUnknownField,
                &errors::kDefaultFieldValue,      &errors::kBadValue,         &errors::kValueRequired,
                &errors::kOpNotNumeric,           &errors::kIdentifierTaken,  &fealty::errors::kIdempotencyKeyReused,
                &errors::kFieldNotEditable,       &fealty::errors::kForbidden};
  set.handler = access::written_once<SetValuesIn>(
      set.id, [&service](Context& c, Request const& r, SetValuesIn const& in, std::optional<access::OnceKey> const& key) {
        return service.set(c, r.path_args.at(1), in, key);
      });
  routes.push_back(std::move(set));
  return routes;
}

}  // namespace fealty::members
