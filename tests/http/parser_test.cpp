#include "http/request_parser.h"

namespace fealty::http {
namespace {

using namespace std::string_view_literals;

class StringSink final : public BodySink {
 public:
  explicit StringSink(std::size_t most = 1 << 20) : most_(most) {}
  std::size_t take(std::string_view bytes) override {
    std::size_t count = std::min(bytes.size(), most_ - text.size());
    text.append(bytes.substr(0, count));
    return count;
  }
  void make_room(std::size_t more) { most_ += more; }
  std::string text;

 private:
  std::size_t most_;
};

struct Read {
  bool ok = false;
  RequestHead head;
  std::string body, rest;
};

// Feeds the text in pieces of `step` bytes, as a session does.
Read read_in_steps(std::string_view text, std::size_t step) {
  Read out;
  HeadScanner scanner;
  std::string in;
  std::size_t given = 0;
  auto more = [&] {
    in += text.substr(given, step);
    given = std::min(given + step, text.size());
  };
  auto state = HeadScanner::State::need_more;
  while (state == HeadScanner::State::need_more && given < text.size()) {
    more();
    state = scanner.scan(in);
  }
  if (state != HeadScanner::State::complete) return out;
  RequestParser parser;
  if (parser.parse_head(std::string_view(in).substr(0, scanner.head_bytes()))) return out;
  in.erase(0, scanner.head_bytes());
  out.head = parser.head();
  StringSink sink;
  while (true) {
    auto fed = parser.feed_body(in, sink);
    in.erase(0, fed.used);
    if (fed.fed == RequestParser::Fed::done) break;
    if (fed.fed != RequestParser::Fed::need_more || given == text.size()) return out;
    more();
  }
  out.ok = true;
  out.body = sink.text;
  out.rest = in + std::string(text.substr(given));
  return out;
}

TEST(Parser, ReadsTheSameWhereverTheBytesAreSplit) {
  std::string_view const texts[] = {
      "GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-One: 1\r\n\r\nGET /next",
      "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello worldGET /next",
      "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;ext=\"v\"\r\n world\r\n0\r\nTrailer: t\r\n\r\nGET "
      "/next",
  };
  for (auto text : texts) {
    Read whole = read_in_steps(text, text.size());
    ASSERT_TRUE(whole.ok) << text;
    EXPECT_EQ(whole.rest, "GET /next");
    if (whole.head.has_body()) EXPECT_EQ(whole.body, "hello world");
    for (std::size_t step = 1; step < text.size(); ++step) {
      Read split = read_in_steps(text, step);
      ASSERT_TRUE(split.ok) << text << " in steps of " << step;
      EXPECT_EQ(split.head.target, whole.head.target);
      EXPECT_EQ(split.head.headers.size(), whole.head.headers.size());
      EXPECT_EQ(split.body, whole.body);
      EXPECT_EQ(split.rest, whole.rest);
    }
  }
}

TEST(Parser, RefusesWhatBeastAloneWouldLetThrough) {
  std::string_view const bad[] = {
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost:\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\t2\r\n\r\n",
      "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX: 1\x01\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX: 1\x7f\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\rX: 1\r\n\r\n",
      "GET / HTTP/1.1\n\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcdefgh\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\na\r\n0\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
      "GET / HTTP/0.9\r\nHost: a\r\n\r\n",
      "GET / http/1.1\r\nHost: a\r\n\r\n",
      "GET /\r\nHost: a\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET / x HTTP/1.1\r\nHost: a\r\n\r\n",
      "G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
      " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
  };
  for (auto text : bad) EXPECT_FALSE(read_in_steps(text, text.size()).ok) << text;
  EXPECT_FALSE(read_in_steps("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"sv, 100).ok);
}

TEST(Parser, KnowsHowLongAConnectionIsKept) {
  struct {
    std::string_view text;
    bool keep_alive;
  } const cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", false},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
  };
  for (auto const& c : cases) {
    Read read = read_in_steps(c.text, c.text.size());
    ASSERT_TRUE(read.ok) << c.text;
    EXPECT_EQ(read.head.keep_alive, c.keep_alive) << c.text;
  }
}

TEST(Parser, LeavesInTheBufferWhatAFullSinkDoesNotTake) {
  for (std::string_view text :
       {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    RequestParser parser;
    ASSERT_FALSE(parser.parse_head(text));
    std::string body = parser.head().chunked ? "a\r\n0123456789\r\n0\r\n\r\n" : "0123456789";
    StringSink sink(4);
    auto fed = parser.feed_body(body, sink);
    EXPECT_EQ(fed.fed, RequestParser::Fed::sink_full);
    body.erase(0, fed.used);
    EXPECT_EQ(sink.text, "0123");
    sink.make_room(100);
    fed = parser.feed_body(body, sink);
    EXPECT_EQ(fed.fed, RequestParser::Fed::done);
    EXPECT_EQ(fed.used, body.size());
    EXPECT_EQ(sink.text, "0123456789");
    EXPECT_TRUE(parser.body_done());
  }
}

TEST(Parser, KeepsTrailersOutOfTheHeaders) {
  RequestParser parser;
  ASSERT_FALSE(parser.parse_head("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
  StringSink sink;
  EXPECT_EQ(parser.feed_body("0\r\nAuthorization: Bearer x\r\n\r\n", sink).fed, RequestParser::Fed::done);
  EXPECT_EQ(parser.head().headers.size(), 2u);
}

}  // namespace
}  // namespace fealty::http
