// Answers kept for 24 hours by Idempotency-Key. The record commits together with the effect.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::jobs {

inline constexpr std::size_t kIdempotencyKeyCharactersMax = 255;
inline constexpr std::int64_t kIdempotencyMs = 86'400'000;

struct KeptAnswer {
  std::string operation, fingerprint, answer;
};
std::optional<KeptAnswer> find_answer(sql::Tx& tx, CommunityNo community, std::string_view principal, std::string_view key, TimeMs now);
void keep_answer(sql::Tx& tx, CommunityNo community, std::string_view principal, std::string_view key, KeptAnswer const& answer,
                 TimeMs now);
// Returns how many were removed.
std::int64_t remove_old_answers(sql::Tx& tx, TimeMs now);

}  // namespace fealty::jobs
