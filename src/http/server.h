// The transport: listens, speaks HTTP/1.1 (and 1.0), with or without TLS, and hands requests to the pipeline.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>
#include "access/authenticator.h"
#include "api/route_table.h"
#include "base/limits.h"
#include "base/time.h"
#include "http/metrics.h"
#include "http/pipeline.h"

namespace fealty::http {

struct ServerSettings {
  std::string address = "127.0.0.1";  // of the interface to listen on; "0.0.0.0" or "::" for all
  std::uint16_t port = 0;             // 0: any free one, see Server::port()
  std::string tls_certificate_file;   // PEM chain; with tls_key_file the server speaks TLS (1.2 or later) and nothing else
  std::string tls_key_file;           // PEM
  int io_threads = 1;
  int worker_threads = 8;     // handlers of ordinary requests; Limits::queue_depth_max more may wait
  PipelineSettings pipeline;  // limits, CORS, proxies, exceptions, clock, access log
};

class Server {
 public:
  // The routes, the authenticator and the metrics must outlive the server. Throws std::invalid_argument for settings that
  // cannot be right.
  Server(ServerSettings settings, api::RouteTable const& routes, access::Authenticator& authenticator, Metrics& metrics);
  // Drains without grace.
  ~Server();
  Server(Server const&) = delete;
  Server& operator=(Server const&) = delete;

  // Listens, or throws std::runtime_error that says why it cannot. Once.
  void start();
  // The port it listens on, after start().
  std::uint16_t port() const;
  // Stops accepting, closes idle connections, answers new requests on the others 503, lets running ones finish. Uploads that
  // still run after the grace are aborted (BodyAborted, shutting_down), connections that still are open then are closed.
  // Returns when no handler runs any more; the server cannot be started again. Idempotent.
  void drain(int grace_ms);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace fealty::http
