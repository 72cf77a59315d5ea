// The audit trail as it is read: who changed what in administration and security (analytics.md §3). Nothing edits or removes a row.
#pragma once
#include "access/log_walk.h"
#include "api/route.h"
#include "api/typed.h"
#include "sql/sql.h"

namespace fealty::access {

namespace errors {
inline constexpr ErrorDef kAuditNotFound{"audit_not_found", 404};
}  // namespace errors

struct AuditQuery {
  std::int64_t limit = 20;
  std::optional<std::string> cursor, sort, actor, action, targetKind, targetId, ip, startDate, endDate, search;
};
struct AuditActor {
  std::string kind, id, name;
};
struct AuditTarget {
  std::string kind, id;
};
struct AuditOut {
  std::string _id, createdAt;
  AuditActor actor;
  std::string action;
  AuditTarget target;
  api::Json changes{"[]"}, detail{"{}"};
  std::optional<std::string> reason, ip, requestId;
  std::string result = "done";
};

// Any thread.
class AuditLog {
 public:
  explicit AuditLog(sql::Database& database) : database_(database) {}
  Result<api::Listing<AuditOut>> list(api::Context const& context, AuditQuery const& query);
  Result<AuditOut> find(api::Context const& context, PublicId id);

 private:
  sql::Database& database_;
};

std::vector<api::Route> audit_log_routes(AuditLog& log);

}  // namespace fealty::access

#define FEALTY_F(T, name, ...) field<&fealty::access::T::name>(#name, __VA_ARGS__)
FEALTY_SCHEMA(fealty::access::AuditQuery, limit_field<&fealty::access::AuditQuery::limit>(),
              FEALTY_F(AuditQuery, cursor, "nextCursor of the page before.", {.max = 500}),
              FEALTY_F(AuditQuery, sort, "createdAt:desc when absent.", {.one_of = fealty::access::kLogOrders}),
              FEALTY_F(AuditQuery, actor, "Id of who did it: a short id, or the public prefix of a key.", {.max = 100}),
              FEALTY_F(AuditQuery, action, "An action, or an area with a star.", {.max = 100, .example = "\"role.*\""}),
              FEALTY_F(AuditQuery, targetKind, "What it was done to: the area of the action.", {.max = 50, .example = "\"role\""}),
              FEALTY_F(AuditQuery, targetId, "Id of what it was done to.", {.max = 100}), FEALTY_F(AuditQuery, ip, "Address.", {.max = 50}),
              FEALTY_F(AuditQuery, startDate, "A day or a moment, UTC; included.", {.max = 40}),
              FEALTY_F(AuditQuery, endDate, "A day or a moment, UTC; included.", {.max = 40}),
              FEALTY_F(AuditQuery, search, "keyword:TEXT in actor, action, target and detail, without case.", {.max = 200}))
FEALTY_SCHEMA(fealty::access::AuditActor, FEALTY_F(AuditActor, kind, "user, community_key, system_key, user_key, operator, anonymous."),
              FEALTY_F(AuditActor, id, "Short id of a person, public prefix of a key."), FEALTY_F(AuditActor, name, "Name."))
FEALTY_SCHEMA(fealty::access::AuditTarget, FEALTY_F(AuditTarget, kind, "Area of the action."), FEALTY_F(AuditTarget, id, "Id."))
FEALTY_SCHEMA(fealty::access::AuditOut, FEALTY_F(AuditOut, _id, "Id of the row."),
              FEALTY_F(AuditOut, createdAt, "When it was done.", {.format = "date-time"}), FEALTY_F(AuditOut, actor, "Who did it."),
              FEALTY_F(AuditOut, action, "What was done.", {.example = "\"role.update\""}), FEALTY_F(AuditOut, target, "To what."),
              FEALTY_F(AuditOut, changes, "[{path, before, after}]."), FEALTY_F(AuditOut, detail, "What else was written down."),
              FEALTY_F(AuditOut, reason, "Why, where it was given."), FEALTY_F(AuditOut, ip, "Address, where there was one."),
              FEALTY_F(AuditOut, requestId, "X-Request-Id, where it was kept."), FEALTY_F(AuditOut, result, "done."))
#undef FEALTY_F
