// SQL and row mapping of the audit trail as it is read.
#pragma once
#include "access/audit.h"
#include "access/log_walk.h"

namespace fealty::access {

struct AuditFilter : LogSpan {
  std::int64_t limit = 20;
  std::optional<std::string> action;  // a pattern of LIKE
  std::optional<std::string> actor, target, ip;
  // Patterns: in small letters, and as it was written, since SQLite's lower() knows only ASCII.
  std::optional<std::string> search, search_plain;
};
std::vector<NumberedAudit> list_audits(sql::Tx& tx, CommunityNo community, AuditFilter const& filter);
// Counted up to `most`.
std::int64_t count_audits(sql::Tx& tx, CommunityNo community, AuditFilter const& filter, std::int64_t most);
std::optional<NumberedAudit> find_audit(sql::Tx& tx, CommunityNo community, std::int64_t number);

}  // namespace fealty::access
