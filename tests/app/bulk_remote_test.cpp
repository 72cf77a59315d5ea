#include "app/bulk/remote.h"

#include "app/bulk/job_view.h"

namespace fealty::app::bulk {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ClientAnswer answer_of(int status, std::string body) {
  ClientAnswer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

JobView job_of(std::string const& json) {
  api::JsonTree tree;
  std::vector<Issue> issues;
  EXPECT_TRUE(tree.parse(json, issues));
  return read_job(tree.root());
}

TEST(Patience, WaitsLongerEachTimeUpToFiveSeconds) {
  Patience patience(3'600'000);
  std::vector<int> waits;
  for (int i = 0; i < 8; ++i) waits.push_back(patience.wait_ms(i, 0, 0.0).value());
  EXPECT_EQ(waits, (std::vector<int>{200, 400, 800, 1'600, 3'200, 5'000, 5'000, 5'000}));
}

TEST(Patience, ShortensWaitsAtRandomByHalfAtMost) {
  EXPECT_EQ(Patience(60'000).wait_ms(0, 0, 1.0), 100);
  EXPECT_EQ(Patience(60'000).wait_ms(0, 0, 0.5), 150);
}

TEST(Patience, WaitsAtLeastAsLongAsTheServerAsks) { EXPECT_EQ(Patience(60'000).wait_ms(0, 7, 0.3), 7'000); }

TEST(Patience, GivesUpAtOnceWhenTheServerAsksForMoreThanThereIs) {
  EXPECT_EQ(Patience(60'000).wait_ms(0, 61, 0.0), std::nullopt);
  EXPECT_EQ(Patience(60'000).wait_ms(0, 60, 0.0), 60'000);
}

TEST(Patience, EndsWithItsTimeAndTriesAtItsVeryEnd) {
  Patience patience(1'000);
  EXPECT_EQ(patience.wait_ms(5'000, 0, 0.0), 200);
  EXPECT_EQ(patience.wait_ms(5'900, 0, 0.0), 100);
  EXPECT_EQ(patience.wait_ms(6'000, 0, 0.0), std::nullopt);
}

TEST(Patience, BeginsAnewAfterASuccess) {
  Patience patience(1'000);
  patience.wait_ms(0, 0, 0.0);
  EXPECT_EQ(patience.wait_ms(5'000, 0, 0.0), std::nullopt);
  patience.succeeded();
  EXPECT_EQ(patience.wait_ms(5'000, 0, 0.0), 200);
}

TEST(Patience, OfNoTimeTriesOnce) { EXPECT_EQ(Patience(0).wait_ms(0, 0, 0.0), std::nullopt); }

TEST(Refusals, AreTemporaryOnlyWhenTheSameRequestMayGoBetterLater) {
  for (int const status : {408, 429, 502, 503, 504}) EXPECT_TRUE(is_temporary(answer_of(status, ""), false)) << status;
  for (int const status : {301, 400, 401, 403, 404, 409, 413, 415, 500, 501})
    EXPECT_FALSE(is_temporary(answer_of(status, ""), false)) << status;
  EXPECT_TRUE(is_temporary(answer_of(500, ""), true));
  EXPECT_TRUE(is_temporary(answer_of(409, R"({"status":"error","code":"request_in_progress","message":"m"})"), false));
  EXPECT_FALSE(is_temporary(answer_of(409, R"({"status":"error","code":"idempotency_key_reused","message":"m"})"), false));
}

TEST(Refusals, AreToldWithPlacesSuggestionsAndRequestId) {
  EXPECT_EQ(
      refusal_text(answer_of(400, R"({"status":"error","code":"invalid_header","message":"2 columns of this file are not right.","errors":[
      {"field":"Coin","code":"unknown_column","message":"There is no column Coin. Did you mean Coins?","suggestions":["Coins","Coin Purse"],"position":3},
      {"field":"data","code":"text_after_quote","message":"There is text behind a closing quote.","line":7}],
      "errors_truncated":true,"requestId":"req-1"})")),
      "The server refused this (400 invalid_header): 2 columns of this file are not right.\n"
      "  Coin, column 3: There is no column Coin. Did you mean Coins?\n"
      "    Suggestions: Coins, Coin Purse\n"
      "  data, line 7: There is text behind a closing quote.\n"
      "  … and more.\n"
      "Request id: req-1\n");
}

TEST(Refusals, OfSomethingElseThanFealtyAreSaidToBeThat) {
  for (auto const* body : {"<html>Bad gateway</html>", "", "[]", "{\"error\":1}"})
    EXPECT_THAT(refusal_text(answer_of(502, body)), HasSubstr("no answer of Fealty")) << body;
}

TEST(Refusals, NameWhereARedirectWouldGo) {
  auto answer = answer_of(308, "");
  answer.headers = {{"Location", "https://elsewhere.example/\033[2J"}};
  EXPECT_THAT(refusal_text(answer), AllOf(HasSubstr("https://elsewhere.example/?[2J"), HasSubstr("--server"), Not(HasSubstr("\033"))));
}

TEST(Refusals, FromTheServerCannotSteerATerminal) {
  EXPECT_THAT(refusal_text(answer_of(400, R"({"code":"x","message":"\u001b[2J","errors":[{"field":"\u001b]0;","message":"\u0007"}]})")),
              Not(testing::AnyOf(HasSubstr("\033"), HasSubstr("\007"))));
}

TEST(JobViews, GiveTheExitStatusOfTheirEnd) {
  struct Case {
    std::string json;
    Exit exit;
  };
  for (auto const& [json, exit] :
       std::initializer_list<Case>{{R"({"status":"completed","failed":0})", Exit::done},
                                   {R"({"status":"completed","failed":2})", Exit::rows_failed},
                                   {R"({"status":"completed","type":"revert","conflicts":1})", Exit::rows_failed},
                                   {R"({"status":"failed","failed":2})", Exit::job_failed},
                                   {R"({"status":"cancelled"})", Exit::job_failed},
                                   {R"({"status":"reverted"})", Exit::done}})
    EXPECT_EQ(job_of(json).exit(), exit) << json;
  for (auto const* going : {"queued", "processing", "reverting"})
    EXPECT_FALSE(job_of(R"({"status":")" + std::string(going) + R"("})").has_ended()) << going;
}

TEST(JobViews, AreToldInOneLine) {
  auto const job =
      job_of(R"({"_id":"66b0c0ffee0000000000a101","type":"bulk_update","status":"completed","total":1200,"success":1198,"failed":2,
      "updated":1100,"unchanged":98,"created":0,"startedAt":"2026-04-07T09:00:00.000Z","finishedAt":"2026-04-07T09:00:04.250Z"})");
  EXPECT_EQ(outcome_line(job), "Job 66b0c0ffee0000000000a101 completed: 1,200 rows in 4.2 s: 1,100 updated, 98 unchanged, 2 failed.");
}

TEST(JobViews, KeepWhatTheServerSaid) {
  std::string const json = R"({"_id":"66b0c0ffee0000000000a101","status":"queued","progress":0.123456,"new":{"a":[1,null]}})";
  EXPECT_EQ(job_of(json).json, json);
}

TEST(JobViews, ThatAreNoneAreRefused) {
  api::JsonTree tree;
  std::vector<Issue> issues;
  ASSERT_TRUE(tree.parse(R"({"hello":1})", issues));
  EXPECT_THROW(read_job(tree.root()), CommandError);
}

}  // namespace
}  // namespace fealty::app::bulk
