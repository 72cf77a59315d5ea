// Idempotency-Key for plain handlers (conventions.md "Writes"): the deed and the answer that a repetition gets commit together.
//
//   auto key = once_key(context, request, "users.create", issues);
//   if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
//   return once(database, context.community, *key, context.now, [&](sql::Tx& tx) -> Result<api::Answer> { … });
#pragma once
#include <functional>
#include <optional>

#include "access/idempotency.h"
#include "api/context.h"
#include "api/http_types.h"
#include "api/route.h"

namespace fealty::access {

struct OnceKey {
  std::string principal, key, operation, fingerprint;  // the operation with what its path names
};
// The request's key; none when it brings none. A malformed one is noted.
std::optional<OnceKey> once_key(api::Context const& context, api::Request const& request, std::string_view operation,
                                std::vector<Issue>& issues);

// Runs `deed` in a transaction, or answers again what it answered to the same key before. A deed that meets another one's row (a
// unique key was taken in between) is run again and sees it then; it must have no effects outside the transaction.
Result<api::Answer> once(sql::Database& database, CommunityNo community, std::optional<OnceKey> const& key, TimeMs now,
                         std::function<Result<api::Answer>(sql::Tx&)> const& deed);

// Of an answer that shows a secret this once, another one is kept: no secret is stored in clear, and a repetition tells what the
// first answer made without it.
struct SecretAnswer {
  api::Answer now, kept;
};
Result<api::Answer> once_secret(sql::Database& database, CommunityNo community, std::optional<OnceKey> const& key, TimeMs now,
                                std::function<Result<SecretAnswer>(sql::Tx&)> const& deed);

}  // namespace fealty::access
