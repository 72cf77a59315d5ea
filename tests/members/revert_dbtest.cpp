#include "revert_machine.h"

namespace fealty::members {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Op = ledger::Operator;

class Revert : public RevertTest {
 protected:
  void add_roles_and_tags() {
    FieldService fields(db(), numbers_);
    access::Actor const actor{"operator", "shell", "Test"};
    for (auto const* title : {"Helper", "Guest"}) ASSERT_TRUE(fields.create_role(kHere, title, actor, test::kNow));
    for (auto const* name : {"north", "south"}) ASSERT_TRUE(fields.create_tag(kHere, name, actor, test::kNow));
  }
  std::int64_t earned(std::int64_t member, int currency) {
    return test::number(db(), "SELECT earned FROM balances WHERE community_id = 1 AND member_id = " + std::to_string(member) +
                                  " AND currency_id = " + std::to_string(currency));
  }
  static constexpr char const* kImport = "First Name,Last Name,Username,Email,Tag,Coins,Coins_op\n";
};
FEALTY_ON_BOTH_ENGINES(Revert);

TEST_P(Revert, GivesEveryKindOfChangeBack) {
  add_roles_and_tags();
  field("Note", "text");
  field("Score", "numerical", {.default_value = "7"});
  field("Born", "date");
  field("Paid", "boolean");
  field("Size", "select", {.options = {"S", "M"}});
  field("Card", "text", {.identifier = true});
  std::string const header =
      "Email,First Name,Last Name,Phone,Country,Language,Role,Tag,XP_op,XP,Coins_op,Coins,Premium Currency_op,Premium Currency,"
      "Note,Score_op,Score,Born,Paid,Size,Card\n";
  update(header +
         "m1@example.org,Ana,Silva,12345,SG,English,Helper,north,add,100,add,50,add,5,hello,overwrite,3,2001-02-03,true,S,c-1\n"
         "m2@example.org,Bo,,,,,,,,,add,9,,,,,,,,,c-2\n");
  auto const before = state();
  auto const id =
      update(header +
             "m1@example.org,Bea,<clear>,54321,Portugal,German,\"Helper,Guest\",south,subtract,30,overwrite,8,subtract,2,<clear>,add,4,"
             "2002-02-03,false,M,c-9\n"
             "m2@example.org,<clear>,Lima,99999,PT,French,Guest,north,overwrite,4,subtract,9,overwrite,1,new,add,1,2003-02-03,true,S,c-1\n"
             "m3@example.org,Cy,,,,,,,add,1,add,2,add,3,third,subtract,2,,,,c-2\n");
  ASSERT_EQ(counters(id), "completed 3/0/0/0 of 3") << messages_of(id);
  ASSERT_NE(state(), before);
  auto const reversing = revert(id);
  EXPECT_EQ(counters(reversing), "completed 3/0/0/0 of 3") << messages_of(reversing);
  EXPECT_EQ(progress(id), "reverted 3+0");
  EXPECT_EQ(state(), before);
  expect_sound();
}

TEST_P(Revert, BringsEarnedBackWhateverTheClassWas) {
  update("Email,XP_op,XP,Coins_op,Coins\nm1@example.org,add,10,add,40\n");
  auto const id = update(
      "Email,XP_op,XP,Coins_op,Coins\n"
      "m1@example.org,add,5,add,7\n"
      "m1@example.org,subtract,3,subtract,20\n"
      "m1@example.org,overwrite,2,overwrite,100\n");
  EXPECT_EQ(earned(1, 2), 120'000'000) << "40 + 7 earned, 20 spent, and 73 corrected";
  revert(id);
  EXPECT_EQ(balance(1, 1), "10");
  EXPECT_EQ(balance(1, 2), "40");
  EXPECT_EQ(earned(1, 1), 10'000'000);
  EXPECT_EQ(earned(1, 2), 40'000'000);
  // 3 refund: what was spent comes back without counting; 4 correct.
  EXPECT_EQ(test::number(db(),
                         "SELECT count(*) FROM ledger_entries e JOIN change_sources s ON s.source_id = e.source_id WHERE "
                         "s.kind = 'revert' AND e.class = 3"),
            1);
  EXPECT_EQ(test::number(db(),
                         "SELECT count(*) FROM ledger_entries e JOIN change_sources s ON s.source_id = e.source_id WHERE "
                         "s.kind = 'revert' AND e.class = 4"),
            5);
  expect_sound();
}

TEST_P(Revert, TiesEachReversingEntryToItsFirst) {
  auto const id = update("Email,Coins_op,Coins\nm1@example.org,add,5\nm2@example.org,add,6\n");
  auto const reversing = revert(id);
  EXPECT_EQ(test::text(db(), "SELECT external_id || ' ' || leg || ' ' || reason FROM change_sources WHERE kind = 'revert'"),
            id.to_string() + " " + reversing.to_string() + " typed in twice");
  // The original's source has the same external id; with row and currency there is one entry.
  EXPECT_EQ(test::number(db(),
                         "SELECT count(*) FROM ledger_entries r JOIN change_sources rs ON rs.source_id = r.source_id AND rs.kind = "
                         "'revert' JOIN change_sources os ON os.kind = 'bulk' AND os.external_id = rs.external_id JOIN ledger_entries o "
                         "ON o.source_id = os.source_id AND o.source_row = r.source_row AND o.currency_id = r.currency_id "
                         "AND o.member_id = r.member_id AND o.amount = -r.amount"),
            2);
}

TEST_P(Revert, TakesSeveralRowsOfOneMemberBackThroughTheChain) {
  field("Score", "numerical");
  field("Note", "text");
  update("Email,Coins_op,Coins\nm1@example.org,add,1\n");
  auto const before = state();
  auto const id = update(
      "Email,Coins_op,Coins,Score_op,Score,Note\n"
      "m1@example.org,overwrite,50,add,3,one\nm1@example.org,add,5,add,4,two\nm1@example.org,overwrite,2,overwrite,1,<clear>\n"
      "m1@example.org,subtract,2,subtract,9,three\n");
  ASSERT_EQ(counters(id), "completed 4/0/0/0 of 4");
  EXPECT_EQ(counters(revert(id)), "completed 4/0/0/0 of 4");
  EXPECT_EQ(state(), before) << "a score that was not there is not 0";
  expect_sound();
}

TEST_P(Revert, LeavesRowsThatMeetLaterChangesWhollyAlone) {
  auto const note = field("Note", "text"), score = field("Score", "numerical");
  auto const id = update(
      "Email,Coins_op,Coins,Note,Score_op,Score\n"
      "m1@example.org,add,10,one,add,1\nm2@example.org,overwrite,10,two,add,2\nm3@example.org,add,10,three,add,3\n"
      "m4@example.org,add,10,four,overwrite,4\nm5@example.org,add,10,five,add,5\n");
  change(1, "coins", Op::subtract, 4);
  change(2, "coins", Op::add, 1);
  update("Email,Note,Score_op,Score\nm3@example.org,other,,\nm4@example.org,,add,1\nm5@example.org,,add,1\n");
  auto const reversing = revert(id);
  EXPECT_THAT(outcomes_of(reversing), ElementsAre("6 updated", "5 failed Score:value_changed", "4 failed Note:value_changed",
                                                  "3 failed Coins:value_changed", "2 failed Coins:insufficient_balance"));
  EXPECT_EQ(messages_of(reversing),
            "Score is now 5, not 4.\nNote is now \"other\", not \"three\".\nCoins is now 11, not 10.\n"
            "Coins is 6; this row would make it -4, below zero.");
  EXPECT_EQ(progress(id), "reverted 1+4");
  EXPECT_EQ(value(5, score.key), "1000000") << "the opposite of 5 was taken from 6";
  for (int member = 1; member <= 4; ++member) EXPECT_NE(balance(member), "0") << member;
  EXPECT_EQ(value(1, note.key), "one") << "a row is taken back whole or not at all";
  // What can be put right is tried again, and only that.
  change(1, "coins", Op::add, 4);
  update("Email,Note\nm3@example.org,three\n");
  auto const second = revert(id);
  EXPECT_THAT(outcomes_of(second), ElementsAre("5 failed Score:value_changed", "4 updated", "3 failed Coins:value_changed", "2 updated"));
  EXPECT_EQ(progress(id), "reverted 3+2");
  EXPECT_EQ(balance(1), "0");
  EXPECT_EQ(value(3, note.key), "");
  auto const after = state();
  EXPECT_EQ(counters(revert(id)), "completed 0/0/0/2 of 2");
  EXPECT_EQ(state(), after);
  expect_sound();
}

TEST_P(Revert, TellsOfEveryObstacle) {
  add_roles_and_tags();
  auto const note = field("Note", "text");
  field("Card", "text", {.identifier = true});
  auto const size = field("Size", "select", {.options = {"S", "M"}});
  update("Email,Card,Size\nm3@example.org,c-3,S\n");
  auto const id = update(
      "Email,Note,XP_op,XP,Card,Size\n"
      "m1@example.org,one,add,1,,\nm2@example.org,,add,1,,\nm3@example.org,,,,c-4,M\nm4@example.org,,add,1,,\n");
  ASSERT_EQ(counters(id), "completed 4/0/0/0 of 4");
  ASSERT_TRUE(FieldService(db(), numbers_).remove(kHere, note.key, {"operator", "shell", "Test"}, test::kNow));
  update("Email,Card\nm5@example.org,c-3\n");
  test::run(db(), "UPDATE fields SET options = 'M' WHERE field_key = '" + size.key + "'");
  test::run(db(), "UPDATE currencies SET is_enabled = 0 WHERE currency_id = 1");
  test::run(db(), "UPDATE memberships SET state = 4, deleted_at = " + std::to_string(test::kNow) + " WHERE member_id = 4");
  auto const before = state();
  auto const reversing = revert(id);
  EXPECT_THAT(outcomes_of(reversing), ElementsAre("5 failed :user_deleted", "4 failed Card:identifier_taken Size:invalid_option",
                                                  "3 failed XP:currency_disabled", "2 failed Note:field_removed XP:currency_disabled"));
  EXPECT_THAT(messages_of(reversing), HasSubstr("Member 4 was deleted on 2026-04-07; restore the member first."));
  EXPECT_THAT(messages_of(reversing), HasSubstr("Note was removed after the upload."));
  EXPECT_EQ(state(), before);
  expect_sound();
}

TEST_P(Revert, NeedsTheRightToGiveRoles) {
  add_roles_and_tags();
  test::run(db(), "UPDATE roles SET server_permissions = 8 WHERE title = 'Helper'");
  auto const id = update("Email,Role\nm1@example.org,Helper\nm2@example.org,Guest\n");
  permissions = api::PermissionSet();
  permissions.add(api::Permission::bulk_update_user);
  EXPECT_THAT(outcomes_of(revert(id)), ElementsAre("3 updated", "2 failed Role:role_not_allowed"));
  permissions = api::PermissionSet::everything();
  EXPECT_THAT(outcomes_of(revert(id)), ElementsAre("2 updated"));
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM member_roles"), 0);
}

TEST_P(Revert, OfADryRunTellsTheSameAndChangesNothing) {
  field("Note", "text");
  field("Card", "text", {.identifier = true});
  update("Email,Card\nm1@example.org,a\nm2@example.org,b\n");
  auto const id = update(
      "Email,Coins_op,Coins,Note,Card\nm1@example.org,add,10,x,c\nm1@example.org,overwrite,3,y,d\nm2@example.org,add,1,,a\n"
      "m3@example.org,add,4,,\n");
  ASSERT_EQ(counters(id), "completed 4/0/0/0 of 4") << messages_of(id);
  auto const made = import(std::string(kImport) + "Eva,Lund,eva,eva@example.org,,5,add\n");
  change(3, "coins", Op::subtract, 1);
  auto const before = test::dump(db(), {"bulk_jobs", "bulk_rows", "bulk_chunks", "audit_entries"});
  auto const told = revert(id, true), told_made = revert(made, true);
  EXPECT_EQ(test::dump(db(), {"bulk_jobs", "bulk_rows", "bulk_chunks", "audit_entries"}), before);
  EXPECT_EQ(progress(id), "completed 0+0");
  auto const foretold = details(told);
  auto const done = details(revert(id));
  ASSERT_EQ(foretold.size(), done.size());
  for (std::size_t i = 0; i < done.size(); ++i) {
    EXPECT_EQ(foretold[i].status, done[i].status) << done[i].row;
    // Entries have ids when they are there.
    auto text = done[i].changes.text;
    for (auto at = text.find("\"entry_id\":\""); at != std::string::npos; at = text.find("\"entry_id\":\""))
      text.replace(at, 37, "\"entry_id\":null");
    EXPECT_EQ(foretold[i].changes.text, text) << done[i].row;
  }
  EXPECT_THAT(outcomes_of(told_made), ElementsAre("2 updated"));
  EXPECT_THAT(outcomes_of(revert(made)), ElementsAre("2 updated"));
  expect_sound();
}

TEST_P(Revert, TellsWhatItChanged) {
  auto const id = update("Email,Coins_op,Coins,First Name\nm1@example.org,add,10,Ana\n");
  auto const reversing = revert(id);
  auto const rows = details(reversing);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].key, "m1@example.org");
  EXPECT_EQ(rows[0].email, "m1@example.org");
  EXPECT_EQ(rows[0].user_id, "1");
  EXPECT_EQ(rows[0].line, 2);
  EXPECT_THAT(rows[0].changes.text, HasSubstr("{\"field\":\"Coins\",\"op\":\"subtract\",\"value\":10,\"before\":10,\"after\":0,"));
  EXPECT_THAT(rows[0].changes.text,
              HasSubstr("{\"field\":\"First Name\",\"op\":\"overwrite\",\"value\":null,\"before\":\"Ana\",\"after\":null,"));
  // The original still tells what it did.
  EXPECT_THAT(details(id).at(0).changes.text, HasSubstr("\"op\":\"add\",\"value\":10,\"before\":0,\"after\":10,"));
}

TEST_P(Revert, RemovesMembersAndAccountsThatTheJobMade) {
  add_roles_and_tags();
  auto const before = state();
  std::string const csv = std::string(kImport) +
                          "Eva,Lund,eva,eva@example.org,north,5,add\n"
                          "Fay,Ruiz,fay,fay@example.org,,,\n"
                          ",,,m6@example.org,,,\n"
                          ",,,eva@example.org,,3,subtract\n"
                          "Ana,,,m1@example.org,,2,add\n";
  auto const id = import(csv);
  ASSERT_EQ(counters(id), "completed 2/0/3/0 of 5") << messages_of(id);
  auto const reversing = revert(id);
  EXPECT_THAT(outcomes_of(reversing), ElementsAre("6 updated", "5 updated", "4 updated", "3 updated", "2 updated"));
  EXPECT_EQ(state(), before) << "the account that was there stays";
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM accounts WHERE account_id = 6"), 1);
  expect_sound();
  auto const rows = details(reversing);
  EXPECT_EQ(rows[4].key, "eva@example.org");
  EXPECT_FALSE(rows[4].user_id) << "nobody any more";
  // The same people may come again, and go again.
  auto const again = import(csv);
  ASSERT_EQ(counters(again), "completed 2/0/3/0 of 5") << messages_of(again);
  EXPECT_EQ(test::number(db(),
                         "SELECT amount FROM balances b JOIN accounts a ON a.account_id = b.member_id WHERE a.email = "
                         "'eva@example.org'"),
            2'000'000);
  revert(again);
  EXPECT_EQ(state(), before);
  expect_sound();
}

TEST_P(Revert, OfASecondMembershipLooksNoFurtherThanItsJob) {
  auto const before = state();
  std::string const csv = std::string(kImport) + ",,,m6@example.org,,5,add\n";
  for (int time = 0; time < 3; ++time) {
    auto const id = import(csv);
    ASSERT_EQ(counters(id), "completed 0/0/1/0 of 1") << messages_of(id);
    EXPECT_EQ(balance(6), "5");
    EXPECT_THAT(outcomes_of(revert(id)), ElementsAre("2 updated")) << time;
    EXPECT_EQ(state(), before);
    expect_sound();
  }
}

TEST_P(Revert, KeepsAnAccountThatIsUsedElsewhere) {
  auto const id = import(std::string(kImport) + "Eva,Lund,eva,eva@example.org,,,\nFay,Ruiz,fay,fay@example.org,,,\n");
  auto const eva = test::number(db(), "SELECT account_id FROM accounts WHERE username = 'eva'");
  test::run(db(), "INSERT INTO memberships (community_id, member_id, state, joined_at) VALUES (2, " + std::to_string(eva) + ", 0, 1)");
  EXPECT_EQ(counters(revert(id)), "completed 2/0/0/0 of 2");
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM accounts WHERE username = 'eva'"), 1);
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM accounts WHERE username = 'fay'"), 0);
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM memberships WHERE member_id = " + std::to_string(eva)), 1);
}

TEST_P(Revert, TakesAnInvitationOfAClaimedAccountBack) {
  test::add_account(db(), 7, 1);
  auto const before = state();
  auto const id = import(std::string(kImport) + "Eva,Lund,,m7@example.org,,,\n");
  ASSERT_EQ(counters(id), "completed 0/0/1/0 of 1") << messages_of(id);
  EXPECT_EQ(counters(revert(id)), "completed 1/0/0/0 of 1");
  EXPECT_EQ(state(), before);
}

TEST_P(Revert, KeepsMembersWhoHaveBeenActiveSince) {
  add_roles_and_tags();
  field("Note", "text");
  std::string csv = kImport;
  constexpr int kPeople = 14;
  for (int i = 0; i < kPeople; ++i) csv += "Eva,Lund,eva" + std::to_string(i) + ",eva" + std::to_string(i) + "@example.org,,5,add\n";
  // A later row of the job on the balance of two of them.
  for (int i : {7, 13}) csv += ",,,eva" + std::to_string(i) + "@example.org,,1,add\n";
  auto const id = import(csv);
  ASSERT_EQ(counters(id), "completed 2/0/14/0 of 16") << messages_of(id);
  auto number_of = [&](int i) {
    return test::number(db(), "SELECT account_id FROM accounts WHERE username = 'eva" + std::to_string(i) + "'");
  };
  auto who = [&](int i) { return std::to_string(number_of(i)); };
  test::run(db(), "UPDATE memberships SET last_online_at = 1 WHERE member_id = " + who(0));
  test::run(db(), "UPDATE accounts SET state = 1 WHERE account_id = " + who(1));
  test::run(db(), "UPDATE memberships SET state = 2 WHERE member_id = " + who(2));
  test::run(db(), "INSERT INTO member_roles (community_id, member_id, role_id) SELECT 1, " + who(3) +
                      ", role_id FROM roles WHERE title = 'Guest'");
  test::run(db(),
            "INSERT INTO member_tags (community_id, member_id, tag_id) SELECT 1, " + who(4) + ", tag_id FROM tags WHERE name = 'south'");
  test::run(db(), "UPDATE memberships SET referred_by = " + who(5) + " WHERE community_id = 1 AND member_id = 1");
  change(number_of(6), "coins", Op::subtract, 2);
  // Nothing is left of these changes in the balance, and the job's later row is taken back on top of them.
  change(number_of(7), "coins", Op::add, 2);
  change(number_of(7), "coins", Op::subtract, 2);
  change(number_of(8), "xp", Op::add, 2);
  change(number_of(8), "xp", Op::subtract, 2);
  update("Email,Note\neva9@example.org,seen\n");
  update("Email,First Name\neva10@example.org,Eve\n");
  update("Email,Display Name\neva11@example.org,Eve\n");
  test::run(db(), "UPDATE communities SET owner_id = " + who(12) + " WHERE community_id = 1");
  auto const reversing = revert(id);
  std::vector<std::string> expected{"17 updated", "16 updated", "15 updated"};
  for (int row = 14; row >= 2; --row) expected.push_back(std::to_string(row) + " failed :member_active");
  EXPECT_EQ(outcomes_of(reversing), expected);
  EXPECT_EQ(
      test::number(db(), "SELECT count(*) FROM memberships m JOIN accounts a ON a.account_id = m.member_id WHERE a.username LIKE 'eva%'"),
      kPeople - 1);
  EXPECT_EQ(balance(number_of(0)), "5") << "a refused row changes nothing";
  expect_sound();
}

TEST_P(Revert, RemovesMembersWhoseFieldsWereRemoved) {
  auto const note = field("Note", "text");
  auto const before = state();
  auto const id = import("First Name,Last Name,Username,Email,Note\nEva,Lund,eva,eva@example.org,hello\n");
  ASSERT_TRUE(FieldService(db(), numbers_).remove(kHere, note.key, {"operator", "shell", "Test"}, test::kNow));
  EXPECT_THAT(outcomes_of(revert(id)), ElementsAre("2 updated"));
  EXPECT_EQ(state(), before) << "hidden values of nobody are not kept";
}

TEST_P(Revert, OfAnImportThatWasCutOffFindsTheMembersOfEveryChunk) {
  limits_.bulk_chunk_rows_max = 50;
  auto const before = state();
  std::string csv = kImport;
  for (int i = 0; i < 240; ++i)
    csv += "Eva,Lund,eva" + std::to_string(i) + ",eva" + std::to_string(i) + "@example.org,," + (i % 3 == 0 ? "5,add\n" : ",\n") +
           (i % 7 == 0 ? "\n" : "");
  auto const id = import(csv);
  ASSERT_EQ(counters(id), "completed 0/0/240/0 of 240");
  auto const reversing = queue_revert(id);
  for (int pieces = 0; pieces < 3; ++pieces) work(1);
  auto c = context();
  ASSERT_TRUE(service_->cancel(c, reversing));
  work();
  EXPECT_EQ(counters(reversing), "cancelled 150/0/0/0 of 240");
  EXPECT_EQ(progress(id), "completed 150+0");
  expect_sound();
  EXPECT_EQ(counters(revert(id)), "completed 90/0/0/0 of 90");
  EXPECT_EQ(state(), before);
  expect_sound();
}

TEST_P(Revert, NeverLetsAnImportJoinAnAccountThatGoes) {
  auto const made = import(std::string(kImport) + "Eva,Lund,eva,eva@example.org,,,\n");
  auto const eva = test::number(db(), "SELECT account_id FROM accounts WHERE username = 'eva'");
  // An import elsewhere looks the account up, and before it writes the account is gone.
  jobs::JobFacts facts;
  facts.community = kElsewhere;
  facts.job = {numbers_.next()};
  facts.source = {numbers_.next()};
  facts.permissions = api::PermissionSet::everything();
  auto const& k = kind("bulk_import");
  std::vector<std::string> const header{"Email"};
  facts.columns = db().read([&](sql::Tx& tx) { return k.bind(tx, kElsewhere, header, false); }).value();
  auto const session = k.open(facts);
  std::vector<std::string_view> const cells{"eva@example.org"};
  std::vector<jobs::InputRow> const rows{{2, 2, 1, true, cells}};
  session->prepare(rows);
  EXPECT_EQ(counters(revert(made)), "completed 1/0/0/0 of 1");
  std::vector<jobs::RowOutcome> outcomes;
  auto apply = [&] { db().write([&](sql::Tx& tx) { session->apply(tx, {system_now(), std::nullopt}, outcomes); }, {.alone = true}); };
  try {
    apply();
    ADD_FAILURE() << "a membership without an account";
  } catch (sql::StorageError const& e) {
    EXPECT_EQ(e.kind(), sql::StorageError::Kind::constraint) << "the machine looks again";
  }
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM memberships WHERE member_id = " + std::to_string(eva)), 0);
  session->prepare(rows);
  apply();
  EXPECT_EQ(outcome_text(outcomes.at(0)), "failed First Name:value_required Last Name:value_required Username:username_required");
}

}  // namespace
}  // namespace fealty::members
