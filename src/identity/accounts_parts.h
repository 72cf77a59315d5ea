// What the flows of this room share.
#pragma once
#include "access/audit.h"
#include "identity/account_store.h"
#include "identity/accounts.h"
#include "mail/outbox.h"

namespace fealty::identity {

// Purposes of one-time secrets are the names of the mails that carry them.
inline constexpr std::string_view kVerifyEmail = "verify_email", kSignInOrClaim = "sign_in_or_claim", kResetPassword = "reset_password",
                                  kClaim = "claim", kSetPassword = "set_password", kEmailChanged = "email_changed",
                                  kSecondFactorMail = "second_factor_off", kChallenge = "second_factor";
// Links that prove the mailbox and let its holder choose a password.
inline constexpr std::string_view kPasswordLinks[] = {kResetPassword, kClaim, kSetPassword, kSignInOrClaim};

// Problems of one request: those of its form, and what the rules find in the parts that have none yet.
struct Problems {
  std::vector<Issue> issues;
  bool has(std::string_view field) const;
  void add(std::string_view field, std::string_view code, std::string message);
  // The rules of a username or of a password and its repetition, where these parts can be judged.
  void check_username(std::string_view username);
  void check_password(std::string_view password, std::optional<std::string_view> confirm, std::string_view username,
                      std::string_view email);
};

std::string mail_facts(std::string_view email, std::string_view username);
// The "email" of a link's facts.
std::string email_in(std::string_view facts_json);

// The name by which failures of an account are counted, whatever it was called.
std::string account_subject(std::optional<AccountRow> const& account, std::string_view name);

AccountOut account_out(AccountRow const& account);
void audit(sql::Tx& tx, Parts const& parts, api::Context const& context, CommunityNo community, AccountRow const& account,
           std::string_view action);

// Nobody else may sign in as this person any more: sessions, keys, and passwords that communities gave.
void end_everything(sql::Tx& tx, MemberNo account, TimeMs now);
void void_password_links(sql::Tx& tx, MemberNo account, TimeMs now);

// The second factor of an account that has one: its code, or a recovery code, used up when it is right.
bool use_second_factor(sql::Tx& tx, access::Vault const& vault, AccountRow const& account, std::optional<std::string> const& code,
                       std::optional<std::string> const& recovery_code, TimeMs now);
std::string second_factor_purpose(MemberNo account);
std::string recovery_purpose(MemberNo account);

// Runs the write again when another one took an e-mail or username in the same moment: the second run sees it.
template <class F>
auto write_people(sql::Database& database, F&& fn) {
  try {
    return database.write(fn);
  } catch (sql::StorageError const& e) {
    if (e.kind() != sql::StorageError::Kind::constraint) throw;
  }
  return database.write(fn);
}

}  // namespace fealty::identity
