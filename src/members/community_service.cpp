#include "api/schema.h"
#include "base/locale_names.h"
#include "base/random.h"
#include "base/text.h"
#include "members/catalogue_store.h"
#include "members/member_store.h"
#include "members/members.h"
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
  made.title = to_nfc(trim_space(in.title));
  made.owner_email = std::string(trim_space(in.owner_email));
  std::vector<Issue> issues;
  if (made.title.empty() || code_points(made.title) > 100 || has_control_characters(made.title, false))
    issues.push_back({"title", "bad_value", "A title has 1 to 100 characters on one line."});
  if (!api::is_email(made.owner_email))
    issues.push_back({"owner-email", "invalid_email", "\"" + made.owner_email + "\" is not an e-mail address."});
  if (!is_time_zone(made.time_zone))
    issues.push_back({"time-zone", "bad_value", "\"" + made.time_zone + "\" is not an IANA time zone such as Europe/Berlin."});
  if (!issues.empty()) return fail(errors::kInvalidCommunity, "The community could not be made.", std::move(issues));

  return database_.write([&](sql::Tx& tx) -> Result<CommunityCreated> {
    CommunityNo const community{sql::draw_numbers(tx, "community")};
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
    insert_community(tx, community, made, owner->number, now);
    insert_role(tx, community, {sql::draw_numbers(tx, "role"), "@all", false, false, 0}, now);
    ledger::create_default_currencies(tx, community);
    auto const at = made.owner_email.find('@');
    NewMembership membership{owner->number, MembershipState::active, {}};
    membership.profile[static_cast<std::size_t>(kDisplayName.value - 1)] = made.owner_email.substr(0, std::min<std::size_t>(at, 50));
    insert_memberships(tx, community, {membership}, now);
    auto key = keys_.create_in(tx, community, {access::KeyKind::system, "System key", api::PermissionSet::everything(), 0}, actor, now);
    if (!key) return std::unexpected(key.error());
    CommunityCreated out{community, PublicId::of(community.value, now), owner->id(), owner->number.value, std::move(key->key)};
    access::write_audit(tx, community, numbers_.next(),
                        {.actor = actor, .action = "community.create", .target = out.community.to_string(), .at = now});
    return out;
  });
}

std::vector<CommunitySummary> CommunityService::list() {
  return database_.read([](sql::Tx& tx) { return list_communities(tx); });
}

}  // namespace fealty::members
