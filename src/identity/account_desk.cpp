#include "access/one_time.h"
#include "base/text.h"
#include "identity/accounts_parts.h"
#include "members/people.h"

namespace fealty::identity {
namespace {

using members::AccountState;

constexpr ErrorDef kNoAccount{"account_not_found", 404};
constexpr int kErasedAtOnce = 100;

std::unexpected<Error> no_account(std::string_view email) {
  return fail(kNoAccount, "There is no account with the e-mail address " + std::string(email) + ".");
}

void write(sql::Tx& tx, NumberSource& numbers, access::Actor const& actor, AccountRow const& a, std::string action, TimeMs now) {
  access::write_audit(tx, {}, numbers.next(), {.actor = actor, .action = std::move(action), .target = a.id().to_string(), .at = now});
}

}  // namespace

Result<AccountDesk::Claim> AccountDesk::claim_link(std::string_view email, access::Actor const& actor, TimeMs now) {
  return database_.write([&](sql::Tx& tx) -> Result<Claim> {
    auto const a = account_by_email(tx, trim_space(email));
    if (!a) return no_account(email);
    if (a->state == AccountState::disabled)
      return fail(errors::kAccountDisabled, "This account is disabled. Enable it first: fealty account enable --email " + a->email);
    write(tx, numbers_, actor, *a, "account.claim_link", now);
    auto const purpose = a->state == AccountState::unclaimed ? kClaim : kResetPassword;
    return Claim{access::issue_link(tx, purpose, a->number, {}, mail_facts(a->email, a->username), now, access::kVerifyLinkMs),
                 a->username};
  });
}

Result<std::string> AccountDesk::set_disabled(std::string_view email, bool disabled, access::Actor const& actor, TimeMs now) {
  return database_.write([&](sql::Tx& tx) -> Result<std::string> {
    auto const found = account_by_email(tx, trim_space(email));
    auto const a = found ? lock_account(tx, found->number) : std::nullopt;
    if (!a) return no_account(email);
    if ((a->state == AccountState::disabled) == disabled) return a->username;
    if (disabled) {
      set_state(tx, a->number, AccountState::disabled);
      access::end_sessions(tx, a->number, std::nullopt, now);
      void_password_links(tx, a->number, now);
    } else {
      // Who has a password has claimed the account.
      set_state(tx, a->number, a->password_hash.empty() ? AccountState::unclaimed : AccountState::claimed);
    }
    write(tx, numbers_, actor, *a, disabled ? "account.disable" : "account.enable", now);
    return a->username;
  });
}

Result<std::string> AccountDesk::set_operator(std::string_view email, bool is_operator, access::Actor const& actor, TimeMs now) {
  return database_.write([&](sql::Tx& tx) -> Result<std::string> {
    auto const found = account_by_email(tx, trim_space(email));
    auto const a = found ? lock_account(tx, found->number) : std::nullopt;
    if (!a) return no_account(email);
    identity::set_operator(tx, a->number, is_operator, now);
    write(tx, numbers_, actor, *a, is_operator ? "account.make_operator" : "account.no_operator", now);
    return a->username;
  });
}

void AccountDesk::renew_secret(access::Actor const& actor, TimeMs now) {
  database_.write([&](sql::Tx& tx) {
    access::forget_secrets(tx, now);
    access::write_audit(tx, {}, numbers_.next(), {.actor = actor, .action = "secret.renew", .target = "", .at = now});
  });
}

std::int64_t clean_accounts(sql::Database& database, NumberSource& numbers, TimeMs now) {
  std::int64_t rows = database.write([&](sql::Tx& tx) {
    return access::forget_one_time_secrets(tx, now) + access::forget_sessions(tx, now) + access::forget_failures(tx, now) +
           remove_late_registrations(tx, now);
  });
  auto const due = database.read([&](sql::Tx& tx) { return accounts_to_delete(tx, now, kErasedAtOnce); });
  for (MemberNo const number : due)
    rows += database.write([&](sql::Tx& tx) -> std::int64_t {
      auto const a = lock_account(tx, number);
      if (!a || !a->delete_after || *a->delete_after > now) return 0;
      auto const memberships = memberships_of(tx, number);
      // Somebody handed a community over to him meanwhile: it may not lose its owner.
      if (std::any_of(memberships.begin(), memberships.end(), [](auto const& m) { return m.is_owner; })) {
        set_delete_after(tx, number, std::nullopt);
        return 1;
      }
      end_everything(tx, number, now);
      for (auto const& m : memberships) leave(tx, m.community, number, now);
      access::Actor const holder{"user", std::to_string(number.value), ""};
      write(tx, numbers, holder, *a, "account.erase", now);
      erase_account(tx, number);
      return 1;
    });
  return rows;
}

}  // namespace fealty::identity
