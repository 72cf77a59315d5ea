#include "identity/accounts_parts.h"

#include "access/gate.h"
#include "access/one_time.h"
#include "api/json_writer.h"
#include "base/text.h"
#include "identity/totp.h"

namespace fealty::identity {

struct LinkFacts {
  std::string email;
};

}  // namespace fealty::identity

FEALTY_SCHEMA(fealty::identity::LinkFacts, field<&fealty::identity::LinkFacts::email>("email", ""))

namespace fealty::identity {
namespace {

constexpr std::size_t kDeviceCharacters = 200;

std::string device_of(std::string_view agent) {
  if (!is_valid_utf8(agent) || has_control_characters(agent, false)) return {};
  // A byte limit that cuts no character.
  auto end = std::min(agent.size(), kDeviceCharacters);
  while (end < agent.size() && end > 0 && (static_cast<unsigned char>(agent[end]) & 0xc0) == 0x80) --end;
  return std::string(agent.substr(0, end));
}

}  // namespace

Origin Origin::of(api::Request const& request) {
  return {device_of(request.header("user-agent").value_or("")), access::host_of(request),
          std::string(trim_space(request.header("x-community-id").value_or("")))};
}

bool Problems::has(std::string_view field) const {
  return std::any_of(issues.begin(), issues.end(), [&](Issue const& i) { return i.field == field || i.field.empty(); });
}
void Problems::add(std::string_view field, std::string_view code, std::string message) {
  if (!has(field)) api::add_issue(issues, {std::string(field), std::string(code), std::move(message)});
}
void Problems::check_username(std::string_view username) {
  if (auto const problem = members::username_problem(username))
    add("/username", "invalid_username", "A username is refused: " + *problem + ".");
}
void Problems::check_password(std::string_view password, std::optional<std::string_view> confirm, std::string_view username,
                              std::string_view email) {
  if (auto problem = access::password_problem(password, username, email)) add("/password", "invalid_password", *std::move(problem));
  if (confirm && *confirm != password && !has("/confirmPassword"))
    add("/confirmPassword", "not_equal", "confirmPassword is not the same as password.");
}

std::string mail_facts(std::string_view email, std::string_view username) {
  api::JsonWriter w;
  return w.begin_object().key("email").string(email).key("username").string(username).end_object().take();
}

std::string email_in(std::string_view facts) {
  LinkFacts out;
  std::vector<Issue> issues;
  return api::from_json(facts, out, issues) ? out.email : std::string();
}

std::string account_subject(std::optional<AccountRow> const& account, std::string_view name) {
  return account ? "account " + std::to_string(account->number.value) : "name " + fold_case(name);
}

AccountOut account_out(AccountRow const& a) {
  return {a.id().to_string(),
          std::to_string(a.number.value),
          a.username,
          a.email,
          a.pending_email.empty() ? std::nullopt : std::optional(a.pending_email),
          a.email_verified_at.has_value(),
          a.totp_confirmed_at.has_value(),
          std::nullopt};
}

void audit(sql::Tx& tx, Parts const& parts, api::Context const& context, CommunityNo community, AccountRow const& account,
           std::string_view action) {
  access::Actor actor = access::actor_of(context.principal);
  // Who proves an account by a link or a password is its holder.
  if (context.principal.kind == api::PrincipalKind::guest) actor = {"user", std::to_string(account.number.value), account.username};
  access::write_audit(tx, community, parts.numbers.next(),
                      {.actor = std::move(actor),
                       .action = std::string(action),
                       .target = account.id().to_string(),
                       .remote_address = context.remote_address,
                       .at = context.now});
}

void end_everything(sql::Tx& tx, MemberNo account, TimeMs now) {
  access::end_sessions(tx, account, std::nullopt, now);
  revoke_user_keys(tx, account, now);
  remove_community_passwords(tx, account);
}

void void_password_links(sql::Tx& tx, MemberNo account, TimeMs now) {
  for (auto const purpose : kPasswordLinks) access::void_links(tx, purpose, account, now);
}

std::string second_factor_purpose(MemberNo account) { return "second factor of " + std::to_string(account.value); }
std::string recovery_purpose(MemberNo account) { return "recovery codes of " + std::to_string(account.value); }

bool use_second_factor(sql::Tx& tx, access::Vault const& vault, AccountRow const& a, std::optional<std::string> const& code,
                       std::optional<std::string> const& recovery_code, TimeMs now) {
  if (code) {
    auto const secret = vault.open(second_factor_purpose(a.number), a.totp_secret);
    auto const step = secret ? totp_step(*secret, *code, now, a.totp_last_step) : std::nullopt;
    if (step && use_totp_step(tx, a.number, *step)) return true;
  }
  if (!recovery_code) return false;
  auto const hashes = vault.open(recovery_purpose(a.number), a.recovery_hashes);
  auto const left = hashes ? without_recovery_code(*hashes, *recovery_code) : std::nullopt;
  return left && replace_recovery_hashes(tx, a.number, a.recovery_hashes, vault.seal(recovery_purpose(a.number), *left));
}

}  // namespace fealty::identity
