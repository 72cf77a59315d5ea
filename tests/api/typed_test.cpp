#include "api/typed.h"

#include "api/envelope.h"

namespace fealty::api::typed_test {

struct In {
  std::string name;
  std::int64_t level = 0;
};
struct Out {
  std::string greeting;
};

}  // namespace fealty::api::typed_test

FEALTY_SCHEMA(fealty::api::typed_test::In, field<&fealty::api::typed_test::In::name>("name", "Name.", {.required = true}),
              field<&fealty::api::typed_test::In::level>("level", "Level.", {.max = 9, .required = true}))
FEALTY_SCHEMA(fealty::api::typed_test::Out, field<&fealty::api::typed_test::Out::greeting>("greeting", "Greeting."))

namespace fealty::api::typed_test {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::vector<std::pair<std::string, std::string>> problems_of(Error const& error) {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto const& issue : error.issues) out.emplace_back(issue.field, issue.code);
  return out;
}

Handler greet() {
  return typed<ListQuery, In, Out>("Greeted", [](Context&, ListQuery const& query, In const& in) -> Result<Out> {
    return Out{in.name + " on page " + std::to_string(query.page)};
  });
}

TEST(Typed, ParsesCallsAndWrites) {
  Context context;
  Request request;
  request.query = {{"page", "3"}};
  request.body = R"({"name":"Ana","level":1})";
  auto const answer = greet()(context, request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->message, "Greeted");
  EXPECT_EQ(answer->data, R"({"greeting":"Ana on page 3"})");
}

TEST(Typed, ReportsProblemsOfQueryAndBodyInOneAnswer) {
  Context context;
  Request request;
  request.query = {{"page", "0"}, {"limit", "101"}};
  request.body = R"({"level":10})";
  auto const answer = greet()(context, request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), "invalid_request");
  EXPECT_EQ(answer.error().status(), 400);
  EXPECT_THAT(problems_of(answer.error()),
              ElementsAre(Pair("page", "too_small"), Pair("limit", "too_large"), Pair("/name", "required"), Pair("/level", "too_large")));
  EXPECT_EQ(answer.error().message, "4 parts of this request are not right; each is listed.");
}

TEST(Typed, NamesEveryMissingMemberOfABodyThatDidNotCome) {
  Context context;
  Request request;
  request.body = " \n";
  auto const answer = greet()(context, request);
  ASSERT_FALSE(answer);
  EXPECT_THAT(problems_of(answer.error()), ElementsAre(Pair("/name", "required"), Pair("/level", "required")));
}

TEST(Typed, PassesTheErrorOfTheServiceOn) {
  auto const handler = typed<None, None, None>("m", [](Context&, None const&) -> Result<None> { return fail(errors::kForbidden, "No."); });
  Context context;
  Request request;
  request.body = "ignored {";
  auto const answer = handler(context, request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), "forbidden");
}

TEST(Typed, HandsTheRequestToFunctionsThatWantIt) {
  auto const handler = typed<None, None, Json>(
      "m", [](Context&, Request const& request, None const&) -> Result<Json> { return Json{request.path_args.at(0)}; }, 202);
  Context context;
  Request request;
  request.path_args = {"17"};
  auto const answer = handler(context, request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(answer->data, "17");
}

TEST(Typed, ListsCarryTheirPage) {
  Route const route = list_route<ListQuery, Out>(
      {.method = Method::get, .path = "/x", .family = Family::integration, .needs = Needs::nothing(), .id = "x", .summary = "X."}, "Listed",
      [](Context&, ListQuery const& query) -> Result<Listing<Out>> {
        return Listing<Out>{{{"a"}, {"b"}}, Page::of(45, query.page, query.limit)};
      });
  EXPECT_EQ(route.query, &Schema<ListQuery>::def);
  EXPECT_EQ(route.out, &Schema<Out>::def);
  EXPECT_TRUE(route.list);
  Context context;
  Request request;
  request.query = {{"page", "2"}};
  auto const answer = route.handler(context, request);
  EXPECT_EQ(render(Family::integration, answer, "r").body,
            R"({"status":"success","message":"Listed","data":[{"greeting":"a"},{"greeting":"b"}],)"
            R"("pagination":{"total":45,"currentPage":2,"totalPages":3,"hasNextPage":true,"hasPrevPage":true}})");
  EXPECT_EQ(render(Family::application, answer, "r").body,
            R"({"meta":{"status":"success","statusCode":200,"page":2,"limit":20,"total":45},"message":"Listed",)"
            R"("data":[{"greeting":"a"},{"greeting":"b"}]})");
}

TEST(Typed, DeclaresTheRouteByTheHandlersTypes) {
  Route const route = typed_route<None, In, Out>(
      {.method = Method::post, .path = "/x", .family = Family::integration, .needs = Needs::nothing(), .id = "x", .summary = "X."}, "m",
      [](Context&, None const&, In const&) -> Result<Out> { return Out{}; }, 201);
  EXPECT_EQ(route.query, nullptr);
  EXPECT_EQ(route.in, &Schema<In>::def);
  EXPECT_EQ(route.out, &Schema<Out>::def);
  EXPECT_EQ(route.body, BodyKind::json);
  EXPECT_EQ(route.success_status, 201);
}

TEST(Page, KnowsItsNeighbours) {
  struct Case {
    std::int64_t total, page, limit, pages;
    bool next, prev;
  };
  for (auto const& c : std::vector<Case>{{0, 1, 20, 0, false, false},
                                         {1, 1, 20, 1, false, false},
                                         {20, 1, 20, 1, false, false},
                                         {21, 1, 20, 2, true, false},
                                         {21, 2, 20, 2, false, true},
                                         {21, 9, 20, 2, false, true}}) {
    auto const page = Page::of(c.total, c.page, c.limit);
    EXPECT_EQ(page.total_pages, c.pages);
    EXPECT_EQ(page.has_next, c.next);
    EXPECT_EQ(page.has_prev, c.prev);
  }
  auto page = Page::of(21, 1, 20);
  page.next_cursor = "abc";
  EXPECT_EQ(page.meta(), R"("page":1,"limit":20,"total":21,"nextCursor":"abc")");
  EXPECT_THAT(page.pagination(), ::testing::EndsWith(R"("hasPrevPage":false,"nextCursor":"abc"})"));
}

TEST(PathId, AnswersWithTheRecordsOwnErrorWhenItIsNoId) {
  constexpr ErrorDef kJobNotFound{"job_not_found", 404};
  Request request;
  request.path_args = {"66b0c0ffee0000000000a101", "zz"};
  EXPECT_EQ(path_id(request, 0, kJobNotFound)->to_string(), "66b0c0ffee0000000000a101");
  auto const bad = path_id(request, 1, kJobNotFound);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), "job_not_found");
}

TEST(InvalidRequest, SaysWhenThereWereMoreProblemsThanItLists) {
  std::vector<Issue> issues;
  for (std::size_t i = 0; i < kRequestIssuesMax + 5; ++i) add_issue(issues, {"f", "c", "m"});
  EXPECT_EQ(issues.size(), kRequestIssuesMax + 1);
  auto const error = invalid_request(std::move(issues));
  EXPECT_TRUE(error.issues_truncated);
  EXPECT_EQ(error.issues.size(), kRequestIssuesMax);
  EXPECT_EQ(error.message, "More than 1000 parts of this request are not right; each is listed.");
  auto const one = invalid_request({{"f", "c", "f is wrong."}});
  EXPECT_FALSE(one.issues_truncated);
  EXPECT_EQ(one.message, "f is wrong.");
}

}  // namespace
}  // namespace fealty::api::typed_test
