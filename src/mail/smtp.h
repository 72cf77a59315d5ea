// Mails over SMTP. libcurl does the work, and smtp.cpp is the one file that sees it.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "mail/transport.h"

namespace fealty::mail {

struct SmtpSettings {
  std::string url;                       // smtp://host:587 (STARTTLS), smtps://host:465
  std::string user = {}, password = {};  // empty: without signing in
  bool insecure = false;                 // without TLS; a server on this machine needs none either
  std::string ca_file = {};              // certificates that are trusted instead of the system's
  int connect_timeout_ms = 15'000, timeout_ms = 60'000;
};

// What is wrong with the URL, as a sentence, or nothing.
std::optional<std::string> smtp_url_problem(std::string const& url);

std::unique_ptr<Transport> smtp_transport(SmtpSettings settings);

}  // namespace fealty::mail
