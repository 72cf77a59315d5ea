#include "members/servers.h"
#include "members/servers_store.h"

namespace fealty::members {

bool may_create_communities(sql::Tx& tx, MemberNo account, WhoCreates who) {
  auto const creator = find_creator(tx, account);
  return creator && creator->state == AccountState::claimed && (creator->is_operator || who == WhoCreates::claimed);
}

}  // namespace fealty::members
