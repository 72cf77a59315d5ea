#include "access/key_routes.h"

#include <latch>
#include <thread>

#include "api/envelope.h"
#include "api/json_tree.h"
#include "api/route_table.h"
#include "base/hash.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::access {
namespace {

using api::Method;
using test::kNow;
using test::number;
using test::run;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr CommunityNo kHere{1}, kElsewhere{2};
constexpr TimeMs kDay = 86'400'000;

struct Answered {
  int status = 0;
  std::string body;
  // A value inside the answer, by its names: "data/name"; its text, or JSON for what is no text.
  std::string at(std::string_view path) const {
    api::JsonTree tree;
    std::vector<Issue> issues;
    if (!tree.parse(body, issues)) return "no JSON: " + body;
    std::optional<api::JsonValue> value = tree.root();
    while (!path.empty() && value) {
      auto const slash = std::min(path.find('/'), path.size());
      auto const name = path.substr(0, slash);
      path.remove_prefix(std::min(slash + 1, path.size()));
      if (value->kind() == api::JsonKind::array) {
        std::optional<api::JsonValue> item;
        std::size_t i = 0, wanted = static_cast<std::size_t>(std::stoul(std::string(name)));
        for (auto const v : *value)
          if (i++ == wanted) item = v;
        value = item;
      } else {
        value = value->find(name);
      }
    }
    if (!value) return "(absent)";
    if (value->kind() == api::JsonKind::string) return std::string(value->text());
    std::string out;
    value->write(out);
    return out;
  }
  std::vector<std::string> fields(std::string const& list = "meta/validation") const {
    std::vector<std::string> out;
    for (int i = 0;; ++i) {
      auto const field = at(list + "/" + std::to_string(i) + "/field");
      if (field == "(absent)") return out;
      out.push_back(field);
    }
  }
};

class KeyRoutes : public test::DatabaseTest {
 protected:
  // Accounts 1 and 2 are members of both communities; 3 of none, 7 is invited here.
  void SetUp() override {
    DatabaseTest::SetUp();
    for (auto const c : {kHere, kElsewhere}) {
      test::add_community(db(), c.value);
      for (int a = 1; a <= 2; ++a) test::add_member(db(), c, a);
    }
    test::add_account(db(), 3);
    test::add_member(db(), kHere, 7, 1);
    service_.emplace(db(), numbers_);
    for (auto& route : key_routes(*service_, db(), [this](CommunityNo community, std::string_view prefix) {
           asked_ = std::to_string(community.value) + " " + std::string(prefix);
           return std::vector<std::string>{"job one", "job two"};
         }))
      table_.add(std::move(route));
  }
  static std::string id_of(std::int64_t n) { return PublicId::of(n, kNow).to_string(); }

  api::Context person(std::int64_t account, CommunityNo community = kHere) {
    api::Context c;
    c.principal.kind = api::PrincipalKind::user;
    c.principal.account = {account};
    c.principal.account_id = PublicId::of(account, kNow);
    c.principal.community = c.community = community;
    c.principal.key_prefix = "user:" + std::to_string(account);
    c.principal.name = "user" + std::to_string(account);
    c.remote_address = "192.0.2.9";
    c.now = now_;
    return c;
  }
  Answered call(Method method, std::string const& path, std::string body, api::Context c,
                std::vector<std::pair<std::string, std::string>> query = {}, std::string const& once = "") {
    auto const match = table_.match(method, path);
    if (!match.route) {
      ADD_FAILURE() << "no route " << path;
      return {};
    }
    api::Request request;
    request.method = method;
    request.body = std::move(body);
    request.query = std::move(query);
    request.path_args = match.path_args;
    if (!once.empty()) request.headers.push_back({"idempotency-key", once});
    auto const answer = match.route->handler(c, request);
    auto const response = api::render(match.route->family, answer, "request");
    if (answer) {
      EXPECT_EQ(response.status, match.route->success_status);
    }
    return {response.status, response.body};
  }
  Answered call(Method method, std::string const& path, std::string body = "") { return call(method, path, std::move(body), person(1)); }
  static std::string keys(std::string const& rest = "") { return "/v1/communities/" + id_of(1) + "/api-keys" + rest; }
  static std::string own(std::int64_t account, std::string const& rest = "") { return "/v1/users/" + id_of(account) + "/api-keys" + rest; }
  Answered create(std::string const& name, std::string const& more = "") {
    return call(Method::post, keys(), R"({"name":")" + name + R"(","permissions":["bulkUpdateUser"])" + more + "}");
  }
  Answered create_own(std::int64_t account, std::string const& name, std::string const& more = "") {
    return call(Method::post, own(account),
                R"({"name":")" + name + R"(","permissions":["readOwnProfile"],"communityId":")" + id_of(1) + "\"" + more + "}",
                person(account));
  }
  // What the key opens: "good", or the words of the refusal.
  std::string check(std::string const& key, std::string const& address = "192.0.2.1", bool system = false) {
    api::Request r;
    r.headers.push_back(system ? api::Header{"x-api-key", key} : api::Header{"authorization", "Bearer " + key});
    r.remote_address = address;
    auto const who = service_->check(r, now_);
    if (who) last_ = *who;
    return who ? "good" : who.error().message;
  }
  std::vector<std::string> audit() {
    std::vector<std::string> rows;
    db().read([&](sql::Tx& tx) {
      tx.run_text("SELECT action, actor_type, actor_id, remote_address FROM audit_entries ORDER BY audit_id", {},
                  [&](sql::Row const& r) { rows.push_back(r.string(0) + " " + r.string(1) + " " + r.string(2) + " " + r.string(3)); });
    });
    return rows;
  }

  NumberSource numbers_{1};
  std::optional<KeyService> service_;
  api::RouteTable table_;
  api::Principal last_;
  std::string asked_;
  TimeMs now_ = kNow;
};
FEALTY_ON_BOTH_ENGINES(KeyRoutes);

TEST_P(KeyRoutes, RepeatTheAnswerThatMadeAKeyWithoutTheKey) {
  struct Case {
    std::string path, body;
    std::int64_t account;
  };
  auto const other = create("Other").at("data/_id");
  auto const key = create("Rotated").at("data/_id");
  for (auto const& c :
       {Case{keys(), R"({"name":"CRM","permissions":["bulkUpdateUser"]})", 1},
        Case{keys("/" + key + "/rotate"), R"({"graceSeconds":60})", 1}, Case{"/v1/communities/" + id_of(1) + "/system-key/rotate", "{}", 1},
        Case{own(2), R"({"name":"mine","permissions":["readOwnProfile"],"communityId":")" + id_of(1) + "\"}", 2}}) {
    auto const once = "key of " + c.path;
    auto const first = call(Method::post, c.path, c.body, person(c.account), {}, once);
    ASSERT_EQ(first.status, 201) << first.body;
    auto const text = first.at("data/key");
    auto const living = number(db(), "SELECT count(*) FROM api_keys");
    auto const again = call(Method::post, c.path, c.body, person(c.account), {}, once);
    EXPECT_EQ(again.status, 201);
    EXPECT_EQ(again.at("data/_id"), first.at("data/_id"));
    EXPECT_EQ(again.at("data/key"), text.substr(0, text.rfind('_')) + "…");
    EXPECT_THAT(again.at("message"), HasSubstr("stood in the first answer alone"));
    EXPECT_EQ(number(db(), "SELECT count(*) FROM api_keys"), living) << "nothing more was made";
    EXPECT_THAT(test::tables_with(db(), text.substr(text.rfind('_') + 1)), IsEmpty());
    auto const changed = call(Method::post, c.path, R"({"name":"x","permissions":["readOwnProfile","bulkUpdateUser"],"graceSeconds":1})",
                              person(c.account), {}, once);
    EXPECT_NE(changed.status, 201) << "another body";
  }
  auto const rotated =
      call(Method::post, keys("/" + other + "/rotate"), R"({"graceSeconds":60})", person(1), {}, "key of " + keys("/" + key + "/rotate"));
  EXPECT_EQ(rotated.at("code"), "idempotency_key_reused") << "the same body for another key is another request";
  // What was refused does not use the key up.
  EXPECT_EQ(call(Method::post, keys(), "{}", person(1), {}, "free").status, 400);
  EXPECT_EQ(call(Method::post, keys(), R"({"name":"Free","permissions":["bulkUpdateUser"]})", person(1), {}, "free").status, 201);
  EXPECT_EQ(call(Method::post, keys(), R"({"name":"Long","permissions":["bulkUpdateUser"]})", person(1), {}, std::string(256, 'x')).status,
            400);
}

TEST_P(KeyRoutes, MakeAKeyThatIsShownOnceAndListItMasked) {
  auto const made = create("CRM", R"(,"expirePeriod":30,"allowedIps":["203.0.113.0/24"])");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.at("meta/status"), "success");
  EXPECT_EQ(made.at("meta/statusCode"), "201");
  EXPECT_EQ(made.at("message"), "Create API key success.");
  auto const key = made.at("data/key"), id = made.at("data/_id");
  EXPECT_THAT(key, testing::MatchesRegex("fk_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}"));
  EXPECT_EQ(made.at("data/expireDate"), to_iso(kNow + 30 * kDay));
  EXPECT_EQ(made.at("data/communityId"), id_of(1));
  EXPECT_EQ(made.at("data/permissions"), R"(["bulkUpdateUser"])");
  EXPECT_EQ(made.at("data/allowedIps"), R"(["203.0.113.0/24"])");
  EXPECT_EQ(made.at("data/isActive"), "true");
  EXPECT_EQ(made.at("data/userId"), "null");
  EXPECT_EQ(made.at("data/lastUsedAt"), "null");
  EXPECT_EQ(made.at("data/createdAt"), to_iso(kNow));

  auto const one = call(Method::get, keys("/" + id));
  EXPECT_EQ(one.at("message"), "Get API key success.");
  EXPECT_EQ(one.at("data/key"), key.substr(0, 11) + "…");
  auto const list = call(Method::get, keys());
  EXPECT_EQ(list.at("message"), "Get API keys success.");
  EXPECT_EQ(list.at("meta/total"), "1");
  EXPECT_EQ(list.at("data/0/_id"), id);
  for (auto const& answer : {one, list}) EXPECT_THAT(answer.body, Not(HasSubstr(key.substr(12, 8))));
  EXPECT_THAT(test::tables_with(db(), key.substr(12)), IsEmpty());
  EXPECT_THAT(test::tables_with(db(), key.substr(0, 11)), ElementsAre("api_keys"));
  EXPECT_EQ(check(key, "203.0.113.77"), "good");
  EXPECT_EQ(check(key, "203.0.114.1"), "This key may not be used from this address.");
  EXPECT_EQ(check(key, ""), "This key may not be used from this address.");
  EXPECT_THAT(audit(), ElementsAre(HasSubstr("api_key.create user ")));
  EXPECT_THAT(audit()[0], testing::EndsWith(" 192.0.2.9"));
}

TEST_P(KeyRoutes, TellAllProblemsOfOneRequestTogether) {
  struct Case {
    std::string body;
    std::vector<std::string> fields;
  };
  Case const cases[] = {
      {"{}", {"/name", "/permissions"}},
      {R"({"name":"","permissions":[]})", {"/name", "/permissions"}},
      {R"({"name":"n","permissions":["bulkUpdateUser","nonsense","sendMessages","x"]})",
       {"/permissions/1", "/permissions/2", "/permissions/3"}},
      {R"({"name":"n","permissions":["store"],"expirePeriod":3651,"expireDate":"2020-01-01"})", {"/expirePeriod", "/expireDate"}},
      {R"({"name":"n","permissions":["store"],"expireDate":"soon","allowedIps":["10.0.0.0/33","x"]})",
       {"/expireDate", "/allowedIps/0", "/allowedIps/1"}},
      {R"({"name":7,"permissions":"store","expirePeriod":-1,"expireDate":5,"isActive":"yes"})",
       {"/name", "/permissions", "/expirePeriod", "/expireDate", "/isActive"}},
      {R"({"name":"n","permissions":["store"],"expireDate":"2099-01-01"})", {"/expireDate"}},
      {"[]", {""}},
      {"{", {""}},
  };
  auto const before = test::dump(db());
  for (auto const& c : cases) {
    auto const answer = call(Method::post, keys(), c.body);
    EXPECT_EQ(answer.status, 400) << c.body;
    EXPECT_EQ(answer.at("code"), "invalid_request") << c.body;
    EXPECT_THAT(answer.fields(), testing::UnorderedElementsAreArray(c.fields)) << c.body << "\n" << answer.body;
  }
  EXPECT_EQ(test::dump(db()), before);
  EXPECT_EQ(create("n", R"(,"expirePeriod":0,"expireDate":"")").at("data/expireDate"), "null");
  EXPECT_EQ(call(Method::post, keys(), R"({"name":"by label","permissions":["Bulk Update User","store"]})").at("data/permissions"),
            R"(["bulkUpdateUser","store"])");
}

TEST_P(KeyRoutes, OfTwoEndsTheEarlierCountsAndAPeriodBeginsAnewWhenItIsChanged) {
  auto const made = create("both", R"(,"expirePeriod":30,"expireDate":"2026-04-20")");
  auto const id = made.at("data/_id");
  EXPECT_EQ(made.at("data/expireDate"), "2026-04-20T23:59:59.999Z") << "a day counts to its end";
  now_ += 5 * kDay;
  auto const put = [&](std::string const& body) { return call(Method::put, keys("/" + id), body); };
  EXPECT_EQ(put(R"({"expirePeriod":2})").at("data/expireDate"), to_iso(now_ + 2 * kDay));
  EXPECT_EQ(put(R"({"expirePeriod":0})").at("data/expireDate"), "2026-04-20T23:59:59.999Z");
  EXPECT_EQ(put(R"({"expireDate":""})").at("data/expireDate"), "null");
  auto const renamed = put(R"({"name":"other"})");
  EXPECT_EQ(renamed.at("message"), "Update API key success.");
  EXPECT_EQ(renamed.at("data/name"), "other");
  EXPECT_EQ(renamed.at("data/expireDate"), "null") << "what is absent stays";
  EXPECT_EQ(renamed.at("data/updatedAt"), to_iso(now_));
  EXPECT_EQ(put(R"({"expirePeriod":1})").status, 200);
  auto const key = made.at("data/key");
  now_ += kDay - 1;
  EXPECT_EQ(check(key), "good");
  now_ += 1;
  EXPECT_THAT(check(key), HasSubstr("expired"));
  EXPECT_EQ(put(R"({"expirePeriod":1})").status, 200) << "an expired key can be given a later end";
  EXPECT_EQ(check(key), "good");
}

TEST_P(KeyRoutes, WhatAChangeTakesAwayIsGoneAtTheNextRequest) {
  auto const made = call(Method::post, keys(), R"({"name":"n","permissions":["store","badge"]})");
  auto const id = made.at("data/_id"), key = made.at("data/key");
  EXPECT_EQ(check(key), "good");
  EXPECT_EQ(call(Method::put, keys("/" + id), R"({"permissions":["badge"]})").status, 200);
  EXPECT_EQ(check(key), "good");
  EXPECT_THAT(last_.permissions.identifiers(), ElementsAre("badge"));
  EXPECT_EQ(call(Method::put, keys("/" + id), R"({"isActive":false})").at("data/isActive"), "false");
  EXPECT_EQ(check(key), "This key is switched off.");
  EXPECT_EQ(call(Method::put, keys("/" + id), R"({"isActive":true,"allowedIps":["192.0.2.1"]})").status, 200);
  EXPECT_EQ(check(key), "good");
  EXPECT_NE(check(key, "192.0.2.2"), "good");
  EXPECT_EQ(call(Method::put, keys("/" + id), R"({"permissions":["nonsense"]})").status, 400);
}

TEST_P(KeyRoutes, ADeletedKeyIsRefusedAtOnceAndItsOpenJobsAreNamed) {
  auto const made = create("CRM");
  auto const id = made.at("data/_id"), key = made.at("data/key");
  auto const gone = call(Method::del, keys("/" + id));
  EXPECT_EQ(gone.status, 200);
  EXPECT_EQ(gone.at("message"), "Delete API key success.");
  EXPECT_EQ(gone.at("data/_id"), id);
  EXPECT_EQ(gone.at("data/key"), key.substr(0, 11) + "…");
  EXPECT_EQ(gone.at("data/activeJobs"), R"(["job one","job two"])");
  EXPECT_EQ(asked_, "1 " + key.substr(0, 11));
  EXPECT_EQ(check(key), "This key was revoked; make a new one.");
  auto const other_node = database().open_another();
  api::Request r;
  r.headers.push_back({"authorization", key});
  EXPECT_FALSE(KeyService(*other_node, numbers_).check(r, now_));
  for (auto const method : {Method::get, Method::put, Method::del})
    EXPECT_EQ(call(method, keys("/" + id), "{}").at("code"), "api_key_not_found");
  EXPECT_EQ(call(Method::get, keys()).at("data"), "[]");
  EXPECT_EQ(create("CRM").status, 201) << "its name is free";
}

TEST_P(KeyRoutes, AReplacedKeyLivesForItsGraceAndNoLonger) {
  auto const made = create("CRM", R"(,"allowedIps":["192.0.2.0/24"],"expirePeriod":10)");
  auto const id = made.at("data/_id"), key = made.at("data/key");
  now_ += kDay;
  auto const next = call(Method::post, keys("/" + id + "/rotate"), R"({"graceSeconds":3600})");
  ASSERT_EQ(next.status, 201) << next.body;
  auto const new_key = next.at("data/key");
  EXPECT_NE(next.at("data/_id"), id);
  EXPECT_EQ(next.at("data/name"), "CRM");
  EXPECT_EQ(next.at("data/allowedIps"), R"(["192.0.2.0/24"])");
  EXPECT_EQ(next.at("data/expireDate"), to_iso(now_ + 10 * kDay));
  EXPECT_EQ(check(key), "good");
  EXPECT_EQ(check(new_key), "good");
  EXPECT_EQ(call(Method::post, keys("/" + id + "/rotate"), "{}").at("code"), "api_key_replaced");
  EXPECT_EQ(call(Method::put, keys("/" + id), R"({"expirePeriod":0})").at("code"), "api_key_replaced") << "the grace cannot be drawn out";
  EXPECT_EQ(create("CRM").status, 409);
  now_ += 3'600'000 - 1;
  EXPECT_EQ(check(key), "good");
  now_ += 1;
  EXPECT_THAT(check(key), HasSubstr("expired"));
  EXPECT_EQ(check(new_key), "good");
  // Without a grace the old one ends at once.
  auto const last = call(Method::post, keys("/" + next.at("data/_id") + "/rotate"), "");
  EXPECT_EQ(last.status, 201);
  EXPECT_EQ(check(new_key), "This key was revoked; make a new one.");
  EXPECT_EQ(check(last.at("data/key")), "good");
  EXPECT_EQ(call(Method::post, keys("/" + last.at("data/_id") + "/rotate"), R"({"graceSeconds":604801})").status, 400);
}

TEST_P(KeyRoutes, NamesAndNumbersAreBounded) {
  EXPECT_EQ(create("CRM").status, 201);
  auto const again = create("CRM");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.at("code"), "api_key_name_taken");
  auto const other = create("Other").at("data/_id");
  EXPECT_EQ(call(Method::put, keys("/" + other), R"({"name":"CRM"})").at("code"), "api_key_name_taken");
  EXPECT_EQ(call(Method::put, keys("/" + other), R"({"name":"Other"})").status, 200) << "its own name is no duplicate";
  for (int i = 2; i < kKeysPerCommunityMax; ++i) ASSERT_EQ(create("k" + std::to_string(i)).status, 201);
  EXPECT_EQ(create("over").at("code"), "too_many_keys");
  EXPECT_EQ(call(Method::post, keys("/" + other + "/rotate"), R"({"graceSeconds":60})").status, 201) << "a rotation adds none";

  auto page = call(Method::get, keys(), "", person(1), {{"page", "2"}, {"limit", "40"}, {"sort", "name:asc"}});
  EXPECT_EQ(page.at("meta/total"), "101") << "with the one in its grace";
  EXPECT_NE(page.at("data/39/name"), "(absent)");
  EXPECT_EQ(page.at("data/40/name"), "(absent)");
  EXPECT_EQ(call(Method::get, keys(), "", person(1), {{"sort", "name:asc"}}).at("data/0/name"), "CRM");
  EXPECT_EQ(call(Method::get, keys(), "", person(1), {{"sort", "secret"}}).status, 400);
  EXPECT_EQ(call(Method::get, keys(), "", person(1), {{"page", "9"}}).at("data"), "[]");
}

TEST_P(KeyRoutes, AnotherCommunitysKeysAnswerAsUnknownOnes) {
  auto const theirs = *service_->create(kElsewhere, {KeyKind::community, "theirs", api::PermissionSet(1), 0}, {"operator", "x", "x"}, kNow);
  auto const own_key = create_own(2, "mine").at("data/_id");
  auto const before = test::dump(db());
  for (auto const& id : {theirs.id.to_string(), own_key, id_of(999), std::string("zzz"), std::string("000000000000000000000000")}) {
    for (auto const method : {Method::get, Method::put, Method::del}) {
      auto const answer = call(method, keys("/" + id), "{}");
      EXPECT_EQ(answer.status, 404) << id;
      EXPECT_EQ(answer.at("code"), "api_key_not_found") << id;
    }
    EXPECT_EQ(call(Method::post, keys("/" + id + "/rotate"), "{}").status, 404);
  }
  EXPECT_EQ(test::dump(db()), before);
}

TEST_P(KeyRoutes, TheSystemKeyIsOneAndCanBeRotated) {
  std::string const path = "/v1/communities/" + id_of(1) + "/system-key";
  EXPECT_EQ(call(Method::get, path).at("code"), "api_key_not_found");
  auto const first = call(Method::post, path + "/rotate", "{}");
  ASSERT_EQ(first.status, 201) << first.body;
  auto const key = first.at("data/key");
  EXPECT_TRUE(key.starts_with("fs_"));
  auto const next = call(Method::post, path + "/rotate", R"({"graceSeconds":60})");
  auto const shown = call(Method::get, path);
  EXPECT_EQ(shown.at("data/_id"), next.at("data/_id"));
  EXPECT_EQ(shown.at("data/key"), next.at("data/key").substr(0, 11) + "…");
  EXPECT_EQ(check(key, "", true), "good");
  EXPECT_EQ(check(next.at("data/key"), "", true), "good");
  now_ += 60'000;
  EXPECT_NE(check(key, "", true), "good");
  EXPECT_EQ(check(next.at("data/key"), "", true), "good");
  EXPECT_EQ(call(Method::get, keys()).at("data"), "[]") << "it is none of the community's keys";
  EXPECT_EQ(call(Method::del, keys("/" + next.at("data/_id"))).status, 404);
  for (auto const& route : table_.routes()) {
    bool const is_info = route.id == "user_keys.info";
    EXPECT_EQ(route.needs.community_key || route.needs.user_key, is_info) << route.id << ": a key cannot manage keys";
    EXPECT_FALSE(route.needs.system_key) << route.id;
    if (route.id.starts_with("system_key.")) {
      EXPECT_EQ(route.needs.user, api::CommunityRole::owner);
    }
    if (route.id.starts_with("user_keys.") && !is_info) {
      EXPECT_TRUE(route.needs.installation) << route.id;
    }
  }
}

TEST_P(KeyRoutes, UserKeysHaveBothPublishedSpellingsForEveryVerb) {
  std::string const flat = "/v1/users/apikeys";
  auto const me = person(2);
  auto const query = [](std::string const& key = "") {
    std::vector<std::pair<std::string, std::string>> out{{"userId", id_of(2)}};
    if (!key.empty()) out.emplace_back("apiKeyId", key);
    return out;
  };
  std::string const body = R"("permissions":["Read Own Profile"],"expirePeriod":7,"expireDate":"","communityId":")" + id_of(1) +
                           R"(","channelIds":[")" + id_of(5) + "\"]}";
  auto const a = call(Method::post, flat, R"({"name":"a",)" + body, me, query());
  auto const b = call(Method::post, own(2), R"({"name":"b",)" + body, me);
  for (auto const& made : {a, b}) {
    ASSERT_EQ(made.status, 201) << made.body;
    EXPECT_EQ(made.at("message"), "Create API key success.");
    EXPECT_TRUE(made.at("data/key").starts_with("fu_"));
    EXPECT_EQ(made.at("data/userId"), id_of(2));
    EXPECT_EQ(made.at("data/channelIds"), "[\"" + id_of(5) + "\"]");
    EXPECT_EQ(check(made.at("data/key")), "good");
    EXPECT_EQ(last_.kind, api::PrincipalKind::user_key);
    EXPECT_EQ(last_.account, MemberNo{2});
    EXPECT_EQ(last_.community, kHere);
    EXPECT_EQ(last_.role, api::CommunityRole::member);
    EXPECT_THAT(last_.channel_ids, ElementsAre(id_of(5)));
  }
  EXPECT_EQ(call(Method::get, flat, "", me, query()).at("meta/total"), "2");
  EXPECT_EQ(call(Method::get, own(2), "", me).at("meta/total"), "2");
  EXPECT_EQ(call(Method::get, flat, "", me, query(a.at("data/_id"))).at("data/name"), "a");
  EXPECT_EQ(call(Method::get, own(2, "/" + b.at("data/_id")), "", me).at("data/name"), "b");
  EXPECT_EQ(call(Method::put, flat, R"({"isActive":false})", me, query(a.at("data/_id"))).at("data/isActive"), "false");
  EXPECT_EQ(check(a.at("data/key")), "This key is switched off.");
  EXPECT_EQ(call(Method::put, own(2, "/" + b.at("data/_id")), R"({"permissions":["updateOwnProfile"]})", me).at("data/permissions"),
            R"(["updateOwnProfile"])");
  EXPECT_EQ(call(Method::put, own(2, "/" + b.at("data/_id")), R"({"permissions":["createUser"]})", me).status, 400)
      << "community keys have a list of their own";
  EXPECT_EQ(call(Method::put, own(2, "/" + b.at("data/_id")), R"({"communityId":")" + id_of(2) + "\"}", me).status, 400);
  EXPECT_EQ(call(Method::put, flat, "{}", me, query()).at("code"), "api_key_not_found") << "no key was named";
  EXPECT_EQ(call(Method::del, flat, "", me, query(a.at("data/_id"))).at("data/name"), "a");
  EXPECT_EQ(call(Method::del, own(2, "/" + b.at("data/_id")), "", me).at("message"), "Delete API key success.");
  EXPECT_EQ(check(b.at("data/key")), "This key was revoked; make a new one.");

  // Nobody else's.
  for (auto const& path : {own(1), std::string("/v1/users/nonsense/api-keys")}) EXPECT_EQ(call(Method::get, path, "", me).status, 403);
  EXPECT_EQ(call(Method::get, flat, "", me, {{"userId", id_of(1)}}).status, 403);
  EXPECT_EQ(call(Method::get, flat, "", me).status, 400);
  EXPECT_EQ(call(Method::get, own(2, "/" + create_own(1, "one's").at("data/_id")), "", me).status, 404);
}

TEST_P(KeyRoutes, AUserKeyNeedsAnActiveMemberWhenItIsMadeAndWheneverItIsUsed) {
  auto const refused = [&](std::int64_t account, std::string const& community) {
    auto const answer = call(Method::post, own(account),
                             R"({"name":"n","permissions":["readOwnProfile"],"communityId":")" + community + "\"}", person(account));
    EXPECT_EQ(answer.status, 403);
    return answer.body;
  };
  auto const foreign = refused(3, id_of(1));
  EXPECT_EQ(refused(7, id_of(1)), foreign) << "invited is not active";
  EXPECT_EQ(refused(3, id_of(99)), foreign) << "unknown communities answer as foreign ones";

  auto const key = create_own(2, "mine").at("data/key");
  struct Case {
    std::string change;
    bool good;
  };
  std::string const where = " WHERE community_id = 1 AND member_id = 2";
  Case const cases[] = {
      {"UPDATE memberships SET state = 1" + where, false},
      {"UPDATE memberships SET state = 0" + where, true},
      {"UPDATE memberships SET state = 2, state_until = " + std::to_string(kNow + 1) + where, false},
      {"UPDATE memberships SET state_until = " + std::to_string(kNow) + where, true},
      {"UPDATE memberships SET state_until = NULL" + where, false},
      {"UPDATE memberships SET state = 3" + where, false},
      {"UPDATE memberships SET state = 4" + where, false},
      {"UPDATE memberships SET state = 0" + where, true},
      {"UPDATE accounts SET state = 2 WHERE account_id = 2", false},
      {"UPDATE accounts SET state = 1 WHERE account_id = 2", true},
      {"DELETE FROM memberships" + where, false},
  };
  for (auto const& c : cases) {
    run(db(), c.change);
    EXPECT_EQ(check(key) == "good", c.good) << c.change;
  }
}

TEST_P(KeyRoutes, APersonHasTwentyKeysAtMostHoweverManyAreMadeAtOnce) {
  std::atomic<int> made{0}, refused{0};
  std::latch start(6);
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      for (int i = 0; i < 5; ++i) {
        auto const answer = create_own(2, std::to_string(t) + "-" + std::to_string(i));
        if (answer.status == 201) ++made;
        if (answer.at("code") == "too_many_keys") ++refused;
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(made, kKeysPerUserMax);
  EXPECT_EQ(refused, 30 - kKeysPerUserMax);
  EXPECT_EQ(create_own(1, "mine").status, 201) << "each person has his own";
  EXPECT_EQ(create("theirs").status, 201) << "a community's keys are counted apart";
}

TEST_P(KeyRoutes, AKeyTellsWhatItMayDo) {
  auto const user = create_own(2, "mine"), community = create("CRM");
  auto const info = [&](Answered const& made) {
    EXPECT_EQ(check(made.at("data/key")), "good");
    api::Context c;
    c.principal = last_;
    c.community = last_.community;
    c.now = now_;
    return call(Method::get, "/v1/users/apikeys/info", "", c);
  };
  auto const mine = info(user);
  EXPECT_EQ(mine.status, 200);
  EXPECT_EQ(mine.at("data"), R"({"name":"mine","permissions":["readOwnProfile"],"expireDate":null,"communityId":")" + id_of(1) +
                                 R"(","isActive":true,"kind":"user"})");
  EXPECT_EQ(info(community).at("data/kind"), "community");
}

}  // namespace
}  // namespace fealty::access
