#include "members/joining_store.h"

namespace fealty::members {
namespace {

sql::Statement const kSettings{"joining.settings", "SELECT open_registration, owner_id FROM communities WHERE community_id = $1"};
sql::Statement const kJoined{"joining.joined", "UPDATE memberships SET joined_at = $3 WHERE community_id = $1 AND member_id = $2"};

}  // namespace

std::optional<JoinSettings> join_settings(sql::Tx& tx, CommunityNo community) {
  return tx.one(kSettings, [](sql::Row const& r) { return JoinSettings{r.boolean(0), {r.integer(1)}}; }, community);
}

void set_joined(sql::Tx& tx, CommunityNo community, MemberNo member, TimeMs now) { tx.exec(kJoined, community, member, now); }

}  // namespace fealty::members
