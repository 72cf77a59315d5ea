#include "http/server.h"
#include "client.h"

namespace fealty::http {
namespace {

using api::Method;
using test::Client;
using test::Gate;
using test::get;
using test::post;
using test::ServerTest;
using test::text;

// Asks again and again for what only a look from outside shows.
template <class Condition>
bool eventually(Condition condition) {
  auto const until = std::chrono::steady_clock::now() + std::chrono::milliseconds(test::kPatienceMs);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  routes.add_usual();
  start();
  Client client(port());
  for (int i = 0; i < 3; ++i) {
    auto reply = client.ask(get("/hello"));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "hello");
    EXPECT_EQ(reply->headers["content-type"], "text/plain");
    EXPECT_EQ(reply->headers["cache-control"], "no-store");
    EXPECT_TRUE(reply->headers["date"].ends_with(" GMT"));
    EXPECT_FALSE(reply->headers.contains("connection"));
  }
  auto last = client.ask(get("/hello", "Connection: close\r\n"));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->headers["connection"], "close");
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  routes.add_usual();
  start();
  Client client(port());
  std::string all;
  for (int i = 0; i < 50; ++i) all += i % 3 == 0 ? get("/hello") : post("/echo", "body " + std::to_string(i));
  all += get("/nothing");
  client.send(all);
  for (int i = 0; i < 50; ++i) {
    auto reply = client.read();
    ASSERT_TRUE(reply) << i;
    EXPECT_EQ(reply->body, i % 3 == 0 ? "hello" : "body " + std::to_string(i));
  }
  EXPECT_EQ(client.read()->status, 404);
}

TEST_F(ServerTest, UnderstandsRequestsThatArriveByteByByte) {
  routes.add_usual();
  start();
  Client client(port());
  std::string const chunked = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
  for (auto const& request : {post("/echo", "hello world"), chunked})
    for (char c : request) ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_EQ(client.read()->body, "hello world");
  EXPECT_EQ(client.read()->body, "abcde");
}

TEST_F(ServerTest, OverlooksLineEndsBetweenRequests) {
  routes.add_usual();
  start();
  Client client(port());
  client.send("\r\n" + get("/hello") + "\r\n\r\n" + get("/hello"));
  EXPECT_EQ(client.read()->status, 200);
  EXPECT_EQ(client.read()->status, 200);
}

TEST_F(ServerTest, AnswersHeadWithoutBody) {
  routes.add_usual();
  routes.get("/big", [](api::Context&, api::Request&) { return text(std::string(200'000, 'x')); });
  start();
  Client client(port());
  client.send("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\nHEAD /big HTTP/1.1\r\nHost: x\r\n\r\n" + get("/hello"));
  EXPECT_EQ(client.read(true)->headers["content-length"], "5");
  EXPECT_EQ(client.read(true)->headers["content-length"], "200000");
  EXPECT_EQ(client.read()->body, "hello");
}

TEST_F(ServerTest, SpeaksHttp10) {
  routes.add_usual();
  start();
  Client once(port());
  auto reply = once.ask("GET /hello HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "hello");
  EXPECT_TRUE(once.closed());
  Client kept(port());
  EXPECT_EQ(kept.ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")->headers["connection"], "keep-alive");
  EXPECT_EQ(kept.ask("GET /hello HTTP/1.0\r\n\r\n")->body, "hello");
}

TEST_F(ServerTest, SendsLargeAnswersWhole) {
  std::string big;
  for (int i = 0; big.size() < 20'000'000; ++i) big += std::to_string(i) + "\n";
  routes.get("/big", [&](api::Context&, api::Request&) { return text(big); });
  routes.get("/static", [&](api::Context&, api::Request&) {
    api::Answer answer = text("not this");
    answer.raw->static_body = big;
    return answer;
  });
  routes.add_usual();
  start();
  Client client(port());
  client.send(get("/hello") + get("/big") + get("/static") + get("/hello"));
  EXPECT_EQ(client.read()->body, "hello");
  EXPECT_TRUE(client.read()->body == big);
  EXPECT_TRUE(client.read()->body == big);
  EXPECT_EQ(client.read()->body, "hello");
}

TEST_F(ServerTest, RefusesMalformedRequestsAndCloses) {
  routes.add_usual();
  limits().header_bytes_max = 1000;
  limits().json_body_bytes_max = 100;
  start();
  struct {
    std::string request;
    int status;
  } const cases[] = {
      {"GET /hello HTTP/1.1\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\nHost: a\n\n", 400},
      {"\x16\x03\x01\x02", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n", 400},
      {"GET /hello HTTP/1.1\r\nHost: a\r\nX: " + std::string(1000, 'x') + "\r\n\r\n", 431},
      {"GET /" + std::string(2000, 'x'), 431},
      {post("/echo", std::string(101, 'x')), 413},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') + "\r\n0\r\n\r\n", 413},
      {"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\n", 405},
  };
  for (auto const& c : cases) {
    Client client(port());
    auto reply = client.ask(c.request);
    ASSERT_TRUE(reply) << c.request;
    EXPECT_EQ(reply->status, c.status) << c.request;
    EXPECT_EQ(reply->headers["connection"], "close") << c.request;
    EXPECT_NE(reply->body.find("\"status\":\"error\""), std::string::npos) << reply->body;
    EXPECT_NE(reply->headers["x-request-id"], "");
    client.finish_sending();
    EXPECT_TRUE(client.closed()) << c.request;
  }
  EXPECT_GE(metric("fealty_http_rejected_total{reason=\"malformed\"}"), 10);
}

TEST_F(ServerTest, KeepsTheConnectionAfterErrorsThatLeaveItInOrder) {
  routes.add_usual();
  start();
  Client client(port());
  struct {
    std::string request;
    int status;
  } const cases[] = {
      {get("/nothing"), 404},
      {post("/nothing", "some body"), 404},
      {get("/hello?%"), 400},
      {post("/hello", "some body"), 405},
      {"BREW /hello HTTP/1.1\r\nHost: a\r\n\r\n", 405},
      {"BREW /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404},
      {"GET hello HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET http://other/hello HTTP/1.1\r\nHost: a\r\n\r\n", 200},
      {"GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 200},
  };
  for (auto const& c : cases) {
    auto reply = client.ask(c.request);
    ASSERT_TRUE(reply) << c.request;
    EXPECT_EQ(reply->status, c.status) << c.request;
    EXPECT_FALSE(reply->headers.contains("connection"));
  }
}

TEST_F(ServerTest, AsksForTheBodyOfAClientThatWaitsToSendIt) {
  routes.add_usual();
  start();
  Client client(port());
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read()->status, 100);
  EXPECT_EQ(client.ask("ok")->body, "ok");
  // The answer is there before the body is asked for: it is not asked for.
  auto reply = client.ask("POST /nothing HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(reply->status, 404);
  EXPECT_EQ(reply->headers["connection"], "close");
}

TEST_F(ServerTest, TimesOutSlowHeadsAndSilentConnections) {
  routes.add_usual();
  limits().header_timeout_ms = 150;
  limits().idle_timeout_ms = 200;
  limits().body_progress_timeout_ms = 150;
  start();
  Client silent(port()), slow(port()), stuck(port()), kept(port());
  slow.send("GET /hello HTTP/1.1\r\nHo");
  stuck.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(kept.ask(get("/hello"))->status, 200);
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(kept.closed());
  for (Client* client : {&slow, &stuck}) {
    auto reply = client->read();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 408);
    EXPECT_NE(reply->body.find("request_timeout"), std::string::npos);
    EXPECT_TRUE(client->closed());
  }
}

TEST_F(ServerTest, ClosesOnAClientThatDoesNotReadItsAnswer) {
  std::string const big(50'000'000, 'x');
  routes.get("/big", [&](api::Context&, api::Request&) {
    api::Answer answer = text("");
    answer.raw->static_body = big;
    return answer;
  });
  limits().write_timeout_ms = 150;
  start();
  Client client(port());
  client.send(get("/big"));
  EXPECT_TRUE(eventually([&] { return metric("fealty_http_requests_total{method=\"GET\",route=\"test.0\",status=\"2xx\"}") == 1; }));
  EXPECT_TRUE(eventually([&] { return metric("fealty_http_connections") == 0; }));
  server.reset();  // it sends from `big`
}

TEST_F(ServerTest, AnswersOverloadedWhenTheQueueIsFull) {
  Gate gate;
  Gate entered;
  routes.get("/wait", [&](api::Context&, api::Request&) {
    entered.open();
    gate.wait();
    return text("done");
  });
  settings.worker_threads = 1;
  limits().queue_depth_max = 1;
  start();
  Client running(port()), waiting(port()), refused(port());
  running.send(get("/wait"));
  ASSERT_TRUE(entered.wait());
  waiting.send(get("/wait"));
  ASSERT_TRUE(eventually([&] { return metric("fealty_http_queue_depth") == 1; }));
  auto reply = refused.ask(get("/wait"));
  EXPECT_EQ(reply->status, 503);
  EXPECT_EQ(reply->headers["retry-after"], "1");
  EXPECT_NE(reply->body.find("overloaded"), std::string::npos);
  EXPECT_EQ(metric("fealty_http_rejected_total{reason=\"queue_full\"}"), 1);
  gate.open();
  EXPECT_EQ(running.read()->body, "done");
  EXPECT_EQ(waiting.read()->body, "done");
  EXPECT_EQ(refused.ask(get("/wait"))->body, "done");
}

TEST_F(ServerTest, AHandlerThatAnswersLaterHoldsNoWorkerAndIsWaitedFor) {
  std::mutex mutex;
  std::vector<api::Done> waiting;
  routes.later("/later", [&](api::Context&, api::Request&, api::Done done) {
    std::lock_guard lock(mutex);
    waiting.push_back(std::move(done));
  });
  routes.add_usual();
  settings.worker_threads = 1;
  start();
  constexpr std::size_t kClients = 8;
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Client>(port()));
    clients.back()->send(get("/later"));
  }
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return waiting.size() == kClients;
  }));
  Client other(port());
  EXPECT_EQ(other.ask(get("/hello"))->body, "hello") << "the only worker is free";
  clients.back()->finish_sending();  // one goes away meanwhile
  std::thread drain([&] { server->drain(test::kPatienceMs); });
  EXPECT_TRUE(other.closed());
  other.finish_sending();
  for (std::size_t i = 0; i < kClients; ++i) {
    if (i % 2)
      waiting[i](text("done"), nullptr);
    else
      waiting[i](api::Answer{}, std::make_exception_ptr(std::runtime_error("no")));
  }
  std::map<int, int> statuses;
  for (auto& client : clients) {
    auto const reply = client->read();
    ASSERT_TRUE(reply);
    ++statuses[reply->status];
    client->finish_sending();
  }
  EXPECT_EQ(statuses, (std::map<int, int>{{200, 4}, {500, 4}}));
  drain.join();
}

// Routes that say where they ran.
class QuickRoutes : public ServerTest {
 protected:
  static constexpr char kKey[] = "Authorization: Bearer good\r\n";
  void SetUp() override {
    settings.worker_threads = 1;
    settings.io_threads = 1;
    settings.pipeline.around_quick = [this](std::function<void()> const& steps) {
      ++around_;
      steps();
    };
    routes.quick("/where", [](api::Context& c, api::Request&) { return text(c.on_io_thread ? "io" : "worker"); });
    routes.quick("/long", [](api::Context& c, api::Request&) {
      c.may_take_long();
      return text(c.on_io_thread ? "io" : "worker");
    });
  }
  std::string where(Client& client, std::string const& path = "/where", std::string const& headers = kKey) {
    auto const reply = client.ask(get(path, headers));
    return reply ? reply->body : "nothing";
  }
  std::atomic<int> around_{0};
};

TEST_F(QuickRoutes, AreAnsweredWhileAllWorkersAreBusy) {
  Gate gate, entered;
  routes.get("/wait", [&](api::Context&, api::Request&) {
    entered.open();
    gate.wait();
    return text("done");
  });
  start();
  Client busy(port()), client(port());
  busy.send(get("/wait"));
  ASSERT_TRUE(entered.wait());
  EXPECT_EQ(where(client), "io");
  EXPECT_EQ(client.ask(get("/where"))->status, 401);
  EXPECT_EQ(around_, 2);
  gate.open();
  EXPECT_EQ(busy.read()->body, "done");
}

TEST_F(QuickRoutes, GoToAWorkerWhenTheyFindMuchToDoAndAreAdmittedOnce) {
  start();
  Client client(port());
  EXPECT_EQ(where(client, "/long"), "worker");
  EXPECT_EQ(key.admitted, 1);
  EXPECT_EQ(around_, 1);
  EXPECT_EQ(where(client), "io") << "it was the request's fault, not the thread's";
}

TEST_F(QuickRoutes, GoToAWorkerWhenTheirCredentialMayTakeLonger) {
  start();
  Client client(port());
  EXPECT_EQ(client.ask(get("/where", "Authorization: Bearer slow\r\n"))->status, 401);
  EXPECT_EQ(around_, 0);
}

TEST_F(QuickRoutes, GoToAWorkerWhereStorageMayHaveToBeWaitedFor) {
  settings.pipeline.around_quick = {};
  start();
  Client client(port());
  EXPECT_EQ(where(client), "worker");
}

TEST_F(QuickRoutes, GoToWorkersForAWhileAfterOneThatWasSlow) {
  routes.quick("/slow", [](api::Context& c, api::Request&) {
    // What waits for a disk looks like this.
    auto const until = std::chrono::steady_clock::now() + std::chrono::milliseconds(25);
    while (std::chrono::steady_clock::now() < until) {}
    return text(c.on_io_thread ? "io" : "worker");
  });
  start();
  Client client(port());
  EXPECT_EQ(where(client, "/slow"), "io");
  EXPECT_EQ(where(client), "worker");
  EXPECT_TRUE(eventually([&] { return where(client) == "io"; }));
}

TEST_F(QuickRoutes, OfOneConnectionLetOthersInBetween) {
  Gate held;
  std::vector<std::string> order;  // of the one I/O thread
  routes.quick("/name/{name}", [&](api::Context&, api::Request& r) {
    if (order.empty()) held.wait();
    order.push_back(r.path_args[0]);
    return text(r.path_args[0]);
  });
  start();
  Client many(port()), one(port());
  EXPECT_EQ(where(one), "io");  // both connections are known to the thread
  EXPECT_EQ(where(many), "io");
  std::string pipelined;
  for (int i = 0; i < 100; ++i) pipelined += get("/name/many", kKey);
  many.send(pipelined);
  one.send(get("/name/one", kKey));
  held.open();
  EXPECT_EQ(one.read()->body, "one");
  for (int i = 0; i < 100; ++i) EXPECT_EQ(many.read()->body, "many");
  EXPECT_LT(std::ranges::find(order, "one") - order.begin(), 100);
}

TEST_F(ServerTest, AHandlerThatCannotBeginIsAnsweredForIt) {
  routes.later("/throws", [](api::Context&, api::Request&, api::Done const&) { throw std::runtime_error("no"); });
  routes.later("/at_once", [](api::Context&, api::Request&, api::Done done) { done(text("here"), nullptr); });
  start();
  Client client(port());
  EXPECT_EQ(client.ask(get("/throws"))->status, 500);
  EXPECT_EQ(client.ask(get("/at_once"))->body, "here");
}

TEST_F(ServerTest, AnswersOverloadedToThoseWhoWaitedPastTheirDeadline) {
  Gate gate, entered;
  std::atomic<int> ran = 0;
  routes.get("/wait", [&](api::Context&, api::Request&) {
    ++ran;
    entered.open();
    gate.wait();
    return text("done");
  });
  settings.worker_threads = 1;
  limits().request_deadline_ms = 30;
  start();
  Client running(port()), waiting(port());
  running.send(get("/wait"));
  ASSERT_TRUE(entered.wait());
  waiting.send(get("/wait"));
  ASSERT_TRUE(eventually([&] { return metric("fealty_http_queue_depth") == 1; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(40));  // the deadline itself is what passes here
  gate.open();
  EXPECT_EQ(running.read()->status, 200);
  EXPECT_EQ(waiting.read()->status, 503);
  EXPECT_EQ(ran, 1);
}

TEST_F(ServerTest, AnswersOverloadedWhenTheBodiesOfAllWouldFillTheMemory) {
  routes.add_usual();
  limits().json_bodies_node_bytes_max = 100'000;
  start();
  Client holding(port()), refused(port());
  std::string const body(90'000, 'x'), request = post("/echo", body);
  holding.send(request.substr(0, request.size() - 10'000));
  ASSERT_TRUE(eventually([&] { return metric("fealty_http_gathered_body_bytes") == 80'000; }));
  auto reply = refused.ask(request);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 503);
  EXPECT_EQ(reply->headers["retry-after"], "1");
  EXPECT_TRUE(refused.closed());
  EXPECT_TRUE(holding.ask(request.substr(request.size() - 10'000))->body == body);
  EXPECT_TRUE(eventually([&] { return metric("fealty_http_gathered_body_bytes") <= 10'000; }));
  Client later(port());
  EXPECT_TRUE(later.ask(request)->body == body);
}

TEST_F(ServerTest, RefusesConnectionsOverTheLimit) {
  routes.add_usual();
  limits().connections_max = 2;
  start();
  auto one = std::make_unique<Client>(port());
  Client two(port());
  EXPECT_EQ(one->ask(get("/hello"))->status, 200);
  EXPECT_EQ(two.ask(get("/hello"))->status, 200);
  Client three(port());
  auto reply = three.ask(get("/hello"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 503);
  EXPECT_EQ(reply->headers["retry-after"], "1");
  EXPECT_TRUE(three.closed());
  one.reset();
  EXPECT_TRUE(eventually([&] {
    Client again(port());
    auto got = again.ask(get("/hello"));
    return got && got->status == 200;
  }));
}

TEST_F(ServerTest, DrainFinishesWhatRunsAndTakesNothingNew) {
  Gate gate, entered;
  routes.get("/wait", [&](api::Context&, api::Request&) {
    entered.open();
    gate.wait();
    return text("done");
  });
  routes.add_usual();
  start();
  Client running(port()), idle(port()), begun(port());
  EXPECT_EQ(idle.ask(get("/hello"))->status, 200);
  EXPECT_EQ(begun.ask(get("/hello"))->status, 200);
  begun.send("GET /hello HTTP/1.1\r\nHost: ");
  running.send(get("/wait"));
  ASSERT_TRUE(entered.wait());
  std::thread drain([&] { server->drain(test::kPatienceMs); });
  EXPECT_TRUE(idle.closed());
  auto refused = begun.ask("a\r\n\r\n");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->headers["connection"], "close");
  EXPECT_NE(refused->body.find("shutting_down"), std::string::npos);
  gate.open();
  auto reply = running.read();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "done");
  EXPECT_EQ(reply->headers["connection"], "close");
  running.finish_sending();
  begun.finish_sending();
  drain.join();
}

TEST_F(ServerTest, SaysWhyItCannotListenAndFreesItsPort) {
  routes.add_usual();
  start();
  ServerSettings same = settings;
  same.port = port();
  {
    Server second(same, routes.table, key, metrics);
    EXPECT_THROW(second.start(), std::runtime_error);
  }
  server.reset();
  Server third(same, routes.table, key, metrics);
  third.start();
  Client client(third.port());
  EXPECT_EQ(client.ask(get("/hello"))->status, 200);
  ServerSettings bad = settings;
  bad.address = "not an address";
  Server fourth(bad, routes.table, key, metrics);
  EXPECT_THROW(fourth.start(), std::runtime_error);
}

TEST_F(ServerTest, ServesManyConnectionsOnSeveralLoops) {
  routes.add_usual();
  settings.io_threads = 3;
  start();
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  for (int c = 0; c < 8; ++c)
    clients.emplace_back([&, c] {
      for (int round = 0; round < 5; ++round) {
        Client client(port());
        for (int i = 0; i < 20; ++i) {
          std::string body = std::to_string(c * 1000 + i);
          auto reply = client.ask(post("/echo", body));
          if (reply && reply->body == body) ++right;
        }
      }
    });
  for (auto& client : clients) client.join();
  EXPECT_EQ(right, 8 * 5 * 20);
}

TEST_F(ServerTest, StopsWhileClientsAreInEveryState) {
  routes.add_usual();
  for (int round = 0; round < 3; ++round) {
    start();
    Client idle(port()), begun(port()), sending(port());
    idle.ask(get("/hello"));
    begun.send("GET /hel");
    sending.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    server.reset();
    EXPECT_TRUE(idle.closed());
  }
}

}  // namespace
}  // namespace fealty::http
