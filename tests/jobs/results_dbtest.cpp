#include "base/text.h"
#include "bulk_machine.h"
#include "jobs/clean_up.h"

namespace fealty::jobs {
namespace {

using testing::HasSubstr;

struct File {
  int status = 0;
  std::string body, code;
  std::vector<api::Header> headers;
  std::string header(std::string_view name) const {
    for (auto const& h : headers)
      if (h.name == name) return h.value;
    return {};
  }
};

class Results : public MachineTest {
 protected:
  File get(PublicId id, std::optional<std::string> status = {}, std::vector<api::Header> headers = {}, CommunityNo community = kA) {
    auto c = context(community);
    api::Request request;
    request.headers = std::move(headers);
    ResultsQuery query;
    query.status = std::move(status);
    auto answer = program->service->results(c, request, id, query);
    if (!answer) return {answer.error().status(), {}, std::string(answer.error().code()), {}};
    File file{answer->status, answer->body, {}, answer->headers};
    while (answer->stream) {
      std::string piece;
      if (answer->stream->next(piece).then == api::BodyStream::Then::end) answer->stream = nullptr;
      file.body += piece;
    }
    return file;
  }
  // The rows below the header: "k1:updated k2:failed/bad …", by key.
  std::string outcomes(std::string const& csv) {
    std::string out;
    std::size_t at = csv.find("\r\n") + 2;
    while (at < csv.size()) {
      auto const end = csv.find("\r\n", at);
      std::vector<std::string_view> const cells = split(std::string_view(csv).substr(at, end - at), ',');
      out += (out.empty() ? "" : " ") + std::string(cells[0]) + ":" + std::string(cells[2]) +
             (cells[3].empty() ? "" : "/" + std::string(cells[3]));
      at = end + 2;
    }
    return out;
  }
};
FEALTY_ON_BOTH_ENGINES(Results);

TEST_P(Results, GiveEveryRowOfTheFileWithItsOutcome) {
  auto const id = queue("Key;Do;#note\r\n a ;ok;=1\r\n\r\n\"b;b\";same;2\r\nc;bad;\"3\n\"\r\nd;new;'4\r\ne\r\n");
  auto const early = get(id);
  EXPECT_EQ(early.status, 409);
  EXPECT_EQ(early.code, "job_not_finished");
  program->start();
  ended(id);
  auto const file = get(id);
  EXPECT_EQ(file.status, 200);
  EXPECT_EQ(file.body,
            "\xEF\xBB\xBF"
            "Key;Do;#note;status;error_code;error_message\r\n"
            "a;ok;'=1;updated;;\r\n"
            "\"b;b\";same;2;unchanged;;\r\n"
            "c;bad;\"3\n\";failed;bad;\"This is \"\"bad\"\".\"\r\n"
            "d;new;'4;created;;\r\n"
            "e;;;failed;column_count;\"This is \"\"bad\"\".\"\r\n");
  EXPECT_EQ(file.header("Content-Disposition"), "attachment; filename=\"" + id.to_string() + "-results.csv\"");
  EXPECT_EQ(get(id, "created,unchanged").body,
            "\xEF\xBB\xBF"
            "Key;Do;#note;status;error_code;error_message\r\n"
            "\"b;b\";same;2;unchanged;;\r\n"
            "d;new;'4;created;;\r\n");
  EXPECT_EQ(get(id, "not_processed").body,
            "\xEF\xBB\xBF"
            "Key;Do;#note;status;error_code;error_message\r\n");
  EXPECT_EQ(get(id, "sucess").code, "invalid_request");
  EXPECT_EQ(get(id, {}, {}, kB).code, "job_not_found");
}

TEST_P(Results, AgreeWithTheDetailsWhateverTheOrderOfApplication) {
  for (bool const by_member : {false, true}) {
    script.by_member = by_member;
    limits.bulk_chunk_rows_max = 50;
    std::string text = "Key,Do\n", expected, kept;
    for (int n = 1; n <= 400; ++n) {
      int const member = n * 37 % 101;
      char const* const what = n % 7 == 0 ? "bad" : n % 5 == 0 ? "same" : n % 11 == 0 ? "new" : "ok";
      std::string const key = "m" + std::to_string(member) + "@x" + std::to_string(n);
      text += key + "," + what + "\n" + (n % 50 == 0 ? "\n" : "");
      std::string const outcome = n % 7 == 0 ? "failed/bad" : n % 5 == 0 ? "unchanged" : n % 11 == 0 ? "created" : "updated";
      expected += (expected.empty() ? "" : " ") + key + ":" + outcome;
      if (n % 7 == 0) kept += (kept.empty() ? "" : " ") + key + ":" + outcome;
    }
    if (!program->runner) program->start();
    auto const id = queue(text);
    ended(id);
    EXPECT_EQ(outcomes(get(id).body), expected);
    EXPECT_EQ(outcomes(get(id, "failed").body), kept);
    auto const dry = queue(text, {{"dry_run", "true"}});
    ended(dry);
    EXPECT_EQ(outcomes(get(dry).body), expected);
  }
}

TEST_P(Results, SayWhyRowsWereNotProcessed) {
  program->start();
  auto const stopped = queue(csv({{"ok", 3}, {"bad", 1}, {"ok", 2}}), {{"max_errors", "0"}});
  ended(stopped);
  EXPECT_EQ(outcomes(get(stopped).body),
            "k1:updated k2:updated k3:updated k4:failed/bad k5:not_processed/job_stopped "
            "k6:not_processed/job_stopped");
  EXPECT_EQ(outcomes(get(stopped, "failed,not_processed").body), "k4:failed/bad k5:not_processed/job_stopped k6:not_processed/job_stopped");
  program->stop();
  auto const cancelled = queue(csv({{"ok", 2}}));
  auto c = context();
  ASSERT_TRUE(program->service->cancel(c, cancelled));
  EXPECT_EQ(outcomes(get(cancelled).body), "k1:not_processed/job_cancelled k2:not_processed/job_cancelled");
}

TEST_P(Results, OfAJobByMembersThatWasCancelledSayWhichRowsWereApplied) {
  script.by_member = true;
  std::string text = "Key,Do\n";
  for (int n = 1; n <= 300; ++n) text += "m" + std::to_string((n * 37) % 311) + "@x,ok\n";
  auto const id = queue(text);
  std::atomic<int> chunks{0};
  script.on_prepare = [&](JobFacts const&, std::int64_t) {
    if (++chunks != 3) return;
    auto c = context();
    program->service->cancel(c, id).value();
  };
  program->start();
  auto const done = ended(id);
  EXPECT_EQ(done.status, "cancelled");
  auto const rows = outcomes(get(id).body);
  auto const count = [&](std::string_view what) {
    std::int64_t n = 0;
    for (auto at = rows.find(what); at != std::string::npos; at = rows.find(what, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count(":updated"), done.updated);
  EXPECT_EQ(count(":not_processed/job_cancelled"), done.not_processed);
  EXPECT_GT(done.updated, 0);
  EXPECT_GT(done.not_processed, 0);
  EXPECT_LT(rows.find(":not_processed"), rows.rfind(":updated")) << "the rows were not applied in the order of their members";
  for (auto const row : split(outcomes(get(id, "updated").body), ' ')) EXPECT_TRUE(row.ends_with(":updated")) << row;
  EXPECT_EQ(effects(id), done.updated);
}

TEST_P(Results, AreTheSameBytesInAnyParts) {
  program->start();
  // Longer than the places that are remembered lie apart.
  std::string text = "Key,Do,#note\n";
  for (int n = 1; n <= 300; ++n)
    text += "k" + std::to_string(n) + (n % 3 == 0 ? ",bad," : n % 3 == 1 ? ",same," : ",ok,") + std::string(30'000, 'x') + "\n";
  auto const id = queue(text);
  ended(id);
  program->stop();
  struct Case {
    std::string range;
    std::int64_t first, count;
  };
  std::string const begin = get(id, {}, {{"range", "bytes=0-99"}}).body;  // measures: nobody has had the whole
  EXPECT_EQ(begin.size(), 100u);
  program.emplace(db(), files, limits, script);
  auto const first = get(id);
  std::string const tag = first.header("ETag"), whole = first.body;
  auto const size = static_cast<std::int64_t>(whole.size());
  EXPECT_EQ(whole.substr(0, 100), begin);
  EXPECT_EQ(first.header("Accept-Ranges"), "bytes");
  Case const cases[] = {{"bytes=0-0", 0, 1},
                        {"bytes=5-", 5, size - 5},
                        {"bytes=" + std::to_string(size / 2) + "-" + std::to_string(size / 2 + 100'000), size / 2, 100'001},
                        {"bytes=" + std::to_string(size - 1) + "-", size - 1, 1},
                        {"bytes=-70000", size - 70'000, 70'000},
                        {"bytes=8388607-8388610", 8'388'607, 4}};
  for (bool const measured : {true, false}) {
    for (auto const& c : cases) {
      if (!measured) program.emplace(db(), files, limits, script);
      auto const part = get(id, {}, {{"range", c.range}, {"if-range", tag}});
      EXPECT_EQ(part.status, 206);
      EXPECT_EQ(part.header("ETag"), tag);
      EXPECT_TRUE(part.body == std::string_view(whole).substr(static_cast<std::size_t>(c.first), static_cast<std::size_t>(c.count)))
          << c.range;
      EXPECT_EQ(part.header("Content-Range"),
                "bytes " + std::to_string(c.first) + "-" + std::to_string(c.first + c.count - 1) + "/" + std::to_string(size));
    }
  }
  EXPECT_TRUE(get(id, {}, {{"range", "bytes=5-"}, {"if-range", "\"other\""}}).body == whole);
  EXPECT_EQ(get(id, {}, {{"if-none-match", tag}}).status, 304);
  EXPECT_NE(get(id, "failed").header("ETag"), tag);
  EXPECT_TRUE(get(id, "success,failed,not_processed").body == whole);
}

TEST_P(Results, AreOverWithTheFile) {
  program->start();
  auto const id = queue(csv({{"bad", 3'000}}));
  ended(id);
  auto c = context();
  api::Request request;
  auto answer = program->service->results(c, request, id, {});
  ASSERT_TRUE(answer);
  std::string begin;
  EXPECT_EQ(answer->stream->next(begin).then, api::BodyStream::Then::more);
  ASSERT_TRUE(program->service->erase_files(c, id));
  EXPECT_EQ(get(id).code, "results_expired");
  EXPECT_EQ(get(id).status, 404);
  // The rest of what they said is gone: the download breaks off instead of telling something else.
  auto const read_on = [&] {
    while (answer->stream->next(begin).then != api::BodyStream::Then::end) {}
  };
  EXPECT_THROW(read_on(), std::runtime_error);
}

TEST_P(Results, AreNamedByTheLabelOrTheFile) {
  program->start();
  auto const id = queue(csv({{"ok", 1}}), {{"log_name", "Märch: \"top/up\".csv"}});
  ended(id);
  EXPECT_EQ(get(id).header("Content-Disposition"),
            "attachment; filename=\"M_rch_ _top_up_-results.csv\"; filename*=UTF-8''M%C3%A4rch_%20_top_up_-results.csv");
}

}  // namespace
}  // namespace fealty::jobs
