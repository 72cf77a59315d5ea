#include "members/administrators.h"

#include <latch>
#include <thread>

#include "members/roles.h"
#include "members/users_harness.h"

namespace fealty::members {
namespace {

class Administrators : public UsersTest {
 protected:
  void SetUp() override {
    UsersTest::SetUp();
    run(db(), "INSERT INTO counters (name, next_value) VALUES ('role', 1000)");
    service_ = std::make_unique<AdministratorsService>(db(), numbers_);
    routes_ = administrators_routes(*service_);
  }
  Reply ask(std::string_view id, std::string body = "", std::vector<std::string> path_args = {}, std::string const& once = "") {
    auto c = context();
    c.principal.kind = api::PrincipalKind::user;
    c.principal.account = {1};
    c.principal.role = api::CommunityRole::owner;
    for (auto const& route : routes_)
      if (route.id == id) {
        api::Request request;
        request.body = std::move(body);
        request.path_args = std::move(path_args);
        if (!once.empty()) request.headers.push_back({"idempotency-key", once});
        return test::reply_of(route, c, request);
      }
    ADD_FAILURE() << "there is no route " << id;
    return {};
  }
  Reply appoint(std::string const& email, std::string const& more = "") {
    return ask("administrators.appoint", R"({"email":")" + email + "\"" + more + "}");
  }
  std::string mails() {
    std::string out;
    db().read([&](sql::Tx& tx) {
      tx.run_text("SELECT template, recipient, language FROM mails ORDER BY mail_id", {},
                  [&](sql::Row const& r) { out += (out.empty() ? "" : " ") + r.string(0) + ":" + r.string(1) + ":" + r.string(2); });
    });
    return out;
  }

  std::unique_ptr<AdministratorsService> service_;
  std::vector<api::Route> routes_;
};
FEALTY_ON_BOTH_ENGINES(Administrators);

TEST_P(Administrators, KeepTheRolesThatTheyAreGivenMeanwhile) {
  if (engine() == sql::Engine::sqlite) return;  // one writer: there is no meanwhile
  add_role(5, "Trader", 40);
  std::latch held(1), free(1);
  std::thread job([&] {
    db().write([&](sql::Tx& tx) {
      edit_member_set(tx, numbers_, context(), {2}, Slot::Kind::role_set, [](std::set<std::int64_t>& set) { set.insert(5); });
      tx.settle();
      held.count_down();
      free.wait();
    });
  });
  held.wait();
  Reply made;
  std::thread appointment([&] { made = appoint("m2@example.org"); });
  while (number(db(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 0)
    std::this_thread::yield();
  free.count_down();
  job.join();
  appointment.join();
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(number(db(), "SELECT count(*) FROM member_roles WHERE member_id = 2"), 2);
}

TEST_P(Administrators, AreMembersWhoGetTheRoleThatIsMadeForTheFirstOfThem) {
  add_role(5, "Trader", 40);
  give_role(2, 5);
  run(db(), "UPDATE accounts SET state = 1 WHERE account_id = 2");
  auto const made = appoint("M2@example.org");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.at("/data/mail"), "\"administrator\"");
  EXPECT_EQ(made.at("/data/administrator/userId"), "\"2\"");
  EXPECT_EQ(made.at("/data/administrator/isClaimed"), "true");
  EXPECT_EQ(made.at("/data/administrator/roles/0/title"), "\"Administrator\"");
  EXPECT_EQ(number(db(), "SELECT position FROM roles WHERE title = 'Administrator'"), 50) << "above the highest";
  EXPECT_EQ(number(db(), "SELECT count(*) FROM member_roles WHERE member_id = 2"), 2) << "he keeps what he has";
  EXPECT_EQ(mails(), "administrator:m2@example.org:en");
  EXPECT_EQ(appoint("m2@example.org").at("/data/mail"), "\"none\"") << "again";
  EXPECT_EQ(number(db(), "SELECT count(*) FROM roles WHERE title LIKE 'Administrator%'"), 1);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'administrator.appoint'"), 1);
  auto const list = ask("administrators.list");
  EXPECT_EQ(list.at("/data/0/isOwner"), "true") << list.body;
  EXPECT_EQ(list.at("/data/1/userId"), "\"2\"");
  EXPECT_EQ(list.at("/meta/total"), "2");
}

TEST_P(Administrators, AreInvitedOrGetAnAccountWhenTheyAreNoMembers) {
  run(db(), "UPDATE communities SET default_language = 'de' WHERE community_id = 1");
  run(db(), "UPDATE accounts SET state = 1 WHERE account_id = 6");
  // Somebody with an account of his own joins on his word alone.
  auto const invited = appoint("m6@example.org");
  EXPECT_EQ(invited.at("/data/mail"), "\"invitation\"") << invited.body;
  EXPECT_EQ(invited.at("/data/administrator/status"), "\"invited\"");
  // A new address gets an account that waits for its holder.
  auto const fresh = appoint("new@example.org");
  EXPECT_EQ(fresh.at("/data/mail"), "\"claim\"") << fresh.body;
  EXPECT_EQ(fresh.at("/data/administrator/status"), "\"active\"");
  EXPECT_EQ(fresh.at("/data/administrator/isClaimed"), "false");
  EXPECT_EQ(mails(), "invitation:m6@example.org:de claim:new@example.org:de");
  EXPECT_EQ(appoint("m10@example.org").at("/code"), "\"user_banned\"");
  EXPECT_EQ(appoint("m8@example.org").at("/code"), "\"user_deleted\"");
  EXPECT_EQ(appoint("nonsense").status, 400);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM accounts WHERE email = 'new@example.org'"), 1);
}

TEST_P(Administrators, AreAppointedOnceByOneIdempotencyKey) {
  auto const appoint_once = [&](std::string const& email) {
    return ask("administrators.appoint", R"({"email":")" + email + "\"}", {}, "key");
  };
  auto const first = appoint_once("new@example.org");
  EXPECT_EQ(first.at("/data/mail"), "\"claim\"") << first.body;
  EXPECT_EQ(appoint_once("new@example.org").body, first.body);
  EXPECT_EQ(appoint_once("m3@example.org").at("/code"), "\"idempotency_key_reused\"");
  EXPECT_EQ(mails(), "claim:new@example.org:en");
}

TEST_P(Administrators, GetTheRoleThatIsNamedIfItAdministers) {
  add_role(5, "Trader", 40);
  add_role(6, "Boss", 60, kServerAdministrator);
  add_role(7, "Deputy", 50, kServerAdministrator);
  EXPECT_EQ(appoint("m2@example.org", R"(,"roleId":")" + PublicId::of(5, 0).to_string() + "\"").at("/code"), "\"role_not_administrative\"");
  EXPECT_EQ(appoint("m2@example.org", R"(,"roleId":")" + PublicId::of(99, 0).to_string() + "\"").at("/code"), "\"role_not_found\"");
  EXPECT_EQ(appoint("m2@example.org", R"(,"roleId":")" + PublicId::of(7, 0).to_string() + "\"").at("/data/administrator/roles/0/title"),
            "\"Deputy\"");
  EXPECT_EQ(appoint("m3@example.org").at("/data/administrator/roles/0/title"), "\"Boss\"") << "the highest";
}

TEST_P(Administrators, AreDismissedButStayMembers) {
  add_role(5, "Trader", 40);
  give_role(2, 5);
  appoint("m2@example.org");
  EXPECT_EQ(ask("administrators.dismiss", "", {"", "1"}).at("/code"), "\"owner_protected\"");
  EXPECT_EQ(ask("administrators.dismiss", "", {"", "3"}).at("/code"), "\"administrator_not_found\"");
  EXPECT_EQ(ask("administrators.dismiss", "", {"", "6"}).at("/code"), "\"administrator_not_found\"");
  auto const gone = ask("administrators.dismiss", "", {"", "2"});
  EXPECT_EQ(gone.status, 200) << gone.body;
  EXPECT_EQ(number(db(), "SELECT role_id FROM member_roles WHERE member_id = 2"), 5) << "the other role stays";
  EXPECT_EQ(number(db(), "SELECT state FROM memberships WHERE community_id = 1 AND member_id = 2"), 0);
  EXPECT_EQ(ask("administrators.dismiss", "", {"", "2"}).at("/code"), "\"administrator_not_found\"");
  EXPECT_EQ(number(db(), "SELECT count(*) FROM field_history WHERE member_id = 2"), 2) << "given and taken, each with its item";
}

}  // namespace
}  // namespace fealty::members
