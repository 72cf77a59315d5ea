#include "http/target.h"
#include "http/proxies.h"

namespace fealty::http {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Target, DecodesPathAndQueryInOrder) {
  auto target = parse_target("/v1/caf%C3%A9/a%2Fb?b=2&a=x+y%2Bz&b=&c&&d=1=2");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/v1/café/a/b");
  EXPECT_EQ(target->route_path, "/v1/caf%C3%A9/a%2Fb");
  EXPECT_EQ(target->query, (Pairs{{"b", "2"}, {"a", "x y+z"}, {"b", ""}, {"c", ""}, {"d", "1=2"}}));
}

TEST(Target, DecodesUnreservedEscapesForRouting) {
  auto target = parse_target("/%75sers/%2e/%7E+x");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->route_path, "/users/./~+x");
  EXPECT_EQ(target->path, "/users/./~+x");
}

TEST(Target, TakesTheAbsoluteFormByItsPath) {
  EXPECT_EQ(parse_target("http://example.org/a?b=c")->path_and_query, "/a?b=c");
  EXPECT_EQ(parse_target("HTTPS://example.org")->path_and_query, "/");
  EXPECT_EQ(parse_target("http://example.org?x=1")->path_and_query, "/?x=1");
  EXPECT_EQ(parse_target("*")->path, "*");
}

TEST(Target, RefusesWhatIsNoTarget) {
  std::string_view const bad[] = {"",        "a",    "example.org:443", "ftp://x/", "http:///x", "/a#b",   "/%",
                                  "/%4",     "/%zz", "/a%00b",          "/\x80",    "/?a=%",     "/?a=%0", "/?%gg=1",
                                  "/?a=%00", "/%ff", "/?a=%c3%28",      "://x/a",   "/a b"};
  for (auto text : bad) EXPECT_FALSE(parse_target(text)) << text;
}

TEST(Proxies, BelieveOnlyWhatTrustedOnesAppended) {
  TrustedProxies proxies({"10.0.0.0/8", "::1", "192.168.1.7"});
  EXPECT_EQ(proxies.client_of("10.1.2.3", "6.6.6.6, 1.2.3.4, 10.9.9.9"), "1.2.3.4");
  EXPECT_EQ(proxies.client_of("8.8.8.8", "1.2.3.4"), "8.8.8.8");
  EXPECT_EQ(proxies.client_of("10.1.2.3", ""), "10.1.2.3");
  EXPECT_EQ(proxies.client_of("10.1.2.3", "1.2.3.4, <script>"), "10.1.2.3");
  EXPECT_EQ(proxies.client_of("::1", "2001:db8::7"), "2001:db8::7");
  EXPECT_EQ(proxies.client_of("192.168.1.7", "10.0.0.1,10.0.0.2"), "10.0.0.1");
  EXPECT_FALSE(proxies.trusts("192.168.1.8"));
}

TEST(Proxies, RefuseSettingsThatAreNoNetworks) {
  for (char const* bad : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0", "::1/129", "example.org", "10.0.0.0/8x", "/8"})
    EXPECT_THROW(TrustedProxies({bad}), std::invalid_argument) << bad;
}

}  // namespace
}  // namespace fealty::http
