#include <random>
#include <thread>

#include "base/zone.h"
#include "histories_harness.h"

namespace fealty::members {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Histories : public HistoriesTest {};
FEALTY_ON_BOTH_ENGINES(Histories);

TEST_P(Histories, TellOfASingleChangeAsTheContractSays) {
  auto const amount = field("Deposit amount", "numerical");
  ASSERT_EQ(set(1, "deposit amount", "100").status, 200);
  auto const reply = call("user_fields.set", {"1"},
                          R"({"customFields":[{"fieldIdorName":"Deposit-amount","op":"add","value":50}],"reason":"april deposits"})");
  EXPECT_EQ(reply.body, R"({"meta":{"status":"success","statusCode":200},"message":"Update user field values successful",)"
                        R"("data":{"userId":"1","customFields":{"Deposit-amount":150},"changed":["Deposit-amount"]}})");
  auto const list = call("user_field_histories.of_field_and_user", {"1", id_of(amount)});
  EXPECT_EQ(list.at("/meta"), R"({"status":"success","statusCode":200,"page":1,"limit":20,"total":2,"nextCursor":null})");
  EXPECT_EQ(list.text("/message"), "Get user field histories successful");
  EXPECT_EQ(list.at("/data/0/user"), R"({"_id":")" + PublicId::of(1, test::kNow).to_string() +
                                         R"(","id":1,"avatar":null,"displayName":"Member 1","username":"user1"})");
  EXPECT_EQ(list.at("/data/0/userField"),
            R"({"_id":")" + id_of(amount) + R"(","field":"Deposit-amount","name":"Deposit amount","type":"numerical"})");
  EXPECT_EQ(list.at("/data/0/previousValue"), "100");
  EXPECT_EQ(list.at("/data/0/value"), "150");
  EXPECT_EQ(list.text("/data/0/op"), "add");
  EXPECT_EQ(list.at("/data/0/operand"), "50");
  EXPECT_EQ(list.at("/data/0/source"), R"({"kind":"api","id":"fk_test","label":null})");
  EXPECT_EQ(list.at("/data/0/creator"), "null");
  EXPECT_EQ(list.text("/data/0/reason"), "april deposits");
  EXPECT_EQ(list.at("/data/1/previousValue"), "null");
  expect_sound();
}

TEST_P(Histories, NameEverySource) {
  auto const note = field("Note", "text");
  auto const job = update("Email,Note\r\n" + test::email_of(1) + ",from a file\r\n");
  ASSERT_EQ(set(1, "note", R"("by a key")").status, 200);
  auto const of_person = [&](std::int64_t account, std::string const& text) {
    return call_as(person(account), "user_fields.set", {"1"}, R"({"customFields":[{"fieldIdorName":"note","value":")" + text + "\"}]}")
        .status;
  };
  ASSERT_EQ(of_person(2, "by an administrator"), 200);
  ASSERT_EQ(of_person(1, "by himself"), 200);
  auto const second = update("Email,Note\r\n" + test::email_of(1) + ",again\r\n");
  revert(second);
  ASSERT_EQ(call("users.create", {},
                 R"({"firstname":"Mia","lastname":"Lee","displayname":"Mia","username":"mia","email":"mia@example.org","accessLevel":0,)"
                 R"("joinServer":true,"customFields":[{"fieldIdorName":"note","value":"first"}]})")
                .status,
            200);
  auto const list = call("user_field_histories.of_field", {id_of(note)});
  EXPECT_EQ(list.at("/meta/total"), "7");
  auto const source = [&](int i) { return list.at("/data/" + std::to_string(i) + "/source"); };
  EXPECT_EQ(source(0), R"({"kind":"create_user","id":"fk_test","label":null})");
  EXPECT_THAT(source(1), HasSubstr("\"kind\":\"bulk\",\"id\":\"" + second.to_string() + ":2:revert\""));
  EXPECT_THAT(source(2), HasSubstr("\"kind\":\"bulk\",\"id\":\"" + second.to_string() + ":2\""));
  EXPECT_EQ(source(3), R"({"kind":"member","id":null,"label":null})");
  EXPECT_EQ(list.at("/data/3/creator/id"), "1");
  EXPECT_EQ(source(4), R"({"kind":"console","id":null,"label":null})");
  EXPECT_EQ(list.text("/data/4/creator/username"), "user2");
  EXPECT_EQ(source(5), R"({"kind":"api","id":"fk_test","label":null})");
  EXPECT_THAT(source(6), HasSubstr(job.to_string() + ":2\""));
  // The newest first; each begins where the one before it ended.
  EXPECT_EQ(list.text("/data/1/value"), "by himself");
  EXPECT_EQ(list.text("/data/1/previousValue"), "again");

  EXPECT_THAT(all({{"source", "bulk"}, {"fieldId", id_of(note)}}), SizeIs(3));
  EXPECT_THAT(all({{"source", "member"}}), SizeIs(1));
  EXPECT_THAT(all({{"source", "program"}}), IsEmpty());
  EXPECT_THAT(all({{"userId", "1"}, {"fieldId", id_of(note)}}), SizeIs(6));
  expect_sound();
}

TEST_P(Histories, TellOfWhatMembersSetThemselves) {
  auto const shirt = field("Shirt", "select", {.options = {"S", "M"}, .visibility = "member", .member_editable = true});
  field("Wish", "text", {.member_editable = true});
  field("Level", "number", {.visibility = "member"});
  field("Risk", "number");
  auto const member = person(1, api::CommunityRole::member);
  auto const put = [&](api::Context const& who, std::string const& user, std::string const& values) {
    return call_as(who, "user_fields.set", {user}, R"({"customFields":[)" + values + "]}");
  };
  auto const value = [](std::string const& name, std::string const& json) {
    return R"({"fieldIdorName":")" + name + R"(","value":)" + json + "}";
  };
  auto const made = put(member, "1", value("shirt", R"("M")") + "," + value("wish", R"("sun")"));
  EXPECT_EQ(made.at("/data"), R"({"userId":"1","customFields":{"Shirt":"M"},"changed":["Shirt","Wish"]})") << "he does not see wishes";
  EXPECT_EQ(put(member, PublicId::of(1, test::kNow).to_string(), value("shirt", R"("S")")).status, 200);
  EXPECT_EQ(call("user_field_histories.of_field", {id_of(shirt)}).at("/data/0/source"), R"({"kind":"member","id":null,"label":null})");
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'user.fields'"), 2);

  auto const before = test::dump(db());
  EXPECT_EQ(put(member, "1", value("level", "1")).code(), "field_not_editable");
  EXPECT_EQ(put(member, "1", value("risk", "1")).at("/code"), put(member, "1", value("nothing", "1")).at("/code"));
  auto const mixed = put(member, "1", value("shirt", R"("M")") + "," + value("level", "1") + "," + value("risk", "1"));
  EXPECT_EQ(mixed.status, 400);
  EXPECT_THAT(mixed.body, testing::AllOf(HasSubstr("field_not_editable"), HasSubstr("unknown_field")));
  // Nobody else, whether he is there or not.
  auto const other = put(member, "2", value("shirt", R"("M")"));
  EXPECT_EQ(other.status, 403);
  EXPECT_EQ(put(member, "77", value("shirt", R"("M")")).body, other.body);
  auto own_key = member;
  own_key.principal.kind = api::PrincipalKind::user_key;
  EXPECT_EQ(put(own_key, "2", value("shirt", R"("M")")).status, 403);
  auto without_factor = person(2);
  without_factor.principal.lacks_second_factor = true;
  EXPECT_EQ(put(without_factor, "1", value("shirt", R"("M")")).code(), "second_factor_setup_required");
  EXPECT_EQ(put(without_factor, "2", value("level", "1")).code(), "field_not_editable") << "no more than any member";
  EXPECT_EQ(test::dump(db()), before);
  EXPECT_EQ(put(person(2), "2", value("level", "1")).status, 200) << "an administrator";
  expect_sound();
}

TEST_P(Histories, AreMadeByTheirOwnOperation) {
  auto const score = field("Score", "number");
  auto const made = create(1, R"({"field":"score","value":"12.5","note":"typed in"})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.text("/message"), "Create user field history successful");
  EXPECT_EQ(made.at("/data/value"), "12.5");
  EXPECT_EQ(made.text("/data/note"), "typed in");
  auto const same = create(1, R"({"fieldId":")" + id_of(score) + R"(","value":12.500000})");
  EXPECT_EQ(same.status, 200);
  EXPECT_EQ(same.text("/message"), "User field value unchanged");
  EXPECT_EQ(same.at("/data"), made.at("/data"));
  EXPECT_EQ(create(2, R"({"field":"score","value":null})").at("/data"), "null");

  auto const changed = create(1, R"({"field":"score","value":1,"op":"add","previousValue":12})");
  EXPECT_EQ(changed.status, 409);
  EXPECT_EQ(changed.code(), "value_changed");
  EXPECT_EQ(changed.at("/current"), "12.5");
  EXPECT_EQ(create(1, R"({"field":"score","value":1,"op":"add","previousValue":"12.50"})").at("/data/value"), "13.5");
  EXPECT_EQ(create(2, R"({"field":"score","value":1,"previousValue":null})").status, 201);
  EXPECT_EQ(create(2, R"({"field":"score","value":null,"previousValue":1})").at("/data/value"), "null");

  EXPECT_EQ(create(1, R"({"field":"score"})").status, 400);
  EXPECT_EQ(create(1, R"({"value":1})").status, 400);
  EXPECT_EQ(create(1, R"({"field":"score","fieldId":")" + id_of(score) + R"(","value":1})").status, 400);
  EXPECT_EQ(create(1, R"({"field":"nothing","value":1})").code(), "field_not_found");
  EXPECT_EQ(create(1, R"({"field":"first_name","value":"x"})").status, 403);
  EXPECT_EQ(create(77, R"({"field":"score","value":1})").code(), "user_not_found");
  EXPECT_THAT(of_value(1, score), SizeIs(2));
  expect_sound();
}

TEST_P(Histories, RefuseValuesWithEveryProblemAtOnceAndChangeNothing) {
  field("Score", "number");
  field("Plan", "select", {.options = {"free", "gold"}});
  field("Day", "date");
  field("Vip", "boolean");
  field("Must", "text", {.required = true});
  field("Customer", "text", {.identifier = true});
  ASSERT_EQ(set(2, "customer", R"("c-1")").status, 200);
  auto const before = test::dump(db());
  auto const reply =
      call("user_fields.set", {"1"},
           R"({"customFields":[{"fieldIdorName":"score","value":"1.0000001"},{"fieldIdorName":"plan","value":"silver"},)"
           R"({"fieldIdorName":"day","value":"2026-02-30"},{"fieldIdorName":"vip","op":"add","value":1},)"
           R"({"fieldIdorName":"must","value":null},{"fieldIdorName":"customer","value":"c-1"},)"
           R"({"fieldIdorName":"no such","value":1},{"fieldIdorName":"Email","value":"x"},{"fieldIdorName":"SCORE","value":1}]})");
  EXPECT_EQ(reply.status, 400);
  std::vector<std::string> problems;
  for (int i = 0; !reply.at("/meta/validation/" + std::to_string(i)).empty(); ++i) {
    auto const p = "/meta/validation/" + std::to_string(i);
    problems.push_back(reply.text(p + "/field") + " " + reply.text(p + "/code"));
  }
  EXPECT_THAT(problems, testing::UnorderedElementsAre(
                            "/customFields/6/fieldIdorName unknown_field", "/customFields/7/fieldIdorName default_field",
                            "/customFields/8/fieldIdorName duplicate_field", "/customFields/0/value bad_value",
                            "/customFields/1/value bad_value", "/customFields/2/value bad_value", "/customFields/3/value op_not_numeric",
                            "/customFields/4/value required", "/customFields/5/value identifier_taken"));
  EXPECT_EQ(set(1, "customer", R"("c-1")").status, 409);
  EXPECT_EQ(set(1, "customer", R"("c-1")").code(), "identifier_taken");
  EXPECT_EQ(set(1, "score", "1e400").code(), "bad_value");
  EXPECT_EQ(set(1, "score", "9e12").code(), "bad_value");
  EXPECT_EQ(set(1, "score", R"("")").code(), "bad_value");
  EXPECT_EQ(set(1, "score", "[1]").code(), "bad_value");
  EXPECT_EQ(set(1, "score", "null", "add").code(), "bad_value");
  EXPECT_EQ(set(7, "score", "1").status, 404);
  EXPECT_EQ(call("user_fields.set", {"1"}, R"({"customFields":[]})").status, 400);
  EXPECT_EQ(test::dump(db()), before);
}

TEST_P(Histories, KeepEachTypeAtItsLimits) {
  field("Score", "number");
  field("Text", "text");
  field("Lines", "multi-line-text");
  field("Day", "date");
  field("Vip", "boolean");
  auto const value = [&](std::string const& name, std::string const& json) {
    auto const reply = set(1, name, json);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.at("/data/customFields/" + name);
  };
  EXPECT_EQ(value("Score", "8999999999999.999999"), "8999999999999.999999");
  EXPECT_EQ(value("Score", "\"0.000001\""), "0.000001");
  EXPECT_EQ(set(1, "score", "0.0000001").code(), "bad_value");
  EXPECT_EQ(value("Text", R"("🙂 caf\u00e9")"), "\"🙂 café\"");
  EXPECT_EQ(set(1, "text", R"("🙂 cafe\u0301")").at("/data/changed"), "[]");  // the same text, composed otherwise
  EXPECT_EQ(value("Text", R"("")"), "null");
  EXPECT_EQ(set(1, "text", R"("two\nlines")").code(), "bad_value");
  EXPECT_EQ(value("Lines", R"("two\r\nlines")"), R"("two\nlines")");
  EXPECT_EQ(value("Day", R"("2028-02-29")"), R"("2028-02-29")");
  EXPECT_EQ(set(1, "day", R"("2027-02-29")").code(), "bad_value");
  EXPECT_EQ(value("Day", R"("2026-04-07T09:00:00+02:00")"), R"("2026-04-07T07:00:00.000Z")");
  EXPECT_EQ(value("Vip", "true"), "true");
  EXPECT_EQ(value("Vip", R"("FALSE")"), "false");
  EXPECT_EQ(set(1, "vip", "1").code(), "bad_value");
  expect_sound();
}

TEST_P(Histories, GiveTheSameWhicheverWayTheyAreRead) {
  auto const score = field("Score", "number"), note = field("Note", "text");
  std::string csv = "Email,Score,Score_op,Note\r\n";
  for (int round = 0; round < 40; ++round)
    for (int member = 1; member <= 5; ++member)
      csv += test::email_of(member) + "," + std::to_string(round + 1) + ",add,note " + std::to_string(round / 2) + "\r\n";
  update(csv);
  for (int i = 0; i < 30; ++i) ASSERT_EQ(set(1 + i % 5, "score", "1", "add").status, 200);
  update(csv);

  auto const newest = all();
  EXPECT_THAT(newest, SizeIs(2 * (200 + 100) + 30));
  auto oldest = walk("user_field_histories.list", {}, {{"sort", "createdAt:asc"}}, 7);
  std::reverse(oldest.begin(), oldest.end());
  EXPECT_EQ(oldest, newest);
  auto const only = [&](auto const& fits) {
    std::vector<Item> out;
    std::copy_if(newest.begin(), newest.end(), std::back_inserter(out), fits);
    return out;
  };
  for (auto const limit : {1, 3, 100}) {
    EXPECT_EQ(walk("user_field_histories.of_field", {id_of(note)}, {}, limit), only([](Item const& i) { return i.field == "Note"; }));
    EXPECT_EQ(walk("user_field_histories.of_user", {"3"}, {}, limit), only([](Item const& i) { return i.user == "3"; }));
    EXPECT_EQ(walk("user_field_histories.of_field_and_user", {"3", id_of(score)}, {}, limit),
              only([](Item const& i) { return i.user == "3" && i.field == "Score"; }));
  }
  // By page: the same order.
  auto const page = call("user_field_histories.of_user", {"3"}, "", {{"page", "3"}, {"limit", "10"}});
  EXPECT_EQ(page.text("/data/0/_id"), only([](Item const& i) { return i.user == "3"; })[20].id);
  // With bounds of time: what was written before and after the middle, each once.
  auto const middle = newest[newest.size() / 2];
  auto const at = NumberSource::time_of(PublicId::parse(middle.id)->number);
  auto const until = all({{"endDate", to_iso(at)}}), since = all({{"startDate", to_iso(at + 1)}});
  EXPECT_EQ(until.size() + since.size(), newest.size());
  EXPECT_EQ(until.front().id, newest[since.size()].id);
  for (auto const& [id, path] : {std::pair<std::string, std::vector<std::string>>{"user_field_histories.of_field", {id_of(score)}},
                                 {"user_field_histories.of_user", {"2"}},
                                 {"user_field_histories.of_field_and_user", {"2", id_of(score)}}})
    EXPECT_EQ(walk(id, path, {{"endDate", to_iso(at)}}).size() + walk(id, path, {{"startDate", to_iso(at + 1)}}).size(),
              walk(id, path).size());
  auto const today = to_day(system_now());
  EXPECT_THAT(all({{"startDate", to_day(system_now() - kDayMs)}, {"endDate", today}}), SizeIs(newest.size()));
  EXPECT_THAT(all({{"endDate", to_day(system_now() - 2 * kDayMs)}}), IsEmpty());
  EXPECT_THAT(all({{"startDate", "9999-12-31"}}), IsEmpty());
  EXPECT_THAT(all({{"startDate", "1000-01-01"}, {"endDate", "9999-12-31"}}), SizeIs(newest.size()));

  EXPECT_EQ(call("user_field_histories.list", {}, "", {{"skipTotal", "true"}}).at("/meta/total"), "");
  EXPECT_EQ(call("user_field_histories.list", {}, "", {{"fields", "value,op"}, {"limit", "1"}}).at("/data/0"),
            R"({"value":)" + newest[0].after + R"(,"op":"add"})");
  expect_sound();
}

TEST_P(Histories, RefuseQueriesThatAreNotRight) {
  auto const score = field("Score", "number");
  set(1, "score", "1");
  set(1, "score", "2");
  auto const refuses = [&](std::vector<std::pair<std::string, std::string>> query) {
    return call("user_field_histories.list", {}, "", std::move(query)).status;
  };
  EXPECT_EQ(refuses({{"sort", "value"}}), 400);
  EXPECT_EQ(refuses({{"startDate", "yesterday"}}), 400);
  EXPECT_EQ(refuses({{"startDate", "2026-04-02"}, {"endDate", "2026-04-01"}}), 400);
  EXPECT_EQ(refuses({{"fields", "value,secret"}}), 400);
  EXPECT_EQ(refuses({{"limit", "101"}}), 400);
  EXPECT_EQ(refuses({{"page", "1000"}, {"limit", "100"}}), 400);
  EXPECT_EQ(refuses({{"fieldId", "score"}}), 400);
  EXPECT_EQ(refuses({{"fieldId", std::string(24, 'f')}}), 404);
  EXPECT_EQ(refuses({{"userId", "12345"}}), 404);
  EXPECT_EQ(refuses({{"source", "elsewhere"}}), 400);
  auto const cursor = call("user_field_histories.list", {}, "", {{"limit", "1"}}).text("/meta/nextCursor");
  EXPECT_EQ(refuses({{"cursor", cursor}}), 200);
  EXPECT_EQ(refuses({{"cursor", cursor}, {"page", "1"}}), 400);
  EXPECT_EQ(refuses({{"cursor", cursor}, {"sort", "createdAt:asc"}}), 400);
  EXPECT_EQ(refuses({{"cursor", cursor + "x"}}), 400);
  EXPECT_EQ(call("user_field_histories.of_field", {"zz"}).status, 400);
  EXPECT_EQ(call("user_field_histories.of_user", {"nobody"}).status, 404);
  EXPECT_THAT(walk("user_field_histories.of_user", {"2"}), IsEmpty());
  EXPECT_THAT(walk("user_field_histories.of_field_and_user", {"2", id_of(score)}), IsEmpty());
}

TEST_P(Histories, HideDeletedFieldsAndMembers) {
  auto const score = field("Score", "number"), note = field("Note", "text");
  for (int member = 1; member <= 3; ++member) {
    set(member, "score", "5");
    set(member, "note", R"("n")");
  }
  EXPECT_THAT(all(), SizeIs(6));
  test::run(db(), "UPDATE memberships SET state = 4, deleted_at = 1 WHERE community_id = 1 AND member_id = 2");
  EXPECT_THAT(all(), SizeIs(4));
  EXPECT_THAT(walk("user_field_histories.of_field", {id_of(note)}), SizeIs(2));
  EXPECT_EQ(call("user_field_histories.of_user", {"2"}).status, 404);
  ASSERT_EQ(call("user_fields.delete", {id_of(note)}).status, 200);
  EXPECT_THAT(all(), SizeIs(2));
  EXPECT_THAT(walk("user_field_histories.of_user", {"1"}), SizeIs(1));
  EXPECT_EQ(call("user_field_histories.of_field", {id_of(note)}).status, 404);
  test::run(db(), "UPDATE memberships SET state = 0, deleted_at = NULL WHERE community_id = 1 AND member_id = 2");
  ASSERT_EQ(call("user_fields.restore", {id_of(note)}).status, 200);
  EXPECT_THAT(all(), SizeIs(6));
  expect_sound();
}

TEST_P(Histories, OfOneCommunityAreNoneOfAnother) {
  field("Score", "number");
  set(1, "score", "1");
  auto other = context();
  other.community = other.principal.community = kElsewhere;
  other.principal.community_id = PublicId::of(kElsewhere.value, test::kNow);
  EXPECT_EQ(call_as(other, "user_field_histories.list", {}).at("/data"), "[]");
  EXPECT_EQ(call_as(other, "user_field_histories.list", {}).at("/meta/total"), "0");
  EXPECT_EQ(call_as(other, "user_field_histories.of_user", {"1"}).status, 404);
  // Member 5 belongs to both; the field does not.
  EXPECT_EQ(call_as(other, "user_fields.set", {"5"}, R"({"customFields":[{"fieldIdorName":"score","value":1}]})").status, 400);
  EXPECT_EQ(call_as(other, "user_field_histories.of_user", {"5"}).at("/data"), "[]");
}

TEST_P(Histories, AreWrittenOnceForOneIdempotencyKey) {
  auto const score = field("Score", "number");
  auto const body = R"({"customFields":[{"fieldIdorName":"score","op":"add","value":1}]})";
  auto const first = call_as(context(), "user_fields.set", {"1"}, body, {}, "k1");
  EXPECT_EQ(call_as(context(), "user_fields.set", {"1"}, body, {}, "k1").body, first.body);
  EXPECT_EQ(call_as(context(), "user_fields.set", {"2"}, body, {}, "k1").status, 409);
  auto const item = R"({"field":"score","op":"add","value":1})";
  auto const made = call_as(context(), "user_field_histories.create", {"1"}, item, {}, "k2");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(call_as(context(), "user_field_histories.create", {"1"}, item, {}, "k2").body, made.body);
  EXPECT_THAT(of_value(1, score), SizeIs(2));
}

TEST_P(Histories, KeepEveryOneOf64ParallelAdditions) {
  auto const score = field("Score", "number");
  constexpr int kThreads = 8, kEach = 8;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) EXPECT_EQ(set(1, "score", "1", "add").status, 200);
    });
  for (auto& t : threads) t.join();
  auto const items = of_value(1, score);
  ASSERT_THAT(items, SizeIs(kThreads * kEach));
  for (std::size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(items[i].before, i == 0 ? "null" : std::to_string(i));
    EXPECT_EQ(items[i].after, std::to_string(i + 1));
  }
  expect_sound();
}

// Whatever writes, in whatever order: the items of a value, replayed from nothing, give the value, and each real change has one.
TEST_P(Histories, ReplayedFromNothingGiveTheValues) {
  auto const score = field("Score", "number", {.default_value = "10"}), note = field("Note", "text");
  constexpr int kMembers = 5;
  std::mt19937 random(20'260'407);
  std::array<std::optional<std::int64_t>, kMembers + 1> scores;
  std::array<std::optional<std::string>, kMembers + 1> notes;
  std::map<std::pair<int, std::string>, int> changes;
  auto const change = [&](int member, bool is_add, std::int64_t number) {
    auto& place = scores[static_cast<std::size_t>(member)];
    auto const after = is_add ? place.value_or(10) + number : number;
    if (place != after) ++changes[{member, "Score"}];
    place = after;
  };
  auto const write = [&](int member, std::optional<std::string> text) {
    auto& place = notes[static_cast<std::size_t>(member)];
    if (place != text) ++changes[{member, "Note"}];
    place = std::move(text);
  };
  for (int round = 0; round < 60; ++round) {
    int const member = 1 + static_cast<int>(random() % kMembers);
    auto const number = static_cast<std::int64_t>(random() % 3);
    bool const is_add = random() % 2 == 0;
    std::string const text = "t" + std::to_string(random() % 3);
    auto const op = std::string(is_add ? "add" : "overwrite");
    switch (random() % 5) {
      case 0:
        ASSERT_EQ(set(member, "score", std::to_string(number), op).status, 200);
        change(member, is_add, number);
        break;
      case 1: {
        bool const clears = random() % 3 == 0;
        auto const reply = create(member, R"({"field":"note","value":)" + (clears ? "null" : "\"" + text + "\"") + "}");
        ASSERT_THAT(reply.status, testing::AnyOf(200, 201));
        write(member, clears ? std::nullopt : std::optional(text));
        break;
      }
      case 2: {
        std::string csv = "Email,Score,Score_op,Note\r\n";
        for (int row = 0; row < 12; ++row) {
          int const of = 1 + static_cast<int>(random() % kMembers);
          auto const n = static_cast<std::int64_t>(random() % 3);
          bool const adds = random() % 2 == 0, clears = random() % 4 == 0, fails = random() % 5 == 0;
          std::string const words = "t" + std::to_string(random() % 3);
          csv += test::email_of(of) + "," + (fails ? "much" : std::to_string(n)) + "," + (adds ? "add" : "overwrite") + "," +
                 (clears ? "<clear>" : words) + "\r\n";
          if (fails) continue;  // none of its fields changes
          change(of, adds, n);
          write(of, clears ? std::nullopt : std::optional(words));
        }
        update(csv);
        break;
      }
      case 3: {
        // A job that is taken back leaves what was there, by items of its own.
        auto const before = scores;
        auto const id = update("Email,Score,Score_op\r\n" + test::email_of(member) + ",7,add\r\n");
        change(member, true, 7);
        revert(id);
        if (scores != before) ++changes[{member, "Score"}];
        scores = before;
        break;
      }
      default: {
        auto const reply = call_as(person(member), "user_fields.set", {std::to_string(member)},
                                   R"({"customFields":[{"fieldIdorName":"score","value":)" + std::to_string(number) +
                                       R"(},{"fieldIdorName":"note","value":")" + text + "\"}]}");
        ASSERT_EQ(reply.status, 200);
        change(member, false, number);
        write(member, text);
      }
    }
  }
  for (int member = 1; member <= kMembers; ++member)
    for (auto const& f : {score, note}) {
      auto const items = of_value(member, f);
      EXPECT_EQ(static_cast<int>(items.size()), (changes[{member, f.key}])) << member << " " << f.key;
      std::string value = "null";
      for (auto const& i : items) {
        EXPECT_EQ(i.before, value);
        EXPECT_NE(i.after, i.before);
        value = i.after;
      }
      auto const& number = scores[static_cast<std::size_t>(member)];
      auto const& text = notes[static_cast<std::size_t>(member)];
      EXPECT_EQ(value, f.key == "Score" ? (number ? std::to_string(*number) : "null") : (text ? "\"" + *text + "\"" : "null"));
    }
  expect_sound();
}

TEST_P(Histories, RiseAlongEachChainWhateverTheClocksOfTwoNodesSay) {
  auto const score = field("Score", "number");
  // The other node's clock is a minute ahead.
  NumberSource ahead(2, [] { return system_now() + 60'000; });
  HistoriesService other(db(), ahead);
  auto const add = [&](HistoriesService& service) {
    SetValuesIn in;
    in.customFields.push_back({"score", "add", {"1"}});
    ASSERT_TRUE(service.set(context(), "1", in, {}));
  };
  for (int i = 0; i < 6; ++i) add(i % 2 == 0 ? other : *histories_);
  auto const items = of_value(1, score);
  ASSERT_THAT(items, SizeIs(6));
  for (std::size_t i = 1; i < items.size(); ++i) {
    EXPECT_GT(PublicId::parse(items[i].id)->number, PublicId::parse(items[i - 1].id)->number);
    EXPECT_EQ(items[i].before, items[i - 1].after);
  }
  expect_sound();
}

class EarlierHistories : public test::DatabaseTest {
 protected:
  EarlierHistories() : DatabaseTest(test::TestDatabase::Schema::empty) {}
};
FEALTY_ON_BOTH_ENGINES(EarlierHistories);

TEST_P(EarlierHistories, AreListedAfterTheUpgrade) {
  auto const all = sql::migrations();
  auto const ours = std::find_if(all.begin(), all.end(), [](sql::Migration const& m) { return m.name.ends_with("_histories"); });
  sql::migrate(db(), all.first(static_cast<std::size_t>(ours - all.begin())));
  test::add_community(db(), 1);
  for (int member = 1; member <= 3; ++member) test::add_member(db(), {1}, member);
  test::run(db(),
            "INSERT INTO fields (community_id, field_id, field_key, name, type, created_at, updated_at) "
            "VALUES (1, 100, 'note', 'Note', 'text', 0, 0)");
  // A job's rows of two members, in two fields, a single change of each, and somebody who is no member any more.
  auto const first = NumberSource::first_at(test::kNow);
  struct Row {
    std::int64_t draw, member, field, previous, source, row;
  };
  Row const rows[] = {{0, 1, 1, -1, 50, 2}, {1, 1, 100, -1, 50, 2},     {2, 2, 1, -1, 50, 3},     {3, 2, 100, -1, 50, 3},
                      {9, 1, 1, 0, 51, 0},  {40'000, 2, 100, 3, 52, 0}, {50'000, 4, 1, -1, 53, 0}};
  auto const number = [&](std::int64_t draw) { return draw < 0 ? std::string("0") : std::to_string(NumberSource::at(first, draw)); };
  for (auto const& r : rows) {
    auto const key = "1, " + std::to_string(r.member) + ", " + std::to_string(r.field);
    test::run(db(),
              "INSERT INTO field_history (community_id, history_id, member_id, field_id, operator, after_text, previous_id, source_id, "
              "source_row) VALUES (1, " +
                  number(r.draw) + ", " + std::to_string(r.member) + ", " + std::to_string(r.field) + ", 2, 'v', " + number(r.previous) +
                  ", " + std::to_string(r.source) + ", " + std::to_string(r.row) + ")");
    test::run(db(), "DELETE FROM field_values WHERE (community_id, member_id, field_id) = (" + key + ")");
    test::run(db(), "INSERT INTO field_values (community_id, member_id, field_id, text, history_id) VALUES (" + key + ", 'v', " +
                        number(r.draw) + ")");
    test::run(db(),
              "INSERT INTO change_sources (community_id, source_id, kind, external_id, actor_type, actor_id, actor_name, created_at) "
              "VALUES (1, " +
                  std::to_string(r.source) + ", '" + (r.row > 0 ? "bulk" : "create_user") + "', '" + std::to_string(r.source) +
                  "', 'community_key', 'fk_test', '', 0) ON CONFLICT DO NOTHING");
  }
  sql::migrate(db());
  EXPECT_TRUE(db().read([](sql::Tx& tx) { return audit_histories(tx, 10); }).empty());
  EXPECT_TRUE(db().read([](sql::Tx& tx) { return audit_history_spans(tx, 10); }).empty());
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM change_sources WHERE history_items = 1"), 3);
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM history_leftovers WHERE member_id = 4"), 1);

  NumberSource numbers(1);
  HistoriesService service(db(), numbers);
  api::Context context;
  context.community = context.principal.community = {1};
  context.principal.community_id = PublicId::of(1, test::kNow);
  context.now = test::kNow;
  auto const total = [&](HistoriesService::Asked const& asked) {
    auto const page = service.list(context, asked, {});
    EXPECT_EQ(page->total, static_cast<std::int64_t>(page->items.size()));
    return page->items.size();
  };
  auto const first_name = PublicId{context.principal.community_id.seconds, 1}.to_string();
  EXPECT_EQ(total({.user = "1", .field = {}, .source = {}}), 3u);
  EXPECT_EQ(total({.user = {}, .field = first_name, .source = {}}), 3u);
  EXPECT_EQ(total({.user = "2", .field = first_name, .source = {}}), 1u);
}

}  // namespace
}  // namespace fealty::members
