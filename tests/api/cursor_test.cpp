#include "api/cursor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fealty::api {
namespace {

using testing::ElementsAre;

constexpr TimeMs kNow = 1'775'552'400'000;

TEST(Cursor, GivesBackItsPlace) {
  CursorPlace const place{{-1, 0, 9'223'372'036'854'775'807}, std::string("ä\0|", 4)};
  auto const read = read_cursor("1:list", 3, write_cursor("1:list", place, kNow), kNow + kCursorLifeMs - 1);
  ASSERT_TRUE(read);
  EXPECT_THAT(read->numbers, ElementsAre(-1, 0, 9'223'372'036'854'775'807));
  EXPECT_EQ(read->text, place.text);
}

TEST(Cursor, BelongsToItsQuestionAndItsDay) {
  auto const cursor = write_cursor("1:list", {{7}}, kNow);
  EXPECT_TRUE(read_cursor("1:list", 1, cursor, kNow));
  EXPECT_FALSE(read_cursor("2:list", 1, cursor, kNow));
  EXPECT_FALSE(read_cursor("1:list", 1, cursor, kNow + kCursorLifeMs));
  EXPECT_FALSE(read_cursor("1:list", 2, cursor, kNow));
}

TEST(Cursor, IsNoneWhenAnyCharacterIsAnother) {
  auto const cursor = write_cursor("1:list", {{7, 8}, "mia"}, kNow);
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    auto broken = cursor;
    broken[i] = broken[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(read_cursor("1:list", 2, broken, kNow)) << i;
    EXPECT_FALSE(read_cursor("1:list", 2, cursor.substr(0, i), kNow)) << i;
  }
}

}  // namespace
}  // namespace fealty::api
