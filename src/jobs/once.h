// Idempotency-Key for plain handlers (conventions.md "Writes"): the deed and the answer that a repetition gets commit together.
//
//   auto key = once_key(context, request, "users.create");
//   if (!key) return std::unexpected(key.error());
//   return once(database, context.community, *key, context.now, [&](sql::Tx& tx) -> Result<api::Answer> { … });
#pragma once
#include <functional>
#include <optional>

#include "api/context.h"
#include "api/http_types.h"
#include "api/route.h"
#include "jobs/idempotency.h"

namespace fealty::jobs {

struct OnceKey {
  std::string principal, key, operation, fingerprint;
};
// The request's key; none when it brings none. A malformed one is noted.
std::optional<OnceKey> once_key(api::Context const& context, api::Request const& request, std::string_view operation,
                                std::vector<Issue>& issues);

// Runs `deed` in a transaction, or answers again what it answered to the same key before. A deed that meets another one's row (a
// unique key was taken in between) is run again and sees it then; it must have no effects outside the transaction.
Result<api::Answer> once(sql::Database& database, CommunityNo community, std::optional<OnceKey> const& key, TimeMs now,
                         std::function<Result<api::Answer>(sql::Tx&)> const& deed);

}  // namespace fealty::jobs
