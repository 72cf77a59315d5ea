#pragma once
#include <string>
#include <vector>

#include "base/id.h"
#include "sql/sql.h"

namespace fealty::members {

// A value whose history is not one chain from its first change to what field_values names as the newest.
struct BrokenHistory {
  CommunityNo community;
  MemberNo member;
  FieldNo field;
  std::string what;
};
// Looks at the histories of all members of all communities, in one pass over the tables. At most `most` findings.
std::vector<BrokenHistory> audit_histories(sql::Tx& tx, std::size_t most);

}  // namespace fealty::members
