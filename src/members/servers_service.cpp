#include <algorithm>

#include "access/written_once.h"
#include "base/locale_names.h"
#include "base/text.h"
#include "members/catalogue_store.h"
#include "members/community_settings_store.h"
#include "members/new_member.h"
#include "members/roles.h"
#include "members/roles_store.h"
#include "members/servers.h"
#include "members/servers_store.h"
#include "sql/counters.h"

namespace fealty::members {
namespace {

ServerOut shown(ServerRow const& s, std::int64_t members = 0) {
  ServerOut out;
  out._id = s.id().to_string();
  out.title = s.title;
  out.description = s.description;
  out.userId = std::to_string(s.owner.value);
  out.createdAt = to_iso(s.created_at);
  out.updatedAt = to_iso(s.updated_at);
  out.version = s.version;
  out.timeZone = s.time_zone;
  out.defaultLanguage = s.default_language;
  out.languages = s.languages;
  out.isPublic = s.is_public;
  out.memberCount = members;
  return out;
}

// The code of a language, or a note that nobody knows it.
std::string language_of(std::string const& text, std::string const& place, std::vector<Issue>& issues) {
  if (auto code = find_language(text)) return *std::move(code);
  api::add_issue(issues, {place, "unknown_language", "\"" + text + "\" is not a language such as en or pt-BR."});
  return {};
}

}  // namespace

bool may_create_communities(sql::Tx& tx, MemberNo account, WhoCreates who) {
  auto const creator = find_creator(tx, account);
  return creator && creator->state == AccountState::claimed && (creator->is_operator || who == WhoCreates::claimed);
}

bool is_operator(sql::Tx& tx, MemberNo account) {
  auto const creator = find_creator(tx, account);
  return creator && creator->state == AccountState::claimed && creator->is_operator;
}

void check_community(NewCommunity& c, std::string_view prefix, std::vector<Issue>& issues) {
  auto const place = [&](std::string_view name) { return std::string(prefix) + std::string(name); };
  c.title = to_nfc(trim_space(c.title));
  c.description = to_nfc(trim_space(c.description));
  if (c.title.empty() || code_points(c.title) > 100 || has_control_characters(c.title, false))
    api::add_issue(issues, {place("title"), "bad_value", "A title has 1 to 100 characters on one line."});
  if (code_points(c.description) > 1'000 || has_control_characters(c.description, true))
    api::add_issue(issues, {place("description"), "bad_value", "A description has up to 1,000 characters."});
  if (!is_time_zone(c.time_zone))
    api::add_issue(issues, {place("timeZone"), "bad_value", "\"" + c.time_zone + "\" is not an IANA time zone such as Europe/Berlin."});
  c.default_language = language_of(c.default_language, place("defaultLanguage"), issues);
  for (std::size_t i = 0; i < c.languages.size(); ++i)
    c.languages[i] = language_of(c.languages[i], place("languages/") + std::to_string(i), issues);
  c.languages.push_back(c.default_language);
  std::sort(c.languages.begin(), c.languages.end());
  c.languages.erase(std::unique(c.languages.begin(), c.languages.end()), c.languages.end());
  if (c.languages.size() > kLanguagesMax)
    api::add_issue(issues, {place("languages"), "too_many", "A community has up to " + std::to_string(kLanguagesMax) + " languages."});
}

FoundCommunity found_community(sql::Tx& tx, NumberSource& numbers, NewCommunity const& made, Founder const& owner,
                               access::Actor const& actor, std::string const& remote_address, TimeMs now) {
  CommunityNo const community{sql::draw_numbers(tx, "community")};
  auto const id = PublicId::of(community.value, now);
  insert_community(tx, community, made, owner.account, now);
  insert_role(tx, community,
              {.number = sql::draw_numbers(tx, "role"),
               .title = "@all",
               .server_permissions = kBaseServerPermissions,
               .channel_permissions = kBaseChannelPermissions,
               .created_at = now});
  ledger::create_default_currencies(tx, community);
  auto const catalogue = load_catalogue(tx, community);
  NewMember membership{owner.account, MembershipState::active, {}};
  for (auto const& [column, text] :
       {std::pair{"First Name", &owner.first_name}, {"Last Name", &owner.last_name}, {"Display Name", &owner.display_name}}) {
    auto slot = *default_slot(column);
    if (auto value = text->empty() ? std::unexpected(ValueProblem{}) : read_value(slot, *text, catalogue); value)
      membership.values.push_back({std::move(slot), *std::move(value)});
  }
  begin_membership(tx, numbers, community, catalogue, membership, actor, now);
  access::write_audit(tx, community, numbers.next(), {actor, "community.create", id.to_string(), "{}", remote_address, now});
  return {community, id};
}

Result<api::Answer> ServersService::create(api::Context const& c, ServerIn const& in, std::optional<access::OnceKey> const& key) {
  NewCommunity made{in.title,
                    {},
                    in.timeZone.value_or("UTC"),
                    in.description.value_or(""),
                    in.defaultLanguage.value_or("en"),
                    in.languages.value_or(std::vector<std::string>()),
                    in.isPublic.value_or(false)};
  std::vector<Issue> issues;
  check_community(made, "/", issues);
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
  return access::once_as<ServerOut>(200, "Server has been created successfully", database_, c, key, [&](sql::Tx& tx) -> Result<ServerOut> {
    MemberNo const me = c.principal.account;
    if (!may_create_communities(tx, me, who_))
      return fail(fealty::errors::kForbidden, who_ == WhoCreates::operators ? "Only operators of this installation make communities."
                                                                            : "Only who has claimed his account makes communities.");
    if (count_owned(tx, me) >= kCommunitiesPerOwnerMax)
      return fail(errors::kTooManyCommunities, "One person can own " + std::to_string(kCommunitiesPerOwnerMax) + " communities.");
    auto const found =
        found_community(tx, numbers_, made, {me, {}, {}, c.principal.name}, access::actor_of(c.principal), c.remote_address, c.now);
    return shown(*find_server(tx, found.number), 1);
  });
}

std::vector<ServerOut> ServersService::list(api::Context const& c) {
  return database_.read([&](sql::Tx& tx) {
    std::vector<ServerOut> all;
    if (c.principal.kind != api::PrincipalKind::user) {
      all.push_back(shown(*find_server(tx, c.community), count_members(tx, c.community)));
      return all;
    }
    for (auto const& s : servers_of(tx, c.principal.account, c.now))
      if (!c.principal.scope || s.number == c.principal.scope) all.push_back(shown(s, count_members(tx, s.number)));
    return all;
  });
}

Result<ServerOut> ServersService::change(api::Context const& c, ServerChange const& in) {
  auto changed = database_.write([&](sql::Tx& tx) -> Result<ServerOut> {
    lock_community(tx, c.community);
    auto const before = *find_server(tx, c.community);
    if (in.ifVersion && *in.ifVersion != before.version)
      return fail(errors::kVersionConflict,
                  "Somebody else changed this community meanwhile: its __v is " + std::to_string(before.version) + ". Look at it again.");
    NewCommunity wanted{in.title.value_or(before.title),
                        {},
                        in.timeZone.value_or(before.time_zone),
                        in.description.value_or(before.description),
                        in.defaultLanguage.value_or(before.default_language),
                        in.languages.value_or(before.languages),
                        in.isPublic.value_or(before.is_public)};
    std::vector<Issue> issues;
    check_community(wanted, "/", issues);
    if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
    ServerRow after = before;
    after.title = wanted.title;
    after.description = wanted.description;
    after.time_zone = wanted.time_zone;
    after.default_language = wanted.default_language;
    after.languages = wanted.languages;
    after.is_public = wanted.is_public;
    auto was = shown(before);
    if (api::to_json(was) == api::to_json(shown(after))) return was;
    after.updated_at = c.now;
    ++after.version;
    update_server(tx, after);
    auto out = shown(after);
    access::write_audit(tx, c.community, numbers_.next(),
                        {access::actor_of(c.principal), "community.update", out._id, access::audit_changes(was, out, c.request_id),
                         c.remote_address, c.now});
    return out;
  });
  // Behind the transaction: nobody waits to write meanwhile.
  if (changed) changed->memberCount = database_.read([&](sql::Tx& tx) { return count_members(tx, c.community); });
  return changed;
}

}  // namespace fealty::members
