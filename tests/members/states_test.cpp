#include "members/states.h"

#include <gtest/gtest.h>

namespace fealty::members {
namespace {

constexpr TimeMs kNow = 1'000'000;

StateFacts in(MembershipState state) {
  StateFacts facts;
  facts.state = state;
  return facts;
}

TEST(States, ARestoredMemberIsWhatHeWas) {
  for (auto const state : {MembershipState::active, MembershipState::invited})
    for (auto const& facts : {in(state), suspended(in(state), kNow + 5), banned(in(state)), banned(suspended(in(state), kNow))})
      EXPECT_EQ(restored(deleted(facts, kNow)), facts);
}

TEST(States, APardonedMemberIsWhatHeWas) {
  for (auto const state : {MembershipState::active, MembershipState::invited}) {
    auto const facts = in(state);
    EXPECT_EQ(lifted(banned(facts)), facts);
    EXPECT_EQ(lifted(banned(suspended(facts, kNow))), facts);
    EXPECT_EQ(restored(*lifted(deleted(banned(facts), kNow))), facts);
    EXPECT_FALSE(lifted(facts));
    EXPECT_FALSE(lifted(deleted(facts, kNow)));
  }
}

TEST(States, ASuspensionEndsByItself) {
  auto const facts = suspended(in(MembershipState::invited), kNow);
  EXPECT_EQ(settled(facts, kNow - 1), facts);
  EXPECT_EQ(settled(facts, kNow), in(MembershipState::invited));
  EXPECT_EQ(settled(suspended(in(MembershipState::active), std::nullopt), kNow).state, MembershipState::suspended);
}

TEST(States, WhoLeftOrWasKickedComesBackAsInvited) {
  auto left = deleted(in(MembershipState::active), kNow);
  left.left_by_self = true;
  EXPECT_EQ(restored(left), in(MembershipState::invited));
  EXPECT_EQ(restored(kicked(in(MembershipState::active), kNow)), in(MembershipState::invited));
  auto const back = restored(kicked(banned(in(MembershipState::active)), kNow));
  EXPECT_EQ(back.state, MembershipState::banned);
  EXPECT_EQ(lifted(back), in(MembershipState::invited));
}

}  // namespace
}  // namespace fealty::members
