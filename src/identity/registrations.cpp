#include "access/authenticator.h"
#include "access/gate.h"
#include "access/one_time.h"
#include "base/text.h"
#include "identity/accounts_parts.h"
#include "members/newcomers.h"
#include "members/people.h"
#include "sql/counters.h"

namespace fealty::identity {
namespace {

using api::PrincipalKind;

constexpr std::int64_t kMinuteMs = 60'000, kHourMs = 3'600'000;
// Strangers' registrations from one address block in an hour.
constexpr int kRegistrationsMax = 20;

std::unexpected<Error> invalid_code() {
  return fail(errors::kInvalidCode, "The code or link is not valid, or no longer. Ask for a new mail.");
}
std::unexpected<Error> taken(ErrorDef const& def, std::string_view field, std::string message) {
  return fail(def, message, {{std::string(field), std::string(def.code), message}});
}

access::Throttle mail_throttle(std::string_view email) {
  return {access::throttle_subject("mail", fold_case(trim_space(email))), 1, kMinuteMs};
}

// Mails are worth one a minute to an address, whoever asks.
bool may_mail(sql::Tx& tx, std::string_view email, TimeMs now) { return access::may_do_again(tx, mail_throttle(email), now); }

void queue_verification(sql::Tx& tx, Parts const& parts, Registration const& r, TimeMs now) {
  mail::queue_mail(tx, parts.numbers, {r.community, r.account, r.email, std::string(kVerifyEmail), "en", mail_facts(r.email, r.username)},
                   now);
}

// The community that the registration is for, or why there is none.
Result<CommunityDoor> door_for(sql::Tx& tx, api::Context const& c, RegisterIn const& in, Origin const& origin) {
  std::string const& named = in.communityId ? *in.communityId : origin.community_id;
  auto const id = PublicId::parse(named);
  if (c.principal.kind == PrincipalKind::system_key) {
    if (in.communityId && id != c.principal.community_id) return std::unexpected(access::foreign_community());
    return CommunityDoor{c.principal.community, c.principal.community_id, true};
  }
  if (named.empty() && !door_of_host(tx, origin.host))
    return fail(access::errors::kCommunityRequired, "Say which community this is about, as communityId.");
  auto const door = named.empty() ? door_of_host(tx, origin.host) : id ? door_of(tx, {id->number}) : std::nullopt;
  if (!door || (!named.empty() && door->id != id) || !door->open_registration)
    return fail(errors::kRegistrationClosed, "This community takes no registrations. Ask it for an invitation.");
  return *door;
}

}  // namespace

Result<RegisteredOut> Registrations::register_person(api::Context const& c, RegisterIn const& in, Origin const& origin,
                                                     std::vector<Issue> issues) {
  bool const by_key = c.principal.kind == PrincipalKind::system_key;
  auto const address = access::throttle_subject("register", access::address_block(c.remote_address));
  if (!by_key) {
    access::Throttle const throttle{address, kRegistrationsMax, kHourMs};
    if (auto begun = parts_.database.write([&](sql::Tx& tx) { return access::begin_attempt(tx, {&throttle, 1}, c.now); }); !begun)
      return std::unexpected(std::move(begun).error());
  }
  Registration r;
  r.email = trim_space(in.email);
  r.username = trim_space(in.username);
  r.first_name = to_nfc(trim_space(in.firstname));
  r.last_name = to_nfc(trim_space(in.lastname));
  r.display_name = to_nfc(trim_space(in.displayname));
  r.access_level = in.accessLevel;
  r.referral = trim_space(in.referral.value_or(""));
  r.by_key = by_key;
  r.created_at = c.now;
  r.expires_at = c.now + kRegistrationMs;

  Problems problems{std::move(issues)};
  for (auto const& [field, value] :
       {std::pair("/firstname", &r.first_name), {"/lastname", &r.last_name}, {"/displayname", &r.display_name}})
    if (value->empty()) problems.add(field, "required", std::string(field).substr(1) + " is required.");
  problems.check_username(r.username);
  problems.check_password(in.password, in.confirmPassword, r.username, r.email);
  auto const door = parts_.database.read([&](sql::Tx& tx) -> Result<CommunityDoor> {
    auto found = door_for(tx, c, in, origin);
    if (!found) return found;
    // Strangers get no roles by asking for them.
    bool const known = !in.accessLevel || *in.accessLevel == 0 || (by_key && members::starting_roles(tx, found->number, *in.accessLevel));
    if (!known) problems.add("/accessLevel", "unknown_access_level", "There is no such access level for this registration.");
    return found;
  });
  if (!door) return std::unexpected(door.error());
  if (!problems.issues.empty()) return std::unexpected(api::invalid_request(std::move(problems.issues)));
  r.community = door->number;
  auto hash = parts_.hasher.hash(in.password);
  if (!hash) return std::unexpected(std::move(hash).error());
  r.password_hash = *std::move(hash);

  auto const kept = write_people(parts_.database, [&](sql::Tx& tx) -> Result<Registration> {
    members::lock_new_people(tx);
    auto const account = account_by_email(tx, r.email);
    auto const pending = registration_by_email(tx, r.email);
    bool const waits = pending && pending->by_key && pending->expires_at > c.now;
    if (by_key && (account || (waits && pending->community == r.community)))
      return taken(errors::kEmailTaken, "/email", "There is an account with this e-mail address already.");
    // A registration by the same e-mail takes its own name again.
    if (account_by_username(tx, r.username) || username_waits(tx, r.username, r.email, c.now))
      return taken(errors::kUsernameTaken, "/username", "This username is taken. Choose another one.");
    Registration mine = r;
    if (account) {
      if (may_mail(tx, r.email, c.now))
        mail::queue_mail(tx, parts_.numbers,
                         {r.community, account->number, account->email, std::string(kSignInOrClaim), account->language,
                          mail_facts(account->email, account->username)},
                         c.now);
      return mine;
    }
    // A stranger does not push away what a community has registered; the mail goes out again.
    if (!by_key && waits) {
      if (may_mail(tx, r.email, c.now)) queue_verification(tx, parts_, *pending, c.now);
      return mine;
    }
    mine.number = parts_.numbers.next();
    mine.account = {sql::draw_numbers(tx, "account")};
    put_registration(tx, mine);
    // Codes of the registration that gives way are over; its links name another account.
    access::void_codes(tx, kVerifyEmail, fold_case(mine.email));
    if (may_mail(tx, mine.email, c.now) || by_key) queue_verification(tx, parts_, mine, c.now);
    if (by_key)
      access::write_audit(tx, mine.community, parts_.numbers.next(),
                          {.actor = access::actor_of(c.principal),
                           .action = "account.register",
                           .target = mine.id().to_string(),
                           .remote_address = c.remote_address,
                           .at = c.now});
    return mine;
  });
  if (!kept) return std::unexpected(kept.error());
  RegisteredOut out;
  out.email = kept->email;
  if (by_key) {
    out._id = kept->id().to_string();
    out.id = std::to_string(kept->account.value);
    out.username = kept->username;
    out.displayname = kept->display_name;
    out.createdAt = to_iso(kept->created_at);
  }
  return out;
}

Result<VerifiedOut> Registrations::verify_email(api::Context const& c, VerifyIn const& in) {
  bool const by_link = in.token.has_value();
  Problems problems;
  if (by_link && !in.password) problems.add("/password", "required", "Send the password that was chosen, with the token.");
  if (!by_link && !in.email) problems.add("/email", "required", "Send email and code, or token and password.");
  if (!by_link && !in.code) problems.add("/code", "required", "Send email and code, or token and password.");
  if (!problems.issues.empty()) return std::unexpected(api::invalid_request(std::move(problems.issues)));

  // Who the link is for; the password is compared before anything is used up.
  std::optional<access::OneTime> link;
  std::string email(trim_space(in.email.value_or(""))), hash;
  bool was_used = false;
  if (by_link) {
    parts_.database.read([&](sql::Tx& tx) {
      link = access::look_at_link(tx, kVerifyEmail, *in.token, c.now);
      if (!link) {
        link = access::look_at_used_link(tx, kVerifyEmail, *in.token, c.now);
        was_used = link.has_value();
      }
      if (!link) return;
      email = email_in(link->facts);
      if (auto const a = account_by_number(tx, link->account)) hash = a->password_hash;
      if (auto const r = registration_by_email(tx, email); r && r->account == link->account) hash = r->password_hash;
    });
    if (!link) return invalid_code();
  }
  auto const throttles = access::sign_in_throttles("verify " + fold_case(email), c.remote_address);
  if (auto begun = parts_.database.write([&](sql::Tx& tx) { return access::begin_attempt(tx, throttles, c.now); }); !begun)
    return std::unexpected(std::move(begun).error());
  if (by_link) {
    auto const right = parts_.hasher.verify(hash, *in.password);
    if (!right) return std::unexpected(right.error());
    if (!*right) return invalid_code();
  }

  // A wrong code is counted, so it commits; what another one took in between does not use the code up.
  auto const verified = write_people(parts_.database, [&](sql::Tx& tx) -> Result<std::optional<VerifiedOut>> {
    MemberNo number;
    bool repeated = was_used;
    if (by_link) {
      if (!was_used && !access::redeem_link(tx, kVerifyEmail, *in.token, c.now)) return std::nullopt;
      number = link->account;
    } else {
      auto const tried = access::try_code(tx, kVerifyEmail, fold_case(email), *in.code, c.now);
      if (tried.outcome == access::CodeOutcome::wrong) return std::nullopt;
      repeated = tried.outcome == access::CodeOutcome::used_before;
      number = tried.account;
    }
    access::attempt_succeeded(tx, throttles, c.now);
    members::lock_new_people(tx);
    auto account = lock_account(tx, number);
    auto const out = [&](AccountRow const& a) { return VerifiedOut{a.id().to_string(), std::to_string(a.number.value), a.email, true}; };
    if (account && account->email_verified_at && fold_case(account->email) == fold_case(email)) return out(*account);
    if (repeated) return std::nullopt;
    if (account) {
      // A new address of an account.
      if (account->pending_email.empty() || fold_case(account->pending_email) != fold_case(email)) return std::nullopt;
      if (account_by_email(tx, email)) return taken(errors::kEmailTaken, "/email", "There is an account with this e-mail address already.");
      std::string const before = account->email;
      set_email(tx, number, account->pending_email);
      set_pending_email(tx, number, std::nullopt);
      set_email_verified(tx, number, c.now);
      remove_registration(tx, email);
      // Links that went to the old mailbox open nothing any more.
      void_password_links(tx, number, c.now);
      mail::queue_mail(
          tx, parts_.numbers,
          {{}, number, before, std::string(kEmailChanged), account->language, mail_facts(account->pending_email, account->username)},
          c.now);
      account = account_by_number(tx, number);
      audit(tx, parts_, c, {}, *account, "account.email_change");
      return out(*account);
    }
    auto const r = registration_by_email(tx, email);
    if (!r || r->account != number || r->expires_at <= c.now) return std::nullopt;
    if (account_by_email(tx, r->email)) {
      // It gave way to an import or a key that named the address.
      remove_registration(tx, r->email);
      return std::nullopt;
    }
    if (account_by_username(tx, r->username))
      return taken(errors::kUsernameTaken, "/username", "This username was taken meanwhile. Register again with another one.");
    members::NewPerson person{r->account, r->email, r->username, r->first_name, r->last_name, r->display_name, {}, {}};
    if (auto roles = members::starting_roles(tx, r->community, r->access_level.value_or(0))) person.roles = *std::move(roles);
    if (!r->referral.empty()) person.referred_by = members::find_referrer(tx, r->community, r->referral).value_or(MemberNo{});
    // He does it himself.
    access::Actor const himself{"user", std::to_string(number.value), r->username};
    members::insert_person(tx, parts_.numbers, r->community, person, himself, r->created_at, c.now);
    set_state(tx, number, members::AccountState::claimed);
    set_password(tx, number, r->password_hash, c.now);
    set_email_verified(tx, number, c.now);
    remove_registration(tx, r->email);
    account = account_by_number(tx, number);
    audit(tx, parts_, c, r->community, *account, "account.verify");
    return out(*account);
  });
  if (!verified) return std::unexpected(verified.error());
  if (!*verified) return invalid_code();
  return **verified;
}

Result<api::None> Registrations::resend(api::Context const& c, EmailIn const& in) {
  std::string const email(trim_space(in.email));
  parts_.database.write([&](sql::Tx& tx) {
    auto const r = registration_by_email(tx, email);
    // Counted for every address, so that each costs the same write.
    if (may_mail(tx, email, c.now) && r && r->expires_at > c.now) queue_verification(tx, parts_, *r, c.now);
  });
  return api::None{};
}

}  // namespace fealty::identity
