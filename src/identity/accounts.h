// People sign in, register, prove their mailbox, claim and change their account.
//
// What a stranger may ask is answered with the same words and the same work for names that are known and names that are not.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "access/audit.h"
#include "access/passwords.h"
#include "access/sessions.h"
#include "access/throttles.h"
#include "access/vault.h"
#include "api/context.h"
#include "api/route.h"
#include "base/number_source.h"
#include "identity/accounts_api.h"
#include "members/servers.h"
#include "sql/sql.h"

namespace fealty::identity {

namespace errors {
inline constexpr ErrorDef kInvalidCredentials{"invalid_credentials", 401};
inline constexpr ErrorDef kSecondFactorRequired{"second_factor_required", 401};
inline constexpr ErrorDef kEmailNotVerified{"email_not_verified", 403};
inline constexpr ErrorDef kAccountDisabled{"account_disabled", 403};
inline constexpr ErrorDef kRegistrationClosed{"registration_closed", 403};
inline constexpr ErrorDef kInvalidCode{"invalid_code", 400};
inline constexpr ErrorDef kInvalidToken{"invalid_token", 400};
inline constexpr ErrorDef kEmailTaken{"email_taken", 409};
inline constexpr ErrorDef kUsernameTaken{"username_taken", 409};
inline constexpr ErrorDef kSecondFactorOn{"second_factor_on", 409};
inline constexpr ErrorDef kSecondFactorOff{"second_factor_off", 409};
inline constexpr ErrorDef kOwnerMustTransfer{"owner_must_transfer", 409};
inline constexpr ErrorDef kSessionNotFound{"session_not_found", 404};
}  // namespace errors

inline constexpr std::int64_t kRegistrationMs = 7ll * 24 * 3'600'000, kUndoMs = 14ll * 24 * 3'600'000, kChallengeMs = 5 * 60'000;

struct Parts {
  sql::Database& database;
  NumberSource& numbers;
  access::PasswordHasher& hasher;
  access::SessionKeys& keys;
  access::Vault const& vault;
  members::WhoCreates communities = members::WhoCreates::operators;
};

// What a request says beside its body.
struct Origin {
  std::string device;        // User-Agent
  std::string host;          // without port
  std::string community_id;  // X-Community-Id
  static Origin of(api::Request const& request);
};

struct Challenge {
  std::string text;
  std::int64_t expires_in_s = kChallengeMs / 1000;
};
using SignedIn = std::variant<LoginOut, Challenge>;
// Called once, on any thread, with the outcome or with what was thrown.
using OnSignedIn = std::move_only_function<void(Result<SignedIn>, std::exception_ptr)>;

// All functions from any thread.
class SignIn {
 public:
  explicit SignIn(Parts parts) : parts_(parts) {}
  // Returns when the attempt is counted: its password is looked at when its turn has come. The context must stay until then.
  void login(api::Context const& context, LoginIn in, Origin origin, OnSignedIn done);
  Result<LoginOut> second_factor(api::Context const& context, SecondFactorIn const& in, Origin const& origin);
  // The token is the body's, or the cookie's.
  Result<TokensOut> refresh(api::Context const& context, std::string_view refresh_token);
  Result<api::None> logout(api::Context const& context, LogoutIn const& in);

 private:
  struct Attempt;
  Result<SignedIn> finish(Attempt const& attempt);
  void undo(Attempt const& attempt);
  Parts parts_;
};

class Registrations {
 public:
  explicit Registrations(Parts parts) : parts_(parts) {}
  // `issues`: what is wrong with the body's form already; they are answered together with what the rules find.
  Result<RegisteredOut> register_person(api::Context const& context, RegisterIn const& in, Origin const& origin, std::vector<Issue> issues);
  Result<VerifiedOut> verify_email(api::Context const& context, VerifyIn const& in);
  Result<api::None> resend(api::Context const& context, EmailIn const& in);

 private:
  Parts parts_;
};

class OwnAccount {
 public:
  explicit OwnAccount(Parts parts) : parts_(parts) {}
  // Lost and new passwords, by a link that proves the mailbox.
  Result<api::None> forgot_password(api::Context const& context, EmailIn const& in);
  // With `session` in the body the holder is signed in at once, unless he has a second factor.
  struct Reset {
    AccountOut account;
    std::optional<access::IssuedSession> session;
  };
  Result<Reset> reset_password(api::Context const& context, ClaimIn const& in, Origin const& origin, std::vector<Issue> issues);

  // Who is signed in, and where he belongs to.
  Result<MeOut> me(api::Context const& context);

  Result<AccountOut> change(api::Context const& context, ChangeIn const& in);
  Result<DeletedOut> remove(api::Context const& context);
  std::vector<SessionOut> sessions(api::Context const& context);
  Result<SessionOut> end_session(api::Context const& context, PublicId id);

  Result<SetupOut> set_up_second_factor(api::Context const& context, PasswordIn const& in);
  Result<RecoveryOut> confirm_second_factor(api::Context const& context, CodeIn const& in);
  Result<api::None> disable_second_factor(api::Context const& context, DisableIn const& in);

 private:
  Result<void> check_password(api::Context const& context, std::string_view password);
  Parts parts_;
};

// What an operator with shell access does for people.
class AccountDesk {
 public:
  AccountDesk(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}
  struct Claim {
    std::string link_text;
    std::string username;
  };
  // A link's text that claims the account, or sets a new password: for who gets no mail.
  Result<Claim> claim_link(std::string_view email, access::Actor const& actor, TimeMs now);
  Result<std::string> set_disabled(std::string_view email, bool disabled, access::Actor const& actor, TimeMs now);
  // What concerns the installation as a whole is open to operators.
  Result<std::string> set_operator(std::string_view email, bool is_operator, access::Actor const& actor, TimeMs now);
  // The installation's secret is lost: everybody has to sign in again, and to set his second factor up again.
  void renew_secret(access::Actor const& actor, TimeMs now);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
};

// Removes what is over: links, sessions, failures, registrations, and accounts whose time to come back has passed. Gives the
// number of rows. Any node, any time.
std::int64_t clean_accounts(sql::Database& database, NumberSource& numbers, TimeMs now);

// Handlers that hash passwords run behind their turn on the hasher.
std::vector<api::Route> auth_routes(SignIn& sign_in, Registrations& registrations, OwnAccount& account, access::PasswordHasher& hasher);
std::vector<api::Route> account_routes(OwnAccount& account, access::PasswordHasher& hasher);

}  // namespace fealty::identity
