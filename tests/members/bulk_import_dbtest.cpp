#include "bulk_harness.h"

namespace fealty::members {
namespace {

using test::email_of;
using testing::ElementsAre;
using testing::IsEmpty;

// Everything about the people that an import makes, by e-mail: membership state, names, username, coins.
class BulkImport : public BulkTest {
 protected:
  std::string person(std::string const& email) {
    return test::text(db(),
                      "SELECT CAST(m.state AS TEXT) || '|' || coalesce(m.display_name, '-') || '|' || coalesce(m.first_name, '-') || '|' "
                      "|| coalesce(m.last_name, '-') "
                      "|| '|' || a.username || '|' || CAST(a.state AS TEXT) FROM accounts a JOIN memberships m ON m.member_id = "
                      "a.account_id AND m.community_id = 1 "
                      "WHERE a.email_key = '" +
                          email + "'");
  }
  std::vector<std::string> import(Cells header, std::vector<Cells> rows, std::size_t chunk = 1'000) {
    return outcomes({.kind = "bulk_import", .header = std::move(header), .rows = std::move(rows), .chunk = chunk});
  }
};
FEALTY_ON_BOTH_ENGINES(BulkImport);

Cells const kHeader{"First Name", "Last Name", "Username", "Email"};

TEST_P(BulkImport, MakesPeopleOnceAndUpdatesThemThen) {
  std::vector<Cells> const rows{{"Ana", "Silva", "ana", "Ana@Example.org"}, {"Bo", "Li", "bo.li", "bo@example.org"}};
  EXPECT_THAT(import(kHeader, rows), ElementsAre("created", "created"));
  EXPECT_EQ(person("ana@example.org"), "0|Ana|Ana|Silva|ana|0");
  EXPECT_EQ(test::text(db(), "SELECT email FROM accounts WHERE email_key = 'ana@example.org'"), "Ana@Example.org");
  EXPECT_THAT(import(kHeader, rows), ElementsAre("unchanged", "unchanged"));
  EXPECT_THAT(import(kHeader, {{"Anna", "", "", "ANA@example.org"}, {"", "", "BO.LI", "bo@example.org"}}),
              ElementsAre("updated", "unchanged"));
  EXPECT_EQ(person("ana@example.org"), "0|Ana|Anna|Silva|ana|0");
  EXPECT_LT(test::number(db(), "SELECT account_id FROM accounts WHERE username = 'ana'"),
            test::number(db(), "SELECT account_id FROM accounts WHERE username = 'bo.li'"));
}

TEST_P(BulkImport, ANewAccountNeedsNamesAndAGoodUsername) {
  std::string const fifty(50, 'u');
  struct Case {
    Cells cells;
    char const* outcome;
  };
  Case const cases[] = {
      {{"", "B", "user-x", "x@example.org"}, "failed First Name:value_required"},
      {{"A", "", "user-x", "x@example.org"}, "failed Last Name:value_required"},
      {{"A", "<clear>", "user-x", "x@example.org"}, "failed Last Name:value_required"},
      {{"<clear>", "B", "user-x", "x@example.org"}, "failed First Name:value_required"},
      {{"", "", "", "x@example.org"}, "failed First Name:value_required Last Name:value_required Username:username_required"},
      {{"A", "B", "ab", "x@example.org"}, "failed Username:invalid_username"},
      {{"A", "B", fifty + "u", "x@example.org"}, "failed Username:invalid_username"},
      {{"A", "B", "a b c", "x@example.org"}, "failed Username:invalid_username"},
      {{"A", "B", "müller", "x@example.org"}, "failed Username:invalid_username"},
      {{"A", "B", "0123456789abcdef01234567", "x@example.org"}, "failed Username:invalid_username"},
      {{"A", "B", "USER1", "x@example.org"}, "failed Username:username_taken"},
      {{"A", "B", "user6", "x@example.org"}, "failed Username:username_taken"},
      {{"A", "B", "user-x", "no e-mail"}, "failed Email:invalid_email"},
      {{"A", "B", "user-x", ""}, "failed Email:missing_key"},
      {{std::string(51, 'A'), "B", "user-x", "x@example.org"}, "failed First Name:value_too_long"},
  };
  auto const before = test::dump(db(), {"change_sources", "counters"});
  for (auto const& c : cases) EXPECT_THAT(import(kHeader, {c.cells}), ElementsAre(c.outcome)) << c.cells[0] << "|" << c.cells[2];
  EXPECT_EQ(test::dump(db(), {"change_sources", "counters"}), before);
  EXPECT_THAT(import(kHeader, {{"A", "B", fifty, "x@example.org"}}), ElementsAre("created"));
}

TEST_P(BulkImport, ExistingAccountsJoinAndClaimedOnesAreInvited) {
  test::add_account(db(), 30, 0);
  test::add_account(db(), 31, 1);
  EXPECT_THAT(
      import(
          kHeader,
          {{"", "", "", email_of(30)}, {"Cy", "", "USER31", email_of(31)}, {"", "", "other", email_of(6)}, {"", "", "other", email_of(1)}}),
      ElementsAre("created", "created", "failed Username:username_mismatch", "failed Username:username_mismatch"));
  EXPECT_EQ(person(email_of(30)), "0|user30|-|-|user30|0");
  EXPECT_EQ(person(email_of(31)), "1|Cy|Cy|-|user31|1");
  // The invitation is not accepted yet.
  EXPECT_THAT(import(kHeader, {{"Di", "", "", email_of(31)}}), ElementsAre("failed Email:user_not_joined"));
  EXPECT_THAT(import(kHeader, {{"", "", "", email_of(6)}}), ElementsAre("created"));
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM memberships WHERE member_id = 6"), 2);
}

TEST_P(BulkImport, ThatMayOnlyAddPeopleTouchesNobodyWhoIsThere) {
  test::add_member(db(), kHere, 24, 4);
  test::add_member(db(), kHere, 25, 1);
  test::add_account(db(), 30, 0);
  test::add_account(db(), 31, 1);
  std::vector<Cells> const rows{{"X", "Y", "", email_of(1)},       {"X", "Y", "wrong", email_of(2)}, {"", "", "", email_of(3)},
                                {"X", "Y", "", email_of(24)},      {"X", "Y", "", email_of(25)},     {"X", "Y", "", email_of(kOwner)},
                                {"Z", "", "", email_of(30)},       {"Z", "", "", email_of(31)},      {"Z", "", "", email_of(6)},
                                {"A", "B", "new", "new@club.org"}, {"C", "", "", "NEW@club.org"},    {"A", "B", "new", "x@club.org"},
                                {"D", "", "", email_of(30)}};
  std::string const refused = "failed Email:not_allowed_anonymous";
  std::vector<std::string> const expected{refused,   refused,   refused,   refused,   refused, refused,
                                          "created", "created", "created", "created", refused, "failed Username:username_taken",
                                          refused};
  auto const accounts = test::text(db(), "SELECT email || username || state FROM accounts WHERE account_id = 31");
  auto const before = test::dump(db(), {"change_sources", "counters"});
  for (std::size_t chunk = 1; chunk <= rows.size(); chunk += 3)
    EXPECT_EQ(
        run_job({.kind = "bulk_import", .header = kHeader, .rows = rows, .dry_run = true, .chunk = chunk, .creates_only = true}).outcomes,
        expected)
        << "dry run, chunk " << chunk;
  EXPECT_EQ(test::dump(db(), {"change_sources", "counters"}), before);
  auto const ran = run_job({.kind = "bulk_import", .header = kHeader, .rows = rows, .chunk = 4, .creates_only = true});
  EXPECT_EQ(ran.outcomes, expected);
  EXPECT_THAT(ran.messages(), testing::StartsWith("An import without key cannot change an existing member.\n"));
  for (int member : {1, 2, 3, 24, 25, 9}) EXPECT_EQ(profile(member, "coalesce(first_name, '-')"), "-") << member;
  EXPECT_EQ(person(email_of(30)), "0|Z|Z|-|user30|0");
  EXPECT_EQ(person(email_of(31)), "1|Z|Z|-|user31|1") << "a claimed account is invited";
  EXPECT_EQ(person("new@club.org"), "0|A|A|B|new|0");
  EXPECT_EQ(test::text(db(), "SELECT email || username || state FROM accounts WHERE account_id = 31"), accounts);
}

TEST_P(BulkImport, DeletedMembersAreNotMadeAgain) {
  test::add_member(db(), kHere, 24, 4);
  EXPECT_THAT(import(kHeader, {{"A", "B", "", email_of(24)}}), ElementsAre("failed Email:user_deleted"));
}

TEST_P(BulkImport, ThePersonOfTwoRowsIsMadeByTheFirstThatIsRight) {
  test::add_account(db(), 30, 0);
  test::add_account(db(), 31, 1);
  Cells const header{"First Name", "Last Name", "Username", "Email", "Display Name", "Coins", "Coins_op"};
  std::vector<Cells> const rows{{"A", "B", "dup", "dup@example.org", "", "x", "add"},
                                {"A", "B", "dup", "DUP@example.org", "", "5", "add"},
                                {"A", "B", "", "dup@example.org", "A", "", ""},
                                {"A", "B", "dup", "dup@example.org", "D", "1", "add"},
                                {"", "", "dup2", "dup@example.org", "", "1", "add"},
                                {"A", "B", "dup", "other@example.org", "", "", ""},
                                {"Z", "", "", email_of(30), "", "2", "add"},
                                {"Z", "", "wrong", email_of(30), "", "2", "add"},
                                {"Z", "", "user30", email_of(30), "Z", "", ""},
                                {"", "", "", email_of(31), "", "", ""},
                                {"", "", "", email_of(31), "", "1", "add"}};
  std::vector<std::string> const expected{"failed Coins:not_a_number",
                                          "created",
                                          "unchanged",
                                          "updated",
                                          "failed Username:username_mismatch",
                                          "failed Username:username_taken",
                                          "created",
                                          "failed Username:username_mismatch",
                                          "unchanged",
                                          "created",
                                          "failed Email:user_not_joined"};
  // Predicted and done, in pieces of any size: the outcomes are the same.
  for (std::size_t chunk = 1; chunk <= rows.size(); ++chunk) {
    auto const told = run_job({.kind = "bulk_import", .header = header, .rows = rows, .dry_run = true, .chunk = chunk});
    EXPECT_EQ(told.outcomes, expected) << "dry run, chunk " << chunk;
  }
  for (std::size_t chunk = 1; chunk <= rows.size(); ++chunk) {
    EXPECT_EQ(import(header, rows, chunk), expected) << "chunk " << chunk;
    EXPECT_EQ(person("dup@example.org"), "0|D|A|B|dup|0");
    EXPECT_THAT(mismatches(), IsEmpty());
    test::run(db(), "DELETE FROM balances");
    test::run(db(), "DELETE FROM ledger_entries");
    test::run(db(), "DELETE FROM field_values");
    test::run(db(), "DELETE FROM field_history");
    test::run(db(), "DELETE FROM memberships WHERE member_id > 9");
    test::run(db(), "DELETE FROM accounts WHERE email_key = 'dup@example.org'");
  }
}

TEST_P(BulkImport, EveryUpdateColumnIsAcceptedToo) {
  field("Plan", "select", {.options = {"Free", "Pro"}});
  FieldService(db(), numbers_).create_tag(kHere, "red", {"operator", "shell", "Test"}, test::kNow).value();
  auto const ran = run_job({.kind = "bulk_import",
                            .header = {"Email", "Username", "First Name", "Last Name", "Tag", "Plan", "Coins_op", "Coins", "Country"},
                            .rows = {{"eve@example.org", "eve", "Eve", "X", "red", "Pro", "add", "3", "Singapore"}}});
  EXPECT_THAT(ran.outcomes, ElementsAre("created"));
  auto const account = test::number(db(), "SELECT account_id FROM accounts WHERE username = 'eve'");
  EXPECT_EQ(value(account, "Plan"), "Pro");
  EXPECT_EQ(balance(account), "3");
  EXPECT_NE(set_of("member_tags", "tag_id", account), "");
  EXPECT_EQ(ran.keys[0].key, "eve@example.org");
  EXPECT_EQ(ran.keys[0].member.value, account);
}

TEST_P(BulkImport, AnAccountThatSomeoneMakesMeanwhileIsNeverMadeTwice) {
  before_apply = [&] {
    test::run(
        db(),
        "INSERT INTO accounts (account_id, email, email_key, username, username_key, state, created_at) VALUES (500, 'x@example.org', "
        "'x@example.org', 'xxx', 'xxx', 0, 1)");
    before_apply = nullptr;
  };
  // The chunk is refused whole; the runner looks again, and then finds the account.
  EXPECT_THROW(import(kHeader, {{"A", "B", "abc", "x@example.org"}}), sql::StorageError);
  EXPECT_EQ(person("x@example.org"), "");
  EXPECT_THAT(import(kHeader, {{"A", "B", "", "x@example.org"}}), ElementsAre("created"));
}

}  // namespace
}  // namespace fealty::members
