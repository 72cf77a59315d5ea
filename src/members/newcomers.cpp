#include "members/newcomers.h"

#include <charconv>

#include "api/schema.h"
#include "base/text.h"
#include "members/member_reference.h"
#include "members/new_member.h"
#include "members/users_create_store.h"
#include "sql/counters.h"

namespace fealty::members {
namespace {

KnownPerson person_of(sql::Tx& tx, CommunityNo community, Account const& account, TimeMs now) {
  KnownPerson out{account.number, account.id(), account.state, std::nullopt, std::nullopt};
  if (auto const standing = standing_of(tx, community, account.number)) {
    out.state = state_at(standing->state, standing->until, now);
    if (out.state == MembershipState::suspended) out.until = standing->until;
  }
  return out;
}

struct ProfileText {
  std::string_view column;
  NewcomerPart part;
  std::string Newcomer::* text;
};
constexpr ProfileText kTexts[] = {{"First Name", NewcomerPart::first_name, &Newcomer::first_name},
                                  {"Last Name", NewcomerPart::last_name, &Newcomer::last_name},
                                  {"Display Name", NewcomerPart::display_name, &Newcomer::display_name}};

}  // namespace

std::optional<KnownPerson> find_by_username(sql::Tx& tx, CommunityNo community, std::string_view username, TimeMs now) {
  std::optional<Account> account;
  auto const key = fold_case(username);
  find_accounts_by_username(tx, {key}, [&](std::size_t, Account a) { account = std::move(a); });
  return account ? std::optional(person_of(tx, community, *account, now)) : std::nullopt;
}

std::optional<KnownPerson> find_by_number(sql::Tx& tx, CommunityNo community, MemberNo number, TimeMs now) {
  std::optional<Account> account;
  find_accounts_by_number(tx, {number}, [&](std::size_t, Account a) { account = std::move(a); });
  return account ? std::optional(person_of(tx, community, *account, now)) : std::nullopt;
}

std::optional<std::vector<std::int64_t>> starting_roles(sql::Tx& tx, CommunityNo community, std::int64_t level) {
  auto given = access_level_roles(tx, community, level);
  if (!given || given->empty()) return given;
  std::vector<std::int64_t> out;
  for (auto const& role : load_catalogue(tx, community).roles)
    // A role that came to administer the community after the level was made is given to nobody.
    if (!role.administrator && std::find(given->begin(), given->end(), role.number) != given->end()) out.push_back(role.number);
  std::sort(out.begin(), out.end());
  return out;
}

void check_newcomer(Newcomer const& in, std::function<std::string_view(NewcomerPart)> const& place, std::vector<Issue>& issues) {
  auto const wrong = [&](NewcomerPart part, std::string code, std::string message) {
    api::add_issue(issues, {std::string(place(part)), std::move(code), std::move(message)});
  };
  if (auto const rule = username_problem(in.username))
    wrong(NewcomerPart::username, "invalid_username", "\"" + in.username + "\" cannot be the username of a new member: " + *rule + ".");
  if (in.email.empty())
    wrong(NewcomerPart::email, "required", std::string(place(NewcomerPart::email)) + " is required for a new member.");
  else if (!api::is_email(in.email))
    wrong(NewcomerPart::email, "invalid_email", std::string(place(NewcomerPart::email)) + " is not an e-mail address.");
  for (auto const& row : kTexts) {
    auto const text = trim_blanks(in.*row.text);
    if (text.empty()) {
      wrong(row.part, "required", std::string(place(row.part)) + " is required for a new member.");
    } else if (auto const value = read_value(*default_slot(row.column), text, {}); !value) {
      wrong(row.part, value.error().code, value.error().message);
    }
  }
}

Arrived add_newcomer(sql::Tx& tx, NumberSource& numbers, CommunityNo community, Newcomer const& in, std::vector<std::int64_t> const& roles,
                     access::Actor const& actor, std::string const& remote_address, TimeMs now) {
  // Whoever made one of the two a moment ago has committed when the number is drawn.
  MemberNo const member{sql::draw_numbers(tx, "account")};
  if (auto known = find_by_username(tx, community, in.username, now)) return {Arrival::username_taken, *known};
  auto const email_key = fold_case(in.email);
  if (find_members_by_email(tx, {email_key}).front()) return {Arrival::email_taken, {}};
  insert_accounts(tx, {{member, in.email, email_key, in.username, fold_case(in.username)}}, now);
  forget_registration(tx, email_key);

  auto const catalogue = load_catalogue(tx, community);
  NewMember made{member, MembershipState::active, {}};
  for (auto const& row : kTexts) {
    auto slot = *default_slot(row.column);
    auto value = *read_value(slot, trim_blanks(in.*row.text), catalogue);
    made.values.push_back({std::move(slot), std::move(value)});
  }
  if (!roles.empty()) made.values.push_back(first_roles(roles));
  // None of these values belongs to one member alone, so none is refused.
  begin_membership(tx, numbers, community, catalogue, made, actor, now);
  auto const id = PublicId::of(member.value, now);
  access::write_audit(tx, community, numbers.next(), {actor, "user.create", id.to_string(), "{}", remote_address, now});
  return {Arrival::made, {member, id, AccountState::unclaimed, MembershipState::active, std::nullopt}};
}

}  // namespace fealty::members
