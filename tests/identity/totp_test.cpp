#include "identity/totp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fealty::identity {
namespace {

constexpr char kSecret[] = "12345678901234567890";

// RFC 6238 appendix B, the last six of its eight digits.
TEST(Totp, GivesThePublishedCodes) {
  for (auto const& [seconds, code] : {std::pair<std::int64_t, char const*>{59, "287082"},
                                      {1111111109, "081804"},
                                      {1111111111, "050471"},
                                      {1234567890, "005924"},
                                      {2000000000, "279037"},
                                      {20000000000, "353130"}})
    EXPECT_EQ(totp_code(kSecret, seconds / 30), code) << seconds;
}

TEST(Totp, CodesCountOnceAndForTheirTime) {
  TimeMs const now = 1'111'111'109'000;
  std::int64_t const step = now / 30'000;
  EXPECT_EQ(totp_step(kSecret, "081804", now, 0), step);
  EXPECT_EQ(totp_step(kSecret, "081 804", now, 0), step);
  EXPECT_EQ(totp_step(kSecret, "081804", now + 30'000, 0), step);
  EXPECT_FALSE(totp_step(kSecret, "081804", now + 60'000, 0));
  EXPECT_FALSE(totp_step(kSecret, "081804", now, step));
  EXPECT_FALSE(totp_step(kSecret, "", now, 0));
  EXPECT_FALSE(totp_step(kSecret, "81804", now, 0));
}

TEST(RecoveryCodes, CountOnce) {
  auto const codes = new_recovery_codes();
  ASSERT_EQ(codes.size(), 10u);
  for (auto const& code : codes) EXPECT_THAT(code, testing::MatchesRegex("[A-Z2-7]{5}-[A-Z2-7]{5}"));
  auto const hashes = recovery_hashes(codes);
  std::string typed = codes[3];
  typed.erase(5, 1);
  for (char& c : typed) c = static_cast<char>(std::tolower(c));
  auto const left = without_recovery_code(hashes, typed);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->size(), hashes.size() - 32);
  EXPECT_FALSE(without_recovery_code(*left, codes[3]));
  EXPECT_TRUE(without_recovery_code(*left, codes[9]));
  EXPECT_FALSE(without_recovery_code(hashes, "AAAAA-AAAAA"));
  EXPECT_FALSE(without_recovery_code(hashes, ""));
}

}  // namespace
}  // namespace fealty::identity
