#include "jobs/node.h"

#include <gtest/gtest.h>

#include "support/database.h"
#include "support/ground.h"

namespace fealty::jobs {
namespace {

class Nodes : public test::DatabaseTest {
 protected:
  std::int64_t lease_left_ms(Node const& node) {
    return test::number(db(), "SELECT lease_until - {now_ms} FROM nodes WHERE node_id = " + std::to_string(node.number()));
  }
  // As kill -9 leaves it: its number is never given back.
  void leave_behind(std::int64_t lease_ms, int number) {
    test::run(db(), "INSERT INTO nodes (node_id, holder, lease_until) VALUES (" + std::to_string(number) + ", 'gone', {now_ms} + " +
                        std::to_string(lease_ms) + ")");
  }
  NumberSource numbers_{0};
};

TEST_P(Nodes, HaveNumbersOfTheirOwnWhileTheyLive) {
  Node const first(db(), numbers_);
  {
    Node const second(db(), numbers_);
    EXPECT_EQ((std::vector{first.number(), second.number()}), (std::vector{0, 1}));
    EXPECT_EQ(second.living(), 2);
  }
  EXPECT_EQ(Node(db(), numbers_).number(), 1);
}

TEST_P(Nodes, ThatAreAloneWriteNothingWhileTheyIdle) {
  Node node(db(), numbers_, Peers::none);
  test::run(db(), "UPDATE nodes SET lease_until = lease_until - 1000000");
  auto const before = lease_left_ms(node);
  EXPECT_TRUE(node.heartbeat());
  EXPECT_LE(lease_left_ms(node), before);
}

TEST_P(Nodes, ThatAreAloneTakeTheNumberOfTheKilledServerBeforeThem) {
  leave_behind(kLoneLeaseMs, 0);
  leave_behind(kLeaseMs / 2, 1);  // a command's, at work beside it
  Node const node(db(), numbers_, Peers::none);
  EXPECT_EQ(node.number(), 0);
  EXPECT_EQ(Node(db(), numbers_).number(), 2);
}

TEST_P(Nodes, WhoseLeaseEndedTakeAnotherNumber) {
  Node node(db(), numbers_);
  EXPECT_TRUE(node.heartbeat());
  test::run(db(), "UPDATE nodes SET lease_until = 1");
  Node const other(db(), numbers_);
  EXPECT_EQ(other.number(), 0);
  EXPECT_FALSE(node.heartbeat());
  EXPECT_EQ(node.number(), 1);
  EXPECT_TRUE(node.heartbeat());
}

FEALTY_ON_BOTH_ENGINES(Nodes);

}  // namespace
}  // namespace fealty::jobs
