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

// A body that is made while it is sent, so that one of any size costs the memory of one piece: the transport asks for a
// piece when the one before it was sent. It asks on worker threads, never on two at once. The object outlives the handler's
// call, so it keeps nothing of the request and the context; it is destroyed, on any thread, as soon as its last piece is
// made or the client is gone, so its destructor must not block.
class BodyStream {
 public:
  static constexpr std::size_t kPieceBytes = 64 * 1024;

  enum class Then : std::uint8_t {
    more,  // ask again when this piece was sent; it may be empty
    end,   // this was the last piece
    wait,  // nothing else now: send this piece, if any, and ask again after wait_ms, which hold no thread
  };
  struct Next {
    Then then = Then::end;
    int wait_ms = 0;
  };

  virtual ~BodyStream() = default;
  // Appends the next piece, up to about kPieceBytes, within a moment. What the first call throws becomes an answer like any
  // other exception of a handler. Later it is logged, and the connection is closed so that the client sees the body cut.
  virtual Next next(std::string& out) = 0;
  // Bytes of the whole body, when they are known: sent as Content-Length, and a body that turns out otherwise is cut.
  virtual std::optional<std::int64_t> length() const { return std::nullopt; }
  // Before the first next(): the body begins at this byte of it, not at the first; length() stays. False when it cannot.
  virtual bool seek(std::int64_t offset) {
    static_cast<void>(offset);
    return false;
  }
  // Lives as long as there is something to tell, and may end after any piece: a server that shuts down ends it at once.
  virtual bool is_live() const { return false; }
};

struct Response {
  int status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::string body = {};
  std::string_view static_body = {};             // used instead of body when set; must live as long as the program
  std::shared_ptr<BodyStream> stream = nullptr;  // used instead of both when set
  std::vector<Header> headers = {};
  bool close = false;  // close the connection after this answer
};

}  // namespace fealty::api
