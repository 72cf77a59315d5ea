#include "members/write_lanes.h"

#include <gtest/gtest.h>

#include <latch>

namespace fealty::members {
namespace {

constexpr CommunityNo kHere{1}, kElsewhere{2};

struct Small {
  std::string name;
  std::size_t heavy = 1;
  std::size_t weight() const { return heavy; }
};
using Lanes = WriteLanes<Small>;

// Rounds by the names of their tasks; those of `held` communities wait until they are let go.
class LanesTest : public ::testing::Test {
 protected:
  Lanes& make(Lanes::Settings settings) {
    settings.run = [this](CommunityNo community, Lanes::Tasks& tasks, Lane lane) {
      std::string round;
      for (auto const& t : tasks) round += t->name;
      std::unique_lock lock(mutex_);
      begun_.push_back(round);
      changed_.notify_all();
      changed_.wait(lock, [&] { return !held_.contains({community, lane}); });
    };
    settings.finish = [this](CommunityNo, Lanes::Tasks tasks) {
      std::lock_guard lock(mutex_);
      finished_ += tasks.size();
      changed_.notify_all();
    };
    lanes_ = std::make_unique<Lanes>(std::move(settings));
    return *lanes_;
  }
  bool add(std::string name, CommunityNo community = kHere, Lane lane = Lane::quick, std::size_t weight = 1) {
    auto task = std::make_unique<Small>(std::move(name), weight);
    bool const taken = lanes_->add(community, task, lane);
    EXPECT_EQ(taken, task == nullptr);
    return taken;
  }
  void hold(CommunityNo community, Lane lane) {
    std::lock_guard lock(mutex_);
    held_.insert({community, lane});
  }
  void let_go() {
    std::lock_guard lock(mutex_);
    held_.clear();
    changed_.notify_all();
  }
  void wait_for_rounds(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_.size() >= count; });
  }
  std::vector<std::string> end() {
    let_go();
    lanes_.reset();
    return begun_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::pair<CommunityNo, Lane>> held_;
  std::vector<std::string> begun_;
  std::size_t finished_ = 0;
  std::unique_ptr<Lanes> lanes_;
};

TEST_F(LanesTest, WhoComesDuringARoundIsInTheNextOneTogether) {
  make({});
  hold(kHere, Lane::quick);
  ASSERT_TRUE(add("a"));
  wait_for_rounds(1);
  for (auto const* name : {"b", "c", "d"}) ASSERT_TRUE(add(name));
  EXPECT_EQ(end(), (std::vector<std::string>{"a", "bcd"}));
  EXPECT_EQ(finished_, 4u) << "those who waited when it ended, too";
}

TEST_F(LanesTest, ARoundHasABoundButTakesAHeavyTaskAlone) {
  make({.weight_max = 3});
  hold(kHere, Lane::quick);
  ASSERT_TRUE(add("a"));
  wait_for_rounds(1);
  for (auto const* name : {"b", "c", "d", "e"}) ASSERT_TRUE(add(name));
  ASSERT_TRUE(add("f", kHere, Lane::quick, 9));
  ASSERT_TRUE(add("g"));
  EXPECT_EQ(end(), (std::vector<std::string>{"a", "bcd", "e", "f", "g"}));
}

TEST_F(LanesTest, OtherCommunitiesAndTheOtherLaneDoNotWait) {
  make({.threads = 2});
  hold(kHere, Lane::quick);
  hold(kHere, Lane::patient);
  ASSERT_TRUE(add("a"));
  ASSERT_TRUE(add("b", kHere, Lane::patient));
  wait_for_rounds(2);
  ASSERT_TRUE(add("c", kElsewhere));
  ASSERT_TRUE(add("d", kElsewhere, Lane::patient));
  wait_for_rounds(4);
  EXPECT_EQ(end().size(), 4u);
}

TEST_F(LanesTest, TooManyAreTurnedAway) {
  make({.waiting_max = 2});
  hold(kHere, Lane::quick);
  ASSERT_TRUE(add("a"));
  wait_for_rounds(1);
  EXPECT_TRUE(add("b"));
  EXPECT_TRUE(add("c"));
  EXPECT_FALSE(add("d"));
  EXPECT_TRUE(add("e", kHere, Lane::patient));
  end();
  EXPECT_EQ(finished_, 4u);
}

}  // namespace
}  // namespace fealty::members
