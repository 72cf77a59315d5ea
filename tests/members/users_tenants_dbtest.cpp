// Two communities that share accounts: nothing that one does with the users operations reads or changes the other's members.
#include <random>

#include "members/users_harness.h"

namespace fealty::members {
namespace {

class UsersTenants : public UsersTest {
 protected:
  // What stands about the members of the other community, and what it is told about them.
  std::string elsewhere() {
    std::string out = test::dump(db(), {"counters", "communities", "idempotency_keys"});
    std::string kept;
    for (auto const line : split(out, '\n'))
      if (line.contains("community_id=2")) kept.append(line).append("\n");
    for (auto const* user : {"5", "6", "7"})
      kept += call_as(context(kElsewhere), "users.info", R"({"idOrEmail":")" + std::string(user) + "\"}").body;
    return kept + call_as(context(kElsewhere), "users.filter", R"({"fields":["_id","role","tag","xp","first_name","status"]})").body;
  }
  static std::vector<std::string> names_of(std::int64_t member) {
    auto const n = std::to_string(member);
    return {n,
            "id:" + n,
            test::email_of(member),
            test::username_of(member),
            "username:" + test::username_of(member),
            PublicId::of(member, kNow).to_string()};
  }
};
FEALTY_ON_BOTH_ENGINES(UsersTenants);

TEST_P(UsersTenants, MembersOfOthersAreAnsweredLikeNobody) {
  auto const before = test::dump(db(), {"counters"});
  struct Operation {
    std::string id, before, after;
  };
  for (auto const& op : std::vector<Operation>{{"users.info", R"({"idOrEmail":")", "\"}"},
                                               {"users.manage", R"({"action":"delete","user":")", "\"}"},
                                               {"users.manage", R"({"action":"restore","user":")", "\"}"},
                                               {"users.moderate", R"({"action":"ban","reason":"r","user":")", "\"}"},
                                               {"users.moderate", R"({"action":"lift","reason":"r","user":")", "\"}"},
                                               {"users.activity", R"({"identifier_type":"id","identifier":")", "\"}"},
                                               {"users.activity", R"({"identifier_type":"username","identifier":")", "\"}"},
                                               {"users.activity", R"({"identifier":")", "\"}"}}) {
    auto const nobody = call(op.id, op.before + "nobody@example.org" + op.after);
    EXPECT_EQ(nobody.status, 404);
    for (auto const& name : names_of(6)) EXPECT_EQ(call(op.id, op.before + name + op.after).body, nobody.body) << op.id << name;
  }
  for (auto const& name : names_of(6)) EXPECT_EQ(call_as(context(), "users.misconduct", "", "", {{"user", name}}).status, 404);
  for (auto const* column : {"email", "username", "_id", "user_id", "referred_by"})
    for (auto const& name : names_of(6))
      EXPECT_EQ(filter(R"({"filter":{")" + std::string(column) + R"(":")" + name + "\"}}").at("/data/total"), "0") << column << name;
  EXPECT_EQ(test::dump(db(), {"counters"}), before);
}

TEST_P(UsersTenants, NothingThatIsDoneHereIsSeenElsewhere) {
  test::add_member(db(), kElsewhere, 7);
  test::add_member(db(), kHere, 6);
  give_role(5, add_role(2, "Trader", 10));
  run(db(), "INSERT INTO roles (community_id, role_id, title, position, created_at) VALUES (2, 2, 'Other', 1, 0)");
  run(db(), "INSERT INTO member_roles (community_id, member_id, role_id) VALUES (2, 5, 2)");
  run(db(), "INSERT INTO balances (community_id, member_id, currency_id, amount, earned, entry_id) VALUES (2, 5, 1, 7000000, 0, 0)");
  auto const before = elsewhere();
  EXPECT_THAT(before, HasSubstr("Other"));
  constexpr int kRounds = 150;
  std::mt19937 random(11);
  auto const any = [&](auto const& list) { return list[std::uniform_int_distribution<std::size_t>(0, std::size(list) - 1)(random)]; };
  for (int i = 0; i < kRounds; ++i) {
    std::int64_t const members[] = {5, 6, 7};
    auto const user = any(names_of(any(members)));
    std::string const actions[] = {"warn", "suspend", "ban", "kick", "lift"};
    switch (std::uniform_int_distribution<>(0, 4)(random)) {
      case 0: manage("delete", user); break;
      case 1: manage("restore", user); break;
      case 2: moderate(any(actions), user); break;
      case 3:
        call("users.create", R"({"firstname":"A","lastname":"B","displayname":"C","username":"fresh)" + std::to_string(i) +
                                 R"(","email":")" + test::email_of(any(members)) +
                                 R"(","accessLevel":0,"joinServer":true,"password":"secret-word-7!",)"
                                 R"("confirmPassword":"secret-word-7!"})");
        break;
      default: EXPECT_THAT(info(user).body, Not(HasSubstr("Other")));
    }
    EXPECT_THAT(filter(R"({"fields":["role","xp"]})").body, Not(HasSubstr("Other")));
  }
  EXPECT_EQ(elsewhere(), before);
}

}  // namespace
}  // namespace fealty::members
