#include "access/one_time.h"
#include "base/base64.h"
#include "base/random.h"
#include "base/text.h"
#include "identity/accounts_parts.h"
#include "identity/totp.h"
#include "members/people.h"

namespace fealty::identity {
namespace {

using members::AccountState;

std::unexpected<Error> wrong_password() { return fail(errors::kInvalidCredentials, "The current password is not right."); }
std::unexpected<Error> unknown_link() { return fail(errors::kInvalidToken, "This link is not valid, or no longer. Ask for a new one."); }
std::unexpected<Error> username_taken() {
  std::string const message = "This username is taken. Choose another one.";
  return fail(errors::kUsernameTaken, message, {{"/username", "username_taken", message}});
}
std::unexpected<Error> no_factor() { return fail(errors::kSecondFactorOff, "This account has no second factor to do that with."); }

struct Opened {
  std::string_view purpose;
  access::OneTime link;
  AccountRow account;
};
std::optional<Opened> open_link(sql::Tx& tx, std::string_view token, TimeMs now) {
  for (auto const purpose : kPasswordLinks)
    if (auto link = access::look_at_link(tx, purpose, token, now)) {
      auto account = account_by_number(tx, link->account);
      return account ? std::optional(Opened{purpose, *std::move(link), *std::move(account)}) : std::nullopt;
    }
  return std::nullopt;
}

}  // namespace

Result<api::None> OwnAccount::forgot_password(api::Context const& c, EmailIn const& in) {
  std::string const email(trim_space(in.email));
  access::Throttle const throttle{access::throttle_subject("mail", fold_case(email)), 1, 60'000};
  parts_.database.write([&](sql::Tx& tx) {
    auto const a = account_by_email(tx, email);
    auto const r = registration_by_email(tx, email);
    // Counted for every address, so that each costs the same write.
    if (!access::may_do_again(tx, throttle, c.now)) return;
    if (a && a->state != AccountState::disabled)
      mail::queue_mail(tx, parts_.numbers,
                       {{},
                        a->number,
                        a->email,
                        std::string(a->state == AccountState::claimed ? kResetPassword : kClaim),
                        a->language,
                        mail_facts(a->email, a->username)},
                       c.now);
    else if (!a && r && r->expires_at > c.now)
      mail::queue_mail(tx, parts_.numbers,
                       {r->community, r->account, r->email, std::string(kVerifyEmail), "en", mail_facts(r->email, r->username)}, c.now);
  });
  return api::None{};
}

Result<OwnAccount::Reset> OwnAccount::reset_password(api::Context const& c, ClaimIn const& in, Origin const& origin,
                                                     std::vector<Issue> issues) {
  parts_.keys.keep_fresh(c.now);
  Problems problems{std::move(issues)};
  auto const opened =
      problems.has("/token") ? std::nullopt : parts_.database.read([&](sql::Tx& tx) { return open_link(tx, in.token, c.now); });
  bool const claims = opened && opened->account.state == AccountState::unclaimed;
  std::string const username(trim_space(in.username.value_or("")));
  if (!username.empty()) problems.check_username(username);
  problems.check_password(in.password, in.confirmPassword,
                          !username.empty() ? username
                          : opened          ? opened->account.username
                                            : "",
                          opened ? opened->account.email : "");
  if (!problems.issues.empty()) return std::unexpected(api::invalid_request(std::move(problems.issues)));
  if (!opened) return unknown_link();
  if (opened->account.state == AccountState::disabled)
    return fail(errors::kAccountDisabled, "This account is disabled. Ask who runs this installation.");
  auto const hash = parts_.hasher.hash(in.password);
  if (!hash) return std::unexpected(hash.error());
  return write_people(parts_.database, [&](sql::Tx& tx) -> Result<Reset> {
    auto const link = access::redeem_link(tx, opened->purpose, in.token, c.now);
    auto const before = link ? lock_account(tx, link->account) : std::nullopt;
    if (!before || before->state == AccountState::disabled) return unknown_link();
    MemberNo const number = before->number;
    if (claims && !username.empty() && fold_case(username) != fold_case(before->username)) {
      members::lock_new_people(tx);
      if (account_by_username(tx, username)) return username_taken();
    }
    // Of an account that nobody has proved yet, all that others made ends: they were not its holder.
    if (before->state == AccountState::unclaimed) {
      end_everything(tx, number, c.now);
      set_totp(tx, number, std::nullopt);
      if (!username.empty()) set_username(tx, number, username);
      set_state(tx, number, AccountState::claimed);
    } else {
      access::end_sessions(tx, number, std::nullopt, c.now);
    }
    set_password(tx, number, *hash, c.now);
    set_email_verified(tx, number, c.now);
    void_password_links(tx, number, c.now);
    auto const after = *account_by_number(tx, number);
    audit(tx, parts_, c, {}, after, before->state == AccountState::unclaimed ? "account.claim" : "account.password_reset");
    Reset out{account_out(after), std::nullopt};
    if (in.session) {
      out.account.signedIn = !after.totp_confirmed_at;
      if (*out.account.signedIn)
        out.session =
            access::create_session(tx, parts_.keys, {number, after.id(), {}, origin.device, c.remote_address}, parts_.numbers, c.now);
    }
    return out;
  });
}

Result<void> OwnAccount::check_password(api::Context const& c, std::string_view password) {
  auto const account = parts_.database.read([&](sql::Tx& tx) { return account_by_number(tx, c.principal.account); });
  auto const throttles = access::sign_in_throttles(account_subject(account, ""), c.remote_address);
  if (auto begun = parts_.database.write([&](sql::Tx& tx) { return access::begin_attempt(tx, throttles, c.now); }); !begun) return begun;
  auto const right = parts_.hasher.verify(account ? account->password_hash : "", password);
  if (!right) return std::unexpected(right.error());
  if (!*right) return wrong_password();
  parts_.database.write([&](sql::Tx& tx) { access::attempt_succeeded(tx, throttles, c.now); });
  return {};
}

Result<AccountOut> OwnAccount::change(api::Context const& c, ChangeIn const& in) {
  MemberNo const number = c.principal.account;
  auto const account = parts_.database.read([&](sql::Tx& tx) { return account_by_number(tx, number); });
  std::string const username(trim_space(in.username.value_or(""))), email(trim_space(in.email.value_or("")));
  Problems problems;
  if (!in.email && !in.username && !in.password) problems.add("/", "required", "Send what is to be changed: email, username or password.");
  if (in.username) problems.check_username(username);
  if (in.password)
    problems.check_password(*in.password, in.confirmPassword, in.username ? username : account->username,
                            in.email ? email : account->email);
  if (!problems.issues.empty()) return std::unexpected(api::invalid_request(std::move(problems.issues)));
  if (auto right = check_password(c, in.currentPassword); !right) return std::unexpected(std::move(right).error());
  std::string hash;
  if (in.password) {
    auto made = parts_.hasher.hash(*in.password);
    if (!made) return std::unexpected(std::move(made).error());
    hash = *std::move(made);
  }
  return write_people(parts_.database, [&](sql::Tx& tx) -> Result<AccountOut> {
    members::lock_new_people(tx);
    auto const before = lock_account(tx, number);
    if (!before || before->password_hash != account->password_hash) return wrong_password();
    if (in.username && username != before->username) {
      auto const other = account_by_username(tx, username);
      if (other && other->number != number) return username_taken();
      set_username(tx, number, username);
      audit(tx, parts_, c, {}, *before, "account.username_change");
    }
    if (in.email && fold_case(email) != fold_case(before->email)) {
      set_pending_email(tx, number, email);
      // Whether somebody else has the address is told to its mailbox alone.
      auto const other = account_by_email(tx, email);
      access::Throttle const throttle{access::throttle_subject("mail", fold_case(email)), 1, 60'000};
      if (access::may_do_again(tx, throttle, c.now))
        mail::queue_mail(tx, parts_.numbers,
                         {{},
                          other ? other->number : number,
                          email,
                          std::string(other ? kSignInOrClaim : kVerifyEmail),
                          before->language,
                          mail_facts(email, other ? other->username : before->username)},
                         c.now);
      audit(tx, parts_, c, {}, *before, "account.email_ask");
    } else if (in.email) {
      set_pending_email(tx, number, std::nullopt);
      if (email != before->email) set_email(tx, number, email);
    }
    if (in.password) {
      set_password(tx, number, hash, c.now);
      access::end_sessions_but(tx, number, c.principal.session, c.now);
      void_password_links(tx, number, c.now);
      audit(tx, parts_, c, {}, *before, "account.password_change");
    }
    return account_out(*account_by_number(tx, number));
  });
}

Result<DeletedOut> OwnAccount::remove(api::Context const& c) {
  MemberNo const number = c.principal.account;
  return parts_.database.write([&](sql::Tx& tx) -> Result<DeletedOut> {
    auto const a = lock_account(tx, number);
    for (auto const& m : memberships_of(tx, number))
      if (m.is_owner)
        return fail(errors::kOwnerMustTransfer, "You own the community \"" + m.title + "\". Hand it over to somebody else first.");
    TimeMs const after = c.now + kUndoMs;
    set_delete_after(tx, number, after);
    access::end_sessions(tx, number, std::nullopt, c.now);
    revoke_user_keys(tx, number, c.now);
    audit(tx, parts_, c, {}, *a, "account.delete");
    return DeletedOut{a->id().to_string(), to_iso(after)};
  });
}

std::vector<SessionOut> OwnAccount::sessions(api::Context const& c) {
  return parts_.database.read([&](sql::Tx& tx) {
    std::vector<SessionOut> all;
    for (auto const& s : access::list_sessions(tx, c.principal.account, c.now))
      all.push_back({s.id.to_string(), s.device, s.remote_address,
                     s.scope ? std::optional(PublicId::of(s.scope.value, s.scope_created_at).to_string()) : std::nullopt,
                     to_iso(s.created_at), to_iso(s.last_used_at), s.id.number == c.principal.session});
    return all;
  });
}

Result<SessionOut> OwnAccount::end_session(api::Context const& c, PublicId id) {
  auto const all = sessions(c);
  auto const found = std::find_if(all.begin(), all.end(), [&](SessionOut const& s) { return s._id == id.to_string(); });
  bool const ended = found != all.end() &&
                     parts_.database.write([&](sql::Tx& tx) { return access::end_session(tx, c.principal.account, id.number, c.now); });
  if (!ended) return fail(errors::kSessionNotFound, "You have no session " + id.to_string() + ".");
  return *found;
}

Result<SetupOut> OwnAccount::set_up_second_factor(api::Context const& c, PasswordIn const& in) {
  if (auto right = check_password(c, in.currentPassword); !right) return std::unexpected(std::move(right).error());
  return parts_.database.write([&](sql::Tx& tx) -> Result<SetupOut> {
    auto const a = lock_account(tx, c.principal.account);
    if (a->totp_confirmed_at) return fail(errors::kSecondFactorOn, "This account has a second factor. Switch it off first.");
    auto const secret = random_bytes(kTotpSecretBytes);
    set_totp(tx, a->number, parts_.vault.seal(second_factor_purpose(a->number), secret));
    return SetupOut{to_base32(secret), totp_url(secret, "Fealty", a->email)};
  });
}

Result<RecoveryOut> OwnAccount::confirm_second_factor(api::Context const& c, CodeIn const& in) {
  AccountRow named;
  named.number = c.principal.account;
  auto const throttles = access::sign_in_throttles(account_subject(named, ""), c.remote_address);
  if (auto begun = parts_.database.write([&](sql::Tx& tx) { return access::begin_attempt(tx, throttles, c.now); }); !begun)
    return std::unexpected(std::move(begun).error());
  return parts_.database.write([&](sql::Tx& tx) -> Result<RecoveryOut> {
    auto const a = lock_account(tx, c.principal.account);
    if (a->totp_confirmed_at) return fail(errors::kSecondFactorOn, "This account has a second factor already.");
    auto const secret = parts_.vault.open(second_factor_purpose(a->number), a->totp_secret);
    if (a->totp_secret.empty() || !secret) return no_factor();
    auto const step = totp_step(*secret, in.code, c.now, 0);
    if (!step) return fail(errors::kInvalidCode, "The code is not right. Look whether the clock of the device is.");
    auto codes = new_recovery_codes();
    confirm_totp(tx, a->number, parts_.vault.seal(recovery_purpose(a->number), recovery_hashes(codes)), *step, c.now);
    access::attempt_succeeded(tx, throttles, c.now);
    audit(tx, parts_, c, {}, *a, "account.second_factor_on");
    return RecoveryOut{std::move(codes)};
  });
}

Result<api::None> OwnAccount::disable_second_factor(api::Context const& c, DisableIn const& in) {
  if (in.code.has_value() == in.recoveryCode.has_value())
    return fail(fealty::errors::kInvalidRequest, "Send one code.", {{"/code", "required", "Send code or recoveryCode, one of them."}});
  if (auto right = check_password(c, in.currentPassword); !right) return std::unexpected(std::move(right).error());
  AccountRow named;
  named.number = c.principal.account;
  auto const throttles = access::sign_in_throttles(account_subject(named, ""), c.remote_address);
  if (auto begun = parts_.database.write([&](sql::Tx& tx) { return access::begin_attempt(tx, throttles, c.now); }); !begun)
    return std::unexpected(std::move(begun).error());
  return parts_.database.write([&](sql::Tx& tx) -> Result<api::None> {
    auto const a = lock_account(tx, c.principal.account);
    if (!a->totp_confirmed_at) return no_factor();
    if (!use_second_factor(tx, parts_.vault, *a, in.code, in.recoveryCode, c.now))
      return fail(errors::kInvalidCode, "The code is not right, or was used already.");
    set_totp(tx, a->number, std::nullopt);
    access::attempt_succeeded(tx, throttles, c.now);
    mail::queue_mail(tx, parts_.numbers,
                     {{}, a->number, a->email, std::string(kSecondFactorMail), a->language, mail_facts(a->email, a->username)}, c.now);
    audit(tx, parts_, c, {}, *a, "account.second_factor_off");
    return api::None{};
  });
}

}  // namespace fealty::identity
