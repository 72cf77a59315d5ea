#include "members/joining.h"

#include "access/audit.h"
#include "access/gate.h"
#include "access/sessions.h"
#include "access/written_once.h"
#include "members/joining_store.h"
#include "members/moderation_store.h"
#include "members/users_create_store.h"

namespace fealty::members {
namespace {

constexpr ErrorDef kOwnerMustTransfer{"owner_must_transfer", 409};

JoinOut out_of(api::Context const& c, MembershipState state) {
  return {c.principal.community_id.to_string(), std::to_string(c.principal.account.value), std::string(to_string(state))};
}

void audit(sql::Tx& tx, NumberSource& numbers, api::Context const& c, std::string action) {
  access::write_audit(
      tx, c.community, numbers.next(),
      {access::actor_of(c.principal), std::move(action), c.principal.account_id.to_string(), "{}", c.remote_address, c.now});
}

}  // namespace

Result<JoinOut> JoiningService::join_in(sql::Tx& tx, api::Context const& c) {
  MemberNo const me = c.principal.account;
  auto const settings = join_settings(tx, c.community);
  if (!settings) return std::unexpected(access::foreign_community());
  auto const found = lock_member(tx, c.community, me);
  if (!found) {
    if (!settings->is_open) return std::unexpected(access::foreign_community());
    NewMembership membership{me, MembershipState::active, {}};
    find_accounts_by_number(tx, {me}, [&](std::size_t, Account const& a) {
      membership.profile[static_cast<std::size_t>(kDisplayName.value - 1)] = a.username;
    });
    insert_memberships(tx, c.community, {membership}, c.now);
    audit(tx, numbers_, c, "user.join");
    return out_of(c, MembershipState::active);
  }
  auto facts = settled(found->facts, c.now);
  if (facts.state == MembershipState::active) return out_of(c, facts.state);
  bool const came_back = facts.state == MembershipState::deleted;
  if (came_back) {
    // Whom the community removed comes back by its word alone; who left by himself, where everybody may come.
    if (!facts.left_by_self || !settings->is_open) {
      auto const under = restored(facts);
      if (auto refused = access::refused_member(static_cast<int>(under.state), under.until, c.now))
        return std::unexpected(*std::move(refused));
      return std::unexpected(access::foreign_community());
    }
    facts = settled(restored(facts), c.now);
  }
  if (auto refused = access::refused_member(static_cast<int>(facts.state), facts.until, c.now)) return std::unexpected(*std::move(refused));
  facts.state = MembershipState::active;
  facts.until.reset();
  if (came_back && found->is_erased) revive_membership(tx, c.community, me, MembershipState::active, c.now);
  store_state(tx, c.community, me, facts);
  set_joined(tx, c.community, me, c.now);
  audit(tx, numbers_, c, "user.join");
  return out_of(c, facts.state);
}

Result<api::Answer> JoiningService::join(api::Context const& c, std::optional<access::OnceKey> const& key) {
  return access::once_as<JoinOut>(200, "User has joined the community successfully", database_, c, key,
                                  [&](sql::Tx& tx) { return join_in(tx, c); });
}

Result<JoinOut> JoiningService::leave_in(sql::Tx& tx, api::Context const& c) {
  MemberNo const me = c.principal.account;
  auto const settings = join_settings(tx, c.community);
  auto const found = lock_member(tx, c.community, me);
  if (!settings || !found) return std::unexpected(access::foreign_community());
  if (settings->owner == me) return fail(kOwnerMustTransfer, "The owner hands the community over before leaving it.");
  auto facts = settled(found->facts, c.now);
  if (facts.state == MembershipState::deleted) return out_of(c, facts.state);
  if (auto refused = access::refused_member(static_cast<int>(facts.state), facts.until, c.now)) return std::unexpected(*std::move(refused));
  facts = deleted(facts, c.now);
  facts.left_by_self = true;
  store_state(tx, c.community, me, facts);
  access::end_sessions(tx, me, c.community, c.now);
  revoke_user_keys(tx, c.community, me, c.now);
  audit(tx, numbers_, c, "user.leave");
  return out_of(c, facts.state);
}

Result<api::Answer> JoiningService::leave(api::Context const& c, std::optional<access::OnceKey> const& key) {
  return access::once_as<JoinOut>(200, "User has left the community successfully", database_, c, key,
                                  [&](sql::Tx& tx) { return leave_in(tx, c); });
}

std::vector<api::Route> joining_routes(JoiningService& service) {
  auto const route = [](std::string id, std::string const& word, std::string summary, std::string description,
                        std::vector<ErrorDef const*> errors) {
    return api::Route{.method = api::Method::post,
                      .path = "/communities/{communityId}/" + word,
                      .family = api::Family::system,
                      .needs = api::Needs::session(),
                      .id = std::move(id),
                      .summary = std::move(summary),
                      .description = std::move(description),
                      .tag = "Sign-in",
                      .errors = std::move(errors)};
  };
  std::vector<api::Route> routes;
  using Deed = Result<api::Answer> (JoiningService::*)(api::Context const&, std::optional<access::OnceKey> const&);
  auto const add = [&](api::Route one, Deed deed) {
    routes.push_back(access::once_route<api::None, JoinOut>(
        std::move(one), [&service, deed](api::Context& c, api::None const&, auto const& key) { return (service.*deed)(c, key); }));
  };
  add(route("community.join", "join", "Join a community", "An open community, or one that invites. Joining twice changes nothing.",
            {&fealty::errors::kForbidden, &access::errors::kBanned, &access::errors::kSuspended}),
      &JoiningService::join);
  add(route("community.leave", "leave", "Leave a community", "Ends the person's sessions and keys of this community.",
            {&fealty::errors::kForbidden, &access::errors::kBanned, &access::errors::kSuspended, &kOwnerMustTransfer}),
      &JoiningService::leave);
  return routes;
}

}  // namespace fealty::members
