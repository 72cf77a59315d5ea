#include "access/audit.h"

#include <algorithm>

#include "api/json_writer.h"

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

constexpr std::string_view kKeptByProgram[] = {"updatedAt", "__v", "memberCount"};
constexpr std::size_t kValueBytesMax = 1'024;  // analytics.md "Audit log"

std::string written(api::FieldDef const& f, void const* value) {
  std::string out;
  f.codec->write(out, value);
  return out;
}
std::string cut(std::string const& json) {
  if (json.size() <= kValueBytesMax) return json;
  auto end = kValueBytesMax;
  while (end > 0 && (static_cast<unsigned char>(json[end]) & 0xc0) == 0x80) --end;
  std::string out;
  api::write_json_string(out, json.substr(0, end) + "…");
  return out;
}
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

std::string audit_changes(api::StructDef const& def, void const* before, void const* after, std::string_view request_id) {
  api::JsonWriter w;
  w.begin_object().key("request_id").string(request_id).key("changes").begin_array();
  for (auto const& f : def.fields) {
    if (std::find(std::begin(kKeptByProgram), std::end(kKeptByProgram), f.name) != std::end(kKeptByProgram)) continue;
    // `at` only finds the member.
    std::string const from = written(f, f.at(const_cast<void*>(before))), to = written(f, f.at(const_cast<void*>(after)));
    if (from == to) continue;
    w.begin_object().key("path").string("/" + std::string(f.name)).key("before").raw(cut(from)).key("after").raw(cut(to)).end_object();
  }
  return w.end_array().end_object().take();
}

std::string audit_value(std::string_view value_json, std::string_view request_id) {
  api::JsonWriter w;
  return w.begin_object().key("request_id").string(request_id).key("value").raw(value_json).end_object().take();
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
