#include <random>
#include <set>

#include "api/cursor.h"
#include "members/member_store.h"
#include "members/users_filter.h"
#include "members/users_harness.h"

namespace fealty::members {
namespace {

class UsersFilter : public UsersTest {
 protected:
  // Ids of the members whom a filter finds, in their order.
  std::string found(std::string const& conditions) {
    auto const answer = filter(R"({"fields":["user_id"],"filter":)" + conditions + "}");
    if (answer.status != 200) return answer.at("/code");
    std::string out;
    for (int i = 0; !answer.at("/data/users/" + std::to_string(i)).empty(); ++i) {
      auto const id = answer.at("/data/users/" + std::to_string(i) + "/user_id");
      out += (out.empty() ? "" : " ") + id.substr(1, id.size() - 2);
    }
    EXPECT_EQ(answer.at("/data/total"), std::to_string(out.empty() ? 0 : std::count(out.begin(), out.end(), ' ') + 1)) << conditions;
    return out;
  }
  void add_many(std::int64_t first, std::int64_t members) {
    for (std::int64_t m = first; m < first + members; ++m) test::add_member(db(), kHere, m);
  }
};
FEALTY_ON_BOTH_ENGINES(UsersFilter);

TEST_P(UsersFilter, WithoutConditionsGivesThePublishedColumnsOfAllWhoJoined) {
  run(db(), "UPDATE memberships SET first_name = 'Ana' WHERE member_id = 1");
  auto const answer = filter("{}");
  EXPECT_THAT(answer.body,
              HasSubstr(R"({"status":"success","message":"Users fetched successfully","data":{"users":[{"email":"m1@example.org",)"
                        R"("first_name":"Ana","last_name":null,"join_date":"2026-04-07T09:00:00.000Z","xp":0,"coins":0,"user_id":"1",)"
                        R"("username":"user1"},{)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("total":7,"total_pages":1,"current_page":1}})"));
  EXPECT_EQ(found("{}"), "1 2 3 4 5 9 10") << "neither invited nor deleted ones, nobody of another community";
  for (auto const* alias : {"users.filter.filters", "users.filter.search"}) EXPECT_EQ(call(alias, "{}").body, answer.body);
}

TEST_P(UsersFilter, FindsByEveryColumn) {
  give_role(2, add_role(2, "Trader", 10));
  give_role(3, 2);
  run(db(), "INSERT INTO tags (community_id, tag_id, name, created_at) VALUES (1, 5, 'vip', 0)");
  run(db(), "INSERT INTO member_tags (community_id, member_id, tag_id) VALUES (1, 3, 5)");
  run(db(),
      "INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) VALUES (1, 2, 1, 5000000, 0, 0), "
      "(1, 3, 1, 10500000, 0, 0), (1, 3, 2, -1000000, 0, 0), (2, 5, 1, 7000000, 0, 0)");
  run(db(),
      "UPDATE memberships SET first_name = 'Ana', last_name = 'Lee', phone = '+65 1', country = 'SG', language = 'en', referred_by = 3, "
      "last_online_at = 1775520000000, joined_at = 1775700000000 WHERE community_id = 1 AND member_id = 2");
  auto const id = PublicId::of(2, kNow).to_string();
  for (auto const& [conditions, members] :
       std::vector<std::pair<std::string, std::string>>{{R"({"email":"M2@Example.org"})", "2"},
                                                        {R"({"email":"m6@example.org"})", ""},
                                                        {R"({"username":"USER3"})", "3"},
                                                        {R"({"_id":")" + id + "\"}", "2"},
                                                        {R"({"user_id":"3"})", "3"},
                                                        {R"({"user_id":3})", "3"},
                                                        {R"({"user_id":"6"})", ""},
                                                        {R"({"email":null})", ""},
                                                        {R"({"first_name":"Ana"})", "2"},
                                                        {R"({"first_name":"ana"})", ""},
                                                        {R"({"first_name":null})", "1 3 4 5 9 10"},
                                                        {R"({"last_name":"Lee","first_name":"Ana"})", "2"},
                                                        {R"({"display_name":"Member 4"})", "4"},
                                                        {R"({"phone":"+65 1"})", "2"},
                                                        {R"({"country":"singapore"})", "2"},
                                                        {R"({"country":"DE"})", ""},
                                                        {R"({"language":"English"})", "2"},
                                                        {R"({"language":null})", "1 3 4 5 9 10"},
                                                        {R"({"role":"Trader"})", "3 2"},
                                                        {R"({"role":"Nobody"})", ""},
                                                        {R"({"role":null})", "1 4 5 9 10"},
                                                        {R"({"role":"@all","tag":"vip"})", "3"},
                                                        {R"({"tag":null,"role":"Trader"})", "2"},
                                                        {R"({"xp":5})", "2"},
                                                        {R"({"xp":"5.0"})", "2"},
                                                        {R"({"xp":0})", "1 4 5 9 10"},
                                                        {R"({"xp":{"gte":5,"lte":10.5}})", "3 2"},
                                                        {R"({"xp":{"gte":5.000001}})", "3"},
                                                        {R"({"xp":{"lte":5}})", "1 4 5 9 10 2"},
                                                        {R"({"coins":{"lte":-1}})", "3"},
                                                        {R"({"premium_currency":{"gte":1}})", ""},
                                                        {R"({"join_date":"2026-04-07"})", "1 3 4 5 9 10"},
                                                        {R"({"join_date":{"gte":"2026-04-07T09:00:00.001Z"}})", "2"},
                                                        {R"({"join_date":{"lte":"2026-04-07"}})", "1 3 4 5 9 10"},
                                                        {R"({"join_date":{"lte":"2026-04-09T02:00:00.000Z"}})", "1 3 4 5 9 10 2"},
                                                        {R"({"last_online":{"gte":"2026-04-07","lte":"2026-04-07"}})", "2"},
                                                        {R"({"last_online":null})", "1 3 4 5 9 10"},
                                                        {R"({"referred_by":"user3"})", "2"},
                                                        {R"({"referred_by":null})", "1 3 4 5 9 10"},
                                                        {R"({"status":"suspended"})", "9"},
                                                        {R"({"status":"banned"})", "10"},
                                                        {R"({"status":"active"})", "1 3 4 5 2"}})
    EXPECT_EQ(found(conditions), members) << conditions;
  auto const shown =
      filter(R"({"fields":["_id","role","tag","language","country","status","referred_by","premium_currency","last_online"],)"
             R"("filter":{"user_id":"2"}})");
  EXPECT_EQ(shown.at("/data/users/0"), R"({"_id":")" + id +
                                           R"(","role":["Trader"],"tag":[],"language":"English","country":"SG","status":"active",)"
                                           R"("referred_by":"3","premium_currency":0,"last_online":"2026-04-07T00:00:00.000Z"})");
}

TEST_P(UsersFilter, FindsByCustomFieldsAndTheirDefaults) {
  run(db(), "UPDATE communities SET time_zone = 'Asia/Singapore' WHERE community_id = 1");
  auto const tier = add_field("Tier", "text", "basic"), gold = add_field("Gold", "boolean"), score = add_field("Score", "number"),
             day = add_field("Day", "date"), card = add_field("Card", "text", "", true), clash = add_field("XP Field", "text");
  run(db(), "UPDATE fields SET field_key = 'coins' WHERE field_id = " + std::to_string(clash.number.value));
  auto const set = [&](std::int64_t member, CustomField const& field, std::string const& number, std::string const& value) {
    run(db(), "INSERT INTO field_values (community_id, member_id, field_id, number, text, history_id) VALUES (1, " +
                  std::to_string(member) + ", " + std::to_string(field.number.value) + ", " + number + ", " + value + ", 0)");
  };
  set(1, tier, "NULL", "'gold'");
  set(2, tier, "NULL", "'basic'");
  set(3, tier, "NULL", "NULL");
  set(1, gold, "1", "NULL");
  set(2, score, "1500000", "NULL");
  set(1, day, "NULL", "'2026-04-07'");
  set(2, day, "NULL", "'2026-04-06T16:00:00.000Z'");
  set(3, day, "NULL", "'2026-04-06T15:59:59.999Z'");
  set(4, card, "NULL", "'c-4'");
  set(5, clash, "NULL", "'x'");
  run(db(), "INSERT INTO identifier_values (community_id, field_id, value_key, member_id) VALUES (1, " + std::to_string(card.number.value) +
                ", 'c-4', 4)");
  for (auto const& [conditions, members] :
       std::vector<std::pair<std::string, std::string>>{{R"({"tier":"gold"})", "1"},
                                                        {R"({"Tier":"basic"})", "2 3 4 5 9 10"},
                                                        {R"({"Tier":null})", ""},
                                                        {R"({"Gold":true})", "1"},
                                                        {R"({"Gold":null})", "2 3 4 5 9 10"},
                                                        {R"({"Score":1.5})", "2"},
                                                        {R"({"Score":{"gte":0}})", "2"},
                                                        {R"({"Day":"2026-04-07"})", "1"},
                                                        {R"({"Day":{"gte":"2026-04-07"}})", "1 2"},
                                                        {R"({"Day":{"lte":"2026-04-06"}})", "3"},
                                                        {R"({"Day":{"gte":"2026-04-06T16:00:00.001Z"}})", ""},
                                                        {R"({"Card":"c-4"})", "4"},
                                                        {R"({"Card":"c-5"})", ""},
                                                        {R"({"field:coins":"x"})", "5"},
                                                        {R"({"coins":0})", "1 2 3 4 5 9 10"}})
    EXPECT_EQ(found(conditions), members) << conditions;
  EXPECT_EQ(filter(R"({"fields":["Tier","field:coins","Gold","Score"],"filter":{"user_id":"2"}})").at("/data/users/0"),
            R"({"Tier":"basic","field:coins":null,"Gold":null,"Score":1.5})");
}

TEST_P(UsersFilter, NamesEveryProblemAtOnce) {
  auto const answer = filter(R"({"fields":["email","shoe","_id"],"filter":{"xp":{"gt":5},"emial":"x","country":"Nowhere","role":["a"],)"
                             R"("join_date":{"gte":"soon"},"first_name":{"gte":"a"}}})");
  EXPECT_EQ(answer.status, 400);
  for (auto const* part :
       {R"("field":"/fields/1","code":"unknown_column")", R"("field":"/filter/xp/gt","code":"unknown_operator")",
        R"("field":"/filter/emial","code":"unknown_column")", R"("suggestions":["email"])",
        R"("field":"/filter/country","code":"unknown_country")", R"("field":"/filter/role","code":"bad_value")",
        R"("field":"/filter/join_date/gte","code":"not_a_date")", R"("field":"/filter/first_name","code":"unknown_operator")"})
    EXPECT_THAT(answer.body, HasSubstr(part));
  EXPECT_EQ(found(R"({"xp":{"gt":5}})"), "\"unknown_operator\"");
  EXPECT_EQ(found(R"({"nothing":5})"), "\"unknown_column\"");
  EXPECT_EQ(filter(R"({"page":5001})").at("/code"), "\"page_too_deep\"");
  EXPECT_EQ(filter(R"({"cursor":"abc"})").at("/code"), "\"invalid_cursor\"");
  EXPECT_EQ(filter(R"({"cursor":"abc","page":1})").status, 400);
  EXPECT_EQ(filter(R"({"filter":[1]})").status, 400);
  std::string many;
  for (int i = 0; i < 21; ++i) many += (i ? "," : "") + std::string("\"c") + std::to_string(i) + "\":1";
  EXPECT_EQ(filter(R"({"filter":{)" + many + "}}").status, 400);
}

TEST_P(UsersFilter, TakesEveryTextAsAValue) {
  add_field("Note", "text");
  auto const before = test::dump(db());
  for (std::string const& text : {"' OR 1=1 --", "'; DROP TABLE memberships; --", "$1", "\\\\' OR ''='", "%", "{rows r: k int}", "\\u0000",
                                  "1) OR (1=1", "NULL", "{lock m}"}) {
    for (auto const* column :
         {"email",    "first_name", "last_name", "join_date",        "xp",          "coins",       "username", "phone",   "country",
          "language", "role",       "tag",       "premium_currency", "last_online", "referred_by", "_id",      "user_id", "display_name",
          "status",   "Note",       "field:Note"}) {
      std::string const name = column;
      for (auto const& value : {"\"" + text + "\"", R"({"gte":")" + text + "\"}", "{\"" + text + "\":1}"}) {
        auto const answer = filter(R"({"filter":{")" + name + "\":" + value + "}}");
        EXPECT_TRUE(answer.status == 400 || (answer.status == 200 && answer.at("/data/total") == "0")) << name << value << answer.body;
      }
    }
    EXPECT_EQ(filter(R"({"filter":{")" + text + R"(":1}})").status, 400);
    EXPECT_EQ(filter(R"({"fields":[")" + text + R"("]})").status, 400);
  }
  EXPECT_EQ(test::dump(db()), before);
}

TEST_P(UsersFilter, CursorsBelongToTheirCommunityAndFilter) {
  add_many(100, 450);
  for (int m = 100; m < 320; ++m) test::add_member(db(), kElsewhere, m);
  auto const first = filter(R"({"fields":["user_id"]})");
  EXPECT_EQ(first.at("/data/total"), "457");
  EXPECT_EQ(first.at("/data/total_pages"), "3");
  auto const cursor = first.at("/data/next_cursor");
  ASSERT_FALSE(cursor.empty());
  auto const second = filter(R"({"fields":["email"],"cursor":)" + cursor + "}");
  EXPECT_EQ(second.at("/data/current_page"), "2");
  EXPECT_EQ(second.at("/data/users/0/email"), filter(R"({"page":2})").at("/data/users/0/email"));
  auto const last = filter(R"({"cursor":)" + second.at("/data/next_cursor") + "}");
  EXPECT_EQ(last.at("/data/next_cursor"), "") << "only when there are more";
  EXPECT_EQ(last.at("/data/users/57"), "");
  EXPECT_EQ(last.at("/data/total"), "457");
  EXPECT_EQ(filter(R"({"filter":{"xp":0},"cursor":)" + cursor + "}").at("/code"), "\"invalid_cursor\"");
  EXPECT_EQ(call_as(context(kElsewhere), "users.filter", R"({"cursor":)" + cursor + "}").at("/code"), "\"invalid_cursor\"");
  auto broken = cursor;
  broken[10] = broken[10] == 'a' ? 'b' : 'a';
  EXPECT_EQ(filter(R"({"cursor":)" + broken + "}").at("/code"), "\"invalid_cursor\"");
  now_ = kNow + api::kCursorLifeMs;
  EXPECT_EQ(filter(R"({"cursor":)" + cursor + "}").at("/code"), "\"invalid_cursor\"") << "after a day";
  EXPECT_EQ(filter(R"({"page":4})").at("/data/users"), "[]");
  EXPECT_EQ(filter(R"({"page":4})").at("/data/total"), "457");
}

TEST_P(UsersFilter, AWalkGivesEveryUnchangedMemberOnceWhileOthersComeAndGo) {
  add_many(100, 900);
  std::atomic<bool> over{false};
  std::thread others([&] {
    std::mt19937 random(7);
    for (std::int64_t m = 2'000; !over; ++m) {
      // Odd ones come and go, and go out of the filter and in again; even ones stay as they are.
      test::add_member(db(), kHere, m * 2 + 1);
      auto const odd = std::to_string(101 + 2 * std::uniform_int_distribution<>(0, 400)(random));
      run(db(),
          "UPDATE memberships SET state = 4 - state, display_name = 'Changed' WHERE community_id = 1 AND state IN (0, 4) AND member_id = " +
              odd);
    }
  });
  for (int round = 0; round < 3; ++round) {
    std::set<std::string> seen;
    std::string cursor;
    do {
      auto const page =
          filter(R"({"fields":["user_id"],"filter":{"xp":{"lte":0}})" + (cursor.empty() ? "" : ",\"cursor\":" + cursor) + "}");
      ASSERT_EQ(page.status, 200) << page.body;
      for (int i = 0; !page.at("/data/users/" + std::to_string(i)).empty(); ++i)
        EXPECT_TRUE(seen.insert(page.at("/data/users/" + std::to_string(i) + "/user_id")).second);
      cursor = page.at("/data/next_cursor");
    } while (!cursor.empty());
    for (int m = 100; m < 1'000; m += 2) EXPECT_TRUE(seen.contains("\"" + std::to_string(m) + "\"")) << m;
  }
  over = true;
  others.join();
}

// Numbers rise with the time of joining, close together or far apart, or have nothing to do with it; some are in no list.
TEST_P(UsersFilter, PagesAreInTheOrderOfJoiningHoweverNumbersLie) {
  run(db(), "DELETE FROM memberships WHERE community_id = 1");
  std::mt19937 random(11);
  for (auto const* how : {"close", "far", "shuffled", "backwards", "mixed"}) {
    SCOPED_TRACE(how);
    run(db(), "DELETE FROM memberships WHERE community_id = 1");
    run(db(), "DELETE FROM balances WHERE community_id = 1");
    constexpr int kMembers = 700;
    std::vector<std::int64_t> numbers;
    std::string const order = how;
    for (int i = 0; i < kMembers; ++i) numbers.push_back(10'000 + (order == "far" || (order == "mixed" && i > 300) ? i * 7 : i));
    if (order == "shuffled") std::shuffle(numbers.begin(), numbers.end(), random);
    if (order == "backwards") std::reverse(numbers.begin(), numbers.end());
    std::vector<std::string> expected;
    db().write([&](sql::Tx& tx) {
      for (int i = 0; i < kMembers; ++i) {
        auto const n = std::to_string(numbers[static_cast<std::size_t>(i)]);
        // Two at a time join at the same moment; behind the first hundred stand two hundred who are invited or deleted.
        int const state = i >= 100 && i < 300 ? (i % 2 ? 1 : 4) : i % 9 == 0 ? 3 : 0;
        auto const add = [&](std::string const& text) { tx.run_text(text, {}, {}); };
        add("INSERT INTO accounts (account_id, email, email_key, username, username_key, state, created_at) VALUES (" + n + ", 'e" + n +
            "', 'e" + n + "', 'u" + n + "', 'u" + n + "', 0, 0) ON CONFLICT DO NOTHING");
        add("INSERT INTO memberships (community_id, member_id, state, joined_at, first_name) VALUES (1, " + n + ", " +
            std::to_string(state) + ", " + std::to_string(kNow + i / 2) + ", 'F" + n + "')");
        if (i % 3 == 0)
          add("INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) VALUES (1, " + n + ", 2, " + n +
              "000000, 0, 0)");
        if (state == 1 || state == 4) continue;
        expected.push_back(R"({"user_id":")" + n + R"(","email":"e)" + n + R"(","first_name":"F)" + n + R"(","coins":)" +
                           (i % 3 == 0 ? n : "0") + "}");
      }
    });
    // Of one moment the smaller number is the first.
    for (std::size_t i = 0, row = 0; i + 1 < kMembers; i += 2) {
      auto const listed = [&](std::size_t k) { return k < 100 || k >= 300; };
      if (!listed(i)) continue;
      if (numbers[i] > numbers[i + 1]) std::swap(expected[row], expected[row + 1]);
      row += 2;
    }
    std::vector<std::string> by_cursor, by_page;
    std::string cursor;
    do {
      auto const page =
          filter(R"({"fields":["user_id","email","first_name","coins"])" + (cursor.empty() ? "" : ",\"cursor\":" + cursor) + "}");
      ASSERT_EQ(page.status, 200) << page.body;
      EXPECT_EQ(page.at("/data/total"), std::to_string(expected.size()));
      for (int i = 0; !page.at("/data/users/" + std::to_string(i)).empty(); ++i)
        by_cursor.push_back(page.at("/data/users/" + std::to_string(i)));
      cursor = page.at("/data/next_cursor");
    } while (!cursor.empty());
    for (int p = 1; p <= 3; ++p) {
      auto const page = filter(R"({"fields":["user_id","email","first_name","coins"],"page":)" + std::to_string(p) + "}");
      for (int i = 0; !page.at("/data/users/" + std::to_string(i)).empty(); ++i)
        by_page.push_back(page.at("/data/users/" + std::to_string(i)));
    }
    EXPECT_EQ(by_cursor, expected);
    EXPECT_EQ(by_page, expected);
  }
}

TEST_P(UsersFilter, OnAnIoThreadDoesNothingThatMayTakeLong) {
  add_field("Tier", "text");
  auto const asks = [&](std::string body) {
    auto caller = context();
    caller.on_io_thread = true;
    try {
      return call_as(caller, "users.filter", std::move(body)).status;
    } catch (api::TakesLong const&) {
      return 0;
    }
  };
  for (auto const* quick :
       {"{}", R"({"filter":{"email":"m2@example.org"}})", R"({"filter":{"user_id":"2"},"fields":["role","Tier","tag"]})",
        R"({"fields":["xp","country","_id","status"]})"})
    EXPECT_EQ(asks(quick), 200) << quick;
  for (auto const* slow : {R"({"filter":{"first_name":"Ana"}})", R"({"filter":{"xp":5}})", R"({"filter":{"user_id":"2","country":"SG"}})",
                           R"({"fields":["role"]})", R"({"fields":["Tier"]})", R"({"page":2})", R"({"page":4000})"})
    EXPECT_EQ(asks(slow), 0) << slow;
  // Nobody is counted there, and nobody is searched behind many who are in no list.
  run(db(), "UPDATE memberships SET state = 1 WHERE community_id = 1");
  EXPECT_EQ(asks("{}"), 200);
  add_many(1'000, 250);
  EXPECT_EQ(asks("{}"), 0) << "a total that is not known";
  EXPECT_EQ(filter("{}").status, 200);
  EXPECT_EQ(asks("{}"), 200) << "a total that was counted a moment ago";
  if (db().engine() != sql::Engine::sqlite) return;
  add_many(2'000, 1'000);
  run(db(), "UPDATE memberships SET state = 1 WHERE community_id = 1 AND member_id BETWEEN 1000 AND 2900");
  EXPECT_EQ(asks("{}"), 0);
}

TEST_P(UsersFilter, HiddenNamesAreNeitherShownNorFound) {
  run(db(), "UPDATE memberships SET first_name = 'Ana', last_name = 'Lee', hidden = 3 WHERE community_id = 1 AND member_id = 2");
  EXPECT_EQ(found(R"({"first_name":"Ana"})"), "");
  EXPECT_EQ(filter(R"({"fields":["first_name","last_name","email","user_id"],"filter":{"user_id":2}})").at("/data/users/0"),
            R"({"first_name":"---","last_name":"---","email":"---","user_id":"2"})");
}

TEST_P(UsersFilter, OfAFrequentRoleGoesAlongTheMembers) {
  give_role(2, add_role(2, "Trader", 10));
  add_role(3, "Everyone", 20);
  run(db(), "INSERT INTO member_roles (community_id, member_id, role_id) SELECT 1, member_id, 3 FROM memberships WHERE community_id = 1");
  EXPECT_EQ(found(R"({"role":"Everyone"})"), "1 2 3 4 5 9 10");
  auto const more = filter(R"({"fields":["role"],"filter":{"role":"Trader"}})");
  EXPECT_EQ(more.at("/data/users/0/role"), R"(["Everyone","Trader"])");
}

TEST_P(UsersFilter, FindsByListsByWhatIsNotAndByParts) {
  auto const give_value = [&](std::int64_t member, CustomField const& field, std::optional<std::string> const& text,
                              std::optional<std::int64_t> number = std::nullopt) {
    db().write([&](sql::Tx& tx) { set_values(tx, kHere, {{{member}, field.number, number, text, {1}, false}}); });
  };
  auto const tier = add_field("Tier", "text", "basic"), plan = add_field("Plan", "text"), card = add_field("Card", "text", "", true),
             score = add_field("Score", "number");
  give_value(1, tier, "gold");
  give_value(2, tier, "silver");
  give_value(1, plan, "100% off");
  give_value(2, plan, "100 off");
  give_value(3, plan, "BIG_one");
  give_value(4, card, "c-4");
  give_value(2, score, std::nullopt, 2'000'000);
  give_value(3, score, std::nullopt, 3'000'000);
  run(db(), "INSERT INTO identifier_values (community_id, field_id, value_key, member_id) VALUES (1, " + std::to_string(card.number.value) +
                ", 'c-4', 4)");
  give_role(2, add_role(2, "Trader", 10));
  give_role(3, add_role(3, "Chief", 20));
  give_role(3, 2);
  run(db(), "UPDATE memberships SET country = 'SG', first_name = 'Ana' WHERE community_id = 1 AND member_id = 2");
  run(db(), "UPDATE memberships SET country = 'DE', first_name = 'Bea' WHERE community_id = 1 AND member_id = 3");
  run(db(), "UPDATE memberships SET first_name = 'Hana', hidden = 3 WHERE community_id = 1 AND member_id = 4");
  run(db(), "INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) VALUES (1, 2, 1, 5000000, 0, 0)");
  auto const refused = [&](std::string const& conditions) {
    auto const answer = filter(R"({"filter":)" + conditions + "}");
    return answer.at("/code") + " " + answer.at("/errors/0/field") + " " + answer.at("/errors/0/code");
  };
  for (auto const& [conditions, members] :
       std::vector<std::pair<std::string, std::string>>{{R"({"country":{"in":["SG","Germany"]}})", "2 3"},
                                                        {R"({"country":{"in":["SG",null]}})", "1 2 4 5 9 10"},
                                                        {R"({"country":{"not":"SG"}})", "1 3 4 5 9 10"},
                                                        {R"({"country":{"not":["SG","DE"]}})", "1 4 5 9 10"},
                                                        {R"({"country":{"not":null}})", "2 3"},
                                                        {R"({"role":{"in":["Trader","Chief"]}})", "2 3"},
                                                        {R"({"role":{"in":["Chief",null]}})", "1 3 4 5 9 10"},
                                                        {R"({"role":{"not":"Trader"}})", "1 4 5 9 10"},
                                                        {R"({"role":{"not":null}})", "2 3"},
                                                        {R"({"role":{"not":["Chief","Nobody"]}})", "1 2 4 5 9 10"},
                                                        {R"({"role":"Trader","tag":{"not":"x"}})", "2 3"},
                                                        {R"({"tier":{"in":["gold","basic"]}})", "1 3 4 5 9 10"},
                                                        {R"({"tier":{"not":"basic"}})", "1 2"},
                                                        {R"({"tier":{"not":["gold","silver"]}})", "3 4 5 9 10"},
                                                        {R"({"tier":{"contains":"AS"}})", "3 4 5 9 10"},
                                                        {R"({"plan":{"contains":"0%"}})", "1"},
                                                        {R"({"plan":{"contains":"big_"}})", "3"},
                                                        {R"({"plan":{"not":null}})", "1 2 3"},
                                                        {R"({"plan":{"in":["100 off",null]}})", "2 4 5 9 10"},
                                                        {R"({"Card":{"in":["c-4","c-5"]}})", "4"},
                                                        {R"({"Card":{"not":"c-4"}})", "1 2 3 5 9 10"},
                                                        {R"({"Score":{"in":[2,"3.0"]}})", "2 3"},
                                                        {R"({"Score":{"not":2}})", "1 3 4 5 9 10"},
                                                        {R"({"xp":{"in":[0]}})", "1 3 4 5 9 10"},
                                                        {R"({"xp":{"not":0}})", "2"},
                                                        {R"({"status":{"in":["banned","suspended"]}})", "9 10"},
                                                        {R"({"status":{"not":"active"}})", "9 10"},
                                                        {R"({"email":{"in":["m1@example.org","M3@example.org","x@example.org"]}})", "1 3"},
                                                        {R"({"email":{"not":"m1@example.org"}})", "2 3 4 5 9 10"},
                                                        {R"({"email":{"contains":"@EXAMPLE"}})", "1 2 3 5 9 10"},
                                                        {R"({"username":{"contains":"ser1"}})", "1 10"},
                                                        {R"({"display_name":{"contains":"member 1"}})", "1 10"},
                                                        {R"({"first_name":{"contains":"an"}})", "2"},
                                                        {R"({"first_name":{"not":"Hana"}})", "1 2 3 4 5 9 10"},
                                                        {R"({"first_name":{"not":null}})", "2 3 4"},
                                                        {R"({"last_online":{"not":null}})", ""},
                                                        {R"({"join_date":{"in":["2026-04-07"]},"user_id":{"in":[1,"2"]}})", "1 2"},
                                                        {R"({"referred_by":{"not":"user1"}})", "1 2 3 4 5 9 10"}})
    EXPECT_EQ(found(conditions), members) << conditions;
  for (auto const& [conditions, problem] : std::vector<std::pair<std::string, std::string>>{
           {R"({"xp":{"in":[]}})", R"("invalid_request" "/filter/xp/in" "bad_value")"},
           {R"({"xp":{"in":5}})", R"("invalid_request" "/filter/xp/in" "bad_value")"},
           {R"({"xp":{"in":[1,"x"]}})", R"("invalid_request" "/filter/xp/in/1" "not_a_number")"},
           {R"({"xp":{"in":[[1]]}})", R"("invalid_request" "/filter/xp/in/0" "bad_value")"},
           {R"({"xp":{"not":{"gte":1}}})", R"("invalid_request" "/filter/xp/not" "bad_value")"},
           {R"({"xp":{"gte":1,"not":2}})", R"("invalid_request" "/filter/xp" "bad_value")"},
           {R"({"xp":{}})", R"("invalid_request" "/filter/xp" "bad_value")"},
           {R"({"xp":{"contains":"1"}})", R"("unknown_operator" "/filter/xp/contains" "unknown_operator")"},
           {R"({"first_name":{"contains":""}})", R"("invalid_request" "/filter/first_name/contains" "bad_value")"},
           {R"({"first_name":{"like":"a"}})", R"("unknown_operator" "/filter/first_name/like" "unknown_operator")"}})
    EXPECT_EQ(refused(conditions), problem) << conditions;
  std::string many;
  for (int i = 0; i <= 100; ++i) many += (i ? "," : "") + std::to_string(i);
  EXPECT_EQ(refused(R"({"xp":{"in":[)" + many + "]}}"), R"("invalid_request" "/filter/xp/in" "bad_value")");
}

}  // namespace
}  // namespace fealty::members
