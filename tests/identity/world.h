// An installation for tests of sign-in: the room's routes behind the gate, on the test's database.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <thread>

#include "access/gate.h"
#include "access/keys.h"
#include "access/one_time.h"
#include "api/envelope.h"
#include "base/hash.h"
#include "base/text.h"
#include "identity/accounts.h"
#include "support/database.h"
#include "support/ground.h"
#include "support/reply.h"

namespace fealty::identity {

using test::kNow;
using test::number;
using test::run;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

inline constexpr CommunityNo kHere{1}, kElsewhere{2};
inline constexpr char kPassword[] = "correct horse-1", kOther[] = "battery staple+2";
inline constexpr TimeMs kMinute = 60'000, kHour = 3'600'000, kDay = 86'400'000;

struct Answered {
  int status = 0;
  std::string body;
  std::vector<api::Header> headers;
  // The text of the first member of that name.
  std::string text(std::string const& name) const {
    auto const at = body.find("\"" + name + "\":\"");
    if (at == std::string::npos) return {};
    auto const from = at + name.size() + 4;
    return body.substr(from, body.find('"', from) - from);
  }
  std::string code() const { return text("code"); }
};

// One node.
class Node {
 public:
  Node(sql::Database& database, NumberSource& numbers, access::Vault const& vault, TimeMs now = kNow)
      : session_keys(database, vault, now),
        hasher(2),
        keys(database, numbers),
        gate(database, keys, session_keys),
        parts{database, numbers, hasher, session_keys, vault},
        sign_in(parts),
        registrations(parts),
        own(parts),
        routes(auth_routes(sign_in, registrations, own, hasher)) {
    for (auto& route : account_routes(own, hasher)) routes.push_back(std::move(route));
  }

  // As the pipeline does it.
  Answered call(api::Request request, api::Route const& route, TimeMs now) {
    api::Context context;
    context.now = now;
    context.remote_address = request.remote_address;
    context.request_id = "request";
    auto answer = [&]() -> Result<api::Answer> {
      if (route.needs.looks_at_credential()) {
        auto who = gate.check(request, now);
        if (!who) return std::unexpected(who.error());
        if (who->kind == api::PrincipalKind::guest) {
          if (!route.needs.guest) return std::unexpected(access::credential_needed(route.needs));
        } else {
          if (auto admitted = gate.admit(*who, route, request, now); !admitted) return std::unexpected(admitted.error());
          context.principal = *who;
          context.community = who->community;
        }
      }
      return test::answer_of(route, context, request);
    }();
    auto response = api::render(route.family, answer, "request");
    return {response.status, response.body, response.headers};
  }
  api::Route const& route(std::string_view id) const {
    for (auto const& r : routes)
      if (r.id == id) return r;
    throw std::logic_error("there is no route " + std::string(id));
  }

  access::SessionKeys session_keys;
  access::PasswordHasher hasher;
  access::KeyService keys;
  access::Gate gate;
  Parts parts;
  SignIn sign_in;
  Registrations registrations;
  OwnAccount own;
  std::vector<api::Route> routes;
};

// Communities 1 (open to registrations) and 2; members 1 to 3 here, 3 and 4 elsewhere; 5 owns both.
class World : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    for (auto const community : {kHere, kElsewhere}) test::add_community(db(), community.value, 5);
    for (int member : {1, 2, 3, 5}) test::add_member(db(), kHere, member);
    for (int member : {3, 4, 5}) test::add_member(db(), kElsewhere, member);
    run(db(), "UPDATE communities SET open_registration = 1 WHERE community_id = 1");
    node_ = std::make_unique<Node>(db(), numbers_, vault_);
  }

  Answered call_on(Node& node, std::string_view id, std::string body, std::string const& token = "", std::vector<api::Header> headers = {},
                   std::vector<std::string> path_args = {}) {
    api::Request request;
    request.body = std::move(body);
    request.headers = std::move(headers);
    request.path_args = std::move(path_args);
    request.remote_address = address_;
    auto const& route = node.route(id);
    request.method = route.method;
    if (!token.empty()) request.headers.push_back({"authorization", "Bearer " + token});
    return node.call(std::move(request), route, now_);
  }
  Answered call(std::string_view id, std::string body, std::string const& token = "", std::vector<api::Header> headers = {},
                std::vector<std::string> path_args = {}) {
    return call_on(*node_, id, std::move(body), token, std::move(headers), std::move(path_args));
  }

  // Gives the account a password of its own, as claiming it does.
  void give_password(std::int64_t account, std::string const& password = kPassword) {
    auto const hash = *node_->hasher.hash(password);
    auto const n = std::to_string(account);
    run(db(), "INSERT INTO account_credentials (account_id, password_hash, email_verified_at) VALUES (" + n + ", '" + hash + "', 1)");
    run(db(), "UPDATE accounts SET state = 1 WHERE account_id = " + n);
  }
  void give_community_password(CommunityNo community, std::int64_t account, std::string const& password) {
    run(db(), "INSERT INTO community_passwords (community_id, member_id, password_hash, created_at) VALUES (" +
                  std::to_string(community.value) + ", " + std::to_string(account) + ", '" + *node_->hasher.hash(password) + "', 1)");
  }
  static std::string login_body(std::string const& name, std::string const& password) {
    return R"({"email":")" + name + R"(","password":")" + password + R"("})";
  }
  Answered login(std::int64_t account, std::string const& password = kPassword) {
    return call("auth.login", login_body(test::email_of(account), password));
  }
  std::string token_of(std::int64_t account, std::string const& password = kPassword) { return login(account, password).text("token"); }

  // What the mail that waits would carry.
  std::string link(std::string const& purpose, std::int64_t account, std::string const& facts = "{}") {
    return db().write([&](sql::Tx& tx) { return access::issue_link(tx, purpose, {account}, {}, facts, now_, kDay); });
  }
  std::string code(std::string const& email) {
    auto const account = number(db(), "SELECT account_id FROM registrations WHERE email_key = '" + email + "'");
    return db().write([&](sql::Tx& tx) {
      return access::issue_code(tx, "verify_email", email, {account}, now_, access::kCodeMs, access::kCodeAttempts);
    });
  }
  std::int64_t count(std::string const& table) { return number(db(), "SELECT count(*) FROM " + table); }

  NumberSource numbers_{1};
  access::Vault vault_{std::string(32, 'k')};
  std::unique_ptr<Node> node_;
  TimeMs now_ = kNow;
  std::string address_ = "192.0.2.1";
};

}  // namespace fealty::identity
