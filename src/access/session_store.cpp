#include "access/session_store.h"

namespace fealty::access {
namespace {

using sql::Row;
using sql::Statement;

#define SESSION_COLUMNS                                                                                                            \
  "SELECT s.session_id, s.account_id, s.scope_id, s.created_at, s.rotated_at, s.last_used_at, s.expires_at, s.ended_at, a.state, " \
  "a.created_at, a.username, c.created_at, s.as_member FROM sessions s JOIN accounts a ON a.account_id = s.account_id "            \
  "LEFT JOIN communities c ON c.community_id = s.scope_id "
// A session is a person's: it has no community but its scope, and what it opens is decided by the gate.
Statement const kFind{"sessions.find", SESSION_COLUMNS "WHERE s.session_id = $1"};
Statement const kByRefresh{"sessions.by_refresh", SESSION_COLUMNS "WHERE s.refresh_hash = $1"};
Statement const kByFormer{"sessions.by_former", SESSION_COLUMNS "WHERE s.former_hash = $1"};
Statement const kList{"sessions.list",
                      SESSION_COLUMNS "WHERE s.account_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 ORDER BY s.session_id DESC"};
#undef SESSION_COLUMNS
Statement const kListPlaces{"sessions.places", "SELECT session_id, device, remote_address FROM sessions WHERE account_id = $1"};
Statement const kInsert{"sessions.insert",
                        "INSERT INTO sessions (session_id, account_id, scope_id, refresh_hash, rotated_at, device, remote_address, "
                        "created_at, last_used_at, expires_at, label, as_member) VALUES ($1, $2, $3, $4, $5, $6, $7, $5, $5, $8, $9, $10)"};
Statement const kScope{"sessions.scope", "SELECT created_at FROM communities WHERE community_id = $1"};
Statement const kRotate{"sessions.rotate",
                        "UPDATE sessions SET refresh_hash = $3, former_hash = $2, rotated_at = $4, last_used_at = $4, expires_at = $5 "
                        "WHERE session_id = $1 AND refresh_hash = $2 AND ended_at IS NULL AND expires_at > $4"};
Statement const kTouch{"sessions.touch", "UPDATE sessions SET last_used_at = $2 WHERE session_id = $1 AND last_used_at < $2"};
Statement const kEndAll{"sessions.end_all", "UPDATE sessions SET ended_at = $2 WHERE account_id = $1 AND ended_at IS NULL"};
Statement const kEndScope{"sessions.end_scope",
                          "UPDATE sessions SET ended_at = $3 WHERE account_id = $1 AND scope_id = $2 AND ended_at IS NULL"};
Statement const kEndBut{"sessions.end_but",
                        "UPDATE sessions SET ended_at = $3 WHERE account_id = $1 AND session_id <> $2 AND ended_at IS NULL"};
Statement const kEndOne{"sessions.end_one",
                        "UPDATE sessions SET ended_at = $3 WHERE account_id = $1 AND session_id = $2 AND ended_at IS NULL "
                        "AND expires_at > $3"};
Statement const kForget{"sessions.forget", "DELETE FROM sessions WHERE expires_at < $1 OR ended_at < $1"};

StoredSession read(Row const& r) {
  StoredSession s;
  s.number = r.integer(0);
  s.account = {r.integer(1)};
  s.scope = {r.integer(2)};
  s.created_at = r.integer(3);
  s.rotated_at = r.integer(4);
  s.last_used_at = r.integer(5);
  s.expires_at = r.integer(6);
  s.ended_at = r.optional_integer(7);
  s.account_state = static_cast<int>(r.integer(8));
  s.account_created_at = r.integer(9);
  s.username = r.string(10);
  s.scope_created_at = r.optional_integer(11);
  s.as_member = r.boolean(12);
  return s;
}

}  // namespace

void insert_session(sql::Tx& tx, std::int64_t number, NewSession const& s, std::string_view refresh_hash, TimeMs now) {
  tx.exec(kInsert, number, s.account, s.scope, sql::Blob{refresh_hash}, now, s.device, s.remote_address, now + kSessionLifeMs, s.label,
          s.as_member);
}
std::optional<TimeMs> scope_created_at(sql::Tx& tx, CommunityNo scope) {
  return tx.one(kScope, [](Row const& r) { return r.integer(0); }, scope);
}
std::optional<StoredSession> find_session(sql::Tx& tx, std::int64_t number) { return tx.one(kFind, read, number); }
std::optional<StoredSession> find_session_by_refresh(sql::Tx& tx, std::string_view hash) {
  return tx.one(kByRefresh, read, sql::Blob{hash});
}
std::optional<StoredSession> find_session_by_former(sql::Tx& tx, std::string_view hash) { return tx.one(kByFormer, read, sql::Blob{hash}); }
bool rotate_session(sql::Tx& tx, std::int64_t number, std::string_view from_hash, std::string_view to_hash, TimeMs now) {
  return tx.exec(kRotate, number, sql::Blob{from_hash}, sql::Blob{to_hash}, now, now + kSessionLifeMs) == 1;
}
void touch_session(sql::Tx& tx, std::int64_t number, TimeMs now) { tx.exec(kTouch, number, now); }

void end_sessions(sql::Tx& tx, MemberNo account, std::optional<CommunityNo> scope, TimeMs now) {
  if (scope)
    tx.exec(kEndScope, account, *scope, now);
  else
    tx.exec(kEndAll, account, now);
}
void end_sessions_but(sql::Tx& tx, MemberNo account, std::int64_t but, TimeMs now) { tx.exec(kEndBut, account, but, now); }
bool end_session(sql::Tx& tx, MemberNo account, std::int64_t session, TimeMs now) { return tx.exec(kEndOne, account, session, now) == 1; }

std::vector<SessionSummary> list_sessions(sql::Tx& tx, MemberNo account, TimeMs now) {
  std::map<std::int64_t, std::pair<std::string, std::string>> places;
  tx.each(kListPlaces, [&](Row const& r) { places.emplace(r.integer(0), std::pair(r.string(1), r.string(2))); }, account);
  std::vector<SessionSummary> all;
  tx.each(
      kList,
      [&](Row const& r) {
        auto const s = read(r);
        auto const& [device, address] = places[s.number];
        all.push_back({s.id(), s.scope, s.scope_created_at.value_or(0), device, address, s.created_at, s.last_used_at, s.expires_at});
      },
      account, now);
  return all;
}

std::int64_t forget_sessions(sql::Tx& tx, TimeMs now) { return tx.exec(kForget, now - 24 * 3'600'000); }

}  // namespace fealty::access
