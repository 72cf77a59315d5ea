#include "members/newcomers_store.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

Statement const kStanding{"newcomers.standing", "SELECT state, state_until FROM memberships WHERE community_id = $1 AND member_id = $2"};
Statement const kLevelRoles{"newcomers.level_roles", "SELECT roles FROM access_levels WHERE community_id = $1 AND level = $2"};
Statement const kDropRegistration{"newcomers.drop_registration", "DELETE FROM registrations WHERE email_key = $1"};

}  // namespace

std::optional<StoredStanding> stored_standing(sql::Tx& tx, CommunityNo community, MemberNo member) {
  return tx.one(
      kStanding, [](Row const& r) { return StoredStanding{static_cast<MembershipState>(r.integer(0)), r.optional_integer(1)}; }, community,
      member);
}

std::optional<std::string> stored_level_roles(sql::Tx& tx, CommunityNo community, std::int64_t level) {
  return tx.one(kLevelRoles, [](Row const& r) { return r.string(0); }, community, level);
}

void drop_registration(sql::Tx& tx, std::string_view email_key) { tx.exec(kDropRegistration, email_key); }

}  // namespace fealty::members
