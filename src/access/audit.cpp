#include "access/audit.h"

namespace fealty::access {
namespace {
sql::Statement const kInsert{"audit.insert",
                             "INSERT INTO audit_entries (community_id, audit_id, actor_type, actor_id, actor_name, action, target, "
                             "detail, remote_address, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};
sql::Statement const kInsertMany{
    "audit.insert_many",
    "INSERT INTO audit_entries (community_id, audit_id, actor_type, actor_id, actor_name, action, target, detail, remote_address, "
    "created_at) SELECT $1, r.audit_id, r.actor_type, r.actor_id, r.actor_name, r.action, r.target, r.detail, r.remote_address, "
    "r.created_at FROM {rows r: audit_id int, actor_type text, actor_id text, actor_name text, action text, target text, detail text, "
    "remote_address text, created_at int}"};
}  // namespace

Actor actor_of(api::Principal const& who) {
  using enum api::PrincipalKind;
  switch (who.kind) {
    case community_key: return {"community_key", who.key_prefix, who.name};
    case system_key: return {"system_key", who.key_prefix, who.name};
    case user_key: return {"user_key", who.key_prefix, who.name};
    case user: return {"user", std::to_string(who.account.value), who.name};
    case operator_shell: return {"operator", who.key_prefix, who.name};
    case guest: break;
  }
  return {"guest", "", ""};
}

void write_audit(sql::Tx& tx, CommunityNo community, std::int64_t audit_number, AuditEntry const& e) {
  tx.exec(kInsert, community, audit_number, e.actor.type, e.actor.id, e.actor.name, e.action, e.target, e.detail, e.remote_address, e.at);
}

void write_audits(sql::Tx& tx, CommunityNo community, std::vector<NumberedAudit> const& entries) {
  if (entries.empty()) return;
  using enum sql::Batch::Type;
  sql::Batch batch{integer, text, text, text, text, text, text, text, integer};
  batch.reserve(entries.size());
  for (auto const& [number, e] : entries)
    batch.add(number, e.actor.type, e.actor.id, e.actor.name, e.action, e.target, e.detail, e.remote_address, e.at);
  tx.exec_batch_later(kInsertMany, batch, community);
}

}  // namespace fealty::access
