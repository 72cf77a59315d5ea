#include "members/users_filter.h"

#include "api/typed.h"
#include "base/hash.h"
#include "members/user_pages.h"
#include "members/users.h"
#include "members/users_export.h"
#include "members/users_store.h"

namespace fealty::members {

UsersService::UsersService(sql::Database& database, NumberSource& numbers, access::PasswordHasher& passwords)
    : database_(database), numbers_(numbers), passwords_(passwords), pages_(std::make_unique<UserPages>()) {}
UsersService::~UsersService() = default;

Result<api::Json> UsersService::filter(api::Context const& context, FilterIn const& in) {
  std::string_view const filter = in.filter ? std::string_view(in.filter->text) : "{}";
  PageQuestion const question{[&] { return "users.filter:" + sha256(filter); }, in.cursor, in.page};
  if (auto error = problem_of(context, question)) return std::unexpected(*std::move(error));
  return database_.read([&](sql::Tx& tx) -> Result<api::Json> {
    CatalogueOnDemand catalogue(tx, context.community);
    std::string zone;
    FilterFacts const facts{[&]() -> Catalogue const& { return catalogue.get(); },
                            [&]() -> std::string_view {
                              if (zone.empty()) zone = community_zone(tx, context.community);
                              return zone;
                            }};
    std::vector<Issue> issues;
    auto const columns = read_columns(in.fields && !in.fields->empty() ? *in.fields : kColumnsDefault, facts, issues);
    auto conditions = read_conditions(filter, facts, issues);
    if (!issues.empty()) return std::unexpected(problems_of(std::move(issues), {&errors::kUnknownColumn, &errors::kUnknownOperator}));
    if (auto error = look_up(tx, context.community, conditions)) return std::unexpected(*std::move(error));
    return pages_->read(tx, context, facts, columns, conditions, question);
  });
}

Result<api::Response> UsersService::export_file(api::Context const& context, api::Request const& request, ExportIn const& in) {
  return export_users(
      database_, numbers_, context, request,
      {.action = "export.users",
       .target = {},
       .target_name = {},
       .file_name = "members.csv",
       .columns = in.fields.value_or(std::vector<std::string>()),
       .layout = read_layout(in.layout, in.balances)},
      [&](sql::Tx& tx, Catalogue const& catalogue, ExportQuestion&, std::vector<Issue>& issues) {
        auto const zone = community_zone(tx, context.community);
        return Result<std::vector<Condition>>(read_conditions(in.filter ? in.filter->text : "{}", facts_of(catalogue, zone), issues));
      });
}

}  // namespace fealty::members
