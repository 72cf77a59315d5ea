#include "identity/secure_auth_store.h"

namespace fealty::identity {
namespace {

sql::Statement const kSettings{"secure_auth.settings", "SELECT host, secure_auth_administrators FROM communities WHERE community_id = $1"};

}  // namespace

std::optional<SecureAuthSettings> secure_auth_settings(sql::Tx& tx, CommunityNo community) {
  return tx.one(kSettings, [](sql::Row const& r) { return SecureAuthSettings{r.string(0), r.boolean(1)}; }, community);
}

}  // namespace fealty::identity
