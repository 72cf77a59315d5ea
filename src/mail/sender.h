// Sends what the outbox holds, on a thread of its own. Any number of nodes send from one outbox.
//
// Links and codes are drawn in the moment when a mail leaves, each attempt anew, with the purpose and subject that the
// operation which redeems them names:
//   mail                purpose of the link            lives    code
//   verify_email        "verify_email"                 24 h     purpose "verify_email", subject fold_case(recipient), 15 min
//   reset_password      "reset_password"               30 min
//   claim, set_password the mail's name                7 days
//   sign_in_or_claim    "claim" while the account is unclaimed, else a link to the sign-in page without a secret
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/number_source.h"
#include "base/time.h"
#include "mail/message.h"
#include "mail/outbox.h"
#include "mail/transport.h"

namespace fealty::mail {

struct QueuedMail;

struct SenderSettings {
  Mailbox from;
  std::string public_url;        // base of links, without a slash at the end
  std::string templates_folder;  // the operator's own; may be empty
  Clock clock = system_now;
};

class Sender {
 public:
  // After a failed attempt: 1 min, and twice as long each time, 4 h at most.
  static constexpr std::int64_t kFirstPauseMs = 60'000, kPauseMsMax = 4 * 3'600'000;
  static constexpr std::int64_t kGiveUpMs = 2 * 86'400'000ll, kKeptMs = 30 * 86'400'000ll;
  // Longer than a transport may take for a mail.
  static constexpr std::int64_t kLeaseMs = 180'000;
  // How long nothing is tried after the server could not be reached.
  static constexpr std::int64_t kUnreachablePauseMs = 30'000;

  Sender(sql::Database& database, std::unique_ptr<Transport> transport, SenderSettings settings);
  // Stops.
  ~Sender();
  Sender(Sender const&) = delete;
  Sender& operator=(Sender const&) = delete;

  void start();
  // Breaks off the mail that is under way, which waits for its next attempt.
  void stop();
  // There may be something to send. Without it the outbox is looked into twice a second: others queue mails too.
  void wake();

  // One mail on the caller's thread: false when none could be sent now.
  bool send_one();
  // Removes mails that were queued 30 days ago; gives their number.
  std::int64_t remove_old();

 private:
  Message message_of(QueuedMail const& mail, TimeMs now);
  void note(QueuedMail const& mail, Delivery const& delivery);
  void run();

  sql::Database& database_;
  std::unique_ptr<Transport> transport_;
  SenderSettings const settings_;
  TimeMs not_before_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false, woken_ = false;
  std::thread thread_;
};

}  // namespace fealty::mail
