// People join communities and leave them of their own will.
#pragma once
#include "access/once.h"
#include "api/context.h"
#include "api/route.h"
#include "api/schema.h"
#include "base/number_source.h"
#include "sql/sql.h"

namespace fealty::members {

struct JoinOut {
  std::string communityId, userId, status;
};

// Any thread.
class JoiningService {
 public:
  JoiningService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}
  // An open community, or one that invites. Who may not join is told what a stranger of any community is told.
  Result<api::Answer> join(api::Context const& context, std::optional<access::OnceKey> const& key);
  Result<api::Answer> leave(api::Context const& context, std::optional<access::OnceKey> const& key);

 private:
  Result<JoinOut> join_in(sql::Tx& tx, api::Context const& context);
  Result<JoinOut> leave_in(sql::Tx& tx, api::Context const& context);
  sql::Database& database_;
  NumberSource& numbers_;
};

std::vector<api::Route> joining_routes(JoiningService& service);

}  // namespace fealty::members

FEALTY_SCHEMA(fealty::members::JoinOut, field<&fealty::members::JoinOut::communityId>("communityId", "The community."),
              field<&fealty::members::JoinOut::userId>("userId", "Short id.", {.example = "\"1203\""}),
              field<&fealty::members::JoinOut::status>("status", "active, or deleted for who left.", {.example = "\"active\""}))
