// The audit trail: who did what to the community's own set-up and data in bulk. Written in the transaction of the deed.
#pragma once
#include <string>
#include <vector>

#include "api/context.h"
#include "api/schema.h"
#include "base/id.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::access {

// Who acts. `id` is public (a key's prefix, an account's short id), never a secret.
struct Actor {
  std::string type;  // "community_key", "system_key", "user_key", "user", "operator", "anonymous"
  std::string id;
  std::string name;
};

// The actor that a request's principal is.
Actor actor_of(api::Principal const& principal);

struct AuditEntry {
  Actor actor;
  std::string action;         // "api_key.create", "bulk.upload"
  std::string target;         // id of what it was done to
  std::string detail = "{}";  // JSON, without secrets
  std::string remote_address = {};
  TimeMs at = 0;
};

// `{"request_id":"…","changes":[{"path":"/title","before":…,"after":…}]}` of the members that differ between two values of one
// schema, without those that are kept by the program (updatedAt, __v, memberCount). Long values are cut and marked with "…".
std::string audit_changes(api::StructDef const& def, void const* before, void const* after, std::string_view request_id);
template <class T>
std::string audit_changes(T const& before, T const& after, std::string_view request_id) {
  return audit_changes(api::Schema<T>::def, &before, &after, request_id);
}
// `{"request_id":"…","value":{…}}` of what was made or removed.
std::string audit_value(std::string_view value_json, std::string_view request_id);

void write_audit(sql::Tx& tx, CommunityNo community, std::int64_t audit_number, AuditEntry const& entry);
struct NumberedAudit {
  std::int64_t number = 0;
  AuditEntry entry;
};
void write_audits(sql::Tx& tx, CommunityNo community, std::vector<NumberedAudit> const& entries);

}  // namespace fealty::access
