#include "access/authenticator.h"
#include "access/gate.h"
#include "api/json_writer.h"
#include "base/text.h"
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

// The published error shape of the family has no place for a challenge; its body has.
api::Answer challenge_answer(Challenge const& challenge, std::string_view request_id) {
  static constexpr char kMessage[] = "Send the code of your second factor with this challenge to /auth/second-factor.";
  api::JsonWriter w;
  w.begin_object().key("meta").begin_object().key("success").boolean(false).key("message").string(kMessage);
  w.key("devMessage").string(kMessage).end_object();
  w.key("body").begin_object().key("challenge").string(challenge.text).key("expiresIn").integer(challenge.expires_in_s).end_object();
  w.key("code").string(errors::kSecondFactorRequired.code).key("requestId").string(request_id).end_object();
  return {.raw =
              api::Response{.status = errors::kSecondFactorRequired.status, .body = w.take(), .headers = {{"WWW-Authenticate", "Bearer"}}}};
}

// A body whose form and rules are judged together. The issues of the form are given to `fn`, unless it is no JSON object.
template <class In, class Out, class Fn>
api::Handler judged(std::string message, Fn fn) {
  return [message = std::move(message), fn = std::move(fn)](Context& context, Request& request) -> Result<api::Answer> {
    In in;
    std::vector<Issue> issues;
    api::from_json(trim_space(request.body).empty() ? "{}" : request.body, in, issues);
    if (std::any_of(issues.begin(), issues.end(), [](Issue const& i) { return i.field.empty(); }))
      return std::unexpected(api::invalid_request(std::move(issues)));
    return api::detail::written(200, message, Result<Out>(fn(context, request, in, std::move(issues))));
  };
}

ClaimIn claim_of(ResetIn const& in) { return {in.token, in.password, in.confirmPassword, {}}; }

}  // namespace

std::vector<Route> auth_routes(SignIn& sign_in, Registrations& registrations, OwnAccount& account, access::PasswordHasher& hasher) {
  std::vector<Route> routes;
  auto const post = [](std::string path, Needs needs, std::string id, std::string summary, std::string description,
                       std::vector<ErrorDef const*> list) {
    return Route{.method = Method::post,
                 .path = std::move(path),
                 .family = Family::system,
                 .needs = std::move(needs),
                 .body = api::BodyKind::json,
                 .id = std::move(id),
                 .summary = std::move(summary),
                 .description = std::move(description),
                 .tag = "Sign-in",
                 .errors = std::move(list)};
  };

  Route registering = post("/auth/register", Needs::system_or_guest(), "auth.register", "Register a user",
                           "With the system key for its community, with the full answer. Without it for communities with open "
                           "registration; the answer is the same for known and unknown e-mail addresses.",
                           {&errors::kEmailTaken, &errors::kUsernameTaken, &errors::kRegistrationClosed,
                            &access::errors::kCommunityRequired, &fealty::errors::kForbidden, &fealty::errors::kRateLimited});
  registering.in = &api::Schema<RegisterIn>::def;
  registering.out = &api::Schema<RegisteredOut>::def;
  registering.later = access::on_hasher(
      hasher,
      judged<RegisterIn, RegisteredOut>("User has been registered successfully",
                                        [&registrations](Context& c, Request const& r, RegisterIn const& in, std::vector<Issue> issues) {
                                          return registrations.register_person(c, in, Origin::of(r), std::move(issues));
                                        }));
  routes.push_back(std::move(registering));

  routes.push_back(access::on_hasher(
      hasher, typed_route<None, VerifyIn, VerifiedOut>(
                  post("/auth/verify-email", Needs::nothing(), "auth.verify_email", "Verify an e-mail address",
                       "With the code of the mail, or with the token of its link and the password that was chosen.",
                       {&errors::kInvalidCode, &errors::kEmailTaken, &errors::kUsernameTaken, &fealty::errors::kRateLimited}),
                  "Email has been verified successfully",
                  [&registrations](Context& c, None const&, VerifyIn const& in) { return registrations.verify_email(c, in); })));
  routes.push_back(typed_route<None, EmailIn, None>(
      post("/auth/verify-email/resend", Needs::nothing(), "auth.resend", "Send the verification mail again",
           "Once a minute; answered alike for every address.", {}),
      "If the address waits for its verification, a mail is on its way",
      [&registrations](Context& c, None const&, EmailIn const& in) { return registrations.resend(c, in); }));

  Route login = typed_route<None, LoginIn, LoginOut>(
      post(
          "/auth/login", Needs::nothing(), "auth.login", "Sign in",
          "With the account's password for the whole installation, or with one that a community gave, for that community alone. An account "
          "with a second factor is answered 401 second_factor_required, with a challenge in body.",
          {&errors::kInvalidCredentials, &errors::kSecondFactorRequired, &errors::kEmailNotVerified, &errors::kAccountDisabled,
           &access::errors::kSuspended, &access::errors::kBanned, &fealty::errors::kRateLimited}),
      "", [](Context&, None const&, LoginIn const&) -> Result<LoginOut> { return LoginOut{}; });
  login.handler = {};
  login.later = [&sign_in](Context& context, Request& request, api::Done done) {
    LoginIn in;
    if (auto error = api::detail::parse_input(request, nullptr, nullptr, &api::Schema<LoginIn>::def, &in))
      return done(std::unexpected(*std::move(error)), nullptr);
    auto answer = [&context, done = std::move(done)](Result<SignedIn> result, std::exception_ptr thrown) mutable {
      if (thrown || !result) return done(thrown ? Result<api::Answer>() : std::unexpected(std::move(result).error()), thrown);
      if (auto const* challenge = std::get_if<Challenge>(&*result)) return done(challenge_answer(*challenge, context.request_id), nullptr);
      done(api::detail::written(200, "User has been logged in successfully", Result<LoginOut>(std::get<LoginOut>(*std::move(result)))),
           nullptr);
    };
    sign_in.login(context, std::move(in), Origin::of(request), std::move(answer));
  };
  routes.push_back(std::move(login));

  routes.push_back(typed_route<None, SecondFactorIn, LoginOut>(
      post("/auth/second-factor", Needs::nothing(), "auth.second_factor", "Sign in with the second factor",
           "Within five minutes of the sign-in that answered the challenge.",
           {&errors::kInvalidCredentials, &access::errors::kSuspended, &access::errors::kBanned, &fealty::errors::kRateLimited}),
      "User has been logged in successfully", [&sign_in](Context& c, Request const& r, None const&, SecondFactorIn const& in) {
        return sign_in.second_factor(c, in, Origin::of(r));
      }));
  routes.push_back(typed_route<None, RefreshIn, TokensOut>(
      post("/auth/refresh", Needs::nothing(), "auth.refresh", "Take a new pair of tokens",
           "The old refresh token dies; parallel calls within 30 seconds get the same new one. Its use later ends the session.",
           {&fealty::errors::kUnauthorized}),
      "Token has been refreshed successfully",
      [&sign_in](Context& c, None const&, RefreshIn const& in) { return sign_in.refresh(c, in); }));
  Route logout = typed_route<None, LogoutIn, None>(
      post("/auth/logout", Needs::session(), "auth.logout", "Sign out", "This session, or all of them.", {}),
      "User has been logged out successfully", [&sign_in](Context& c, None const&, LogoutIn const& in) { return sign_in.logout(c, in); });
  logout.handler = [handler = std::move(logout.handler)](Context& context, Request& request) {
    auto answer = handler(context, request);
    if (answer) answer->headers.push_back({"Set-Cookie", access::no_session_cookie(request.secure)});
    return answer;
  };
  routes.push_back(std::move(logout));

  routes.push_back(typed_route<None, EmailIn, None>(
      post("/auth/forgot-password", Needs::nothing(), "auth.forgot_password", "Ask for a link that sets a new password",
           "Answered alike for every address; the link lives 30 minutes and counts once.", {}),
      "If the address is known, a mail is on its way",
      [&account](Context& c, None const&, EmailIn const& in) { return account.forgot_password(c, in); }));
  auto const by_link = [&](std::string path, std::string id, std::string summary, std::string description) {
    return post(std::move(path), Needs::nothing(), std::move(id), std::move(summary), std::move(description),
                {&errors::kInvalidToken, &errors::kAccountDisabled, &errors::kUsernameTaken});
  };
  Route reset = by_link("/auth/reset-password", "auth.reset_password", "Set a new password", "Ends all sessions of the account.");
  reset.in = &api::Schema<ResetIn>::def;
  reset.out = &api::Schema<AccountOut>::def;
  reset.later = access::on_hasher(
      hasher, judged<ResetIn, AccountOut>("Password has been reset successfully",
                                          [&account](Context& c, Request const&, ResetIn const& in, std::vector<Issue> issues) {
                                            return account.reset_password(c, claim_of(in), std::move(issues));
                                          }));
  routes.push_back(std::move(reset));
  Route claim =
      by_link("/auth/claim", "auth.claim", "Claim an account",
              "The holder of the mailbox takes the account that others made: earlier sessions, keys and community passwords end.");
  claim.in = &api::Schema<ClaimIn>::def;
  claim.out = &api::Schema<AccountOut>::def;
  claim.later = access::on_hasher(
      hasher, judged<ClaimIn, AccountOut>("Account has been claimed successfully",
                                          [&account](Context& c, Request const&, ClaimIn const& in, std::vector<Issue> issues) {
                                            return account.reset_password(c, in, std::move(issues));
                                          }));
  routes.push_back(std::move(claim));
  return routes;
}

}  // namespace fealty::identity
