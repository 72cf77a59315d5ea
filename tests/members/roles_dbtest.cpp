#include "members/roles.h"

#include "access/gate.h"
#include "members/member_reference.h"
#include "members/newcomers.h"
#include "members/users_harness.h"

namespace fealty::members {
namespace {

// The table of community.md: @all 0, Trader 10 {attach_files}, Muted 20, Moderator 50 {manage_messages, manage_roles, …},
// Admin 90 {server_administrator}. Oli (1) owns, Ada (2) administers, Mo (3) moderates, Tom (4) trades, Ann (5) has nothing.
class Roles : public UsersTest {
 protected:
  static constexpr std::int64_t kOli = 1, kAda = 2, kMo = 3, kTom = 4, kAnn = 5;
  static constexpr std::int64_t kModeration = 1 << 4 | 1 << 7 | 1 << 8;

  void SetUp() override {
    UsersTest::SetUp();
    run(db(), "INSERT INTO counters (name, next_value) VALUES ('role', 1000)");
    add_role(1, "@all", 0, kBaseServerPermissions);
    run(db(), "UPDATE roles SET channel_permissions = 265 WHERE role_id = 1");
    add_role(10, "Trader", 10);
    run(db(), "UPDATE roles SET channel_permissions = 32 WHERE role_id = 10");
    add_role(20, "Muted", 20);
    add_role(50, "Moderator", 50, kModeration);
    add_role(90, "Admin", 90, kServerAdministrator);
    give_role(kAda, 90);
    give_role(kMo, 50);
    give_role(kTom, 10);
    service_ = std::make_unique<RolesService>(db(), numbers_);
    tags_ = std::make_unique<TagsService>(db(), numbers_);
    routes_ = roles_routes(*service_);
    for (auto& r : tags_routes(*tags_)) routes_.push_back(std::move(r));
  }

  api::Context person(std::int64_t account) const {
    auto c = context();
    c.principal.kind = api::PrincipalKind::user;
    c.principal.account = {account};
    c.principal.community_id = PublicId::of(kHere.value, kNow);
    return c;
  }
  api::Context system_key() const {
    auto c = context();
    c.principal.kind = api::PrincipalKind::system_key;
    return c;
  }
  Reply ask(api::Context caller, std::string_view id, std::string body = "", std::vector<std::string> path_args = {},
            std::string const& once = "") {
    for (auto const& route : routes_) {
      if (route.id != id) continue;
      api::Request request;
      request.body = std::move(body);
      request.path_args = std::move(path_args);
      if (!once.empty()) request.headers.push_back({"idempotency-key", once});
      auto const response = api::render(route.family, route.handler(caller, request), "request");
      return {response.status, response.body};
    }
    ADD_FAILURE() << "there is no route " << id;
    return {};
  }
  static std::string role_id(std::int64_t number) { return PublicId::of(number, 0).to_string(); }
  Reply give(std::int64_t who, std::int64_t role, std::int64_t to) {
    return ask(person(who), "roles.give", R"({"userId":")" + std::to_string(to) + "\"}", {role_id(role)});
  }
  Reply take(std::int64_t who, std::int64_t role, std::int64_t from) {
    return ask(person(who), "roles.take", R"({"userId":")" + std::to_string(from) + "\"}", {role_id(role)});
  }
  std::string roles_of_member(std::int64_t member) {
    std::string out;
    db().read([&](sql::Tx& tx) {
      tx.run_text("SELECT role_id FROM member_roles WHERE community_id = 1 AND member_id = " + std::to_string(member) + " ORDER BY role_id",
                  {}, [&](sql::Row const& r) { out += (out.empty() ? "" : ",") + std::to_string(r.integer(0)); });
    });
    return out;
  }

  std::unique_ptr<RolesService> service_;
  std::unique_ptr<TagsService> tags_;
  std::vector<api::Route> routes_;
};
FEALTY_ON_BOTH_ENGINES(Roles);

TEST_P(Roles, AreMadeAndGivenOnceByOneIdempotencyKey) {
  for (auto const& [operation, body] :
       {std::pair{"roles.create", R"({"title":"Once","order":5})"}, {"tags.create", R"({"name":"once"})"}}) {
    auto const first = ask(person(kOli), operation, body, {"community"}, operation);
    EXPECT_LT(first.status, 300) << first.body;
    EXPECT_EQ(ask(person(kOli), operation, body, {"community"}, operation).body, first.body);
    EXPECT_EQ(ask(person(kOli), operation, body, {"community"}).status, 409) << "without the key it is another request";
  }
  std::string const ann = R"({"userId":"5"})";
  auto const given = ask(person(kOli), "roles.give", ann, {role_id(10)}, "give");
  EXPECT_EQ(given.status, 200) << given.body;
  EXPECT_EQ(ask(person(kOli), "roles.take", ann, {role_id(10)}, "take").status, 200);
  EXPECT_EQ(ask(person(kOli), "roles.give", ann, {role_id(10)}, "give").body, given.body);
  EXPECT_EQ(roles_of_member(kAnn), "") << "the answer is repeated, not the deed";
  EXPECT_THAT(ask(person(kOli), "roles.give", ann, {role_id(20)}, "give").body, HasSubstr("idempotency_key_reused"));
}

TEST_P(Roles, AreListedTheHighestFirstWithEveryPermissionByName) {
  auto const list = ask(system_key(), "roles.list");
  ASSERT_EQ(list.status, 200) << list.body;
  EXPECT_EQ(list.at("/body/0/title"), "\"Admin\"");
  EXPECT_EQ(list.at("/body/0/serverPermissions/server_administrator"), "true");
  EXPECT_EQ(list.at("/body/0/serverPermissions/overwrite_language_settings"), "false");
  EXPECT_EQ(list.at("/body/0/channelPermissions/share_Attachments"), "false");
  EXPECT_EQ(list.at("/body/0/memberCount"), "1");
  EXPECT_EQ(list.at("/body/4/title"), "\"@all\"");
  EXPECT_EQ(list.at("/body/4/memberCount"), "8");
  EXPECT_EQ(list.at("/body/5/title"), "");
  EXPECT_EQ(list.at("/meta/message"), "\"Roles fetched successfully\"");
  EXPECT_EQ(ask(person(kAnn), "roles.list").status, 401);
  EXPECT_EQ(ask(person(kMo), "roles.list").status, 200);
}

TEST_P(Roles, TakeBothSpellingsOfPermissionsAndNoUnknownOnes) {
  auto const made = ask(system_key(), "roles.create",
                        R"({"title":" Guide ","class":"#c0392b","order":30,"billable":true,"server_permissions":{"kick_members":true,)"
                        R"("overwrite_language":true},"serverPermissions":{"ban_members":true},"channelPermissions":{"pinable":true},)"
                        R"("titleTranslations":{"German":"Leiter"}})");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/body/title"), "\"Guide\"");
  EXPECT_EQ(made.at("/body/class"), "\"#c0392b\"");
  EXPECT_EQ(made.at("/body/__v"), "0");
  for (auto const* name : {"kick_members", "ban_members", "overwrite_language_settings"})
    EXPECT_EQ(made.at(std::string("/body/serverPermissions/") + name), "true") << name;
  EXPECT_EQ(made.at("/body/serverPermissions/manage_roles"), "false");
  EXPECT_EQ(made.at("/body/channelPermissions/pinable"), "true");
  EXPECT_EQ(made.at("/body/titleTranslations/de"), "\"Leiter\"");
  auto id = made.at("/body/_id");
  id = id.substr(1, 24);
  // What is absent stays.
  auto const changed = ask(system_key(), "roles.update", R"({"serverPermissions":{"kick_members":false},"ifVersion":0})", {id});
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.at("/body/serverPermissions/kick_members"), "false");
  EXPECT_EQ(changed.at("/body/serverPermissions/ban_members"), "true");
  EXPECT_EQ(changed.at("/body/__v"), "1");
  EXPECT_EQ(ask(system_key(), "roles.update", R"({"order":31,"ifVersion":0})", {id}).at("/code"), "\"version_conflict\"");
  EXPECT_EQ(ask(system_key(), "roles.update", R"({"order":30})", {id}).at("/body/__v"), "1") << "nothing changed";
  auto const wrong = ask(system_key(), "roles.update",
                         R"({"title":"a,b","server_permissions":{"fly":true,"ban_members":1,"kick_members":true},)"
                         R"("serverPermissions":{"kick_members":false}})",
                         {id});
  EXPECT_EQ(wrong.status, 400);
  for (auto const* field : {"/title", "/server_permissions/fly", "/server_permissions/ban_members", "/serverPermissions/kick_members"})
    EXPECT_THAT(wrong.body, HasSubstr(std::string("\"field\":\"") + field + "\"")) << field;
  EXPECT_EQ(ask(system_key(), "roles.create", R"({"title":"Guide"})").at("/code"), "\"role_exists\"");
  EXPECT_EQ(ask(system_key(), "roles.create", R"({"order":1})").status, 400);
  EXPECT_THAT(text(db(), "SELECT detail FROM audit_entries WHERE action = 'role.update'"), HasSubstr("\"path\":\"/serverPermissions\""));
}

TEST_P(Roles, AreChangedByWhoRanksAboveThemAndHoldsWhatTheyGrant) {
  // Mo may make a role below his own, of what he has.
  EXPECT_EQ(ask(person(kMo), "roles.create", R"({"title":"A","order":49,"serverPermissions":{"warn_members":true}})").status, 200);
  EXPECT_EQ(ask(person(kMo), "roles.create", R"({"title":"B","order":49,"serverPermissions":{"ban_members":true}})").at("/code"),
            "\"permission_not_held\"");
  EXPECT_EQ(ask(person(kMo), "roles.create", R"({"title":"B","order":50})").at("/code"), "\"rank_too_low\"");
  EXPECT_EQ(ask(person(kMo), "roles.update", R"({"order":60})", {role_id(10)}).at("/code"), "\"rank_too_low\"") << "it would outrank him";
  EXPECT_EQ(ask(person(kMo), "roles.update", R"({"order":1})", {role_id(90)}).at("/code"), "\"rank_too_low\"");
  EXPECT_EQ(ask(person(kMo), "roles.delete", "", {role_id(50)}).at("/code"), "\"rank_too_low\"") << "equal ranks do not do";
  EXPECT_EQ(ask(person(kMo), "roles.update", R"({"class":"red"})", {role_id(10)}).status, 200) << "he grants nothing new";
  EXPECT_EQ(ask(person(kTom), "roles.create", R"({"title":"C"})").at("/code"), "\"insufficient_permission\"");
  // An administrator has every permission, but makes no administrators.
  EXPECT_EQ(ask(person(kAda), "roles.create", R"({"title":"D","order":95,"serverPermissions":{"ban_members":true}})").status, 200);
  EXPECT_EQ(ask(person(kAda), "roles.create", R"({"title":"E","order":1,"serverPermissions":{"server_administrator":true}})").at("/code"),
            "\"permission_not_held\"");
  EXPECT_EQ(ask(person(kOli), "roles.create", R"({"title":"E","order":1,"serverPermissions":{"server_administrator":true}})").status, 200);
  EXPECT_EQ(ask(context(), "roles.create", R"({"title":"F","serverPermissions":{"server_administrator":true}})").at("/code"),
            "\"rank_too_low\"")
      << "a community key";
  EXPECT_EQ(ask(context(), "roles.delete", "", {role_id(90)}).at("/code"), "\"rank_too_low\"");
  EXPECT_EQ(ask(context(), "roles.create", R"({"title":"F","serverPermissions":{"ban_members":true}})").status, 200);
  // Who must have a second factor first.
  auto ada = person(kAda);
  ada.principal.lacks_second_factor = true;
  EXPECT_EQ(ask(ada, "roles.list").at("/code"), "\"second_factor_setup_required\"");
  auto as_member = person(kAda);
  as_member.principal.as_member = true;
  EXPECT_EQ(ask(as_member, "roles.list").status, 401);
}

TEST_P(Roles, AreGivenAndTakenByRank) {
  auto const given = give(kMo, 10, kAnn);
  ASSERT_EQ(given.status, 200) << given.body;
  EXPECT_EQ(given.at("/body/0/title"), "\"Trader\"");
  EXPECT_EQ(given.at("/body/1/title"), "\"@all\"");
  EXPECT_EQ(roles_of_member(kAnn), "10");
  EXPECT_EQ(give(kMo, 10, kAnn).status, 200) << "again";
  EXPECT_EQ(number(db(), "SELECT count(*) FROM field_history WHERE member_id = 5"), 1) << "one real change, one item";
  EXPECT_EQ(give(kMo, 50, kAnn).at("/code"), "\"rank_too_low\"");
  EXPECT_EQ(give(kMo, 90, kMo).at("/code"), "\"rank_too_low\"");
  EXPECT_EQ(give(kAda, 50, kAnn).status, 200);
  EXPECT_EQ(roles_of_member(kAnn), "10,50");
  // Ann moderates now: equal ranks take nothing of each other, but anybody gives up his own.
  EXPECT_EQ(take(kMo, 10, kAnn).at("/code"), "\"rank_too_low\"");
  EXPECT_EQ(take(kAnn, 50, kAnn).status, 200);
  EXPECT_EQ(take(kAnn, 10, kAnn).at("/code"), "\"insufficient_permission\"");
  EXPECT_EQ(take(kMo, 10, kAnn).status, 200);
  EXPECT_EQ(roles_of_member(kAnn), "");
  // Nobody acts on the owner but himself and the system key.
  give_role(kOli, 20);
  EXPECT_EQ(take(kAda, 20, kOli).at("/code"), "\"rank_too_low\"");
  EXPECT_EQ(take(kOli, 20, kOli).status, 200);
  EXPECT_EQ(give(kOli, 90, kTom).status, 200);
  EXPECT_EQ(take(kAda, 90, kTom).at("/code"), "\"rank_too_low\"") << "administrators of one rank";
  EXPECT_EQ(take(kOli, 90, kTom).status, 200);
  EXPECT_EQ(give(kOli, 1, kTom).at("/code"), "\"base_role\"");
  for (auto const* user : {"6", "8", "999"})
    EXPECT_EQ(ask(system_key(), "roles.give", std::string(R"({"userId":")") + user + "\"}", {role_id(10)}).at("/code"),
              "\"user_not_found\"")
        << user;
  EXPECT_EQ(ask(system_key(), "roles.give", R"({"userId":"5"})", {role_id(77)}).at("/code"), "\"role_not_found\"");
  EXPECT_EQ(ask(system_key(), "roles.of_user", "", {"4"}).at("/body/0/title"), "\"Trader\"");
  EXPECT_EQ(ask(system_key(), "roles.of_user", "", {"6"}).status, 404);
}

TEST_P(Roles, LeaveAllMembersAndAccessLevelsWhenTheyAreDeleted) {
  run(db(), "INSERT INTO access_levels (community_id, level, name, roles, created_at) VALUES (1, 3, 'Level', '10,20', 0)");
  give_role(kTom, 20);
  auto const gone = ask(person(kMo), "roles.delete", "", {role_id(10)});
  ASSERT_EQ(gone.status, 200) << gone.body;
  EXPECT_EQ(gone.at("/body/title"), "\"Trader\"");
  EXPECT_EQ(gone.at("/body/memberCount"), "1");
  EXPECT_EQ(roles_of_member(kTom), "20");
  EXPECT_EQ(text(db(), "SELECT roles FROM access_levels WHERE level = 3"), "20");
  EXPECT_EQ(ask(person(kMo), "roles.delete", "", {role_id(10)}).at("/code"), "\"role_not_found\"");
  EXPECT_EQ(ask(person(kOli), "roles.delete", "", {role_id(1)}).at("/code"), "\"base_role\"");
}

TEST_P(Roles, OfEverybodyKeepTheirNameAndGrantNoPower) {
  EXPECT_EQ(ask(person(kOli), "roles.update", R"({"title":"Everybody"})", {role_id(1)}).at("/code"), "\"base_role\"");
  EXPECT_EQ(ask(person(kOli), "roles.update", R"({"order":3})", {role_id(1)}).at("/code"), "\"base_role\"");
  for (auto const* name : {"server_administrator", "kick_members", "ban_members", "manage_roles", "manage_channels"}) {
    auto const refused = ask(person(kOli), "roles.update", std::string(R"({"serverPermissions":{")") + name + "\":true}}", {role_id(1)});
    EXPECT_EQ(refused.status, 400) << name;
    EXPECT_THAT(refused.body, HasSubstr("not_for_everybody"));
  }
  EXPECT_EQ(ask(person(kOli), "roles.update", R"({"serverPermissions":{"create_invite":true}})", {role_id(1)}).status, 200);
  EXPECT_EQ(ask(person(kMo), "roles.update", R"({"serverPermissions":{"create_invite":false}})", {role_id(1)}).status, 200);
}

// A rank that is lowered while it is used: whatever comes first, no grant stands that the rank of its moment did not allow.
TEST_P(Roles, DoNotLendARankThatIsTakenMeanwhile) {
  for (int round = 0; round < 10; ++round) {
    run(db(), "DELETE FROM member_roles WHERE member_id IN (3, 5)");
    give_role(kMo, 50);
    std::latch start(2);
    Reply given, taken;
    std::thread other([&] {
      start.arrive_and_wait();
      taken = take(kOli, 50, kMo);
    });
    start.arrive_and_wait();
    given = give(kMo, 10, kAnn);
    other.join();
    EXPECT_EQ(taken.status, 200) << taken.body;
    EXPECT_EQ(roles_of_member(kMo), "");
    EXPECT_EQ(given.status == 200, roles_of_member(kAnn) == "10") << given.body;
    if (given.status != 200) EXPECT_EQ(given.at("/code"), "\"insufficient_permission\"");
  }
}

TEST_P(Roles, OfOneTitleAreMadeOnceByManyAtOnce) {
  std::latch start(8);
  std::atomic<int> made = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      auto const answer = ask(system_key(), "roles.create", R"({"title":"Once"})");
      if (answer.status == 200) ++made;
      if (answer.at("/code") == "\"role_exists\"") ++refused;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(refused, 7);
}

TEST_P(Roles, HaveTagsBesideThemThatAreMadeRenamedAndDeleted) {
  auto const made = ask(context(), "tags.create", R"({"name":" vip "})");
  ASSERT_EQ(made.status, 201) << made.body;
  auto const id = made.at("/data/_id").substr(1, 24);
  EXPECT_EQ(ask(context(), "tags.create", R"({"name":"vip"})").at("/code"), "\"tag_exists\"");
  for (auto const* bad : {R"({"name":"a,b"})", R"({"name":"  "})", "{}"}) EXPECT_EQ(ask(context(), "tags.create", bad).status, 400) << bad;
  auto const number_of_tag = PublicId::parse(id)->number;
  run(db(), "INSERT INTO member_tags (community_id, member_id, tag_id) VALUES (1, 4, " + std::to_string(number_of_tag) + ")");
  EXPECT_EQ(ask(context(), "tags.list").at("/data/0/memberCount"), "1");
  auto const renamed = ask(context(), "tags.update", R"({"name":"gold"})", {"", id});
  EXPECT_EQ(renamed.at("/data/name"), "\"gold\"") << renamed.body;
  EXPECT_EQ(ask(context(), "tags.delete", "", {"", id}).status, 200);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM member_tags"), 0);
  EXPECT_EQ(ask(context(), "tags.delete", "", {"", id}).at("/code"), "\"tag_not_found\"");
  EXPECT_EQ(ask(context(), "tags.list").at("/meta/total"), "0");
}

TEST_P(Roles, HaveTagsBesideThemThatAreGivenAndTakenWithTheirHistories) {
  auto const made = [&](std::string const& name) {
    return ask(context(), "tags.create", R"({"name":")" + name + "\"}").at("/data/_id").substr(1, 24);
  };
  auto const vip = made("vip"), gold = made("gold");
  auto const move = [&](std::string const& operation, std::string const& tag, std::string const& user, std::string const& once = "") {
    return ask(person(kAda), operation, R"({"userId":")" + user + "\"}", {"", tag}, once);
  };
  auto const given = move("tags.give", gold, "5", "first");
  EXPECT_EQ(given.status, 200) << given.body;
  EXPECT_EQ(given.at("/data"), R"({"userId":"5","tags":["gold"]})");
  EXPECT_EQ(move("tags.give", vip, PublicId::of(kAnn, kNow).to_string()).at("/data/tags"), R"(["vip","gold"])");
  auto const before = test::dump(db());
  EXPECT_EQ(move("tags.give", vip, "5").at("/data/tags"), R"(["vip","gold"])") << "he has it already";
  EXPECT_EQ(test::dump(db()), before);
  EXPECT_EQ(move("tags.take", gold, "5").at("/data/tags"), R"(["vip"])");
  EXPECT_EQ(move("tags.give", gold, "5", "first").body, given.body);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM member_tags WHERE member_id = 5"), 1) << "the answer is repeated, not the deed";
  EXPECT_EQ(number(db(), "SELECT count(*) FROM field_history WHERE member_id = 5 AND field_id = " + std::to_string(kTag.value)), 3);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE action IN ('tag.give', 'tag.take')"), 3);

  EXPECT_EQ(move("tags.give", "00000000000000000000abcd", "5").at("/code"), "\"tag_not_found\"");
  EXPECT_EQ(move("tags.give", vip, "77").at("/code"), "\"user_not_found\"");
  run(db(), "UPDATE memberships SET state = 4 WHERE community_id = 1 AND member_id = 4");
  EXPECT_EQ(move("tags.give", vip, "4").at("/code"), "\"user_not_found\"");
}

TEST_P(Roles, HaveTagsBesideThemOfWhichAMemberHasNoMoreThanAFileCouldGive) {
  auto const vip = ask(context(), "tags.create", R"({"name":"vip"})").at("/data/_id").substr(1, 24);
  for (int i = 0; i < 100; ++i) {
    auto const number = std::to_string(5'000 + i);
    run(db(), "INSERT INTO tags (community_id, tag_id, name, created_at) VALUES (1, " + number + ", 't" + number + "', 0)");
    run(db(), "INSERT INTO member_tags (community_id, member_id, tag_id) VALUES (1, 5, " + number + ")");
  }
  auto const before = test::dump(db());
  auto const given = ask(person(kAda), "tags.give", R"({"userId":"5"})", {"", vip});
  EXPECT_EQ(given.status, 409);
  EXPECT_EQ(given.at("/code"), "\"too_many_tags\"");
  EXPECT_EQ(test::dump(db()), before);
  auto const kept = PublicId::of(5'000, 0).to_string();
  EXPECT_EQ(ask(person(kAda), "tags.give", R"({"userId":"5"})", {"", kept}).status, 200) << "he has it already";
  EXPECT_EQ(ask(person(kAda), "tags.take", R"({"userId":"5"})", {"", kept}).status, 200);
  EXPECT_EQ(ask(person(kAda), "tags.give", R"({"userId":"5"})", {"", vip}).status, 200);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM member_tags WHERE member_id = 5"), 100);
}

TEST_P(Roles, HaveTagsBesideThemThatNobodyKeepsWhenTheyAreDeletedMeanwhile) {
  for (int round = 0; round < 10; ++round) {
    auto const tag = ask(context(), "tags.create", R"({"name":"vip"})").at("/data/_id").substr(1, 24);
    std::latch start(2);
    Reply given;
    std::thread other([&] {
      start.arrive_and_wait();
      given = ask(person(kAda), "tags.give", R"({"userId":"5"})", {"", tag});
    });
    start.arrive_and_wait();
    EXPECT_EQ(ask(context(), "tags.delete", "", {"", tag}).status, 200);
    other.join();
    EXPECT_THAT(given.status, testing::AnyOf(200, 404)) << given.body;
    EXPECT_EQ(number(db(), "SELECT count(*) FROM member_tags"), 0);
  }
}

}  // namespace
}  // namespace fealty::members
