#include <zlib.h>

#include <latch>
#include <thread>

#include "bulk_machine.h"

namespace fealty::jobs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string gzip(std::string const& text) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

struct FormField {
  std::string name, value;
  bool is_file = false;
};
std::string form(std::vector<FormField> const& fields) {
  std::string out;
  for (auto const& f : fields)
    out += "--edge\r\nContent-Disposition: form-data; name=\"" + f.name + "\"" +
           (f.is_file ? "; filename=\"C:\\\\a\\\\march.csv\"\r\nContent-Type: application/pdf" : "") + "\r\n\r\n" + f.value + "\r\n";
  return out + "--edge--\r\n";
}

class Uploads : public MachineTest {
 protected:
  static inline std::string const kFile = "Key,Do\na,ok\n\nb,bad\n";

  Result<UploadAnswer> send(std::string body, std::vector<api::Header> headers, CommunityNo community = kA, int kind = 0,
                            BulkService* service = nullptr) {
    FakeBody source(std::move(body), 11);
    api::Request request;
    request.headers = std::move(headers);
    request.stream = &source;
    auto c = context(community);
    return (service ? *service : *program->service).upload(c, request, *program->kinds[static_cast<std::size_t>(kind)]);
  }
  Result<UploadAnswer> send_form(std::vector<FormField> const& fields, int kind = 0) {
    return send(form(fields), {{"content-type", "Multipart/Form-Data; boundary=edge"}}, kA, kind);
  }
  std::int64_t jobs() { return test::number(db(), "SELECT count(*) FROM bulk_jobs"); }
  Job job(std::string const& id) {
    return *db().read([&](sql::Tx& tx) { return find_job(tx, kA, {PublicId::parse(id)->number}); });
  }
  std::string content(Job const& j) {
    std::ifstream in(folder.file(j.file_key), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void expect_nothing() {
    EXPECT_EQ(jobs(), 0);
    EXPECT_THAT(stored_files(), IsEmpty());
    EXPECT_EQ(program->changes, 0);
  }
};
FEALTY_ON_BOTH_ENGINES(Uploads);

TEST_P(Uploads, InEveryWrappingGiveTheSameJob) {
  std::vector<FormField> const options{{"log_name", "March"}, {"dry_run", "1"}, {"max_errors", "5"}, {"silent", "false"}, {"unknown", "x"}};
  auto around = [&](std::size_t before) {
    std::vector<FormField> all(options.begin(), options.begin() + static_cast<std::ptrdiff_t>(before));
    all.push_back({"data", kFile, true});
    all.insert(all.end(), options.begin() + static_cast<std::ptrdiff_t>(before), options.end());
    return form(all);
  };
  std::vector<api::Header> const multipart{{"content-type", "multipart/form-data; boundary=\"edge\""}},
      zipped{multipart[0], {"content-encoding", "GZIP"}};
  std::vector<Result<UploadAnswer>> answers;
  for (std::size_t before = 0; before <= options.size(); ++before) answers.push_back(send(around(before), multipart));
  answers.push_back(send(gzip(around(2)), zipped));
  Query query;
  for (auto const& o : options) query.emplace_back(o.name, o.value);
  answers.push_back(upload(kFile, query));
  answers.push_back(upload(gzip(kFile), query, kA, {{"content-encoding", "gzip"}}));
  std::set<std::string> ids;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ASSERT_TRUE(answers[i]) << i << answers[i].error().message;
    auto const& a = *answers[i];
    EXPECT_TRUE(ids.insert(a.id).second);
    EXPECT_EQ(a.message, "Queued. You can check in Api Log ( community settings )");
    EXPECT_EQ(a.status_url, "/v1/users/bulk-update/" + a.id + "/status");
    EXPECT_EQ(a.rows, 2);
    EXPECT_TRUE(a.dry_run);
    EXPECT_EQ(a.duplicate_of, i == 0 ? std::nullopt : std::optional(answers[i - 1]->id)) << i;
    auto const j = job(a.id);
    EXPECT_EQ(j.log_name, "March");
    EXPECT_TRUE(j.dry_run);
    EXPECT_FALSE(j.silent);
    EXPECT_EQ(j.max_errors, 5);
    EXPECT_EQ(j.total, 2);
    EXPECT_EQ(j.status, "queued");
    EXPECT_EQ(j.file_size, static_cast<std::int64_t>(kFile.size()));
    EXPECT_EQ(j.file_sha256, sha256(kFile));
    EXPECT_EQ(content(j), kFile);
    EXPECT_EQ(j.file_name, i < 7 ? "march.csv" : "");
    EXPECT_EQ(j.next.row, 2);
    EXPECT_EQ(j.actor.id, "fk_1");
  }
  EXPECT_EQ(program->changes, static_cast<int>(answers.size()));
  EXPECT_EQ(stored_files().size(), answers.size());
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM audit_entries WHERE action = 'bulk.upload' AND remote_address = '192.0.2.1'"),
            static_cast<std::int64_t>(answers.size()));
}

TEST_P(Uploads, TheOpenJobsOfAKeyAreNamedUntilTheyEnd) {
  std::vector<std::string> ids;
  for (int i = 0; i < 2; ++i) ids.push_back(send(kFile + std::to_string(i) + ",ok\n", {{"content-type", "text/csv"}})->id);
  EXPECT_THAT(program->service->open_jobs_of(kA, "fk_1"), testing::ElementsAreArray(ids));
  EXPECT_THAT(program->service->open_jobs_of(kA, "fk_2"), IsEmpty());
  EXPECT_THAT(program->service->open_jobs_of(kB, "fk_1"), IsEmpty());
  test::run(db(), "UPDATE bulk_jobs SET status = 'completed' WHERE job_id = " + std::to_string(PublicId::parse(ids[0])->number));
  EXPECT_THAT(program->service->open_jobs_of(kA, "fk_1"), ElementsAre(ids[1]));
}

TEST_P(Uploads, OptionsHaveTheirDefaultsAndLimits) {
  auto const plain = job(upload(kFile)->id);
  EXPECT_EQ(plain.log_name, "");
  EXPECT_FALSE(plain.dry_run);
  EXPECT_TRUE(plain.silent);
  EXPECT_FALSE(plain.max_errors);
  auto const empty = job(upload(kFile, {{"log_name", ""}, {"dry_run", ""}, {"silent", ""}, {"max_errors", ""}, {"stop_on_error", ""}})->id);
  EXPECT_EQ(empty.fingerprint, plain.fingerprint);
  EXPECT_EQ(job(upload(kFile, {{"stop_on_error", "true"}, {"max_errors", "9"}})->id).max_errors, 0);
  std::string name;
  for (int i = 0; i < 200; ++i) name += "é";
  EXPECT_EQ(job(upload(kFile, {{"log_name", name}, {"max_errors", "10000000"}})->id).log_name, name);

  struct Case {
    Query query;
    std::vector<std::string> fields;
    char const* code;
  };
  Case const cases[] = {
      {{{"log_name", name + "x"}}, {"log_name"}, "invalid_form_field"},
      {{{"log_name", "a\nb"}}, {"log_name"}, "invalid_form_field"},
      {{{"log_name", "\xff"}}, {"log_name"}, "invalid_form_field"},
      {{{"dry_run", "yes"}}, {"dry_run"}, "invalid_form_field"},
      {{{"dry_run", "TRUE"}}, {"dry_run"}, "invalid_form_field"},
      {{{"silent", "2"}, {"stop_on_error", "no"}}, {"silent", "stop_on_error"}, "invalid_form_field"},
      {{{"max_errors", "-1"}}, {"max_errors"}, "invalid_form_field"},
      {{{"max_errors", "1.5"}}, {"max_errors"}, "invalid_form_field"},
      {{{"max_errors", "10000001"}}, {"max_errors"}, "invalid_form_field"},
      {{{"max_errors", "99999999999999999999"}}, {"max_errors"}, "invalid_form_field"},
      {{{"dry_run", "true"}, {"dry_run", "true"}}, {"dry_run"}, "duplicate_field"},
  };
  auto const before = jobs();
  for (auto const& c : cases) {
    auto const result = upload(kFile, c.query);
    ASSERT_FALSE(result) << c.query[0].second;
    EXPECT_EQ(result.error().code(), c.code);
    EXPECT_EQ(result.error().status(), 400);
    std::vector<std::string> fields;
    for (auto const& issue : result.error().issues) fields.push_back(issue.field);
    EXPECT_EQ(fields, c.fields);
  }
  EXPECT_EQ(jobs(), before);
  EXPECT_EQ(stored_files().size(), static_cast<std::size_t>(before));
}

TEST_P(Uploads, EveryFileThatCannotBeReadIsRefusedWhole) {
  std::string const header = "Key,Do\n";
  limits.bulk_rows_max = 20;
  limits.bulk_columns_max = 6;
  limits.bulk_cell_characters_max = 50;
  limits.bulk_file_bytes_max = 1'000;
  std::string many = header, wide;
  for (int i = 0; i < 21; ++i) many += "a,ok\n";
  for (int i = 0; i < 7; ++i) wide += ",x";
  struct Case {
    char const* what;
    std::string body;
    char const* code;
    int status;
  };
  Case const cases[] = {
      {"nothing", "", "no_rows", 400},
      {"a header alone", header, "no_rows", 400},
      {"blank rows alone", header + "\n,\n \n", "no_rows", 400},
      {"another header", "Key,Does\na,ok\n", "invalid_header", 400},
      {"not UTF-8", header + "\xe9,ok\n", "invalid_encoding", 400},
      {"an open quote", header + "\"a,ok\nb,ok\n", "unterminated_quote", 400},
      {"text after a quote", header + "\"a\"b,ok\n", "text_after_quote", 400},
      {"NUL", header + std::string("a\0b,ok\n", 7), "binary_file", 400},
      {"a workbook", std::string("PK\x03\x04\x14\x00\x06\x00", 8) + "[Content_Types].xml xl/workbook.xml", "xlsx_not_supported", 415},
      {"an old workbook", std::string("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) + std::string(20, '\x01'), "xls_not_supported", 415},
      {"a PDF", "%PDF-1.7\n1 0 obj", "unsupported_file", 415},
      {"too many rows", many, "too_many_rows", 400},
      {"too many columns", header + "a,ok" + wide + "\n", "too_many_columns", 400},
      {"a long cell", header + std::string(51, 'a') + ",ok\n", "cell_too_long", 400},
      {"too large", header + std::string(1'100, '\n') + "a,ok\n", "file_too_large", 413},
  };
  for (auto const& c : cases) {
    auto const raw = upload(c.body);
    ASSERT_FALSE(raw) << c.what;
    EXPECT_EQ(raw.error().code(), c.code) << c.what << ": " << raw.error().message;
    EXPECT_EQ(raw.error().status(), c.status) << c.what;
    EXPECT_FALSE(raw.error().issues.empty()) << c.what;
    auto const in_form = send_form({{"data", c.body, true}});
    ASSERT_FALSE(in_form) << c.what;
    EXPECT_EQ(in_form.error().code(), c.code) << c.what << " in a form: " << in_form.error().message;
    auto const packed = upload(gzip(c.body), {}, kA, {{"content-encoding", "gzip"}});
    ASSERT_FALSE(packed) << c.what;
    EXPECT_EQ(packed.error().code(), c.code) << c.what << " packed: " << packed.error().message;
    expect_nothing();
  }
}

TEST_P(Uploads, EveryBodyThatIsNoUploadIsRefused) {
  std::vector<api::Header> const multipart{{"content-type", "multipart/form-data; boundary=edge"}};
  limits.bulk_file_bytes_max = 8 * 1024 * 1024;
  struct Case {
    char const* what;
    std::string body;
    std::vector<api::Header> headers;
    char const* code;
    int status;
  };
  Case const cases[] = {
      {"no type", kFile, {}, "unsupported_media_type", 415},
      {"JSON", "{}", {{"content-type", "application/json"}}, "unsupported_media_type", 415},
      {"another coding", kFile, {{"content-type", "text/csv"}, {"content-encoding", "br"}}, "unsupported_media_type", 415},
      {"no boundary", form({{"data", kFile, true}}), {{"content-type", "multipart/form-data"}}, "invalid_form", 400},
      {"another boundary", form({{"data", kFile, true}}), {{"content-type", "multipart/form-data; boundary=other"}}, "invalid_form", 400},
      {"a form cut off", form({{"data", kFile, true}}).substr(0, 120), multipart, "invalid_form", 400},
      {"no file", form({{"log_name", "x"}}), multipart, "missing_file", 400},
      {"no file and a wrong field", form({{"dry_run", "maybe"}}), multipart, "missing_file", 400},
      {"two files", form({{"data", kFile, true}, {"data", kFile, true}}), multipart, "duplicate_field", 400},
      {"no gzip", kFile, {{"content-type", "text/csv"}, {"content-encoding", "gzip"}}, "invalid_gzip", 400},
      {"half a gzip", gzip(kFile).substr(0, 25), {{"content-type", "text/csv"}, {"content-encoding", "gzip"}}, "invalid_gzip", 400},
      {"a bomb",
       gzip("Key,Do\n" + std::string(6'000'000, '\n') + "a,ok\n"),
       {{"content-type", "text/csv"}, {"content-encoding", "gzip"}},
       "compression_ratio",
       400},
      {"an empty key", kFile, {{"content-type", "text/csv"}, {"idempotency-key", ""}}, "invalid_request", 400},
      {"a long key", kFile, {{"content-type", "text/csv"}, {"idempotency-key", std::string(256, 'k')}}, "invalid_request", 400},
  };
  for (auto const& c : cases) {
    auto const result = send(c.body, c.headers);
    ASSERT_FALSE(result) << c.what;
    EXPECT_EQ(result.error().code(), c.code) << c.what << ": " << result.error().message;
    EXPECT_EQ(result.error().status(), c.status) << c.what;
    expect_nothing();
  }
  FakeBody large("x");
  large.declared = 9 * 1024 * 1024;
  large.on_read = [](std::size_t) { ADD_FAILURE() << "the body was read although its length was known to be too much"; };
  api::Request request;
  request.headers = {{"content-type", "text/csv"}};
  request.stream = &large;
  auto c = context();
  EXPECT_EQ(program->service->upload(c, request, program->kind()).error().code(), "file_too_large");
  expect_nothing();
}

TEST_P(Uploads, ACommunityIdMustBeTheKeysOwnAndConcernsImportsAlone) {
  auto const own = PublicId::of(kA.value, test::kNow).to_string(), other = PublicId::of(kB.value, test::kNow).to_string();
  auto fields = [&](std::string const& id) { return std::vector<FormField>{{"data", kFile, true}, {"communityId", id}}; };
  EXPECT_TRUE(send_form(fields(own), 1));
  EXPECT_TRUE(send_form(fields(""), 1));
  EXPECT_TRUE(send_form(fields(other), 0)) << "unknown to an update";
  auto const refused = send_form(fields(other), 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status(), 403);
  EXPECT_EQ(stored_files().size(), 3u);
}

TEST_P(Uploads, AnIdempotencyKeyMakesOneJob) {
  auto with_key = [&](std::string const& body, Query query = {}, CommunityNo community = kA) {
    return upload(body, std::move(query), community, {{"idempotency-key", "once"}});
  };
  // A refused request does not use the key up.
  EXPECT_FALSE(with_key("Key,Nothing\na,ok\n"));
  constexpr int kThreads = 10;
  std::latch start(kThreads);
  std::mutex mutex;
  std::multiset<std::string> answers;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      for (;;) {
        auto const result = with_key(kFile);
        // Busy is no answer: the client asks again.
        if (!result && (result.error().code() == "request_in_progress" || result.error().code() == "too_many_uploads")) continue;
        std::lock_guard lock(mutex);
        answers.insert(result ? result->id + (result->duplicate_of ? " again" : "") : std::string(result.error().code()));
        return;
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(answers.count(*answers.begin()), 10u);
  EXPECT_EQ(jobs(), 1);
  EXPECT_EQ(stored_files().size(), 1u);
  EXPECT_EQ(program->changes, 1);

  auto const replay = with_key(kFile);
  ASSERT_TRUE(replay);
  EXPECT_EQ(replay->id, *answers.begin());
  EXPECT_EQ(replay->rows, 2);
  for (auto const& other : {with_key(kFile + "c,ok\n"), with_key(kFile, {{"dry_run", "true"}}), with_key(kFile, {{"log_name", "x"}})}) {
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code(), "idempotency_key_reused");
    EXPECT_EQ(other.error().status(), 409);
  }
  EXPECT_NE(with_key(kFile, {}, kB)->id, replay->id) << "another community's key is another key";
  test::run(db(), "UPDATE idempotency_keys SET created_at = created_at - 86400001");
  EXPECT_NE(with_key(kFile)->id, replay->id) << "a day later";
  EXPECT_EQ(jobs(), 3);
  EXPECT_EQ(stored_files().size(), 3u);
}

TEST_P(Uploads, AreBoundedPerCommunity) {
  limits.bulk_jobs_waiting_max = 3;
  limits.bulk_uploads_community_max = 2;
  // Two uploads stand still; a third is refused, and one of another community is not.
  Gate go;
  std::latch inside(2);
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      FakeBody body(kFile);
      bool first = true;
      body.on_read = [&](std::size_t) {
        if (std::exchange(first, false)) inside.count_down();
        EXPECT_TRUE(go.wait());
      };
      api::Request request;
      request.headers = {{"content-type", "text/csv"}};
      request.stream = &body;
      auto c = context();
      EXPECT_TRUE(program->service->upload(c, request, program->kind()));
    });
  inside.wait();
  auto const third = upload(kFile);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), "too_many_uploads");
  EXPECT_EQ(third.error().status(), 429);
  EXPECT_GT(third.error().retry_after_s, 0);
  EXPECT_TRUE(upload(kFile, {}, kB));
  go.open();
  for (auto& t : threads) t.join();

  EXPECT_TRUE(upload(kFile));
  auto const fourth = upload(kFile);
  ASSERT_FALSE(fourth);
  EXPECT_EQ(fourth.error().code(), "too_many_jobs");
  EXPECT_GT(fourth.error().retry_after_s, 0);
  EXPECT_EQ(stored_files().size(), 4u);
  program->start();
  EXPECT_TRUE(eventually([&] { return test::number(db(), "SELECT count(*) FROM bulk_jobs WHERE status <> 'completed'") == 0; }));
  EXPECT_TRUE(upload(kFile));
}

TEST_P(Uploads, AnAbortedBodyLeavesNothing) {
  for (std::size_t const at : {0u, 5u, 12u, 18u}) {
    FakeBody body(kFile, 1);
    body.on_read = [&](std::size_t now) {
      if (now >= at) throw api::BodyAborted(api::BodyAborted::Why::client_gone, "gone");
    };
    api::Request request;
    request.headers = {{"content-type", "text/csv"}, {"idempotency-key", "k"}};
    request.stream = &body;
    auto c = context();
    EXPECT_THROW(program->service->upload(c, request, program->kind()), api::BodyAborted);
    expect_nothing();
  }
  EXPECT_TRUE(upload(kFile, {}, kA, {{"idempotency-key", "k"}})) << "the key is free again";
}

TEST_P(Uploads, AFailureOfAnyStorageCallLeavesAJobWithItsFileOrNeither) {
  BulkService service(*program->parts, [] {});
  std::int64_t made = 0;
  for (int n = 1;; ++n) {
    program->database.fail_at(n);
    bool good = false;
    try {
      good = send(kFile, {{"content-type", "text/csv"}, {"idempotency-key", std::to_string(n)}}, kA, 0, &service).has_value();
    } catch (sql::StorageError const&) {}
    auto const calls = program->database.calls();
    program->database.fail_at(0);
    made += good ? 1 : 0;
    EXPECT_EQ(jobs(), made) << "call " << n;
    EXPECT_EQ(static_cast<std::int64_t>(stored_files().size()), made) << "call " << n;
    if (calls < n) break;
    EXPECT_FALSE(good) << "call " << n;
  }
  EXPECT_EQ(made, 1);
}

TEST_P(Uploads, FilesThatBecameNoJobAreRemovedAtTheStartAndOthersAreKept) {
  ASSERT_TRUE(upload(kFile));
  for (auto const* name : {"upload-lost", "upload-half.part", "another-file"}) std::ofstream(folder.file(name)) << "x";
  program->service->remove_orphan_files(3'600'000);
  EXPECT_EQ(stored_files().size(), 4u) << "what was written lately may be an upload of another node";
  program->service->remove_orphan_files(0);
  auto const left = stored_files();
  EXPECT_EQ(left.size(), 2u);
  EXPECT_THAT(left, testing::Contains("another-file"));
  program->start();
  EXPECT_TRUE(eventually([&] { return test::number(db(), "SELECT count(*) FROM bulk_jobs WHERE status = 'completed'") == 1; }));
}

TEST_P(Uploads, OfAnotherCommunityAreInvisible) {
  auto const id = *PublicId::parse(upload(kFile)->id);
  auto c = context(kB);
  EXPECT_EQ(program->service->status(c, id).error().code(), "job_not_found");
  EXPECT_EQ(program->service->cancel(c, id).error().code(), "job_not_found");
  EXPECT_EQ(program->service->list(c, {})->page.total, 0);
  auto own = context();
  EXPECT_EQ(program->service->list(own, {})->page.total, 1);
  EXPECT_EQ(*program->service->template_csv(own, "update", true), "\xef\xbb\xbfKey,Do\r\nm1@example.org,'=ok\r\n");
}

}  // namespace
}  // namespace fealty::jobs
