#include "http/server.h"
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/context.hpp>
#include <csignal>
#include "http/session.h"

namespace fealty::http {
namespace {

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using asio::ip::tcp;
using boost::system::error_code;

// Connections over the limit that are being told so at one time; more are closed without a word.
constexpr std::int64_t kRefusedConnectionsMax = 64;
// What aborted uploads have, after a drain's grace, to send their last answer.
constexpr std::chrono::milliseconds kLastAnswersTime{500};
// An accept that fails for want of descriptors is tried again after this.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr int kListenBacklog = 1024;

// One thread's world. An io_context is never shared: sessions need no locks, and the kernel spreads connections over the
// acceptors (SO_REUSEPORT).
struct IoLoop {
  asio::io_context io{1};
  Acceptor acceptor{io.get_executor()};
  Timer tick{io.get_executor()};
  Timer accept_pause{io.get_executor()};
  std::unordered_set<SessionBase*> sessions;
  LoopState state;
  std::thread thread;
  bool closing = false;
};

std::string address_text(tcp::endpoint const& endpoint) {
  auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

[[noreturn]] void cannot_listen(std::string const& address, std::uint16_t port, error_code ec) {
  throw std::runtime_error("cannot listen on " + address + " port " + std::to_string(port) + ": " + ec.message());
}

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

void listen_on(Acceptor& acceptor, tcp::endpoint const& endpoint, bool shared, std::string const& address) {
  error_code ec;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec && endpoint.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(false), ec);
  if (!ec && shared) acceptor.set_option(ReusePort(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(kListenBacklog, ec);
  if (ec) cannot_listen(address, endpoint.port(), ec);
}

std::unique_ptr<asio::ssl::context> make_tls(ServerSettings const& settings) {
  if (settings.tls_certificate_file.empty() && settings.tls_key_file.empty()) return nullptr;
  if (settings.tls_certificate_file.empty() || settings.tls_key_file.empty())
    throw std::invalid_argument("TLS needs both a certificate file and a key file");
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(tls->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(tls->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  error_code ec;
  tls->use_certificate_chain_file(settings.tls_certificate_file, ec);
  if (ec) throw std::runtime_error("cannot use the certificate file " + settings.tls_certificate_file + ": " + ec.message());
  tls->use_private_key_file(settings.tls_key_file, asio::ssl::context::pem, ec);
  if (ec) throw std::runtime_error("cannot use the key file " + settings.tls_key_file + ": " + ec.message());
  if (SSL_CTX_check_private_key(tls->native_handle()) != 1)
    throw std::runtime_error("the key in " + settings.tls_key_file + " does not belong to the certificate");
  return tls;
}

// Fine enough that a timeout is at most a quarter late, coarse enough to cost nothing.
std::chrono::milliseconds tick_of(Limits const& limits) {
  int least = std::min({limits.header_timeout_ms, limits.idle_timeout_ms, limits.body_progress_timeout_ms, limits.write_timeout_ms,
                        limits.drain_after_error_ms});
  return std::chrono::milliseconds(std::clamp(least / 4, 10, 250));
}

}  // namespace

struct Server::Parts {
  Parts(ServerSettings s, api::RouteTable const& routes, access::Authenticator& authenticator, Metrics& m)
      : settings(std::move(s)),
        metrics(m),
        tls(make_tls(settings)),
        pipeline(settings.pipeline, routes, authenticator, metrics),
        workers(settings.worker_threads, static_cast<std::size_t>(pipeline.limits().queue_depth_max)),
        uploads(pipeline.limits().bulk_uploads_node_max, 0) {
    queue_gauge = metrics.add_gauge("fealty_http_queue_depth", "Requests that wait for a worker.", {},
                                    [this] { return static_cast<double>(workers.waiting()); });
    gathered_gauge = metrics.add_gauge("fealty_http_gathered_body_bytes", "Bytes of request bodies in memory, without uploads.", {},
                                       [this] { return static_cast<double>(gathered_bytes.load(std::memory_order_relaxed)); });
  }

  ServerSettings settings;
  Metrics& metrics;
  std::unique_ptr<asio::ssl::context> tls;
  Pipeline pipeline;
  WorkerPool workers, uploads;
  std::atomic<bool> draining{false};
  std::atomic<std::int64_t> gathered_bytes{0};
  SessionWorld world{pipeline, workers, uploads, draining, gathered_bytes};
  Metrics::Registration queue_gauge, gathered_gauge;

  std::vector<std::unique_ptr<IoLoop>> loops;
  std::uint16_t port = 0;
  bool started = false;
  std::mutex drain_mutex;

  std::mutex connections_mutex;
  std::condition_variable no_connections;
  std::int64_t connections = 0;          // guarded by connections_mutex, as is the next
  std::int64_t refused_connections = 0;  // those of them that are only told to come later

  void listen();
  void run(IoLoop& loop);
  void stop_loops();
  Task<void> accept(IoLoop& loop);
  Task<void> keep_ticking(IoLoop& loop);
  void take(IoLoop& loop, Socket socket);
  template <class Stream>
  void begin_session(IoLoop& loop, Stream stream, std::string peer, bool refused);
  template <class Stream>
  Task<void> serve(IoLoop& loop, std::shared_ptr<Session<Stream>> session, bool refused);
  void connection_ended(bool refused);
  template <class Action>
  void each_session(Action action);
  bool wait_for_no_connections(std::chrono::milliseconds time);
};

// ---- Listening

void Server::Parts::listen() {
  error_code ec;
  auto address = asio::ip::make_address(settings.address, ec);
  if (ec) throw std::runtime_error("\"" + settings.address + "\" is no address to listen on");
  tcp::endpoint endpoint(address, settings.port);
  if (settings.port != 0) {
    // With SO_REUSEPORT a second server on the same port would start and take half of the connections. A bind without it
    // fails while anyone listens there.
    asio::io_context io;
    Acceptor probe(io.get_executor());
    listen_on(probe, endpoint, false, settings.address);
  }
  for (int i = 0; i < settings.io_threads; ++i) {
    auto& loop = *loops.emplace_back(std::make_unique<IoLoop>());
    listen_on(loop.acceptor, endpoint, true, settings.address);
    port = loop.acceptor.local_endpoint().port();
    endpoint.port(port);
  }
}

void Server::Parts::run(IoLoop& loop) {
  asio::co_spawn(loop.io.get_executor(), keep_ticking(loop), asio::detached);
  asio::co_spawn(loop.io.get_executor(), accept(loop), asio::detached);
  loop.thread = std::thread([&loop] { loop.io.run(); });
}

Task<void> Server::Parts::accept(IoLoop& loop) {
  while (!loop.closing) {
    auto [ec, socket] = co_await loop.acceptor.async_accept(kToken);
    if (!ec) {
      take(loop, std::move(socket));
      continue;
    }
    if (loop.closing) co_return;
    if (ec == asio::error::connection_aborted) continue;
    log::warning("accept_failed", {{"reason", ec.message()}});
    loop.accept_pause.expires_after(kAcceptPause);
    auto [pause_ec] = co_await loop.accept_pause.async_wait(kToken);
    static_cast<void>(pause_ec);
  }
}

void Server::Parts::take(IoLoop& loop, Socket socket) {
  error_code ec;
  auto peer = socket.remote_endpoint(ec);
  if (ec) return;  // gone already
  socket.set_option(tcp::no_delay(true), ec);
  std::int64_t const most = pipeline.limits().connections_max;
  bool refused;
  {
    std::lock_guard lock(connections_mutex);
    refused = connections - refused_connections >= most;
    if (refused && (tls || refused_connections >= kRefusedConnectionsMax)) {
      metrics.rejected("connections_full");
      return;
    }
    ++connections;
    if (refused) ++refused_connections;
  }
  metrics.connection_opened();
  if (tls)
    begin_session(loop, TlsStream(std::move(socket), *tls), address_text(peer), refused);
  else
    begin_session(loop, std::move(socket), address_text(peer), refused);
}

// ---- Sessions

template <class Stream>
void Server::Parts::begin_session(IoLoop& loop, Stream stream, std::string peer, bool refused) {
  auto session = std::make_shared<Session<Stream>>(world, loop.state, std::move(stream), std::move(peer));
  loop.sessions.insert(session.get());
  asio::co_spawn(loop.io.get_executor(), serve(loop, std::move(session), refused), asio::detached);
}

template <class Stream>
Task<void> Server::Parts::serve(IoLoop& loop, std::shared_ptr<Session<Stream>> session, bool refused) {
  try {
    if (refused)
      co_await session->run_refused();
    else
      co_await session->run();
  } catch (std::exception const& e) {
    log::error("session_failed", {{"what", e.what()}});
  }
  loop.sessions.erase(session.get());
  session->kill();
  connection_ended(refused);
}

void Server::Parts::connection_ended(bool refused) {
  metrics.connection_closed();
  std::lock_guard lock(connections_mutex);
  if (refused) --refused_connections;
  if (--connections == 0) no_connections.notify_all();
}

Task<void> Server::Parts::keep_ticking(IoLoop& loop) {
  auto const period = tick_of(pipeline.limits());
  while (true) {
    loop.tick.expires_after(period);
    auto [ec] = co_await loop.tick.async_wait(kToken);
    if (ec) co_return;
    std::int64_t const now_ms = steady_now_ms();
    for (SessionBase* session : loop.sessions) session->on_tick(now_ms);
  }
}

// ---- The end

// Cancelled operations complete later, on the loop: no session leaves the set while this walks it.
template <class Action>
void Server::Parts::each_session(Action action) {
  for (auto& loop : loops)
    asio::post(loop->io.get_executor(), [loop = loop.get(), action] {
      for (SessionBase* session : loop->sessions) action(*session);
    });
}

bool Server::Parts::wait_for_no_connections(std::chrono::milliseconds time) {
  std::unique_lock lock(connections_mutex);
  return no_connections.wait_for(lock, time, [this] { return connections == 0; });
}

void Server::Parts::stop_loops() {
  for (auto& loop : loops) asio::post(loop->io.get_executor(), [loop = loop.get()] { loop->tick.cancel(); });
  // Nothing is left to do for the loops then, so they return by themselves.
  for (auto& loop : loops) loop->thread.join();
  loops.clear();
}

Server::Server(ServerSettings settings, api::RouteTable const& routes, access::Authenticator& authenticator, Metrics& metrics) {
  if (settings.io_threads < 1 || settings.worker_threads < 1) throw std::invalid_argument("the server needs a thread of each kind");
  parts_ = std::make_unique<Parts>(std::move(settings), routes, authenticator, metrics);
}

Server::~Server() { drain(0); }

void Server::start() {
  Parts& p = *parts_;
  if (p.started) throw std::logic_error("a server is started once");
  // A write to a connection that the client closed must be an error, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    p.listen();
  } catch (...) {
    p.loops.clear();
    throw;
  }
  p.started = true;
  for (auto& loop : p.loops) p.run(*loop);
}

std::uint16_t Server::port() const { return parts_->port; }

void Server::drain(int grace_ms) {
  Parts& p = *parts_;
  std::lock_guard lock(p.drain_mutex);
  if (p.loops.empty()) return;
  p.draining = true;
  for (auto& loop : p.loops)
    asio::post(loop->io.get_executor(), [loop = loop.get()] {
      loop->closing = true;
      error_code ignored;
      loop->acceptor.close(ignored);
      loop->accept_pause.cancel();
    });
  p.each_session([](SessionBase& session) { session.begin_drain(); });
  if (!p.wait_for_no_connections(std::chrono::milliseconds(grace_ms))) {
    p.each_session([](SessionBase& session) { session.end_grace(); });
    if (!p.wait_for_no_connections(kLastAnswersTime)) p.each_session([](SessionBase& session) { session.kill(); });
  }
  // Handlers that still run are waited for; their sessions end after them.
  p.workers.stop();
  p.uploads.stop();
  std::unique_lock connections(p.connections_mutex);
  p.no_connections.wait(connections, [&p] { return p.connections == 0; });
  connections.unlock();
  p.stop_loops();
}

}  // namespace fealty::http
