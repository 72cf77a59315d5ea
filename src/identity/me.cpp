#include "identity/accounts_parts.h"

namespace fealty::identity {
namespace {

using members::MembershipState;

std::optional<std::string> role_in(OwnMembership const& m, bool as_member) {
  if (m.is_owner && !as_member) return "COMMUNITY_OWNER";
  if (!m.is_owner && m.state != MembershipState::active) return std::nullopt;
  return m.is_administrator && !as_member ? "COMMUNITY_ADMIN" : "APPLICATION_MEMBER";
}

}  // namespace

Result<MeOut> OwnAccount::me(api::Context const& c) {
  auto const& who = c.principal;
  return parts_.database.read([&](sql::Tx& tx) -> Result<MeOut> {
    auto const a = account_by_number(tx, who.account);
    auto const sessions = access::list_sessions(tx, who.account, c.now);
    auto const session = std::find_if(sessions.begin(), sessions.end(), [&](auto const& s) { return s.id.number == who.session; });
    // It ended between the gate's look and this one.
    if (!a || session == sessions.end()) return fail(fealty::errors::kUnauthorized, "This session is over. Sign in again.");
    MeOut out;
    out._id = a->id().to_string();
    out.id = std::to_string(a->number.value);
    out.username = a->username;
    out.email = a->email;
    // What concerns the account is told to a session of one community as little as it may change it.
    if (!who.scope && !a->pending_email.empty()) out.pendingEmail = a->pending_email;
    out.emailVerified = a->email_verified_at.has_value();
    out.secondFactor = a->totp_confirmed_at.has_value();
    out.mayCreateCommunities = !who.scope && members::may_create_communities(tx, who.account, parts_.communities);
    out.isOperator = !who.scope && members::is_operator(tx, who.account);
    out.session = {session->id.to_string(), who.scope ? "community" : "installation",
                   who.scope ? std::optional(PublicId::of(who.scope.value, session->scope_created_at).to_string()) : std::nullopt,
                   who.as_member, to_iso(session->expires_at)};
    for (auto const& m : memberships_of(tx, who.account)) {
      if (m.state == MembershipState::deleted && !m.is_owner) continue;
      if (who.scope && m.community != who.scope) continue;
      auto const state = m.is_owner ? MembershipState::active : members::state_at(m.state, m.until, c.now);
      OwnMembership now = m;
      now.state = state;
      out.communities.push_back({m.community_id.to_string(), m.title, m.time_zone, role_in(now, who.as_member),
                                 std::string(members::to_string(state)),
                                 m.display_name.empty() ? std::nullopt : std::optional(m.display_name), m.second_factor_required});
    }
    return out;
  });
}

}  // namespace fealty::identity
