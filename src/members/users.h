// Users as the integrations see them: made, looked at, listed, deleted and restored, counted.
#pragma once
#include <memory>

#include "access/once.h"
#include "access/passwords.h"
#include "api/context.h"
#include "api/route.h"
#include "base/number_source.h"
#include "members/users_api.h"
#include "members/users_export_api.h"
#include "sql/sql.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kEmailTaken{"email_taken", 409};
inline constexpr ErrorDef kUsernameTaken{"username_taken", 409};
inline constexpr ErrorDef kExternalIdTaken{"external_id_taken", 409};
inline constexpr ErrorDef kUserDeleted{"user_deleted", 409};
inline constexpr ErrorDef kUserBanned{"user_banned", 409};
inline constexpr ErrorDef kNoIdentifierField{"no_identifier_field", 400};
inline constexpr ErrorDef kUnknownField{"unknown_field", 400};
}  // namespace errors

// One error of all problems; its code is theirs where all have the same one, of those given.
Error problems_of(std::vector<Issue> issues, std::initializer_list<ErrorDef const*> known);

class UserPages;

// Any thread.
class UsersService {
 public:
  UsersService(sql::Database& database, NumberSource& numbers, access::PasswordHasher& passwords);
  ~UsersService();

  // `issues`: what is wrong with the request already; told together with what is wrong with its values.
  Result<api::Answer> create(api::Context const& context, CreateUserIn const& in, std::vector<Issue> issues,
                             std::optional<access::OnceKey> const& key);

  Result<UserInfo> info(api::Context const& context, UserInfoIn const& in);
  Result<ActivityOut> activity(api::Context const& context, ActivityIn const& in);
  // The text of a FilterOut.
  Result<api::Json> filter(api::Context const& context, FilterIn const& in);
  Result<api::Response> export_file(api::Context const& context, api::Request const& request, ExportIn const& in);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
  access::PasswordHasher& passwords_;
  std::unique_ptr<UserPages> pages_;
};

// A request with a password runs behind its turn on the hasher.
std::vector<api::Route> users_routes(UsersService& service, access::PasswordHasher& hasher);

}  // namespace fealty::members
