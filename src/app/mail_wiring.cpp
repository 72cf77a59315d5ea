#include "app/mail_wiring.h"

#include <cstdlib>
#include <fstream>

#include "app/installation.h"
#include "base/log.h"
#include "base/text.h"
#include "mail/smtp.h"

namespace fealty::app {
namespace {

std::string smtp_password(ServeSettings const& s) {
  if (s.smtp_password_file.empty()) {
    char const* const value = std::getenv(kSmtpPasswordVariable);
    return value ? value : "";
  }
  std::ifstream file(s.smtp_password_file, std::ios::binary);
  std::string line;
  if (!std::getline(file, line)) throw OperatorError("The password in " + s.smtp_password_file + " cannot be read.");
  return std::string(trim_space(line));
}

}  // namespace

std::unique_ptr<mail::Transport> make_transport(ServeSettings const& s) {
  if (s.smtp_url.empty()) {
    std::string const folder = s.storage.data + "/mail";
    log::warning("mail.folder", {{"folder", folder}, {"why", "no --smtp-url: mails are written here and reach nobody"}});
    return mail::folder_transport(folder);
  }
  mail::SmtpSettings smtp{.url = s.smtp_url, .user = s.smtp_user, .password = {}, .insecure = s.smtp_insecure};
  if (!smtp.user.empty()) smtp.password = smtp_password(s);
  return mail::smtp_transport(std::move(smtp));
}

mail::SenderSettings sender_settings(ServeSettings const& s, std::string const& own_url) {
  // A domain that RFC 2606 keeps free of owners: mails in a folder go nowhere.
  static constexpr char kNobody[] = "Fealty <fealty@fealty.invalid>";
  mail::SenderSettings out{.from = *mail::parse_mailbox(s.mail_from.empty() ? kNobody : s.mail_from),
                           .public_url = s.public_url.empty() ? own_url : s.public_url,
                           .templates_folder = s.mail_templates};
  while (out.public_url.ends_with('/')) out.public_url.pop_back();
  return out;
}

}  // namespace fealty::app
