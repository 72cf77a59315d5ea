#include "access/gate_store.h"

namespace fealty::access {
namespace {

using sql::Row;
using sql::Statement;

// Bit 6 of serverPermissions is server_administrator (community.md).
Statement const kStanding{
    "gate.standing",
    "SELECT c.created_at, c.owner_id, m.state, m.state_until, c.second_factor_required, "
    "(SELECT count(*) FROM member_roles r JOIN roles o ON o.community_id = r.community_id AND o.role_id = r.role_id "
    "WHERE r.community_id = c.community_id AND r.member_id = $2 AND (o.server_permissions & 64) <> 0), "
    "(SELECT count(*) FROM account_credentials k WHERE k.account_id = $2 AND k.totp_confirmed_at IS NOT NULL) "
    "FROM communities c LEFT JOIN memberships m ON m.community_id = c.community_id AND m.member_id = $2 WHERE c.community_id = $1"};
Statement const kByHost{"gate.by_host", "SELECT community_id FROM communities WHERE host = $1"};
// Active and suspended members: who is banned or has left does not belong.
Statement const kOnly{"gate.only", "SELECT community_id FROM memberships WHERE member_id = $1 AND state IN (0, 2) LIMIT 2"};

}  // namespace

std::optional<Standing> standing_of(sql::Tx& tx, CommunityNo community, MemberNo account) {
  return tx.one(
      kStanding,
      [&](Row const& r) {
        Standing s;
        s.community_id = PublicId::of(community.value, r.integer(0));
        s.is_owner = r.integer(1) == account.value;
        if (!r.is_null(2)) s.state = static_cast<int>(r.integer(2));
        s.until = r.optional_integer(3);
        s.second_factor_required = r.boolean(4);
        s.is_administrator = r.integer(5) > 0;
        s.has_second_factor = r.integer(6) > 0;
        return s;
      },
      community, account);
}

std::optional<CommunityNo> community_of_host(sql::Tx& tx, std::string_view host) {
  return tx.one(kByHost, [](Row const& r) { return CommunityNo{r.integer(0)}; }, host);
}

std::optional<CommunityNo> only_community_of(sql::Tx& tx, MemberNo account) {
  std::vector<CommunityNo> all;
  tx.each(kOnly, [&](Row const& r) { all.push_back({r.integer(0)}); }, account);
  return all.size() == 1 ? std::optional(all.front()) : std::nullopt;
}

}  // namespace fealty::access
