#include "members/users_create_store.h"

#include <charconv>

#include "base/text.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

Statement const kLevel{"access_levels.roles", "SELECT roles FROM access_levels WHERE community_id = $1 AND level = $2"};
Statement const kStanding{
    "memberships.standing",
    "SELECT state, state_until, former_states, erased_at FROM memberships WHERE community_id = $1 AND member_id = $2"};
Statement const kRevive{"memberships.revive",
                        "UPDATE memberships SET state = $3, state_until = NULL, joined_at = $4, deleted_at = NULL, erased_at = NULL, "
                        "left_by_self = 0, former_states = 0 WHERE community_id = $1 AND member_id = $2"};
Statement const kSetReferrer{"memberships.set_referrer",
                             "UPDATE memberships SET referred_by = $3 WHERE community_id = $1 AND member_id = $2"};
Statement const kSetPassword{
    "community_passwords.set",
    "INSERT INTO community_passwords (community_id, member_id, password_hash, created_at) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (community_id, member_id) DO UPDATE SET password_hash = excluded.password_hash, created_at = excluded.created_at"};
Statement const kForgetRegistration{"registrations.forget", "DELETE FROM registrations WHERE email_key = $1"};
Statement const kTitle{"communities.title", "SELECT title FROM communities WHERE community_id = $1"};

}  // namespace

std::optional<std::vector<std::int64_t>> access_level_roles(sql::Tx& tx, CommunityNo community, std::int64_t level) {
  auto const stored = tx.one(kLevel, [](Row const& r) { return r.string(0); }, community, level);
  if (!stored && level != 0) return std::nullopt;
  std::vector<std::int64_t> roles;
  for (auto const part : split(stored.value_or(""), ',')) {
    std::int64_t number = 0;
    auto const [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (error == std::errc{} && end == part.data() + part.size()) roles.push_back(number);
  }
  return roles;
}

std::optional<Standing> standing_of(sql::Tx& tx, CommunityNo community, MemberNo member) {
  return tx.one(
      kStanding,
      [](Row const& r) { return Standing{static_cast<MembershipState>(r.integer(0)), r.optional_integer(1), r.integer(2), !r.is_null(3)}; },
      community, member);
}

void revive_membership(sql::Tx& tx, CommunityNo community, MemberNo member, MembershipState state, TimeMs now) {
  tx.exec(kRevive, community, member, static_cast<std::int64_t>(state), now);
}
void set_referrer(sql::Tx& tx, CommunityNo community, MemberNo member, MemberNo referrer) {
  tx.exec(kSetReferrer, community, member, referrer);
}
void set_community_password(sql::Tx& tx, CommunityNo community, MemberNo member, std::string_view hash, TimeMs now) {
  tx.exec(kSetPassword, community, member, hash, now);
}
void forget_registration(sql::Tx& tx, std::string_view email_key) { tx.exec(kForgetRegistration, email_key); }
std::string community_title(sql::Tx& tx, CommunityNo community) {
  return tx.one(kTitle, [](Row const& r) { return r.string(0); }, community).value_or("");
}

}  // namespace fealty::members
