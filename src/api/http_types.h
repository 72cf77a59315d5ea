// What a request and an answer are to everything above the transport. Nothing here knows Beast, and nothing outside http/
// knows it either.
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

namespace fealty::api {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options };
std::string_view to_string(Method m);

// Why a streamed body ended early. The transport throws it from BodySource::read; a handler lets it pass.
class BodyAborted : public std::runtime_error {
 public:
  enum class Why : std::uint8_t { client_gone, too_slow, malformed, shutting_down };
  BodyAborted(Why why, char const* what) : std::runtime_error(what), why(why) {}
  Why why;
};

// A body that arrives while the handler runs. Used by the handler's thread alone.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // Waits for bytes and gives at least one of them, or 0 at the end. Throws BodyAborted. The first call sends
  // "100 Continue" to a client that waits for it.
  virtual std::size_t read(std::span<char> into) = 0;
  // Content-Length, when the client sent one.
  virtual std::optional<std::int64_t> declared_length() const = 0;
};

struct Header {
  std::string name;  // lower case
  std::string value;
};

struct Request {
  Method method = Method::get;
  std::string target;                                      // as received: path?query
  std::string path;                                        // percent-decoded, without query
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::vector<Header> headers;
  std::string body;                    // complete, unless the route streams
  BodySource* stream = nullptr;        // set for routes that stream their body
  std::vector<std::string> path_args;  // values of the {…} parts, in order
  std::string remote_address;          // of the peer, without port
  bool secure = false;
  std::string request_id;

  // First header of that name (given in lower case), or nothing.
  std::optional<std::string_view> header(std::string_view lower_name) const;
  // First value of that query parameter; `undefined`, `null` and empty count as not given (conventions).
  std::optional<std::string_view> query_value(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::string body;
  std::string_view static_body = {};  // used instead of body when set; must live as long as the program
  std::vector<Header> headers = {};
  bool close = false;  // close the connection after this answer
};

}  // namespace fealty::api
