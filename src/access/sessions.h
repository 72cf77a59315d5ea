// Sessions of people: what a sign-in makes, a refresh renews, and a sign-out ends. They are read from storage at each request,
// so that one that ended is refused by every node at once.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/user_tokens.h"
#include "base/id.h"
#include "base/number_source.h"
#include "sql/sql.h"

namespace fealty::access {

inline constexpr std::int64_t kSessionLifeMs = 30ll * 24 * 3'600'000;  // after the last refresh
// A former refresh token is taken once more for so long: two tabs that refresh at once both go on.
inline constexpr std::int64_t kRefreshGraceMs = 30'000;
inline constexpr std::string_view kSessionCookie = "fealty_session";

struct IssuedSession {
  std::int64_t number = 0;
  PublicId id;
  std::string token, refresh_token;
  std::int64_t expires_in_s = kTokenLifeS;
};
struct NewSession {
  MemberNo account;
  PublicId account_id;
  CommunityNo scope;  // none: the whole installation
  std::string device, remote_address;
  std::string label = {};  // what another system knows it by; no secret
  bool as_member = false;  // it opens what an ordinary member may, whoever its holder is
};
IssuedSession create_session(sql::Tx& tx, SessionKeys const& keys, NewSession const& session, NumberSource& numbers, TimeMs now);
// Whether a browser sends the cookie when another site leads to ours: `lax` for a session that begins with such a step (a link
// of another system), `strict` for one that begins on our own pages.
enum class CookieSite : std::uint8_t { lax, strict };
// The value of a Set-Cookie header that gives a browser a session: HttpOnly, for as long as it may live. It carries the refresh
// token, which opens the session as a cookie.
std::string session_cookie(std::string_view refresh_token, CookieSite site, bool secure);
std::string no_session_cookie(bool secure);

// A new pair for a refresh token. What was used before its grace ended its session: somebody else has it.
struct Refreshed {
  enum class Outcome : std::uint8_t { renewed, unknown, reused } outcome = Outcome::unknown;
  IssuedSession session;
  MemberNo account;
};
// Must commit when the outcome is `reused`, since the session ends then.
Refreshed refresh_session(sql::Tx& tx, SessionKeys const& keys, std::string_view refresh_token, TimeMs now);

// All of an account, or those of one scope.
void end_sessions(sql::Tx& tx, MemberNo account, std::optional<CommunityNo> scope, TimeMs now);
void end_sessions_but(sql::Tx& tx, MemberNo account, std::int64_t but, TimeMs now);
// False when the account has no such living session.
bool end_session(sql::Tx& tx, MemberNo account, std::int64_t session, TimeMs now);

struct SessionSummary {
  PublicId id;
  CommunityNo scope;
  TimeMs scope_created_at = 0;
  std::string device, remote_address;
  TimeMs created_at = 0, last_used_at = 0, expires_at = 0;
};
// The living ones, newest first.
std::vector<SessionSummary> list_sessions(sql::Tx& tx, MemberNo account, TimeMs now);

// Removes those that ended or expired more than a day ago.
std::int64_t forget_sessions(sql::Tx& tx, TimeMs now);

}  // namespace fealty::access
