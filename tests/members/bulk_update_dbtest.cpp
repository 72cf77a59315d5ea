#include "bulk_harness.h"

namespace fealty::members {
namespace {

using test::email_of;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

class BulkUpdate : public BulkTest {};
FEALTY_ON_BOTH_ENGINES(BulkUpdate);

TEST_P(BulkUpdate, OperatorsAndValuesDoWhatTheTableSays) {
  field("Score", "numerical", {.default_value = "10"});
  Cells const header{"Email", "Coins", "Coins_op", "Score_op", "Score"};
  struct Case {
    Cells cells;  // without the e-mail
    char const* outcome;
    char const* coins;
    char const* score;
  };
  Case const cases[] = {
      {{"50", "add", "", ""}, "updated", "50", ""},
      {{"20.5", "subtract", "", ""}, "updated", "29.5", ""},
      {{"7", "overwrite", "", ""}, "updated", "7", ""},
      {{"7", "overwrite", "", ""}, "unchanged", "7", ""},
      {{"0", "add", "", ""}, "unchanged", "7", ""},
      {{"", "add", "", ""}, "unchanged", "7", ""},
      {{"", "nonsense", "", "  "}, "unchanged", "7", ""},
      {{" 1 ", " add\t", "", ""}, "updated", "8", ""},
      {{"1", "", "", ""}, "failed Coins_op:missing_operator", "8", ""},
      {{"1", "Add", "", ""}, "failed Coins_op:invalid_operator", "8", ""},
      {{"1", "<clear>", "", ""}, "failed Coins_op:invalid_operator", "8", ""},
      {{"9", "subtract", "", ""}, "failed Coins:insufficient_balance", "8", ""},
      {{"-1", "overwrite", "", ""}, "failed Coins:insufficient_balance", "8", ""},
      {{"-1", "add", "", ""}, "failed Coins:negative_value", "8", ""},
      {{"<clear>", "overwrite", "", ""}, "failed Coins:not_clearable", "8", ""},
      {{"<clear>", "", "", ""}, "failed Coins:not_clearable", "8", ""},
      {{"1e3", "add", "", ""}, "failed Coins:not_a_number", "8", ""},
      {{"0.1234567", "add", "", ""}, "failed Coins:too_many_decimals", "8", ""},
      {{"10000000000000", "add", "", ""}, "failed Coins:amount_out_of_range", "8", ""},
      {{"8999999999999", "add", "", ""}, "failed Coins:balance_limit", "8", ""},
      {{"", "", "add", "5"}, "updated", "8", "15"},
      {{"", "", "subtract", "-5"}, "updated", "8", "20"},
      {{"", "", "overwrite", "-3"}, "updated", "8", "-3"},
      {{"", "", "add", "-4"}, "updated", "8", "-7"},
      {{"", "", "subtract", "8999999999999"}, "failed Score:balance_limit", "8", "-7"},
      {{"", "", "", "4"}, "failed Score_op:missing_operator", "8", "-7"},
      {{"", "", "overwrite", "<clear>"}, "failed Score:not_clearable", "8", "-7"},
      {{"1", "add", "overwrite", "x"}, "failed Score:not_a_number", "8", "-7"},
      {{"x", "Add", "", "y"},
       "failed Coins:not_a_number Coins_op:invalid_operator Score:not_a_number Score_op:missing_operator",
       "8",
       "-7"},
      {{"1", "add", "add", "1"}, "updated", "9", "-6"},
  };
  for (auto const& c : cases) {
    Cells row{email_of(1)};
    row.insert(row.end(), c.cells.begin(), c.cells.end());
    EXPECT_THAT(outcomes({.header = header, .rows = {row}}), ElementsAre(c.outcome))
        << c.cells[0] << " " << c.cells[1] << " " << c.cells[3];
    EXPECT_EQ(balance(1), c.coins) << c.cells[0] << " " << c.cells[1];
    auto const score = value(1, "Score");
    EXPECT_EQ(score.empty() ? "" : Decimal{std::stoll(score)}.to_string(), c.score) << c.cells[2] << " " << c.cells[3];
  }
  EXPECT_THAT(mismatches(), IsEmpty());
  EXPECT_THAT(outcomes({.header = {"Email", "Score"}, .rows = {{email_of(1), "2.5"}}}), ElementsAre("updated"))
      << "no operator column: overwrite";
  EXPECT_EQ(value(1, "Score"), "2500000");
}

TEST_P(BulkUpdate, TheSameRowsGiveTheSameHoweverTheyAreCut) {
  std::vector<Cells> const rows{{email_of(1), "0", "overwrite"}, {email_of(1), "5", "add"},      {email_of(2), "1", "add"},
                                {email_of(1), "3", "overwrite"}, {email_of(1), "4", "subtract"}, {email_of(1), "3", "subtract"},
                                {email_of(1), "0", "overwrite"}};
  for (std::size_t chunk = 1; chunk <= rows.size(); ++chunk) {
    EXPECT_THAT(outcomes({.header = {"Email", "Coins", "Coins_op"}, .rows = rows, .chunk = chunk}),
                ElementsAre("unchanged", "updated", "updated", "updated", "failed Coins:insufficient_balance", "updated", "unchanged"))
        << chunk;
    EXPECT_EQ(balance(1), "0");
  }
  EXPECT_EQ(balance(2), "7");
  EXPECT_THAT(mismatches(), IsEmpty());
}

TEST_P(BulkUpdate, MessagesAreTheCatalogues) {
  field("VIP", "boolean", {.required = true});
  test::run(db(), "UPDATE currencies SET is_enabled = 0 WHERE code = 'premium' AND community_id = 1");
  test::run(db(), "UPDATE currencies SET decimals = 2 WHERE code = 'xp' AND community_id = 1");
  auto const ran =
      run_job({.header = {"Email", "Coins", "Coins_op", "XP", "XP_op", "Premium Currency_op", "Premium Currency", "VIP", "Display Name"},
               .rows = {{email_of(1), "5", "subtract", "0.001", "add", "add", "1", "<clear>", "<clear>"},
                        {email_of(1), "-1", "add", "", "", "", "", "maybe", ""},
                        {email_of(1), "8999999999999", "Add", "9000000000000", "add", "", "", "", ""},
                        {"short"},
                        {"", "1", "add", "", "", "", "", "", ""},
                        {"no-mail", "", "", "", "", "", "", "", ""}}});
  EXPECT_EQ(ran.messages(),
            "Coins is 0; this row would make it -5, below zero.\n"
            "XP takes at most 2 decimal places.\n"
            "Premium Currency is switched off in this community.\n"
            "VIP is required.\n"
            "Display Name cannot be cleared.\n"
            "Amounts to add or subtract may not be negative; use the other operator.\n"
            "\"maybe\" is not true or false.\n"
            "Operator must be add, subtract or overwrite, in lower case; found \"Add\".\n"
            "\"9000000000000\" is out of range.\n"
            "This row has 1 cells, the header has 9.\n"
            "This row names no member: fill in Email.\n"
            "\"no-mail\" is not an e-mail address.");
}

TEST_P(BulkUpdate, ARowIsAllOrNothingAndTellsAllOfItsProblems) {
  auto const before = test::dump(db(), {"change_sources"});
  EXPECT_THAT(
      outcomes({.header = {"Email", "Coins", "Coins_op", "Phone", "Country"}, .rows = {{email_of(1), "5", "add", "no phone", "Atlantis"}}}),
      ElementsAre("failed Phone:invalid_phone Country:unknown_country"));
  // What is wrong with the values does not wait until the member is right.
  EXPECT_THAT(
      outcomes({.header = {"Email", "Coins", "Coins_op", "Phone", "Display Name", "XP", "XP_op"},
                .rows = {{"nobody@example.org", "<clear>", "add", "x", "<clear>", "-1", "add"}}}),
      ElementsAre("failed Email:user_not_found Coins:not_clearable Phone:invalid_phone Display Name:not_clearable XP:negative_value"));
  EXPECT_EQ(test::dump(db(), {"change_sources"}), before);
  EXPECT_THAT(outcomes({.header = {"Email", "Coins", "Coins_op"}, .rows = {{email_of(1), "x", "add"}, {email_of(1), "5", "add"}}}),
              ElementsAre("failed Coins:not_a_number", "updated"));
}

TEST_P(BulkUpdate, KeysNameExactlyOneMember) {
  auto const id = [](std::int64_t account) { return PublicId::of(account, test::kNow).to_string(); };
  Cells const header{"Email", "User ID", "Username", "First Name"};
  struct Case {
    Cells keys;
    char const* outcome;
  };
  Case const cases[] = {
      {{email_of(1), "", ""}, "updated"},
      {{" M1@EXAMPLE.org\t", "", ""}, "updated"},
      {{"", "2", ""}, "updated"},
      {{"", id(2), ""}, "updated"},
      {{"", "", "USER3"}, "updated"},
      {{email_of(4), "4", "user4"}, "updated"},
      {{email_of(4), id(4), ""}, "updated"},
      {{"", "", ""}, "failed Email:missing_key"},
      {{"not an e-mail", "", ""}, "failed Email:invalid_email"},
      {{"", "12x", ""}, "failed User ID:invalid_user_id"},
      {{"", "-1", ""}, "failed User ID:invalid_user_id"},
      {{"", "0", ""}, "failed User ID:invalid_user_id"},
      {{"", std::string(24, 'F'), ""}, "failed User ID:invalid_user_id"},
      {{"<clear>", "1", ""}, "failed Email:not_clearable"},
      {{"nobody@example.org", "", ""}, "failed Email:user_not_found"},
      {{"", "12345", ""}, "failed User ID:user_not_found"},
      {{"", PublicId{1, 2}.to_string(), ""}, "failed User ID:user_not_found"},
      {{"", "", "nobody"}, "failed Username:user_not_found"},
      {{email_of(1), "2", ""}, "failed User ID:key_conflict"},
      {{email_of(1), "", "user2"}, "failed Username:key_conflict"},
      {{email_of(1), "12345", ""}, "failed User ID:key_conflict"},
      {{"nobody@example.org", "1", ""}, "failed User ID:key_conflict"},
      // People of another community answer as people who do not exist, in whatever combination.
      {{email_of(6), "", ""}, "failed Email:user_not_found"},
      {{email_of(6), "6", "user6"}, "failed Email:user_not_found"},
      {{email_of(6), "7", ""}, "failed Email:user_not_found"},
      {{"nobody@example.org", "7", ""}, "failed Email:user_not_found"},
      {{email_of(6), "1", ""}, "failed User ID:key_conflict"},
  };
  int n = 0;
  for (auto const& c : cases) {
    Cells row = c.keys;
    row.push_back("Name " + std::to_string(++n));
    EXPECT_THAT(outcomes({.header = header, .rows = {row}}), ElementsAre(c.outcome)) << c.keys[0] << " " << c.keys[1] << " " << c.keys[2];
  }
  EXPECT_EQ(profile(4, "first_name"), "Name 7");
}

TEST_P(BulkUpdate, StatesDecideWhoIsChanged) {
  for (int state = 0; state <= 4; ++state) test::add_member(db(), kHere, 20 + state, state);
  std::vector<Cells> rows;
  for (int state = 0; state <= 4; ++state) rows.push_back({email_of(20 + state), "1", "add"});
  auto const ran = run_job({.header = {"Email", "Coins", "Coins_op"}, .rows = rows});
  EXPECT_THAT(ran.outcomes, ElementsAre("updated", "failed Email:user_not_joined", "updated", "updated", "failed Email:user_deleted"));
  EXPECT_EQ(ran.messages(),
            "m21@example.org has not accepted the invitation yet.\n"
            "Member m24@example.org was deleted on 2026-04-07; restore the member first.");
}

TEST_P(BulkUpdate, TextsOptionsAndDatesAreSetClearedAndLeftAlone) {
  field("Note", "multi-line-text");
  field("Plan", "select", {.options = {"Free", "Pro"}});
  field("Since", "date");
  field("Must", "text", {.required = true});
  Cells const header{"Email", "Note", "Plan", "Since", "Must", "Phone"};
  EXPECT_THAT(outcomes({.header = header,
                        .rows = {{email_of(1), " a\r\nb ", "Pro", "2026-01-02", "x", "'+49 30 1234"},
                                 {email_of(1), " a\nb ", "Pro", "2026-01-02", "x", "+49 30 1234"},
                                 {email_of(1), "", "", "", "", ""},
                                 {email_of(1), "<clear>", "<clear>", "<clear>", "", "<clear>"},
                                 {email_of(1), "<clear>", "<clear>", "<clear>", "", "<clear>"},
                                 {email_of(1), "'<clear>", "", "", "<clear>", ""},
                                 {email_of(1), "'<clear>", "", "", "", ""}},
                        .chunk = 2}),
              ElementsAre("updated", "unchanged", "unchanged", "updated", "unchanged", "failed Must:value_required", "updated"));
  EXPECT_EQ(value(1, "Note"), "<clear>");
  EXPECT_EQ(value(1, "Plan"), "");
  EXPECT_EQ(value(1, "Must"), "x");
  EXPECT_EQ(profile(1, "phone"), "");
}

TEST_P(BulkUpdate, RolesAndTagsReplaceTheSet) {
  FieldService fields(db(), numbers_);
  access::Actor const actor{"operator", "shell", "Test"};
  std::map<std::string, std::string> number;
  for (auto const* role : {"Guest", "Editor", "Admin", "Mod"})
    number[role] = std::to_string(fields.create_role(kHere, role, actor, test::kNow)->number);
  for (auto const* tag : {"red", "blue"}) number[tag] = std::to_string(fields.create_tag(kHere, tag, actor, test::kNow)->number);
  test::run(db(), "UPDATE roles SET server_permissions = 64 WHERE title = 'Admin'");
  test::run(db(), "UPDATE roles SET server_permissions = 4 WHERE title = 'Mod'");
  test::run(db(), "INSERT INTO member_roles (community_id, member_id, role_id) VALUES (1, 2, " + number["Admin"] + ")");
  api::PermissionSet plain;
  plain.add(api::Permission::bulk_update_user);
  api::PermissionSet with_role = plain;
  with_role.add(api::Permission::role);
  struct Case {
    std::int64_t member;
    char const* role;
    char const* tag;
    bool may;
    char const* outcome;
    std::string roles, tags;
  };
  Case const cases[] = {
      {1, "Guest,Editor", "red", false, "updated", number["Guest"] + "," + number["Editor"], number["red"]},
      {1, "Editor, Guest", "red", false, "unchanged", number["Guest"] + "," + number["Editor"], number["red"]},
      {1, "Editor,@all", "blue,red", false, "updated", number["Editor"], number["red"] + "," + number["blue"]},
      {1, "<clear>", "<clear>", false, "updated", "", ""},
      {1, "@all", "", false, "unchanged", "", ""},
      {1, "editor", "Red", false, "failed Role:unknown_role Tag:unknown_tag", "", ""},
      {1, "Mod", "", false, "failed Role:role_not_allowed", "", ""},
      {1, "Mod", "", true, "updated", number["Mod"], ""},
      {1, "Mod,Guest", "", false, "updated", number["Guest"] + "," + number["Mod"], ""},
      {1, "Guest", "", false, "failed Role:role_not_allowed", number["Guest"] + "," + number["Mod"], ""},
      {1, "Admin,Mod", "", true, "failed Role:role_not_allowed", number["Guest"] + "," + number["Mod"], ""},
      {2, "Guest", "", true, "failed Role:role_not_allowed", number["Admin"], ""},
      {2, "Guest,Admin", "", false, "updated", number["Guest"] + "," + number["Admin"], ""},
      {kOwner, "Guest", "", true, "failed Role:role_not_allowed", "", ""},
      {kOwner, "", "red", false, "updated", "", number["red"]},
  };
  for (auto const& c : cases) {
    EXPECT_THAT(
        outcomes(
            {.header = {"Email", "Role", "Tag"}, .rows = {{email_of(c.member), c.role, c.tag}}, .permissions = c.may ? with_role : plain}),
        ElementsAre(c.outcome))
        << c.role << " " << c.tag;
    EXPECT_EQ(set_of("member_roles", "role_id", c.member), c.roles) << c.role;
    EXPECT_EQ(set_of("member_tags", "tag_id", c.member), c.tags) << c.tag;
  }
  auto const ran =
      run_job({.header = {"Email", "Role", "Tag"}, .rows = {{email_of(3), "Guest", "blue"}, {email_of(3), "Editor,Guest", "red"}}});
  EXPECT_THAT(ran.changes[1], testing::HasSubstr(R"("before":"Guest","after":"Guest, Editor")"));
  EXPECT_THAT(ran.changes[1], testing::HasSubstr(R"("before":"blue","after":"red")"));
}

TEST_P(BulkUpdate, IdentifiersStayUniqueAndMayBePassedOn) {
  field("Card", "text", {.identifier = true});
  field("Seat", "number", {.identifier = true});
  auto cards = [&](std::vector<std::pair<int, std::string>> const& rows, std::size_t chunk) {
    Job job{.header = {"Email", "Card"}, .chunk = chunk};
    for (auto const& [member, card] : rows) job.rows.push_back({email_of(member), card});
    return outcomes(job);
  };
  auto held = [&] {
    std::vector<std::string> out;
    db().read([&](sql::Tx& tx) {
      tx.run_text("SELECT value_key, member_id FROM identifier_values ORDER BY field_id, value_key", {},
                  [&](sql::Row const& r) { out.push_back(r.string(0) + "=" + std::to_string(r.integer(1))); });
    });
    return out;
  };
  for (std::size_t const chunk : {1u, 2u, 100u}) {
    EXPECT_THAT(cards({{1, "A"}, {2, "B"}, {3, "A"}, {1, "A"}}, chunk),
                ElementsAre("updated", "updated", "failed Card:identifier_taken", "unchanged"));
    // An exchange by way of a third value, in one chunk or several.
    EXPECT_THAT(cards({{1, "B"}, {1, "C"}, {2, "A"}, {1, "B"}, {3, "C"}}, chunk),
                ElementsAre("failed Card:identifier_taken", "updated", "updated", "updated", "updated"));
    EXPECT_THAT(held(), ElementsAre("A=2", "B=1", "C=3"));
    EXPECT_THAT(cards({{1, "<clear>"}, {4, "B"}, {1, "B"}, {4, "<clear>"}, {1, "B"}}, chunk),
                ElementsAre("updated", "updated", "failed Card:identifier_taken", "updated", "updated"));
    EXPECT_THAT(cards({{1, "<clear>"}, {2, "<clear>"}, {3, "<clear>"}}, chunk), ElementsAre("updated", "updated", "updated"));
    EXPECT_THAT(held(), IsEmpty());
  }
  // A sum may meet another member's number, too.
  for (std::size_t const chunk : {1u, 100u}) {
    EXPECT_THAT(
        outcomes({.header = {"Email", "Seat", "Seat_op"},
                  .rows = {{email_of(1), "10", "overwrite"},
                           {email_of(2), "3", "overwrite"},
                           {email_of(2), "7", "add"},
                           {email_of(2), "8", "add"},
                           {email_of(1), "1", "add"},
                           {email_of(3), "11", "overwrite"},
                           {email_of(2), "1", "subtract"},
                           {email_of(3), "10", "overwrite"},
                           {email_of(1), "0", "overwrite"},
                           {email_of(2), "0.5", "overwrite"}},
                  .chunk = chunk}),
        ElementsAre("updated", "updated", "failed Seat:identifier_taken", "updated", "failed Seat:identifier_taken",
                    "failed Seat:identifier_taken", "failed Seat:identifier_taken", "failed Seat:identifier_taken", "updated", "updated"))
        << chunk;
    EXPECT_THAT(held(), ElementsAre("0=1", "0.5=2"));
    EXPECT_THAT(outcomes({.header = {"Email", "Seat"}, .rows = {{email_of(1), "100"}, {email_of(2), "200"}}}),
                ElementsAre("updated", "updated"));
    test::run(db(), "DELETE FROM identifier_values");
    test::run(db(), "DELETE FROM field_values");
  }
}

TEST_P(BulkUpdate, HistoryAndLedgerAreChainsWithoutAGap) {
  field("Score", "numerical");
  std::vector<Cells> rows;
  for (int i = 0; i < 12; ++i) rows.push_back({email_of(1 + i % 2), "1", "add", std::to_string(i), "First " + std::to_string(i / 4)});
  for (std::size_t const chunk : {1u, 5u, 100u})
    run_job({.header = {"Email", "Coins", "Coins_op", "Score", "First Name"}, .rows = rows, .chunk = chunk});
  struct Item {
    std::string before, after;
    std::int64_t previous;
  };
  std::map<std::int64_t, Item> items;
  std::vector<std::pair<std::int64_t, std::string>> heads;
  db().read([&](sql::Tx& tx) {
    tx.run_text(
        "SELECT history_id, coalesce(before_text, CAST(before_number AS TEXT), ''), coalesce(after_text, CAST(after_number AS TEXT), ''), "
        "previous_id "
        "FROM field_history",
        {}, [&](sql::Row const& r) { items[r.integer(0)] = {r.string(1), r.string(2), r.integer(3)}; });
    tx.run_text(
        "SELECT v.history_id, CASE WHEN v.field_id = 1 THEN m.first_name ELSE CAST(v.number AS TEXT) END FROM field_values v JOIN "
        "memberships m "
        "ON m.community_id = v.community_id AND m.member_id = v.member_id",
        {}, [&](sql::Row const& r) { heads.emplace_back(r.integer(0), r.string(1)); });
  });
  EXPECT_EQ(heads.size(), 4u);
  std::size_t walked = 0;
  for (auto [at, now] : heads) {
    for (; at != 0; at = items[at].previous, ++walked) {
      ASSERT_TRUE(items.contains(at));
      EXPECT_EQ(items[at].after, now);
      EXPECT_NE(items[at].before, items[at].after);
      now = items[at].before;
    }
    EXPECT_EQ(now, "");
  }
  EXPECT_EQ(walked, items.size());
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM ledger_entries WHERE previous_id = 0"), 2);
  EXPECT_EQ(
      test::number(
          db(),
          "SELECT count(*) FROM ledger_entries e JOIN ledger_entries p ON p.entry_id = e.previous_id AND p.member_id = e.member_id AND "
          "p.balance_after + e.amount = e.balance_after"),
      34);
  EXPECT_THAT(mismatches(), IsEmpty());
}

TEST_P(BulkUpdate, WhatARowChangedIsReadBack) {
  field("Score", "numerical");
  auto const ran = run_job({.header = {"Email", "Score_op", "Score", "First Name", "Coins", "Coins_op"},
                            .rows = {{email_of(1), "add", "1.5", "Ana", "50", "add"},
                                     {email_of(1), "add", "0", "Ana", "20", "subtract"},
                                     {email_of(2), "", "", "", "", ""}},
                            .chunk = 2});
  auto without_ids = [](std::string text) {
    for (auto at = text.find("\"entry_id\":\""); at != std::string::npos; at = text.find("\"entry_id\":\""))
      text.replace(at, 37, "\"entry_id\":…");
    return text;
  };
  EXPECT_EQ(without_ids(ran.changes[0]),
            R"([{"field":"Score","op":"add","value":1.5,"before":null,"after":1.5,"entry_id":…},)"
            R"({"field":"First Name","op":"overwrite","value":"Ana","before":null,"after":"Ana","entry_id":…},)"
            R"({"field":"Coins","op":"add","value":50,"before":0,"after":50,"entry_id":…}])");
  EXPECT_EQ(without_ids(ran.changes[1]), R"([{"field":"Coins","op":"subtract","value":20,"before":50,"after":30,"entry_id":…}])");
  EXPECT_EQ(ran.changes[2], "[]");
}

TEST_P(BulkUpdate, KeysOfRowsAreShownOfMembersHereAlone) {
  test::add_member(db(), kHere, 24, 4);
  auto const ran = run_job({.header = {"Username", "Email", "User ID", "First Name"},
                            .rows = {{"", " M1@Example.org", "", "x"},
                                     {"USER2", "", "", "x"},
                                     {"", "", "3", "x"},
                                     {"", "", PublicId::of(4, test::kNow).to_string(), "x"},
                                     {"", email_of(6), "", "x"},
                                     {"", "", "6", "x"},
                                     {"", email_of(24), "", "x"},
                                     {"", "", "3x", "x"},
                                     {"", "", PublicId::of(3, test::kNow + 5'000).to_string(), "x"},
                                     {"", "", "", "x"},
                                     {"short"}}});
  std::vector<std::string> shown;
  for (auto const& k : ran.keys) shown.push_back(k.key + "|" + std::to_string(k.member.value) + "|" + k.email);
  EXPECT_THAT(shown, ElementsAre("M1@Example.org|1|m1@example.org", "USER2|2|m2@example.org", "3|3|m3@example.org",
                                 PublicId::of(4, test::kNow).to_string() + "|4|m4@example.org", "m6@example.org|0|", "6|0|",
                                 "m24@example.org|0|", "3x|0|", PublicId::of(3, test::kNow + 5'000).to_string() + "|0|", "|0|", "|0|"));
}

TEST_P(BulkUpdate, AFieldThatWentAwaySinceTheUploadIsARowError) {
  field("Score", "numerical");
  FieldService fields(db(), numbers_);
  before_apply = [&] {
    fields.remove(kHere, "Score", {"operator", "shell", "Test"}, test::kNow).value();
    before_apply = nullptr;
  };
  auto const ran = run_job({.header = {"Email", "Score_op", "Score", "First Name"},
                            .rows = {{email_of(1), "add", "1", "Ana"}, {email_of(1), "add", "", "Ana"}}});
  EXPECT_THAT(ran.outcomes, ElementsAre("failed Score:field_removed", "updated"));
  EXPECT_EQ(ran.messages(), "Score was removed after the upload.");
}

TEST_P(BulkUpdate, TheRowThatPassesTheLimitOfErrorsIsTheLast) {
  Cells const good{email_of(1), "1", "add"}, bad{email_of(1), "x", "add"};
  for (std::size_t const chunk : {1u, 2u, 100u}) {
    EXPECT_THAT(
        outcomes({.header = {"Email", "Coins", "Coins_op"}, .rows = {good, bad, good, bad, good, good}, .chunk = chunk, .max_errors = 1}),
        ElementsAre("updated", "failed Coins:not_a_number", "updated", "failed Coins:not_a_number"));
    EXPECT_THAT(outcomes({.header = {"Email", "Coins", "Coins_op"}, .rows = {good, bad, good}, .chunk = chunk, .max_errors = 0}),
                ElementsAre("updated", "failed Coins:not_a_number"));
  }
  EXPECT_EQ(balance(1), "9");
}

TEST_P(BulkUpdate, PremiumFilesChangeThePremiumCurrency) {
  EXPECT_THAT(outcomes({.kind = "bulk_update_premium_currency",
                        .header = {"Premium Currency_op", "Email", "Premium Currency"},
                        .rows = {{"add", email_of(1), "5"}, {"subtract", email_of(1), "6"}, {"overwrite", email_of(2), "0.5"}}}),
              ElementsAre("updated", "failed Premium Currency:insufficient_balance", "updated"));
  EXPECT_EQ(balance(1, 3), "5");
  EXPECT_EQ(balance(2, 3), "0.5");
}

}  // namespace
}  // namespace fealty::members
