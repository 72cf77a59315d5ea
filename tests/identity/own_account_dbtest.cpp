#include "identity/world.h"

namespace fealty::identity {
namespace {

class OwnAccounts : public World {
 protected:
  static std::string choose(std::string const& token, std::string const& password, std::string const& more = "") {
    return R"({"token":")" + token + R"(","password":")" + password + R"(","confirmPassword":")" + password + "\"" + more + "}";
  }
  static std::string current(std::string const& members, std::string const& password = kPassword) {
    return "{" + members + R"(,"currentPassword":")" + password + "\"}";
  }
};
FEALTY_ON_BOTH_ENGINES(OwnAccounts);

TEST_P(OwnAccounts, AClaimEndsAllThatOthersMade) {
  // Elsewhere makes an account for member 3 with a password; its holder claims it.
  give_community_password(kElsewhere, 3, "planted by them-1");
  auto const planted = call("auth.login", login_body("m3@example.org", "planted by them-1"));
  ASSERT_EQ(planted.status, 200) << planted.body;
  std::string const here = PublicId::of(1, kNow).to_string();
  EXPECT_EQ(call("auth.login", login_body("m3@example.org", "planted by them-1"), "", {{"x-community-id", here}}).status, 401)
      << "it opens nothing here, before";
  run(db(),
      "INSERT INTO api_keys (community_id, key_id, kind, name, prefix, secret_hash, permissions, created_at, created_by, account_id) "
      "VALUES (2, 77, 'user', 'mine', 'fu_x', CAST('x' AS {blob}), 16, 1, 'user', 3)");
  auto const answer = call("auth.claim", choose(link("claim", 3), kPassword, R"(,"username":"holder")"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.text("username"), "holder");
  EXPECT_EQ(call("auth.logout", "{}", planted.text("token")).status, 401);
  EXPECT_EQ(call("auth.refresh", R"({"refreshToken":")" + planted.text("refreshToken") + "\"}").status, 401);
  EXPECT_EQ(call("auth.login", login_body("m3@example.org", "planted by them-1")).status, 401);
  EXPECT_EQ(count("community_passwords"), 0);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM api_keys WHERE key_id = 77 AND revoked_at IS NOT NULL"), 1);
  EXPECT_EQ(number(db(), "SELECT state FROM accounts WHERE account_id = 3"), 1);
  EXPECT_EQ(call("auth.login", login_body("holder", kPassword)).status, 200);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'account.claim' AND actor_type = 'user'"), 1);
}

TEST_P(OwnAccounts, ALinkIsUsedOnceAlsoByManyAtOnce) {
  auto const text = link("claim", 1);
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  std::latch start(6);
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      start.arrive_and_wait();
      if (call("auth.claim", choose(text, "thread's own-" + std::to_string(t))).status == 200) ++good;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 1);
  EXPECT_EQ(call("auth.claim", choose(text, kPassword)).code(), "invalid_token");
}

TEST_P(OwnAccounts, BadLinksAndPasswordsChangeNothing) {
  auto const text = link("reset_password", 1), other_purpose = link("second_factor", 1);
  auto const before = test::dump(db());
  EXPECT_EQ(call("auth.reset_password", choose("unknown", kPassword)).code(), "invalid_token");
  EXPECT_EQ(call("auth.reset_password", choose(other_purpose, kPassword)).code(), "invalid_token");
  EXPECT_EQ(call("auth.reset_password", choose(text, "short")).status, 400);
  EXPECT_EQ(call("auth.reset_password", choose(text, "m1@example.org")).status, 400);
  EXPECT_EQ(call("auth.claim", choose(text, kPassword, R"(,"username":"user2")")).code(), "username_taken");
  EXPECT_EQ(call("auth.reset_password", R"({"token":")" + text + R"(","password":"one way-1","confirmPassword":"or another-2"})").status,
            400);
  auto const all = call("auth.claim", R"({"password":"short","username":"a b"})");
  for (auto const* field : {"/token", "/password", "/confirmPassword", "/username"})
    EXPECT_THAT(all.body, HasSubstr(std::string("\"field\":\"") + field + "\"")) << all.body;
  EXPECT_EQ(test::dump(db()), before);
  now_ += 2 * kDay;
  EXPECT_EQ(call("auth.reset_password", choose(text, kPassword)).code(), "invalid_token") << "too late";
}

TEST_P(OwnAccounts, AForgottenPasswordIsSetByMailAndEndsAllSessions) {
  give_password(1);
  auto const token = token_of(1);
  auto const known = call("auth.forgot_password", R"({"email":"M1@example.org"})");
  auto const unknown = call("auth.forgot_password", R"({"email":"nobody@example.org"})");
  EXPECT_EQ(known.status, 200);
  EXPECT_EQ(known.body, unknown.body);
  EXPECT_EQ(count("mails"), 1);
  EXPECT_EQ(test::text(db(), "SELECT template FROM mails"), "reset_password");
  EXPECT_EQ(call("auth.forgot_password", R"({"email":"m1@example.org"})").status, 200);
  EXPECT_EQ(count("mails"), 1) << "one a minute";
  EXPECT_EQ(call("auth.forgot_password", R"({"email":"m2@example.org"})").status, 200);
  EXPECT_EQ(test::text(db(), "SELECT template FROM mails WHERE recipient = 'm2@example.org'"), "claim") << "nobody has claimed it";
  auto const a = link("reset_password", 1), b = link("reset_password", 1);
  EXPECT_EQ(call("auth.reset_password", choose(a, kOther)).status, 200);
  EXPECT_EQ(call("auth.reset_password", choose(b, kPassword)).code(), "invalid_token") << "older links end with it";
  EXPECT_EQ(call("account.sessions", "", token).status, 401);
  EXPECT_EQ(login(1).status, 401);
  EXPECT_EQ(login(1, kOther).status, 200);
}

TEST_P(OwnAccounts, ChangesNeedTheCurrentPassword) {
  give_password(1);
  auto const token = token_of(1), other = token_of(1);
  EXPECT_EQ(call("account.change", current(R"("username":"fresh")", "wrong password-1"), token).code(), "invalid_credentials");
  EXPECT_EQ(call("account.change", R"({"username":"fresh"})", token).status, 400);
  EXPECT_EQ(call("account.change", current(R"("nothing":1)"), token).status, 400);
  EXPECT_EQ(call("account.change", current(R"("username":"user2")"), token).code(), "username_taken");
  EXPECT_EQ(call("account.change", current(R"("username":"a b","password":"short")"), token).status, 400);
  auto const changed = call("account.change", current(R"("username":"USER1","password":"battery staple+2")"), token);
  ASSERT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.text("username"), "USER1");
  EXPECT_EQ(call("account.sessions", "", token).status, 200) << "this session goes on";
  EXPECT_EQ(call("account.sessions", "", other).status, 401);
  EXPECT_EQ(login(1).status, 401);
  EXPECT_EQ(login(1, kOther).status, 200);
  EXPECT_EQ(call("account.change", current(R"("username":"fresh")")).status, 401) << "nobody is signed in";
}

TEST_P(OwnAccounts, ANewAddressCountsAfterItsVerification) {
  give_password(1);
  auto const token = token_of(1);
  auto const asked = call("account.change", current(R"("email":"New@example.org")"), token);
  ASSERT_EQ(asked.status, 200) << asked.body;
  EXPECT_EQ(asked.text("email"), "m1@example.org");
  EXPECT_EQ(asked.text("pendingEmail"), "New@example.org");
  EXPECT_EQ(test::text(db(), "SELECT template FROM mails WHERE recipient = 'New@example.org'"), "verify_email");
  auto const old_link = link("reset_password", 1);
  auto const text = link("verify_email", 1, R"({"email":"New@example.org"})");
  EXPECT_EQ(call("auth.verify_email", R"({"token":")" + text + R"(","password":"wrong password-1"})").status, 400);
  auto const verified = call("auth.verify_email", R"({"token":")" + text + R"(","password":"correct horse-1"})");
  ASSERT_EQ(verified.status, 200) << verified.body;
  EXPECT_EQ(verified.text("email"), "New@example.org");
  EXPECT_EQ(login(1).status, 401);
  EXPECT_EQ(call("auth.login", login_body("new@example.org", kPassword)).status, 200);
  EXPECT_EQ(test::text(db(), "SELECT recipient FROM mails WHERE template = 'email_changed'"), "m1@example.org");
  EXPECT_EQ(call("auth.reset_password", choose(old_link, kOther)).code(), "invalid_token") << "the old mailbox opens nothing";
  // Whose address it is, if anybody's, is told to its mailbox alone.
  auto const taken = call("account.change", current(R"("email":"m2@example.org")"), token);
  EXPECT_EQ(taken.status, 200);
  EXPECT_EQ(test::text(db(), "SELECT template FROM mails WHERE recipient = 'm2@example.org'"), "sign_in_or_claim");
}

TEST_P(OwnAccounts, AreDeletedAfterTwoWeeksUnlessTheHolderComesBack) {
  give_password(1);
  give_password(2);
  give_password(5);
  auto const owner = call("account.delete", "", token_of(5));
  EXPECT_EQ(owner.status, 409);
  EXPECT_EQ(owner.code(), "owner_must_transfer");
  for (int account : {1, 2}) {
    auto const token = token_of(account);
    auto const answer = call("account.delete", "", token);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.text("deleteAfter"), "2026-04-21T09:00:00.000Z");
    EXPECT_EQ(call("account.sessions", "", token).status, 401);
  }
  now_ += 13 * kDay;
  EXPECT_EQ(login(2).status, 200);
  now_ += 2 * kDay;
  clean_accounts(db(), numbers_, now_);
  EXPECT_EQ(login(1).status, 401);
  EXPECT_EQ(login(2).status, 200);
  EXPECT_EQ(number(db(), "SELECT state FROM memberships WHERE community_id = 1 AND member_id = 1"), 4);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM accounts WHERE email_key = 'm1@example.org'"), 0) << "the names are free again";
}

TEST_P(OwnAccounts, TheOperatorLetsPeopleInAndKeepsThemOut) {
  AccountDesk desk(db(), numbers_);
  access::Actor const actor{"operator", "shell", "Test"};
  EXPECT_FALSE(desk.claim_link("nobody@example.org", actor, now_));
  auto const made = desk.claim_link(" M5@example.org ", actor, now_);
  ASSERT_TRUE(made);
  EXPECT_EQ(call("auth.claim", choose(made->link_text, kPassword)).status, 200);
  auto const token = token_of(5);
  ASSERT_TRUE(desk.set_disabled("m5@example.org", true, actor, now_));
  EXPECT_EQ(call("account.sessions", "", token).status, 401);
  EXPECT_EQ(login(5).code(), "account_disabled");
  EXPECT_FALSE(desk.claim_link("m5@example.org", actor, now_));
  ASSERT_TRUE(desk.set_disabled("m5@example.org", false, actor, now_));
  EXPECT_EQ(login(5).status, 200);
  EXPECT_THAT(test::tables_with(db(), made->link_text), IsEmpty());
}

TEST_P(OwnAccounts, WhatIsOverIsForgotten) {
  give_password(1);
  auto const text = link("claim", 2);
  auto const token = token_of(1);
  login(1, kOther);
  EXPECT_EQ(call("auth.logout", "{}", token).status, 200);
  EXPECT_EQ(clean_accounts(db(), numbers_, now_), 0);
  now_ += 3 * kDay;
  clean_accounts(db(), numbers_, now_);
  for (auto const* table : {"sessions", "one_time_secrets", "sign_in_failures"}) EXPECT_EQ(count(table), 0) << table;
}

}  // namespace
}  // namespace fealty::identity
