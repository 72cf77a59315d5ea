#include "jobs/idempotency.h"

namespace fealty::jobs {
namespace {
sql::Statement const kFind{"idempotency.find",
                           "SELECT operation, fingerprint, answer FROM idempotency_keys WHERE community_id = $1 AND principal = $2 "
                           "AND idempotency_key = $3 AND created_at > $4"};
sql::Statement const kKeep{
    "idempotency.keep",
    "INSERT INTO idempotency_keys (community_id, principal, idempotency_key, operation, fingerprint, answer, created_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (community_id, principal, idempotency_key) DO UPDATE "
    "SET operation = excluded.operation, fingerprint = excluded.fingerprint, answer = excluded.answer, "
    "created_at = excluded.created_at"};
sql::Statement const kRemoveOld{"idempotency.remove_old", "DELETE FROM idempotency_keys WHERE created_at < $1"};
}  // namespace

std::optional<KeptAnswer> find_answer(sql::Tx& tx, CommunityNo community, std::string_view principal, std::string_view key, TimeMs now) {
  return tx.one(
      kFind, [](sql::Row const& r) { return KeptAnswer{r.string(0), r.string(1), r.string(2)}; }, community, principal, key,
      now - kIdempotencyMs);
}

void keep_answer(sql::Tx& tx, CommunityNo community, std::string_view principal, std::string_view key, KeptAnswer const& a, TimeMs now) {
  tx.exec(kKeep, community, principal, key, a.operation, sql::Blob{a.fingerprint}, a.answer, now);
}

std::int64_t remove_old_answers(sql::Tx& tx, TimeMs now) { return tx.exec(kRemoveOld, now - kIdempotencyMs); }

}  // namespace fealty::jobs
