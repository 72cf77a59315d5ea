#include "mail/outbox_store.h"

namespace fealty::mail {
namespace {

using sql::Row;
using sql::Statement;

Statement const kInsert{"mails.insert",
                        "INSERT INTO mails (mail_id, community_id, account_id, recipient, template, language, facts, next_attempt_at, "
                        "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)"};
// A lease moves next_attempt_at to its own end: one index finds both the mails that wait and those whose sender died.
Statement const kLeasable{"mails.leasable",
                          "SELECT m.mail_id, m.community_id, m.account_id, m.recipient, m.template, m.language, m.facts, m.attempts, "
                          "m.created_at FROM mails m WHERE m.status = 'queued' AND m.next_attempt_at <= $1 "
                          "ORDER BY m.next_attempt_at, m.mail_id LIMIT $2 {skip_locked m}"};
Statement const kLease{"mails.lease",
                       "UPDATE mails SET attempts = attempts + 1, lease_until = $1, next_attempt_at = $1 WHERE mail_id IN "
                       "(SELECT r.mail_id FROM {rows r: mail_id int})"};
Statement const kNext{"mails.next", "SELECT next_attempt_at FROM mails WHERE status = 'queued' ORDER BY next_attempt_at, mail_id LIMIT 1"};
Statement const kSent{"mails.sent",
                      "UPDATE mails SET status = 'sent', last_error = '', ended_at = $3, lease_until = 0 WHERE mail_id = $1 "
                      "AND attempts = $2 AND status = 'queued'"};
Statement const kFailed{"mails.failed",
                        "UPDATE mails SET status = 'failed', last_error = $3, ended_at = $4, lease_until = 0 WHERE mail_id = $1 "
                        "AND attempts = $2 AND status = 'queued'"};
Statement const kPutBack{"mails.put_back",
                         "UPDATE mails SET last_error = $3, next_attempt_at = $4, lease_until = 0 WHERE mail_id = $1 AND attempts = $2 "
                         "AND status = 'queued'"};
// Numbers of mails are ordered by time, so the key leads to the oldest ones.
Statement const kRemove{"mails.remove",
                        "DELETE FROM mails WHERE mail_id IN (SELECT m.mail_id FROM mails m WHERE m.mail_id < $1 "
                        "ORDER BY m.mail_id LIMIT $2)"};

Statement const kTitle{"mails.title", "SELECT title FROM communities WHERE community_id = $1"};
Statement const kPerson{"mails.person", "SELECT username, state FROM accounts WHERE account_id = $1"};

QueuedMail read(Row const& r) {
  return {.number = r.integer(0),
          .mail = {.community = {r.integer(1)},
                   .account = {r.integer(2)},
                   .recipient = r.string(3),
                   .template_name = r.string(4),
                   .language = r.string(5),
                   .facts_json = r.string(6)},
          .attempts = static_cast<int>(r.integer(7)) + 1,
          .created_at = r.integer(8)};
}

}  // namespace

void insert_mail(sql::Tx& tx, std::int64_t number, NewMail const& m, TimeMs now) {
  tx.exec(kInsert, number, m.community, m.account, m.recipient, m.template_name, m.language, m.facts_json, now);
}

std::vector<QueuedMail> lease_mails(sql::Tx& tx, TimeMs now, TimeMs lease_until, std::int64_t limit) {
  std::vector<QueuedMail> mails;
  tx.each(kLeasable, [&](Row const& r) { mails.push_back(read(r)); }, now, limit);
  if (mails.empty()) return mails;
  sql::Batch numbers{sql::Batch::Type::integer};
  for (auto const& m : mails) numbers.add(m.number);
  tx.exec_batch(kLease, numbers, lease_until);
  return mails;
}

std::optional<TimeMs> next_mail_at(sql::Tx& tx) {
  return tx.one(kNext, [](Row const& r) { return r.integer(0); });
}

bool mark_sent(sql::Tx& tx, std::int64_t number, int attempt, TimeMs now) { return tx.exec(kSent, number, attempt, now) == 1; }
bool mark_failed(sql::Tx& tx, std::int64_t number, int attempt, std::string_view error, TimeMs now) {
  return tx.exec(kFailed, number, attempt, error, now) == 1;
}
bool put_back(sql::Tx& tx, std::int64_t number, int attempt, std::string_view error, TimeMs next_attempt_at) {
  return tx.exec(kPutBack, number, attempt, error, next_attempt_at) == 1;
}

std::int64_t remove_mails(sql::Tx& tx, std::int64_t before_number, std::int64_t limit) { return tx.exec(kRemove, before_number, limit); }

std::optional<std::string> community_title(sql::Tx& tx, CommunityNo community) {
  return tx.one(kTitle, [](Row const& r) { return r.string(0); }, community);
}
std::optional<Person> mail_person(sql::Tx& tx, MemberNo account) {
  // 0 is the number of members/members.h for an account that nobody has claimed.
  return tx.one(kPerson, [](Row const& r) { return Person{r.string(0), r.integer(1) == 0}; }, account);
}

}  // namespace fealty::mail
