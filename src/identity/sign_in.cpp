#include "access/gate.h"
#include "access/one_time.h"
#include "base/text.h"
#include "identity/accounts_parts.h"

namespace fealty::identity {
namespace {

using members::AccountState;
using members::MembershipState;

std::unexpected<Error> invalid_credentials() { return fail(errors::kInvalidCredentials, "E-mail, username or password is not right."); }
Error disabled() { return {&errors::kAccountDisabled, "This account is disabled. Ask who runs this installation."}; }

// Whose password it may be, in the order of what the request says; the newest when it says nothing.
std::optional<CommunityPassword> choose_password(sql::Tx& tx, std::vector<CommunityPassword> const& all, LoginIn const& in,
                                                 Origin const& origin) {
  if (all.empty()) return std::nullopt;
  auto const of = [&](std::optional<CommunityNo> community) -> std::optional<CommunityPassword> {
    for (auto const& p : all)
      if (p.community == community) return p;
    return std::nullopt;
  };
  for (auto const& text : {in.communityId.value_or(""), origin.community_id}) {
    if (text.empty()) continue;
    auto const id = PublicId::parse(text);
    auto const door = id ? door_of(tx, {id->number}) : std::nullopt;
    return door && door->id == *id ? of(door->number) : std::nullopt;
  }
  if (auto const door = door_of_host(tx, origin.host)) return of(door->number);
  return all.front();
}

struct Found {
  std::optional<AccountRow> account;
  std::optional<Registration> registration;
  std::optional<CommunityPassword> community;
};

// Why somebody with the right password for this community may not come in.
std::optional<Error> refused_here(sql::Tx& tx, MemberNo account, CommunityNo community, TimeMs now) {
  for (auto const& m : memberships_of(tx, account)) {
    if (m.community != community) continue;
    if (m.state == MembershipState::deleted) break;
    return access::refused_member(static_cast<int>(m.state), m.until, now);
  }
  return invalid_credentials().error();
}

LoginOut signed_in(sql::Tx& tx, Parts const& parts, api::Context const& context, AccountRow const& a, CommunityNo scope,
                   std::string const& device) {
  auto const session =
      access::create_session(tx, parts.keys, {a.number, a.id(), scope, device, context.remote_address}, parts.numbers, context.now);
  std::string name;
  for (auto const& m : memberships_of(tx, a.number))
    if ((!scope || m.community == scope) && m.state != MembershipState::deleted && name.empty()) name = m.display_name;
  // Who signs in with the account's own password wants to keep it.
  if (!scope && a.delete_after) {
    set_delete_after(tx, a.number, std::nullopt);
    audit(tx, parts, context, {}, a, "account.delete_undone");
  }
  return {session.token,
          session.refresh_token,
          session.expires_in_s,
          {a.id().to_string(), std::to_string(a.number.value), a.username, a.email, name.empty() ? a.username : name,
           a.email_verified_at.has_value()}};
}

}  // namespace

// An attempt that is counted already.
struct SignIn::Attempt {
  api::Context const& context;
  LoginIn in;
  Origin origin;
  Found found;
  std::vector<access::Throttle> throttles;
};

void SignIn::login(api::Context const& c, LoginIn in, Origin origin, OnSignedIn done) {
  std::string const email(trim_space(in.email.value_or("")));
  std::string const name(email.empty() ? trim_space(in.username.value_or("")) : email);
  if (name.empty())
    return done(fail(fealty::errors::kInvalidRequest, "Name the account.", {{"/email", "required", "Send email or username."}}), nullptr);
  bool const by_email = name.find('@') != std::string::npos;
  parts_.keys.keep_fresh(c.now);

  auto found = parts_.database.read([&](sql::Tx& tx) {
    Found f;
    f.account = by_email ? account_by_email(tx, name) : account_by_username(tx, name);
    // Both are asked for every name, so that each takes the same work.
    f.registration = registration_by_email(tx, name);
    if (f.registration && (f.account || f.registration->expires_at <= c.now)) f.registration.reset();
    f.community = choose_password(tx, community_passwords(tx, f.account ? f.account->number : MemberNo{}), in, origin);
    return f;
  });
  auto throttles = access::sign_in_throttles(account_subject(found.account, name), c.remote_address);
  if (auto begun = parts_.database.write([&](sql::Tx& tx) { return access::begin_attempt(tx, throttles, c.now); }); !begun)
    return done(std::unexpected(std::move(begun).error()), nullptr);

  struct Waiting {
    Attempt attempt;
    OnSignedIn done;
  };
  auto const waiting =
      std::make_shared<Waiting>(Attempt{c, std::move(in), std::move(origin), std::move(found), std::move(throttles)}, std::move(done));
  access::PasswordHasher::Work work = [this, waiting] {
    Result<SignedIn> result;
    std::exception_ptr thrown;
    try {
      result = finish(waiting->attempt);
    } catch (...) {
      thrown = std::current_exception();
    }
    waiting->done(std::move(result), std::move(thrown));
  };
  auto begun = parts_.hasher.later(work);
  if (begun) return;
  undo(waiting->attempt);
  waiting->done(std::unexpected(std::move(begun).error()), nullptr);
}

void SignIn::undo(Attempt const& attempt) {
  parts_.database.write([&](sql::Tx& tx) { access::attempt_undone(tx, attempt.throttles, attempt.context.now); });
}

Result<SignedIn> SignIn::finish(Attempt const& attempt) {
  auto const& [c, in, origin, found, throttles] = attempt;
  auto const undone = [&](Error error) -> Result<SignedIn> {
    undo(attempt);
    return std::unexpected(std::move(error));
  };
  std::string const own_hash = found.account        ? found.account->password_hash
                               : found.registration ? found.registration->password_hash
                                                    : std::string();
  auto const own = parts_.hasher.verify(own_hash, in.password);
  if (!own) return undone(own.error());
  auto const given = *own ? Result<bool>(false) : parts_.hasher.verify(found.community ? found.community->hash : "", in.password);
  if (!given) return undone(given.error());
  if (!*own && !*given) return invalid_credentials();
  if (!found.account)
    return undone({&errors::kEmailNotVerified, "This e-mail address is not verified yet. Follow the mail that was sent to it."});
  CommunityNo const scope = *own ? CommunityNo{} : found.community->community;

  // Refusals after a right password are no failures: they commit what is taken back of the count.
  struct Outcome {
    std::optional<Error> refused;
    SignedIn signed_in;
  };
  auto outcome = parts_.database.write([&](sql::Tx& tx) -> Outcome {
    auto const a = lock_account(tx, found.account->number);
    // What was verified may have been changed meanwhile.
    bool still = a && *own && a->password_hash == own_hash;
    if (a && *given)
      for (auto const& p : community_passwords(tx, a->number)) still |= p.community == scope && p.hash == found.community->hash;
    if (!still) return {invalid_credentials().error(), {}};
    std::optional<Error> refused;
    if (a->state == AccountState::disabled) refused = disabled();
    if (!refused && scope) refused = refused_here(tx, a->number, scope, c.now);
    if (refused || a->totp_confirmed_at) access::attempt_undone(tx, throttles, c.now);
    if (refused) return {std::move(refused), {}};
    if (a->totp_confirmed_at)
      return {std::nullopt, Challenge{access::issue_link(tx, kChallenge, a->number, scope, "{}", c.now, kChallengeMs)}};
    access::attempt_succeeded(tx, throttles, c.now);
    return {std::nullopt, signed_in(tx, parts_, c, *a, scope, origin.device)};
  });
  if (outcome.refused) return std::unexpected(*std::move(outcome.refused));
  return std::move(outcome.signed_in);
}

Result<LoginOut> SignIn::second_factor(api::Context const& c, SecondFactorIn const& in, Origin const& origin) {
  if (in.code.has_value() == in.recoveryCode.has_value())
    return fail(fealty::errors::kInvalidRequest, "Send one code.", {{"/code", "required", "Send code or recoveryCode, one of them."}});
  parts_.keys.keep_fresh(c.now);
  auto const over = [] { return fail(errors::kInvalidCredentials, "This sign-in took too long. Begin it again."); };
  auto const challenge = parts_.database.read([&](sql::Tx& tx) { return access::look_at_link(tx, kChallenge, in.challenge, c.now); });
  if (!challenge) return over();
  AccountRow named;
  named.number = challenge->account;
  auto const throttles = access::sign_in_throttles(account_subject(named, ""), c.remote_address);
  if (auto begun = parts_.database.write([&](sql::Tx& tx) { return access::begin_attempt(tx, throttles, c.now); }); !begun)
    return std::unexpected(std::move(begun).error());
  return parts_.database.write([&](sql::Tx& tx) -> Result<LoginOut> {
    auto const a = lock_account(tx, challenge->account);
    if (!a || a->state == AccountState::disabled || !a->totp_confirmed_at) return over();
    if (!use_second_factor(tx, parts_.vault, *a, in.code, in.recoveryCode, c.now))
      return fail(errors::kInvalidCredentials, "The code is not right, or was used already.");
    if (!access::redeem_link(tx, kChallenge, in.challenge, c.now)) return over();
    if (challenge->community)
      if (auto refused = refused_here(tx, a->number, challenge->community, c.now)) return std::unexpected(*std::move(refused));
    access::attempt_succeeded(tx, throttles, c.now);
    return signed_in(tx, parts_, c, *a, challenge->community, origin.device);
  });
}

Result<TokensOut> SignIn::refresh(api::Context const& c, std::string_view refresh_token) {
  parts_.keys.keep_fresh(c.now);
  auto const refreshed = parts_.database.write([&](sql::Tx& tx) { return access::refresh_session(tx, parts_.keys, refresh_token, c.now); });
  if (refreshed.outcome != access::Refreshed::Outcome::renewed)
    return fail(fealty::errors::kUnauthorized, "This session is over. Sign in again.");
  auto const& s = refreshed.session;
  return TokensOut{s.token, s.refresh_token, s.expires_in_s};
}

Result<api::None> SignIn::logout(api::Context const& c, LogoutIn const& in) {
  auto const& who = c.principal;
  parts_.database.write([&](sql::Tx& tx) {
    // A session of one community ends those of that community at most.
    if (in.all.value_or(false))
      access::end_sessions(tx, who.account, who.scope ? std::optional(who.scope) : std::nullopt, c.now);
    else
      access::end_session(tx, who.account, who.session, c.now);
  });
  return api::None{};
}

}  // namespace fealty::identity
