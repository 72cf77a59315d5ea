#include "api/schema.h"
#include "base/random.h"
#include "base/text.h"
#include "members/catalogue_store.h"
#include "members/member_store.h"
#include "members/members.h"
#include "members/servers.h"
#include "sql/counters.h"

namespace fealty::members {

std::string_view to_string(MembershipState state) {
  constexpr std::string_view kNames[] = {"active", "invited", "suspended", "banned", "deleted"};
  return kNames[static_cast<std::size_t>(state)];
}

std::optional<std::string> username_problem(std::string_view name) {
  if (name.size() < 3 || name.size() > 50) return "it has 3 to 50 characters";
  bool const plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
  if (!plain) return "it has letters A to Z, digits, dot, underscore and hyphen only";
  bool const hex = name.size() == 24 && name.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  if (hex) return "it may not look like an id (24 hex digits)";
  return std::nullopt;
}

Result<CommunityCreated> CommunityService::create(NewCommunity const& in, access::Actor const& actor, TimeMs now) {
  NewCommunity made = in;
  made.owner_email = std::string(trim_space(in.owner_email));
  std::vector<Issue> issues;
  check_community(made, "", issues);
  if (!api::is_email(made.owner_email))
    issues.push_back({"owner-email", "invalid_email", "\"" + made.owner_email + "\" is not an e-mail address."});
  if (!issues.empty()) return fail(errors::kInvalidCommunity, "The community could not be made.", std::move(issues));

  return database_.write([&](sql::Tx& tx) -> Result<CommunityCreated> {
    auto const email_key = fold_case(made.owner_email);
    std::optional<Account> owner;
    find_accounts_by_email(tx, {email_key}, [&](std::size_t, Account a) { owner = std::move(a); });
    if (!owner) {
      owner.emplace();
      owner->number = {sql::draw_numbers(tx, "account")};
      owner->created_at = now;
      // A readable first username; the holder may choose another when claiming the account.
      owner->username = "owner-" + std::to_string(owner->number.value) + "-" + random_base62(4);
      owner->username_key = fold_case(owner->username);
      insert_accounts(tx, {{owner->number, made.owner_email, email_key, owner->username, owner->username_key}}, now);
    }
    auto const at = made.owner_email.find('@');
    Founder const founder{owner->number, "", "", made.owner_email.substr(0, std::min<std::size_t>(at, 50))};
    auto const found = found_community(tx, numbers_, made, founder, actor, "", now);
    auto key = keys_.create_in(tx, found.number, {access::KeyKind::system, "System key", api::PermissionSet::everything(), 0}, actor, now);
    if (!key) return std::unexpected(key.error());
    return CommunityCreated{found.number, found.id, owner->id(), owner->number.value, std::move(key->key)};
  });
}

std::vector<CommunitySummary> CommunityService::list() {
  return database_.read([](sql::Tx& tx) { return list_communities(tx); });
}

}  // namespace fealty::members
