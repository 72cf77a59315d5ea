#include "access/written_once.h"
#include "members/user_fields.h"

namespace fealty::members {
namespace {

using api::Context;
using api::Family;
using api::Method;
using api::Needs;
using api::None;
using api::Permission;
using api::Request;
using api::Route;

constexpr std::string_view kPath = "/communities/{communityId}/user-fields";
constexpr std::string_view kSettingsPath = "/communities/{communityId}/user-field-settings";
constexpr int kFieldArgument = 1;  // behind the community's

// 400 for what is no id at all: the published answer.
Result<PublicId> field_id(Request const& request) {
  auto const text = request.path_args.at(kFieldArgument);
  if (auto const id = PublicId::parse(text)) return *id;
  return fail(fealty::errors::kInvalidRequest, "A field's id has 24 hexadecimal digits.",
              {{"fieldId", "bad_id", "\"" + text.substr(0, 100) + "\" is not an id of 24 hexadecimal digits."}});
}

Route base(Method method, std::string_view path, std::string id, std::string summary, std::string description) {
  return {.method = method,
          .path = std::string(path),
          .family = Family::application,
          .needs = Needs::key({Permission::user_fields}),
          .id = std::move(id),
          .summary = std::move(summary),
          .description = std::move(description),
          .tag = "User fields"};
}

}  // namespace

std::vector<Route> user_fields_routes(UserFieldsService& service) {
  std::string const one = std::string(kPath) + "/{fieldId}";
  std::vector<Route> routes;

  Route list = base(Method::get, kPath, "user_fields.list", "Get all user fields",
                    "The default fields, which the system keeps, and the community's own.");
  list.query = &api::Schema<UserFieldsQuery>::def;
  list.out = &api::Schema<UserFieldOut>::def;
  list.list = true;
  list.handler = api::typed<UserFieldsQuery, None, api::Listing<api::Json>>(
      "Get user fields successful", [&service](Context& c, UserFieldsQuery const& q) { return service.list(c, q); });
  routes.push_back(std::move(list));

  Route get = base(Method::get, one, "user_fields.get", "Get one user field", "By its id; default fields have ids, too.");
  get.errors = {&errors::kFieldNotFound, &fealty::errors::kInvalidRequest};
  routes.push_back(api::typed_route<None, None, UserFieldOut>(
      std::move(get), "Get user field successful", [&service](Context& c, Request const& request, None const&) -> Result<UserFieldOut> {
        auto const id = field_id(request);
        if (!id) return std::unexpected(id.error());
        return service.get(c, *id);
      }));

  Route create = base(Method::post, kPath, "user_fields.create", "Create a custom user field",
                      "Keys and names share one name space with the default fields, compared without case.");
  create.errors = {&errors::kFieldExists, &errors::kTooManyFields};
  routes.push_back(access::once_route<CreateUserFieldIn, UserFieldOut>(
      std::move(create), [&service](Context& c, CreateUserFieldIn const& in, auto const& key) { return service.create(c, in, key); }, 201));

  Route update = base(Method::put, one, "user_fields.update", "Update a custom user field",
                      "name and type are needed, what else is absent stays. A type that stored values would not fit is refused; nothing is "
                      "converted.");
  update.errors = {&errors::kFieldNotFound, &errors::kKeyIsFixed, &errors::kDefaultField,
                   &errors::kFieldExists,   &errors::kTypeInUse,  &errors::kDuplicateValues};
  routes.push_back(api::typed_route<None, CreateUserFieldIn, UserFieldOut>(
      std::move(update), "Updated user field",
      [&service](Context& c, Request const& request, None const&, CreateUserFieldIn const& in) -> Result<UserFieldOut> {
        auto const id = field_id(request);
        if (!id) return std::unexpected(id.error());
        return service.update(c, *id, in);
      }));

  Route remove =
      base(Method::del, one, "user_fields.delete", "Delete a custom user field",
           "It disappears from reads, filters and CSV headers at once; values and histories stay, hidden. The key is free again.");
  remove.errors = {&errors::kFieldNotFound, &errors::kDefaultField, &errors::kFieldInUse, &fealty::errors::kInvalidRequest};
  routes.push_back(api::typed_route<None, None, DeletedUserField>(
      std::move(remove), "Delete user field successful",
      [&service](Context& c, Request const& request, None const&) -> Result<DeletedUserField> {
        auto const id = field_id(request);
        if (!id) return std::unexpected(id.error());
        return service.remove(c, *id);
      }));
  Route restore = base(Method::post, one + "/restore", "user_fields.restore", "Restore a deleted user field",
                       "For 30 days, with its values and its history. Then they are removed for good.");
  restore.errors = {&errors::kFieldNotFound, &errors::kFieldExists, &errors::kTooManyFields, &errors::kDuplicateValues,
                    &fealty::errors::kInvalidRequest};
  routes.push_back(
      api::typed_route<None, None, UserFieldOut>(std::move(restore), "Restore user field successful",
                                                 [&service](Context& c, Request const& request, None const&) -> Result<UserFieldOut> {
                                                   auto const id = field_id(request);
                                                   if (!id) return std::unexpected(id.error());
                                                   return service.restore(c, *id);
                                                 }));

  Route settings = base(Method::get, kSettingsPath, "user_field_settings.get", "Get the settings of user fields", "Of the community.");
  settings.needs = Needs::role(api::CommunityRole::administrator);
  routes.push_back(api::typed_route<None, None, UserFieldSettings>(std::move(settings), "Get user field settings successful",
                                                                   [&service](Context& c, None const&) { return service.settings(c); }));

  Route change = base(Method::put, kSettingsPath, "user_field_settings.update", "Change the settings of user fields",
                      "What is older than the retention is removed each night, but never the newest item of a value.");
  change.needs = Needs::role(api::CommunityRole::administrator);
  change.errors = {&errors::kConfirmationRequired};
  routes.push_back(api::typed_route<None, ChangeUserFieldSettings, UserFieldSettings>(
      std::move(change), "Update user field settings successful",
      [&service](Context& c, None const&, ChangeUserFieldSettings const& in) { return service.change_settings(c, in); }));
  return routes;
}

}  // namespace fealty::members
