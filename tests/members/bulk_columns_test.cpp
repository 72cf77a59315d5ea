#include "members/bulk_columns.h"

namespace fealty::members {
namespace {

using testing::ElementsAre;
using Header = std::vector<std::string>;
using enum BulkFlavour;

CustomField field(std::int64_t number, std::string name, FieldType type, std::string key = "") {
  CustomField f;
  f.number = {number};
  f.name = std::move(name);
  f.key = key.empty() ? f.name : std::move(key);
  f.type = type;
  return f;
}

Catalogue catalogue() {
  Catalogue c;
  c.currencies = {{ledger::kXp, "xp", "Points", "progress"},
                  {ledger::kCoins, "coins", "Taler", "spendable"},
                  {ledger::kPremium, "premium", "Gems", "spendable"}};
  c.fields = {field(101, "Deposit amount", FieldType::numerical, "deposit-amount"), field(102, "VIP", FieldType::boolean, "is_vip"),
              field(103, "#seat", FieldType::number), field(104, "Straße", FieldType::text)};
  return c;
}

std::string shown(Result<std::vector<jobs::Column>> const& result) {
  std::string out;
  if (result) {
    for (auto const& c : *result) out += (out.empty() ? "" : " ") + c.target;
    return out;
  }
  out = std::string(result.error().code()) + " " + std::to_string(result.error().status()) + ": " + result.error().message;
  for (auto const& i : result.error().issues) {
    out += "\n" + i.field + "@" + (i.position ? std::to_string(*i.position) : "-") + " " + i.code + ": " + i.message;
    for (auto const& s : i.suggestions) out += " [" + s + "]";
  }
  return out;
}

TEST(BulkColumns, EveryColumnHasItsMeaning) {
  struct Case {
    BulkFlavour flavour;
    Header header;
    char const* targets;
  };
  Case const cases[] = {
      {update, {"Email", "Coins", "Coins_op"}, "email currency:2 currency_op:2"},
      {update, {"Coins_op", "Coins", "User ID", "Username", "Email"}, "currency_op:2 currency:2 user_id username email"},
      {update,
       {"Email", "XP", "XP_op", "Premium Currency_op", "Premium Currency"},
       "email currency:1 currency_op:1 currency_op:3 currency:3"},
      {update,
       {"User ID", "First Name", "Last Name", "Display Name", "Phone", "Country", "Language", "Role", "Tag"},
       "user_id profile:1 profile:2 profile:3 profile:4 profile:5 profile:6 role tag"},
      {update, {"Email", "Deposit amount"}, "email field:101"},
      {update, {"Email", "Deposit amount_op", "Deposit amount", "VIP"}, "email field_op:101 field:101 field:102"},
      {update, {"Email", "#note", "VIP", "#"}, "email - field:102 -"},
      {update, {"Email", "#seat"}, "email field:103"},
      {update, {"Email", "#seat", "#seat_op"}, "email field:103 field_op:103"},
      {update, {"Email", "Straße"}, "email field:104"},
      {update, {"Email", "VIP", "status", "error_code", "error_message"}, "email field:102 - - -"},
      {premium, {"Premium Currency_op", "Email", "Premium Currency"}, "currency_op:3 email currency:3"},
      {premium, {"Email", "Premium Currency", "Premium Currency_op", "#mine"}, "email currency:3 currency_op:3 -"},
      {premium,
       {"Email", "Premium Currency", "Premium Currency_op", "status", "error_code", "error_message"},
       "email currency:3 currency_op:3 - - -"},
      {import, {"First Name", "Last Name", "Username", "Email"}, "profile:1 profile:2 username email"},
      {import, {"Email"}, "email"},
      {import, {"Email", "Coins", "Coins_op", "VIP"}, "email currency:2 currency_op:2 field:102"},
  };
  for (auto const& c : cases) EXPECT_EQ(shown(bind_columns(c.flavour, catalogue(), c.header)), c.targets);
}

TEST(BulkColumns, EveryHeaderProblemHasItsCodeAndWords) {
  struct Case {
    BulkFlavour flavour;
    Header header;
    char const* problems;
  };
  Case const cases[] = {
      {update,
       {"Coins", "Coins_op"},
       "missing_key_column 400: The file needs a column that names the member: Email, User ID or Username.\n"
       "@- missing_key_column: The file needs a column that names the member: Email, User ID or Username."},
      {import,
       {"Username", "First Name"},
       "missing_key_column 400: The file needs the column Email.\n@- missing_key_column: The file needs the column Email."},
      {premium,
       {"Premium Currency", "Premium Currency_op"},
       "missing_key_column 400: The file needs the column Email.\n@- missing_key_column: The file needs the column Email."},
      {update,
       {"Email", "User ID", "Username", "#note"},
       "nothing_to_update 400: This file only names members: add a column with something to change, such as Coins and Coins_op.\n"
       "@- nothing_to_update: There is no column to change."},
      {update,
       {"Email", "VIP", "Coin", "Color"},
       "invalid_header 400: 2 columns of this file are not right.\n"
       "Coin@3 unknown_column: There is no column Coin. Did you mean Coins? [Coins]\n"
       "Color@4 unknown_column: There is no column Color."},
      {update,
       {"Email", "coins"},
       "invalid_header 400: 1 column of this file is not right.\ncoins@2 unknown_column: There is no column coins. Did you mean Coins? "
       "[Coins]"},
      {update,
       {"email", "VIP"},
       "missing_key_column 400: 1 column of this file is not right.\n"
       "@- missing_key_column: The file needs a column that names the member: Email, User ID or Username.\n"
       "email@1 unknown_column: There is no column email. Did you mean Email? [Email]"},
      {update,
       {"Email", "first-name", "LastName"},
       "invalid_header 400: 2 columns of this file are not right.\n"
       "first-name@2 unknown_column: There is no column first-name. Did you mean First Name? [First Name]\n"
       "LastName@3 unknown_column: There is no column LastName. Did you mean Last Name? [Last Name]"},
      {update,
       {"Email", "is_vip"},
       "invalid_header 400: 1 column of this file is not right.\nis_vip@2 unknown_column: There is no column is_vip. Did you mean VIP? "
       "[VIP]"},
      {update,
       {"Email", "Nothing alike"},
       "invalid_header 400: 1 column of this file is not right.\nNothing alike@2 unknown_column: There is no column Nothing alike."},
      {update,
       {"Email", "Taler", "Taler_op"},
       "invalid_header 400: 2 columns of this file are not right.\nTaler@2 unknown_column: There is no column Taler.\n"
       "Taler_op@3 unknown_column: There is no column Taler_op."},
      {premium,
       {"Email", "Premium Currency", "Premium Currency_op", "Coins"},
       "invalid_header 400: 1 column of this file is not right.\n"
       "Coins@4 unexpected_column: This upload takes the columns Email, Premium Currency and Premium Currency_op only; remove Coins."},
      {premium,
       {"Email", "Premium Currency"},
       "invalid_header 400: 1 column of this file is not right.\nPremium Currency_op@- missing_column: The column Premium Currency_op is "
       "missing."},
      {premium,
       {"Email"},
       "invalid_header 400: 2 columns of this file are not right.\nPremium Currency@- missing_column: The column Premium Currency is "
       "missing.\n"
       "Premium Currency_op@- missing_column: The column Premium Currency_op is missing."},
      {import,
       {"Email", "User ID"},
       "invalid_header 400: 1 column of this file is not right.\nUser ID@2 unexpected_column: An import names people by Email; remove the "
       "column User ID."},
      {update,
       {"Email", "VIP", "Email", "VIP"},
       "invalid_header 400: 2 columns of this file are not right.\n"
       "Email@3 duplicate_column: The column Email stands at position 1 and again at 3; remove one.\n"
       "VIP@4 duplicate_column: The column VIP stands at position 2 and again at 4; remove one."},
      {update,
       {"Email", "", "VIP", ""},
       "invalid_header 400: 2 columns of this file are not right.\n@2 empty_column_name: Column 2 has no name: name it, or delete the "
       "column.\n"
       "@4 empty_column_name: Column 4 has no name: name it, or delete the column."},
      {update,
       {"Email", "Coins", "XP", "Premium Currency"},
       "invalid_header 400: 3 columns of this file are not right.\n"
       "XP_op@- operator_column_missing: XP needs the column XP_op beside it, with add, subtract or overwrite.\n"
       "Coins_op@- operator_column_missing: Coins needs the column Coins_op beside it, with add, subtract or overwrite.\n"
       "Premium Currency_op@- operator_column_missing: Premium Currency needs the column Premium Currency_op beside it, with add, subtract "
       "or overwrite."},
      {update,
       {"Email", "Coins_op", "Deposit amount_op"},
       "invalid_header 400: 2 columns of this file are not right.\n"
       "Coins_op@2 operator_without_value: There is an operator column Coins_op but no column Coins.\n"
       "Deposit amount_op@3 operator_without_value: There is an operator column Deposit amount_op but no column Deposit amount."},
      {update,
       {"Email", "VIP", "VIP_op", "First Name_op", "Email_op"},
       "invalid_header 400: 3 columns of this file are not right.\n"
       "VIP_op@3 operator_not_allowed: VIP is not a number, so it takes no operator; remove the column VIP_op.\n"
       "First Name_op@4 operator_not_allowed: First Name is not a number, so it takes no operator; remove the column First Name_op.\n"
       "Email_op@5 operator_not_allowed: Email is not a number, so it takes no operator; remove the column Email_op."},
      {update,
       {"Email", "status", "VIP"},
       "invalid_header 400: 1 column of this file is not right.\nstatus@2 unknown_column: There is no column status."},
      {update,
       {"Email", "coins_OP", "Coins", "Coins_op"},
       "invalid_header 400: 1 column of this file is not right.\ncoins_OP@2 unknown_column: There is no column coins_OP. Did you mean "
       "Coins_op? [Coins_op]"},
  };
  for (auto const& c : cases) EXPECT_EQ(shown(bind_columns(c.flavour, catalogue(), c.header)), c.problems);
}

TEST(BulkColumns, WhoMayOnlyAddPeopleIsTakenTheirNamesContactAndLanguageAndToldNothingElse) {
  auto const bound = [](Header const& header) { return shown(bind_columns(import, catalogue(), header, true)); };
  EXPECT_EQ(bound({"First Name", "Last Name", "Username", "Email", "Phone", "Country", "Language", "#note", "status", "error_code",
                   "error_message"}),
            "profile:1 profile:2 username email profile:4 profile:5 profile:6 - - - -");
  std::string const rest =
      "An import without key takes the columns First Name, Last Name, Username, Email, Phone, Country, Language only; remove ";
  // A field of the community is answered as one that it does not have.
  for (std::string const name : {"Role", "Tag", "Display Name", "XP", "Coins_op", "User ID", "VIP", "Straße", "Nothing", "First Name_op"})
    EXPECT_EQ(bound({"Email", name}),
              "invalid_header 400: 1 column of this file is not right.\n" + name + "@2 unexpected_column: " + rest + name + ".")
        << name;
  EXPECT_EQ(bound({"email", "is_vip", "#seat"}),
            "missing_key_column 400: 2 columns of this file are not right.\n"
            "@- missing_key_column: The file needs the column Email.\n"
            "email@1 unknown_column: There is no column email. Did you mean Email? [Email]\n"
            "is_vip@2 unexpected_column: " +
                rest + "is_vip.");
}

TEST(BulkColumns, EveryTemplateBinds) {
  EXPECT_THAT(template_columns(premium, catalogue()), ElementsAre("Email", "Premium Currency", "Premium Currency_op"));
  EXPECT_THAT(template_columns(import, catalogue()),
              ElementsAre("First Name", "Last Name", "Username", "Email", "Phone", "Country", "Language", "Role", "Tag"));
  EXPECT_THAT(template_columns(update, catalogue()),
              ElementsAre("Email", "First Name", "Last Name", "Display Name", "Phone", "Country", "Language", "Role", "Tag", "XP_op", "XP",
                          "Coins_op", "Coins", "Premium Currency_op", "Premium Currency", "Deposit amount_op", "Deposit amount", "VIP",
                          "#seat_op", "#seat", "Straße"));
  for (auto const flavour : {update, premium, import}) {
    auto const columns = template_columns(flavour, catalogue());
    auto const bound = bind_columns(flavour, catalogue(), columns);
    ASSERT_TRUE(bound) << shown(bound);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      EXPECT_EQ((*bound)[i].name, columns[i]);
      EXPECT_NE((*bound)[i].target, "-") << columns[i];
    }
    auto const known = known_columns(flavour, catalogue());
    for (auto const& column : columns) EXPECT_THAT(known, testing::Contains(column));
  }
}

TEST(BulkColumns, ABindingIsReadBackWhateverBecameOfTheFieldsSince) {
  auto const columns =
      *bind_columns(update, catalogue(), Header{"Deposit amount_op", "Email", "Deposit amount", "VIP", "Coins", "Coins_op", "#x"});
  auto now = catalogue();
  now.fields[0].name = "Renamed";
  auto const bound = resolve_columns(columns, now);
  ASSERT_EQ(bound.slots.size(), 3u);
  EXPECT_EQ(bound.slots[0].name, "Deposit amount") << "messages name the column of the file";
  EXPECT_EQ(bound.slots[0].field, FieldNo{101});
  EXPECT_EQ(bound.slots[1].field, FieldNo{102});
  EXPECT_EQ(bound.slots[2].currency.number, ledger::kCoins);
  EXPECT_THAT(bound.value_column, ElementsAre(2u, 3u, 4u));
  EXPECT_THAT(bound.op_column, ElementsAre(0u, BoundColumns::npos, 5u));
  EXPECT_EQ(bound.columns[1].role, BoundColumn::Role::email);
  EXPECT_EQ(bound.columns[6].role, BoundColumn::Role::ignored);
  for (auto const& c : bound.columns) EXPECT_FALSE(c.removed);

  // A new field of the same name is another field.
  now.fields = {field(201, "Deposit amount", FieldType::numerical), field(202, "VIP", FieldType::boolean)};
  auto const later = resolve_columns(columns, now);
  EXPECT_TRUE(later.columns[2].removed);
  EXPECT_TRUE(later.columns[3].removed);
  EXPECT_FALSE(later.columns[4].removed);
}

}  // namespace
}  // namespace fealty::members
