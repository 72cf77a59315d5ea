#include "members/history_check.h"

#include "bulk_harness.h"

namespace fealty::members {
namespace {

using testing::IsEmpty;

class HistoryChecks : public BulkTest {
 protected:
  std::vector<std::string> broken(std::size_t most = 100) {
    std::vector<std::string> out;
    for (auto const& b : db().read([&](sql::Tx& tx) { return audit_histories(tx, most); }))
      out.push_back(std::to_string(b.community.value) + "/" + std::to_string(b.member.value) + "/" + std::to_string(b.field.value) + " " +
                    b.what);
    return out;
  }
};
FEALTY_ON_BOTH_ENGINES(HistoryChecks);

TEST_P(HistoryChecks, FindEveryDamagedChain) {
  struct Case {
    char const* damage;
    char const* finding;
  };
  // Three changes of member 1's first name and one of member 2's. Items are told apart by their texts.
  Case const cases[] = {
      {"UPDATE field_history SET previous_id = (SELECT h.history_id FROM field_history h WHERE h.after_text = 'a') WHERE after_text = 'c'",
       "1/1/1 item * is followed by 2 items instead of one"},
      {"UPDATE field_history SET previous_id = 0 WHERE after_text = 'c'", "1/1/1 the beginning is followed by 2 items instead of one"},
      {"UPDATE field_history SET previous_id = 77 WHERE after_text = 'a'",
       "1/1/1 the beginning is on no chain: nothing follows it, and it is not the newest"},
      {"UPDATE field_history SET previous_id = 77 WHERE after_text = 'b'", "1/1/1 item * is named by another and is no item of this value"},
      {"DELETE FROM field_history WHERE after_text = 'b'", "1/1/1 item * is on no chain: nothing follows it, and it is not the newest"},
      {"DELETE FROM field_history WHERE after_text = 'c'", "1/1/1 item * is on no chain: nothing follows it, and it is not the newest"},
      {"DELETE FROM field_values WHERE member_id = 1", "1/1/1 has a history and no value that names its newest item"},
      {"UPDATE field_values SET history_id = (SELECT h.history_id FROM field_history h WHERE h.after_text = 'b') WHERE member_id = 1",
       "1/1/1 item * is followed by 2 items instead of one"},
      {"UPDATE field_history SET member_id = 2 WHERE after_text = 'a'", "1/1/1 "},
  };
  for (auto const& c : cases) {
    run_job({.header = {"Email", "First Name"},
             .rows = {{test::email_of(1), "a"}, {test::email_of(1), "b"}, {test::email_of(2), "z"}, {test::email_of(1), "c"}}});
    EXPECT_THAT(broken(), IsEmpty());
    test::run(db(), c.damage);
    auto found = broken();
    ASSERT_FALSE(found.empty()) << c.damage;
    if (auto const at = found[0].find("item "); at != std::string::npos && found[0].size() > at + 29) found[0].replace(at + 5, 24, "*");
    EXPECT_THAT(found[0], testing::StartsWith(c.finding)) << c.damage;
    EXPECT_EQ(broken(1).size(), 1u);
    TearDown();
    SetUp();
  }
}

}  // namespace
}  // namespace fealty::members
