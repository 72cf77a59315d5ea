#include "identity/secure_auth.h"

#include "access/gate.h"
#include "access/one_time.h"
#include "api/json_tree.h"
#include "api/json_writer.h"
#include "api/typed.h"
#include "base/hash.h"
#include "base/text.h"
#include "identity/secure_auth_store.h"
#include "members/member_reference.h"
#include "members/newcomers.h"

namespace fealty::identity {
namespace {

using members::AccountState;
using members::MembershipState;
using sql::StorageError;

constexpr std::string_view kPurpose = "secure_auth";
constexpr std::size_t kDeviceBytesMax = 200;
constexpr int kAttemptsMax = 4;

constexpr ErrorDef kUnknownAction{"unknown_action", 400};
constexpr ErrorDef kUnknownAccessLevel{"unknown_access_level", 400};
constexpr ErrorDef kForeignHost{"foreign_host", 403};
constexpr ErrorDef kUserDeleted{"user_deleted", 403};
constexpr ErrorDef kAccountDisabled{"account_disabled", 403};
constexpr ErrorDef kUsernameTaken{"username_taken", 409};
constexpr ErrorDef kEmailTaken{"email_taken", 409};
constexpr ErrorDef kLinkOver{"link_over", 404};

std::unexpected<Error> refused(std::vector<Issue> issues) {
  Error error = api::invalid_request(std::move(issues));
  for (auto const* def : {&kUnknownAction, &kUnknownAccessLevel})
    if (error.issues.front().code == def->code) error.def = def;
  return std::unexpected(std::move(error));
}

void need(std::vector<Issue>& issues, std::string name) {
  bool const known = std::any_of(issues.begin(), issues.end(), [&](Issue const& i) { return i.field == name || i.field == "/" + name; });
  std::string message = name + " is required.";
  if (!known) api::add_issue(issues, {std::move(name), "required", std::move(message)});
}

std::string_view name_of(members::NewcomerPart part) {
  switch (part) {
    case members::NewcomerPart::username: return "userId";
    case members::NewcomerPart::email: return "email";
    case members::NewcomerPart::first_name: return "firstname";
    case members::NewcomerPart::last_name: return "lastname";
    case members::NewcomerPart::display_name: return "displayname";
  }
  throw std::logic_error("a part without a name");
}

// Whether this person may be signed in here; the one who is invited is asked to join by the pages.
Result<void> may_sign_in(members::KnownPerson const& person, TimeMs now) {
  if (person.account == AccountState::disabled) return fail(kAccountDisabled, "This account is disabled.");
  if (person.state == MembershipState::deleted) return fail(kUserDeleted, "This member was deleted from the community.");
  if (auto refusal = access::refused_member(static_cast<int>(*person.state), person.until, now))
    return std::unexpected(*std::move(refusal));
  return {};
}

std::string facts_of(std::string_view label) {
  api::JsonWriter w;
  w.begin_object().key("label").string(label).end_object();
  return w.take();
}
std::string label_of(std::string const& facts) {
  api::JsonTree tree;
  std::vector<Issue> ignored;
  if (!tree.parse(facts, ignored)) return "";
  auto const label = tree.root().find("label");
  return label ? std::string(label->text()) : "";
}

std::string device_of(std::string_view user_agent) {
  std::string out(user_agent.substr(0, kDeviceBytesMax));
  while (!out.empty() && !is_valid_utf8(out)) out.pop_back();
  return has_control_characters(out, false) ? "" : out;
}

// The path and the query carry the same secret: a link that lost one of them was changed by somebody.
bool is_whole(std::string_view once, LoginQuery const& query) { return query.token && equal_constant_time(once, *query.token); }

}  // namespace

Result<SecureAuthOut> SecureAuth::ask(api::Context const& c, std::string_view host, SecureAuthIn const& in, std::vector<Issue> issues) {
  if (!in.action || in.action->empty())
    need(issues, "action");
  else if (*in.action != "login")
    api::add_issue(issues, {"action", std::string(kUnknownAction.code), "action must be login."});
  std::string const username(trim_blanks(in.userId.value_or("")));
  if (username.empty()) need(issues, "userId");
  if (!in.accessLevel) need(issues, "accessLevel");

  auto const ask_once = [&] {
    return database_.write([&](sql::Tx& tx) -> Result<SecureAuthOut> {
      auto const settings = secure_auth_settings(tx, c.community);
      if (!settings || settings->host.empty() || settings->host != host)
        return fail(kForeignHost, "This host is not the community's: the operator sets it with fealty community set --host.");
      auto problems = issues;
      auto const roles = in.accessLevel ? members::starting_roles(tx, c.community, *in.accessLevel) : std::nullopt;
      if (in.accessLevel && !roles)
        api::add_issue(problems, {"accessLevel", std::string(kUnknownAccessLevel.code),
                                  "There is no access level " + std::to_string(*in.accessLevel) + "."});
      auto person = username.empty() ? std::nullopt : members::find_by_username(tx, c.community, username, c.now);
      auto const text = [](std::optional<std::string> const& given) { return std::string(trim_blanks(given.value_or(""))); };
      members::Newcomer const newcomer{username, text(in.email), text(in.firstname), text(in.lastname), text(in.displayname)};
      if (!person && !username.empty()) members::check_newcomer(newcomer, name_of, problems);
      if (!problems.empty()) return refused(std::move(problems));

      if (!person) {
        auto arrived =
            members::add_newcomer(tx, numbers_, c.community, newcomer, *roles, access::actor_of(c.principal), c.remote_address, c.now);
        if (arrived.outcome == members::Arrival::email_taken)
          return fail(kEmailTaken,
                      "This e-mail belongs to another account. Create the user first, and keep the username that is returned.");
        // Taken meanwhile, by a call for the same person perhaps.
        person = arrived.person;
      }
      if (!person->state) return fail(kUsernameTaken, "This username belongs to somebody who is no member of this community.");
      if (auto allowed = may_sign_in(*person, c.now); !allowed) return std::unexpected(std::move(allowed).error());
      SecureAuthOut out;
      out.sessionId = PublicId::of(numbers_.next(), c.now).to_string();
      auto const once = access::issue_link(tx, kPurpose, person->number, c.community, facts_of(out.sessionId), c.now, kLoginLinkMs);
      out.loginUrl = "https://" + settings->host + "/v2/app/loginApi/" + once + "/2?token=" + once + "&host=" + settings->host;
      return out;
    });
  };
  for (int attempt = 1;; ++attempt) {
    try {
      return ask_once();
    } catch (StorageError const& e) {
      // An import made the same account in between: now it is there to be found.
      if (e.kind() != StorageError::Kind::constraint || attempt == kAttemptsMax) throw;
    }
  }
}

std::optional<std::string> SecureAuth::redeem(api::Context const& c, std::string_view once, LoginQuery const& query,
                                              std::string_view device) {
  if (!is_whole(once, query)) return std::nullopt;
  return database_.write([&](sql::Tx& tx) -> std::optional<std::string> {
    auto const link = access::redeem_link(tx, kPurpose, once, c.now);
    if (!link) return std::nullopt;
    auto const settings = secure_auth_settings(tx, link->community);
    if (!settings || (query.host && *query.host != settings->host)) return std::nullopt;
    // Banned, deleted or disabled since the link was asked for.
    auto const person = members::find_by_number(tx, link->community, link->account, c.now);
    if (!person || !person->state || !may_sign_in(*person, c.now)) return std::nullopt;
    auto const session = access::create_session(tx, session_keys_,
                                                {.account = person->number,
                                                 .account_id = person->id,
                                                 .scope = link->community,
                                                 .device = device_of(device),
                                                 .remote_address = c.remote_address,
                                                 .label = label_of(link->facts),
                                                 .as_member = !settings->administrators},
                                                numbers_, c.now);
    return access::session_cookie(session.refresh_token, access::CookieSite::lax, true);
  });
}

bool SecureAuth::is_good(api::Context const& c, std::string_view once, LoginQuery const& query) {
  return is_whole(once, query) && database_.read([&](sql::Tx& tx) { return access::look_at_link(tx, kPurpose, once, c.now).has_value(); });
}

namespace {

// Nothing is loaded, nothing runs, nobody frames it. The colours are the browser's own, light or dark.
constexpr std::string_view kPagePolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
constexpr std::string_view kOverPage =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, "
    "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n"
    "<title>This link is over</title>\n</head>\n<body>\n<main>\n<h1>This link is over</h1>\n<p>A sign-in link works once, and for two "
    "minutes. Go back to where you came from and sign in again.</p>\n<p><a href=\"/\" rel=\"noreferrer\">Sign "
    "in</a></p>\n</main>\n</body>\n"
    "</html>\n";

api::Response page(int status) {
  api::Response response{.status = status, .content_type = "text/html; charset=utf-8", .body = {}};
  response.headers = {
      {"cache-control", "no-store"}, {"referrer-policy", "no-referrer"}, {"content-security-policy", std::string(kPagePolicy)}};
  return response;
}

std::string host_header(api::Request const& request) {
  auto const named = request.header("hostname");
  return named && !trim_space(*named).empty() ? fold_case(trim_space(*named)) : access::host_of(request);
}

Result<api::Answer> ask(SecureAuth& service, api::Context& c, api::Request& request) {
  SecureAuthIn in;
  std::vector<Issue> issues;
  if (request.method == api::Method::post)
    api::from_json(trim_space(request.body).empty() ? "{}" : request.body, in, issues);
  else
    api::from_pairs(request.query, in, issues);
  // What could not be read is listed; the rest was.
  auto out = service.ask(c, host_header(request), in, std::move(issues));
  if (!out) return std::unexpected(std::move(out).error());
  api::Answer answer{.data = api::to_json(*out)};
  answer.headers = {{"cache-control", "no-store"}, {"referrer-policy", "no-referrer"}};
  return answer;
}

Result<api::Answer> redeem(SecureAuth& service, api::Context& c, api::Request& request) {
  LoginQuery query;
  std::vector<Issue> issues;
  std::string_view const once = request.path_args.at(0);
  auto const over = [] {
    auto response = page(kLinkOver.status);
    response.body = kOverPage;
    return api::Answer{.raw = std::move(response)};
  };
  if (request.path_args.at(1) != "2" || !api::from_pairs(request.query, query, issues)) return over();
  if (query.host) query.host = fold_case(*query.host);
  // Who looks before he goes uses nothing up.
  if (request.method == api::Method::head) return service.is_good(c, once, query) ? api::Answer{.raw = page(200)} : over();
  auto const cookie = service.redeem(c, once, query, request.header("user-agent").value_or(""));
  if (!cookie) return over();
  auto response = page(303);
  response.headers.push_back({"location", "/"});
  response.headers.push_back({"set-cookie", *cookie});
  return api::Answer{.raw = std::move(response)};
}

}  // namespace

std::vector<api::Route> secure_auth_routes(SecureAuth& service) {
  std::vector<ErrorDef const*> const errors{
      &kUnknownAction,          &kUnknownAccessLevel, &kForeignHost, &kUserDeleted, &kAccountDisabled, &access::errors::kSuspended,
      &access::errors::kBanned, &kUsernameTaken,      &kEmailTaken};
  std::string const description =
      "Called by the server of another system, on the community's own host: the key goes into x-api-key or apiKey, the host into hostname. "
      "A username that nobody has becomes a member.";
  std::vector<api::Route> routes;
  for (auto const method : {api::Method::get, api::Method::post}) {
    bool const is_get = method == api::Method::get;
    routes.push_back({.method = method,
                      .path = "/api/secureAuth",
                      .family = api::Family::secure_auth,
                      .needs = api::Needs::system_alone(),
                      .body = is_get ? api::BodyKind::none : api::BodyKind::json,
                      .id = is_get ? "secure_auth" : "secure_auth.post",
                      .summary = is_get ? "A link that signs a member in" : "The same with a JSON body",
                      .description = description,
                      .tag = "Sign-in",
                      .query = is_get ? &api::Schema<SecureAuthIn>::def : nullptr,
                      .in = is_get ? nullptr : &api::Schema<SecureAuthIn>::def,
                      .out = &api::Schema<SecureAuthOut>::def,
                      .errors = errors,
                      .handler = [&service](api::Context& c, api::Request& r) { return ask(service, c, r); }});
  }
  routes.push_back({.method = api::Method::get,
                    .path = "/v2/app/loginApi/{once}/{form}",
                    .family = api::Family::plain,
                    .needs = api::Needs::nothing(),
                    .id = "secure_auth.login",
                    .summary = "Signs in by a link, once",
                    .description = "Sets the session cookie and goes on to the community's pages. HEAD leaves the link unused.",
                    .tag = "Sign-in",
                    .query = &api::Schema<LoginQuery>::def,
                    .errors = {&kLinkOver},
                    .raw_content_type = "text/html",
                    .handler = [&service](api::Context& c, api::Request& r) { return redeem(service, c, r); },
                    .success_status = 303});
  return routes;
}

}  // namespace fealty::identity
