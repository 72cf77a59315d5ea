#include "identity/setup.h"

#include "access/gate.h"
#include "base/base64.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/networks.h"
#include "base/text.h"
#include "identity/accounts_parts.h"
#include "identity/totp.h"
#include "members/people.h"
#include "members/servers.h"
#include "sql/counters.h"

namespace fealty::identity {
namespace {

constexpr std::size_t kCodeCharacters = 20, kCodeGroup = 5;

std::unexpected<Error> already_set_up() {
  return fail(errors::kAlreadySetUp, "This installation has its first account already. Sign in instead.");
}

// Without what people put between groups, in small letters.
std::string plain_code(std::string_view text) {
  std::string out;
  for (char const c : fold_case(text))
    if (c != '-' && c != ' ') out += c;
  return out;
}

// A name of this machine's own, so that no foreign name that was made to lead here (DNS rebinding) is taken for it.
bool has_loopback_host(api::Request const& request) {
  auto host = access::host_of(request);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host == "localhost" || is_loopback(host);
}

}  // namespace

bool FirstSetup::is_needed() {
  if (is_done_) return false;
  if (!parts_.database.read([](sql::Tx& tx) { return has_accounts(tx); })) return true;
  is_done_ = true;
  return false;
}

std::string FirstSetup::code() const {
  auto const text = fold_case(to_base32(parts_.vault.keyed_hash("setup code", ""))).substr(0, kCodeCharacters);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) (out += i > 0 && i % kCodeGroup == 0 ? "-" : "") += text[i];
  return out;
}

bool FirstSetup::needs_code(api::Request const& request) const {
  // Whoever passes requests on leaves one of these, unless he hides it; an operator who runs such a one must not rely on loopback.
  static constexpr std::string_view kPassedOn[] = {"forwarded",         "via",       "x-forwarded-for", "x-forwarded-host",
                                                   "x-forwarded-proto", "x-real-ip", "cf-connecting-ip"};
  bool const is_passed_on =
      std::any_of(std::begin(kPassedOn), std::end(kPassedOn), [&](std::string_view name) { return request.header(name).has_value(); });
  return behind_proxy_ || is_passed_on || !is_loopback(request.remote_address) || !has_loopback_host(request);
}

SetupStateOut FirstSetup::state(api::Request const& request) {
  bool const needed = is_needed();
  return {needed, needed && needs_code(request)};
}

Result<FirstSetup::Done> FirstSetup::run(api::Context const& c, api::Request const& request, SetupInstallationIn const& in,
                                         std::vector<Issue> issues) {
  if (!is_needed()) return already_set_up();
  // A foreign page could set up the machine of who looks at it. Programs that are no browsers say nothing of this.
  bool const is_browser = request.header("origin").has_value() || request.header("sec-fetch-site").has_value();
  if (is_browser && !access::is_from_own_page(request))
    return fail(access::errors::kCrossSite, "The setup is for pages of this host alone.");
  // Nobody guesses 100 bits, so guesses are not counted.
  if (needs_code(request) && !equal_constant_time(plain_code(in.code.value_or("")), plain_code(code()))) {
    std::string const message = "Send the setup code that the server printed when it started (in its log: setup.needed).";
    return fail(errors::kSetupCodeWrong, message, {{"/code", std::string(errors::kSetupCodeWrong.code), message}});
  }

  Problems problems{std::move(issues)};
  std::string const email(trim_space(in.email)), username(trim_space(in.username));
  auto const text = [](std::string_view given) { return to_nfc(trim_blanks(given)); };
  auto const first = text(in.firstname), last = text(in.lastname);
  auto const both = first + " " + last;
  auto const shown = in.displayname ? text(*in.displayname) : code_points(both) <= 50 ? both : first;
  for (auto const& [place, value] : {std::pair{"/firstname", &first}, {"/lastname", &last}, {"/displayname", &shown}})
    if (value->empty() || has_control_characters(*value, false))
      problems.add(place, "required", std::string(place).substr(1) + " must not be blank.");
  problems.check_username(username);
  problems.check_password(in.password, in.confirmPassword, username, email);
  members::NewCommunity community{in.title, {}, in.timeZone.value_or("UTC")};
  std::vector<Issue> of_community;
  members::check_community(community, "/", of_community);
  for (auto& issue : of_community) problems.add(issue.field, issue.code, issue.message);
  if (!problems.issues.empty()) return std::unexpected(api::invalid_request(std::move(problems.issues)));
  auto const hash = parts_.hasher.hash(in.password);
  if (!hash) return std::unexpected(hash.error());
  parts_.keys.keep_fresh(c.now);

  members::FoundCommunity found;
  access::Actor himself;
  auto done = parts_.database.write([&](sql::Tx& tx) -> Result<Done> {
    members::lock_new_people(tx);
    if (has_accounts(tx)) return already_set_up();
    MemberNo const number{sql::draw_numbers(tx, "account")};
    members::insert_account(tx, number, email, username, c.now);
    set_state(tx, number, members::AccountState::claimed);
    set_password(tx, number, *hash, c.now);
    // Who sets an installation up needs no mail to be believed; it may have no way to send one yet.
    set_email_verified(tx, number, c.now);
    set_operator(tx, number, true, c.now);
    himself = {"user", std::to_string(number.value), username};
    found = members::found_community(tx, parts_.numbers, community, {number, first, last, shown}, himself, c.remote_address, c.now);
    auto const account = *account_by_number(tx, number);
    audit(tx, parts_, c, {}, account, "installation.setup");
    Done out;
    out.session = access::create_session(tx, parts_.keys, {number, account.id(), {}, Origin::of(request).device, c.remote_address},
                                         parts_.numbers, c.now);
    out.answer.user = {account.id().to_string(), std::to_string(number.value), username, email, shown, true};
    out.answer.community = {found.id.to_string(), community.title};
    return out;
  });
  if (!done) return done;
  is_done_ = true;
  if (in.demo.value_or(false)) {
    done->answer.demo.emplace();
    try {
      done->answer.demo->members = make_demo_(found.number, himself, c.now);
    } catch (std::exception const& e) {
      // The installation is there; what is missing are people to look at.
      log::error("setup.demo_failed", {{"reason", e.what()}});
      done->answer.demo->complete = false;
    }
  }
  return done;
}

std::vector<api::Route> setup_routes(FirstSetup& setup, access::PasswordHasher& hasher) {
  auto const route = [](api::Method method, std::string id, std::string summary, std::string description) {
    return api::Route{.method = method,
                      .path = "/setup",
                      .family = api::Family::integration,
                      .needs = api::Needs::nothing(),
                      .id = std::move(id),
                      .summary = std::move(summary),
                      .description = std::move(description),
                      .tag = "Setup"};
  };
  std::vector<api::Route> routes;
  auto state = route(api::Method::get, "setup.state", "Whether the installation waits for its first account", "");
  state.out = &api::Schema<SetupStateOut>::def;
  state.handler = [&setup](api::Context&, api::Request& r) {
    return api::detail::written(200, "Setup state fetched successfully", Result<SetupStateOut>(setup.state(r)));
  };
  routes.push_back(std::move(state));

  auto run = route(api::Method::post, "setup.run", "Set the installation up",
                   "Once: the first account, who is an operator and owns the first community, all or nothing. Signs in with a cookie. From "
                   "anywhere but the machine itself it needs the code that the server printed at its start.");
  run.body = api::BodyKind::json;
  run.in = &api::Schema<SetupInstallationIn>::def;
  run.out = &api::Schema<InstallationOut>::def;
  run.errors = {&errors::kAlreadySetUp, &errors::kSetupCodeWrong, &access::errors::kCrossSite};
  run.success_status = 201;
  run.handler = [&setup](api::Context& c, api::Request& r) -> Result<api::Answer> {
    SetupInstallationIn in;
    std::vector<Issue> issues;
    api::from_json(trim_space(r.body).empty() ? "{}" : r.body, in, issues);
    if (std::any_of(issues.begin(), issues.end(), [](Issue const& i) { return i.field.empty(); }))
      return std::unexpected(api::invalid_request(std::move(issues)));
    auto done = setup.run(c, r, in, std::move(issues));
    if (!done) return std::unexpected(std::move(done).error());
    auto answer = api::detail::written(201, "Installation set up successfully", Result<InstallationOut>(std::move(done->answer)));
    answer->headers.push_back({"Set-Cookie", access::session_cookie(done->session.refresh_token, access::CookieSite::strict, r.secure)});
    return answer;
  };
  routes.push_back(access::on_hasher(hasher, std::move(run)));
  return routes;
}

}  // namespace fealty::identity
