// A raw HTTP client over POSIX sockets, so that tests say every byte themselves, and a server to talk to.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include "api/route_table.h"
#include "base/log.h"
#include "http/server.h"

namespace fealty::http::test {

// A test that waits longer than this for something has failed.
inline constexpr int kPatienceMs = 20'000;

struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; of repeated ones the last
  std::string body;
};

class Client {
 public:
  explicit Client(std::uint16_t port, int send_buffer_bytes = 0) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (send_buffer_bytes > 0) setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof send_buffer_bytes);
    int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) ADD_FAILURE() << "cannot connect: " << strerror(errno);
  }
  Client(Client const&) = delete;
  Client& operator=(Client const&) = delete;
  ~Client() { close(fd_); }

  int fd() const { return fd_; }

  // False when the server closed or reset the connection before it took everything.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // What the kernel takes until nothing moves for `quiet_ms`, up to `most` bytes of the letter x.
  std::size_t send_until_stuck(std::size_t most, int quiet_ms) {
    std::string const block(64 * 1024, 'x');
    std::size_t sent = 0;
    while (sent < most) {
      pollfd p{fd_, POLLOUT, 0};
      if (poll(&p, 1, quiet_ms) <= 0) break;
      ssize_t n = ::send(fd_, block.data(), std::min(block.size(), most - sent), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n > 0)
        sent += static_cast<std::size_t>(n);
      else if (errno != EAGAIN)
        break;
    }
    return sent;
  }
  void finish_sending() { shutdown(fd_, SHUT_WR); }

  // One answer, or nothing when the connection ended before it was complete. `head_only`: of a HEAD request.
  std::optional<Reply> read(bool head_only = false) {
    std::size_t end;
    while ((end = in_.find("\r\n\r\n")) == std::string::npos)
      if (!fill()) return std::nullopt;
    Reply reply;
    std::string head = in_.substr(0, end + 2);
    in_.erase(0, end + 4);
    reply.status = std::stoi(head.substr(9, 3));
    for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
      std::size_t line_end = head.find("\r\n", at), colon = head.find(": ", at);
      std::string name = head.substr(at, colon - at);
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      reply.headers[name] = head.substr(colon + 2, line_end - colon - 2);
      at = line_end + 2;
    }
    if (reply.headers.contains("transfer-encoding") && !head_only) {
      while (auto piece = read_chunk()) {
        if (piece->empty()) return reply;
        reply.body += *piece;
      }
      return std::nullopt;
    }
    std::size_t length = reply.headers.contains("content-length") && !head_only ? std::stoul(reply.headers["content-length"]) : 0;
    while (in_.size() < length)
      if (!fill()) return std::nullopt;
    reply.body = in_.substr(0, length);
    in_.erase(0, length);
    return reply;
  }
  // The head alone, of an answer whose body the test reads by pieces.
  std::optional<Reply> read_head() { return read(true); }
  // The next chunk; empty is the last one. Nothing when the connection ended instead.
  std::optional<std::string> read_chunk() {
    std::size_t end;
    while ((end = in_.find("\r\n")) == std::string::npos)
      if (!fill()) return std::nullopt;
    std::size_t const size = std::stoul(in_.substr(0, end), nullptr, 16);
    while (in_.size() < end + 2 + size + 2)
      if (!fill()) return std::nullopt;
    std::string piece = in_.substr(end + 2, size);
    EXPECT_EQ(in_.substr(end + 2 + size, 2), "\r\n");
    in_.erase(0, end + 2 + size + 2);
    return piece;
  }
  // What was received and not looked at yet.
  std::string take_buffered() { return std::exchange(in_, {}); }
  // Everything up to the end of the connection.
  std::string read_rest() {
    while (fill()) {}
    return std::exchange(in_, {});
  }
  std::optional<Reply> ask(std::string_view bytes) {
    send(bytes);
    return read();
  }
  // True when the server closed and nothing more came.
  bool closed() {
    while (fill()) {}
    return in_.empty() && ended_;
  }
  // False when nothing arrives in that time.
  bool readable_within(int time_ms) {
    pollfd p{fd_, POLLIN, 0};
    return !in_.empty() || poll(&p, 1, time_ms) > 0;
  }

 private:
  bool fill() {
    pollfd p{fd_, POLLIN, 0};
    if (poll(&p, 1, kPatienceMs) <= 0) {
      ADD_FAILURE() << "the server says nothing";
      return false;
    }
    char buffer[16 * 1024];
    ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) {
      ended_ = true;
      return false;
    }
    in_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  std::string in_;
  bool ended_ = false;
};

// Opened once; who waits for it fails after kPatienceMs.
class Gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::milliseconds(kPatienceMs), [this] { return open_; });
  }
  bool is_open() {
    std::lock_guard lock(mutex_);
    return open_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// "Bearer good" is a community key with the permission createUser; every other credential is wrong.
class OneKey final : public access::Authenticator {
 public:
  Result<api::Principal> check(api::Request const& request, TimeMs) override {
    api::Principal principal;
    auto given = request.header("authorization");
    if (!given) return principal;
    if (*given == "Bearer throws") throw std::runtime_error("the key store is away: secret dsn");
    if (*given != "Bearer good" || revoked) return fail(errors::kUnauthorized, "The key is not valid.");
    principal.kind = api::PrincipalKind::community_key;
    principal.community = {7};
    principal.key_prefix = "fk_good";
    principal.permissions.add(api::Permission::create_user);
    return principal;
  }
  bool is_quick(api::Request const& request) const override { return request.header("authorization") != "Bearer slow"; }
  Result<void> admit(api::Principal& who, api::Route const& route, api::Request const& request, TimeMs now) override {
    ++admitted;
    return Authenticator::admit(who, route, request, now);
  }
  std::atomic<bool> revoked{false};
  std::atomic<int> admitted{0};
};

inline api::Answer text(std::string body) {
  api::Answer answer;
  answer.raw = api::Response{.status = 200, .content_type = "text/plain", .body = std::move(body)};
  return answer;
}

// Routes of the family "plain" unless told otherwise: their paths have no prefix.
struct Routes {
  api::RouteTable table;
  int count = 0;

  void add(api::Method method, std::string path, api::BodyKind body, api::Handler handler, api::Needs needs = api::Needs::nothing(),
           api::Family family = api::Family::plain) {
    table.add({.method = method,
               .path = std::move(path),
               .family = family,
               .needs = std::move(needs),
               .body = body,
               .id = "test." + std::to_string(count++),
               .summary = "A route of the tests.",
               .handler = std::move(handler)});
  }
  void get(std::string path, api::Handler handler) { add(api::Method::get, std::move(path), api::BodyKind::none, std::move(handler)); }
  void post(std::string path, api::Handler handler) { add(api::Method::post, std::move(path), api::BodyKind::json, std::move(handler)); }
  // GET, answered later.
  void later(std::string path, api::LaterHandler handler) {
    table.add({.method = api::Method::get,
               .path = std::move(path),
               .family = api::Family::plain,
               .needs = api::Needs::nothing(),
               .id = "test." + std::to_string(count++),
               .summary = "A route of the tests.",
               .later = std::move(handler)});
  }
  // GET, quick, for the key.
  void quick(std::string path, api::Handler handler) {
    table.add({.method = api::Method::get,
               .path = std::move(path),
               .family = api::Family::plain,
               .needs = api::Needs::key({api::Permission::create_user}),
               .id = "test." + std::to_string(count++),
               .summary = "A route of the tests.",
               .quick = true,
               .handler = std::move(handler)});
  }
  void upload(std::string path, api::Handler handler) {
    add(api::Method::post, std::move(path), api::BodyKind::stream, std::move(handler));
  }
  // GET /hello and POST /echo.
  void add_usual() {
    get("/hello", [](api::Context&, api::Request&) { return text("hello"); });
    post("/echo", [](api::Context&, api::Request& request) { return text(request.body); });
  }
};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    log::configure(log::Format::text, log::Level::error);
    settings.worker_threads = 4;
  }
  ~ServerTest() override { server.reset(); }

  Limits& limits() { return settings.pipeline.limits; }
  void start() {
    server = std::make_unique<Server>(settings, routes.table, key, metrics);
    server->start();
  }
  std::uint16_t port() const { return server->port(); }
  double metric(std::string const& line_begin) {
    std::string all = metrics.render();
    std::size_t at = all.find("\n" + line_begin + " ");
    return at == std::string::npos ? -1 : std::stod(all.substr(at + line_begin.size() + 2));
  }

  ServerSettings settings;
  Routes routes;
  OneKey key;
  Metrics metrics;
  std::unique_ptr<Server> server;
};

inline std::string get(std::string_view target, std::string_view more_headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(more_headers) + "\r\n";
}
inline std::string post(std::string_view target, std::string_view body, std::string_view more_headers = "") {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(more_headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace fealty::http::test
