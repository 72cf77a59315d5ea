#include "members/users_export.h"

#include <gmock/gmock.h>

#include "api/csv_reader.h"
#include "members/member_store.h"
#include "members/users_harness.h"

namespace fealty::members {
namespace {

class UsersExports : public UsersTest {
 protected:
  struct File {
    int status = 0;
    std::string text;
    std::vector<api::Header> headers;
    std::string header(std::string_view name) const {
      for (auto const& h : headers)
        if (h.name == name) return h.value;
      return "";
    }
  };
  // `between` is called between any two pieces.
  File file(std::string body, std::function<void()> const& between = {}) {
    for (auto const& route : users_routes(*users_, passwords_)) {
      if (route.id != "users.export") continue;
      api::Request request;
      request.method = api::Method::post;
      request.body = std::move(body);
      auto c = context();
      auto response = api::render(route.family, route.handler(c, request), "request");
      if (!response.stream) return {response.status, response.body, response.headers};
      std::string text;
      while (response.stream->next(text).then != api::BodyStream::Then::end)
        if (between) between();
      EXPECT_TRUE(text.starts_with("\xEF\xBB\xBF"));
      return {response.status, text.substr(3), response.headers};
    }
    ADD_FAILURE() << "there is no such route";
    return {};
  }
  void give_value(std::int64_t member, CustomField const& field, std::optional<std::string> text,
                  std::optional<std::int64_t> number = std::nullopt) {
    db().write([&](sql::Tx& tx) { set_values(tx, kHere, {{{member}, field.number, number, std::move(text), {1}, false}}); });
  }
};
FEALTY_ON_BOTH_ENGINES(UsersExports);

TEST_P(UsersExports, HaveTheColumnsOfTheBulkUpdateAndNotesBesideThem) {
  auto const tier = add_field("Tier", "text", "basic");
  // A column "#Status" would be this field.
  auto const clash = add_field("Clash", "text");
  run(db(), "UPDATE fields SET name = '#Status' WHERE field_id = " + std::to_string(clash.number.value));
  give_value(1, tier, "gold");
  give_role(1, add_role(2, "Trader", 10));
  give_role(1, add_role(3, "Chief", 20));
  run(db(), "INSERT INTO tags (community_id, tag_id, name, created_at) VALUES (1, 5, 'vip', 0)");
  run(db(), "INSERT INTO member_tags (community_id, member_id, tag_id) VALUES (1, 1, 5)");
  run(db(), "INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) VALUES (1, 1, 1, 5500000, 0, 0)");
  run(db(),
      "UPDATE memberships SET first_name = 'Ana', phone = '+65 6123', country = 'SG', language = 'pt-BR' WHERE community_id = 1 AND "
      "member_id = 1");
  run(db(), "UPDATE memberships SET language = 'en' WHERE community_id = 1 AND member_id = 2");
  auto const answer = file(R"({"filter":{"user_id":{"in":[1,2]}}})");
  EXPECT_EQ(answer.text,
            "User ID,Email,First Name,Last Name,Display Name,Phone,Country,Language,Role,Tag,#XP,#Coins,#Premium Currency,#Join Date,"
            "#Last Online,#Referred By,#ID,##Status,Tier,#Status\r\n"
            "1,m1@example.org,Ana,,Member 1,'+65 6123,SG,pt-BR,\"Chief, Trader\",vip,5.5,0,0,2026-04-07T09:00:00.000Z,,," +
                PublicId::of(1, kNow).to_string() +
                ",active,gold,\r\n"
                "2,m2@example.org,,,Member 2,,,English,,,0,0,0,2026-04-07T09:00:00.000Z,,," +
                PublicId::of(2, kNow).to_string() + ",active,,\r\n");
  EXPECT_EQ(answer.header("Accept-Ranges"), "none");
  EXPECT_EQ(answer.header("ETag"), "");
  EXPECT_THAT(answer.header("Content-Disposition"), HasSubstr("members.csv"));
}

TEST_P(UsersExports, ShowInThePlainLayoutWhatTheFilterShows) {
  add_field("Tier", "text", "basic");
  run(db(), "UPDATE memberships SET first_name = 'Ana', hidden = 3, language = 'pt-BR' WHERE community_id = 1 AND member_id = 1");
  EXPECT_EQ(
      file(R"({"layout":"plain","fields":["email","first_name","display_name","tier","language","xp","status"],"filter":{"user_id":1}})")
          .text,
      "email,first_name,display_name,tier,language,xp,status\r\n---,---,Member 1,basic,Portuguese (Brazil),0,active\r\n");
  EXPECT_THAT(file(R"({"layout":"plain"})").text, testing::StartsWith("user_id,email,username,first_name,"));
}

TEST_P(UsersExports, LeaveHiddenValuesAndDefaultsEmptyForTheBulkUpdate) {
  add_field("Tier", "text", "basic");
  run(db(), "UPDATE memberships SET first_name = 'Ana', hidden = 3 WHERE community_id = 1 AND member_id = 1");
  EXPECT_EQ(file(R"({"fields":["email","first_name","tier"],"filter":{"user_id":1}})").text, "User ID,Email,First Name,Tier\r\n1,,,\r\n");
}

TEST_P(UsersExports, SetBalancesOnlyWhereThatIsAskedFor) {
  EXPECT_EQ(file(R"({"fields":["xp","coins"],"filter":{"user_id":1}})").text, "User ID,#XP,#Coins\r\n1,0,0\r\n");
  EXPECT_EQ(file(R"({"fields":["xp","coins"],"balances":"overwrite","filter":{"user_id":1}})").text,
            "User ID,XP_op,XP,Coins_op,Coins\r\n1,overwrite,0,overwrite,0\r\n");
}

TEST_P(UsersExports, GiveNoCellThatASpreadsheetProgramRuns) {
  auto const note = add_field("Note", "multi-line-text"), score = add_field("Score", "number");
  give_value(1, note, "=1+1");
  give_value(2, note, "'=plain");
  give_value(3, note, "a \"b\", c\nd");
  give_value(4, note, "<clear>");
  give_value(5, note, "@x");
  give_value(1, score, std::nullopt, -1'500'000);
  EXPECT_EQ(file(R"({"fields":["user_id","Note","Score"],"filter":{"user_id":{"in":[1,2,3,4,5]}}})").text,
            "User ID,Note,Score\r\n1,'=1+1,-1.5\r\n2,''=plain,\r\n3,\"a \"\"b\"\", c\nd\",\r\n4,'<clear>,\r\n5,'@x,\r\n");
}

TEST_P(UsersExports, AreRefusedBeforeTheyBegin) {
  auto const answer = file(R"({"fields":["shoe"],"filter":{"xp":{"gt":1}},"layout":"xml"})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.text, HasSubstr("/layout"));
  auto const second = file(R"({"fields":["shoe"],"filter":{"xp":{"gt":1}}})");
  EXPECT_THAT(second.text, testing::AllOf(HasSubstr("/fields/0"), HasSubstr("/filter/xp/gt")));
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'export.users'"), 0);
}

TEST_P(UsersExports, AreWrittenDownWithoutWhatWasLookedFor) {
  auto const card = add_field("Card", "text", "", true);
  file(R"({"fields":["user_id"],"filter":{"email":"m1@example.org","Card":"c-1"}})");
  EXPECT_EQ(text(db(), "SELECT detail FROM audit_entries WHERE action = 'export.users'"),
            R"({"request_id":"request","value":{"layout":"bulk","columns":["user_id"],"conditions":["email","Card"]}})");
  EXPECT_EQ(text(db(), "SELECT actor_id FROM audit_entries WHERE action = 'export.users'"), "fk_key1");
  EXPECT_THAT(test::tables_with(db(), "c-1"), IsEmpty());
}

TEST_P(UsersExports, HaveEveryUnchangedMemberOnceWhileOthersComeAndGo) {
  for (std::int64_t m = 1'001; m <= 1'600; ++m) test::add_member(db(), kHere, m);
  std::int64_t next_new = 5'001, next_gone = 1'599;
  auto const field = add_field("Late", "text");
  auto const answer = file(R"({"fields":["user_id","role"]})", [&] {
    test::add_member(db(), kHere, next_new++);
    run(db(), "UPDATE memberships SET state = 4, deleted_at = 1 WHERE community_id = 1 AND member_id = " + std::to_string(next_gone));
    next_gone -= 2;
  });
  std::map<std::string, int> seen;
  auto const lines = split(answer.text, '\n');
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) ++seen[std::string(lines[i].substr(0, lines[i].find(',')))];
  for (auto const& [id, times] : seen) EXPECT_EQ(times, 1) << id;
  for (std::int64_t m = 1'001; m <= 1'600; ++m)
    if (m % 2 == 0 || m <= next_gone) EXPECT_TRUE(seen.contains(std::to_string(m))) << m;
  EXPECT_LT(next_gone, 1'599) << "it was made in more than one piece";
}

TEST_P(UsersExports, KnowRolesThatAreMadeMeanwhileAndForgetFieldsThatAreDeleted) {
  auto const tier = add_field("Tier", "text");
  for (std::int64_t m = 1'001; m <= 1'400; ++m) test::add_member(db(), kHere, m);
  give_value(1'400, tier, "gold");
  give_value(1, tier, "gold");
  bool was_changed = false;
  auto const answer = file(R"({"fields":["user_id","role","Tier"]})", [&] {
    if (std::exchange(was_changed, true)) return;
    give_role(1'400, add_role(2, "Trader", 10));
    FieldService fields(db(), numbers_);
    ASSERT_TRUE(fields.remove(kHere, tier.id(), {"operator", "", ""}, now_));
  });
  EXPECT_THAT(answer.text, HasSubstr("\r\n1400,Trader,\r\n"));
  EXPECT_THAT(answer.text, HasSubstr("\r\n1,,gold\r\n"));
}

}  // namespace
}  // namespace fealty::members
