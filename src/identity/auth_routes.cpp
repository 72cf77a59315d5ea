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

constexpr char kLoggedIn[] = "User has been logged in successfully";

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

ClaimIn claim_of(ResetIn const& in) { return {in.token, in.password, in.confirmPassword, {}, in.session}; }

bool wants_cookie(std::optional<std::string> const& session) { return session == "cookie"; }

// A foreign page could sign a browser in as somebody else, and would see what he does from then on.
Result<void> may_take_cookie(Request const& request, std::optional<std::string> const& session) {
  if (!wants_cookie(session) || access::is_from_own_page(request)) return {};
  return fail(access::errors::kCrossSite, "A session cookie is for pages of this host alone; others take tokens.");
}

api::Header cookie_of(std::string_view refresh_token, Request const& request) {
  return {"Set-Cookie", access::session_cookie(refresh_token, access::CookieSite::strict, request.secure)};
}

// What a sign-in or a renewal gives: tokens for programs, a cookie that no script can read for browsers.
template <class Out>
Result<api::Answer> session_answer(std::string const& message, Result<Out> result, std::optional<std::string> const& session,
                                   Request const& request) {
  if (!result || !wants_cookie(session)) return api::detail::written(200, message, std::move(result));
  auto const cookie = cookie_of(*result->refreshToken, request);
  result->token.reset();
  result->refreshToken.reset();
  result->expiresIn = access::kSessionLifeMs / 1000;
  auto answer = api::detail::written(200, message, std::move(result));
  answer->headers.push_back(cookie);
  return answer;
}

// A handler whose body may ask for the session as a cookie.
template <class In, class Fn>
api::Handler with_session(Fn fn) {
  return [fn = std::move(fn)](Context& context, Request& request) -> Result<api::Answer> {
    In in;
    if (auto error = api::detail::parse_input(request, nullptr, nullptr, &api::Schema<In>::def, &in))
      return std::unexpected(*std::move(error));
    if (auto may = may_take_cookie(request, in.session); !may) return std::unexpected(std::move(may).error());
    return fn(context, request, in);
  };
}

// Claims and resets: judged as a whole, and the end of them may be a session.
template <class In>
api::Handler by_mail_link(OwnAccount& account, std::string message, ClaimIn (*claim)(In const&)) {
  return [&account, message = std::move(message), claim](Context& context, Request& request) -> Result<api::Answer> {
    In in;
    std::vector<Issue> issues;
    api::from_json(trim_space(request.body).empty() ? "{}" : request.body, in, issues);
    if (std::any_of(issues.begin(), issues.end(), [](Issue const& i) { return i.field.empty(); }))
      return std::unexpected(api::invalid_request(std::move(issues)));
    if (auto may = may_take_cookie(request, in.session); !may) return std::unexpected(std::move(may).error());
    auto done = account.reset_password(context, claim(in), Origin::of(request), std::move(issues));
    if (!done) return std::unexpected(std::move(done).error());
    auto answer = api::detail::written(200, message, Result<AccountOut>(std::move(done->account)));
    if (done->session) answer->headers.push_back(cookie_of(done->session->refresh_token, request));
    return answer;
  };
}

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
           &access::errors::kSuspended, &access::errors::kBanned, &access::errors::kCrossSite, &fealty::errors::kRateLimited}),
      "", [](Context&, None const&, LoginIn const&) -> Result<LoginOut> { return LoginOut{}; });
  login.handler = {};
  login.later = [&sign_in](Context& context, Request& request, api::Done done) {
    LoginIn in;
    if (auto error = api::detail::parse_input(request, nullptr, nullptr, &api::Schema<LoginIn>::def, &in))
      return done(std::unexpected(*std::move(error)), nullptr);
    if (auto may = may_take_cookie(request, in.session); !may) return done(std::unexpected(std::move(may).error()), nullptr);
    auto answer = [&context, &request, session = in.session, done = std::move(done)](Result<SignedIn> result,
                                                                                     std::exception_ptr thrown) mutable {
      if (thrown || !result) return done(thrown ? Result<api::Answer>() : std::unexpected(std::move(result).error()), thrown);
      if (auto const* challenge = std::get_if<Challenge>(&*result)) return done(challenge_answer(*challenge, context.request_id), nullptr);
      done(session_answer<LoginOut>(kLoggedIn, std::get<LoginOut>(*std::move(result)), session, request), nullptr);
    };
    sign_in.login(context, std::move(in), Origin::of(request), std::move(answer));
  };
  routes.push_back(std::move(login));

  Route factor = post("/auth/second-factor", Needs::nothing(), "auth.second_factor", "Sign in with the second factor",
                      "Within five minutes of the sign-in that answered the challenge.",
                      {&errors::kInvalidCredentials, &access::errors::kSuspended, &access::errors::kBanned, &access::errors::kCrossSite,
                       &fealty::errors::kRateLimited});
  factor.in = &api::Schema<SecondFactorIn>::def;
  factor.out = &api::Schema<LoginOut>::def;
  factor.handler = with_session<SecondFactorIn>([&sign_in](Context& c, Request const& r, SecondFactorIn const& in) {
    return session_answer(kLoggedIn, sign_in.second_factor(c, in, Origin::of(r)), in.session, r);
  });
  routes.push_back(std::move(factor));
  Route refresh = post("/auth/refresh", Needs::nothing(), "auth.refresh", "Take a new pair of tokens, or renew the session's cookie",
                       "The old refresh token dies; parallel calls within 30 seconds get the same new one. Its use later ends the session.",
                       {&fealty::errors::kUnauthorized, &access::errors::kCrossSite});
  refresh.in = &api::Schema<RefreshIn>::def;
  refresh.out = &api::Schema<TokensOut>::def;
  refresh.handler = with_session<RefreshIn>([&sign_in](Context& c, Request const& r, RefreshIn const& in) -> Result<api::Answer> {
    auto const token = wants_cookie(in.session) ? std::optional<std::string>(access::cookie_credential(r)) : in.refreshToken;
    if (!token && !wants_cookie(in.session))
      return std::unexpected(api::invalid_request({{"/refreshToken", "required", "refreshToken is required."}}));
    return session_answer("Token has been refreshed successfully", sign_in.refresh(c, token.value_or("")), in.session, r);
  });
  routes.push_back(std::move(refresh));
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
                {&errors::kInvalidToken, &errors::kAccountDisabled, &errors::kUsernameTaken, &access::errors::kCrossSite});
  };
  Route reset = by_link("/auth/reset-password", "auth.reset_password", "Set a new password", "Ends all sessions of the account.");
  reset.in = &api::Schema<ResetIn>::def;
  reset.out = &api::Schema<AccountOut>::def;
  reset.later = access::on_hasher(hasher, by_mail_link<ResetIn>(account, "Password has been reset successfully", claim_of));
  routes.push_back(std::move(reset));
  Route claim =
      by_link("/auth/claim", "auth.claim", "Claim an account",
              "The holder of the mailbox takes the account that others made: earlier sessions, keys and community passwords end.");
  claim.in = &api::Schema<ClaimIn>::def;
  claim.out = &api::Schema<AccountOut>::def;
  claim.later = access::on_hasher(
      hasher, by_mail_link<ClaimIn>(account, "Account has been claimed successfully", [](ClaimIn const& in) { return in; }));
  routes.push_back(std::move(claim));
  return routes;
}

}  // namespace fealty::identity
