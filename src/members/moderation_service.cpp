#include "access/audit.h"
#include "access/sessions.h"
#include "api/json_writer.h"
#include "base/text.h"
#include "base/time.h"
#include "members/member_reference.h"
#include "members/moderation.h"
#include "members/moderation_store.h"

namespace fealty::members {
namespace {

// A member who is locked in this transaction, and the rules about who may touch him.
struct Target {
  Account account;
  StateFacts facts;
  bool is_erased = false;
};

Result<Target> lock_target(sql::Tx& tx, api::Context const& context, std::string const& user) {
  auto account = std::move(find_referenced(tx, context.community, {{user, {}, {}}}, Among::everybody).front());
  if (!account) return std::unexpected(std::move(account).error());
  auto const member = lock_member(tx, context.community, account->number);
  if (!member) return std::unexpected(no_such_member());
  if (account->number == community_owner(tx, context.community))
    return fail(errors::kOwnerProtected, "Nobody acts on the community's owner; hand the community over first.");
  // Keys were made by administrators for this; of people each acts on those below him alone.
  auto const& who = context.principal;
  if (who.kind == api::PrincipalKind::user) {
    if (who.account == account->number) return fail(errors::kRankTooLow, "Nobody acts on himself here.");
    if (who.role != api::CommunityRole::owner && is_administrator(tx, context.community, account->number))
      return fail(errors::kRankTooLow, "Only the owner acts on administrators.");
  }
  return Target{*std::move(account), member->facts, member->is_erased};
}

void write_trail(sql::Tx& tx, NumberSource& numbers, api::Context const& context, std::string action, Target const& target,
                 std::string const& reason = "") {
  api::JsonWriter w;
  w.begin_object().key("request_id").string(context.request_id).key("before").string(to_string(target.facts.state));
  if (!reason.empty()) w.key("reason").string(reason);
  w.end_object();
  access::write_audit(tx, context.community, numbers.next(),
                      {access::actor_of(context.principal), std::move(action), target.account.id().to_string(), w.take(),
                       context.remote_address, context.now});
}

MisconductOut shown(MisconductRecord const& record, Account const& account, MembershipState status) {
  MisconductOut out;
  out._id = PublicId::of(record.number, NumberSource::time_of(record.number)).to_string();
  out.action = record.action;
  out.user = {std::to_string(account.number.value), account.id().to_string(), account.username};
  out.reason = record.reason;
  if (record.until) out.until = to_iso(*record.until);
  out.status = to_string(status);
  out.actor = {record.actor.type, record.actor.id, record.actor.name};
  out.createdAt = to_iso(record.created_at);
  return out;
}

// Applies a ban under the deletion of a member who is gone: it is there when he comes back.
StateFacts banned_beneath(StateFacts facts) {
  if (facts.state != MembershipState::deleted) return banned(facts);
  FormerStates former(facts.former_states);
  StateFacts beneath = facts;
  beneath.state = former.pop();
  beneath.former_states = former.stored();
  beneath = banned(beneath);
  FormerStates after(beneath.former_states);
  after.push(beneath.state);
  facts.former_states = after.stored();
  facts.until.reset();
  return facts;
}

// What the action makes of the member.
Result<StateFacts> changed(std::string_view action, StateFacts const& facts, bool is_erased, std::optional<TimeMs> until, TimeMs now) {
  bool const is_deleted = facts.state == MembershipState::deleted;
  if (action == "lift") {
    auto const after = lifted(facts);
    if (!after) return fail(errors::kNothingToLift, "This member is neither suspended nor banned.");
    return *after;
  }
  if (action == "ban" && !is_erased) return banned_beneath(facts);
  if (is_deleted) return std::unexpected(no_such_member());
  if (action == "kick") return kicked(facts, now);
  if (action == "suspend") {
    if (facts.state == MembershipState::banned) return fail(errors::kAlreadyBanned, "This member is banned; lift the ban first.");
    return suspended(facts, until);
  }
  return facts;
}

}  // namespace

Result<api::Answer> ModerationService::manage(api::Context const& context, ManageUserIn const& in,
                                              std::optional<access::OnceKey> const& key) {
  return access::once(database_, context.community, key, context.now, [&](sql::Tx& tx) -> Result<api::Answer> {
    auto target = lock_target(tx, context, in.user);
    if (!target) return std::unexpected(std::move(target).error());
    MemberNo const member = target->account.number;
    if (target->is_erased) return std::unexpected(no_such_member());
    bool const is_deleted = target->facts.state == MembershipState::deleted, wants_deleted = in.action == "delete";
    if (wants_deleted && !is_deleted) {
      store_state(tx, context.community, member, deleted(target->facts, context.now));
      access::end_sessions(tx, member, context.community, context.now);
      revoke_user_keys(tx, context.community, member, context.now);
      write_trail(tx, numbers_, context, "user.delete", *target);
    }
    if (!wants_deleted && is_deleted) {
      if (context.now - target->facts.deleted_at.value_or(0) > restore_ms(tx, context.community)) return std::unexpected(no_such_member());
      store_state(tx, context.community, member, restored(target->facts));
      write_trail(tx, numbers_, context, "user.restore", *target);
    }
    ManageUserOut const out{in.action, in.user, std::to_string(member.value)};
    api::JsonWriter user;
    user.string(in.user);
    return api::Answer{.message = wants_deleted ? "User deleted successfully" : "User restored successfully",
                       .data = api::to_json(out),
                       .extra = "\"action\":\"" + in.action + "\",\"user\":" + user.take()};
  });
}

Result<api::Answer> ModerationService::moderate(api::Context const& context, ModerateIn const& in,
                                                std::optional<access::OnceKey> const& key) {
  std::optional<TimeMs> until;
  std::vector<Issue> issues;
  if (in.until) {
    until = parse_iso(*in.until);
    if (in.action != "suspend") api::add_issue(issues, {"/until", "not_allowed", "until is for suspensions alone."});
    if (until && *until <= context.now) api::add_issue(issues, {"/until", "in_the_past", "until must lie in the future."});
  }
  if (trim_space(in.reason).empty()) api::add_issue(issues, {"/reason", "required", "reason must not be blank."});
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));

  return access::once(database_, context.community, key, context.now, [&](sql::Tx& tx) -> Result<api::Answer> {
    auto target = lock_target(tx, context, in.user);
    if (!target) return std::unexpected(std::move(target).error());
    MemberNo const member = target->account.number;
    auto const after = changed(in.action, settled(target->facts, context.now), target->is_erased, until, context.now);
    if (!after) return std::unexpected(after.error());
    if (*after != target->facts) store_state(tx, context.community, member, *after);
    if (in.action == "suspend" || in.action == "ban" || in.action == "kick")
      access::end_sessions(tx, member, context.community, context.now);
    if (in.action == "kick") revoke_user_keys(tx, context.community, member, context.now);
    MisconductRecord const record{numbers_.next(), member, in.action, in.reason, until, access::actor_of(context.principal), context.now};
    insert_misconduct(tx, context.community, record);
    write_trail(tx, numbers_, context, "user." + in.action, *target, in.reason);
    return api::Answer{.message = "User moderated successfully", .data = api::to_json(shown(record, target->account, after->state))};
  });
}

Result<api::Listing<MisconductOut>> ModerationService::list(api::Context const& context, ModerationQuery const& query) {
  return database_.read([&](sql::Tx& tx) -> Result<api::Listing<MisconductOut>> {
    auto account = std::move(find_referenced(tx, context.community, {{query.user, {}, {}}}, Among::everybody).front());
    if (!account) return std::unexpected(std::move(account).error());
    auto const state = state_of(tx, context.community, account->number);
    if (!state) return std::unexpected(no_such_member());
    api::Listing<MisconductOut> out;
    out.page = api::Page::of(count_misconduct(tx, context.community, account->number), query.page, query.limit);
    for (auto const& record : list_misconduct(tx, context.community, account->number, (query.page - 1) * query.limit, query.limit))
      out.items.push_back(shown(record, *account, *state));
    return out;
  });
}

}  // namespace fealty::members
