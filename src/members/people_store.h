#pragma once
#include "base/id.h"
#include "sql/sql.h"

namespace fealty::members {

void set_referrer(sql::Tx& tx, CommunityNo community, MemberNo member, MemberNo referrer);

}  // namespace fealty::members
