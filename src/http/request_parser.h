// One HTTP/1 request, byte by byte: first its head (in one piece, checked more strictly than Beast does), then its body.
// Only the source sees Beast.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "api/http_types.h"

namespace fealty::http {

struct RequestHead {
  std::string method;  // as sent
  std::string target;  // as sent
  std::vector<api::Header> headers;
  std::optional<std::int64_t> content_length;  // more than 63 bits are given as the largest number
  bool http_1_0 = false;
  bool keep_alive = false;
  bool chunked = false;
  bool expects_continue = false;

  bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

// Finds the end of a head while its bytes come in, and refuses what no honest client sends: folded headers, control
// characters, line ends other than CRLF. Looks at every byte once.
class HeadScanner {
 public:
  enum class State : std::uint8_t { need_more, complete, malformed };
  // `bytes` begins with the head's first byte and grows from call to call.
  State scan(std::string_view bytes);
  std::size_t head_bytes() const { return at_; }  // when complete
  void reset() { *this = {}; }

 private:
  std::size_t at_ = 0;
  std::size_t line_begin_ = 0;
};

// Where a body's bytes go.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // Takes all bytes or fewer, when it is full.
  virtual std::size_t take(std::string_view bytes) = 0;
};

class RequestParser {
 public:
  RequestParser();
  ~RequestParser();

  // A whole head as the scanner found it. Nothing, or a sentence that says what is wrong with it. Begins a new request.
  std::optional<std::string_view> parse_head(std::string_view head);
  RequestHead& head();
  // After a head without body it is true at once.
  bool body_done() const;

  enum class Fed : std::uint8_t { need_more, sink_full, done, malformed };
  struct Progress {
    Fed fed;
    std::size_t used;  // bytes that the caller drops from the front of its buffer
  };
  // Bytes that follow the head. A chunk's header and the trailers are used only when they are there in one piece.
  Progress feed_body(std::string_view bytes, BodySink& sink);

 private:
  struct Beast;
  std::unique_ptr<Beast> beast_;
};

}  // namespace fealty::http
