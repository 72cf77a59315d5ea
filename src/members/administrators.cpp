#include "members/administrators.h"

#include <algorithm>

#include "access/written_once.h"
#include "api/json_writer.h"
#include "base/random.h"
#include "base/text.h"
#include "mail/outbox.h"
#include "members/administrators_store.h"
#include "members/community_settings_store.h"
#include "members/member_reference.h"
#include "members/moderation.h"
#include "members/people.h"
#include "members/roles.h"
#include "members/roles_store.h"
#include "members/users_create_store.h"
#include "sql/counters.h"

namespace fealty::members {
namespace {

constexpr std::int64_t kOrderAbove = 10;

bool administers(RoleRow const& role) { return (role.server_permissions & kServerAdministrator) != 0; }

AdministratorOut shown(sql::Tx& tx, CommunityNo community, AdministratorRow const& a, std::vector<RoleRow> const& roles, TimeMs now) {
  AdministratorOut out{a.id.to_string(),    std::to_string(a.member.value),
                       a.username,          a.email,
                       a.display_name,      std::string(to_string(state_at(a.state, a.until, now))),
                       a.is_owner,          a.is_claimed,
                       a.has_second_factor, {}};
  auto const given = roles_of(tx, community, a.member);
  for (auto const& r : roles)
    if (administers(r) && std::ranges::find(given, r.number) != given.end()) out.roles.push_back({r.id().to_string(), r.title});
  return out;
}

// The role that the body names, or the highest that administers, which is made when there is none.
Result<RoleRow> role_to_give(sql::Tx& tx, NumberSource& numbers, api::Context const& c, AppointIn const& in,
                             std::vector<RoleRow> const& roles) {
  if (in.roleId) {
    auto const id = PublicId::parse(*in.roleId);
    auto const found = std::find_if(roles.begin(), roles.end(), [&](RoleRow const& r) { return id && r.id() == *id; });
    if (found == roles.end()) return fail(errors::kRoleNotFound, "There is no such role in this community.");
    if (!administers(*found))
      return fail(errors::kNotAdministrative, "The role \"" + found->title + "\" does not administer: it lacks server_administrator.");
    return *found;
  }
  // They come with the highest first.
  auto const highest = std::find_if(roles.begin(), roles.end(), administers);
  if (highest != roles.end()) return *highest;
  RoleRow made;
  made.number = sql::draw_numbers(tx, "role");
  made.title = "Administrator";
  while (std::any_of(roles.begin(), roles.end(), [&](RoleRow const& r) { return r.title == made.title; })) made.title += " *";
  made.order = std::min(kRoleOrderMax, (roles.empty() ? 0 : roles.front().order) + kOrderAbove);
  made.server_permissions = kServerAdministrator;
  made.created_at = made.updated_at = c.now;
  insert_role(tx, c.community, made);
  access::write_audit(
      tx, c.community, numbers.next(),
      {access::actor_of(c.principal), "role.create", made.id().to_string(),
       access::audit_value(api::to_json(AdministratorRole{made.id().to_string(), made.title}), c.request_id), c.remote_address, c.now});
  return made;
}

void audit(sql::Tx& tx, NumberSource& numbers, api::Context const& c, std::string action, AdministratorOut const& a) {
  access::write_audit(tx, c.community, numbers.next(),
                      {access::actor_of(c.principal), std::move(action), a._id, access::audit_value(api::to_json(a), c.request_id),
                       c.remote_address, c.now});
}

void queue(sql::Tx& tx, NumberSource& numbers, api::Context const& c, Account const& account, std::string name) {
  api::JsonWriter w;
  w.begin_object().key("community").string(community_title(tx, c.community)).key("username").string(account.username).end_object();
  mail::queue_mail(tx, numbers,
                   {c.community, account.number, account.email, std::move(name), mail_language(tx, c.community, account.number), w.take()},
                   c.now);
}

AdministratorOut row_of(sql::Tx& tx, api::Context const& c, MemberNo member) {
  auto const all = list_administrators(tx, c.community);
  auto const found = std::find_if(all.begin(), all.end(), [&](AdministratorRow const& a) { return a.member == member; });
  return shown(tx, c.community, *found, list_roles(tx, c.community), c.now);
}

// An account for the address, or the one that is there, and its membership here. The mail that tells him.
struct Welcome {
  Account account;
  std::string mail = "none";
};
Result<Welcome> welcome(sql::Tx& tx, NumberSource& numbers, api::Context const& c, std::string const& email) {
  auto const key = fold_case(email);
  Welcome out;
  bool found = false;
  find_accounts_by_email(tx, {key}, [&](std::size_t, Account a) {
    out.account = std::move(a);
    found = true;
  });
  auto const begin = [&](MembershipState state, bool returns) {
    auto const catalogue = load_catalogue(tx, c.community);
    auto slot = *default_slot("Display Name");
    auto const name = found ? out.account.username : email.substr(0, std::min<std::size_t>(email.find('@'), 50));
    NewMember made{out.account.number, state, {}, returns};
    if (auto value = read_value(slot, name, catalogue)) made.values.push_back({std::move(slot), *std::move(value)});
    begin_membership(tx, numbers, c.community, catalogue, made, access::actor_of(c.principal), c.now);
  };
  if (!found) {
    lock_new_people(tx);
    auto& a = out.account;
    a.number = {sql::draw_numbers(tx, "account")};
    a.created_at = c.now;
    a.email = email;
    // A readable first username; the holder may choose another when claiming the account.
    a.username = "admin-" + std::to_string(a.number.value) + "-" + random_base62(4);
    insert_account(tx, a.number, email, a.username, c.now);
    forget_registration(tx, key);
    begin(MembershipState::active, false);
    out.mail = "claim";
    return out;
  }
  if (out.account.state == AccountState::disabled)
    return fail(errors::kMemberBanned, "This account is disabled. Ask who runs this installation.");
  bool const unclaimed = out.account.state == AccountState::unclaimed;
  auto const standing = standing_of(tx, c.community, out.account.number);
  if (!standing || standing->is_erased) {
    // A claimed account joins on its holder's word alone.
    begin(unclaimed ? MembershipState::active : MembershipState::invited, standing.has_value());
    out.mail = unclaimed ? "claim" : "invitation";
    return out;
  }
  switch (standing->state) {
    case MembershipState::banned: return fail(errors::kMemberBanned, "This member is banned. Lift the ban first.");
    case MembershipState::deleted: return fail(errors::kMemberDeleted, "This member was deleted. Restore the member first.");
    case MembershipState::invited: out.mail = "invitation"; break;
    case MembershipState::active:
    case MembershipState::suspended: out.mail = unclaimed ? "claim" : "administrator"; break;
  }
  return out;
}

}  // namespace

std::vector<AdministratorOut> AdministratorsService::list(api::Context const& c) {
  return database_.read([&](sql::Tx& tx) {
    auto const roles = list_roles(tx, c.community);
    std::vector<AdministratorOut> all;
    for (auto const& a : list_administrators(tx, c.community))
      all.insert(a.is_owner ? all.begin() : all.end(), shown(tx, c.community, a, roles, c.now));
    return all;
  });
}

Result<api::Answer> AdministratorsService::appoint(api::Context const& c, AppointIn const& in, std::optional<access::OnceKey> const& key) {
  std::string const email(trim_space(in.email));
  // Run again where the same account was made at the same moment: now it is there to be found.
  return access::once_as<AppointedOut>(201, "Appoint administrator success.", database_, c, key, [&](sql::Tx& tx) -> Result<AppointedOut> {
    lock_community(tx, c.community);
    auto const role = role_to_give(tx, numbers_, c, in, list_roles(tx, c.community));
    if (!role) return std::unexpected(role.error());
    auto const person = welcome(tx, numbers_, c, email);
    if (!person) return std::unexpected(person.error());
    MemberNo const member = person->account.number;
    bool const is_new =
        edit_member_set(tx, numbers_, c, member, Slot::Kind::role_set, [&](std::set<std::int64_t>& set) { set.insert(role->number); });
    if (!is_new) return AppointedOut{row_of(tx, c, member), "none"};
    queue(tx, numbers_, c, person->account, person->mail);
    AppointedOut out{row_of(tx, c, member), person->mail};
    audit(tx, numbers_, c, "administrator.appoint", out.administrator);
    return out;
  });
}

Result<AdministratorOut> AdministratorsService::dismiss(api::Context const& c, std::string const& user) {
  return database_.write([&](sql::Tx& tx) -> Result<AdministratorOut> {
    lock_community(tx, c.community);
    auto const account = std::move(find_referenced(tx, c.community, {{user, {}, {}}}).front());
    auto const all = list_administrators(tx, c.community);
    auto const found =
        std::find_if(all.begin(), all.end(), [&](AdministratorRow const& a) { return account && a.member == account->number; });
    if (found == all.end()) return fail(errors::kNoAdministrator, "There is no such administrator in this community.");
    if (found->is_owner) return fail(errors::kOwnerProtected, "The owner administers the community; hand it over first.");
    auto const roles = list_roles(tx, c.community);
    auto out = shown(tx, c.community, *found, roles, c.now);
    edit_member_set(tx, numbers_, c, found->member, Slot::Kind::role_set, [&](std::set<std::int64_t>& set) {
      for (auto const& r : roles)
        if (administers(r)) set.erase(r.number);
    });
    audit(tx, numbers_, c, "administrator.dismiss", out);
    return out;
  });
}

std::vector<api::Route> administrators_routes(AdministratorsService& service) {
  using api::Context;
  using api::None;
  auto const route = [](api::Method method, bool one, std::string id, std::string summary, std::string description,
                        std::vector<ErrorDef const*> list) {
    return api::Route{.method = method,
                      .path = std::string("/communities/{communityId}/administrators") + (one ? "/{userId}" : ""),
                      .family = api::Family::application,
                      .needs = api::Needs::role(api::CommunityRole::owner),
                      .id = std::move(id),
                      .summary = std::move(summary),
                      .description = std::move(description),
                      .tag = "Administrators",
                      .errors = std::move(list)};
  };
  std::vector<api::Route> routes;
  auto list = route(api::Method::get, false, "administrators.list", "Get administrators", "The owner first.", {});
  list.out = &api::Schema<AdministratorOut>::def;
  list.list = true;
  list.handler = api::typed<None, None, api::Listing<AdministratorOut>>("Get administrators success.", [&service](Context& c, None const&) {
    api::Listing<AdministratorOut> out{service.list(c), {}};
    auto const count = static_cast<std::int64_t>(out.items.size());
    out.page = api::Page::of(count, 1, std::max<std::int64_t>(count, 1));
    return Result<api::Listing<AdministratorOut>>(std::move(out));
  });
  routes.push_back(std::move(list));
  routes.push_back(access::once_route<AppointIn, AppointedOut>(
      route(
          api::Method::post, false, "administrators.appoint", "Appoint an administrator",
          "A member gets the role and a mail. Who is none is invited; for an address without an account one is made, and the mail lets its "
          "holder claim it.",
          {&errors::kRoleNotFound, &errors::kNotAdministrative, &errors::kMemberBanned, &errors::kMemberDeleted}),
      [&service](Context& c, AppointIn const& in, auto const& key) { return service.appoint(c, in, key); }, 201));
  routes.push_back(api::typed_route<None, None, AdministratorOut>(
      route(api::Method::del, true, "administrators.dismiss", "Dismiss an administrator",
            "By short id. Takes the roles that administer; the membership stays. Every node refuses him at once.",
            {&errors::kNoAdministrator, &errors::kOwnerProtected}),
      "Dismiss administrator success.",
      [&service](Context& c, api::Request const& r, None const&) { return service.dismiss(c, r.path_args.at(1)); }));
  return routes;
}

}  // namespace fealty::members
