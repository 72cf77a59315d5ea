// Users as the integrations see them: made, looked at, listed, deleted and restored, counted.
#pragma once
#include <memory>

#include "api/context.h"
#include "api/route.h"
#include "base/number_source.h"
#include "members/users_api.h"
#include "sql/sql.h"

namespace fealty::members {

class TotalsCache;

// Any thread.
class UsersService {
 public:
  UsersService(sql::Database& database, NumberSource& numbers);
  ~UsersService();

  Result<UserInfo> info(api::Context const& context, UserInfoIn const& in);
  Result<ActivityOut> activity(api::Context const& context, ActivityIn const& in);
  Result<FilterOut> filter(api::Context const& context, FilterIn const& in);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
  std::unique_ptr<TotalsCache> totals_;
};

std::vector<api::Route> users_routes(UsersService& service);

}  // namespace fealty::members
