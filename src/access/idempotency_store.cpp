#include "access/idempotency.h"

namespace fealty::access {
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
// A look-up for each row, and no join: see ledger.find_sources.
sql::Statement const kFindMany{"idempotency.find_many",
                               "SELECT r.k, (SELECT i.created_at FROM idempotency_keys i WHERE i.community_id = $1 "
                               "AND i.principal = r.p AND i.idempotency_key = r.v) FROM {rows r: k int, p text, v text}"};
sql::Statement const kKeepNew{
    "idempotency.keep_new",
    "INSERT INTO idempotency_keys (community_id, principal, idempotency_key, operation, fingerprint, answer, created_at) "
    "SELECT $1, r.p, r.v, r.o, r.f, r.a, $2 FROM {rows r: p text, v text, o text, f blob, a text} WHERE true "
    "ON CONFLICT (community_id, principal, idempotency_key) DO UPDATE "
    "SET operation = excluded.operation, fingerprint = excluded.fingerprint, answer = excluded.answer, "
    "created_at = excluded.created_at WHERE idempotency_keys.created_at <= $3"};
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

void find_answers(sql::Tx& tx, CommunityNo community, std::vector<AnswerKey> const& keys, TimeMs now,
                  std::function<void(std::size_t, KeptAnswer)> const& on_found) {
  if (keys.empty()) return;
  using enum sql::Batch::Type;
  sql::Batch batch{integer, text, text};
  for (std::size_t i = 0; i < keys.size(); ++i) batch.add(static_cast<std::int64_t>(i), keys[i].principal, keys[i].key);
  // Nearly all keys are new: the answers to the others are read one by one.
  std::vector<std::size_t> found;
  tx.each_batch(
      kFindMany, batch,
      [&](sql::Row const& r) {
        if (!r.is_null(1)) found.push_back(static_cast<std::size_t>(r.integer(0)));
      },
      community);
  for (auto const i : found)
    if (auto kept = find_answer(tx, community, keys[i].principal, keys[i].key, now)) on_found(i, *std::move(kept));
}

bool keep_new_answers(sql::Tx& tx, CommunityNo community, std::vector<NewAnswer> answers, TimeMs now) {
  if (answers.empty()) return true;
  std::sort(answers.begin(), answers.end(), [](NewAnswer const& a, NewAnswer const& b) {
    return std::pair(a.key.principal, a.key.key) < std::pair(b.key.principal, b.key.key);
  });
  using enum sql::Batch::Type;
  sql::Batch batch{text, text, text, blob, text};
  for (auto const& a : answers) batch.add(a.key.principal, a.key.key, a.operation, sql::Blob{a.fingerprint}, a.answer);
  return tx.exec_batch(kKeepNew, batch, community, now, now - kIdempotencyMs) == static_cast<std::int64_t>(answers.size());
}

std::int64_t remove_old_answers(sql::Tx& tx, TimeMs now) { return tx.exec(kRemoveOld, now - kIdempotencyMs); }

}  // namespace fealty::access
