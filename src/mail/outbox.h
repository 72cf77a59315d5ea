// Mails to be sent. A mail is queued in the transaction of the deed that it tells about, so neither goes without the other;
// the sender (sender.h) takes it from there.
//
// No secret stands in the queue: a link or a code is drawn with access/one_time.h in the moment when the mail leaves.
#pragma once
#include <string>

#include "base/id.h"
#include "base/number_source.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::mail {

struct NewMail {
  CommunityNo community;      // 0: of the installation
  MemberNo account;           // whose link or code it carries; 0 when it carries none
  std::string recipient;      // an address, already checked
  std::string template_name;  // "verify_email": templates/mail/<language>/<name>.txt
  std::string language;       // BCP 47; the sender falls back to English
  // A JSON object without secrets. Its strings and numbers replace the template's {placeholders}; the whole of it becomes the
  // facts of the link that is drawn.
  std::string facts_json = "{}";
};

void queue_mail(sql::Tx& tx, NumberSource& numbers, NewMail const& mail, TimeMs now);

}  // namespace fealty::mail
