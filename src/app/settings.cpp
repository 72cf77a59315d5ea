#include "app/settings.h"

#include <charconv>
#include <set>

#include "base/networks.h"
#include "base/text.h"
#include "mail/message.h"
#include "mail/smtp.h"

namespace fealty::app {
namespace {

void collect_names(CLI::App const& app, std::set<std::string>& names) {
  for (auto const* option : app.get_options())
    if (auto const& name = option->get_envname(); !name.empty()) names.insert(name);
  for (auto const* sub : app.get_subcommands({})) collect_names(*sub, names);
}

void add_mail_options(CLI::App& app, ServeSettings& s) {
  app.add_option("--public-url", s.public_url,
                 "Where people reach this server, such as https://club.example.org: the beginning of links in mails")
      ->envname("FEALTY_PUBLIC_URL");
  app.add_option("--smtp-url", s.smtp_url,
                 "Server that sends the mails: smtp://host:587 (STARTTLS) or smtps://host:465; without it mails are written to DATA/mail")
      ->envname("FEALTY_SMTP_URL");
  app.add_option("--smtp-user", s.smtp_user, "User on that server; the password comes from --smtp-password-file or FEALTY_SMTP_PASSWORD")
      ->envname("FEALTY_SMTP_USER");
  app.add_option("--smtp-password-file", s.smtp_password_file, "File with the password of --smtp-user")
      ->envname("FEALTY_SMTP_PASSWORD_FILE")
      ->check(CLI::ExistingFile);
  app.add_flag("--smtp-insecure", s.smtp_insecure, "Send mails, and the password, without TLS to another machine")
      ->envname("FEALTY_SMTP_INSECURE");
  app.add_option("--mail-from", s.mail_from, "Sender of the mails, such as \"The club <club@example.org>\"")->envname("FEALTY_MAIL_FROM");
  app.add_option("--mail-templates", s.mail_templates, "Folder with texts of one's own: LANGUAGE/NAME.txt (docs/operating.md)")
      ->envname("FEALTY_MAIL_TEMPLATES")
      ->check(CLI::ExistingDirectory);
}

}  // namespace

void add_storage_options(CLI::App& app, StorageSettings& s) {
  app.add_option("--data", s.data, "Folder of the installation: database, uploads, scratch files")
      ->envname("FEALTY_DATA")
      ->capture_default_str();
  app.add_option("--database", s.database,
                 "postgresql://user:password@host:port/name, or sqlite:///path; default: SQLite in the data folder")
      ->envname("FEALTY_DATABASE");
  app.add_option("--database-connections", s.database_connections, "Connections to PostgreSQL at most")
      ->envname("FEALTY_DATABASE_CONNECTIONS")
      ->check(CLI::Range(4, 500))
      ->capture_default_str();
  app.add_option("--database-cache-mib", s.database_cache_mib, "SQLite: memory for pages of the database")
      ->envname("FEALTY_DATABASE_CACHE_MIB")
      ->check(CLI::Range(1, 65'536))
      ->capture_default_str();
  app.add_option("--secret-file", s.secret_file,
                 "The installation's secret, the same for all nodes; default: secret.key in the data folder, made at the first start")
      ->envname("FEALTY_SECRET_FILE");
}

void add_custom_fields_max_option(CLI::App& app, int& most) {
  app.add_option("--custom-fields-max", most, "Custom fields of one community")
      ->envname("FEALTY_CUSTOM_FIELDS_MAX")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
}

void add_serve_options(CLI::App& app, ServeSettings& s) {
  add_storage_options(app, s.storage);
  Limits& l = s.limits;
  app.add_option("--listen", s.listen, "Address and port to listen on")->envname("FEALTY_LISTEN")->capture_default_str();
  auto* certificate =
      app.add_option("--tls-certificate", s.tls_certificate, "PEM file with the certificate chain; with --tls-key the server speaks TLS")
          ->envname("FEALTY_TLS_CERTIFICATE")
          ->check(CLI::ExistingFile);
  auto* key = app.add_option("--tls-key", s.tls_key, "PEM file with the private key")->envname("FEALTY_TLS_KEY")->check(CLI::ExistingFile);
  certificate->needs(key);
  key->needs(certificate);
  app.add_flag("--behind-proxy", s.behind_proxy,
               "A proxy in front of this server ends TLS: allows other addresses than loopback without TLS")
      ->envname("FEALTY_BEHIND_PROXY");
  app.add_option("--trusted-proxy", s.trusted_proxies, "Address or network of a proxy whose X-Forwarded-For is believed (repeatable)")
      ->envname("FEALTY_TRUSTED_PROXY")
      ->delimiter(',');
  app.add_option("--cors-origin", s.cors_origins, "Origin whose pages may call the API, such as https://club.example.org (repeatable)")
      ->envname("FEALTY_CORS_ORIGIN")
      ->delimiter(',');
  app.add_flag("--metrics-open", s.metrics_open, "Serve /metrics to every address, not to loopback alone")->envname("FEALTY_METRICS_OPEN");
  app.add_option("--log-format", s.log_format, "text or json")
      ->envname("FEALTY_LOG_FORMAT")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--log-level", s.log_level, "debug, info, warning or error")
      ->envname("FEALTY_LOG_LEVEL")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  app.add_option("--access-log", s.access_log, "A log line for every request")->envname("FEALTY_ACCESS_LOG")->capture_default_str();
  app.add_option("--io-threads", s.io_threads, "Threads that read and write sockets")
      ->envname("FEALTY_IO_THREADS")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--request-threads", s.request_threads, "Threads that answer requests")
      ->envname("FEALTY_REQUEST_THREADS")
      ->check(CLI::Range(1, 512))
      ->capture_default_str();
  app.add_option("--job-threads", s.job_threads, "Threads that work on bulk jobs")
      ->envname("FEALTY_JOB_THREADS")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--password-threads", s.password_threads, "Passwords that are hashed at once; each takes 19 MiB")
      ->envname("FEALTY_PASSWORD_THREADS")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--connections-max", l.connections_max, "Open connections at most")
      ->envname("FEALTY_CONNECTIONS_MAX")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--bulk-file-bytes-max", l.bulk_file_bytes_max, "Bytes of one uploaded file, decompressed")
      ->envname("FEALTY_BULK_FILE_BYTES_MAX")
      ->check(CLI::Range(std::int64_t{1'024}, std::int64_t{1} << 40))
      ->capture_default_str();
  app.add_option("--bulk-rows-max", l.bulk_rows_max, "Rows of one uploaded file")
      ->envname("FEALTY_BULK_ROWS_MAX")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_option("--bulk-jobs-waiting-max", l.bulk_jobs_waiting_max, "Unfinished bulk jobs of one community")
      ->envname("FEALTY_BULK_JOBS_WAITING_MAX")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--bulk-uploads-community-max", l.bulk_uploads_community_max, "Uploads at once of one community")
      ->envname("FEALTY_BULK_UPLOADS_COMMUNITY_MAX")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--bulk-uploads-node-max", l.bulk_uploads_node_max, "Uploads at once on this node")
      ->envname("FEALTY_BULK_UPLOADS_NODE_MAX")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  add_custom_fields_max_option(app, l.custom_fields_max);
  app.add_option("--community-creation", s.community_creation,
                 "Who makes communities over the API: operator, or claimed (everybody who has claimed his account)")
      ->envname("FEALTY_COMMUNITY_CREATION")
      ->check(CLI::IsMember({"operator", "claimed"}))
      ->capture_default_str();
  add_mail_options(app, s);
  app.add_option("--rate-limit-per-minute", s.rate_limit_per_minute, "Requests of one key in a minute, on all nodes together; 0 = no limit")
      ->envname("FEALTY_RATE_LIMIT_PER_MINUTE")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_option("--shutdown-grace-ms", l.shutdown_grace_ms, "Time that running requests get when the server stops")
      ->envname("FEALTY_SHUTDOWN_GRACE_MS")
      ->check(CLI::Range(0, 3'600'000))
      ->capture_default_str();
}

std::optional<ListenAddress> parse_listen(std::string_view text) {
  auto const colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::string_view address = text.substr(0, colon), digits = text.substr(colon + 1);
  if (address.starts_with('[') && address.ends_with(']'))
    address = address.substr(1, address.size() - 2);
  else if (address.find(':') != std::string_view::npos)
    return std::nullopt;
  std::uint32_t port = 0;
  auto const [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || at != digits.data() + digits.size() || port > 65'535 || address.empty()) return std::nullopt;
  return ListenAddress{std::string(address), static_cast<std::uint16_t>(port)};
}

std::vector<std::string> problems_of(ServeSettings const& s) {
  std::vector<std::string> out;
  auto const listen = parse_listen(s.listen);
  if (!listen) {
    out.push_back("--listen takes ADDRESS:PORT such as 127.0.0.1:3333 or [::1]:3333; found \"" + s.listen + "\".");
  } else if (!is_loopback(listen->address) && s.tls_certificate.empty() && !s.behind_proxy) {
    out.push_back("Listening on " + listen->address +
                  " without TLS would send keys in the clear. Give --tls-certificate and --tls-key, or --behind-proxy when a proxy in "
                  "front ends TLS.");
  }
  if (!s.tls_certificate.empty() && s.behind_proxy)
    out.push_back("--behind-proxy says that a proxy ends TLS, --tls-certificate that this server does: give one of them.");
  if (!s.trusted_proxies.empty() && !s.behind_proxy) out.push_back("--trusted-proxy needs --behind-proxy.");
  for (auto const& origin : s.cors_origins)
    if ((!origin.starts_with("https://") && !origin.starts_with("http://")) || origin.find('/', 8) != std::string::npos)
      out.push_back("--cors-origin takes an origin such as https://club.example.org; found \"" + origin + "\".");
  auto const url = s.storage.database_url();
  if (!url.starts_with("sqlite://") && !url.starts_with("postgresql://") && !url.starts_with("postgres://"))
    out.push_back("--database takes postgresql://… or sqlite:///path.");
  if (!s.public_url.empty() && !s.public_url.starts_with("https://") && !s.public_url.starts_with("http://"))
    out.push_back("--public-url takes a URL such as https://club.example.org; found \"" + s.public_url + "\".");
  if (!s.mail_from.empty() && !mail::parse_mailbox(s.mail_from))
    out.push_back("--mail-from takes an address such as \"The club <club@example.org>\"; found \"" + s.mail_from + "\".");
  if (!s.smtp_url.empty()) {
    if (auto problem = mail::smtp_url_problem(s.smtp_url)) out.push_back(*std::move(problem));
    if (s.mail_from.empty()) out.push_back("--smtp-url needs --mail-from: whom the mails come from.");
    if (s.public_url.empty()) out.push_back("--smtp-url needs --public-url: where the links of the mails lead.");
  }
  if (!s.smtp_password_file.empty() && s.smtp_user.empty()) out.push_back("--smtp-password-file needs --smtp-user.");
  if (s.limits.bulk_uploads_community_max > s.limits.bulk_uploads_node_max)
    out.push_back("--bulk-uploads-community-max is larger than --bulk-uploads-node-max: one community could never use it.");
  return out;
}

std::vector<std::string> unknown_environment(CLI::App const& root, char const* const* environment) {
  std::set<std::string> known{kApiKeyVariable, kSmtpPasswordVariable};
  collect_names(root, known);
  std::vector<std::string> unknown;
  for (auto const* at = environment; *at != nullptr; ++at) {
    std::string_view const entry(*at);
    std::string const name(entry.substr(0, entry.find('=')));
    if (name.starts_with("FEALTY_") && !name.starts_with("FEALTY_TEST_") && !known.contains(name)) unknown.push_back(name);
  }
  return unknown;
}

void configure_log(ServeSettings const& s) {
  auto const level = s.log_level == "debug"     ? log::Level::debug
                     : s.log_level == "warning" ? log::Level::warning
                     : s.log_level == "error"   ? log::Level::error
                                                : log::Level::info;
  log::configure(s.log_format == "json" ? log::Format::json : log::Format::text, level);
}

}  // namespace fealty::app
