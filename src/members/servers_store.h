// SQL and row mapping of communities as the API shows them: no rules.
#pragma once
#include "members/members.h"

namespace fealty::members {

// Whether an account is an operator's, and its state.
struct Creator {
  bool is_operator = false;
  AccountState state = AccountState::unclaimed;
};
std::optional<Creator> find_creator(sql::Tx& tx, MemberNo account);

}  // namespace fealty::members
