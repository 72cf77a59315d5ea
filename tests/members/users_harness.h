// The users operations as the pipeline calls them: requests in, answers with their envelopes out, on both engines.
#pragma once
#include <latch>
#include <thread>

#include "base/text.h"
#include "members/fields.h"
#include "members/moderation.h"
#include "members/users.h"
#include "support/database.h"
#include "support/ground.h"
#include "support/reply.h"

namespace fealty::members {

using test::kNow;
using test::number;
using test::Reply;
using test::run;
using test::text;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

inline constexpr CommunityNo kHere{1}, kElsewhere{2};

class UsersTest : public test::DatabaseTest {
 protected:
  // Members 1 to 5 here (1 owns it), 5 and 6 elsewhere; 7 is invited, 8 deleted, 9 suspended, 10 banned here.
  void SetUp() override {
    DatabaseTest::SetUp();
    for (auto const community : {kHere, kElsewhere}) test::add_community(db(), community.value, community.value);
    for (int member = 1; member <= 5; ++member) test::add_member(db(), kHere, member);
    test::add_member(db(), kHere, 7, 1);
    test::add_member(db(), kHere, 8, 4);
    test::add_member(db(), kHere, 9, 2);
    test::add_member(db(), kHere, 10, 3);
    for (int member = 5; member <= 6; ++member) test::add_member(db(), kElsewhere, member);
    users_ = std::make_unique<UsersService>(db(), numbers_, passwords_);
    moderation_ = std::make_unique<ModerationService>(db(), numbers_);
  }

  api::Context context(CommunityNo community = kHere) const {
    api::Context c;
    c.principal.kind = api::PrincipalKind::community_key;
    c.principal.community = c.community = community;
    c.principal.key = {community.value};
    c.principal.key_id = PublicId::of(community.value, kNow);
    c.principal.key_prefix = "fk_key" + std::to_string(community.value);
    c.principal.name = "Key";
    c.request_id = "request";
    c.remote_address = "192.0.2.1";
    c.now = now_;
    return c;
  }
  Reply call_as(api::Context caller, std::string_view id, std::string body, std::string const& idempotency_key = "",
                std::vector<std::pair<std::string, std::string>> query = {}) {
    auto routes = users_routes(*users_, passwords_);
    for (auto& route : moderation_routes(*moderation_)) routes.push_back(std::move(route));
    for (auto const& route : routes) {
      if (route.id != id) continue;
      api::Request request;
      request.body = std::move(body);
      request.query = std::move(query);
      if (!idempotency_key.empty()) request.headers.push_back({"idempotency-key", idempotency_key});
      return test::reply_of(route, caller, request);
    }
    ADD_FAILURE() << "there is no route " << id;
    return {};
  }
  Reply call(std::string_view id, std::string body, std::string const& idempotency_key = "") {
    return call_as(context(), id, std::move(body), idempotency_key);
  }
  Reply info(std::string const& user) { return call("users.info", R"({"idOrEmail":")" + user + "\"}"); }
  Reply manage(std::string const& action, std::string const& user) {
    return call("users.manage", R"({"action":")" + action + R"(","user":")" + user + "\"}");
  }
  Reply moderate(std::string const& action, std::string const& user, std::string const& more = "") {
    return call("users.moderate", R"({"action":")" + action + R"(","user":")" + user + R"(","reason":"because")" + more + "}");
  }
  Reply filter(std::string const& body) { return call("users.filter", body); }
  std::int64_t count(std::string const& table) { return number(db(), "SELECT count(*) FROM " + table); }
  std::int64_t add_role(std::int64_t id, std::string const& title, std::int64_t position, std::int64_t permissions = 0) {
    run(db(), "INSERT INTO roles (community_id, role_id, title, position, server_permissions, created_at) VALUES (1, " +
                  std::to_string(id) + ", '" + title + "', " + std::to_string(position) + ", " + std::to_string(permissions) + ", 0)");
    return id;
  }
  void give_role(std::int64_t member, std::int64_t role) {
    run(db(), "INSERT INTO member_roles (community_id, member_id, role_id) VALUES (1, " + std::to_string(member) + ", " +
                  std::to_string(role) + ")");
  }
  CustomField add_field(std::string name, std::string type, std::string default_value = "", bool identifier = false) {
    FieldService fields(db(), numbers_);
    NewField field;
    field.name = std::move(name);
    field.type = std::move(type);
    field.default_value = std::move(default_value);
    field.identifier = identifier;
    return *fields.create(kHere, field, {"operator", "", ""}, kNow);
  }
  void expect_sound() {
    db().read([&](sql::Tx& tx) { EXPECT_THAT(ledger::audit_balances(tx, {}, 100), IsEmpty()); });
  }

  TimeMs now_ = kNow;
  NumberSource numbers_{1, [this] { return now_; }};
  access::PasswordHasher passwords_{1};
  std::unique_ptr<UsersService> users_;
  std::unique_ptr<ModerationService> moderation_;
};

}  // namespace fealty::members
