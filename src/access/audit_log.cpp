#include "access/audit_log.h"

#include "access/audit_log_store.h"
#include "api/json_tree.h"
#include "base/text.h"

namespace fealty::access {
namespace {

std::string text_of(api::JsonValue const& tree, std::string_view name) {
  auto const found = tree.find(name);
  return found && found->kind() == api::JsonKind::string ? std::string(found->text()) : std::string();
}

AuditOut shown(NumberedAudit const& n) {
  auto const& e = n.entry;
  AuditOut out;
  out._id = PublicId::of(n.number, e.at).to_string();
  out.createdAt = to_iso(e.at);
  out.actor = {e.actor.type, e.actor.id, e.actor.name};
  out.action = e.action;
  out.target = {e.action.substr(0, e.action.find('.')), e.target};
  if (!e.remote_address.empty()) out.ip = e.remote_address;
  api::JsonTree tree;
  std::vector<Issue> issues;
  if (!tree.parse(e.detail, issues)) return out;
  out.detail.text = e.detail;
  auto const root = tree.root();
  if (auto const changes = root.find("changes"); changes && changes->kind() == api::JsonKind::array) {
    out.changes.text.clear();
    changes->write(out.changes.text);
  }
  if (auto reason = text_of(root, "reason"); !reason.empty()) out.reason = std::move(reason);
  if (auto request = text_of(root, "request_id"); !request.empty()) out.requestId = std::move(request);
  return out;
}

}  // namespace

Result<api::Listing<AuditOut>> AuditLog::list(api::Context const& c, AuditQuery const& q) {
  AuditFilter filter;
  std::vector<Issue> issues;
  LogWalk const walk("audit-logs", c, q.sort, q.startDate, q.endDate, {&q.actor, &q.action, &q.targetKind, &q.targetId, &q.ip, &q.search},
                     issues);
  filter.actor = q.actor;
  filter.target = q.targetId;
  filter.ip = q.ip;
  if (q.action)
    filter.action = q.action->ends_with(".*") ? like_literal(q.action->substr(0, q.action->size() - 1)) + "%" : like_literal(*q.action);
  if (q.targetKind) {
    if (q.action)
      api::add_issue(issues, {"targetKind", "not_allowed", "Send action or targetKind, not both."});
    else
      filter.action = like_literal(*q.targetKind) + ".%";
  }
  if (q.search) {
    constexpr std::string_view kKeyword = "keyword:";
    auto const text = std::string_view(*q.search).substr(std::min(kKeyword.size(), q.search->size()));
    if (!q.search->starts_with(kKeyword)) api::add_issue(issues, {"search", "bad_value", "search is keyword: and a text."});
    filter.search = "%" + like_literal(fold_case(text)) + "%";
    filter.search_plain = "%" + like_literal(text) + "%";
  }
  if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));

  auto const span = walk.from(q.cursor);
  if (!span) return std::unexpected(span.error());
  static_cast<LogSpan&>(filter) = *span;
  filter.limit = q.limit + 1;
  return database_.read([&](sql::Tx& tx) {
    auto rows = list_audits(tx, c.community, filter);
    api::Listing<AuditOut> out;
    out.page = api::Page::of(count_audits(tx, c.community, filter, kLogRowsCountedMax), 1, q.limit);
    out.page.has_next = rows.size() > static_cast<std::size_t>(q.limit);
    if (out.page.has_next) {
      rows.pop_back();
      out.page.next_cursor = walk.cursor_behind(rows.back().number);
    }
    for (auto const& row : rows) out.items.push_back(shown(row));
    return Result<api::Listing<AuditOut>>(std::move(out));
  });
}

Result<AuditOut> AuditLog::find(api::Context const& c, PublicId id) {
  auto const found = database_.read([&](sql::Tx& tx) { return find_audit(tx, c.community, id.number); });
  auto out = found ? std::optional(shown(*found)) : std::nullopt;
  if (!out || out->_id != id.to_string()) return fail(errors::kAuditNotFound, "There is no such row in the audit log of this community.");
  return *std::move(out);
}

std::vector<api::Route> audit_log_routes(AuditLog& log) {
  std::vector<api::Route> routes;
  auto list = log_route("/audit-logs", "audit_logs.list", "Audit log", {&errors::kInvalidCursor});
  list.description =
      "Who changed what in administration and security. total counts the rows from the cursor on, up to 10,000; walk with cursor.";
  routes.push_back(api::list_route<AuditQuery, AuditOut>(std::move(list), "Audit logs fetched successfully",
                                                         [&log](api::Context& c, AuditQuery const& q) { return log.list(c, q); }));
  routes.push_back(api::typed_route<api::None, api::None, AuditOut>(
      log_route("/audit-logs/{auditId}", "audit_logs.get", "One row of the audit log", {&errors::kAuditNotFound}),
      "Audit log fetched successfully", [&log](api::Context& c, api::Request const& r, api::None const&) -> Result<AuditOut> {
        auto const id = api::path_id(r, 0, errors::kAuditNotFound);
        if (!id) return std::unexpected(id.error());
        return log.find(c, *id);
      }));
  return routes;
}

}  // namespace fealty::access
