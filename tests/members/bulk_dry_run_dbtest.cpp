#include <filesystem>

#include "bulk_harness.h"

namespace fealty::members {
namespace {

using test::email_of;
using testing::IsEmpty;

class DryRuns : public BulkTest {
 protected:
  std::string without_ids(std::string text) {
    for (auto at = text.find("\"entry_id\":\""); at != std::string::npos; at = text.find("\"entry_id\":\""))
      text.replace(at, 37, "\"entry_id\":null");
    return text;
  }
  // A dry run in chunks of any size changes nothing and tells every row of the real run that follows.
  void expect_predicted(Job job, std::size_t real_chunk = 3) {
    auto const before = test::dump(db());
    std::vector<Ran> told;
    for (std::size_t chunk = 1; chunk <= job.rows.size() + 1; ++chunk) {
      job.dry_run = true;
      job.chunk = chunk;
      told.push_back(run_job(job));
    }
    EXPECT_EQ(test::dump(db()), before) << "a dry run wrote something";
    EXPECT_TRUE(std::filesystem::is_empty(scratch_.path())) << "a dry run left its memory behind";
    job.dry_run = false;
    job.chunk = real_chunk;
    auto const real = run_job(job);
    for (std::size_t t = 0; t < told.size(); ++t) {
      EXPECT_EQ(told[t].outcomes, real.outcomes) << "chunks of " << t + 1;
      EXPECT_EQ(told[t].messages(), real.messages()) << "chunks of " << t + 1;
      for (std::size_t i = 0; i < real.changes.size() && i < told[t].changes.size(); ++i)
        EXPECT_EQ(told[t].changes[i], without_ids(real.changes[i])) << "chunks of " << t + 1 << ", row " << i + 2;
    }
    EXPECT_THAT(mismatches(), IsEmpty());
  }
};
FEALTY_ON_BOTH_ENGINES(DryRuns);

TEST_P(DryRuns, PredictEveryRowOfAnUpdateAndChangeNothing) {
  field("Score", "numerical", {.default_value = "10"});
  field("Plan", "select", {.options = {"Free", "Pro"}});
  field("Note", "multi-line-text");
  field("Card", "text", {.identifier = true});
  field("Seat", "number", {.identifier = true});
  FieldService fields(db(), numbers_);
  access::Actor const actor{"operator", "shell", "Test"};
  fields.create_role(kHere, "Editor", actor, test::kNow).value();
  fields.create_tag(kHere, "red", actor, test::kNow).value();
  fields.create_tag(kHere, "blue", actor, test::kNow).value();
  run_job({.header = {"Email", "Coins", "Coins_op", "Card"}, .rows = {{email_of(1), "100", "add", "A"}, {email_of(2), "1", "add", "B"}}});
  Cells const header{"Email", "Coins", "Coins_op", "Score", "Score_op", "Plan",        "Note",
                     "Card",  "Seat",  "Seat_op",  "Role",  "Tag",      "Display Name"};
  expect_predicted({.header = header,
                    .rows = {
                        {email_of(1), "60", "subtract", "1", "add", "Pro", "a\nb", "", "5", "overwrite", "Editor", "red,blue", "One"},
                        {email_of(1), "60", "subtract", "", "", "", "", "", "", "", "", "", ""},
                        {email_of(1), "40", "subtract", "11", "overwrite", "Pro", "", "C", "1", "add", "", "red", "One"},
                        {email_of(2), "", "", "", "", "<clear>", "<clear>", "A", "6", "overwrite", "<clear>", "", ""},
                        {email_of(2), "", "", "", "", "", "", "A", "4", "overwrite", "", "", ""},
                        {email_of(3), "", "", "", "", "", "", "C", "", "", "", "", ""},
                        {email_of(3), "", "", "", "", "", "", "B", "2", "overwrite", "", "", ""},
                        {email_of(3), "", "", "", "", "", "", "", "2", "add", "", "", ""},
                        {email_of(1), "", "", "", "", "", "", "<clear>", "", "", "", "", ""},
                        {email_of(3), "", "", "", "", "", "", "C", "", "", "", "", ""},
                        {email_of(9), "1", "add", "", "", "", "", "", "", "", "Editor", "", ""},
                        {"nobody@example.org", "x", "add", "", "", "", "", "", "", "", "", "", ""},
                        {email_of(1), "0", "overwrite", "11.0", "overwrite", "Free", "", "", "", "", "", "<clear>", "Two"},
                        {"short"},
                    }});
}

TEST_P(DryRuns, PredictEveryRowOfAnImportAndChangeNothing) {
  test::add_account(db(), 30, 0);
  test::add_account(db(), 31, 1);
  expect_predicted({.kind = "bulk_import",
                    .header = {"First Name", "Last Name", "Username", "Email", "Display Name", "Premium Currency", "Premium Currency_op"},
                    .rows = {
                        {"A", "B", "newone", "new@example.org", "", "5", "add"},
                        {"A", "B", "newone", "new@example.org", "A", "2", "subtract"},
                        {"A", "B", "newone", "new2@example.org", "", "", ""},
                        {"A", "B", "new.two", "new2@example.org", "Second", "", ""},
                        {"C", "", "", "new2@example.org", "Second", "9", "subtract"},
                        {"C", "", "", email_of(30), "", "1", "add"},
                        {"C", "", "nope", email_of(30), "", "1", "add"},
                        {"C", "", "", email_of(30), "C", "1", "subtract"},
                        {"C", "", "", email_of(31), "", "", ""},
                        {"C", "", "", email_of(31), "", "1", "add"},
                        {"D", "", "", email_of(1), "Member 1", "1", "overwrite"},
                        {"", "", "", "new3@example.org", "", "", ""},
                    }});
}

TEST_P(DryRuns, StopAtTheSameRow) {
  for (auto const chunk : {1u, 2u, 9u}) {
    Job job{.header = {"Email", "Coins", "Coins_op"},
            .rows = {{email_of(1), "1", "add"}, {email_of(1), "x", "add"}, {email_of(1), "2", "subtract"}, {email_of(1), "1", "add"}},
            .dry_run = true,
            .chunk = chunk,
            .max_errors = 1};
    EXPECT_EQ(run_job(job).outcomes.size(), 3u) << chunk;
  }
  EXPECT_EQ(balance(1), "0");
}

}  // namespace
}  // namespace fealty::members
