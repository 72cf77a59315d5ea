#include "app/reference_page.h"

#include <algorithm>
#include <string>

#include "api/route_table.h"
#include "app/assets.h"

namespace fealty::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ReferencePage : public ::testing::Test {
 protected:
  ReferencePage() {
    for (auto& route : reference_routes(R"({"openapi":"3.1.0"})")) table_.add(std::move(route));
  }

  Result<api::Answer> get(std::string const& path, std::vector<api::Header> headers = {}) {
    auto const match = table_.match(api::Method::get, path);
    if (!match.route) return fail(errors::kNotFound, "no route");
    api::Request request;
    request.path = path;
    request.headers = std::move(headers);
    request.path_args = match.path_args;
    api::Context context;
    return match.route->handler(context, request);
  }
  api::Response response(std::string const& path, std::vector<api::Header> headers = {}) {
    auto answer = get(path, std::move(headers));
    EXPECT_TRUE(answer && answer->raw) << path;
    return answer && answer->raw ? std::move(*answer->raw) : api::Response{};
  }
  static std::string header(api::Response const& response, std::string_view name) {
    auto const found = std::ranges::find(response.headers, name, &api::Header::name);
    return found == response.headers.end() ? "" : found->value;
  }

 private:
  api::RouteTable table_;
};

TEST_F(ReferencePage, IsOpenToEverybody) {
  for (auto const& route : reference_routes("{}")) {
    EXPECT_FALSE(route.needs.looks_at_credential()) << route.id;
    EXPECT_EQ(route.family, api::Family::plain) << route.id;
  }
}

TEST_F(ReferencePage, ServesThePageAndEveryFileThatItNames) {
  auto const page = response("/docs");
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  std::string const html(page.static_body);
  for (std::string_view const name : {"icon.svg", "swagger-ui.css", "page.css", "swagger-ui-bundle.js", "init.js"}) {
    EXPECT_THAT(html, HasSubstr("\"docs/" + std::string(name) + "\""));
    EXPECT_FALSE(response("/docs/" + std::string(name)).static_body.empty()) << name;
  }
}

TEST_F(ReferencePage, HasNoScriptOrStyleThatItsPolicyWouldStop) {
  std::string const html(response("/docs").static_body);
  EXPECT_THAT(html, Not(HasSubstr("style=")));
  EXPECT_THAT(html, Not(HasSubstr("<style")));
  EXPECT_THAT(html, Not(HasSubstr("<script>")));
  EXPECT_THAT(html, Not(HasSubstr("://"))) << "the page names an outside host";
}

TEST_F(ReferencePage, SendsTheStrictPolicyWithEveryFile) {
  for (std::string const path : {"/docs", "/docs/init.js", "/docs/icon.svg", "/openapi.json"}) {
    auto const r = response(path);
    EXPECT_THAT(header(r, "content-security-policy"), HasSubstr("default-src 'none'; script-src 'self';")) << path;
    EXPECT_THAT(header(r, "content-security-policy"), Not(HasSubstr("unsafe"))) << path;
  }
}

TEST_F(ReferencePage, ServesTheDocumentAsGiven) {
  auto const r = response("/openapi.json");
  EXPECT_EQ(r.static_body, R"({"openapi":"3.1.0"})");
  EXPECT_EQ(r.content_type, "application/json; charset=utf-8");
}

TEST_F(ReferencePage, SendsCompressedBytesToThoseWhoTakeThemAlone) {
  struct Case {
    std::string accept;
    bool compressed;
  };
  for (auto const& [accept, compressed] : std::vector<Case>{{"gzip", true},
                                                            {"deflate, gzip, br", true},
                                                            {"GZIP;q=0.5", true},
                                                            {"gzip ; q=1.0", true},
                                                            {"gzip;q=0", false},
                                                            {"gzip; q=0.000", false},
                                                            {"br", false},
                                                            {"x-gzip", false},
                                                            {"", false}}) {
    auto const r = response("/docs/swagger-ui-bundle.js", {{"accept-encoding", accept}});
    EXPECT_EQ(header(r, "content-encoding"), compressed ? "gzip" : "") << accept;
    EXPECT_EQ(r.static_body.starts_with("\x1f\x8b"), compressed) << accept;
    EXPECT_EQ(header(r, "vary"), "Accept-Encoding") << accept;
  }
}

TEST_F(ReferencePage, AnswersThatNothingChangedToThoseWhoHaveTheSameForm) {
  auto const plain = header(response("/docs/init.js"), "etag");
  auto const gzip = header(response("/docs/init.js", {{"accept-encoding", "gzip"}}), "etag");
  EXPECT_NE(plain, gzip);
  for (auto const& tags : {plain, "W/" + plain, "\"other\", " + plain, std::string("*")}) {
    auto const r = response("/docs/init.js", {{"if-none-match", tags}});
    EXPECT_EQ(r.status, 304) << tags;
    EXPECT_TRUE(r.static_body.empty() && r.body.empty()) << tags;
    EXPECT_EQ(header(r, "etag"), plain) << tags;
  }
  for (auto const& tags : {gzip, std::string("\"other\""), std::string()}) {
    EXPECT_EQ(response("/docs/init.js", {{"if-none-match", tags}}).status, 200) << tags;
  }
}

TEST_F(ReferencePage, HasNoOtherFiles) {
  for (std::string const path : {"/docs/nothing.js", "/docs/package.json", "/docs/..", "/docs/init.js.gz"}) {
    auto const answer = get(path);
    ASSERT_FALSE(answer) << path;
    EXPECT_EQ(answer.error().code(), "not_found") << path;
  }
}

TEST(Assets, AreEmbeddedWhole) {
  for (auto const& asset : reference_assets()) {
    EXPECT_GT(asset.plain.size(), 100u) << asset.name;
    EXPECT_TRUE(asset.gzip.starts_with("\x1f\x8b")) << asset.name;
    // The last four bytes of a gzip file are the size of what it holds.
    std::size_t size = 0;
    for (int i = 1; i <= 4; ++i) size = size << 8 | static_cast<unsigned char>(asset.gzip[asset.gzip.size() - static_cast<std::size_t>(i)]);
    EXPECT_EQ(size, asset.plain.size()) << asset.name;
    EXPECT_EQ(asset.hash.size(), 32u) << asset.name;
  }
}

}  // namespace
}  // namespace fealty::app
