// Answers kept for 24 hours by Idempotency-Key. The record commits together with the effect.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::access {

inline constexpr std::int64_t kIdempotencyMs = 86'400'000;
// What is wrong with the text of a key, which has 1 to 255 characters.
std::optional<Issue> idempotency_key_problem(std::string_view key);

struct KeptAnswer {
  std::string operation, fingerprint, answer;
};
std::optional<KeptAnswer> find_answer(sql::Tx& tx, CommunityNo community, std::string_view principal, std::string_view key, TimeMs now);
void keep_answer(sql::Tx& tx, CommunityNo community, std::string_view principal, std::string_view key, KeptAnswer const& answer,
                 TimeMs now);

// The same for many requests of one transaction.
struct AnswerKey {
  std::string_view principal, key;
};
void find_answers(sql::Tx& tx, CommunityNo community, std::vector<AnswerKey> const& keys, TimeMs now,
                  std::function<void(std::size_t, KeptAnswer)> const& on_found);
struct NewAnswer {
  AnswerKey key;
  std::string_view operation, fingerprint, answer;
};
// Keeps the answers (of distinct keys) and says whether all of them could be: when not, another request with one of the keys
// came in between, and the caller must undo what it did. Keys are taken in their order, so that two such writers never wait
// for each other.
bool keep_new_answers(sql::Tx& tx, CommunityNo community, std::vector<NewAnswer> answers, TimeMs now);

// Returns how many were removed.
std::int64_t remove_old_answers(sql::Tx& tx, TimeMs now);

}  // namespace fealty::access
