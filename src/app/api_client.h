// An HTTP client for the program itself: one request at a time, bodies streamed in both directions with constant memory.
// libcurl does the work, and api_client.cpp is the one file that sees it.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fealty::app {

struct ServerUrl {
  std::string text;           // scheme, host, port and path, without a slash at the end
  std::string host_and_port;  // for messages
  bool encrypted = false;     // https
  bool this_machine = false;  // a loopback address or localhost: what is sent never leaves the machine
};
// Throws std::invalid_argument, whose text is a sentence, unless `text` is http:// or https:// with a host and without user,
// password, query and fragment.
ServerUrl parse_server_url(std::string const& text);

struct ClientSettings {
  ServerUrl server;
  std::string bearer;   // sent as Authorization: Bearer; never logged, never in a message
  std::string ca_file;  // certificates that are trusted instead of the system's
  int connect_timeout_ms = 10'000;
  // A request during which no byte moves for so long is given up. Longer than the time a server works on an answer.
  int stall_timeout_ms = 75'000;
  // Asked about once a second and whenever bytes move; true ends the request with Interrupted.
  std::function<bool()> interrupted = {};
};

struct ClientAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers = {};  // names as sent
  std::string body = {};                                          // empty when it went to the request's `on_body`
  int retry_after_s = 0;                                          // of Retry-After, in seconds or as a date; 0: not given

  // Value of the last header of that name, without case; empty when there is none.
  std::string_view header(std::string_view name) const;
};

struct ClientRequest {
  std::string method = "GET";
  std::string path;  // with its query; goes behind the server's URL
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  // A body that is pulled piece by piece instead: fills the front of its argument and gives the number of bytes, 0 at the end.
  // What it throws comes out of send(). Nothing is pulled before the server has agreed to take the body or a second has passed.
  std::function<std::size_t(std::span<char>)> read_body = {};
  std::optional<std::int64_t> body_bytes = {};  // of read_body, if known; otherwise the body is sent in chunks
  // Takes the body of a 200 or 206 piece by piece; status and headers are there already. What it throws comes out of send().
  std::function<void(ClientAnswer const& head, std::string_view piece)> on_body = {};
};

// No complete answer came. The text is a sentence without its full stop.
class NotReached : public std::runtime_error {
 public:
  enum class Kind {
    unsent,    // no connection: the server has seen nothing of the request
    broken,    // the connection ended or stood still: the server may have done what it was asked
    hopeless,  // another try cannot help: the certificate is not trusted, the answer is larger than allowed
  };
  NotReached(Kind kind, std::string const& what) : std::runtime_error(what), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

// Keeps its connection open between requests. HTTP/1.1; certificates and names are verified; redirects are answers like any
// other and never followed, so that the credential goes to no other place. Proxies of the environment are used (https_proxy,
// http_proxy, no_proxy), but never for this machine. One thread.
class ApiClient {
 public:
  // Of an answer that is kept in memory; a larger one is NotReached.
  static constexpr std::size_t kAnswerBytesMax = 16 * 1024 * 1024;

  explicit ApiClient(ClientSettings settings);
  ~ApiClient();
  ApiClient(ApiClient const&) = delete;
  ApiClient& operator=(ApiClient const&) = delete;

  // The answer, whatever its status. Throws NotReached and Interrupted.
  ClientAnswer send(ClientRequest const& request);

 private:
  class Transfer;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fealty::app
