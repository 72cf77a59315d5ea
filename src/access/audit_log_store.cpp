#include "access/audit_log_store.h"

namespace fealty::access {
namespace {

using sql::Row;
using sql::Statement;

#define AUDIT_COLUMNS                                                                                                         \
  "SELECT audit_id, actor_type, actor_id, actor_name, action, target, detail, remote_address, created_at FROM audit_entries " \
  "WHERE community_id = $1 "
#define HOLDS(column) "lower(" column ") LIKE $8 ESCAPE '\\' OR " column " LIKE $9 ESCAPE '\\'"
// A filter that is not given is NULL.
#define AUDIT_FILTER                                                                                    \
  "AND audit_id >= $2 AND audit_id <= $3 AND (CAST($4 AS TEXT) IS NULL OR action LIKE $4 ESCAPE '\\') " \
  "AND (CAST($5 AS TEXT) IS NULL OR actor_id = $5) AND (CAST($6 AS TEXT) IS NULL OR target = $6) "      \
  "AND (CAST($7 AS TEXT) IS NULL OR remote_address = $7) "                                              \
  "AND (CAST($8 AS TEXT) IS NULL OR " HOLDS("actor_name") " OR " HOLDS("action") " OR " HOLDS("target") " OR " HOLDS("detail") ") "
Statement const kNewest{"audit.newest", AUDIT_COLUMNS AUDIT_FILTER "ORDER BY audit_id DESC LIMIT $10"};
Statement const kOldest{"audit.oldest", AUDIT_COLUMNS AUDIT_FILTER "ORDER BY audit_id LIMIT $10"};
Statement const kCount{"audit.count",
                       "SELECT count(*) FROM (SELECT 1 AS one FROM audit_entries WHERE community_id = $1 " AUDIT_FILTER "LIMIT $10) t"};
Statement const kFind{"audit.find", AUDIT_COLUMNS "AND audit_id = $2"};
#undef AUDIT_FILTER
#undef HOLDS
#undef AUDIT_COLUMNS

NumberedAudit read(Row const& r) {
  return {r.integer(0), {{r.string(1), r.string(2), r.string(3)}, r.string(4), r.string(5), r.string(6), r.string(7), r.integer(8)}};
}

}  // namespace

std::vector<NumberedAudit> list_audits(sql::Tx& tx, CommunityNo community, AuditFilter const& f) {
  std::vector<NumberedAudit> all;
  tx.each(
      f.descending ? kNewest : kOldest, [&](Row const& r) { all.push_back(read(r)); }, community, f.first, f.last, f.action, f.actor,
      f.target, f.ip, f.search, f.search_plain, f.limit);
  return all;
}

std::int64_t count_audits(sql::Tx& tx, CommunityNo community, AuditFilter const& f, std::int64_t most) {
  return tx
      .one(
          kCount, [](Row const& r) { return r.integer(0); }, community, f.first, f.last, f.action, f.actor, f.target, f.ip, f.search,
          f.search_plain, most)
      .value();
}

std::optional<NumberedAudit> find_audit(sql::Tx& tx, CommunityNo community, std::int64_t number) {
  return tx.one(kFind, read, community, number);
}

}  // namespace fealty::access
