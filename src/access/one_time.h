// Links and codes that count once. Storage holds hashes; using one is a conditional update, so that two at once succeed once.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::access {

// How long they live, and how often a code may be guessed at (identity.md).
inline constexpr std::int64_t kVerifyLinkMs = 24 * 3'600'000, kResetLinkMs = 30 * 60'000, kCodeMs = 15 * 60'000;
inline constexpr std::int64_t kClaimLinkMs = 7 * 24 * 3'600'000ll;
inline constexpr int kCodeAttempts = 5;

struct OneTime {
  MemberNo account;
  CommunityNo community;
  std::string facts;  // JSON without secrets
  TimeMs created_at = 0;
};

// The clear text, letters and digits alone: 256 bits that are nowhere else.
std::string issue_link(sql::Tx& tx, std::string_view purpose, MemberNo account, CommunityNo community, std::string_view facts_json,
                       TimeMs now, std::int64_t ttl_ms);
std::optional<OneTime> redeem_link(sql::Tx& tx, std::string_view purpose, std::string_view text, TimeMs now);
// Without using it.
std::optional<OneTime> look_at_link(sql::Tx& tx, std::string_view purpose, std::string_view text, TimeMs now);
// Also those that were used, until they would have ended: for answers to what is repeated.
std::optional<OneTime> look_at_used_link(sql::Tx& tx, std::string_view purpose, std::string_view text, TimeMs now);
// Those of one purpose and account that nobody has used yet end.
void void_links(sql::Tx& tx, std::string_view purpose, MemberNo account, TimeMs now);

// Six digits for the subject; earlier ones of the same purpose and subject end. What is guessed counts down `attempts`.
std::string issue_code(sql::Tx& tx, std::string_view purpose, std::string_view subject, MemberNo account, TimeMs now, std::int64_t ttl_ms,
                       int attempts);
enum class CodeOutcome : std::uint8_t { wrong, right, used_before };
// The attempt counts when the transaction commits: a caller that refuses a wrong code must let it commit all the same.
struct TriedCode {
  CodeOutcome outcome = CodeOutcome::wrong;
  MemberNo account;  // whose code it is, unless it is wrong
};
TriedCode try_code(sql::Tx& tx, std::string_view purpose, std::string_view subject, std::string_view code, TimeMs now);
// The open code of a subject ends.
void void_codes(sql::Tx& tx, std::string_view purpose, std::string_view subject);
bool redeem_code(sql::Tx& tx, std::string_view purpose, std::string_view subject, std::string_view code, TimeMs now);

// Removes what has ended; gives the number of rows.
std::int64_t forget_one_time_secrets(sql::Tx& tx, TimeMs now);

}  // namespace fealty::access
