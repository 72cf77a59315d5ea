#include "app/console_page.h"

#include <algorithm>
#include <set>
#include <string>

#include "api/route_table.h"
#include "app/assets.h"

namespace fealty::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ConsolePage : public ::testing::Test {
 protected:
  ConsolePage() {
    for (auto& route : console_routes()) table_.add(std::move(route));
  }

  api::Response get(std::string const& path, std::vector<api::Header> headers = {}) {
    auto const match = table_.match(api::Method::get, path);
    if (!match.route) return {.status = 404, .body = "no route"};
    api::Request request;
    request.path = path;
    request.headers = std::move(headers);
    request.path_args = match.path_args;
    api::Context context;
    auto answer = match.route->handler(context, request);
    return answer ? std::move(*answer->raw) : api::Response{.status = answer.error().status(), .body = answer.error().message};
  }
  static std::string header(api::Response const& response, std::string_view name) {
    auto const found = std::ranges::find(response.headers, name, &api::Header::name);
    return found == response.headers.end() ? "" : found->value;
  }
  static std::string between(std::string const& text, std::string_view begin, std::string_view end) {
    auto const from = text.find(begin);
    if (from == std::string::npos) return "";
    auto const first = from + begin.size();
    return text.substr(first, text.find(end, first) - first);
  }
  // Some script of the build.
  static std::string script() {
    for (auto const& asset : console_assets())
      if (asset.name.ends_with(".js")) return std::string(asset.name);
    return "";
  }

 private:
  api::RouteTable table_;
};

TEST_F(ConsolePage, AnswersAtEveryPathOfAPageWithTheSamePage) {
  for (std::string const path :
       {"/", "/sign-in", "/claim", "/reset-password", "/c/6500000000000000000000aa/members/17/ledger", "/me/keys"}) {
    auto const page = get(path);
    EXPECT_EQ(page.status, 200) << path;
    EXPECT_EQ(page.content_type, "text/html; charset=utf-8") << path;
    EXPECT_THAT(page.body, HasSubstr("<div id=\"root\">")) << path;
  }
}

TEST_F(ConsolePage, LeavesPathsOfTheApiAlone) {
  for (std::string const path : {"/v1/nothing", "/channels", "/servers", "/auth/nothing", "/account", "/health", "/nothing"})
    EXPECT_EQ(get(path).status, 404) << path;
}

TEST_F(ConsolePage, AdmitsStyleElementsByANonceThatNoOtherAnswerHas) {
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) {
    auto const page = get("/");
    auto const nonce = between(header(page, "content-security-policy"), "'nonce-", "'");
    EXPECT_GE(nonce.size(), 22u);
    EXPECT_EQ(between(page.body, "nonce=\"", "\""), nonce);
    EXPECT_THAT(page.body, Not(HasSubstr("__NONCE__")));
    EXPECT_TRUE(seen.insert(nonce).second) << nonce;
  }
}

TEST_F(ConsolePage, RunsNoScriptButItsOwnFilesAndMayNotBeFramed) {
  auto const page = get("/");
  auto const policy = header(page, "content-security-policy");
  EXPECT_THAT(policy, StartsWith("default-src 'none'; script-src 'self'; "));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy, Not(HasSubstr("http")));
  EXPECT_THAT(page.body, Not(HasSubstr("<script>")));
  EXPECT_THAT(page.body, Not(HasSubstr("<style")));
  EXPECT_THAT(page.body, Not(HasSubstr("://"))) << "the page names an outside host";
}

TEST_F(ConsolePage, IsAskedForEachTimeAndItsFilesNever) {
  EXPECT_EQ(header(get("/"), "cache-control"), "no-cache");
  EXPECT_EQ(header(get("/"), "etag"), "");
  EXPECT_EQ(header(get("/assets/" + script()), "cache-control"), "public, max-age=31536000, immutable");
}

TEST_F(ConsolePage, ServesEveryFileThatThePageNames) {
  auto const page = get("/").body;
  int named = 0;
  for (std::size_t at = page.find("\"/assets/"); at != std::string::npos; at = page.find("\"/assets/", at + 1)) {
    auto const path = page.substr(at + 1, page.find('"', at + 1) - at - 1);
    EXPECT_EQ(get(path).status, 200) << path;
    ++named;
  }
  EXPECT_GE(named, 3) << "a script, a style sheet and an icon";
}

TEST_F(ConsolePage, SendsFilesCompressedToThoseWhoTakeIt) {
  auto const plain = get("/assets/" + script());
  auto const compressed = get("/assets/" + script(), {{"accept-encoding", "gzip"}});
  EXPECT_EQ(header(compressed, "content-encoding"), "gzip");
  EXPECT_EQ(header(plain, "content-encoding"), "");
  EXPECT_LT(compressed.static_body.size(), plain.static_body.size());
  EXPECT_NE(header(compressed, "etag"), header(plain, "etag"));
}

TEST_F(ConsolePage, AnswersForFilesOfOtherVersionsWithNotFound) { EXPECT_EQ(get("/assets/index-00000000.js").status, 404); }

// What the first page needs, as the program sends it. Pages further in load their own.
TEST_F(ConsolePage, KeepsEachScriptWithinTheBudgetOfTheFirstLoad) {
  for (auto const& asset : console_assets())
    if (asset.name.ends_with(".js")) EXPECT_LT(asset.gzip.size(), 200'000u) << asset.name;
}

}  // namespace
}  // namespace fealty::app
