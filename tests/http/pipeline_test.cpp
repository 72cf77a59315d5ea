#include "http/pipeline.h"
#include "base/text.h"
#include "client.h"

namespace fealty::http {
namespace {

using api::Method;
using test::text;

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() { log::configure(log::Format::text, log::Level::error); }

  api::Response ask(Method method, std::string target, std::vector<api::Header> headers = {}, std::string body = "") {
    Pipeline pipeline(settings, routes.table, key, metrics);
    api::Request request;
    request.method = method;
    request.target = std::move(target);
    request.headers = std::move(headers);
    request.body = std::move(body);
    request.remote_address = "192.0.2.1";
    return pipeline.answer(std::move(request));
  }
  static std::string header(api::Response const& response, std::string_view name) {
    for (auto const& h : response.headers)
      if (equals_ignore_ascii_case(h.name, name)) return h.value;
    return "";
  }

  PipelineSettings settings;
  test::Routes routes;
  test::OneKey key;
  Metrics metrics;
};

TEST_F(PipelineTest, AnswersUnknownRoutesAndMethodsInTheIntegrationForm) {
  routes.add_usual();
  auto unknown = ask(Method::get, "/nothing");
  EXPECT_EQ(unknown.status, 404);
  for (auto part : {"\"status\":\"error\"", "\"code\":\"not_found\"", "\"errors\":[]", "\"requestId\":\""})
    EXPECT_NE(unknown.body.find(part), std::string::npos) << unknown.body;
  auto wrong = ask(Method::del, "/hello");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(header(wrong, "allow"), "GET, HEAD, OPTIONS");
  EXPECT_NE(wrong.body.find("method_not_allowed"), std::string::npos);
}

TEST_F(PipelineTest, KeepsASaneRequestIdAndReplacesOthers) {
  std::string seen;
  routes.get("/id", [&](api::Context& context, api::Request&) {
    seen = context.request_id;
    return text("");
  });
  EXPECT_EQ(header(ask(Method::get, "/id", {{"x-request-id", "a.B_c-9"}}), "x-request-id"), "a.B_c-9");
  EXPECT_EQ(seen, "a.B_c-9");
  std::set<std::string> fresh;
  for (std::string const& bad : {std::string(), std::string(129, 'a'), std::string("a b"), std::string("<x>")}) {
    std::string id = header(ask(Method::get, "/id", {{"x-request-id", bad}}), "x-request-id");
    EXPECT_NE(id, bad);
    EXPECT_EQ(seen, id);
    EXPECT_GE(id.size(), 10u);
    fresh.insert(id);
  }
  EXPECT_EQ(fresh.size(), 4u);
}

TEST_F(PipelineTest, AsksForTheKeyAndThenForItsPermissions) {
  CommunityNo community;
  auto handler = [&](api::Context& context, api::Request&) -> Result<api::Answer> {
    community = context.community;
    return api::Answer{.message = "done", .data = "{}"};
  };
  routes.add(Method::post, "/users", api::BodyKind::json, handler, api::Needs::key({api::Permission::create_user}),
             api::Family::integration);
  routes.add(Method::post, "/users/bulk-update", api::BodyKind::json, handler,
             api::Needs::key({api::Permission::create_user, api::Permission::bulk_update_user}), api::Family::system);
  struct {
    char const *target, *key;
    int status;
    char const* part;
  } const cases[] = {
      {"/v1/users", nullptr, 401, "\"code\":\"unauthorized\""},
      {"/v1/users", "Bearer bad", 401, "\"code\":\"unauthorized\""},
      {"/v1/users", "Bearer good", 200, "\"message\":\"done\""},
      {"/users/bulk-update", nullptr, 401, "\"meta\":{\"success\":false"},
      {"/users/bulk-update", "Bearer good", 401, "Bulk Update User\\\" (bulkUpdateUser)"},
  };
  for (auto const& c : cases) {
    std::vector<api::Header> headers;
    if (c.key) headers.push_back({"authorization", c.key});
    auto response = ask(Method::post, c.target, headers, "{}");
    EXPECT_EQ(response.status, c.status) << c.target << ' ' << response.body;
    EXPECT_NE(response.body.find(c.part), std::string::npos) << response.body;
    EXPECT_EQ(header(response, "www-authenticate"), c.status == 401 ? "Bearer" : "");
  }
  EXPECT_EQ(community.value, 7);
}

TEST_F(PipelineTest, SaysNothingOfWhatWasThrown) {
  routes.get("/throws", [](api::Context&, api::Request&) -> Result<api::Answer> { throw std::runtime_error("password=hunter2"); });
  routes.get("/odd", [](api::Context&, api::Request&) -> Result<api::Answer> { throw 42; });
  routes.add(Method::get, "/locked", api::BodyKind::none, [](api::Context&, api::Request&) { return text(""); }, api::Needs::key({}));
  for (auto response :
       {ask(Method::get, "/throws"), ask(Method::get, "/odd"), ask(Method::get, "/locked", {{"authorization", "Bearer throws"}})}) {
    EXPECT_EQ(response.status, 500);
    EXPECT_NE(response.body.find("internal_error"), std::string::npos);
    EXPECT_EQ(response.body.find("hunter2"), std::string::npos);
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
  }
}

TEST_F(PipelineTest, AnswersKnownExceptionsAsTheHookSays) {
  settings.error_of_exception = [](std::exception_ptr e) -> std::optional<Error> {
    try {
      std::rethrow_exception(e);
    } catch (std::out_of_range const&) {
      return Error{&errors::kStorageUnavailable, "The database is away.", {}, false, 3};
    } catch (...) {
      return std::nullopt;
    }
  };
  routes.get("/known", [](api::Context&, api::Request&) -> Result<api::Answer> { throw std::out_of_range("x"); });
  routes.get("/other", [](api::Context&, api::Request&) -> Result<api::Answer> { throw std::runtime_error("x"); });
  auto known = ask(Method::get, "/known");
  EXPECT_EQ(known.status, 503);
  EXPECT_EQ(header(known, "retry-after"), "3");
  EXPECT_NE(known.body.find("storage_unavailable"), std::string::npos);
  EXPECT_EQ(ask(Method::get, "/other").status, 500);
}

TEST_F(PipelineTest, GivesPathArgumentsDecodedAndUnsplit) {
  std::vector<std::string> args;
  std::string query;
  routes.get("/files/{name}/rows/{row}", [&](api::Context&, api::Request& request) {
    args = request.path_args;
    query = std::string(request.query_value("q").value_or("none"));
    return text("");
  });
  EXPECT_EQ(ask(Method::get, "/files/a%2Fb%20c/rows/%252F?q=1%2B1").status, 200);
  EXPECT_EQ(args, (std::vector<std::string>{"a/b c", "%2F"}));
  EXPECT_EQ(query, "1+1");
  EXPECT_EQ(ask(Method::get, "/files/a%00/rows/1").status, 400);
  EXPECT_EQ(ask(Method::get, "/files/%/rows/1").status, 400);
  EXPECT_EQ(ask(Method::get, "/files/a/b/rows/1").status, 404);
}

TEST_F(PipelineTest, AnswersPreflightsOfConfiguredOriginsAlone) {
  routes.add_usual();
  settings.cors_origins = {"https://good.example"};
  std::vector<api::Header> good = {{"origin", "https://good.example"}, {"access-control-request-method", "POST"}};
  std::vector<api::Header> bad = {{"origin", "https://good.example.evil"}, {"access-control-request-method", "POST"}};
  auto answered = ask(Method::options, "/echo", good);
  EXPECT_EQ(answered.status, 204);
  EXPECT_EQ(header(answered, "access-control-allow-origin"), "https://good.example");
  EXPECT_EQ(header(answered, "access-control-allow-methods"), "POST, OPTIONS");
  EXPECT_NE(header(answered, "access-control-allow-headers").find("x-api-key"), std::string::npos);
  EXPECT_EQ(header(answered, "vary"), "Origin");
  auto plain = ask(Method::options, "/echo", bad);
  EXPECT_EQ(plain.status, 204);
  EXPECT_EQ(header(plain, "allow"), "POST, OPTIONS");
  for (auto const& h : plain.headers) EXPECT_FALSE(h.name.starts_with("Access-Control")) << h.name;
  EXPECT_EQ(ask(Method::options, "/nothing", good).status, 404);
  EXPECT_EQ(ask(Method::options, "*").status, 204);
  EXPECT_EQ(header(ask(Method::post, "/echo", good), "access-control-allow-origin"), "https://good.example");
  EXPECT_EQ(header(ask(Method::post, "/echo", bad), "access-control-allow-origin"), "");
}

TEST_F(PipelineTest, PutsTheCommonHeadersOnEveryAnswer) {
  routes.add_usual();
  routes.get("/cached", [](api::Context&, api::Request&) {
    auto answer = text("x");
    answer.raw->headers.push_back({"cache-control", "max-age=60"});
    return answer;
  });
  for (auto response : {ask(Method::get, "/hello"), ask(Method::get, "/nothing"), ask(Method::get, "/%")}) {
    EXPECT_EQ(header(response, "cache-control"), "no-store");
    EXPECT_EQ(header(response, "x-content-type-options"), "nosniff");
    EXPECT_NE(header(response, "x-request-id"), "");
  }
  EXPECT_EQ(header(ask(Method::get, "/cached"), "cache-control"), "max-age=60");
}

TEST_F(PipelineTest, SendsNoHeaderThatWouldBreakTheAnswer) {
  routes.get("/split", [](api::Context&, api::Request&) {
    auto answer = text("x");
    answer.raw->headers.push_back({"content-disposition", "attachment; filename=\"a\r\nset-cookie: x\""});
    return answer;
  });
  auto response = ask(Method::get, "/split");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(header(response, "content-disposition"), "");
}

TEST_F(PipelineTest, RefusesABodyOverTheLimitAndNamesTheLimit) {
  routes.add_usual();
  settings.limits.json_body_bytes_max = 10;
  EXPECT_EQ(ask(Method::post, "/echo", {}, "0123456789").status, 200);
  auto response = ask(Method::post, "/echo", {}, "0123456789x");
  EXPECT_EQ(response.status, 413);
  EXPECT_NE(response.body.find("\"limit\":10"), std::string::npos) << response.body;
}

TEST_F(PipelineTest, BelievesForwardedAddressesOfTrustedProxiesAlone) {
  std::string seen;
  bool secure = false;
  routes.get("/who", [&](api::Context& context, api::Request& request) {
    seen = context.remote_address;
    secure = request.secure;
    return text("");
  });
  std::vector<api::Header> headers = {{"x-forwarded-for", "198.51.100.7"}, {"x-forwarded-proto", "https"}};
  ask(Method::get, "/who", headers);
  EXPECT_EQ(seen, "192.0.2.1");
  EXPECT_FALSE(secure);
  settings.trusted_proxies = {"192.0.2.0/24"};
  ask(Method::get, "/who", headers);
  EXPECT_EQ(seen, "198.51.100.7");
  EXPECT_TRUE(secure);
}

// Keeps what it is told, and does not want reads.
struct Notebook final : access::RequestRecorder {
  bool wants(CommunityNo, bool reads, int status) const override { return !reads || status >= 400; }
  void record(access::RequestRecord record) override { records.push_back(std::move(record)); }
  std::vector<access::RequestRecord> records;
};

TEST_F(PipelineTest, TellsTheRecorderOfRequestsOfAKnownCommunityWithoutTheirValues) {
  Notebook notebook;
  settings.recorder = &notebook;
  auto const handler = [](api::Context&, api::Request&) -> Result<api::Answer> {
    return fail(errors::kInvalidRequest, "\"secret\" is wrong.", {{"/name", "bad_value", "secret"}, {"/mia@example.org", "unknown", "?"}});
  };
  auto const needs = api::Needs::key({api::Permission::create_user});
  routes.add(Method::post, "/users/{id}", api::BodyKind::json, handler, needs, api::Family::integration);
  routes.add(
      Method::get, "/users/{id}", api::BodyKind::none, [](api::Context&, api::Request&) { return text("x"); }, needs,
      api::Family::integration);
  routes.add(
      Method::post, "/locked", api::BodyKind::none, [](api::Context&, api::Request&) { return text("x"); },
      api::Needs::key({api::Permission::badge}), api::Family::integration);
  std::vector<api::Header> const good{{"authorization", "Bearer good"}, {"user-agent", "curl/8"}, {"x-request-id", "q-1"}};
  ask(Method::post, "/v1/users/secret?token=secret", good, R"({"a":"secret"})");
  ask(Method::get, "/v1/users/secret", good);
  ask(Method::post, "/v1/users/secret", {{"authorization", "Bearer bad"}});
  ask(Method::post, "/v1/users/secret");
  ask(Method::post, "/v1/nothing", good);
  ask(Method::post, "/v1/locked", good);
  ASSERT_EQ(notebook.records.size(), 2u) << "not the read, nor who is unknown, nor what is no route";
  auto const& r = notebook.records[0];
  EXPECT_EQ(r.community, CommunityNo{7});
  EXPECT_EQ(r.method + " " + r.path, "POST /v1/users/{id}");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.code, "invalid_request");
  EXPECT_EQ(r.errors, R"([{"field":"/name","code":"bad_value"},{"field":"/…","code":"unknown"}])");
  EXPECT_EQ(r.caller_prefix, "fk_good");
  EXPECT_EQ(r.request_id, "q-1");
  EXPECT_EQ(r.user_agent, "curl/8");
  EXPECT_EQ(r.request_bytes, 14);
  EXPECT_GT(r.response_bytes, 0);
  for (auto const& each : notebook.records)
    EXPECT_EQ((each.path + each.errors + each.operation + each.code + each.user_agent).find("secret"), std::string::npos);
  EXPECT_EQ(notebook.records[1].code, "insufficient_permission") << "refused before it was admitted";
}

TEST_F(PipelineTest, CountsRequestsByRouteMethodAndStatus) {
  routes.add_usual();
  ask(Method::get, "/hello");
  ask(Method::get, "/hello");
  ask(Method::get, "/nothing");
  std::string all = metrics.render();
  for (auto line : {"fealty_http_requests_total{method=\"GET\",route=\"test.0\",status=\"2xx\"} 2",
                    "fealty_http_requests_total{method=\"GET\",route=\"none\",status=\"4xx\"} 1",
                    "fealty_http_request_duration_seconds_count{route=\"test.0\"} 2", "fealty_http_requests_in_flight 0"})
    EXPECT_NE(all.find(line), std::string::npos) << line << "\n" << all;
}

TEST(Metrics, ShowsGaugesWhileTheirRegistrationLives) {
  Metrics metrics;
  auto one = metrics.add_gauge("jobs_waiting", "Jobs.", {{"kind", "a\"b"}}, [] { return 3.0; });
  {
    auto two = metrics.add_gauge("jobs_waiting", "Jobs.", {{"kind", "b"}}, [] { return 4.0; });
    auto moved = std::move(two);
    std::string all = metrics.render();
    EXPECT_NE(all.find("# TYPE jobs_waiting gauge\njobs_waiting{kind=\"a\\\"b\"} 3\njobs_waiting{kind=\"b\"} 4\n"), std::string::npos)
        << all;
  }
  EXPECT_EQ(metrics.render().find("kind=\"b\""), std::string::npos);
  one = {};
  EXPECT_EQ(metrics.render().find("jobs_waiting"), std::string::npos);
}

}  // namespace
}  // namespace fealty::http
