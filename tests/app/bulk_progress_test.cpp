#include "app/bulk/progress.h"

#include "base/text.h"

namespace fealty::app::bulk {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

JobView processing(std::int64_t processed, std::int64_t total, std::int64_t failed = 0) {
  JobView job;
  job.status = "processing";
  job.processed = processed;
  job.total = total;
  job.failed = failed;
  job.success = processed - failed;
  return job;
}

RateMeter meter_of(std::initializer_list<std::pair<std::int64_t, std::int64_t>> readings) {
  RateMeter meter;
  for (auto const& [at_ms, done] : readings) meter.add(at_ms, done);
  return meter;
}

// Without what colours a terminal.
std::string plain(std::string text) {
  for (std::size_t at; (at = text.find('\033')) != std::string::npos;) text.erase(at, text.find('m', at) - at + 1);
  return text;
}

TEST(RateMeter, KnowsNothingFromOneReadingOrFromAMoment) {
  EXPECT_EQ(meter_of({}).per_s(), std::nullopt);
  EXPECT_EQ(meter_of({{0, 100}}).per_s(), std::nullopt);
  EXPECT_EQ(meter_of({{0, 0}, {200, 100}}).per_s(), std::nullopt);
  EXPECT_EQ(meter_of({{0, 0}, {200, 100}}).left_s(1'000), std::nullopt);
}

TEST(RateMeter, CountsFromItsFirstReadingNotFromZero) {
  auto const meter = meter_of({{1'000, 500'000}, {3'000, 502'000}});
  EXPECT_DOUBLE_EQ(meter.per_s().value(), 1'000.0);
  EXPECT_EQ(meter.left_s(512'000), 10);
  EXPECT_EQ(meter.left_s(502'001), 1);
  EXPECT_EQ(meter.left_s(502'000), 0);
}

TEST(RateMeter, ForgetsWhatIsLongerAgoThanTenSeconds) {
  RateMeter meter;
  for (int s = 0; s <= 60; ++s) meter.add(s * 1'000, s <= 30 ? s * 1'000 : 30'000 + (s - 30) * 10);
  EXPECT_NEAR(meter.per_s().value(), 10.0, 0.01);
}

TEST(RateMeter, FallsToZeroWhenNothingMoves) {
  RateMeter meter;
  for (int s = 0; s <= 30; ++s) meter.add(s * 1'000, std::min(s, 5) * 100);
  EXPECT_EQ(meter.per_s(), 0.0);
  EXPECT_EQ(meter.left_s(10'000), std::nullopt);
}

TEST(RateMeter, AveragesOverAnOutage) { EXPECT_DOUBLE_EQ(meter_of({{0, 0}, {1'000, 100}, {41'000, 4'100}}).per_s().value(), 100.0); }

TEST(RateMeter, BeginsAnewWhenCountersOrTimeGoBack) {
  auto meter = meter_of({{0, 100}, {1'000, 200}, {2'000, 50}});
  EXPECT_EQ(meter.per_s(), std::nullopt);
  meter.add(1'500, 60);
  EXPECT_EQ(meter.per_s(), std::nullopt);
  meter.add(2'500, 70);
  EXPECT_DOUBLE_EQ(meter.per_s().value(), 10.0);
}

TEST(RateMeter, ManyReadingsASecondDoNotShortenItsMemory) {
  RateMeter meter;
  for (std::int64_t ms = 0; ms <= 20'000; ++ms) meter.add(ms, ms <= 15'000 ? 0 : ms - 15'000);
  EXPECT_NEAR(meter.per_s().value(), 500.0, 10.0) << "5,000 rows in the last ten seconds";
}

TEST(RateMeter, DoesNotNameATimeLeftOfYears) { EXPECT_EQ(meter_of({{0, 0}, {10'000, 1}}).left_s(1'000'000'000'000), std::nullopt); }

TEST(Words, NumbersDurationsAndSizesAreForPeople) {
  for (auto const& [number, text] : std::initializer_list<std::pair<std::int64_t, std::string>>{
           {0, "0"}, {999, "999"}, {1'000, "1,000"}, {1'234'567, "1,234,567"}, {-999, "-999"}, {-1'000, "-1,000"}})
    EXPECT_EQ(with_commas(number), text);
  for (auto const& [seconds, text] : std::initializer_list<std::pair<std::int64_t, std::string>>{{0, "0 s"},
                                                                                                 {59, "59 s"},
                                                                                                 {60, "1 min"},
                                                                                                 {200, "3 min 20 s"},
                                                                                                 {3'600, "1 h"},
                                                                                                 {7'500, "2 h 5 min"},
                                                                                                 {86'400, "1 d"},
                                                                                                 {273'600, "3 d 4 h"}})
    EXPECT_EQ(duration_text(seconds), text);
  for (auto const& [bytes, text] : std::initializer_list<std::pair<std::int64_t, std::string>>{
           {1, "1 byte"}, {5'321, "5,321 bytes"}, {12'345, "12.3 kB"}, {999'960, "1.0 MB"}, {536'870'912, "536.9 MB"}})
    EXPECT_EQ(bytes_text(bytes), text);
}

TEST(ProgressBar, ShowsShareRowsRateTimeLeftAndFailures) {
  auto const meter = meter_of({{0, 10'000}, {2'000, 31'200}});
  EXPECT_EQ(progress_bar(processing(31'200, 60'000, 3), meter, "", {120, false}),
            "[###############...............] 52 %  31,200 of 60,000 rows  10,600 rows/s  3 s left  3 failed");
}

TEST(ProgressBar, NeverReachesTheLastColumnWhateverTheWidth) {
  auto const meter = meter_of({{0, 0}, {2'000, 9'000'000}});
  for (int columns = 20; columns <= 200; ++columns)
    for (bool const colour : {false, true})
      for (std::string const& trouble : {std::string(), std::string("club.example.org:443 cannot be reached, trying again")}) {
        auto const line = plain(progress_bar(processing(9'999'999, 10'000'000, 1'234'567), meter, trouble, {columns, colour}));
        EXPECT_LT(code_points(line), static_cast<std::size_t>(columns)) << line;
        EXPECT_THAT(line, HasSubstr("99 %"));
      }
}

TEST(ProgressBar, KeepsFailuresLongestOfAll) {
  auto const meter = meter_of({{0, 0}, {2'000, 500}});
  auto const job = processing(500, 1'000, 7);
  EXPECT_EQ(progress_bar(job, meter, "", {20, false}), "50 %  7 failed");
  EXPECT_EQ(progress_bar(job, meter, "", {40, false}), "50 %  500 of 1,000 rows  7 failed");
  EXPECT_EQ(progress_bar(job, meter, "", {50, false}), "50 %  500 of 1,000 rows  2 s left  7 failed");
}

TEST(ProgressBar, IsFullAtTheEndAloneAndEmptyAtTheStart) {
  RateMeter const none;
  EXPECT_THAT(progress_bar(processing(999'999, 1'000'000), none, "", {80, false}), StartsWith("[#############################.] 99 %"));
  EXPECT_THAT(progress_bar(processing(1'000'000, 1'000'000), none, "", {80, false}), StartsWith("[##############################] 100 %"));
  EXPECT_THAT(progress_bar(processing(0, 1'000'000), none, "", {80, false}), StartsWith("[..............................] 0 %"));
}

TEST(ProgressBar, HasColoursOnlyWhenTheyAreWanted) {
  RateMeter const none;
  EXPECT_THAT(progress_bar(processing(5, 10, 1), none, "", {80, false}), Not(HasSubstr("\033")));
  auto const coloured = progress_bar(processing(5, 10, 1), none, "", {80, true});
  EXPECT_THAT(coloured, HasSubstr("\033[31m1 failed\033[0m"));
  EXPECT_EQ(plain(coloured), progress_bar(processing(5, 10, 1), none, "", {80, false}));
}

TEST(ProgressBar, SaysWhatTheJobWaitsFor) {
  RateMeter const none;
  auto job = processing(0, 10);
  job.status = "queued";
  EXPECT_THAT(progress_bar(job, none, "", {80, false}), HasSubstr("queued, next"));
  job.queue_position = 3;
  EXPECT_THAT(progress_bar(job, none, "", {80, false}), HasSubstr("queued, 2 before it"));
  job.status = "processing";
  EXPECT_THAT(progress_bar(job, none, "", {80, false}), HasSubstr("0 %  started  0 of 10 rows"));
  job.cancel_requested = true;
  EXPECT_THAT(progress_bar(job, none, "", {80, false}), HasSubstr("cancelling"));
}

TEST(ProgressBar, ShowsTroubleInPlaceOfASpeedThatIsNone) {
  auto const meter = meter_of({{0, 0}, {2'000, 500}});
  auto const line = progress_bar(processing(500, 1'000), meter, "host cannot be reached, trying again", {100, false});
  EXPECT_THAT(line, AllOf(EndsWith("host cannot be reached, trying again"), Not(HasSubstr("rows/s")), Not(HasSubstr("left"))));
}

TEST(ProgressLine, SaysTheSameWithoutATerminal) {
  auto const meter = meter_of({{0, 0}, {2'000, 500}});
  EXPECT_EQ(progress_line(processing(500, 1'000, 2), meter), "500 of 1,000 rows (50 %), 250 rows/s, 2 s left, 2 failed so far");
  auto job = processing(0, 1'000);
  job.status = "queued";
  EXPECT_EQ(progress_line(job, RateMeter()), "0 of 1,000 rows (0 %), queued, next");
}

TEST(TransferBar, ManagesWithoutATotal) {
  auto const meter = meter_of({{0, 0}, {1'000, 2'000'000}});
  EXPECT_EQ(transfer_bar("uploading", 2'000'000, 8'000'000, meter, {100, false}),
            "[#######.......................] 25 %  uploading 2.0 MB of 8.0 MB  2.0 MB/s  3 s left");
  EXPECT_EQ(transfer_bar("uploading", 2'000'000, 0, meter, {100, false}), "uploading 2.0 MB  2.0 MB/s");
  EXPECT_EQ(transfer_bar("uploading", 2'000'000, 0, meter, {20, false}), "uploading 2.0 MB");
}

}  // namespace
}  // namespace fealty::app::bulk
