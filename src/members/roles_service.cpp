#include <algorithm>

#include "access/gate.h"
#include "access/written_once.h"
#include "api/json_writer.h"
#include "base/text.h"
#include "members/community_settings_store.h"
#include "members/member_changes.h"
#include "members/member_reference.h"
#include "members/moderation.h"
#include "members/roles_rules.h"
#include "members/servers.h"
#include "members/servers_store.h"
#include "sql/counters.h"

namespace fealty::members {
namespace {

using api::PrincipalKind;

std::unexpected<Error> no_role() { return fail(errors::kRoleNotFound, "There is no such role in this community."); }

// One transaction's look at the roles of a community.
class RoleBook {
 public:
  // Whoever changes roles takes the lock first, and sees then what the one before him left.
  RoleBook(sql::Tx& tx, api::Context const& context, bool changes) : tx_(tx), context_(context) {
    if (changes) lock_community(tx, context.community);
    rows_ = list_roles(tx, context.community);
  }

  std::vector<RoleRow> const& rows() const { return rows_; }
  RoleRow const* find(PublicId id) const {
    auto const found = std::find_if(rows_.begin(), rows_.end(), [&](RoleRow const& r) { return r.id() == id; });
    return found == rows_.end() ? nullptr : &*found;
  }
  bool is_taken(std::string_view title, std::int64_t but) const {
    return std::any_of(rows_.begin(), rows_.end(), [&](RoleRow const& r) { return r.title == title && r.number != but; });
  }

  Rank rank_of_member(MemberNo member) const {
    if (community_owner(tx_, context_.community) == member) return {Rank::Tier::owner, 0};
    Rank rank{Rank::Tier::member, 0};
    for (auto const& r : given_to(member)) {
      rank.order = std::max(rank.order, r->order);
      rank.tier = std::max(rank.tier, members::rank_of(*r).tier);
    }
    return rank;
  }

  // Who asks, or why he has nothing to do with roles.
  Result<RoleKeeper> keeper() const {
    auto const& who = context_.principal;
    if (who.kind == PrincipalKind::system_key)
      return RoleKeeper{{Rank::Tier::system, 0}, kAllServerPermissions, kAllChannelPermissions, true, {}};
    // A community key with the permission stands above all members and below all administrators.
    if (who.kind == PrincipalKind::community_key)
      return RoleKeeper{{Rank::Tier::administrator, -1}, kAllServerPermissions & ~kServerAdministrator, kAllChannelPermissions, false, {}};
    RoleKeeper keeper;
    keeper.account = who.account;
    keeper.rank = rank_of_member(who.account);
    if (who.as_member) keeper.rank.tier = Rank::Tier::member;
    for (auto const& r : rows_) {
      bool const given = r.is_base() || std::ranges::find(given_numbers(who.account), r.number) != given_numbers_.end();
      if (!given) continue;
      keeper.server_permissions |= r.server_permissions;
      keeper.channel_permissions |= r.channel_permissions;
    }
    if (who.as_member) keeper.server_permissions &= ~kServerAdministrator;
    if (keeper.rank.tier >= Rank::Tier::administrator) {
      if (who.lacks_second_factor) return std::unexpected(access::second_factor_missing());
      keeper.server_permissions = kAllServerPermissions;
      keeper.channel_permissions = kAllChannelPermissions;
    }
    keeper.may_make_administrators = keeper.rank.tier == Rank::Tier::owner;
    if (!(keeper.server_permissions & kManageRoles))
      return fail(fealty::errors::kInsufficientPermission, "You lack the permission manage_roles in this community.");
    return keeper;
  }

  // Those that a member was given, and @all; their members are to be counted.
  std::vector<RoleOut> of(MemberNo member) const {
    auto const given = roles_of(tx_, context_.community, member);
    std::vector<RoleOut> out;
    for (auto const& r : rows_)
      if (r.is_base() || std::ranges::find(given, r.number) != given.end()) out.push_back(shown(r));
    return out;
  }
  RoleOut shown(RoleRow const& r) const { return shown_role(r, context_.principal.community_id, 0); }

 private:
  std::vector<std::int64_t> const& given_numbers(MemberNo member) const {
    if (given_of_ != member) given_numbers_ = roles_of(tx_, context_.community, member);
    given_of_ = member;
    return given_numbers_;
  }
  std::vector<RoleRow const*> given_to(MemberNo member) const {
    std::vector<RoleRow const*> out;
    auto const& given = given_numbers(member);
    for (auto const& r : rows_)
      if (std::ranges::find(given, r.number) != given.end()) out.push_back(&r);
    return out;
  }

  sql::Tx& tx_;
  api::Context const& context_;
  std::vector<RoleRow> rows_;
  mutable MemberNo given_of_;
  mutable std::vector<std::int64_t> given_numbers_;
};

Result<Account> member_named(sql::Tx& tx, api::Context const& c, std::string const& user) {
  auto account = std::move(find_referenced(tx, c.community, {{user, {}, {}}}).front());
  if (!account) return account;
  if (members_of(tx, c.community, {account->number}).empty()) return std::unexpected(no_such_member());
  return account;
}

void audit(sql::Tx& tx, NumberSource& numbers, api::Context const& c, std::string action, std::string target, std::string detail) {
  access::write_audit(tx, c.community, numbers.next(),
                      {access::actor_of(c.principal), std::move(action), std::move(target), std::move(detail), c.remote_address, c.now});
}

// In a transaction of its own: nobody waits to write meanwhile.
void fill_counts(sql::Database& database, CommunityNo community, std::span<RoleOut> roles) {
  database.read([&](sql::Tx& tx) {
    for (auto& role : roles)
      role.memberCount =
          role.title == "@all" ? count_members(tx, community) : count_role_holders(tx, community, PublicId::parse(role._id)->number);
  });
}
Result<RoleOut> counted(sql::Database& database, CommunityNo community, Result<RoleOut> role) {
  if (role) fill_counts(database, community, {&*role, 1});
  return role;
}
Result<std::vector<RoleOut>> counted(sql::Database& database, CommunityNo community, Result<std::vector<RoleOut>> roles) {
  if (roles) fill_counts(database, community, *roles);
  return roles;
}

std::unexpected<Error> title_taken(std::string const& title) {
  std::string const message = "There is a role \"" + title + "\" already.";
  return fail(errors::kRoleExists, message, {{"/title", std::string(errors::kRoleExists.code), message}});
}
std::unexpected<Error> base_role(std::string message) { return fail(errors::kBaseRole, std::move(message)); }

}  // namespace

bool edit_member_set(sql::Tx& tx, NumberSource& numbers, api::Context const& c, MemberNo member, Slot::Kind kind,
                     std::function<void(std::set<std::int64_t>&)> const& edit) {
  auto catalogue = load_catalogue(tx, c.community);
  // The write path guards powerful roles and the owner against bulk jobs; who comes here was judged by his rank.
  for (auto& role : catalogue.roles) role.administrator = role.powerful = false;
  MemberChanges changes(c.community, catalogue, {*default_slot(kind == Slot::Kind::role_set ? "Role" : "Tag")});
  changes.load(tx, {member});
  std::size_t const person = *changes.find(member);
  std::set<std::int64_t> set;
  if (auto const& before = changes.state(person, 0).value; before.present)
    for (auto const part : split(before.text, ',')) set.insert(std::stoll(std::string(part)));
  edit(set);
  std::vector<std::string> parts;
  for (auto const number : set) parts.push_back(std::to_string(number));
  auto const value = parts.empty() ? Value::none() : Value::of(join(parts, ","));
  auto change = changes.evaluate({0, 0}, person, 0, ledger::Operator::overwrite, value, api::PermissionSet::everything(), {});
  if (!change) throw std::logic_error("a set was refused: " + change.error().message);
  std::vector<SlotChange> row{*std::move(change)};
  if (!changes.commit_row(row)) return false;
  SourceNo const source{numbers.next()};
  auto const actor = access::actor_of(c.principal);
  ledger::create_source(
      tx, c.community, source,
      {.kind = actor.type, .external_id = "auto:" + std::to_string(source.value), .actor = actor, .history_items = changes.history_items()},
      c.now);
  changes.write(tx, source, numbers, 1);
  return true;
}

Result<std::vector<RoleOut>> RolesService::list(api::Context const& c) {
  return database_.read([&](sql::Tx& tx) -> Result<std::vector<RoleOut>> {
    RoleBook const book(tx, c, false);
    if (auto keeper = book.keeper(); !keeper) return std::unexpected(std::move(keeper).error());
    auto const counts = count_role_holders(tx, c.community);
    auto const everybody = count_members(tx, c.community);
    std::vector<RoleOut> all;
    for (auto const& r : book.rows()) {
      auto const found = counts.find(r.number);
      all.push_back(shown_role(r, c.principal.community_id, r.is_base() ? everybody : found == counts.end() ? 0 : found->second));
    }
    return all;
  });
}

Result<api::Answer> RolesService::create(api::Context const& c, RoleIn const& in, std::optional<access::OnceKey> const& key) {
  return access::once_as<RoleOut>(200, "Role has been created successfully", database_, c, key, [&](sql::Tx& tx) -> Result<RoleOut> {
    RoleBook const book(tx, c, true);
    auto const keeper = book.keeper();
    if (!keeper) return std::unexpected(keeper.error());
    RoleRow role;
    role.created_at = role.updated_at = c.now;
    std::vector<Issue> issues;
    if (!in.title) api::add_issue(issues, {"/title", "required", "title is required."});
    read_role(in, role, issues);
    if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
    if (auto allowed = may_change(*keeper, nullptr, &role); !allowed) return std::unexpected(std::move(allowed).error());
    if (book.rows().size() >= kRolesMax)
      return fail(errors::kTooManyRoles, "A community can have " + std::to_string(kRolesMax) + " roles.");
    if (book.is_taken(role.title, 0)) return title_taken(role.title);
    role.number = sql::draw_numbers(tx, "role");
    insert_role(tx, c.community, role);
    auto out = book.shown(role);
    audit(tx, numbers_, c, "role.create", out._id, access::audit_value(api::to_json(out), c.request_id));
    return out;
  });
}

Result<RoleOut> RolesService::change(api::Context const& c, PublicId id, RoleIn const& in) {
  auto const changed = [&](sql::Tx& tx) -> Result<RoleOut> {
    RoleBook const book(tx, c, true);
    auto const keeper = book.keeper();
    if (!keeper) return std::unexpected(keeper.error());
    auto const* const before = book.find(id);
    if (!before) return no_role();
    if (in.ifVersion && *in.ifVersion != before->version)
      return fail(errors::kVersionConflict,
                  "Somebody else changed this role meanwhile: its __v is " + std::to_string(before->version) + ". Look at it again.");
    RoleRow after = *before;
    std::vector<Issue> issues;
    read_role(in, after, issues);
    if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
    if (before->is_base() && (after.title != before->title || after.order != before->order))
      return base_role("@all keeps its name and its order.");
    if (auto allowed = may_change(*keeper, before, &after); !allowed) return std::unexpected(std::move(allowed).error());
    if (book.is_taken(after.title, after.number)) return title_taken(after.title);
    auto was = book.shown(*before);
    if (api::to_json(was) == api::to_json(book.shown(after))) return was;
    after.updated_at = c.now;
    ++after.version;
    update_role(tx, c.community, after);
    auto out = book.shown(after);
    audit(tx, numbers_, c, "role.update", out._id, access::audit_changes(was, out, c.request_id));
    return out;
  };
  return counted(database_, c.community, database_.write(changed));
}

Result<RoleOut> RolesService::remove(api::Context const& c, PublicId id) {
  return database_.write([&](sql::Tx& tx) -> Result<RoleOut> {
    RoleBook const book(tx, c, true);
    auto const keeper = book.keeper();
    if (!keeper) return std::unexpected(keeper.error());
    auto const* const role = book.find(id);
    if (!role) return no_role();
    if (role->is_base()) return base_role("@all cannot be deleted.");
    if (auto allowed = may_change(*keeper, role, nullptr); !allowed) return std::unexpected(std::move(allowed).error());
    auto out = book.shown(*role);
    // Whoever writes role sets is finished now, and those that come read the roles that are left.
    ledger::lock_everybody(tx, c.community);
    out.memberCount = delete_role(tx, c.community, role->number);
    for (auto const& level : list_level_roles(tx, c.community)) {
      std::vector<std::string> kept;
      for (auto const part : split(level.roles, ','))
        if (part != std::to_string(role->number)) kept.emplace_back(part);
      if (auto text = join(kept, ","); text != level.roles) set_level_roles(tx, c.community, {level.level, std::move(text)});
    }
    audit(tx, numbers_, c, "role.delete", out._id, access::audit_value(api::to_json(out), c.request_id));
    return out;
  });
}

Result<std::vector<RoleOut>> RolesService::of_user(api::Context const& c, std::string const& user) {
  return counted(database_, c.community, database_.read([&](sql::Tx& tx) -> Result<std::vector<RoleOut>> {
    RoleBook const book(tx, c, false);
    if (auto keeper = book.keeper(); !keeper) return std::unexpected(std::move(keeper).error());
    auto const account = member_named(tx, c, user);
    if (!account) return std::unexpected(account.error());
    return book.of(account->number);
  }));
}

Result<api::Answer> RolesService::move(api::Context const& c, PublicId id, std::string const& user, Move move,
                                       std::optional<access::OnceKey> const& key) {
  std::string const message =
      move == Move::give ? "Role has been added to user successfully" : "Role has been removed from user successfully";
  // Counted beforehand: nobody waits to write meanwhile.
  auto const [everybody, holders] =
      database_.read([&](sql::Tx& tx) { return std::pair(count_members(tx, c.community), count_role_holders(tx, c.community)); });
  return access::once_as<std::vector<RoleOut>>(200, message, database_, c, key, [&](sql::Tx& tx) -> Result<std::vector<RoleOut>> {
    RoleBook const book(tx, c, true);
    auto const account = member_named(tx, c, user);
    if (account) {
      // A job may change roles too: it waits for both of them, or has ended.
      std::vector<MemberNo> people{account->number};
      if (c.principal.account && c.principal.account != account->number) people.push_back(c.principal.account);
      std::sort(people.begin(), people.end());
      lock_memberships(tx, c.community, people, false, [](Membership const&) {});
      tx.settle();
    }
    auto const keeper = book.keeper();
    if (!keeper) return std::unexpected(keeper.error());
    auto const* const role = book.find(id);
    if (!role) return no_role();
    if (!account) return std::unexpected(account.error());
    if (role->is_base()) return base_role("@all belongs to everybody: it is neither given nor taken.");
    MemberNo const member = account->number;
    bool const himself = keeper->account == member;
    auto const allowed = move == Move::give ? may_give(*keeper, *role) : may_take(*keeper, *role, book.rank_of_member(member), himself);
    if (!allowed) return std::unexpected(allowed.error());
    bool const is_new = edit_member_set(tx, numbers_, c, member, Slot::Kind::role_set, [&](std::set<std::int64_t>& set) {
      if (move == Move::give)
        set.insert(role->number);
      else
        set.erase(role->number);
    });
    if (is_new) {
      api::JsonWriter w;
      w.begin_object().key("_id").string(role->id().to_string()).key("title").string(role->title).end_object();
      audit(tx, numbers_, c, move == Move::give ? "role.give" : "role.take", account->id().to_string(),
            access::audit_value(w.take(), c.request_id));
    }
    auto roles = book.of(member);
    for (auto& held : roles) {
      auto const found = holders.find(PublicId::parse(held._id)->number);
      held.memberCount = held.title == "@all" ? everybody : found == holders.end() ? 0 : found->second;
      if (is_new && held._id == role->id().to_string()) ++held.memberCount;
    }
    return roles;
  });
}

}  // namespace fealty::members
