// Communities as the API knows them: "servers" that are made, listed and changed.
#pragma once
#include "members/members.h"

namespace fealty::members {

// Who may make communities over the API: operators, or everybody whose account is claimed.
enum class WhoCreates : std::uint8_t { operators, claimed };
bool may_create_communities(sql::Tx& tx, MemberNo account, WhoCreates who);

}  // namespace fealty::members
