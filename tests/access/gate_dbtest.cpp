#include "access/gate.h"

#include "access/keys.h"
#include "access/sessions.h"
#include "base/base64.h"
#include "base/text.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::access {
namespace {

using api::CommunityRole;
using api::Needs;
using test::kNow;
using test::run;
using testing::HasSubstr;

constexpr CommunityNo kHere{1}, kElsewhere{2};
std::string const kHereId = PublicId::of(1, kNow).to_string(), kElsewhereId = PublicId::of(2, kNow).to_string();

// Community 1: owner 5, administrator 2, member 1, suspended 7, banned 8, deleted 9, invited 10. Community 2: members 1 and 4.
class Gates : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    test::add_community(db(), 1, 5);
    test::add_community(db(), 2, 4);
    for (int member : {1, 2, 3}) test::add_member(db(), kHere, member);
    test::add_member(db(), kHere, 7, 2);
    test::add_member(db(), kHere, 8, 3);
    test::add_member(db(), kHere, 9, 4);
    test::add_member(db(), kHere, 10, 1);
    test::add_member(db(), kElsewhere, 1);
    test::add_account(db(), 4);
    test::add_account(db(), 5);
    run(db(),
        "INSERT INTO roles (community_id, role_id, title, position, server_permissions, created_at) VALUES (1, 8, 'A', 1, 64, 1), "
        "(1, 9, 'Powerful', 2, 4, 1), (2, 8, 'A', 1, 64, 1)");
    run(db(), "INSERT INTO member_roles (community_id, member_id, role_id) VALUES (1, 2, 8), (1, 3, 9), (2, 1, 8)");
    session_keys_ = std::make_unique<SessionKeys>(db(), vault_, kNow);
    keys_ = std::make_unique<KeyService>(db(), numbers_);
    gate_ = std::make_unique<Gate>(db(), *keys_, *session_keys_);
  }

  IssuedSession session(std::int64_t account, CommunityNo scope = {}) {
    return db().write([&](sql::Tx& tx) {
      return create_session(tx, *session_keys_, {{account}, PublicId::of(account, kNow), scope, "test", "192.0.2.1"}, numbers_, kNow);
    });
  }
  static api::Route route(Needs needs, std::string path = "/things") {
    return {.method = api::Method::get,
            .path = std::move(path),
            .family = api::Family::integration,
            .needs = std::move(needs),
            .id = "test",
            .summary = "Test"};
  }
  struct Call {
    Needs needs;
    std::string path_community = {}, header = {}, host = {}, query = {};
    api::Method method = api::Method::get;
  };
  // "owner@1", or the code of the refusal.
  std::string knock(std::string const& token, Call const& c) { return knock_on(*gate_, token, c); }
  std::string knock_on(Gate& gate, std::string const& token, Call const& c) {
    api::Request request;
    request.headers.push_back({"authorization", "Bearer " + token});
    if (!c.header.empty()) request.headers.push_back({"x-community-id", c.header});
    if (!c.query.empty()) request.query.emplace_back("communityId", c.query);
    request.method = c.method;
    if (!c.host.empty()) request.headers.push_back({"host", c.host});
    if (!c.path_community.empty()) request.path_args.push_back(c.path_community);
    auto who = gate.check(request, kNow);
    if (!who) return std::string(who.error().code());
    auto const admitted = gate.admit(*who, route(c.needs, c.path_community.empty() ? "/things" : "/c/{communityId}/things"), request, kNow);
    if (!admitted) return std::string(admitted.error().code());
    static constexpr char const* kRoles[] = {"none", "member", "administrator", "owner"};
    return std::string(kRoles[static_cast<int>(who->role)]) + "@" + std::to_string(who->community.value);
  }

  NumberSource numbers_{1};
  Vault vault_{std::string(32, 'k')};
  std::unique_ptr<SessionKeys> session_keys_;
  std::unique_ptr<KeyService> keys_;
  std::unique_ptr<Gate> gate_;
};
FEALTY_ON_BOTH_ENGINES(Gates);

TEST_P(Gates, RolesAreReadFromStorage) {
  struct Case {
    std::int64_t account;
    char const* member;
    char const* administrator;
    char const* owner;
    char const* none;
  };
  for (auto const& c :
       {Case{5, "owner@1", "owner@1", "owner@1", "owner@1"}, Case{2, "administrator@1", "administrator@1", "forbidden", "administrator@1"},
        Case{1, "member@1", "forbidden", "forbidden", "member@1"}, Case{3, "member@1", "forbidden", "forbidden", "member@1"},
        Case{4, "forbidden", "forbidden", "forbidden", "none@1"}, Case{7, "suspended", "suspended", "suspended", "suspended"},
        Case{8, "banned", "banned", "banned", "banned"}, Case{9, "forbidden", "forbidden", "forbidden", "none@1"},
        Case{10, "forbidden", "forbidden", "forbidden", "none@1"}}) {
    auto const token = session(c.account).token;
    EXPECT_EQ(knock(token, {Needs::role(CommunityRole::member), kHereId}), c.member) << c.account;
    EXPECT_EQ(knock(token, {Needs::role(CommunityRole::administrator), kHereId}), c.administrator) << c.account;
    EXPECT_EQ(knock(token, {Needs::role(CommunityRole::owner), kHereId}), c.owner) << c.account;
    EXPECT_EQ(knock(token, {Needs::session(), kHereId}), c.none) << c.account;
    EXPECT_EQ(knock(token, {Needs::session()}), "none@0") << c.account;
  }
  auto const token = session(2).token;
  run(db(), "UPDATE roles SET server_permissions = 0");
  EXPECT_EQ(knock(token, {Needs::role(CommunityRole::administrator), kHereId}), "forbidden") << "at the next request";
}

TEST_P(Gates, AdministratorsMayDoWhatKeysMay) {
  auto const key_route = Needs::key({api::Permission::bulk_update_user});
  EXPECT_EQ(knock(session(2).token, {key_route, "", kHereId}), "administrator@1");
  EXPECT_EQ(knock(session(1).token, {key_route, "", kHereId}), "forbidden");
  EXPECT_EQ(knock(session(5).token, {Needs::system()}), "community_required") << "he is a member nowhere";
  EXPECT_EQ(knock(session(2).token, {Needs::system()}), "administrator@1");
  run(db(), "UPDATE communities SET second_factor_required = 1");
  EXPECT_EQ(knock(session(2).token, {key_route, "", kHereId}), "second_factor_setup_required");
  EXPECT_EQ(knock(session(2).token, {Needs::role(CommunityRole::member), kHereId}), "administrator@1");
  run(db(), "INSERT INTO account_credentials (account_id, totp_confirmed_at) VALUES (2, 1)");
  EXPECT_EQ(knock(session(2).token, {key_route, "", kHereId}), "administrator@1");
}

TEST_P(Gates, TheCommunityIsFoundInItsOrder) {
  auto const member = Needs::role(CommunityRole::member);
  auto const both = session(1).token, scoped = session(1, kHere).token;
  EXPECT_EQ(knock(both, {member}), "community_required");
  EXPECT_EQ(knock(both, {member, kElsewhereId, kHereId}), "administrator@2") << "the path before the header";
  EXPECT_EQ(knock(both, {member, "", kElsewhereId}), "administrator@2");
  EXPECT_EQ(knock(scoped, {member}), "member@1");
  EXPECT_EQ(knock(scoped, {Needs::session()}), "member@1");
  run(db(), "UPDATE communities SET host = 'club.example.org' WHERE community_id = 2");
  EXPECT_EQ(knock(both, {member, "", "", "Club.Example.org:3333"}), "administrator@2");
  EXPECT_EQ(knock(both, {member, "", kHereId, "club.example.org"}), "member@1") << "the header before the host";
  EXPECT_EQ(knock(both, {member, "", "", "club.example.org", kHereId}), "member@1") << "so is the address of a download";
  EXPECT_EQ(knock(both, {member, "", kElsewhereId, "", kHereId}), "administrator@2") << "the header before the address";
  EXPECT_EQ(knock(scoped, {member, "", "", "", kElsewhereId}), "forbidden");
  EXPECT_EQ(knock(session(2).token, {member, "", "", "", kElsewhereId}), "forbidden");
  EXPECT_EQ(knock(both, {member, "", "", "club.example.org", kHereId, api::Method::post}), "administrator@2") << "for reading alone";
  EXPECT_EQ(knock(session(2).token, {member}), "administrator@1") << "the only one";
  run(db(), "UPDATE memberships SET state_until = " + std::to_string(kNow - 1) + " WHERE member_id = 7");
  EXPECT_EQ(knock(session(7).token, {member}), "member@1") << "a suspension ends by itself";
}

TEST_P(Gates, ForeignAndUnknownCommunitiesAreAnsweredAlike) {
  for (auto const& token : {session(2).token, session(2, kHere).token}) {
    for (auto const& other : {kElsewhereId, PublicId::of(9, kNow).to_string(), PublicId::of(1, kNow + 5'000).to_string(),
                              PublicId::of(2, kNow + 5'000).to_string(), std::string("nonsense")}) {
      EXPECT_EQ(knock(token, {Needs::role(CommunityRole::member), other}), "forbidden") << other;
      EXPECT_EQ(knock(token, {Needs::key({api::Permission::get_user_data}), "", other}), "forbidden") << other;
    }
  }
  EXPECT_EQ(knock(session(1, kHere).token, {Needs::session(), kElsewhereId}), "forbidden") << "a scoped session sees its own alone";
  EXPECT_EQ(knock(session(1, kHere).token, {Needs::account()}), "forbidden");
  EXPECT_EQ(knock(session(1).token, {Needs::account()}), "none@0");
}

TEST_P(Gates, WhatEndsOnOneNodeIsRefusedByTheOther) {
  auto const other_database = database().open_another();
  SessionKeys other_keys(*other_database, vault_, kNow);
  KeyService other_key_service(*other_database, numbers_);
  Gate other(*other_database, other_key_service, other_keys);
  Call const call{Needs::role(CommunityRole::member), kHereId};
  auto const a = session(1), b = session(1, kHere), c = session(2);
  for (auto const& s : {a, b}) EXPECT_EQ(knock_on(other, s.token, call), "member@1");
  db().write([&](sql::Tx& tx) { end_sessions(tx, {1}, kHere, kNow); });
  EXPECT_EQ(knock_on(other, b.token, call), "unauthorized");
  EXPECT_EQ(knock_on(other, a.token, call), "member@1");
  run(db(), "UPDATE memberships SET state = 3 WHERE community_id = 1 AND member_id = 1");
  EXPECT_EQ(knock_on(other, a.token, call), "banned");
  run(db(), "UPDATE accounts SET state = 2 WHERE account_id = 2");
  EXPECT_EQ(knock_on(other, c.token, call), "unauthorized");
}

TEST_P(Gates, ATokenIsTakenAsItWasMadeAlone) {
  auto const s = session(1);
  auto const parts = split(s.token, '.');
  std::string const header = *from_base64url(parts[0]), claims = *from_base64url(parts[1]), signature(parts[2]);
  Call const call{Needs::session()};
  ASSERT_EQ(knock(s.token, call), "none@0");
  auto const made = [&](std::string const& h, std::string const& c, std::string const& sig) {
    return to_base64url(h) + "." + to_base64url(c) + "." + sig;
  };
  auto const with = [](std::string text, std::string const& from, std::string const& to) {
    auto const at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  std::vector<std::string> bad = {
      made(with(header, "EdDSA", "none"), claims, ""),
      made(with(header, "EdDSA", "none"), claims, signature),
      made(with(header, "EdDSA", "HS256"), claims, signature),
      made(with(header, "}", ",\"crit\":[]}"), claims, signature),
      made(with(header, "\"kid\":\"", "\"kid\":\"x"), claims, signature),
      made(header, with(claims, "installation", kHereId), signature),
      made(header, with(claims, "\"exp\":1", "\"exp\":9"), signature),
      s.token + "A",
      s.token + "=",
      s.token.substr(0, s.token.size() - 1),
      "eyJ..",
      std::string(100'000, 'e'),
  };
  for (auto const& text : bad) EXPECT_EQ(knock(text, call), "unauthorized") << text.substr(0, 200);
  // Another installation's keys sign as well, but not for this one.
  test::TestDatabase elsewhere(engine());
  Vault const other_vault(std::string(32, 'o'));
  SessionKeys other(elsewhere.db(), other_vault, kNow);
  EXPECT_EQ(knock(other.sign({PublicId::of(1, kNow), s.id, {}}, kNow), call), "unauthorized");
  // Signed here, but for nobody.
  EXPECT_EQ(knock(session_keys_->sign({PublicId::of(2, kNow), s.id, {}}, kNow), call), "unauthorized");
  EXPECT_EQ(knock(session_keys_->sign({PublicId::of(1, kNow), PublicId::of(s.number + 1, kNow), {}}, kNow), call), "unauthorized");
  EXPECT_EQ(knock(session_keys_->sign({PublicId::of(1, kNow), s.id, PublicId::of(1, kNow)}, kNow), call), "unauthorized");
}

TEST_P(Gates, TokensLiveAnHourAndKeysAreRotated) {
  auto const claims = TokenClaims{PublicId::of(1, kNow), PublicId::of(7, kNow), {}};
  auto const token = session_keys_->sign(claims, kNow);
  EXPECT_TRUE(session_keys_->verify(token, kNow + 3'629'000));
  EXPECT_FALSE(session_keys_->verify(token, kNow + 3'631'000));
  EXPECT_TRUE(session_keys_->verify(token, kNow - 30'000));
  EXPECT_FALSE(session_keys_->verify(token, kNow - 31'000));

  SessionKeys other(db(), vault_, kNow);
  TimeMs const later = kNow + kSigningMs - 1'000;
  auto const last = session_keys_->sign(claims, later);
  session_keys_->keep_fresh(kNow + kSigningMs);
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM signing_keys"), 2);
  auto const next = session_keys_->sign(claims, kNow + kSigningMs);
  EXPECT_NE(split(next, '.')[0], split(last, '.')[0]);
  EXPECT_TRUE(session_keys_->verify(last, later + 60'000)) << "the retired key verifies";
  EXPECT_TRUE(other.verify(next, kNow + kSigningMs)) << "the other node finds the new key";
  EXPECT_FALSE(session_keys_->verify(session_keys_->sign(claims, kNow), later));
  session_keys_->keep_fresh(kNow + 2 * kSigningMs + 120'000);
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM signing_keys"), 2) << "the first one is gone";
}

TEST_P(Gates, KeysOfAnotherSecretAreRefusedAtTheStart) {
  Vault const other(std::string(32, 'o'));
  EXPECT_THROW(SessionKeys(db(), other, kNow), VaultError);
  auto const rows = test::text(db(), "SELECT secret FROM signing_keys");
  EXPECT_EQ(rows.size(), 24u + 32u + 16u) << "enciphered";
}

TEST_P(Gates, TheCookieCountsForOurOwnPagesAlone) {
  auto const s = session(1, kHere);
  auto const cookie = session_cookie(s.refresh_token, CookieSite::lax, true);
  EXPECT_THAT(cookie, HasSubstr("; HttpOnly; SameSite=Lax; Secure"));
  struct Case {
    api::Method method;
    std::vector<api::Header> headers;
    bool good;
  };
  using enum api::Method;
  Case const cases[] = {
      {get, {}, true},
      {get, {{"sec-fetch-site", "none"}}, true},
      {get, {{"sec-fetch-site", "same-origin"}}, true},
      {get, {{"sec-fetch-site", "same-site"}}, false},
      {get, {{"sec-fetch-site", "cross-site"}}, false},
      {post, {}, false},
      {post, {{"sec-fetch-site", "none"}}, false},
      {post, {{"sec-fetch-site", "same-origin"}}, true},
      {post, {{"sec-fetch-site", "cross-site"}, {"origin", "https://club.example.org"}}, false},
      {post, {{"origin", "https://club.example.org"}}, true},
      {post, {{"origin", "https://evil.example.org"}}, false},
      {post, {{"origin", "null"}}, false},
  };
  for (auto const& c : cases) {
    api::Request request;
    request.method = c.method;
    request.headers = c.headers;
    request.headers.push_back({"host", "club.example.org"});
    request.headers.push_back({"cookie", "a=b; fealty_session=" + s.refresh_token + "; c=d"});
    auto const who = gate_->check(request, kNow);
    ASSERT_TRUE(who);
    EXPECT_EQ(who->kind, c.good ? api::PrincipalKind::user : api::PrincipalKind::guest);
    if (c.good) EXPECT_EQ(who->scope, kHere);
  }
  api::Request over;
  over.headers.push_back({"cookie", "fealty_session=unknown"});
  EXPECT_EQ(gate_->check(over, kNow)->kind, api::PrincipalKind::guest);
}

TEST_P(Gates, KeysGoTheirOwnWay) {
  auto const key =
      *keys_->create(kHere, {KeyKind::community, "crm", api::PermissionSet::everything(), 0}, {"operator", "shell", "T"}, kNow);
  EXPECT_EQ(knock(key.key, {Needs::key({api::Permission::get_user_data})}), "none@1");
  EXPECT_EQ(knock(key.key, {Needs::session()}), "unauthorized");
  EXPECT_EQ(knock(key.key, {Needs::key({api::Permission::get_user_data}), kElsewhereId}), "forbidden");
}

}  // namespace
}  // namespace fealty::access
