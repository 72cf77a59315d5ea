#include "api/envelope.h"

#include "api/json_writer.h"

namespace fealty::api {
namespace {

using ::testing::IsEmpty;

constexpr ErrorDef kBadHeader{"invalid_header", 400};

Error many_problems() {
  Error error{.def = &kBadHeader, .message = "2 columns are not right."};
  error.issues.push_back({"Coin", "unknown_column", "There is no column Coin.", {"Coins"}, 3});
  error.issues.push_back({"/a", "too_long", "a is \"long\".", {}, {}, 7, 50});
  return error;
}

constexpr char kIssues[] =
    R"([{"field":"Coin","code":"unknown_column","message":"There is no column Coin.","suggestions":["Coins"],"position":3},)"
    R"({"field":"/a","code":"too_long","message":"a is \"long\".","line":7,"limit":50}])";

TEST(Envelope, WrapsAnswersAsTheFamilyDoes) {
  Answer const answer{.status = 201, .message = "Done \"so\"", .data = R"({"a":1})"};
  struct Case {
    Family family;
    char const* body;
  };
  for (auto const& c : std::vector<Case>{
           {Family::integration, R"({"status":"success","message":"Done \"so\"","data":{"a":1}})"},
           {Family::application, R"({"meta":{"status":"success","statusCode":201},"message":"Done \"so\"","data":{"a":1}})"},
           {Family::system, R"({"meta":{"success":true,"message":"Done \"so\"","devMessage":"Done \"so\""},"body":{"a":1}})"},
           {Family::plain, R"({"a":1})"},
       }) {
    auto const response = render(c.family, answer, "req-1");
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(response.body, c.body);
    EXPECT_EQ(response.content_type, "application/json; charset=utf-8");
  }
}

TEST(Envelope, PutsTheFurtherMembersWhereTheFamilyHasThem) {
  Answer const list{.message = "m", .data = "[]", .extra = R"("pagination":{"total":0})", .meta_extra = R"("page":1,"limit":20,"total":0)"};
  EXPECT_EQ(render(Family::integration, list, "r").body, R"({"status":"success","message":"m","data":[],"pagination":{"total":0}})");
  EXPECT_EQ(render(Family::application, list, "r").body,
            R"({"meta":{"status":"success","statusCode":200,"page":1,"limit":20,"total":0},"message":"m","data":[]})");
  Answer const no_data{.message = "m", .headers = {{"etag", "1"}}};
  auto const response = render(Family::integration, no_data, "r");
  EXPECT_EQ(response.body, R"({"status":"success","message":"m"})");
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].value, "1");
}

TEST(Envelope, WrapsErrorsAsTheFamilyDoes) {
  std::string const issues = kIssues;
  struct Case {
    Family family;
    std::string body;
  };
  for (auto const& c : std::vector<Case>{
           {Family::integration, R"({"status":"error","code":"invalid_header","message":"2 columns are not right.","errors":)" + issues +
                                     R"(,"requestId":"req-1"})"},
           {Family::plain, R"({"status":"error","code":"invalid_header","message":"2 columns are not right.","errors":)" + issues +
                               R"(,"requestId":"req-1"})"},
           {Family::application, R"({"meta":{"status":"error","statusCode":400,"validation":)" + issues +
                                     R"(},"code":"invalid_header","message":"2 columns are not right.","requestId":"req-1"})"},
           {Family::system,
            R"({"meta":{"success":false,"message":"2 columns are not right.","devMessage":"There is no column Coin. a is \"long\"."},)"
            R"("body":null,"code":"invalid_header","errors":)" +
                issues + R"(,"requestId":"req-1"})"},
       }) {
    auto const response = render(c.family, std::unexpected(many_problems()), "req-1");
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.body, c.body);
    EXPECT_THAT(response.headers, IsEmpty());
  }
}

TEST(Envelope, WritesErrorsWithoutProblems) {
  Result<Answer> const error = fail(errors::kNotFound, "There is no such page.");
  EXPECT_EQ(render(Family::integration, error, "r").body,
            R"({"status":"error","code":"not_found","message":"There is no such page.","errors":[],"requestId":"r"})");
  EXPECT_EQ(
      render(Family::application, error, "r").body,
      R"({"meta":{"status":"error","statusCode":404,"validation":[]},"code":"not_found","message":"There is no such page.","requestId":"r"})");
  EXPECT_EQ(render(Family::system, error, "r").body,
            R"({"meta":{"success":false,"message":"There is no such page.","devMessage":"There is no such page."},"body":null,)"
            R"("code":"not_found","requestId":"r"})");
}

TEST(Envelope, SaysWhenProblemsWereCutAndWhenToTryAgain) {
  Error error{.def = &errors::kRateLimited, .message = "Slow down."};
  error.issues_truncated = true;
  error.retry_after_s = 7;
  auto const response = render(Family::integration, std::unexpected(error), "r");
  EXPECT_EQ(response.body,
            R"({"status":"error","code":"rate_limited","message":"Slow down.","errors":[],"errors_truncated":true,"requestId":"r"})");
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].name, "retry-after");
  EXPECT_EQ(response.headers[0].value, "7");
}

TEST(Envelope, PassesRawAnswersThrough) {
  Answer answer;
  answer.raw = Response{.status = 206, .content_type = "text/csv", .body = "a,b"};
  auto const response = render(Family::integration, answer, "r");
  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(response.content_type, "text/csv");
  EXPECT_EQ(response.body, "a,b");
}

TEST(Envelope, TakesAnErrorWithoutDefinitionAsInternal) {
  auto const response = render(Family::integration, std::unexpected(Error{}), "r");
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, ::testing::HasSubstr("internal_error"));
}

TEST(JsonWriter, WritesNestedValuesWithTheirCommas) {
  JsonWriter w;
  w.begin_object().key("a").begin_array().integer(1).decimal({1'500'000}).boolean(true).null().end_array();
  w.key("b\"").string("x\n").key("c").begin_object().end_object().key("d").raw("[1]").key("e").value(std::vector<std::string>{"p", "q"});
  w.end_object();
  std::string const text = w.take();
  EXPECT_EQ(text, R"({"a":[1,1.5,true,null],"b\"":"x\n","c":{},"d":[1],"e":["p","q"]})");
  w.begin_array().end_array();
  EXPECT_EQ(w.take(), "[]") << "a writer may be used again after take()";
}

TEST(JsonWriter, RefusesMisuse) {
  EXPECT_THROW(JsonWriter().take(), std::logic_error);
  EXPECT_THROW(JsonWriter().begin_object().take(), std::logic_error);
  EXPECT_THROW(JsonWriter().begin_object().integer(1), std::logic_error);
  EXPECT_THROW(JsonWriter().begin_object().key("a").key("b"), std::logic_error);
  EXPECT_THROW(JsonWriter().begin_object().key("a").end_object(), std::logic_error);
  EXPECT_THROW(JsonWriter().begin_array().key("a"), std::logic_error);
  EXPECT_THROW(JsonWriter().begin_array().end_object(), std::logic_error);
  EXPECT_THROW(JsonWriter().end_array(), std::logic_error);
  EXPECT_THROW(JsonWriter().integer(1).integer(2), std::logic_error);
  EXPECT_THROW(JsonWriter().raw(""), std::logic_error);
}

TEST(JsonWriter, IndentsForReaders) {
  EXPECT_EQ(indent_json(R"({"a":[1,{"b":"x,{\"}"}],"c":{},"d":[]})"),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,{\\\"}\"\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}\n");
}

}  // namespace
}  // namespace fealty::api
