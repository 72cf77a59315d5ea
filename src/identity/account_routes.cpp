#include "identity/accounts.h"

namespace fealty::identity {
namespace {

using api::Context;
using api::Family;
using api::Method;
using api::Needs;
using api::None;
using api::Request;
using api::Route;
using api::typed_route;

Route own(Method method, std::string path, std::string id, std::string summary, std::string description,
          std::vector<ErrorDef const*> list) {
  return {.method = method,
          .path = std::move(path),
          .family = Family::system,
          .needs = Needs::account(),
          .id = std::move(id),
          .summary = std::move(summary),
          .description = std::move(description),
          .tag = "Account",
          .errors = std::move(list)};
}

}  // namespace

std::vector<Route> account_routes(OwnAccount& account, access::PasswordHasher& hasher) {
  std::vector<Route> routes;
  Route me = own(Method::get, "/auth/me", "account.me", "Who is signed in",
                 "The account, this session, and the communities that it sees with what the person is there.", {});
  me.needs = Needs::session();
  routes.push_back(typed_route<None, None, MeOut>(std::move(me), "Account fetched successfully",
                                                  [&account](Context& c, None const&) { return account.me(c); }));
  Route sessions = own(Method::get, "/auth/sessions", "account.sessions", "Sessions of one's own", "The living ones, newest first.", {});
  sessions.out = &api::Schema<SessionOut>::def;
  sessions.list = true;
  sessions.handler = api::typed<None, None, std::vector<SessionOut>>("Sessions fetched successfully",
                                                                     [&account](Context& c, None const&) { return account.sessions(c); });
  routes.push_back(std::move(sessions));
  routes.push_back(typed_route<None, None, SessionOut>(own(Method::del, "/auth/sessions/{id}", "account.end_session", "End a session",
                                                           "Every node refuses it at once.", {&errors::kSessionNotFound}),
                                                       "Session has been ended successfully",
                                                       [&account](Context& c, Request const& r, None const&) -> Result<SessionOut> {
                                                         auto const id = api::path_id(r, 0, errors::kSessionNotFound);
                                                         if (!id) return std::unexpected(id.error());
                                                         return account.end_session(c, *id);
                                                       }));
  routes.push_back(
      access::on_hasher(hasher, typed_route<None, ChangeIn, AccountOut>(
                                    own(Method::patch, "/account", "account.change", "Change one's account",
                                        "A new e-mail address counts after its verification. A new password ends all other sessions.",
                                        {&errors::kInvalidCredentials, &errors::kUsernameTaken, &fealty::errors::kRateLimited}),
                                    "Account has been updated successfully",
                                    [&account](Context& c, None const&, ChangeIn const& in) { return account.change(c, in); })));
  routes.push_back(typed_route<None, None, DeletedOut>(own(Method::del, "/account", "account.delete", "Delete one's account",
                                                           "A sign-in within 14 days undoes it.", {&errors::kOwnerMustTransfer}),
                                                       "Account will be deleted",
                                                       [&account](Context& c, None const&) { return account.remove(c); }));
  routes.push_back(access::on_hasher(
      hasher, typed_route<None, PasswordIn, SetupOut>(
                  own(Method::post, "/auth/second-factor/setup", "account.second_factor_setup", "Begin to set up a second factor",
                      "TOTP as authenticator programs know it. It counts after its confirmation.",
                      {&errors::kInvalidCredentials, &errors::kSecondFactorOn, &fealty::errors::kRateLimited}),
                  "Second factor has been prepared",
                  [&account](Context& c, None const&, PasswordIn const& in) { return account.set_up_second_factor(c, in); })));
  routes.push_back(typed_route<None, CodeIn, RecoveryOut>(
      own(Method::post, "/auth/second-factor/confirm", "account.second_factor_confirm", "Switch the second factor on",
          "With a code of the authenticator; answers the recovery codes, this once.",
          {&errors::kInvalidCode, &errors::kSecondFactorOn, &errors::kSecondFactorOff, &fealty::errors::kRateLimited}),
      "Second factor has been switched on",
      [&account](Context& c, None const&, CodeIn const& in) { return account.confirm_second_factor(c, in); }));
  routes.push_back(access::on_hasher(
      hasher, typed_route<None, DisableIn, None>(
                  own(Method::post, "/auth/second-factor/disable", "account.second_factor_disable", "Switch the second factor off",
                      "With the password and a code.",
                      {&errors::kInvalidCredentials, &errors::kInvalidCode, &errors::kSecondFactorOff, &fealty::errors::kRateLimited}),
                  "Second factor has been switched off",
                  [&account](Context& c, None const&, DisableIn const& in) { return account.disable_second_factor(c, in); })));
  return routes;
}

}  // namespace fealty::identity
