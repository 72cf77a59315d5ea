#include "members/member_reference.h"

#include <charconv>

#include "access/gate.h"
#include "base/text.h"
#include "members/member_changes.h"

namespace fealty::members {
namespace {

std::optional<std::int64_t> short_id(std::string_view text) {
  std::int64_t number = 0;
  auto const end = text.data() + text.size();
  auto const [at, error] = std::from_chars(text.data(), end, number);
  return !text.empty() && text.front() != '-' && error == std::errc{} && at == end && number > 0 ? std::optional(number) : std::nullopt;
}

// What a reference may mean, before storage is asked.
struct Meaning {
  std::string email_key, username_key;
  std::optional<std::int64_t> number;
  std::optional<PublicId> public_id;
  std::optional<Error> problem;

  std::optional<Account> by_email, by_username, by_number;
};

Meaning guess(std::string_view text) {
  Meaning m;
  constexpr std::string_view kId = "id:", kUsername = "username:";
  if (text.starts_with(kId)) {
    m.number = short_id(text.substr(kId.size()));
  } else if (text.starts_with(kUsername)) {
    m.username_key = fold_case(text.substr(kUsername.size()));
  } else if (text.contains('@')) {
    m.email_key = fold_case(text);
  } else if (auto const id = PublicId::parse(text)) {
    m.public_id = id;
  } else {
    m.number = short_id(text);
    m.username_key = fold_case(text);
  }
  return m;
}

// The fields that identify, read once for all references of a call.
class IdentifierFields {
 public:
  IdentifierFields(sql::Tx& tx, CommunityNo community) : tx_(tx), community_(community), catalogue_(tx, community) {}

  Meaning find(std::string_view field_name, std::string_view text) {
    auto const& catalogue = catalogue_.get();
    Meaning m;
    auto const* const field = find_custom_field(catalogue, field_name);
    if (!field || !field->identifier) {
      m.problem = Error{&errors::kNotAnIdentifier, "There is no field \"" + std::string(field_name) + "\" that identifies members."};
      return m;
    }
    // A text that is no value of the field is nobody's.
    auto const value = read_value(slot_of(*field), text, catalogue);
    if (!value) return m;
    find_identifiers(tx_, community_, field->number, {MemberChanges::identifier_key(*value)},
                     [&](std::size_t, MemberNo holder) { m.number = holder.value; });
    return m;
  }

 private:
  sql::Tx& tx_;
  CommunityNo community_;
  CatalogueOnDemand catalogue_;
};

Meaning meaning_of(MemberReference const& reference, IdentifierFields& fields) {
  auto const text = trim_blanks(reference.identifier);
  if (reference.type.empty()) return guess(text);
  Meaning m;
  if (reference.type == "email")
    m.email_key = fold_case(text);
  else if (reference.type == "username")
    m.username_key = fold_case(text);
  else if (reference.type == "id")
    m.number = short_id(text);
  else if (reference.type == "_id")
    m.public_id = PublicId::parse(text);
  else
    m = fields.find(reference.field_name, text);
  return m;
}

// One account, or nothing, or an error when a number and a username are there and both are members.
Result<Account> decide(sql::Tx& tx, CommunityNo community, Meaning& m, Among among) {
  if (m.problem) return std::unexpected(*std::move(m.problem));
  if (m.by_number && m.by_username && m.by_number->number != m.by_username->number) {
    std::vector<MemberNo> both{m.by_number->number, m.by_username->number};
    std::sort(both.begin(), both.end());
    auto const here = among == Among::members ? members_of(tx, community, both) : ever_members_of(tx, community, both);
    if (here.size() == 2)
      return fail(errors::kAmbiguousMember,
                  "One member has this id and another one has this username. Write id: or username: in front of it.");
    if (here.size() == 1) return here.front() == m.by_number->number ? *std::move(m.by_number) : *std::move(m.by_username);
    return std::unexpected(no_such_member());
  }
  for (auto* found : {&m.by_email, &m.by_number, &m.by_username})
    if (*found) return **found;
  return std::unexpected(no_such_member());
}

}  // namespace

Result<void> may_touch_others(api::Principal const& who) {
  bool const is_person = who.kind == api::PrincipalKind::user;
  if (!is_person && who.kind != api::PrincipalKind::user_key) return {};
  if (!is_person || who.role < api::CommunityRole::administrator)
    return fail(fealty::errors::kForbidden, "Only oneself and the community's administrators may do this.");
  if (who.lacks_second_factor) return std::unexpected(access::second_factor_missing());
  return {};
}

Error no_such_member() { return {&errors::kUserNotFound, "There is no such member in this community."}; }

std::vector<Result<Account>> find_referenced(sql::Tx& tx, CommunityNo community, std::vector<MemberReference> const& references,
                                             Among among) {
  IdentifierFields fields(tx, community);
  std::vector<Meaning> meanings;
  meanings.reserve(references.size());
  for (auto const& r : references) meanings.push_back(meaning_of(r, fields));

  std::vector<std::string_view> emails, usernames;
  std::vector<MemberNo> numbers;
  std::vector<std::size_t> of_email, of_username, of_number;
  for (std::size_t i = 0; i < meanings.size(); ++i) {
    auto const& m = meanings[i];
    if (!m.email_key.empty()) emails.push_back(m.email_key), of_email.push_back(i);
    if (!m.username_key.empty()) usernames.push_back(m.username_key), of_username.push_back(i);
    if (m.public_id)
      numbers.push_back({m.public_id->number}), of_number.push_back(i);
    else if (m.number)
      numbers.push_back({*m.number}), of_number.push_back(i);
  }
  OnAccount const by_email = [&](std::size_t i, Account a) { meanings[of_email[i]].by_email = std::move(a); };
  OnAccount const by_username = [&](std::size_t i, Account a) { meanings[of_username[i]].by_username = std::move(a); };
  OnAccount const by_number = [&](std::size_t i, Account a) {
    auto& m = meanings[of_number[i]];
    if (!m.public_id || a.id() == *m.public_id) m.by_number = std::move(a);
  };
  find_accounts_by_email_later(tx, emails, by_email);
  find_accounts_by_username_later(tx, usernames, by_username);
  find_accounts_by_number_later(tx, numbers, by_number);
  tx.settle();

  std::vector<Result<Account>> out;
  out.reserve(meanings.size());
  for (auto& m : meanings) out.push_back(decide(tx, community, m, among));
  return out;
}

}  // namespace fealty::members
