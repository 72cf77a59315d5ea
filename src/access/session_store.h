// SQL and row mapping of sessions.
#pragma once
#include "access/sessions.h"

namespace fealty::access {

struct StoredSession {
  std::int64_t number = 0;
  MemberNo account;
  CommunityNo scope;
  bool as_member = false;
  TimeMs created_at = 0, rotated_at = 0, last_used_at = 0, expires_at = 0;
  std::optional<TimeMs> ended_at;
  // Of the account and of the scope's community.
  int account_state = 0;
  TimeMs account_created_at = 0;
  std::string username;
  std::optional<TimeMs> scope_created_at;

  PublicId id() const { return PublicId::of(number, created_at); }
  PublicId account_id() const { return PublicId::of(account.value, account_created_at); }
  std::optional<PublicId> scope_id() const {
    return scope ? std::optional(PublicId::of(scope.value, scope_created_at.value_or(0))) : std::nullopt;
  }
};
void insert_session(sql::Tx& tx, std::int64_t number, NewSession const& session, std::string_view refresh_hash, TimeMs now);
std::optional<TimeMs> scope_created_at(sql::Tx& tx, CommunityNo scope);
std::optional<StoredSession> find_session(sql::Tx& tx, std::int64_t number);
std::optional<StoredSession> find_session_by_refresh(sql::Tx& tx, std::string_view hash);
std::optional<StoredSession> find_session_by_former(sql::Tx& tx, std::string_view hash);
// False when another call did it first, or the session is over.
bool rotate_session(sql::Tx& tx, std::int64_t number, std::string_view from_hash, std::string_view to_hash, TimeMs now);
void touch_session(sql::Tx& tx, std::int64_t number, TimeMs now);

}  // namespace fealty::access
