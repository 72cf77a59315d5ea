// Answers that are made while they are sent, over real sockets.
#include <fstream>
#include "client.h"
#include "http/server.h"

namespace fealty::http {
namespace {

using api::BodyStream;
using test::Client;
using test::Gate;
using test::get;
using test::ServerTest;
using Then = BodyStream::Then;

template <class Condition>
bool eventually(Condition condition) {
  auto const until = std::chrono::steady_clock::now() + std::chrono::milliseconds(test::kPatienceMs);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// What the routes of these tests stream.
struct Script {
  std::function<BodyStream::Next(int call, std::string& out)> next;
  std::optional<std::int64_t> length;
  bool live = false;
  std::atomic<int> calls{0};
  Gate destroyed;
};

class ScriptedStream final : public BodyStream {
 public:
  explicit ScriptedStream(Script& script) : script_(script) {}
  ~ScriptedStream() override { script_.destroyed.open(); }
  Next next(std::string& out) override { return script_.next(script_.calls++, out); }
  std::optional<std::int64_t> length() const override { return script_.length; }
  bool is_live() const override { return script_.live; }

 private:
  Script& script_;
};

class StreamTest : public ServerTest {
 protected:
  ~StreamTest() override { server.reset(); }  // before the script

  void stream(api::Needs needs = api::Needs::nothing(), int status = 200) {
    routes.add(
        api::Method::get, "/stream", api::BodyKind::none,
        [this, status](api::Context&, api::Request&) {
          api::Response response{.status = status, .content_type = "text/csv"};
          response.stream = std::make_shared<ScriptedStream>(script);
          return api::Answer{.raw = std::move(response)};
        },
        std::move(needs));
    routes.add_usual();
  }
  // "0,1,2," … in pieces of one number.
  void count_to(int end) {
    script.next = [end](int call, std::string& out) {
      out += std::to_string(call) + ",";
      return BodyStream::Next{call + 1 == end ? Then::end : Then::more};
    };
  }
  // Without end, as fast as they are taken.
  void flood() {
    script.next = [](int, std::string& out) {
      out.append(BodyStream::kPieceBytes, 'x');
      return BodyStream::Next{Then::more};
    };
  }
  // One event, then silence.
  void one_event() {
    script.live = true;
    script.next = [](int call, std::string& out) {
      if (call == 0) out = "event\n";
      return BodyStream::Next{Then::wait, 10};
    };
  }
  double answers(std::string const& status_class) {
    return metric("fealty_http_requests_total{method=\"GET\",route=\"test.0\",status=\"" + status_class + "\"}");
  }

  Script script;
};

TEST_F(StreamTest, SendsPiecesAsChunksAndKeepsTheConnection) {
  count_to(500);
  stream();
  start();
  std::string all;
  for (int i = 0; i < 500; ++i) all += std::to_string(i) + ",";
  Client client(port());
  for (int round = 0; round < 3; ++round) {
    script.calls = 0;
    auto reply = client.ask(get("/stream"));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->headers["transfer-encoding"], "chunked");
    EXPECT_FALSE(reply->headers.contains("content-length"));
    EXPECT_FALSE(reply->headers.contains("connection"));
    EXPECT_EQ(reply->body, all);
    EXPECT_EQ(client.ask(get("/hello"))->body, "hello");
  }
  EXPECT_EQ(answers("2xx"), 3);
}

TEST_F(StreamTest, SendsAnEmptyPieceAsNothingAndAnEmptyBodyAsItsEnd) {
  script.next = [](int call, std::string& out) {
    if (call == 2) out = "late";
    return BodyStream::Next{call == 3 ? Then::end : Then::more};
  };
  stream();
  start();
  Client client(port());
  EXPECT_EQ(client.ask(get("/stream"))->body, "late");
  script.next = [](int, std::string&) { return BodyStream::Next{}; };
  EXPECT_EQ(client.ask(get("/stream"))->body, "");
  EXPECT_EQ(client.ask(get("/hello"))->body, "hello");
}

TEST_F(StreamTest, SaysAKnownLength) {
  count_to(10);
  script.length = 20;
  stream();
  start();
  Client client(port());
  auto reply = client.ask(get("/stream"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->headers["content-length"], "20");
  EXPECT_FALSE(reply->headers.contains("transfer-encoding"));
  EXPECT_EQ(reply->body, "0,1,2,3,4,5,6,7,8,9,");
  EXPECT_EQ(client.ask(get("/hello"))->body, "hello");
}

TEST_F(StreamTest, CutsABodyThatIsNotOfItsLength) {
  count_to(10);
  stream();
  start();
  for (std::int64_t const length : {15, 25}) {
    script.calls = 0;
    script.length = length;
    Client client(port());
    EXPECT_FALSE(client.ask(get("/stream"))) << length;
  }
  EXPECT_TRUE(eventually([&] { return answers("5xx") == 2; }));
}

TEST_F(StreamTest, AnswersHeadWithoutMakingABody) {
  count_to(10);
  stream();
  start();
  Client client(port());
  client.send("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n" + get("/hello"));
  EXPECT_EQ(client.read(true)->headers["transfer-encoding"], "chunked");
  EXPECT_EQ(client.read()->body, "hello");
  EXPECT_EQ(script.calls, 0);
  EXPECT_TRUE(script.destroyed.is_open());
}

TEST_F(StreamTest, SendsNoBodyWithAStatusThatHasNone) {
  count_to(10);
  stream(api::Needs::nothing(), 204);
  start();
  Client client(port());
  client.send(get("/stream") + get("/hello"));
  auto reply = client.read(true);
  EXPECT_EQ(reply->status, 204);
  EXPECT_FALSE(reply->headers.contains("transfer-encoding"));
  EXPECT_EQ(client.read()->body, "hello");
  EXPECT_EQ(script.calls, 0);
  EXPECT_EQ(answers("2xx"), 1);
}

TEST_F(StreamTest, EndsABodyOfUnknownLengthForHttp10WithTheConnection) {
  count_to(10);
  stream();
  start();
  Client client(port());
  client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  auto head = client.read_head();
  ASSERT_TRUE(head);
  EXPECT_EQ(head->headers["connection"], "close");
  EXPECT_FALSE(head->headers.contains("transfer-encoding"));
  EXPECT_EQ(client.read_rest(), "0,1,2,3,4,5,6,7,8,9,");
}

TEST_F(StreamTest, AnswersWhatTheFirstPieceThrows) {
  settings.pipeline.error_of_exception = [](std::exception_ptr e) -> std::optional<Error> {
    try {
      std::rethrow_exception(e);
    } catch (std::out_of_range const&) {
      return Error{&errors::kStorageUnavailable, "Later."};
    } catch (...) {
      return std::nullopt;
    }
  };
  script.next = [](int, std::string& out) -> BodyStream::Next {
    out = "half a piece";
    throw std::out_of_range("away");
  };
  stream();
  start();
  Client client(port());
  auto reply = client.ask(get("/stream"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 503);
  EXPECT_NE(reply->body.find("storage_unavailable"), std::string::npos);
  EXPECT_EQ(reply->body.find("half"), std::string::npos);
  script.next = [](int, std::string&) -> BodyStream::Next { throw std::runtime_error("secret"); };
  reply = client.ask(get("/stream"));
  EXPECT_EQ(reply->status, 500);
  EXPECT_EQ(reply->body.find("secret"), std::string::npos);
  EXPECT_EQ(client.ask(get("/hello"))->body, "hello");
}

TEST_F(StreamTest, CutsABodyWhoseMakerFailsOnItsWay) {
  script.next = [](int call, std::string& out) -> BodyStream::Next {
    out = "piece";
    if (call == 2) throw std::runtime_error("the disk is gone");
    return {Then::more};
  };
  stream();
  start();
  {
    Client client(port());
    client.send(get("/stream"));
    ASSERT_TRUE(client.read_head());
    EXPECT_EQ(client.read_chunk(), "piece");
    EXPECT_EQ(client.read_chunk(), "piece");
    EXPECT_EQ(client.read_chunk(), std::nullopt) << "neither the failed piece nor an end";
    EXPECT_TRUE(script.destroyed.wait());
  }
  script.calls = 0;
  // For HTTP/1.0 a mere end of the connection would look like the body's end.
  Client old(port());
  old.send("GET /stream HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(old.readable_within(test::kPatienceMs));
  EXPECT_TRUE(eventually([&] {
    char buffer[4096];
    return recv(old.fd(), buffer, sizeof buffer, MSG_DONTWAIT) < 0 && errno == ECONNRESET;
  }));
  EXPECT_TRUE(eventually([&] { return answers("5xx") == 2; }));
}

TEST_F(StreamTest, MakesNoPieceAheadOfASlowReader) {
  flood();
  stream();
  start();
  Client client(port());
  client.send(get("/stream"));
  ASSERT_TRUE(client.read_head());
  int made = -1;
  // The kernel's buffers fill, then the stream stands still.
  ASSERT_TRUE(eventually([&] {
    int const before = std::exchange(made, script.calls.load());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return before == made;
  }));
  EXPECT_GT(made, 1);
  EXPECT_LT(made, 1'000) << "more than any kernel buffer holds";
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(client.read_chunk());
  EXPECT_TRUE(eventually([&] { return script.calls > made; }));
}

TEST_F(StreamTest, ClosesOnAClientThatReadsNothing) {
  flood();
  stream();
  limits().write_timeout_ms = 150;
  start();
  Client client(port());
  client.send(get("/stream"));
  EXPECT_TRUE(script.destroyed.wait());
  EXPECT_TRUE(eventually([&] { return answers("4xx") == 1 && metric("fealty_http_connections") == 0; }));
}

TEST_F(StreamTest, EndsSoonWhenTheClientIsGone) {
  flood();
  stream();
  start();
  {
    Client client(port());
    client.send(get("/stream"));
    ASSERT_TRUE(client.read_head());
  }
  EXPECT_TRUE(script.destroyed.wait());
  EXPECT_TRUE(eventually([&] { return answers("4xx") == 1; }));
}

TEST_F(StreamTest, EndsALiveStreamThatIsSilentWhenItsClientIsGone) {
  one_event();
  script.next = [](int call, std::string& out) {
    if (call == 0) out = "event\n";
    return BodyStream::Next{Then::wait, 600'000};
  };
  stream();
  start();
  {
    Client client(port());
    client.send(get("/stream"));
    ASSERT_TRUE(client.read_head());
    EXPECT_EQ(client.read_chunk(), "event\n");
    EXPECT_FALSE(script.destroyed.is_open());
  }
  EXPECT_TRUE(script.destroyed.wait());
  EXPECT_TRUE(eventually([&] { return metric("fealty_http_connections") == 0; }));
}

TEST_F(StreamTest, SendsAGigabyteInConstantMemory) {
  constexpr std::int64_t kBytes = 1ll << 30;
  auto resident_kib = [] {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
    return -1l;
  };
  script.length = kBytes;
  script.next = [](int call, std::string& out) {
    out.append(BodyStream::kPieceBytes, static_cast<char>('a' + call % 26));
    return BodyStream::Next{
        static_cast<std::int64_t>(call + 1) * static_cast<std::int64_t>(BodyStream::kPieceBytes) == kBytes ? Then::end : Then::more};
  };
  stream();
  start();
  Client client(port());
  client.send(get("/stream"));
  auto head = client.read_head();
  ASSERT_TRUE(head);
  EXPECT_EQ(head->headers["content-length"], std::to_string(kBytes));
  long const before_kib = resident_kib();
  long most_kib = before_kib;
  std::int64_t got = static_cast<std::int64_t>(client.take_buffered().size()), wrong = 0;
  std::vector<char> buffer(256 * 1024);
  for (int reads = 0; got < kBytes; ++reads) {
    ssize_t const n = recv(client.fd(), buffer.data(), buffer.size(), 0);
    ASSERT_GT(n, 0) << "after " << got;
    auto const call = got / static_cast<std::int64_t>(BodyStream::kPieceBytes);
    wrong += buffer[0] != static_cast<char>('a' + call % 26);
    got += n;
    if (reads % 256 == 0) most_kib = std::max(most_kib, resident_kib());
  }
  EXPECT_EQ(got, kBytes);
  EXPECT_EQ(wrong, 0);
  EXPECT_LT(most_kib - before_kib, 64 * 1024) << "with what the sanitizers keep back";
  EXPECT_EQ(client.ask(get("/hello"))->body, "hello");
}

TEST_F(StreamTest, HoldsNoWorkerWhileItWaits) {
  script.live = true;
  script.next = [](int, std::string& out) {
    out = "x";
    return BodyStream::Next{Then::wait, 600'000};
  };
  stream();
  settings.worker_threads = 1;
  limits().queue_depth_max = 0;
  start();
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 5; ++i) {
    auto& client = *waiting.emplace_back(std::make_unique<Client>(port()));
    client.send(get("/stream"));
    ASSERT_TRUE(client.read_head());
    EXPECT_EQ(client.read_chunk(), "x");
  }
  Client other(port());
  EXPECT_EQ(other.ask(get("/hello"))->body, "hello");
}

TEST_F(StreamTest, AsksAgainAfterTheTimeThatTheStreamNames) {
  std::vector<std::int64_t> at_ms;
  script.live = true;
  script.next = [&](int call, std::string& out) {
    at_ms.push_back(steady_now_ms());
    out = "x";
    return BodyStream::Next{call == 4 ? Then::end : Then::wait, 30};
  };
  stream();
  start();
  Client client(port());
  EXPECT_EQ(client.ask(get("/stream"))->body, "xxxxx");
  ASSERT_EQ(at_ms.size(), 5u);
  for (std::size_t i = 1; i < at_ms.size(); ++i) EXPECT_GE(at_ms[i] - at_ms[i - 1], 30);
  EXPECT_EQ(client.ask(get("/hello"))->body, "hello");
}

TEST_F(StreamTest, AnswersWhatIsPipelinedBehindAStreamAfterIt) {
  Gate sent;
  script.live = true;
  script.next = [&](int, std::string& out) {
    out = sent.is_open() ? "last" : "more";
    return BodyStream::Next{sent.is_open() ? Then::end : Then::wait, 5};
  };
  stream();
  start();
  Client client(port());
  client.send(get("/stream"));
  ASSERT_TRUE(client.read_head());
  client.send(get("/hello") + get("/hello"));
  EXPECT_EQ(client.read_chunk(), "more");
  sent.open();
  while (auto piece = client.read_chunk())
    if (piece->empty()) break;
  EXPECT_EQ(client.read()->body, "hello");
  EXPECT_EQ(client.read()->body, "hello");
}

TEST_F(StreamTest, GoesOnWhenTheQueueOfWorkersWasFull) {
  Gate gate, entered;
  script.next = [&](int call, std::string& out) {
    out = "x";
    return BodyStream::Next{call == 3 ? Then::end : Then::wait, 200};
  };
  stream();
  routes.get("/block", [&](api::Context&, api::Request&) {
    entered.open();
    gate.wait();
    return test::text("done");
  });
  settings.worker_threads = 1;
  limits().queue_depth_max = 0;
  start();
  Client streaming(port()), blocking(port());
  streaming.send(get("/stream"));
  ASSERT_TRUE(streaming.read_head());
  blocking.send(get("/block"));
  ASSERT_TRUE(entered.wait());
  EXPECT_EQ(streaming.read_chunk(), "x");
  int const made = script.calls;
  EXPECT_FALSE(streaming.readable_within(400)) << "the only worker is taken";
  EXPECT_EQ(script.calls, made);
  gate.open();
  std::string rest;
  while (auto piece = streaming.read_chunk()) {
    if (piece->empty()) break;
    rest += *piece;
  }
  EXPECT_EQ(rest, "xxx");
  EXPECT_EQ(blocking.read()->body, "done");
}

TEST_F(StreamTest, EndsWhenItsKeyIsRevoked) {
  one_event();
  stream(api::Needs::key({api::Permission::create_user}));
  start();
  Client client(port());
  client.send(get("/stream", "Authorization: Bearer good\r\n"));
  ASSERT_TRUE(client.read_head());
  EXPECT_EQ(client.read_chunk(), "event\n");
  EXPECT_FALSE(client.readable_within(1'000)) << "a good key is looked at again, too";
  key.revoked = true;
  auto const began = steady_now_ms();
  EXPECT_EQ(client.read_chunk(), std::nullopt);
  EXPECT_LT(steady_now_ms() - began, 1'000);
  EXPECT_TRUE(eventually([&] { return answers("4xx") == 1; }));
}

TEST_F(StreamTest, DrainEndsLiveStreamsAtOnceAndLetsOthersFinish) {
  Gate half_read;
  script.next = [&](int call, std::string& out) {
    out = "piece " + std::to_string(call);
    if (call == 1) half_read.wait();
    return BodyStream::Next{call == 3 ? Then::end : Then::more};
  };
  Script live;
  live.live = true;
  live.next = [](int, std::string& out) {
    out = "event\n";
    return BodyStream::Next{Then::wait, 600'000};
  };
  stream();
  routes.get("/live", [&](api::Context&, api::Request&) {
    api::Response response{.status = 200, .content_type = "text/event-stream"};
    response.stream = std::make_shared<ScriptedStream>(live);
    return api::Answer{.raw = std::move(response)};
  });
  start();
  Client download(port()), events(port());
  download.send(get("/stream"));
  events.send(get("/live"));
  ASSERT_TRUE(download.read_head());
  ASSERT_TRUE(events.read_head());
  EXPECT_EQ(events.read_chunk(), "event\n");
  std::thread drain([&] { server->drain(test::kPatienceMs); });
  EXPECT_EQ(events.read_chunk(), "") << "a whole body, so that its reader knows that it may come again";
  events.finish_sending();
  half_read.open();
  std::string all;
  while (auto piece = download.read_chunk()) {
    if (piece->empty()) break;
    all += *piece;
  }
  EXPECT_EQ(all, "piece 0piece 1piece 2piece 3");
  download.finish_sending();
  drain.join();
  server.reset();  // before `live`
}

TEST_F(StreamTest, CutsWhatStillRunsAfterTheGrace) {
  flood();
  stream();
  start();
  Client client(port());
  client.send(get("/stream"));
  ASSERT_TRUE(client.read_head());
  server->drain(100);
  EXPECT_TRUE(script.destroyed.is_open());
  std::string last = "x";
  while (auto piece = client.read_chunk()) last = *piece;
  EXPECT_NE(last, "") << "a body that was cut must not look whole";
  EXPECT_EQ(answers("5xx"), 1);
}

TEST_F(StreamTest, ServesManyStreamsAtOnce) {
  script.next = [](int, std::string&) { return BodyStream::Next{}; };
  routes.get("/count", [&](api::Context&, api::Request&) {
    struct Count final : BodyStream {
      int at = 0;
      Next next(std::string& out) override {
        for (int i = 0; i < 2'000; ++i) out += std::to_string(at++) + "\n";
        return {at == 40'000 ? Then::end : at % 6'000 == 0 ? Then::wait : Then::more, 1};
      }
    };
    api::Response response{.status = 200, .content_type = "text/plain"};
    response.stream = std::make_shared<Count>();
    return api::Answer{.raw = std::move(response)};
  });
  settings.io_threads = 2;
  start();
  std::string whole;
  for (int i = 0; i < 40'000; ++i) whole += std::to_string(i) + "\n";
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  for (int c = 0; c < 12; ++c)
    clients.emplace_back([&] {
      Client client(port());
      for (int i = 0; i < 3; ++i) {
        auto reply = client.ask(get("/count"));
        right += reply && reply->body == whole;
      }
    });
  for (auto& client : clients) client.join();
  EXPECT_EQ(right, 36);
}

}  // namespace
}  // namespace fealty::http
