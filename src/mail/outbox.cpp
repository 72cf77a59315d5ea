#include "mail/outbox.h"

#include "mail/outbox_store.h"

namespace fealty::mail {

void queue_mail(sql::Tx& tx, NumberSource& numbers, NewMail const& mail, TimeMs now) { insert_mail(tx, numbers.next(), mail, now); }

}  // namespace fealty::mail
