#include "members/history_items.h"

#include <charconv>

#include "members/default_fields.h"
#include "members/member_reference.h"
#include "members/profiles.h"
#include "members/profiles_store.h"

namespace fealty::members {
namespace {

Value value_of(std::optional<std::int64_t> number, std::optional<std::string> const& text) {
  return number ? Value{true, true, *number, {}} : text ? Value::of(*text) : Value::none();
}

std::optional<std::string> none_if_empty(std::string text) { return text.empty() ? std::nullopt : std::optional(std::move(text)); }

// How the fields of items are shown and their values written.
struct FieldShown {
  HistoryField field;
  Slot slot;
};
std::optional<FieldShown> show_field(PublicId community, Catalogue const& catalogue, FieldNo number) {
  if (auto const index = find_default_field(number)) {
    auto const& f = default_fields()[*index];
    return FieldShown{{default_field_id(community, *index).to_string(), std::string(f.key), std::string(f.name), std::string(f.type)},
                      *default_slot(f.name)};
  }
  for (auto const& f : catalogue.fields)
    if (f.number == number) return FieldShown{{f.id().to_string(), f.key, f.name, std::string(to_string(f.type))}, slot_of(f)};
  return std::nullopt;
}

}  // namespace

ShownSource show_source(ChangeSource const& s, MemberNo member, std::int64_t row) {
  ShownSource out;
  bool const is_key = s.actor.type.ends_with("_key"), is_person = s.actor.type == "user";
  if (is_person) std::from_chars(s.actor.id.data(), s.actor.id.data() + s.actor.id.size(), out.creator.value);
  out.source.label = none_if_empty(s.label);
  if (s.kind == "bulk" || s.kind == "revert") {
    out.source.kind = "bulk";
    out.source.id = s.external_id + ":" + std::to_string(row) + (s.kind == "revert" ? ":revert" : "");
    return out;
  }
  if (is_key) out.source.id = s.actor.id;
  if (s.kind == "create_user")
    out.source.kind = s.kind;
  else if (is_person)
    out.source.kind = out.creator == member ? "member" : "console";
  else
    out.source.kind = is_key ? "api" : "system";
  return out;
}

void PeopleShown::look_up(std::vector<MemberNo> people) {
  std::erase_if(people, [&](MemberNo m) { return !m || found_.contains(m); });
  std::sort(people.begin(), people.end());
  people.erase(std::unique(people.begin(), people.end()), people.end());
  if (people.empty()) return;
  for (auto const m : people) found_[m] = {};
  find_accounts_by_number(tx_, people, [&](std::size_t i, Account a) { found_[people[i]].account = std::move(a); });
  load_shown_memberships(tx_, community_, people, [&](std::size_t i, ShownMembership m) { found_[people[i]].membership = std::move(m); });
}

bool PeopleShown::is_here(MemberNo member) const {
  auto const found = found_.find(member);
  return found != found_.end() && found->second.account && found->second.membership &&
         found->second.membership->state != MembershipState::deleted;
}

std::optional<HistoryPerson> PeopleShown::show(MemberNo member, std::string_view host) const {
  auto const found = found_.find(member);
  if (found == found_.end() || !found->second.account) return std::nullopt;
  auto const& [account, membership] = found->second;
  HistoryPerson out{account->id().to_string(), member.value, std::nullopt, std::nullopt, account->username};
  if (!membership) return out;
  out.displayName = membership->display_name;
  if (membership->avatar) out.avatar = avatar_url(host, *membership->avatar);
  return out;
}

std::vector<UserFieldHistoryItem> show_items(sql::Tx& tx, api::Context const& context, Catalogue const& catalogue,
                                             std::vector<SourcedItem> const& items, PeopleShown& people) {
  std::vector<SourceNo> numbers;
  std::vector<MemberNo> needed;
  for (auto const& i : items) {
    numbers.push_back(i.source);
    needed.push_back(i.item.member);
  }
  std::vector<ShownSource> sources(items.size());
  std::vector<std::pair<std::string, std::string>> words(items.size());  // reason and note
  load_sources(tx, context.community, numbers, [&](std::size_t i, ChangeSource s) {
    sources[i] = show_source(s, items[i].item.member, items[i].item.source_row);
    words[i] = {std::move(s.reason), std::move(s.note)};
    needed.push_back(sources[i].creator);
  });
  people.look_up(std::move(needed));
  auto const host = items.empty() ? std::string() : community_host(tx, context.community);
  std::map<FieldNo, std::optional<FieldShown>> fields;
  std::vector<UserFieldHistoryItem> out;
  out.reserve(items.size());
  for (std::size_t k = 0; k < items.size(); ++k) {
    auto const& i = items[k].item;
    auto const known = fields.find(i.field);
    auto const& shown = known != fields.end()
                            ? known->second
                            : fields.emplace(i.field, show_field(context.principal.community_id, catalogue, i.field)).first->second;
    auto const user = people.show(i.member, host);
    if (!shown || !user) continue;
    UserFieldHistoryItem item;
    auto const at = NumberSource::time_of(i.number.value);
    item._id = PublicId::of(i.number.value, at).to_string();
    item.communityId = context.principal.community_id.to_string();
    item.user = *user;
    item.userField = shown->field;
    write_value(item.previousValue.text, shown->slot, value_of(i.before_number, i.before_text), catalogue);
    write_value(item.value.text, shown->slot, value_of(i.after_number, i.after_text), catalogue);
    item.op = to_string(i.op);
    if (i.operand) item.operand = Decimal{*i.operand};
    // The source of a change that is very old may be gone with its other items.
    item.source = sources[k].source.kind.empty() ? HistorySource{"system", {}, {}} : std::move(sources[k].source);
    if (sources[k].creator) item.creator = people.show(sources[k].creator, host);
    item.reason = none_if_empty(std::move(words[k].first));
    item.note = none_if_empty(std::move(words[k].second));
    item.createdAt = to_iso(at);
    out.push_back(std::move(item));
  }
  return out;
}

Result<Account> find_user(sql::Tx& tx, CommunityNo community, std::string const& user) {
  auto account = std::move(find_referenced(tx, community, {{user, PublicId::parse(user) ? "_id" : "id", {}}}).front());
  if (!account) return std::unexpected(no_such_member());
  auto const state = state_of(tx, community, account->number);
  if (!state || *state == MembershipState::deleted || *state == MembershipState::invited) return std::unexpected(no_such_member());
  return account;
}

}  // namespace fealty::members
