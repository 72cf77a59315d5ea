#include "members/history_upkeep.h"

#include "base/zone.h"
#include "histories_harness.h"
#include "members/erasure.h"
#include "members/history_removal_store.h"

namespace fealty::members {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class HistoriesInTime : public HistoriesTest {
 protected:
  void days_later(std::int64_t days) { ahead_ms_ += days * kDayMs; }
  void night() { ASSERT_TRUE(upkeep_->cut_histories()); }
  Reply settings(std::string const& body) { return call_as(person(2), "user_field_settings.update", {}, body); }
  std::int64_t count(std::string const& table) { return test::number(db(), "SELECT count(*) FROM " + table); }
  // As if the job's files and rows had been erased.
  void forget_results() { test::run(db(), "UPDATE bulk_jobs SET file_key = '', expires_at = 1"); }
};
FEALTY_ON_BOTH_ENGINES(HistoriesInTime);

TEST_P(HistoriesInTime, LoseWhatIsTooOldButNeverTheNewestItem) {
  auto const score = field("Score", "number"), note = field("Note", "text");
  for (int i = 1; i <= 5; ++i) set(1, "score", std::to_string(i));
  set(1, "note", R"("once")");
  set(2, "score", "7");
  auto const sources = count("change_sources");
  days_later(364);
  night();
  EXPECT_THAT(all(), SizeIs(7));
  days_later(2);
  night();
  EXPECT_THAT(of_value(1, score), ElementsAre(testing::Field(&Item::after, "5")));
  EXPECT_THAT(of_value(1, note), SizeIs(1));
  EXPECT_THAT(of_value(2, score), SizeIs(1));
  EXPECT_THAT(all(), SizeIs(3));
  // The sources of single changes go with their last items.
  EXPECT_EQ(count("change_sources"), sources - 4);
  expect_sound();
  // What is written since stands on what is left.
  set(1, "score", "6");
  EXPECT_EQ(of_value(1, score).back().before, "5");
  expect_sound();
}

TEST_P(HistoriesInTime, AreLookedAfterOnceANightAndAtTheStartIfItWasMissed) {
  field("Score", "number");
  set(1, "score", "1");
  set(1, "score", "2");
  auto const cut_at = [&] { return test::number(db(), "SELECT history_cut_at FROM communities WHERE community_id = 1"); };
  night();
  auto const first = cut_at();
  EXPECT_GT(first, 0);
  ahead_ms_ += 1'000;
  if (last_night("UTC", system_now() + ahead_ms_) < first) {
    night();
    EXPECT_EQ(cut_at(), first);
  }
  days_later(1);
  night();
  EXPECT_GT(cut_at(), first);
  // Two o'clock by the clocks of the community.
  EXPECT_EQ(to_iso(last_night("UTC", *parse_iso("2026-04-07T02:00:00Z"))), "2026-04-07T02:00:00.000Z");
  EXPECT_EQ(to_iso(last_night("UTC", *parse_iso("2026-04-07T01:59:59Z"))), "2026-04-06T02:00:00.000Z");
  EXPECT_EQ(to_iso(last_night("Asia/Singapore", *parse_iso("2026-04-07T09:00:00Z"))), "2026-04-06T18:00:00.000Z");
}

TEST_P(HistoriesInTime, KeepWhatAJobWroteAsLongAsItsResultsAreKept) {
  auto const score = field("Score", "number");
  set(1, "score", "1");
  auto const job = update("Email,Score,Score_op\r\n" + test::email_of(1) + ",10,add\r\n" + test::email_of(2) + ",3,add\r\n");
  set(1, "score", "20");
  set(1, "score", "21");
  days_later(400);
  night();
  // Nothing behind the job's item either: a chain loses its beginning alone.
  EXPECT_THAT(of_value(1, score), SizeIs(3));
  EXPECT_EQ(details(job).at(0).status, "updated");
  expect_sound();
  forget_results();
  days_later(1);
  night();
  EXPECT_THAT(of_value(1, score), ElementsAre(testing::Field(&Item::after, "21")));
  EXPECT_THAT(of_value(2, score), SizeIs(1));
  expect_sound();
}

TEST_P(HistoriesInTime, OfManyItemsGoInBatchesAndMayStopAnywhere) {
  auto const score = field("Score", "number");
  std::string csv = "Email,Score,Score_op\r\n";
  for (int row = 0; row < 2'600; ++row) csv += test::email_of(1 + row % 5) + ",1,add\r\n";
  update(csv);
  forget_results();
  days_later(366);
  EXPECT_THAT(all(), SizeIs(2'600));
  // A node that is told to stop leaves the rest to the next night's start.
  HistoryUpkeep stopped(db(), numbers_, [this] { return system_now() + ahead_ms_; });
  stopped.stop();
  EXPECT_FALSE(stopped.cut_histories());
  auto const left = count("field_history");
  EXPECT_EQ(left, 1'600);
  EXPECT_THAT(all(), SizeIs(1'600));
  expect_sound();
  // Two nodes at once remove everything once.
  HistoryUpkeep other(db(), numbers_, [this] { return system_now() + ahead_ms_; });
  std::thread thread([&] { EXPECT_TRUE(other.cut_histories()); });
  night();
  thread.join();
  EXPECT_THAT(all(), SizeIs(5));
  for (int member = 1; member <= 5; ++member) EXPECT_THAT(of_value(member, score), ElementsAre(testing::Field(&Item::after, "520")));
  expect_sound();
}

TEST_P(HistoriesInTime, StayBrokenWhereTheyAreBroken) {
  field("Score", "number");
  for (int i = 1; i <= 6; ++i) set(1, "score", std::to_string(i));
  days_later(366);
  night();
  // A year later the numbers are others, too.
  NumberSource later(1, [this] { return system_now() + ahead_ms_; });
  histories_ = std::make_unique<HistoriesService>(db(), later);
  for (int i = 7; i <= 9; ++i) set(1, "score", std::to_string(i));
  expect_sound();
  auto const broken = [&] { return db().read([](sql::Tx& tx) { return audit_histories(tx, 10); }).size(); };
  auto const before = test::text(db(), "SELECT CAST(previous_id AS TEXT) FROM field_history WHERE after_number = 8000000");
  // A hole in the middle, and a beginning that no retention took.
  test::run(db(), "UPDATE field_history SET previous_id = 77 WHERE after_number = 8000000");
  EXPECT_EQ(broken(), 1u);
  test::run(db(), "UPDATE field_history SET previous_id = " + before + " WHERE after_number = 8000000");
  EXPECT_EQ(broken(), 0u);
  test::run(db(), "DELETE FROM field_history WHERE after_number = 6000000");
  EXPECT_EQ(broken(), 0u);  // as old as what was removed in the night: nothing tells the difference
  test::run(db(), "DELETE FROM field_history WHERE after_number = 7000000");
  EXPECT_EQ(broken(), 1u);
  EXPECT_FALSE(db().read([](sql::Tx& tx) { return audit_history_spans(tx, 10); }).empty());
}

TEST_P(HistoriesInTime, HaveARetentionThatOwnersAndAdministratorsSet) {
  EXPECT_EQ(call_as(person(2), "user_field_settings.get", {}).at("/data"), R"({"historyRetentionDays":365})");
  EXPECT_EQ(settings(R"({"historyRetentionDays":6})").status, 400);
  EXPECT_EQ(settings(R"({"historyRetentionDays":3651})").status, 400);
  EXPECT_EQ(settings(R"({})").status, 400);
  EXPECT_EQ(settings(R"({"historyRetentionDays":30})").code(), "confirmation_required");
  EXPECT_EQ(settings(R"({"historyRetentionDays":3650})").status, 200);
  EXPECT_EQ(settings(R"({"historyRetentionDays":0})").status, 200);
  EXPECT_EQ(settings(R"({"historyRetentionDays":3650})").code(), "confirmation_required");
  EXPECT_EQ(settings(R"({"historyRetentionDays":30,"confirm":true})").at("/data"), R"({"historyRetentionDays":30})");
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'field.settings'"), 3);

  field("Score", "number");
  set(1, "score", "1");
  set(1, "score", "2");
  days_later(31);
  EXPECT_EQ(settings(R"({"historyRetentionDays":0})").status, 200);
  night();
  EXPECT_THAT(all(), SizeIs(2));
  EXPECT_EQ(settings(R"({"historyRetentionDays":30,"confirm":true})").status, 200);
  days_later(1);
  night();
  EXPECT_THAT(all(), SizeIs(1));
}

TEST_P(HistoriesInTime, OfADeletedFieldComeBackWithIt) {
  auto const code = field("Code", "text", {.identifier = true});
  set(1, "code", R"("a")");
  set(1, "code", R"("b")");
  set(2, "code", R"("c")");
  EXPECT_EQ(call("user_fields.restore", {id_of(code)}).status, 404);
  auto const before = test::dump(db(), {"audit_entries", "fields"});
  ASSERT_EQ(call("user_fields.delete", {id_of(code)}).status, 200);
  EXPECT_EQ(count("identifier_values"), 0);
  days_later(29);
  ASSERT_TRUE(upkeep_->purge_fields());
  auto const back = call("user_fields.restore", {id_of(code)});
  EXPECT_EQ(back.status, 200) << back.body;
  EXPECT_EQ(back.text("/data/_id"), id_of(code));
  EXPECT_EQ(test::dump(db(), {"audit_entries", "fields"}), before);
  EXPECT_EQ(set(2, "code", R"("b")").code(), "identifier_taken");
  EXPECT_THAT(of_value(1, code), SizeIs(2));

  // Its name may be another field's by then.
  ASSERT_EQ(call("user_fields.delete", {id_of(code)}).status, 200);
  auto const other = call("user_fields.create", {}, R"({"name":"CODE","type":"text"})");
  ASSERT_EQ(other.status, 201);
  EXPECT_EQ(call("user_fields.restore", {id_of(code)}).code(), "field_exists");
  ASSERT_EQ(call("user_fields.delete", {other.text("/data/_id")}).status, 200);
  EXPECT_EQ(call("user_fields.restore", {id_of(code)}).status, 200);
  expect_sound();
}

TEST_P(HistoriesInTime, OfAFieldThatWasDeletedLongAgoGoWithIt) {
  auto const score = field("Score", "number"), note = field("Note", "text");
  std::string csv = "Email,Score,Score_op,Note\r\n";
  for (int row = 0; row < 1'500; ++row) csv += test::email_of(1 + row % 5) + ",1,add,n" + std::to_string(row) + "\r\n";
  update(csv);
  ASSERT_EQ(call("user_fields.delete", {id_of(score)}).status, 200);
  days_later(31);
  EXPECT_EQ(call("user_fields.restore", {id_of(score)}).code(), "field_not_found");
  HistoryUpkeep stopped(db(), numbers_, [this] { return system_now() + ahead_ms_; });
  stopped.stop();
  EXPECT_FALSE(stopped.purge_fields());
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM field_history WHERE field_id = " + std::to_string(score.number.value)), 500);
  ASSERT_TRUE(upkeep_->purge_fields());
  for (std::string const table :
       {"field_history", "field_values", "history_spans_of_fields", "history_totals", "fields", "identifier_values"})
    EXPECT_EQ(test::number(db(), "SELECT count(*) FROM " + table + " WHERE field_id = " + std::to_string(score.number.value)), 0) << table;
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'field.purge'"), 1);
  EXPECT_THAT(all(), SizeIs(1'500));
  EXPECT_THAT(walk("user_field_histories.of_field", {id_of(note)}), SizeIs(1'500));
  ASSERT_TRUE(upkeep_->purge_fields());
  expect_sound();
}

TEST_P(HistoriesInTime, OfAMemberGoWhenHeIsErased) {
  auto const score = field("Score", "number");
  for (int i = 1; i <= 3; ++i) {
    set(1, "score", std::to_string(i));
    set(2, "score", std::to_string(i));
  }
  update("Email,Score,Score_op,First Name\r\n" + test::email_of(1) + ",1,add,Ana\r\n");
  test::run(db(), "UPDATE memberships SET state = 4, deleted_at = 1 WHERE community_id = 1 AND member_id = 1");
  test::TemporaryFolder folder;
  AvatarFiles pictures(folder.file("avatars"));
  Erasure erasure(db(), numbers_, pictures, [] { return system_now(); });
  EXPECT_EQ(erasure.erase_due(), 1);
  for (std::string const table : {"field_history", "field_values", "history_spans_of_members"})
    EXPECT_EQ(test::number(db(), "SELECT count(*) FROM " + table + " WHERE member_id = 1"), 0) << table;
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM change_sources WHERE history_items IS NOT NULL"), 3);
  EXPECT_THAT(walk("user_field_histories.of_field", {id_of(score)}), SizeIs(3));
  expect_sound();
}

TEST_P(HistoriesInTime, OfPeopleWhoNeverWereGoWithTheResultsOfTheirJob) {
  auto const note = field("Note", "text");
  auto const people =
      std::string("First Name,Last Name,Username,Email,Note\r\nAna,Silva,ana,ana@example.org,new\r\nBob,Li,bob,bob@example.org,new\r\n");
  auto const job = import(people);
  EXPECT_THAT(all(), SizeIs(6));
  revert(job);
  EXPECT_THAT(all(), IsEmpty());
  ASSERT_TRUE(upkeep_->remove_leftovers());
  EXPECT_GT(count("field_history"), 0);  // the results of the two jobs tell them
  EXPECT_EQ(details(job).at(0).status, "created");
  // One of them comes back, and goes on with what was his.
  auto const again = import("First Name,Last Name,Username,Email,Note\r\nBob,Li,bob,bob@example.org,back\r\n");
  EXPECT_EQ(counters(again), "completed 0/0/1/0 of 1");
  forget_results();
  ASSERT_TRUE(upkeep_->remove_leftovers());
  EXPECT_EQ(count("history_leftovers"), 0);
  auto const items = all();
  EXPECT_FALSE(items.empty());
  auto const bo = items.front().user;
  EXPECT_TRUE(std::all_of(items.begin(), items.end(), [&](Item const& i) { return i.user == bo; }));
  EXPECT_EQ(test::number(db(), "SELECT count(DISTINCT member_id) FROM field_history"), 1);
  expect_sound();
}

// Two nodes wrote at the same moment: a span of one lies across the other's.
class OverlappingSpans : public HistoriesInTime {
 protected:
  // Item i is of this member, and in the span of the first or the second writer.
  struct Written {
    std::int64_t member;
    std::size_t writer;
  };
  void write(std::vector<Written> const& items) {
    auto const score = field("Score", "number");
    std::map<std::int64_t, std::int64_t> newest;
    std::vector<HistoryItem> history;
    std::vector<StoredValue> values;
    std::array<HistorySpan, 2> spans;
    FieldSpans fields;
    MemberSpans members;
    for (std::size_t i = 0; i < items.size(); ++i) {
      HistoryItem item;
      item.number = {first_ + static_cast<std::int64_t>(i)};
      item.member = {items[i].member};
      item.field = score.number;
      item.after_number = 1'000'000;
      item.previous = {newest[items[i].member]};
      newest[items[i].member] = item.number.value;
      auto& span = spans.at(items[i].writer);
      if (span.items == 0) span.first = item.number.value;
      join(span, item.number.value);
      members.push_back({item.member, {item.number.value, item.number.value, 1}});
      history_.push_back({item, {}});
      history.push_back(std::move(item));
    }
    for (auto const& span : spans)
      for (auto const owner : {FieldNo{}, score.number}) fields.push_back({owner, span});
    for (auto const& [member, number] : newest) values.push_back({{member}, score.number, 1'000'000, std::nullopt, {number}, false});
    auto const less = [](auto const& a, auto const& b) { return std::tie(a.owner, a.span.last) < std::tie(b.owner, b.span.last); };
    std::sort(fields.begin(), fields.end(), less);
    std::sort(members.begin(), members.end(), less);
    db().write([&](sql::Tx& tx) {
      append_history(tx, kHere, {1}, history);
      set_values(tx, kHere, values);
      append_spans(tx, kHere, fields, members);
    });
    last_of_ = {spans[0].last, spans[1].last};
  }
  void remove(std::vector<std::size_t> const& places) {
    std::vector<SourcedItem> going;
    for (auto const i : places) going.push_back(history_.at(i));
    db().write([&](sql::Tx& tx) {
      raise_removed_below(tx, kHere, first_ + 100);
      EXPECT_EQ(remove_items(tx, kHere, going), static_cast<std::int64_t>(going.size()));
    });
  }

  std::int64_t first_ = NumberSource::first_at(test::kNow);
  std::vector<SourcedItem> history_;
  std::array<std::int64_t, 2> last_of_{};
};
FEALTY_ON_BOTH_ENGINES(OverlappingSpans);

TEST_P(OverlappingSpans, LoseWhatIsRemovedOnceAndKeepWhatIsLeft) {
  write({{1, 0}, {1, 0}, {2, 1}, {2, 1}, {2, 0}, {3, 1}});
  remove({0, 2, 3});
  EXPECT_THAT(all(), SizeIs(3));
  expect_sound();
}

TEST_P(OverlappingSpans, AreTakenOffTheTotalsThatTheyAreIn) {
  write({{1, 0}, {1, 0}, {2, 1}, {2, 1}, {3, 0}});
  db().write([&](sql::Tx& tx) { count_on(tx, kHere, {}, last_of_[1]); });
  EXPECT_EQ(test::number(db(), "SELECT items FROM history_totals"), 2);
  remove({0});
  EXPECT_THAT(all(), SizeIs(4));
  expect_sound();
}

TEST_P(HistoriesInTime, AreCountedOnFromWhereTheTotalsStand) {
  field("Score", "number");
  for (int i = 0; i < 700; ++i) ASSERT_EQ(set(1 + i % 5, "score", "1", "add").status, 200);
  ahead_ms_ += 3'600'000;
  ASSERT_TRUE(upkeep_->count_totals());
  EXPECT_EQ(test::number(db(), "SELECT items FROM history_totals WHERE field_id = 0"), 700);
  EXPECT_EQ(count("history_totals"), 2);
  set(1, "score", "1", "add");
  EXPECT_THAT(all(), SizeIs(701));
  expect_sound();
  // What goes is taken off.
  days_later(366);
  night();
  EXPECT_EQ(test::number(db(), "SELECT items FROM history_totals WHERE field_id = 0"), 4);
  EXPECT_THAT(all(), SizeIs(5));
  expect_sound();
}

}  // namespace
}  // namespace fealty::members
