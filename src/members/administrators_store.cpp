#include "members/administrators_store.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

// Bit 6 of serverPermissions is server_administrator (community.md).
Statement const kList{
    "administrators.list",
    "SELECT a.account_id, a.created_at, a.username, a.email, m.display_name, m.state, m.state_until, c.owner_id, a.state, "
    "(SELECT count(*) FROM account_credentials k WHERE k.account_id = a.account_id AND k.totp_confirmed_at IS NOT NULL) "
    "FROM communities c JOIN memberships m ON m.community_id = c.community_id JOIN accounts a ON a.account_id = m.member_id "
    "WHERE c.community_id = $1 AND m.state <> 4 AND m.member_id IN (SELECT o.owner_id FROM communities o WHERE o.community_id = $1 "
    "UNION SELECT r.member_id FROM roles p JOIN member_roles r ON r.community_id = p.community_id AND r.role_id = p.role_id "
    "WHERE p.community_id = $1 AND (p.server_permissions & 64) <> 0) ORDER BY m.member_id"};
Statement const kLanguage{"administrators.language",
                          "SELECT coalesce(k.language, c.default_language) FROM communities c LEFT JOIN account_credentials k "
                          "ON k.account_id = $2 WHERE c.community_id = $1"};

}  // namespace

std::vector<AdministratorRow> list_administrators(sql::Tx& tx, CommunityNo community) {
  std::vector<AdministratorRow> all;
  tx.each(
      kList,
      [&](Row const& r) {
        AdministratorRow a;
        a.member = {r.integer(0)};
        a.id = PublicId::of(r.integer(0), r.integer(1));
        a.username = r.string(2);
        a.email = r.string(3);
        a.display_name = r.optional_string(4);
        a.state = static_cast<MembershipState>(r.integer(5));
        a.until = r.optional_integer(6);
        a.is_owner = r.integer(7) == r.integer(0);
        a.is_claimed = static_cast<AccountState>(r.integer(8)) == AccountState::claimed;
        a.has_second_factor = r.integer(9) > 0;
        all.push_back(std::move(a));
      },
      community);
  return all;
}

std::string mail_language(sql::Tx& tx, CommunityNo community, MemberNo account) {
  return tx.one(kLanguage, [](Row const& r) { return r.string(0); }, community, account).value_or("en");
}

}  // namespace fealty::members
