// Who administers a community beside its owner: appointed and dismissed by the owner, through roles that carry
// server_administrator.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "access/once.h"
#include "api/route.h"
#include "api/schema.h"
#include "api/typed.h"
#include "base/number_source.h"
#include "members/members.h"

namespace fealty::members {

namespace errors {
inline constexpr ErrorDef kNoAdministrator{"administrator_not_found", 404};
inline constexpr ErrorDef kNotAdministrative{"role_not_administrative", 409};
inline constexpr ErrorDef kMemberBanned{"user_banned", 409};
inline constexpr ErrorDef kMemberDeleted{"user_deleted", 409};
}  // namespace errors

struct AdministratorRole {
  std::string _id, title;
};
struct AdministratorOut {
  std::string _id, userId, username, email;
  std::optional<std::string> displayName;
  std::string status;
  bool isOwner = false, isClaimed = false, hasSecondFactor = false;
  std::vector<AdministratorRole> roles;
};
struct AppointIn {
  std::string email;
  std::optional<std::string> roleId;
};
struct AppointedOut {
  AdministratorOut administrator;
  std::string mail;
};

// Any thread.
class AdministratorsService {
 public:
  AdministratorsService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}
  // The owner first.
  std::vector<AdministratorOut> list(api::Context const& context);
  // A member gets the role; who is none is invited, or gets an account that a mail lets him claim. Repeating it changes nothing.
  Result<api::Answer> appoint(api::Context const& context, AppointIn const& in, std::optional<access::OnceKey> const& key);
  // Takes every role that administers; the membership stays.
  Result<AdministratorOut> dismiss(api::Context const& context, std::string const& user);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
};

std::vector<api::Route> administrators_routes(AdministratorsService& service);

}  // namespace fealty::members

#define FEALTY_F(T, name, ...) field<&fealty::members::T::name>(#name, __VA_ARGS__)
namespace fealty::members {
inline constexpr std::string_view kAppointmentMails[] = {"claim", "invitation", "administrator", "none"};
}  // namespace fealty::members
FEALTY_SCHEMA(fealty::members::AdministratorRole, FEALTY_F(AdministratorRole, _id, "Id of the role."),
              FEALTY_F(AdministratorRole, title, "Title."))
FEALTY_SCHEMA(fealty::members::AdministratorOut, FEALTY_F(AdministratorOut, _id, "Id of the account."),
              FEALTY_F(AdministratorOut, userId, "Short id."), FEALTY_F(AdministratorOut, username, "Username."),
              FEALTY_F(AdministratorOut, email, "E-mail address."), FEALTY_F(AdministratorOut, displayName, "Display name here."),
              FEALTY_F(AdministratorOut, status, "State of the membership: who is invited administers nothing before he has joined.",
                       {.example = "\"active\""}),
              FEALTY_F(AdministratorOut, isOwner, "The owner needs no role."),
              FEALTY_F(AdministratorOut, isClaimed, "The holder of the mailbox has taken the account."),
              FEALTY_F(AdministratorOut, hasSecondFactor, "The account asks for a second factor."),
              FEALTY_F(AdministratorOut, roles, "The roles that administer."))
FEALTY_SCHEMA(fealty::members::AppointIn, FEALTY_F(AppointIn, email, "E-mail address.", {.format = "email", .required = true}),
              FEALTY_F(AppointIn, roleId,
                       "A role with server_administrator; the highest one when absent, which is made when there is none.",
                       {.format = "id"}))
FEALTY_SCHEMA(fealty::members::AppointedOut, FEALTY_F(AppointedOut, administrator, "Who administers now."),
              FEALTY_F(AppointedOut, mail, "Which mail is on its way.", {.one_of = fealty::members::kAppointmentMails}))
#undef FEALTY_F
