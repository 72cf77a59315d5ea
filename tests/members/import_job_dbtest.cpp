// Whole imports, chunk by chunk: the look-ups of a chunk are made while the one before it is written.
#include "revert_machine.h"

namespace fealty::members {
namespace {

class ImportJob : public RevertTest {
 protected:
  static constexpr int kChunk = 50;
  void SetUp() override {
    limits_.bulk_chunk_rows_max = kChunk;
    RevertTest::SetUp();
  }
  static std::string line(std::string const& first, int person, std::string const& username) {
    return first + ",Last," + username + ",p" + std::to_string(person) + "@example.org\r\n";
  }
  static std::string header() { return "First Name,Last Name,Username,Email\r\n"; }
};
FEALTY_ON_BOTH_ENGINES(ImportJob);

TEST_P(ImportJob, APersonInTwoChunksIsMadeOnce) {
  std::string csv = header();
  for (int chunk = 0; chunk < 4; ++chunk)
    for (int i = 0; i < kChunk; ++i) csv += line("Name" + std::to_string(chunk / 2), i, "fresh" + std::to_string(i));
  auto const id = import(csv);
  // The second chunk says what is there, the third another name, and the fourth that one again.
  EXPECT_EQ(counters(id), "completed 50/100/50/0 of 200");
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM memberships WHERE first_name = 'Name1'"), kChunk);
}

TEST_P(ImportJob, AUsernameOfTheChunkBeforeIsTaken) {
  std::string csv = header();
  for (int chunk = 0; chunk < 3; ++chunk)
    for (int i = 0; i < kChunk; ++i) {
      int const person = chunk * kChunk + i;
      csv += line("Name", person, "fresh" + std::to_string(chunk == 1 && i % 10 == 0 ? i : person));
    }
  auto const id = import(csv);
  EXPECT_EQ(counters(id), "completed 0/0/145/5 of 150");
  EXPECT_THAT(outcomes_of(id), testing::Contains("52 failed Username:username_taken"));
}

TEST_P(ImportJob, OnePersonInEveryChunkAmongNewOnes) {
  std::string csv = header();
  for (int chunk = 0; chunk < 6; ++chunk)
    for (int i = 0; i < kChunk; ++i)
      csv += i == 7 ? line("Same" + std::to_string(chunk), 10'000, "same")
                    : line("Name", chunk * kChunk + i, "fresh" + std::to_string(chunk * kChunk + i));
  auto const id = import(csv);
  EXPECT_EQ(counters(id), "completed 5/0/295/0 of 300");
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM memberships WHERE first_name = 'Same5'"), 1);
}

}  // namespace
}  // namespace fealty::members
