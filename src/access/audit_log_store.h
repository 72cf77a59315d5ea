// SQL and row mapping of the audit trail as it is read.
#pragma once
#include "access/audit.h"

namespace fealty::access {

struct AuditFilter {
  std::int64_t first = 0, last = INT64_MAX;  // numbers, both ends included; they are time-ordered
  bool descending = true;
  std::int64_t limit = 20;
  // Ends in "%" for all of an area.
  std::optional<std::string> action, actor, target, ip;
  std::optional<std::string> search;  // a pattern, in small letters
};
std::vector<NumberedAudit> list_audits(sql::Tx& tx, CommunityNo community, AuditFilter const& filter);
// Counted up to `most`.
std::int64_t count_audits(sql::Tx& tx, CommunityNo community, AuditFilter const& filter, std::int64_t most);
std::optional<NumberedAudit> find_audit(sql::Tx& tx, CommunityNo community, std::int64_t number);

}  // namespace fealty::access
