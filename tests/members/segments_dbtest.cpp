#include "members/segments.h"

#include <gmock/gmock.h>

#include "members/users_harness.h"

namespace fealty::members {
namespace {

class Segments : public UsersTest {
 protected:
  void SetUp() override {
    UsersTest::SetUp();
    service_ = std::make_unique<SegmentsService>(db(), numbers_);
  }
  Reply ask(std::string const& id, std::string body = "", std::string const& segment = "",
            std::vector<std::pair<std::string, std::string>> query = {}, CommunityNo community = kHere, std::string const& key = "") {
    for (auto const& route : segments_routes(*service_)) {
      if (route.id != id) continue;
      api::Request request;
      request.method = route.method;
      request.body = std::move(body);
      request.query = std::move(query);
      if (!segment.empty()) request.path_args = {segment};
      if (!key.empty()) request.headers.push_back({"idempotency-key", key});
      auto c = context(community);
      auto response = api::render(route.family, route.handler(c, request), "request");
      while (response.stream && response.stream->next(response.body).then != api::BodyStream::Then::end) {}
      return {response.status, response.body};
    }
    ADD_FAILURE() << "there is no route " << id;
    return {};
  }
  static std::string unquoted(std::string const& text) { return text.size() < 2 ? text : text.substr(1, text.size() - 2); }
  std::string made(std::string const& name, std::string const& filter, std::string const& more = "") {
    auto const answer = ask("segments.create", R"({"name":")" + name + R"(","filter":)" + filter + more + "}");
    EXPECT_EQ(answer.status, 201) << answer.body;
    return unquoted(answer.at("/data/_id"));
  }
  std::string filter_of(std::string const& id) { return ask("segments.get", "", id).at("/data/filter"); }
  // Short ids of those who fit.
  std::string members_of(std::string const& id) {
    auto const answer = ask("segments.users", R"({"fields":["user_id"]})", id);
    if (answer.status != 200) return unquoted(answer.at("/code"));
    std::string out;
    for (int i = 0; !answer.at("/data/users/" + std::to_string(i)).empty(); ++i)
      out += (i ? " " : "") + unquoted(answer.at("/data/users/" + std::to_string(i) + "/user_id"));
    EXPECT_EQ(ask("segments.count", "", id).at("/data/total"), answer.at("/data/total"));
    return out;
  }
  void give_value(std::int64_t member, CustomField const& field, std::string const& text) {
    run(db(), "INSERT INTO field_values (community_id, member_id, field_id, number, text, history_id) VALUES (1, " +
                  std::to_string(member) + ", " + std::to_string(field.number.value) + ", NULL, '" + text + "', 0)");
  }
  std::unique_ptr<SegmentsService> service_;
};
FEALTY_ON_BOTH_ENGINES(Segments);

TEST_P(Segments, AreMadeShownChangedAndDeleted) {
  add_field("Tier", "text");
  auto const answer =
      ask("segments.create",
          R"({"name":" Gold ","description":"the best","filter":{"TIER":"gold","xp":{"gte":5}},"columns":["email","tier"]})");
  auto const id = unquoted(answer.at("/data/_id"));
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, R"({"status":"success","message":"Segment created successfully","data":{"_id":")" + id +
                             R"(","name":"Gold","description":"the best","filter":{"Tier":"gold","xp":{"gte":5}},"columns":["email",)"
                             R"("Tier"],"broken":[],"createdAt":"2026-04-07T09:00:00.000Z","updatedAt":"2026-04-07T09:00:00.000Z"}})");
  EXPECT_EQ(ask("segments.get", "", id).at("/data"), answer.at("/data"));

  now_ += 1'000;
  EXPECT_EQ(ask("segments.update", R"({"name":"Gold"})", id).at("/data/updatedAt"), "\"2026-04-07T09:00:00.000Z\"") << "nothing changed";
  auto const changed = ask("segments.update", R"({"name":"Silver","columns":[]})", id);
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.at("/data/name"), "\"Silver\"");
  EXPECT_EQ(changed.at("/data/columns"), "[]");
  EXPECT_EQ(changed.at("/data/filter"), R"({"Tier":"gold","xp":{"gte":5}})");
  EXPECT_EQ(changed.at("/data/updatedAt"), "\"2026-04-07T09:00:01.000Z\"");

  EXPECT_EQ(ask("segments.delete", "", id).at("/data/_id"), "\"" + id + "\"");
  for (auto const* operation :
       {"segments.get", "segments.delete", "segments.count", "segments.users", "segments.export", "segments.update"})
    EXPECT_EQ(ask(operation, "{}", id).status, 404) << operation;
  EXPECT_EQ(number(db(), "SELECT count(*) FROM segment_parts"), 0);
  EXPECT_EQ(text(db(), "SELECT action FROM audit_entries WHERE community_id = 1 AND audit_id = (SELECT max(audit_id) FROM audit_entries)"),
            "segment.delete");
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE action LIKE 'segment.%' AND target = '" + id + "'"), 3);
}

TEST_P(Segments, FindWhomTheFilterFinds) {
  run(db(), "UPDATE memberships SET country = 'SG' WHERE community_id = 1 AND member_id IN (2, 3, 7)");
  EXPECT_EQ(members_of(made("Everybody", "{}")), "1 2 3 4 5 9 10");
  EXPECT_EQ(members_of(made("Singapore", R"({"country":"Singapore"})")), "2 3");
  EXPECT_EQ(members_of(made("One", R"({"email":"M4@example.org"})")), "4");
  auto const page = ask("segments.users", "{}", made("With columns", R"({"user_id":"2"})", R"(,"columns":["country","username"])"));
  EXPECT_EQ(page.at("/data/users/0"), R"({"country":"SG","username":"user2"})");
  EXPECT_THAT(ask("segments.users", "{}", made("Without", R"({"user_id":"2"})")).at("/data/users/0"),
              HasSubstr(R"("email":"m2@example.org")"));
}

TEST_P(Segments, AreWalkedByTheirCursorUntilTheyAreChanged) {
  for (std::int64_t m = 1'001; m <= 1'450; ++m) test::add_member(db(), kHere, m);
  auto const id = made("All", "{}");
  std::string cursor, seen;
  int pages = 0;
  do {
    auto const answer =
        ask("segments.users", cursor.empty() ? R"({"fields":["user_id"]})" : R"({"fields":["user_id"],"cursor":)" + cursor + "}", id);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.at("/data/total"), "457");
    seen += answer.at("/data/users");
    cursor = answer.at("/data/next_cursor");
    ++pages;
    if (pages == 1) {
      EXPECT_EQ(ask("segments.users", R"({"cursor":)" + cursor + "}", made("Another", "{}")).at("/code"), "\"invalid_cursor\"");
      EXPECT_EQ(call("users.filter", R"({"cursor":)" + cursor + "}").at("/code"), "\"invalid_cursor\"");
      EXPECT_EQ(ask("segments.update", R"({"name":"Renamed"})", id).status, 200) << "the name is no part of the question";
    }
  } while (!cursor.empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), '{'), 457);
  auto const first = ask("segments.users", "{}", id).at("/data/next_cursor");
  EXPECT_EQ(ask("segments.update", R"({"filter":{"country":null}})", id).status, 200);
  EXPECT_EQ(ask("segments.users", R"({"cursor":)" + first + "}", id).at("/code"), "\"invalid_cursor\"");
}

TEST_P(Segments, MeanTheSameAfterTheirPartsWereRenamed) {
  auto const tier = add_field("Tier", "text");
  give_value(2, tier, "gold");
  give_role(2, add_role(3, "Trader", 10));
  give_role(3, 3);
  run(db(), "INSERT INTO tags (community_id, tag_id, name, created_at) VALUES (1, 5, 'vip', 0)");
  run(db(), "INSERT INTO member_tags (community_id, member_id, tag_id) VALUES (1, 3, 5)");
  auto const by_role = made("Role", R"({"role":{"in":["Trader","@all"]},"tier":"gold"})");
  auto const without = made("Not", R"({"role":{"not":"Trader"},"tag":null})");
  auto const by_tag = made("Tag", R"({"tag":"vip","role":"Trader"})");
  EXPECT_EQ(members_of(by_role), "2");
  EXPECT_EQ(members_of(without), "1 4 5 9 10");
  EXPECT_EQ(members_of(by_tag), "3");
  // Another role takes the old name, and another field the old display name.
  run(db(), "UPDATE roles SET title = 'Broker' WHERE role_id = 3");
  run(db(), "UPDATE tags SET name = 'Trader' WHERE tag_id = 5");
  run(db(), "UPDATE fields SET name = 'Level' WHERE field_id = " + std::to_string(tier.number.value));
  give_role(9, add_role(4, "Trader", 20));
  EXPECT_EQ(members_of(by_role), "2");
  EXPECT_EQ(members_of(without), "1 4 5 9 10");
  EXPECT_EQ(members_of(by_tag), "3");
  EXPECT_EQ(filter_of(by_role), R"({"role":{"in":["Broker","@all"]},"Tier":"gold"})");
  EXPECT_EQ(filter_of(by_tag), R"({"tag":"Trader","role":"Broker"})");
}

TEST_P(Segments, SayWhatIsGone) {
  auto const tier = add_field("Tier", "text");
  give_role(2, add_role(3, "Trader", 10));
  auto const id = made("Traders", R"({"role":"Trader","xp":0})", R"(,"columns":["tier"])");
  run(db(), "DELETE FROM roles WHERE role_id = 3");
  for (auto const* operation : {"segments.count", "segments.users", "segments.export"}) {
    auto const answer = ask(operation, "{}", id);
    EXPECT_EQ(answer.status, 409) << operation;
    EXPECT_EQ(answer.at("/code"), "\"segment_broken\"");
    EXPECT_EQ(answer.at("/broken"), R"([{"kind":"role","name":"Trader"}])");
    EXPECT_THAT(answer.body, HasSubstr(R"(refers to what is gone: role \"Trader\")"));
  }
  auto const shown = ask("segments.get", "", id);
  EXPECT_EQ(shown.at("/data/broken"), R"([{"kind":"role","name":"Trader"}])");
  EXPECT_EQ(shown.at("/data/filter"), R"({"role":"Trader","xp":0})");
  EXPECT_EQ(ask("segments.list").at("/data/0/broken"), R"([{"kind":"role","name":"Trader"}])");
  EXPECT_EQ(ask("segments.update", R"({"name":"Former traders"})", id).status, 200) << "what does not touch the filter";
  add_role(4, "Trader", 20);
  EXPECT_EQ(ask("segments.update", R"({"columns":["xp"]})", id).at("/code"), "\"segment_broken\"") << "its namesake inherits nothing";
  EXPECT_EQ(ask("segments.count", "", id).at("/code"), "\"segment_broken\"");
  EXPECT_EQ(ask("segments.update", R"({"filter":{"xp":0}})", id).at("/data/broken"), "[]");
  EXPECT_EQ(members_of(id), "1 2 3 4 5 9 10");

  // A field that is taken away behind the service's back.
  run(db(), "UPDATE fields SET deleted_at = 1 WHERE field_id = " + std::to_string(tier.number.value));
  EXPECT_EQ(ask("segments.count", "", id).at("/broken"), R"([{"kind":"field","name":"Tier"}])");
  add_field("Tier 2", "text");
  run(db(), "UPDATE fields SET field_key = 'Tier' WHERE deleted_at IS NULL");
  EXPECT_EQ(ask("segments.count", "", id).status, 409) << "another field of the key inherits nothing";
}

TEST_P(Segments, AreBrokenByFieldsThatDoNotTakeTheirConditions) {
  auto const score = add_field("Score", "number");
  auto const id = made("High", R"({"Score":{"gte":5}})");
  run(db(), "UPDATE fields SET type = 'text' WHERE field_id = " + std::to_string(score.number.value));
  auto const answer = ask("segments.count", "", id);
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.at("/broken"), R"([{"kind":"filter","name":"/filter/Score"}])");
  EXPECT_THAT(answer.body, HasSubstr(R"("code":"unknown_operator")"));
}

TEST_P(Segments, KeepTheirFieldsFromBeingDeleted) {
  auto const tier = add_field("Tier", "text"), level = add_field("Level", "text");
  auto const id = made("Gold", R"({"tier":"gold"})", R"(,"columns":["level"])");
  FieldService fields(db(), numbers_);
  for (auto const& field : {tier, level}) {
    auto const refused = fields.remove(kHere, field.id(), {"operator", "", ""}, now_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), "field_in_use");
    EXPECT_EQ(std::get<DetailJson>(refused.error().details.at(0).value).text, R"([{"kind":"segment","id":")" + id + R"(","name":"Gold"}])");
  }
  EXPECT_EQ(ask("segments.update", R"({"columns":[]})", id).status, 200);
  EXPECT_TRUE(fields.remove(kHere, level.id(), {"operator", "", ""}, now_));
  EXPECT_FALSE(fields.remove(kHere, tier.id(), {"operator", "", ""}, now_));
  EXPECT_EQ(ask("segments.delete", "", id).status, 200);
  EXPECT_TRUE(fields.remove(kHere, tier.id(), {"operator", "", ""}, now_));
}

TEST_P(Segments, NeverOutliveAFieldThatIsDeletedAtTheSameMoment) {
  for (int round = 0; round < 8; ++round) {
    auto const field = add_field("Field " + std::to_string(round), "text");
    std::latch together(2);
    bool was_removed = false;
    Reply answer;
    std::thread remover([&] {
      FieldService fields(db(), numbers_);
      together.arrive_and_wait();
      was_removed = fields.remove(kHere, field.id(), {"operator", "", ""}, now_).has_value();
    });
    together.arrive_and_wait();
    answer = ask("segments.create", R"({"name":"S)" + std::to_string(round) + R"(","filter":{")" + field.key + R"(":"x"}})");
    remover.join();
    EXPECT_NE(was_removed, answer.status == 201) << answer.body;
  }
}

TEST_P(Segments, AreRefusedWithEveryProblemAtOnce) {
  auto const answer = ask("segments.create", R"({"name":" ","filter":{"shoe":1,"xp":{"gt":1},"role":"Nobody","tag":{"in":["x",5]}},)"
                                             R"("columns":["email","hat"]})");
  EXPECT_EQ(answer.status, 400);
  for (auto const* part : {R"("field":"/name","code":"bad_value")", R"("field":"/filter/shoe","code":"unknown_column")",
                           R"("field":"/filter/xp/gt","code":"unknown_operator")", R"("field":"/filter/role","code":"unknown_role")",
                           R"("field":"/filter/tag/in/0","code":"unknown_tag")", R"("field":"/filter/tag/in/1","code":"unknown_tag")",
                           R"("field":"/columns/1","code":"unknown_column")"})
    EXPECT_THAT(answer.body, HasSubstr(part));
  add_field("Tier", "text");
  EXPECT_THAT(ask("segments.create", R"({"name":"a","filter":{"tier":"x","field:TIER":"y"}})").body, HasSubstr("duplicate_column"));
  EXPECT_THAT(ask("segments.create", R"({"name":"a","filter":[]})").body, HasSubstr("not_an_object"));
  EXPECT_THAT(ask("segments.create", R"({"name":"a"})").body, HasSubstr(R"("field":"/filter","code":"required")"));
  EXPECT_THAT(ask("segments.create", R"({"name":"a","filter":{"first_name":")" + std::string(70'000, 'x') + "\"}}").body,
              HasSubstr(R"("code":"too_long")"));
  EXPECT_EQ(ask("segments.list", "", "", {{"sort", "size"}, {"search", "x"}}).status, 400);
  EXPECT_EQ(count("segments"), 0);
}

TEST_P(Segments, HaveNamesOfTheirOwn) {
  made("Gold", "{}");
  auto const other = made("Silver", "{}");
  EXPECT_EQ(ask("segments.create", R"({"name":"gOLD","filter":{}})").at("/code"), "\"segment_exists\"");
  EXPECT_EQ(ask("segments.update", R"({"name":"GOLD"})", other).at("/code"), "\"segment_exists\"");
  EXPECT_EQ(ask("segments.update", R"({"name":"SILVER"})", other).status, 200) << "its own";
  EXPECT_EQ(ask("segments.create", R"({"name":"Gold","filter":{}})", "", {}, kElsewhere).status, 201) << "another community's";
}

TEST_P(Segments, AreMadeOnceByManyAtOnce) {
  constexpr int kTogether = 8;
  std::latch together(kTogether);
  std::atomic<int> made_now = 0, taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kTogether; ++i)
    threads.emplace_back([&] {
      together.arrive_and_wait();
      auto const answer = ask("segments.create", R"({"name":"Same","filter":{}})");
      made_now += answer.status == 201;
      taken += answer.at("/code") == "\"segment_exists\"";
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(made_now, 1);
  EXPECT_EQ(taken, kTogether - 1);
}

TEST_P(Segments, AreMadeOnceByOneKey) {
  std::string const body = R"({"name":"Once","filter":{"country":"SG"}})";
  auto const first = ask("segments.create", body, "", {}, kHere, "key-1");
  EXPECT_EQ(first.status, 201);
  auto const again = ask("segments.create", body, "", {}, kHere, "key-1");
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(ask("segments.create", R"({"name":"Other","filter":{}})", "", {}, kHere, "key-1").at("/code"), "\"idempotency_key_reused\"");
  EXPECT_EQ(count("segments"), 1);
}

TEST_P(Segments, AreAtMostTwoHundred) {
  for (int i = 0; i < kSegmentsPerCommunityMax; ++i)
    run(db(),
        "INSERT INTO segments (community_id, segment_id, name, name_key, description, filter, columns, created_at, updated_at) VALUES "
        "(1, " +
            std::to_string(1'000 + i) + ", 'n', 'n" + std::to_string(i) + "', '', '{}', '', 0, 0)");
  EXPECT_EQ(ask("segments.create", R"({"name":"One more","filter":{}})").at("/code"), "\"too_many_segments\"");
  EXPECT_EQ(ask("segments.list", "", "", {{"limit", "100"}, {"page", "2"}}).at("/pagination"),
            R"({"total":200,"currentPage":2,"totalPages":2,"hasNextPage":false,"hasPrevPage":true})");
}

TEST_P(Segments, AreListedSearchedAndSorted) {
  made("Beta", "{}", R"(,"description":"Second ones")");
  now_ += 1'000;
  made("alpha", "{}");
  auto const names = [&](std::vector<std::pair<std::string, std::string>> query) {
    auto const answer = ask("segments.list", "", "", std::move(query));
    std::string out;
    for (int i = 0; !answer.at("/data/" + std::to_string(i)).empty(); ++i) out += answer.at("/data/" + std::to_string(i) + "/name");
    return out;
  };
  EXPECT_EQ(names({}), R"("Beta""alpha")");
  EXPECT_EQ(names({{"sort", "name:asc"}}), R"("alpha""Beta")");
  EXPECT_EQ(names({{"sort", "updatedAt:desc"}}), R"("alpha""Beta")");
  EXPECT_EQ(names({{"search", "keyword:SECOND"}}), R"("Beta")");
  EXPECT_EQ(names({{"limit", "1"}, {"page", "2"}}), R"("alpha")");
}

TEST_P(Segments, OfAnotherCommunityAreUnknown) {
  auto const id = made("Ours", "{}");
  auto const unknown = PublicId::of(77, kNow).to_string();
  for (auto const* operation :
       {"segments.get", "segments.update", "segments.delete", "segments.count", "segments.users", "segments.export"}) {
    auto const theirs = ask(operation, "{}", id, {}, kElsewhere), nobodys = ask(operation, "{}", unknown, {}, kElsewhere);
    EXPECT_EQ(theirs.status, 404) << operation;
    EXPECT_EQ(theirs.body, nobodys.body);
  }
  EXPECT_EQ(ask("segments.list", "", "", {}, kElsewhere).at("/data"), "[]");
  EXPECT_EQ(ask("segments.get", "", id).status, 200);
}

TEST_P(Segments, AreExportedWithTheirColumns) {
  run(db(), "UPDATE memberships SET country = 'SG' WHERE community_id = 1 AND member_id IN (2, 3)");
  auto const id = made("Singapore", R"({"country":"SG"})", R"(,"columns":["email","country"])");
  EXPECT_EQ(ask("segments.export", "", id).body, "\xEF\xBB\xBFUser ID,Email,Country\r\n2,m2@example.org,SG\r\n3,m3@example.org,SG\r\n");
  EXPECT_EQ(ask("segments.export", "", id, {{"fields", "username,xp"}, {"layout", "plain"}}).body,
            "\xEF\xBB\xBFusername,xp\r\nuser2,0\r\nuser3,0\r\n");
  EXPECT_EQ(ask("segments.export", "", id, {{"layout", "xml"}}).status, 400);
  EXPECT_EQ(ask("segments.export", "", id, {{"fields", "shoe"}}).at("/code"), "\"unknown_column\"");
  EXPECT_EQ(
      text(db(), "SELECT detail FROM audit_entries WHERE action = 'export.segment' ORDER BY audit_id LIMIT 1"),
      R"({"request_id":"request","value":{"layout":"bulk","name":"Singapore","columns":["email","country"],"conditions":["country"]}})");
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'export.segment' AND target = '" + id + "'"), 2)
      << "what was refused is not among them";
}

}  // namespace
}  // namespace fealty::members
