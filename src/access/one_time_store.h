// SQL of one_time_secrets.
#pragma once
#include "access/one_time.h"

namespace fealty::access {

struct StoredSecret {
  std::int64_t number = 0;
  std::string_view purpose, subject, hash;
  MemberNo account;
  CommunityNo community;
  std::string_view facts;
  int attempts = 0;
  TimeMs created_at = 0, expires_at = 0;
};
void insert_secret(sql::Tx& tx, StoredSecret const& secret);
std::optional<OneTime> use_secret(sql::Tx& tx, std::string_view purpose, std::string_view hash, TimeMs now);
// One that waits to be used, or one that was used and would not have ended yet.
std::optional<OneTime> read_secret(sql::Tx& tx, std::string_view purpose, std::string_view hash, TimeMs now, bool used);
void end_secrets_of_subject(sql::Tx& tx, std::string_view purpose, std::string_view subject);
void end_secrets_of_account(sql::Tx& tx, std::string_view purpose, MemberNo account, TimeMs now);
struct OpenCode {
  std::int64_t number = 0;
  std::string hash;
  MemberNo account;
};
// Takes one attempt from the code that is open. (Two may be, when they were drawn at the same moment.)
std::vector<OpenCode> spend_attempt(sql::Tx& tx, std::string_view purpose, std::string_view subject, TimeMs now);
bool use_code(sql::Tx& tx, std::int64_t number, TimeMs now);
// The newest used one that would not have ended yet.
std::optional<OpenCode> used_code(sql::Tx& tx, std::string_view purpose, std::string_view subject, TimeMs now);
std::int64_t delete_ended_secrets(sql::Tx& tx, TimeMs now);

}  // namespace fealty::access
