#include "api/route_table.h"

namespace fealty::api {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Route route(Method method, std::string path, Family family, std::string id) {
  return {.method = method,
          .path = std::move(path),
          .family = family,
          .needs = Needs::nothing(),
          .id = std::move(id),
          .summary = "Does something.",
          .handler = [](Context&, Request&) -> Result<Answer> { return Answer{}; }};
}

RouteTable table_of(std::vector<Route> routes) {
  RouteTable table;
  for (auto& r : routes) table.add(std::move(r));
  return table;
}

std::string id_of(RouteTable const& table, Method method, std::string_view path) {
  auto const match = table.match(method, path);
  return match.route ? match.route->id : match.allowed.empty() ? "404" : "405 " + allow_header(match.allowed);
}

TEST(RouteTable, MountsEachFamilyUnderItsPrefixes) {
  auto const table = table_of(
      {route(Method::get, "/users", Family::integration, "integration"), route(Method::get, "/fields", Family::application, "application"),
       route(Method::get, "/stores", Family::application, "stores"), route(Method::get, "/stores/{id}/items", Family::application, "items"),
       route(Method::get, "/storeships", Family::application, "ships"), route(Method::get, "/roles", Family::system, "system"),
       route(Method::get, "/health", Family::plain, "plain"), route(Method::get, "/", Family::plain, "root")});
  struct Case {
    char const *path, *bare, *v1, *apis, *api_v1, *long_form;
  };
  for (auto const& c : std::vector<Case>{
           {"/users", "404", "integration", "integration", "404", "integration"},
           {"/fields", "404", "application", "application", "404", "application"},
           {"/stores", "stores", "stores", "stores", "404", "stores"},
           {"/stores/7/items", "items", "items", "items", "404", "items"},
           {"/storeships", "404", "ships", "ships", "404", "ships"},
           {"/roles", "system", "system", "404", "system", "404"},
           {"/health", "plain", "404", "404", "404", "404"},
           {"/", "root", "404", "404", "404", "404"},
           {"/nothing", "404", "404", "404", "404", "404"},
       }) {
    std::string const path = c.path;
    EXPECT_EQ(id_of(table, Method::get, path), c.bare) << path;
    EXPECT_EQ(id_of(table, Method::get, "/v1" + path), c.v1) << path;
    EXPECT_EQ(id_of(table, Method::get, "/apis/v1" + path), c.apis) << path;
    EXPECT_EQ(id_of(table, Method::get, "/api/v1" + path), c.api_v1) << path;
    EXPECT_EQ(id_of(table, Method::get, "/api/v1/apis/v1" + path), c.long_form) << path;
  }
}

TEST(RouteTable, SystemRoutesGiveV1WayToOtherFamiliesInEitherOrder) {
  for (bool system_first : {true, false}) {
    std::vector<Route> routes{route(Method::get, "/channels", Family::integration, "integration"),
                              route(Method::get, "/channels", Family::system, "system"),
                              route(Method::post, "/channels", Family::system, "create")};
    if (system_first) std::swap(routes[0], routes[1]);
    auto const table = table_of(std::move(routes));
    EXPECT_EQ(id_of(table, Method::get, "/v1/channels"), "integration");
    EXPECT_EQ(id_of(table, Method::get, "/apis/v1/channels"), "integration");
    EXPECT_EQ(id_of(table, Method::get, "/channels"), "system");
    EXPECT_EQ(id_of(table, Method::get, "/api/v1/channels"), "system");
    EXPECT_EQ(id_of(table, Method::post, "/v1/channels"), "create");
  }
}

TEST(RouteTable, LiteralSegmentsWinOverParameters) {
  auto const table = table_of(
      {route(Method::get, "/users/{id}", Family::plain, "one"), route(Method::get, "/users/me", Family::plain, "me"),
       route(Method::get, "/users/{id}/status", Family::plain, "status"),
       route(Method::get, "/users/me/{what}/deep", Family::plain, "deep"), route(Method::post, "/users/info", Family::plain, "info")});
  EXPECT_EQ(id_of(table, Method::get, "/users/me"), "me");
  EXPECT_EQ(id_of(table, Method::get, "/users/you"), "one");
  EXPECT_EQ(id_of(table, Method::get, "/users/me/status"), "status") << "the walk comes back from the literal branch";
  EXPECT_EQ(id_of(table, Method::get, "/users/me/x/deep"), "deep");
  EXPECT_EQ(id_of(table, Method::post, "/users/info"), "info");
  EXPECT_EQ(id_of(table, Method::get, "/users/info"), "one") << "a path that has the method wins over one that has not";
  EXPECT_EQ(id_of(table, Method::del, "/users/info"), "405 GET, HEAD, POST");
}

TEST(RouteTable, GivesTheValuesOfParametersInOrder) {
  auto const table =
      table_of({route(Method::get, "/a/{x}/b/{y}", Family::plain, "both"), route(Method::get, "/a/c/b/d", Family::plain, "none")});
  EXPECT_THAT(table.match(Method::get, "/a/1/b/two words").path_args, ElementsAre("1", "two words"));
  EXPECT_THAT(table.match(Method::get, "/a/c/b/e").path_args, ElementsAre("c", "e"));
  EXPECT_THAT(table.match(Method::get, "/a/c/b/d").path_args, IsEmpty());
}

TEST(RouteTable, RefusesPathsThatOnlyLookAlike) {
  auto const table = table_of({route(Method::get, "/users/{id}", Family::integration, "one")});
  for (auto path : {"/v1/users/", "/v1/users", "/v1/users/1/", "/v1//1", "/V1/users/1", "v1/users/1", "", "/", "//v1/users/1",
                    "/v1/users/1/2", "/v1/users/{id}/"}) {
    EXPECT_EQ(id_of(table, Method::get, path), "404") << path;
  }
  EXPECT_EQ(id_of(table, Method::get, "/v1/users/" + std::string(100'000, '/')), "404");
}

TEST(RouteTable, AnswersOtherMethodsWithTheAllowedOnes) {
  auto const table =
      table_of({route(Method::get, "/x", Family::application, "read"), route(Method::del, "/x", Family::application, "remove"),
                route(Method::put, "/y/{id}", Family::system, "write")});
  auto const match = table.match(Method::post, "/v1/x");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_THAT(match.allowed, ElementsAre(Method::get, Method::head, Method::del));
  EXPECT_EQ(match.family, Family::application);
  EXPECT_EQ(allow_header(match.allowed), "GET, HEAD, DELETE");
  EXPECT_EQ(id_of(table, Method::get, "/y/1"), "405 PUT");
  EXPECT_EQ(table.match(Method::get, "/y/1").family, Family::system);
  EXPECT_EQ(id_of(table, Method::options, "/y/1"), "405 PUT");
}

TEST(RouteTable, AnswersHeadByGet) {
  auto const table = table_of({route(Method::get, "/x", Family::plain, "read"), route(Method::get, "/y/{id}", Family::plain, "one"),
                               route(Method::post, "/z", Family::plain, "write")});
  EXPECT_EQ(id_of(table, Method::head, "/x"), "read");
  EXPECT_EQ(id_of(table, Method::head, "/y/1"), "one");
  EXPECT_EQ(id_of(table, Method::head, "/z"), "405 POST");
}

TEST(RouteTable, RefusesFaultyDeclarations) {
  auto const good = route(Method::get, "/a/{x}", Family::integration, "a");
  auto refused = [&](auto change) {
    RouteTable table;
    table.add(good);
    Route bad = route(Method::get, "/b", Family::integration, "b");
    change(bad);
    EXPECT_THROW(table.add(std::move(bad)), std::invalid_argument);
  };
  refused([](Route& r) { r.handler = nullptr; });
  refused([](Route& r) { r.later = [](Context&, Request&, Done) {}; });
  refused([](Route& r) {
    r.handler = nullptr;
    r.later = [](Context&, Request&, Done) {};
    r.body = BodyKind::stream;
  });
  refused([](Route& r) { r.id = ""; });
  refused([](Route& r) { r.summary = ""; });
  refused([](Route& r) { r.id = "a"; });
  refused([](Route& r) { r.path = "/a/{y}"; });
  refused([](Route& r) {
    r.path = "/a/{x}";
    r.family = Family::application;
  });
  for (char const* path : {"", "b", "/b/", "//b", "/b/{}", "/b/{x", "/b/x}", "/b/{x}.csv", "/b/{x}/{x}", "/{x{y}}"}) {
    refused([&](Route& r) { r.path = path; });
  }
}

TEST(Permissions, AreFoundByIdentifierAndByLabel) {
  EXPECT_EQ(all_permissions().size(), static_cast<std::size_t>(kCommunityPermissionCount));
  EXPECT_EQ(all_permissions().size() + user_key_permissions().size(), static_cast<std::size_t>(kPermissionCount));
  EXPECT_EQ(find_permission("sendMessages"), std::nullopt);
  EXPECT_EQ(find_permission("sendMessages", user_key_permissions()), Permission::send_messages);
  for (auto const& entry : all_permissions()) {
    EXPECT_EQ(find_permission(entry.identifier), entry.permission);
    EXPECT_EQ(find_permission(entry.label), entry.permission);
    EXPECT_EQ(&info(entry.permission), &entry);
  }
  EXPECT_EQ(info(Permission::manage_user).label, "Delete/Restore User");
  EXPECT_EQ(find_permission("bulkupdateuser"), std::nullopt);
  PermissionSet set;
  set.add(Permission::bulk_update_user);
  set.add(Permission::channel);
  EXPECT_THAT(set.identifiers(), ElementsAre("bulkUpdateUser", "channel"));
  EXPECT_EQ(PermissionSet::everything().identifiers().size(), static_cast<std::size_t>(kCommunityPermissionCount));
}

TEST(HttpTypes, FindHeadersAndQueryValues) {
  Request request;
  request.headers = {{"x-a", "1"}, {"x-a", "2"}};
  request.query = {{"p", "undefined"}, {"p", "null"}, {"p", ""}, {"p", "4"}, {"q", "null"}};
  EXPECT_EQ(request.header("x-a"), "1");
  EXPECT_EQ(request.header("x-b"), std::nullopt);
  EXPECT_EQ(request.query_value("p"), "4");
  EXPECT_EQ(request.query_value("q"), std::nullopt);
  EXPECT_EQ(to_string(Method::del), "DELETE");
}

}  // namespace
}  // namespace fealty::api
