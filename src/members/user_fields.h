// Field definitions over HTTP: the default ones, which the system keeps, and a community's own.
#pragma once
#include "access/once.h"
#include "api/context.h"
#include "api/route.h"
#include "api/typed.h"
#include "members/fields.h"
#include "members/user_fields_api.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kConfirmationRequired{"confirmation_required", 400};
}  // namespace errors

// Any thread.
class UserFieldsService {
 public:
  UserFieldsService(sql::Database& database, NumberSource& numbers, int fields_max = Limits().custom_fields_max)
      : database_(database), numbers_(numbers), fields_(database, numbers, fields_max) {}

  // Items are written already: the caller may have asked for some of their members alone.
  Result<api::Listing<api::Json>> list(api::Context const& context, UserFieldsQuery const& query);
  Result<UserFieldOut> get(api::Context const& context, PublicId id);
  Result<api::Answer> create(api::Context const& context, CreateUserFieldIn const& in, std::optional<access::OnceKey> const& key);
  Result<UserFieldOut> update(api::Context const& context, PublicId id, CreateUserFieldIn const& in);
  Result<DeletedUserField> remove(api::Context const& context, PublicId id);
  Result<UserFieldOut> restore(api::Context const& context, PublicId id);

  Result<UserFieldSettings> settings(api::Context const& context);
  // 400 confirmation_required where items would go sooner and the body does not confirm it.
  Result<UserFieldSettings> change_settings(api::Context const& context, ChangeUserFieldSettings const& in);

 private:
  UserFieldOut shown(sql::Tx& tx, api::Context const& context, CustomField const& field) const;
  std::vector<UserFieldOut> all(sql::Tx& tx, api::Context const& context) const;

  sql::Database& database_;
  NumberSource& numbers_;
  FieldService fields_;
};

std::vector<api::Route> user_fields_routes(UserFieldsService& service);

}  // namespace fealty::members
