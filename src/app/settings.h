// What the operator can set: by flag, by environment (FEALTY_…) or in a settings file. The three have the same names.
#pragma once
#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "base/log.h"

namespace fealty::app {

// Where the installation lives: needed by every command that touches it.
struct StorageSettings {
  std::string data = "fealty-data";
  std::string database;  // empty: sqlite in the data folder
  int database_connections = 12;
  int database_cache_mib = 16;
  std::string secret_file;  // empty: secret.key in the data folder

  std::string database_url() const { return database.empty() ? "sqlite://" + data + "/fealty.db" : database; }
  bool is_sqlite() const { return !database_url().starts_with("postgres"); }
};

struct ServeSettings {
  StorageSettings storage;
  std::string listen = "127.0.0.1:3333";
  std::string tls_certificate, tls_key;
  bool behind_proxy = false;
  std::vector<std::string> trusted_proxies, cors_origins;
  bool metrics_open = false;
  std::string log_format = "text", log_level = "info";
  bool access_log = true;
  int io_threads = std::clamp(static_cast<int>(std::thread::hardware_concurrency() / 2), 1, 4);
  int request_threads = 8, job_threads = 2, password_threads = 2;
  std::int64_t rate_limit_per_minute = 600;
  std::string community_creation = "operator";
  std::string public_url;  // empty: where the server listens
  std::string smtp_url, smtp_user, smtp_password_file, mail_from, mail_templates;
  bool smtp_insecure = false;
  Limits limits;
};

void add_storage_options(CLI::App& app, StorageSettings& settings);
void add_custom_fields_max_option(CLI::App& app, int& most);
void add_serve_options(CLI::App& app, ServeSettings& settings);

// Problems that a single option cannot see: contradictions, unsafe combinations. Each is one sentence with what to do.
std::vector<std::string> problems_of(ServeSettings const& settings);
// The key of the bulk commands. No flag has its value: the arguments of a process are no secret.
inline constexpr char kApiKeyVariable[] = "FEALTY_API_KEY";
// The password of --smtp-user, where --smtp-password-file is not given. No flag has its value either.
inline constexpr char kSmtpPasswordVariable[] = "FEALTY_SMTP_PASSWORD";
// Environment variables that look like settings but are none of the program's.
std::vector<std::string> unknown_environment(CLI::App const& root, char const* const* environment);

struct ListenAddress {
  std::string address;
  std::uint16_t port = 0;
};
// "127.0.0.1:3333", "[::1]:3333", "0.0.0.0:80". Nothing for anything else.
std::optional<ListenAddress> parse_listen(std::string_view text);

void configure_log(ServeSettings const& settings);

}  // namespace fealty::app
