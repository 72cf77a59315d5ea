// SQL of the table mails: no rules.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/outbox.h"

namespace fealty::mail {

struct QueuedMail {
  std::int64_t number = 0;
  NewMail mail;
  int attempts = 0;  // with this one
  TimeMs created_at = 0;
};

void insert_mail(sql::Tx& tx, std::int64_t number, NewMail const& mail, TimeMs now);
// Up to `limit` mails whose time has come and that no other node holds, those that wait longest first. They are leased until
// `lease_until`, and each counts as an attempt.
std::vector<QueuedMail> lease_mails(sql::Tx& tx, TimeMs now, TimeMs lease_until, std::int64_t limit);
// When the next mail's time comes, be it of a lease that ends.
std::optional<TimeMs> next_mail_at(sql::Tx& tx);
// These three count only while the lease is still the one that was given: false when another node has taken the mail.
bool mark_sent(sql::Tx& tx, std::int64_t number, int attempt, TimeMs now);
bool mark_failed(sql::Tx& tx, std::int64_t number, int attempt, std::string_view error, TimeMs now);
bool put_back(sql::Tx& tx, std::int64_t number, int attempt, std::string_view error, TimeMs next_attempt_at);
// Removes up to `limit` mails that were queued before that time, sent or not. Gives their number.
std::int64_t remove_mails(sql::Tx& tx, std::int64_t before_number, std::int64_t limit);

std::optional<std::string> community_title(sql::Tx& tx, CommunityNo community);
struct Person {
  std::string username;
  bool unclaimed = false;
};
std::optional<Person> mail_person(sql::Tx& tx, MemberNo account);

}  // namespace fealty::mail
