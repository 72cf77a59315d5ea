#pragma once
#include <string>
#include <vector>

#include "base/id.h"
#include "sql/sql.h"

namespace fealty::members {

// A value whose history is not one chain to what field_values names as the newest, from its first change, or from the first one
// that was not too old to be kept.
struct BrokenHistory {
  CommunityNo community;
  MemberNo member;
  FieldNo field;
  std::string what;
};
// Looks at the histories of all members of all communities, in one pass over the tables. At most `most` findings.
std::vector<BrokenHistory> audit_histories(sql::Tx& tx, std::size_t most);

// Spans or totals that do not hold as many items as there are: lists of this field (0: of the community) or of this member would
// leave some out, or say a wrong total.
struct WrongSpans {
  CommunityNo community;
  MemberNo member;
  FieldNo field;
  std::int64_t items = 0, in_spans = 0;
};
std::vector<WrongSpans> audit_history_spans(sql::Tx& tx, std::size_t most);

}  // namespace fealty::members
