#include "access/audit.h"

namespace fealty::access {
namespace {
sql::Statement const kInsert{"audit.insert",
                             "INSERT INTO audit_entries (community_id, audit_id, actor_type, actor_id, actor_name, action, target, "
                             "detail, remote_address, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};
}

void write_audit(sql::Tx& tx, CommunityNo community, std::int64_t audit_number, AuditEntry const& e) {
  tx.exec(kInsert, community, audit_number, e.actor.type, e.actor.id, e.actor.name, e.action, e.target, e.detail, e.remote_address, e.at);
}

}  // namespace fealty::access
