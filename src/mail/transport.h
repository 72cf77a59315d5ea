// What carries a mail away: an SMTP server, or a folder where there is none.
#pragma once
#include <memory>
#include <string>

#include "mail/message.h"

namespace fealty::mail {

struct Delivery {
  enum class Outcome : std::uint8_t {
    sent,
    later,        // this mail may go another time
    unreachable,  // no mail can go now
    refused,      // this mail never will
  };
  Outcome outcome = Outcome::sent;
  std::string reason = {};  // for the operator, without secrets and addresses
};

// Used by one thread, but for interrupt().
class Transport {
 public:
  virtual ~Transport() = default;
  virtual Delivery send(Message const& message) = 0;
  // Ends the send that runs, and all later ones, within a few seconds. Any thread.
  virtual void interrupt() {}
};

// Writes each mail into a file of this folder that nobody else may read: <id>.eml. The folder is made when it is missing.
std::unique_ptr<Transport> folder_transport(std::string folder);

}  // namespace fealty::mail
