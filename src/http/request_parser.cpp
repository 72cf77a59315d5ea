#include "http/request_parser.h"
#include <boost/beast/http/basic_parser.hpp>
#include <limits>
#include "base/text.h"

namespace fealty::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using BeastText = beast::string_view;

std::string_view view(BeastText text) { return {text.data(), text.size()}; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

bool is_host(std::string_view value) {
  if (value.empty()) return false;
  for (char c : value) {
    bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              std::string_view("-._~:[]%!$&'()*+,;=").find(c) != std::string_view::npos;
    if (!ok) return false;
  }
  return true;
}

// The parts of a head that decide where the request ends. Beast accepts some spellings that other programs on the way
// read differently, and that is what request smuggling lives from.
class FramingChecks {
 public:
  std::optional<std::string_view> see(std::string_view name, std::string_view value) {
    if (name == "host") {
      if (host_) return "The request has more than one Host header.";
      if (!is_host(value)) return "The Host header does not name a host.";
      host_ = true;
    } else if (name == "content-length") {
      if (length_) return "The request has more than one Content-Length header.";
      if (value.empty() || value.find_first_not_of("0123456789") != std::string_view::npos)
        return "The Content-Length header is not a number.";
      length_ = true;
    } else if (name == "transfer-encoding") {
      if (encoding_ || !equals_ignore_ascii_case(value, "chunked")) return "The only Transfer-Encoding that is accepted is \"chunked\".";
      encoding_ = true;
    }
    return std::nullopt;
  }

  std::optional<std::string_view> at_end(bool http_1_0) const {
    if (encoding_ && length_) return "The request has both Transfer-Encoding and Content-Length.";
    if (encoding_ && http_1_0) return "Transfer-Encoding is not part of HTTP/1.0.";
    if (!host_ && !http_1_0) return "The request has no Host header.";
    return std::nullopt;
  }

 private:
  bool host_ = false, length_ = false, encoding_ = false;
};

class Parser final : public beast::http::basic_parser<true> {
 public:
  Parser() {
    body_limit(boost::none);  // the pipeline's plan for the body has the limit
    // The scanner found the end of the head already, within the limit.
    header_limit(std::numeric_limits<std::uint32_t>::max());
  }

  RequestHead head;
  std::string_view problem;  // set when a check of ours refused the head
  BodySink* sink = nullptr;
  bool sink_full = false;

 private:
  void on_request_impl(beast::http::verb, BeastText method, BeastText target, int version, error_code&) override {
    head.method = view(method);
    head.target = view(target);
    head.http_1_0 = version < 11;
  }
  void on_response_impl(int, BeastText, int, error_code&) override {}
  void on_field_impl(beast::http::field, BeastText raw_name, BeastText raw_value, error_code& ec) override {
    if (head_done_) return;  // trailers are of no use here and must not look like headers
    std::string name = lower(view(raw_name));
    std::string_view value = view(raw_value);
    if (auto wrong = checks_.see(name, value)) return refuse(*wrong, ec);
    if (name == "expect" && equals_ignore_ascii_case(value, "100-continue")) head.expects_continue = true;
    head.headers.push_back({std::move(name), std::string(value)});
  }
  void on_header_impl(error_code& ec) override {
    head_done_ = true;
    if (auto wrong = checks_.at_end(head.http_1_0)) refuse(*wrong, ec);
  }
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(BeastText body, error_code&) override { return give(view(body)); }
  void on_chunk_header_impl(std::uint64_t, BeastText, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastText body, error_code&) override { return give(view(body)); }
  void on_finish_impl(error_code&) override {}

  std::size_t give(std::string_view bytes) {
    std::size_t taken = sink->take(bytes);
    sink_full = taken < bytes.size();
    return taken;
  }
  void refuse(std::string_view what, error_code& ec) {
    problem = what;
    ec = beast::http::error::bad_field;
  }

  FramingChecks checks_;
  bool head_done_ = false;
};

}  // namespace

HeadScanner::State HeadScanner::scan(std::string_view bytes) {
  for (; at_ < bytes.size(); ++at_) {
    auto c = static_cast<unsigned char>(bytes[at_]);
    if (c >= ' ' && c != 127) {
      // A line that begins with a blank continues the one before it (obs-fold).
      if (c == ' ' && at_ == line_begin_) return State::malformed;
      continue;
    }
    if (c == '\t') {
      if (at_ == line_begin_) return State::malformed;
    } else if (c == '\r') {
      if (at_ + 1 == bytes.size()) return State::need_more;  // seen again together with what follows it
      if (bytes[at_ + 1] != '\n') return State::malformed;
    } else if (c == '\n') {
      if (at_ == 0 || bytes[at_ - 1] != '\r') return State::malformed;
      bool empty = at_ - 1 == line_begin_;
      line_begin_ = at_ + 1;
      if (empty) {
        ++at_;
        return State::complete;
      }
    } else {
      return State::malformed;
    }
  }
  return State::need_more;
}

struct RequestParser::Beast {
  std::optional<Parser> parser;
};

RequestParser::RequestParser() : beast_(std::make_unique<Beast>()) {}
RequestParser::~RequestParser() = default;

std::optional<std::string_view> RequestParser::parse_head(std::string_view bytes) {
  Parser& parser = beast_->parser.emplace();
  error_code ec;
  std::size_t used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
  if (!parser.problem.empty()) return parser.problem;
  if (ec == beast::http::error::bad_version) return "The request line does not end with HTTP/1.1 or HTTP/1.0.";
  if (ec == beast::http::error::bad_method) return "The request line does not begin with a method.";
  if (ec == beast::http::error::bad_target) return "The request line has no valid target.";
  if (ec || used != bytes.size() || !parser.is_header_done()) return "A header of the request is malformed.";
  RequestHead& head = parser.head;
  if (auto length = parser.content_length()) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    head.content_length = static_cast<std::int64_t>(std::min<std::uint64_t>(*length, kMost));
  }
  head.chunked = parser.chunked();
  head.keep_alive = parser.keep_alive();
  head.expects_continue = head.expects_continue && !head.http_1_0 && head.has_body();
  return std::nullopt;
}

RequestHead& RequestParser::head() { return beast_->parser->head; }
bool RequestParser::body_done() const { return beast_->parser->is_done(); }

RequestParser::Progress RequestParser::feed_body(std::string_view bytes, BodySink& sink) {
  Parser& parser = *beast_->parser;
  parser.sink = &sink;
  parser.sink_full = false;
  std::size_t used = 0;
  while (!parser.is_done()) {
    if (used == bytes.size()) return {Fed::need_more, used};
    error_code ec;
    used += parser.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), ec);
    if (ec == beast::http::error::need_more) return {Fed::need_more, used};
    if (ec) return {Fed::malformed, used};
    if (parser.sink_full) return {Fed::sink_full, used};
  }
  return {Fed::done, used};
}

}  // namespace fealty::http
