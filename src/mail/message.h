// A mail as it travels (RFC 5322): headers and text.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "mail/templates.h"

namespace fealty::mail {

struct Mailbox {
  std::string name;  // may be empty
  std::string address;
};
// "club@example.org" or "The club <club@example.org>"; nothing for all else.
std::optional<Mailbox> parse_mailbox(std::string_view text);
// One address that can stand in a header and in an envelope as it is.
bool is_sendable(std::string_view address);

struct Message {
  Mailbox from;
  std::string to;
  std::string id;  // left of the @ in Message-ID
  Text text;
  TimeMs at = 0;
};

enum class Form : std::uint8_t {
  wire,      // quoted-printable: every line fits SMTP
  readable,  // 8bit, for files that people look at
};
// With CRLF at the ends of lines.
std::string compose(Message const& message, Form form);

// A header's value: as it is when it is plain ASCII, else as encoded words (RFC 2047), folded.
std::string encode_header(std::string_view text);
std::string quoted_printable(std::string_view text);
// "Tue, 07 Apr 2026 09:00:00 +0000".
std::string mail_date(TimeMs time);

}  // namespace fealty::mail
