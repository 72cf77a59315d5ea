#include "identity/setup.h"

#include "identity/world.h"
#include "members/servers.h"

namespace fealty::identity {
namespace {

class FirstStart : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    node_ = std::make_unique<Node>(db(), numbers_, vault_);
    setup_ = std::make_unique<FirstSetup>(node_->parts, false, [this](CommunityNo community, access::Actor const&, TimeMs) -> std::int64_t {
      ++demos_;
      if (demo_fails_) throw std::runtime_error("no");
      return community.value == 1 ? 7 : 0;
    });
    node_->routes = setup_routes(*setup_, node_->hasher);
    for (auto& r : auth_routes(node_->sign_in, node_->registrations, node_->own, node_->hasher)) node_->routes.push_back(std::move(r));
    for (auto& r : account_routes(node_->own, node_->hasher)) node_->routes.push_back(std::move(r));
  }
  static std::vector<api::Header> local() { return {{"host", "localhost:3333"}}; }
  Answered call(std::string_view id, std::string body, std::vector<api::Header> headers = local(), std::string address = "127.0.0.1") {
    api::Request request;
    request.body = std::move(body);
    request.headers = std::move(headers);
    request.remote_address = std::move(address);
    auto const& route = node_->route(id);
    request.method = route.method;
    return node_->call(std::move(request), route, kNow);
  }
  static std::string body(std::string const& more = "") {
    return R"({"email":"oli@example.org","username":"oli","password":"correct horse-1","firstname":"Oli","lastname":"Owner",)"
           R"("title":"Our club","timeZone":"Europe/Berlin")" +
           more + "}";
  }
  bool needs_code(std::vector<api::Header> headers, std::string address = "127.0.0.1") {
    return call("setup.state", "", std::move(headers), std::move(address)).body.find("\"codeRequired\":true") != std::string::npos;
  }
  std::int64_t count(std::string const& table) { return number(db(), "SELECT count(*) FROM " + table); }
  static constexpr TimeMs kNow = test::kNow;

  NumberSource numbers_{1};
  access::Vault vault_{std::string(32, 'k')};
  std::unique_ptr<Node> node_;
  std::unique_ptr<FirstSetup> setup_;
  int demos_ = 0;
  bool demo_fails_ = false;
};
FEALTY_ON_BOTH_ENGINES(FirstStart);

TEST_P(FirstStart, MakesTheOwnerAndHisCommunityOnceAndSignsHimIn) {
  EXPECT_THAT(call("setup.state", "").body, HasSubstr(R"("data":{"needed":true,"codeRequired":false})"));
  auto const made = call("setup.run", body());
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_THAT(made.body, HasSubstr(R"("title":"Our club")"));
  EXPECT_THAT(made.body, HasSubstr(R"("demo":null)"));
  EXPECT_EQ(demos_, 0);
  std::string cookie;
  for (auto const& h : made.headers)
    if (h.name == "Set-Cookie") cookie = h.value.substr(0, h.value.find(';'));
  auto headers = local();
  headers.push_back({"cookie", cookie});
  auto const me = call("account.me", "", headers);
  ASSERT_EQ(me.status, 200) << me.body;
  EXPECT_THAT(me.body, HasSubstr(R"("role":"COMMUNITY_OWNER")"));
  EXPECT_THAT(me.body, HasSubstr(R"("mayCreateCommunities":true)"));
  EXPECT_THAT(me.body, HasSubstr(R"("displayName":"Oli Owner")"));
  EXPECT_THAT(call("setup.state", "").body, HasSubstr(R"("needed":false)"));
  EXPECT_EQ(call("setup.run", body()).code(), "already_set_up");
  EXPECT_EQ(call("auth.login", R"({"email":"oli@example.org","password":"correct horse-1"})").status, 200);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE action IN ('installation.setup', 'community.create')"), 2);
  // Another node learns it from storage.
  FirstSetup other(node_->parts, false, {});
  EXPECT_FALSE(other.is_needed());
}

TEST_P(FirstStart, IsDoneByOneOfManyAtOnce) {
  std::latch start(4);
  std::atomic<int> made = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      auto const n = std::to_string(i);
      auto const answer = call("setup.run", R"({"email":"o)" + n + R"(@example.org","username":"oli)" + n +
                                                R"(","password":"correct horse-1","firstname":"O","lastname":"O","title":"C"})");
      if (answer.status == 201) ++made;
      if (answer.code() == "already_set_up") ++refused;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(count("accounts"), 1);
  EXPECT_EQ(count("communities"), 1);
}

TEST_P(FirstStart, IsForWhoSitsAtTheMachineOrReadsItsConsole) {
  EXPECT_FALSE(needs_code({{"host", "127.0.0.1:3333"}}));
  EXPECT_FALSE(needs_code({{"host", "[::1]:3333"}}, "::1"));
  EXPECT_TRUE(needs_code({{"host", "club.example.org"}}, "203.0.113.9"));
  EXPECT_TRUE(needs_code({{"host", "localhost"}}, "203.0.113.9"));
  EXPECT_TRUE(needs_code({{"host", "club.example.org"}})) << "a name that was made to lead to loopback";
  for (auto const* header : {"x-forwarded-for", "forwarded", "via", "x-real-ip"})
    EXPECT_TRUE(needs_code({{"host", "localhost"}, {header, "203.0.113.9"}})) << header;
  FirstSetup behind(node_->parts, true, {});
  api::Request request;
  request.remote_address = "127.0.0.1";
  request.headers = local();
  EXPECT_TRUE(behind.state(request).codeRequired);

  auto const far = std::vector<api::Header>{{"host", "club.example.org"}};
  EXPECT_EQ(call("setup.run", body(), far, "203.0.113.9").code(), "setup_code_wrong");
  EXPECT_EQ(call("setup.run", body(R"(,"code":"aaaaa-aaaaa-aaaaa-aaaaa")"), far, "203.0.113.9").status, 403);
  EXPECT_EQ(count("accounts"), 0);
  auto const code = setup_->code();
  EXPECT_EQ(code.size(), 23u);
  EXPECT_EQ(FirstSetup(node_->parts, true, {}).code(), code) << "the same on every node";
  EXPECT_NE(FirstSetup({db(), numbers_, node_->hasher, node_->session_keys, access::Vault(std::string(32, 'x'))}, true, {}).code(), code);
  std::string typed;
  for (char const c : code)
    if (c != '-') typed += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_EQ(call("setup.run", body(",\"code\":\" " + typed + "\""), far, "203.0.113.9").status, 201);
}

TEST_P(FirstStart, IsNotDoneByAForeignPage) {
  for (auto const& marks : std::vector<std::vector<api::Header>>{
           {{"origin", "https://evil.example.org"}}, {{"sec-fetch-site", "cross-site"}}, {{"origin", "null"}}}) {
    auto headers = local();
    headers.insert(headers.end(), marks.begin(), marks.end());
    EXPECT_EQ(call("setup.run", body(), headers).code(), "cross_site_request");
  }
  EXPECT_EQ(count("accounts"), 0);
  auto headers = local();
  headers.push_back({"origin", "http://localhost:3333"});
  EXPECT_EQ(call("setup.run", body(), headers).status, 201);
}

TEST_P(FirstStart, TellsAllProblemsAndLeavesNothingHalfMade) {
  auto const wrong = call("setup.run", R"({"email":"x","username":"a","password":"short","firstname":" ","title":"","timeZone":"Mars"})");
  EXPECT_EQ(wrong.status, 400);
  for (auto const* field : {"/email", "/username", "/password", "/firstname", "/lastname", "/title", "/timeZone"})
    EXPECT_THAT(wrong.body, HasSubstr(std::string("\"field\":\"") + field + "\"")) << field;
  EXPECT_EQ(call("setup.run", "[]").status, 400);
  EXPECT_EQ(count("accounts") + count("communities") + count("audit_entries"), 0);
}

TEST_P(FirstStart, IsThereThoughItsDemoFails) {
  demo_fails_ = true;
  auto const made = call("setup.run", body(R"(,"demo":true)"));
  EXPECT_EQ(made.status, 201);
  EXPECT_THAT(made.body, HasSubstr(R"("demo":{"members":0,"complete":false})"));
  EXPECT_EQ(demos_, 1);
  EXPECT_EQ(count("communities"), 1);
}

TEST_P(FirstStart, FillsTheCommunityWhenAskedTo) {
  EXPECT_THAT(call("setup.run", body(R"(,"demo":true)")).body, HasSubstr(R"("demo":{"members":7,"complete":true})"));
}

}  // namespace
}  // namespace fealty::identity
