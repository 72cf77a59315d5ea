#include "access/one_time_store.h"

namespace fealty::access {
namespace {

using sql::Row;
using sql::Statement;

Statement const kInsert{"one_time.insert",
                        "INSERT INTO one_time_secrets (secret_id, purpose, subject, secret_hash, account_id, community_id, facts, "
                        "attempts_left, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"};
Statement const kUse{"one_time.use",
                     "UPDATE one_time_secrets SET used_at = $3 WHERE secret_hash = $2 AND purpose = $1 AND used_at IS NULL "
                     "AND expires_at > $3 RETURNING account_id, community_id, facts, created_at"};
Statement const kRead{"one_time.read",
                      "SELECT account_id, community_id, facts, created_at FROM one_time_secrets WHERE secret_hash = $2 AND purpose = $1 "
                      "AND used_at IS NULL AND expires_at > $3"};
Statement const kReadUsed{"one_time.read_used",
                          "SELECT account_id, community_id, facts, created_at FROM one_time_secrets WHERE secret_hash = $2 "
                          "AND purpose = $1 AND used_at IS NOT NULL AND expires_at > $3"};
// One that was superseded is over; one that was used stays known as used.
Statement const kEndOfSubject{"one_time.end_of_subject",
                              "DELETE FROM one_time_secrets WHERE purpose = $1 AND subject = $2 AND used_at IS NULL"};
Statement const kEndOfAccount{"one_time.end_of_account",
                              "UPDATE one_time_secrets SET used_at = $3 WHERE purpose = $1 AND account_id = $2 AND used_at IS NULL"};
Statement const kSpend{"one_time.spend",
                       "UPDATE one_time_secrets SET attempts_left = attempts_left - 1 WHERE purpose = $1 AND subject = $2 "
                       "AND used_at IS NULL AND expires_at > $3 AND attempts_left > 0 RETURNING secret_id, secret_hash, account_id"};
Statement const kUseCode{"one_time.use_code", "UPDATE one_time_secrets SET used_at = $2 WHERE secret_id = $1 AND used_at IS NULL"};
Statement const kUsedCode{"one_time.used_code",
                          "SELECT secret_id, secret_hash, account_id FROM one_time_secrets WHERE purpose = $1 AND subject = $2 "
                          "AND used_at IS NOT NULL AND expires_at > $3 ORDER BY created_at DESC LIMIT 1"};
Statement const kDeleteEnded{"one_time.delete_ended", "DELETE FROM one_time_secrets WHERE expires_at <= $1"};

OneTime read(Row const& r) { return {{r.integer(0)}, {r.integer(1)}, r.string(2), r.integer(3)}; }
OpenCode code(Row const& r) { return {r.integer(0), r.string(1), {r.integer(2)}}; }

}  // namespace

void insert_secret(sql::Tx& tx, StoredSecret const& s) {
  tx.exec(kInsert, s.number, s.purpose, s.subject, sql::Blob{s.hash}, s.account, s.community, s.facts, s.attempts, s.created_at,
          s.expires_at);
}
std::optional<OneTime> use_secret(sql::Tx& tx, std::string_view purpose, std::string_view hash, TimeMs now) {
  return tx.one(kUse, read, purpose, sql::Blob{hash}, now);
}
std::optional<OneTime> read_secret(sql::Tx& tx, std::string_view purpose, std::string_view hash, TimeMs now, bool used) {
  return tx.one(used ? kReadUsed : kRead, read, purpose, sql::Blob{hash}, now);
}
void end_secrets_of_subject(sql::Tx& tx, std::string_view purpose, std::string_view subject) { tx.exec(kEndOfSubject, purpose, subject); }
void end_secrets_of_account(sql::Tx& tx, std::string_view purpose, MemberNo account, TimeMs now) {
  tx.exec(kEndOfAccount, purpose, account, now);
}
std::vector<OpenCode> spend_attempt(sql::Tx& tx, std::string_view purpose, std::string_view subject, TimeMs now) {
  std::vector<OpenCode> found;
  tx.each(kSpend, [&](Row const& r) { found.push_back(code(r)); }, purpose, subject, now);
  return found;
}
bool use_code(sql::Tx& tx, std::int64_t number, TimeMs now) { return tx.exec(kUseCode, number, now) == 1; }
std::optional<OpenCode> used_code(sql::Tx& tx, std::string_view purpose, std::string_view subject, TimeMs now) {
  return tx.one(kUsedCode, code, purpose, subject, now);
}
std::int64_t delete_ended_secrets(sql::Tx& tx, TimeMs now) { return tx.exec(kDeleteEnded, now); }

}  // namespace fealty::access
