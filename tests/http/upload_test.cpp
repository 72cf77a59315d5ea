#include "client.h"

namespace fealty::http {
namespace {

using api::BodyAborted;
using test::Client;
using test::Gate;
using test::get;
using test::post;
using test::ServerTest;
using test::text;

std::size_t read_all(api::BodySource& body) {
  std::array<char, 10'000> buffer;
  std::size_t count = 0;
  while (std::size_t n = body.read(buffer)) count += n;
  return count;
}

api::Handler count_bytes() {
  return [](api::Context&, api::Request& request) { return text(std::to_string(read_all(*request.stream))); };
}

std::string upload_head(std::string_view length, std::string_view more = "") {
  return "POST /upload HTTP/1.1\r\nHost: a\r\n" + std::string(more) + "Content-Length: " + std::string(length) + "\r\n\r\n";
}

class UploadTest : public ServerTest {
 protected:
  // A handler that notes how its body ended.
  api::Handler noting() {
    return [this](api::Context&, api::Request& request) {
      began.open();
      try {
        read_all(*request.stream);
      } catch (BodyAborted const& e) {
        why = e.why;
        ended.open();
        throw;
      }
      ended.open();
      return text("whole");
    };
  }
  Gate began, ended;
  std::optional<BodyAborted::Why> why;  // after `ended`
};

TEST_F(UploadTest, StreamsBodiesOfAnyFraming) {
  std::string body;
  for (int i = 0; body.size() < 3'000'000; ++i) body += std::to_string(i) + ",";
  std::string received;
  std::vector<std::optional<std::int64_t>> declared;
  routes.upload("/upload", [&](api::Context&, api::Request& request) {
    std::array<char, 30'000> buffer;
    received.clear();
    declared.push_back(request.stream->declared_length());
    while (std::size_t n = request.stream->read(buffer)) received.append(buffer.data(), n);
    return text("ok");
  });
  start();
  Client client(port());
  client.send(upload_head(std::to_string(body.size())));
  client.send(body);
  EXPECT_EQ(client.read()->status, 200);
  EXPECT_TRUE(received == body);
  client.send("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (std::size_t at = 0; at < body.size(); at += 70'001) {
    std::string_view piece = std::string_view(body).substr(at, 70'001);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    client.send(size);
    client.send(piece);
    client.send("\r\n");
  }
  auto reply = client.ask("0\r\n\r\n");
  EXPECT_EQ(reply->status, 200);
  EXPECT_FALSE(reply->headers.contains("connection"));
  EXPECT_TRUE(received == body);
  EXPECT_EQ(client.ask(upload_head("0"))->status, 200);
  EXPECT_EQ(received, "");
  EXPECT_EQ(declared, (std::vector<std::optional<std::int64_t>>{static_cast<std::int64_t>(body.size()), std::nullopt, 0}));
}

TEST_F(UploadTest, StopsReadingTheSocketWhileTheHandlerIsBehind) {
  Gate gate;
  routes.upload("/upload", [&](api::Context&, api::Request& request) {
    gate.wait();
    return text(std::to_string(read_all(*request.stream)));
  });
  start();
  constexpr std::size_t kTotal = 256 * 1024 * 1024;
  Client client(port(), 64 * 1024);
  client.send(upload_head(std::to_string(kTotal)));
  std::size_t sent = client.send_until_stuck(kTotal, 500);
  // Beyond the pipe and the session's buffer only the kernel's buffers hold anything (a few megabytes by default).
  EXPECT_LT(sent, 64u * 1024 * 1024);
  EXPECT_GE(sent, 256u * 1024);
  gate.open();
  sent += client.send_until_stuck(kTotal - sent, test::kPatienceMs);
  EXPECT_EQ(sent, kTotal);
  EXPECT_EQ(client.read()->body, std::to_string(kTotal));
}

TEST_F(UploadTest, ASlowHandlerIsNotTheClientsFault) {
  Gate gate;
  limits().body_progress_timeout_ms = 100;
  routes.upload("/upload", [&](api::Context&, api::Request& request) {
    gate.wait();
    return text(std::to_string(read_all(*request.stream)));
  });
  start();
  Client client(port(), 64 * 1024);
  client.send(upload_head("20000000"));
  // Longer than the timeout: nothing moves, since the pipe is full.
  std::size_t sent = client.send_until_stuck(20'000'000, 400);
  gate.open();
  sent += client.send_until_stuck(20'000'000 - sent, test::kPatienceMs);
  EXPECT_EQ(sent, 20'000'000u);
  EXPECT_EQ(client.read()->body, "20000000");
}

TEST_F(UploadTest, AsksForTheBodyWhenTheHandlerFirstReads) {
  Gate gate;
  routes.upload("/upload", [&](api::Context&, api::Request& request) {
    gate.wait();
    return text(std::to_string(read_all(*request.stream)));
  });
  routes.upload("/refuse", [](api::Context&, api::Request&) -> Result<api::Answer> { return fail(errors::kForbidden, "No."); });
  start();
  Client client(port());
  client.send(upload_head("5", "Expect: 100-continue\r\n"));
  EXPECT_FALSE(client.readable_within(150));
  gate.open();
  EXPECT_EQ(client.read()->status, 100);
  EXPECT_EQ(client.ask("12345")->body, "5");
  auto refused = client.ask("POST /refuse HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->headers["connection"], "close");
}

TEST_F(UploadTest, ShowsAnEarlyAnswerToAClientThatStillSends) {
  routes.upload("/upload", [](api::Context&, api::Request& request) -> Result<api::Answer> {
    std::array<char, 100> buffer;
    request.stream->read(buffer);
    return fail(errors::kUnsupportedMediaType, "This is no CSV file.");
  });
  start();
  for (int round = 0; round < 5; ++round) {
    Client client(port());
    ASSERT_TRUE(client.send(upload_head("900000")));
    // All of it is sent before the answer is looked at, as simple clients do.
    ASSERT_TRUE(client.send(std::string(900'000, 'x')));
    auto reply = client.read();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 415);
    client.finish_sending();
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(UploadTest, GivesUpOnAClientThatSendsForeverAfterItsAnswer) {
  routes.upload("/upload", [](api::Context&, api::Request&) -> Result<api::Answer> { return fail(errors::kForbidden, "No."); });
  limits().drain_after_error_bytes_max = 100'000;
  start();
  Client client(port());
  client.send(upload_head("400000000"));
  EXPECT_LT(client.send_until_stuck(400'000'000, test::kPatienceMs), 400'000'000u);
}

TEST_F(UploadTest, AbortsABodyThatDoesNotMove) {
  limits().body_progress_timeout_ms = 150;
  routes.upload("/upload", noting());
  start();
  Client client(port());
  client.send(upload_head("1000000") + "some");
  auto reply = client.read();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 408);
  EXPECT_EQ(reply->headers["connection"], "close");
  EXPECT_TRUE(client.closed());
  ASSERT_TRUE(ended.wait());
  EXPECT_EQ(why, BodyAborted::Why::too_slow);
}

TEST_F(UploadTest, AbortsABodyThatOnlyDrips) {
  limits().body_progress_timeout_ms = 200;
  routes.upload("/upload", noting());
  start();
  Client client(port());
  client.send(upload_head("1000000"));
  for (int i = 0; i < 1000 && !client.readable_within(20); ++i) client.send("x");
  EXPECT_EQ(client.read()->status, 408);
}

TEST_F(UploadTest, TellsTheHandlerThatTheClientLeft) {
  routes.upload("/upload", noting());
  start();
  {
    Client client(port());
    client.send(upload_head("1000000") + "some");
    ASSERT_TRUE(began.wait());
  }
  ASSERT_TRUE(ended.wait());
  EXPECT_EQ(why, BodyAborted::Why::client_gone);
}

TEST_F(UploadTest, TellsTheHandlerThatTheChunksAreMalformed) {
  routes.upload("/upload", noting());
  start();
  Client client(port());
  auto reply = client.ask("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcnonsense\r\n");
  EXPECT_EQ(reply->status, 400);
  ASSERT_TRUE(ended.wait());
  EXPECT_EQ(why, BodyAborted::Why::malformed);
}

TEST_F(UploadTest, RefusesBodiesOverTheLimit) {
  limits().bulk_file_bytes_max = 1000;
  routes.upload("/upload", noting());
  start();
  Client declared(port());
  auto reply = declared.ask(upload_head("1050000"));
  EXPECT_EQ(reply->status, 413);
  EXPECT_NE(reply->body.find("\"limit\":1049576"), std::string::npos) << reply->body;
  EXPECT_EQ(why, BodyAborted::Why::malformed);
  Client chunked(port());
  chunked.send("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100590\r\n");
  chunked.send(std::string(0x100590, 'x'));
  reply = chunked.read();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 413);
  EXPECT_NE(reply->body.find("\"limit\":1049576"), std::string::npos) << reply->body;
}

TEST_F(UploadTest, LetsTheHandlerRefuseALongBodyInItsOwnWords) {
  limits().bulk_file_bytes_max = 1000;
  routes.upload("/upload", [](api::Context&, api::Request& request) -> Result<api::Answer> {
    return fail(errors::kForbidden, "No " + std::to_string(*request.stream->declared_length()) + " bytes from you.");
  });
  start();
  Client client(port());
  auto const reply = client.ask(upload_head("1050000"));
  EXPECT_EQ(reply->status, 403);
  EXPECT_NE(reply->body.find("No 1050000 bytes from you."), std::string::npos) << reply->body;
}

TEST_F(UploadTest, RefusesMoreUploadsThanThereAreThreads) {
  limits().bulk_uploads_node_max = 1;
  routes.upload("/upload", noting());
  routes.add_usual();
  start();
  Client first(port()), second(port());
  first.send(upload_head("4"));
  ASSERT_TRUE(began.wait());
  auto reply = second.ask(upload_head("4") + "1234");
  EXPECT_EQ(reply->status, 503);
  EXPECT_NE(reply->headers["retry-after"], "");
  EXPECT_EQ(metric("fealty_http_rejected_total{reason=\"uploads_full\"}"), 1);
  Client other(port());
  EXPECT_EQ(other.ask(get("/hello"))->status, 200);
  EXPECT_EQ(first.ask("1234")->body, "whole");
}

TEST_F(UploadTest, PipelinesRequestsAroundUploads) {
  routes.upload("/upload", count_bytes());
  routes.add_usual();
  start();
  Client client(port());
  client.send(get("/hello") + upload_head("5") + "12345" + post("/echo", "echo") + upload_head("3") + "123" + get("/hello"));
  for (auto wanted : {"hello", "5", "echo", "3", "hello"}) {
    auto reply = client.read();
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->body, wanted);
  }
}

TEST_F(UploadTest, DrainAbortsUploadsAfterItsGrace) {
  routes.upload("/upload", noting());
  start();
  Client client(port());
  client.send(upload_head("1000000") + "some");
  ASSERT_TRUE(began.wait());
  std::thread drain([&] { server->drain(50); });
  auto reply = client.read();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 503);
  EXPECT_NE(reply->body.find("shutting_down"), std::string::npos);
  drain.join();
  EXPECT_EQ(why, BodyAborted::Why::shutting_down);
}

TEST_F(UploadTest, DrainLetsAnUploadFinishWithinItsGrace) {
  routes.upload("/upload", noting());
  start();
  Client client(port());
  Client idle(port());
  client.send(upload_head("8") + "some");
  ASSERT_TRUE(began.wait());
  std::thread drain([&] { server->drain(test::kPatienceMs); });
  EXPECT_TRUE(idle.closed());
  EXPECT_EQ(client.ask("more")->body, "whole");
  client.finish_sending();
  drain.join();
}

}  // namespace
}  // namespace fealty::http
