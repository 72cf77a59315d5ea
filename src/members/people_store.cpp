#include "members/people_store.h"

namespace fealty::members {
namespace {
sql::Statement const kSetReferrer{"memberships.set_referrer",
                                  "UPDATE memberships SET referred_by = $3 WHERE community_id = $1 AND member_id = $2"};
}

void set_referrer(sql::Tx& tx, CommunityNo community, MemberNo member, MemberNo referrer) {
  tx.exec(kSetReferrer, community, member, referrer);
}

}  // namespace fealty::members
