#include "access/sessions.h"

#include "access/session_store.h"
#include "base/base64.h"
#include "base/hash.h"
#include "base/random.h"

namespace fealty::access {
namespace {

constexpr std::size_t kRefreshBytes = 32;

IssuedSession issued(SessionKeys const& keys, StoredSession const& s, std::string refresh_token, TimeMs now) {
  return {s.number, s.id(), keys.sign({s.account_id(), s.id(), s.scope_id()}, now), std::move(refresh_token), kTokenLifeS};
}

std::string cookie(std::string_view value, std::int64_t age_s, CookieSite site, bool secure) {
  return std::string(kSessionCookie) + "=" + std::string(value) + "; Path=/; Max-Age=" + std::to_string(age_s) +
         "; HttpOnly; SameSite=" + (site == CookieSite::strict ? "Strict" : "Lax") + (secure ? "; Secure" : "");
}

}  // namespace

IssuedSession create_session(sql::Tx& tx, SessionKeys const& keys, NewSession const& session, NumberSource& numbers, TimeMs now) {
  std::string const refresh = to_base64url(random_bytes(kRefreshBytes));
  StoredSession s;
  s.number = numbers.next();
  s.created_at = now;
  s.account = session.account;
  s.account_created_at = static_cast<TimeMs>(session.account_id.seconds) * 1000;
  s.scope = session.scope;
  if (s.scope) s.scope_created_at = scope_created_at(tx, s.scope);
  insert_session(tx, s.number, session, sha256(refresh), now);
  return issued(keys, s, refresh, now);
}

std::string session_cookie(std::string_view refresh_token, CookieSite site, bool secure) {
  return cookie(refresh_token, kSessionLifeMs / 1000, site, secure);
}
std::string no_session_cookie(bool secure) { return cookie("", 0, CookieSite::lax, secure); }

Refreshed refresh_session(sql::Tx& tx, SessionKeys const& keys, std::string_view refresh_token, TimeMs now) {
  using enum Refreshed::Outcome;
  constexpr int kDisabled = 2;
  auto const from = sha256(refresh_token);
  auto const next = keys.next_refresh_token(refresh_token);
  auto const is_over = [&](StoredSession const& s) { return s.ended_at || s.expires_at <= now || s.account_state == kDisabled; };
  if (auto const s = find_session_by_refresh(tx, from)) {
    if (is_over(*s)) return {};
    if (rotate_session(tx, s->number, from, sha256(next), now)) return {renewed, issued(keys, *s, next, now), s->account};
    // Another call renewed it a moment ago.
  }
  auto const former = find_session_by_former(tx, from);
  if (!former || is_over(*former)) return {};
  if (former->rotated_at + kRefreshGraceMs > now) return {renewed, issued(keys, *former, next, now), former->account};
  end_session(tx, former->account, former->number, now);
  return {reused, {}, former->account};
}

}  // namespace fealty::access
