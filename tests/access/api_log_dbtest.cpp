#include "access/api_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/audit.h"
#include "access/audit_log.h"
#include "api/envelope.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::access {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr CommunityNo kHere{1}, kElsewhere{2};
constexpr TimeMs kDay = 86'400'000;

std::string text_of(std::string const& body, std::string const& name) {
  auto const at = body.find("\"" + name + "\":\"");
  if (at == std::string::npos) return {};
  auto const from = at + name.size() + 4;
  return body.substr(from, body.find('"', from) - from);
}
std::vector<std::string> all_of(std::string body, std::string const& name) {
  std::vector<std::string> out;
  for (auto at = body.find("\"" + name + "\":\""); at != std::string::npos; at = body.find("\"" + name + "\":\"")) {
    out.push_back(text_of(body, name));
    body = body.substr(at + name.size());
  }
  return out;
}

class Logs : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    for (auto const community : {kHere, kElsewhere}) test::add_community(db(), community.value, 5);
    log_ = std::make_unique<ApiLog>(db(), numbers_, [this] { return now_; });
    reader_ = std::make_unique<ApiLogReader>(db(), [this](sql::Tx&, CommunityNo community, LogFilter const& filter) {
      std::vector<JobLogRow> rows;
      for (auto const& job : jobs_)
        if (community == kHere && job.number >= filter.first && job.number <= filter.last && (!filter.job_id || *filter.job_id == job.id) &&
            (!filter.job_status || *filter.job_status == job.status))
          rows.push_back(job);
      return rows;
    });
    audit_ = std::make_unique<AuditLog>(db());
    routes_ = api_log_routes(*reader_);
    for (auto& r : audit_log_routes(*audit_)) routes_.push_back(std::move(r));
  }
  static RequestRecord record(CommunityNo community, std::string path, int status = 200, std::string method = "POST") {
    RequestRecord r;
    r.community = community;
    r.request_id = "r" + path;
    r.method = std::move(method);
    r.path = std::move(path);
    r.operation = "users.create";
    r.status = status;
    if (status >= 400) r.code = "not_found";
    r.duration_us = 1'500;
    r.caller_kind = "community_key";
    r.caller_prefix = "fk_abcdefgh";
    r.caller_name = "CRM";
    r.remote_address = "192.0.2.77";
    r.user_agent = "curl/8";
    return r;
  }
  void note(RequestRecord r) {
    now_ += 1'000;
    log_->record(std::move(r));
    log_->write();
  }
  std::string ask(std::string_view id, std::vector<std::pair<std::string, std::string>> query = {}, std::vector<std::string> path_args = {},
                  CommunityNo community = kHere) {
    api::Context context;
    context.community = context.principal.community = community;
    context.now = now_;
    for (auto const& route : routes_)
      if (route.id == id) {
        api::Request request;
        request.query = std::move(query);
        request.path_args = std::move(path_args);
        return api::render(route.family, route.handler(context, request), "request").body;
      }
    ADD_FAILURE() << "there is no route " << id;
    return {};
  }
  std::int64_t rows(std::string const& table = "api_logs") { return test::number(db(), "SELECT count(*) FROM " + table); }

  TimeMs now_ = test::kNow;
  NumberSource numbers_{1, [this] { return now_; }};
  std::vector<JobLogRow> jobs_;
  std::unique_ptr<ApiLog> log_;
  std::unique_ptr<ApiLogReader> reader_;
  std::unique_ptr<AuditLog> audit_;
  std::vector<api::Route> routes_;
};
FEALTY_ON_BOTH_ENGINES(Logs);

TEST_P(Logs, ShowRequestsOfTheirCommunityTheNewestFirst) {
  for (auto const* path : {"/a", "/b", "/c"}) note(record(kHere, path));
  note(record(kElsewhere, "/theirs"));
  auto const body = ask("api_logs.list");
  EXPECT_THAT(all_of(body, "path"), ElementsAre("/c", "/b", "/a")) << body;
  EXPECT_THAT(body, HasSubstr(R"("durationMs":1.5)"));
  EXPECT_THAT(body, HasSubstr(R"("key":{"prefix":"fk_abcdefgh","name":"CRM","kind":"community_key"})"));
  EXPECT_THAT(body, HasSubstr(R"("pagination":{"total":3,"currentPage":1,"totalPages":1,"hasNextPage":false)"));
  auto const id = text_of(ask("api_logs.list", {}, {}, kElsewhere), "_id");
  EXPECT_THAT(ask("api_logs.get", {}, {id}), HasSubstr("log_not_found")) << "a row of another community";
  EXPECT_EQ(text_of(ask("api_logs.get", {}, {id}, kElsewhere), "path"), "/theirs");
  EXPECT_THAT(ask("api_logs.get", {}, {"nothing"}), HasSubstr("log_not_found"));
}

TEST_P(Logs, AreWalkedWithoutGapsOrRepeatsWhileOthersCome) {
  for (int i = 0; i < 25; ++i) note(record(kHere, "/" + std::to_string(i)));
  std::vector<std::string> seen;
  std::string cursor;
  do {
    std::vector<std::pair<std::string, std::string>> query{{"limit", "10"}};
    if (!cursor.empty()) query.emplace_back("cursor", cursor);
    auto const body = ask("api_logs.list", query);
    for (auto& path : all_of(body, "path")) seen.push_back(path);
    cursor = text_of(body, "nextCursor");
    note(record(kHere, "/late"));
  } while (!cursor.empty());
  ASSERT_EQ(seen.size(), 25u);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], "/" + std::to_string(24 - i));
  auto const first = text_of(ask("api_logs.list", {{"limit", "10"}}), "nextCursor");
  EXPECT_THAT(ask("api_logs.list", {{"limit", "10"}, {"cursor", first}, {"status", "4xx"}}), HasSubstr("invalid_cursor"));
  EXPECT_THAT(ask("api_logs.list", {{"cursor", first}}, {}, kElsewhere), HasSubstr("invalid_cursor"));
  auto const second = ask("api_logs.list", {{"limit", "10"}, {"page", "2"}, {"sort", "createdAt:asc"}});
  EXPECT_EQ(text_of(second, "path"), "/10") << second;
}

TEST_P(Logs, AreFilteredByWhatStandsInThem) {
  note(record(kHere, "/users"));
  note(record(kHere, "/users", 404));
  note(record(kHere, "/users", 429));
  note(record(kHere, "/other", 500, "PUT"));
  auto const count = [&](std::string name, std::string value) {
    return all_of(ask("api_logs.list", {{std::move(name), std::move(value)}}), "path").size();
  };
  EXPECT_EQ(count("status", "4xx"), 2u);
  EXPECT_EQ(count("status", "429"), 1u);
  EXPECT_EQ(count("status", "2xx"), 1u);
  EXPECT_EQ(count("method", "PUT"), 1u);
  EXPECT_EQ(count("path", "/users"), 3u);
  EXPECT_EQ(count("key", "fk_abcdefgh"), 4u);
  EXPECT_EQ(count("key", "fk_other"), 0u);
  EXPECT_EQ(count("requestId", "r/other"), 1u);
  EXPECT_EQ(count("user_id", "7"), 0u);
  EXPECT_EQ(count("startDate", to_iso(now_)), 1u);
  EXPECT_EQ(count("endDate", to_day(now_ - kDay)), 0u);
  EXPECT_EQ(count("endDate", to_day(now_)), 4u);
  EXPECT_EQ(count("endDate", "9999-12-31"), 4u) << "numbers end before";
  EXPECT_EQ(count("startDate", "9999-12-31"), 0u);
  EXPECT_EQ(count("kind", "bulk_job"), 0u);
  auto const wrong = ask("api_logs.list", {{"status", "6xx"}, {"startDate", "yesterday"}});
  EXPECT_THAT(all_of(wrong, "field"), testing::UnorderedElementsAre("status", "startDate")) << wrong;
}

TEST_P(Logs, HoldBulkJobsWithTheirFiguresAsOfNow) {
  note(record(kHere, "/before"));
  now_ += 1'000;
  JobLogRow job;
  job.number = numbers_.next();
  job.id = PublicId::of(job.number, now_).to_string();
  job.created_at = now_;
  job.log_name = "march";
  job.type = "bulk_update";
  job.status = "processing";
  job.total = 10;
  job.processed = job.success = 4;
  jobs_.push_back(job);
  note(record(kHere, "/after"));
  auto const body = ask("api_logs.list");
  EXPECT_THAT(all_of(body, "kind"), ElementsAre("request", "community_key", "bulk_job", "", "request", "community_key")) << body;
  EXPECT_THAT(body, HasSubstr(R"("log_name":"march","job":{"id":")" + job.id +
                              R"(","type":"bulk_update","status":"processing","total":10,"processed":4,"success":4,"failed":0})"));
  EXPECT_EQ(all_of(ask("api_logs.list", {{"status", "processing"}}), "log_name").size(), 1u);
  EXPECT_EQ(all_of(ask("api_logs.list", {{"status", "completed"}}), "log_name").size(), 0u);
  EXPECT_EQ(text_of(ask("api_logs.get", {}, {job.id}), "log_name"), "march");
}

TEST_P(Logs, KeepReadsOnlyWhereTheCommunityWantsThem) {
  EXPECT_FALSE(log_->wants(kHere, true, 200));
  EXPECT_TRUE(log_->wants(kHere, true, 404));
  EXPECT_TRUE(log_->wants(kHere, false, 200));
  test::run(db(), "UPDATE communities SET log_reads = 1 WHERE community_id = 1");
  log_->learn_settings();
  EXPECT_TRUE(log_->wants(kHere, true, 200));
  EXPECT_FALSE(log_->wants(kElsewhere, true, 200));
}

TEST_P(Logs, DropAndCountWhatDoesNotFitAndNeverGrow) {
  for (std::size_t i = 0; i < ApiLog::kQueueMax + 5; ++i) log_->record(record(kHere, "/x"));
  EXPECT_EQ(log_->dropped(), 5);
  log_->write();
  EXPECT_EQ(rows(), static_cast<std::int64_t>(ApiLog::kQueueMax));
  log_->record(record(kHere, "/y"));
  log_->stop();
  EXPECT_EQ(rows(), static_cast<std::int64_t>(ApiLog::kQueueMax) + 1) << "what waits is written at the end";
}

TEST_P(Logs, AreForgottenAfterTheirTimeAndKeepNoWholeAddressForLong) {
  test::run(db(), "UPDATE communities SET api_log_days = 60 WHERE community_id = 1");
  note(record(kHere, "/old"));
  note(record(kElsewhere, "/old"));
  auto six = record(kHere, "/six");
  six.remote_address = "2001:db8:1:2:3::4";
  note(std::move(six));
  now_ += 31 * kDay;
  note(record(kHere, "/new"));
  auto const go_on = [](std::int64_t) { return true; };
  ASSERT_TRUE(log_->prune(go_on));
  EXPECT_THAT(all_of(ask("api_logs.list", {}, {}, kElsewhere), "path"), ElementsAre()) << "30 days when nobody says otherwise";
  EXPECT_THAT(all_of(ask("api_logs.list"), "ip"), ElementsAre("192.0.2.77", "2001:db8:1::/48", "192.0.2.0/24"));
  now_ += 31 * kDay;
  EXPECT_FALSE(log_->prune([](std::int64_t) { return false; })) << "told to stop";
  ASSERT_TRUE(log_->prune(go_on));
  EXPECT_THAT(all_of(ask("api_logs.list"), "path"), ElementsAre("/new"));
}

TEST(LogTexts, HaveNothingThatAClientMadeUp) {
  EXPECT_EQ(loggable("curl/8.0", 256), "curl/8.0");
  EXPECT_EQ(loggable("a\nb", 256), "");
  EXPECT_EQ(loggable("\xff", 256), "");
  EXPECT_EQ(loggable("äöü", 3), "ä") << "no half character";
  EXPECT_EQ(loggable_issues({{"/customFields/0/value", "bad_value", "\"secret\" is no number"}}),
            R"([{"field":"/customFields/0/value","code":"bad_value"}])");
  EXPECT_EQ(loggable_issues({{"/filter/mia@example.org", "unknown_field", "?"}}), R"([{"field":"/filter/…","code":"unknown_field"}])");
  EXPECT_EQ(loggable_issues({{"/" + std::string(60, 'k'), "unknown_field", "?"}}), R"([{"field":"/…","code":"unknown_field"}])");
}

TEST_P(Logs, TellWhoChangedWhat) {
  Actor const mia{"user", "7", "mia"};
  auto const write = [&](CommunityNo community, Actor const& actor, std::string action, std::string target, std::string detail) {
    now_ += 1'000;
    db().write([&](sql::Tx& tx) {
      write_audit(tx, community, numbers_.next(), {actor, std::move(action), std::move(target), std::move(detail), "192.0.2.9", now_});
    });
  };
  write(kHere, mia, "role.update", "r1",
        R"({"request_id":"q1","changes":[{"path":"/order","before":1,"after":2}],"reason":"since spring"})");
  write(kHere, {"community_key", "fk_abcdefgh", "CRM"}, "user.create", "u1", "{}");
  write(kHere, mia, "role.delete", "r2", R"({"value":{"title":"100%_Gold Élan"}})");
  write(kElsewhere, mia, "role.delete", "theirs", "{}");
  auto const body = ask("audit_logs.list");
  EXPECT_THAT(all_of(body, "action"), ElementsAre("role.delete", "user.create", "role.update")) << body;
  EXPECT_THAT(body, HasSubstr(R"("target":{"kind":"role","id":"r1"},"changes":[{"path":"/order","before":1,"after":2}])"));
  EXPECT_THAT(body, HasSubstr(R"("reason":"since spring","ip":"192.0.2.9","requestId":"q1","result":"done")"));
  auto const found = [&](std::string name, std::string value) {
    return all_of(ask("audit_logs.list", {{std::move(name), std::move(value)}}), "action").size();
  };
  EXPECT_EQ(found("action", "role.*"), 2u);
  EXPECT_EQ(found("action", "role.update"), 1u);
  EXPECT_EQ(found("action", "role.u%"), 0u) << "nothing stands for anything else";
  EXPECT_EQ(found("targetKind", "user"), 1u);
  EXPECT_EQ(found("targetId", "r2"), 1u);
  EXPECT_EQ(found("actor", "7"), 2u);
  EXPECT_EQ(found("ip", "192.0.2.9"), 3u);
  EXPECT_EQ(found("search", "keyword:GOLD"), 1u);
  EXPECT_EQ(found("search", "keyword:0%_G"), 1u);
  EXPECT_EQ(found("search", "keyword:0x_G"), 0u);
  EXPECT_EQ(found("search", "keyword:Élan"), 1u) << "as it was written, beyond ASCII too";
  EXPECT_EQ(found("startDate", to_iso(now_ - 1'000)), 1u);
  EXPECT_THAT(ask("audit_logs.list", {{"search", "gold"}}), HasSubstr("bad_value"));
  // A walk, the oldest first.
  auto const first = ask("audit_logs.list", {{"limit", "2"}, {"sort", "createdAt:asc"}});
  EXPECT_THAT(all_of(first, "action"), ElementsAre("role.update", "user.create"));
  auto const second = ask("audit_logs.list", {{"limit", "2"}, {"sort", "createdAt:asc"}, {"cursor", text_of(first, "nextCursor")}});
  EXPECT_THAT(all_of(second, "action"), ElementsAre("role.delete"));
  EXPECT_EQ(text_of(second, "nextCursor"), "");
  auto const id = text_of(body, "_id");
  EXPECT_EQ(text_of(ask("audit_logs.get", {}, {id}), "action"), "role.delete");
  EXPECT_THAT(ask("audit_logs.get", {}, {id}, kElsewhere), HasSubstr("audit_not_found"));
}

}  // namespace
}  // namespace fealty::access
