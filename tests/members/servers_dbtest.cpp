#include "members/servers.h"

#include "members/community_settings.h"
#include "members/users_harness.h"

namespace fealty::members {
namespace {

class Servers : public UsersTest {
 protected:
  api::Context person(std::int64_t account, api::CommunityRole role = api::CommunityRole::owner) const {
    auto c = context();
    c.principal.kind = api::PrincipalKind::user;
    c.principal.account = {account};
    c.principal.name = test::username_of(account);
    c.principal.community_id = PublicId::of(kHere.value, kNow);
    c.principal.role = role;
    return c;
  }
  void make_operator(std::int64_t account) {
    run(db(), "UPDATE accounts SET state = 1 WHERE account_id = " + std::to_string(account));
    run(db(), "INSERT INTO account_credentials (account_id, is_operator) VALUES (" + std::to_string(account) + ", 1)");
  }
  Reply ask(api::Context caller, std::string_view id, std::string body = "", WhoCreates who = WhoCreates::operators) {
    ServersService servers(db(), numbers_, who);
    CommunitySettingsService settings(db(), numbers_);
    auto routes = servers_routes(servers);
    for (auto& r : community_settings_routes(settings)) routes.push_back(std::move(r));
    for (auto const& route : routes) {
      if (route.id != id) continue;
      api::Request request;
      request.body = std::move(body);
      auto const response = api::render(route.family, route.handler(caller, request), "request");
      return {response.status, response.body};
    }
    ADD_FAILURE() << "there is no route " << id;
    return {};
  }
};
FEALTY_ON_BOTH_ENGINES(Servers);

TEST_P(Servers, AreMadeByOperatorsWithAllThatACommunityBeginsWith) {
  EXPECT_EQ(ask(person(2), "servers.create", R"({"title":"Mine"})").at("/code"), "\"forbidden\"");
  EXPECT_EQ(ask(person(2), "servers.create", R"({"title":"Mine"})", WhoCreates::claimed).at("/code"), "\"forbidden\"")
      << "nobody has claimed the account";
  make_operator(2);
  auto const made = ask(person(2), "servers.create",
                        R"({"title":" Mine ","description":"A\nB","timeZone":"Europe/Berlin","languages":["German"],"isPublic":true})");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.at("/meta/message"), "\"Server has been created successfully\"");
  EXPECT_EQ(made.at("/body/title"), "\"Mine\"");
  EXPECT_EQ(made.at("/body/userId"), "\"2\"");
  EXPECT_EQ(made.at("/body/languages"), R"(["de","en"])");
  EXPECT_EQ(made.at("/body/memberCount"), "1");
  EXPECT_EQ(made.at("/body/__v"), "0");
  EXPECT_EQ(made.at("/body/logo"), "null");
  CommunityNo const community{PublicId::parse(made.at("/body/_id").substr(1, 24))->number};
  auto const in_it = " WHERE community_id = " + std::to_string(community.value);
  EXPECT_EQ(text(db(), "SELECT display_name FROM memberships" + in_it), "user2");
  EXPECT_EQ(number(db(), "SELECT count(*) FROM currencies" + in_it), 3);
  EXPECT_EQ(number(db(), "SELECT channel_permissions FROM roles" + in_it), 265) << "view history, post, share links";
  EXPECT_EQ(text(db(), "SELECT action FROM audit_entries" + in_it), "community.create");
  EXPECT_EQ(number(db(), "SELECT count(*) FROM api_keys" + in_it), 0) << "the system key is made when it is asked for";
  auto const wrong = ask(person(2), "servers.create", R"({"title":" ","timeZone":"Mars/Olympus","defaultLanguage":"xx-nobody"})");
  EXPECT_EQ(wrong.status, 400);
  for (auto const* field : {"/title", "/timeZone", "/defaultLanguage"})
    EXPECT_THAT(wrong.body, HasSubstr(std::string("\"field\":\"") + field + "\"")) << field;
}

TEST_P(Servers, AreListedForTheirOwnersMembersAndKeys) {
  auto const mine = ask(person(5), "servers.list");
  EXPECT_EQ(mine.at("/body/0/_id"), "\"" + PublicId::of(1, kNow).to_string() + "\"") << mine.body;
  EXPECT_EQ(mine.at("/body/1/_id"), "\"" + PublicId::of(2, kNow).to_string() + "\"");
  auto scoped = person(5);
  scoped.principal.scope = kElsewhere;
  EXPECT_EQ(ask(scoped, "servers.list").at("/body/0/_id"), "\"" + PublicId::of(2, kNow).to_string() + "\"");
  EXPECT_EQ(ask(scoped, "servers.list").at("/body/1/_id"), "");
  for (int nobody : {7, 8, 10}) EXPECT_EQ(ask(person(nobody), "servers.list").at("/body"), "[]") << nobody;
  auto key = context(kElsewhere);
  key.principal.kind = api::PrincipalKind::system_key;
  EXPECT_EQ(ask(key, "servers.list").at("/body/0/_id"), "\"" + PublicId::of(2, kNow).to_string() + "\"");
  EXPECT_EQ(ask(key, "servers.list").at("/body/1/_id"), "");
}

TEST_P(Servers, AreChangedPartByPartAndOnlyAsTheyWereSeen) {
  auto const changed = ask(person(1), "servers.update", R"({"title":"New","ifVersion":0})");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.at("/body/title"), "\"New\"");
  EXPECT_EQ(changed.at("/body/timeZone"), "\"" + text(db(), "SELECT time_zone FROM communities WHERE community_id = 2") + "\"");
  EXPECT_EQ(changed.at("/body/__v"), "1");
  EXPECT_EQ(ask(person(1), "servers.update", R"({"title":"Newer","ifVersion":0})").at("/code"), "\"version_conflict\"");
  EXPECT_EQ(ask(person(1), "servers.update", R"({"title":"New"})").at("/body/__v"), "1");
  EXPECT_EQ(ask(person(1), "servers.update", R"({"timeZone":"Nowhere"})").status, 400);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'community.update'"), 1);
  EXPECT_THAT(text(db(), "SELECT detail FROM audit_entries WHERE action = 'community.update'"), HasSubstr(R"({"path":"/title","before":)"));
  EXPECT_NE(text(db(), "SELECT title FROM communities WHERE community_id = 2"), "New");
}

TEST_P(Servers, KeepSettingsThatTheirAdministratorsSee) {
  auto const admin = person(2, api::CommunityRole::administrator);
  auto const now = ask(admin, "settings.get");
  ASSERT_EQ(now.status, 200) << now.body;
  EXPECT_EQ(now.at("/data/restoreDays"), "30");
  EXPECT_EQ(now.at("/data/host"), "null");
  auto const changed = ask(admin, "settings.update", R"({"openRegistration":true,"restoreDays":7,"apiLogDays":90,"logReads":true})");
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.at("/data/restoreDays"), "7");
  EXPECT_EQ(changed.at("/data/fileRetentionDays"), "30");
  auto const detail = text(db(), "SELECT detail FROM audit_entries WHERE action = 'settings.update'");
  EXPECT_THAT(detail, HasSubstr(R"({"path":"/restoreDays","before":30,"after":7})"));
  EXPECT_THAT(detail, Not(HasSubstr("fileRetentionDays")));
  auto const wrong = ask(admin, "settings.update", R"({"host":"https://x","restoreDays":0,"apiLogDays":9000})");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, HasSubstr("/restoreDays"));
  EXPECT_THAT(wrong.body, HasSubstr("/apiLogDays"));
  // How owners and administrators sign in is the owner's; hosts are the operator's.
  EXPECT_EQ(ask(admin, "settings.update", R"({"secondFactorRequired":true})").at("/code"), "\"forbidden\"");
  EXPECT_EQ(ask(admin, "settings.update", R"({"secondFactorRequired":false,"restoreDays":8})").status, 200) << "it is so already";
  EXPECT_EQ(ask(person(1), "settings.update", R"({"secondFactorRequired":true})").status, 200);
  // Whether strangers may import is the owner's, too.
  EXPECT_EQ(now.at("/data/anonymousImport"), "\"off\"");
  EXPECT_EQ(ask(admin, "settings.update", R"({"anonymousImport":"create_only"})").at("/code"), "\"forbidden\"");
  EXPECT_EQ(ask(admin, "settings.update", R"({"anonymousImport":"off","restoreDays":9})").status, 200) << "it is so already";
  EXPECT_EQ(ask(person(1), "settings.update", R"({"anonymousImport":"all"})").status, 400);
  EXPECT_EQ(ask(person(1), "settings.update", R"({"anonymousImport":"full"})").at("/data/anonymousImport"), "\"full\"");
  EXPECT_EQ(ask(admin, "settings.update", R"({"anonymousImport":"off"})").at("/code"), "\"forbidden\"");
  EXPECT_EQ(number(db(),
                   "SELECT count(*) FROM audit_entries WHERE action = 'settings.update' AND detail LIKE "
                   "'%{\"path\":\"/anonymousImport\",\"before\":\"off\",\"after\":\"full\"}%'"),
            1);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM communities WHERE anonymous_import <> 0"), 1) << "of this community alone";
  EXPECT_EQ(ask(person(1), "settings.update", R"({"host":"club.example.org"})").at("/code"), "\"forbidden\"");
  EXPECT_EQ(ask(person(1), "settings.get").at("/data/host"), "null") << "a refused request changes nothing";
  make_operator(1);
  EXPECT_EQ(ask(person(1), "settings.update", R"({"host":"Club.example.org"})").at("/data/host"), "\"club.example.org\"");
  run(db(), "UPDATE communities SET host = 'other.example.org' WHERE community_id = 2");
  EXPECT_EQ(ask(person(1), "settings.update", R"({"host":"other.example.org"})").at("/code"), "\"host_taken\"");
  EXPECT_EQ(ask(person(1), "settings.update", R"({"host":""})").at("/data/host"), "null")
      << "empty query values count as not given, not members";
}

}  // namespace
}  // namespace fealty::members
