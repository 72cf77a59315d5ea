#include "app/serve.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "access/rate_limiter.h"
#include "api/openapi.h"
#include "app/console_page.h"
#include "app/installation.h"
#include "app/mail_wiring.h"
#include "app/reference_page.h"
#include "app/services.h"
#include "app/static_files.h"
#include "base/log.h"
#include "base/networks.h"
#include "http/server.h"
#include "jobs/bulk_routes.h"
#include "jobs/bulk_runner.h"
#include "jobs/clean_up.h"
#include "members/bulk_kinds.h"

namespace fealty::app {
namespace {

// What storage throws becomes an answer that tells the caller to come back.
std::optional<Error> error_of_exception(std::exception_ptr exception) {
  try {
    std::rethrow_exception(exception);
  } catch (sql::StorageError const& e) {
    log::error("storage.failed", {{"reason", e.what()}});
    using Kind = sql::StorageError::Kind;
    if (e.kind() == Kind::broken || e.kind() == Kind::constraint) return std::nullopt;
    Error error{&errors::kStorageUnavailable, "Storage cannot be reached at the moment; nothing was changed. Try again."};
    if (e.kind() == Kind::full)
      error.message = "There is no space left in storage; nothing was changed. Try again when the operator has made room.";
    if (e.kind() == Kind::commit_unknown)
      error.message =
          "Storage broke off while it stored this request; it may or may not have taken effect. Repeat it with the same Idempotency-Key, "
          "or look before you repeat it.";
    error.retry_after_s = 5;
    return error;
  } catch (...) {
    return std::nullopt;
  }
}

// SQLite's readers wait for nobody, and what a request reads costs less as one transaction. A connection to another server is
// always waited for.
std::function<void(std::function<void()> const&)> quick_reads(sql::Database& database) {
  if (database.engine() != sql::Engine::sqlite) return {};
  return [&database](std::function<void()> const& steps) { database.together(steps); };
}

api::Response text(int status, std::string body) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(body)};
}

// Not now, but soon: whoever asks is told when to ask again.
api::Response not_ready(std::string body) {
  auto answer = text(503, std::move(body));
  answer.headers.push_back({"Retry-After", "1"});
  return answer;
}

std::vector<api::Route> operation_routes(sql::Database* database, http::Metrics* metrics, bool metrics_open,
                                         std::atomic<bool> const* draining) {
  std::vector<api::Route> routes;
  routes.push_back(plain_route("/health/live", "health.live", "Whether the program runs", "text/plain",
                               [](api::Request const&) { return text(200, "live\n"); }));
  routes.push_back(plain_route("/health/ready", "health.ready", "Whether requests can be served", "text/plain", [=](api::Request const&) {
    if (draining->load()) return not_ready("stopping\n");
    try {
      sql::schema_version(*database);
      return text(200, "ready\n");
    } catch (std::exception const&) {
      return not_ready("storage cannot be reached\n");
    }
  }));
  routes.push_back(plain_route("/metrics", "metrics", "Numbers for Prometheus", "text/plain", [=](api::Request const& r) {
    if (!metrics_open && !is_loopback(r.remote_address))
      return text(403, "Metrics are served to loopback alone; --metrics-open serves them to all.\n");
    return api::Response{.status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics->render()};
  }));
  return routes;
}

// Everything that a running server is made of, in the order in which it is built. Torn down in reverse.
struct Program {
  explicit Program(ServeSettings const& s) : settings(s), database(open_database(s.storage)), numbers(0), keys(*database, numbers) {}

  ServeSettings const& settings;
  std::unique_ptr<sql::Database> database;
  NumberSource numbers;
  access::KeyService keys;
};

void mount_all(api::RouteTable& table, Services& services, jobs::BulkService& bulk,
               std::vector<std::unique_ptr<jobs::BulkKind>> const& kinds, std::vector<api::Route> operation) {
  for (auto& route : services.routes(bulk)) table.add(std::move(route));
  for (auto& route : jobs::bulk_routes(bulk, kinds)) table.add(std::move(route));
  for (auto& route : operation) table.add(std::move(route));
  // The document describes itself too: its routes are declared before it is written.
  auto const draft = reference_routes("");
  api::RouteTable documented;
  for (auto const& route : table.routes()) documented.add(route);
  for (auto const& route : draft) documented.add(route);
  for (auto& route : reference_routes(api::openapi_document(documented, FEALTY_VERSION))) table.add(std::move(route));
}

std::vector<http::Metrics::Registration> register_gauges(http::Metrics& metrics, jobs::BulkRunner& runner, access::ApiLog& api_log) {
  std::vector<http::Metrics::Registration> all;
  all.push_back(metrics.add_gauge("fealty_bulk_jobs_held", "Bulk jobs that this node works on.", {},
                                  [&] { return static_cast<double>(runner.jobs_held()); }));
  all.push_back(metrics.add_gauge("fealty_bulk_rows_done", "Rows of bulk jobs with an outcome since the start.", {},
                                  [&] { return static_cast<double>(runner.rows_done()); }));
  all.push_back(metrics.add_gauge("fealty_api_log_dropped", "Requests that the API log could not keep since the start.", {},
                                  [&] { return static_cast<double>(api_log.dropped()); }));
  return all;
}

}  // namespace

std::string openapi_text() {
  // The routes need the running parts: an empty database in a folder of its own stands behind them for this moment.
  std::string folder = (std::filesystem::temp_directory_path() / "fealty-openapi-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw OperatorError("No temporary folder can be made.");
  std::string text;
  {
    ServeSettings settings;
    settings.storage.data = folder;
    Program program(settings);
    sql::migrate(*program.database);
    Services services(settings, 1, *program.database, program.numbers, program.keys);
    jobs::FileStore files(uploads_folder(settings.storage));
    auto const kinds = members::bulk_kinds(*program.database, program.numbers, scratch_folder(settings.storage));
    jobs::BulkService bulk({*program.database, files, program.numbers, settings.limits, kinds, system_now}, [] {});
    http::Metrics metrics;
    std::atomic<bool> const draining{false};
    api::RouteTable table;
    mount_all(table, services, bulk, kinds, operation_routes(program.database.get(), &metrics, false, &draining));
    text = api::openapi_document(table, FEALTY_VERSION);
  }
  std::filesystem::remove_all(folder);
  return text;
}

int serve(ServeSettings const& settings) {
  configure_log(settings);
  // Blocked before the first thread exists, so that only this one sees them.
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);
  // A file that may not grow further (ulimit, LimitFSIZE) is a failed write like that on a full disk, not the program's end.
  std::signal(SIGXFSZ, SIG_IGN);

  prepare_data_folder(settings.storage);
  std::optional<DataLock> lock;
  if (settings.storage.is_sqlite()) lock.emplace(settings.storage.data);
  Program program(settings);
  auto& database = *program.database;
  ensure_schema(database, Upgrade::yes);

  jobs::Node node(database, program.numbers, settings.storage.is_sqlite() ? jobs::Peers::none : jobs::Peers::possible);
  jobs::FileStore files(uploads_folder(settings.storage));
  auto const kinds = members::bulk_kinds(database, program.numbers, scratch_folder(settings.storage));
  auto parts = [&] { return jobs::BulkParts{database, files, program.numbers, settings.limits, kinds, system_now}; };
  jobs::BulkRunner runner(parts(), node, {.workers = settings.job_threads, .exclusive_engine = settings.storage.is_sqlite()});
  jobs::BulkService bulk(parts(), [&] { runner.wake(); });
  // Of a shared folder, other nodes' uploads may still be under way: those are written to within a minute.
  bulk.remove_orphan_files(settings.storage.is_sqlite() ? 0 : jobs::kOrphanIdleMs);
  jobs::CleanUp clean_up(parts());

  http::Metrics metrics;
  std::atomic<bool> draining{false};
  Services services(settings, settings.password_threads, database, program.numbers, program.keys);
  auto const gauges = register_gauges(metrics, runner, services.api_log);
  // As of uploads; a picture is written in a moment.
  services.avatars.remove_orphans(settings.storage.is_sqlite() ? 0 : jobs::kOrphanIdleMs);
  api::RouteTable table;
  mount_all(table, services, bulk, kinds, operation_routes(&database, &metrics, settings.metrics_open, &draining));
  // Pages for people are no part of the API, and so not of its document.
  for (auto& route : console_routes()) table.add(std::move(route));
  access::RateLimiter rate_limiter(
      database,
      {.per_minute = settings.rate_limit_per_minute, .shared = !settings.storage.is_sqlite(), .nodes = [&node] { return node.living(); }});

  auto const listen = *parse_listen(settings.listen);
  http::Server server({.address = listen.address,
                       .port = listen.port,
                       .tls_certificate_file = settings.tls_certificate,
                       .tls_key_file = settings.tls_key,
                       .io_threads = settings.io_threads,
                       .worker_threads = settings.request_threads,
                       .pipeline = {.limits = settings.limits,
                                    .cors_origins = settings.cors_origins,
                                    .trusted_proxies = settings.trusted_proxies,
                                    .error_of_exception = error_of_exception,
                                    .access_log = settings.access_log,
                                    .rate_limiter = &rate_limiter,
                                    .around_quick = quick_reads(database),
                                    .recorder = &services.api_log}},
                      table, services.identity.gate(), metrics);
  auto transport = make_transport(settings);
  runner.start();
  clean_up.start();
  services.start();
  rate_limiter.start();
  server.start();
  std::string const scheme = settings.tls_certificate.empty() ? "http" : "https";
  std::string const url = scheme + "://" + listen.address + ":" + std::to_string(server.port());
  mail::Sender sender(database, std::move(transport), sender_settings(settings, url));
  sender.start();
  log::info("server.ready", {{"url", url},
                             {"database", settings.storage.is_sqlite() ? "sqlite" : "postgresql"},
                             {"node", node.number()},
                             {"version", FEALTY_VERSION}});
  if (auto& setup = services.identity.setup(); setup.is_needed())
    log::warning("setup.needed",
                 {{"url", url}, {"code", setup.code()}, {"why", "there is no account yet: open the url and make the first one"}});

  int signal = 0;
  sigwait(&stop_signals, &signal);
  draining = true;
  log::info("server.stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
  // A second signal does not wait for anybody.
  std::thread([stop_signals] {
    int again = 0;
    sigwait(&stop_signals, &again);
    std::_Exit(1);
  }).detach();
  server.drain(settings.limits.shutdown_grace_ms);
  sender.stop();
  services.stop();
  rate_limiter.stop();
  clean_up.stop();
  runner.drain();
  log::info("server.stopped");
  return 0;
}

}  // namespace fealty::app
