// Uploads of strangers: to whom they go, what they are held to, and what they are told.
#include <latch>
#include <thread>

#include "bulk_machine.h"

namespace fealty::jobs {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct FormField {
  std::string name, value;
};
std::string form(std::vector<FormField> const& fields) {
  std::string out;
  for (auto const& f : fields)
    out += "--edge\r\nContent-Disposition: form-data; name=\"" + f.name + "\"" + (f.name == "data" ? "; filename=\"club.csv\"" : "") +
           "\r\n\r\n" + f.value + "\r\n";
  return out + "--edge--\r\n";
}

class AnonymousImports : public MachineTest {
 protected:
  static inline std::string const kFile = "Key,Do\na,ok\n\nb,ok\n";

  void SetUp() override {
    MachineTest::SetUp();
    allow(kA, AnonymousImport::create_only);
  }
  void allow(CommunityNo community, AnonymousImport what) {
    test::run(db(), "UPDATE communities SET anonymous_import = " + std::to_string(static_cast<int>(what)) +
                        " WHERE community_id = " + std::to_string(community.value));
  }
  static std::string id_of(CommunityNo community) { return PublicId::of(community.value, test::kNow).to_string(); }

  // A request without a credential.
  Result<UploadAnswer> send(FakeBody& body, api::Request& request, int kind = 1) {
    request.stream = &body;
    context_ = {};
    context_.now = now;
    context_.remote_address = address;
    return program->service->upload(context_, request, *program->kinds[static_cast<std::size_t>(kind)]);
  }
  Result<UploadAnswer> send_form(std::vector<FormField> const& fields, std::vector<api::Header> headers = {}) {
    FakeBody body(form(fields), 11);
    std::size_t read = 0;
    body.on_read = [&](std::size_t at) { read = at; };
    api::Request request;
    request.headers = std::move(headers);
    request.headers.push_back({"content-type", "multipart/form-data; boundary=edge"});
    auto answer = send(body, request);
    read_ = read;
    return answer;
  }
  Result<UploadAnswer> send_raw(std::string csv, Query query) {
    FakeBody body(std::move(csv), 11);
    api::Request request;
    request.headers = {{"content-type", "text/csv"}};
    request.query = std::move(query);
    read_ = 0;
    body.on_read = [&](std::size_t) { ++read_; };
    return send(body, request);
  }
  Result<UploadAnswer> import(CommunityNo community = kA) { return send_form({{"communityId", id_of(community)}, {"data", kFile}}); }
  static std::string said(Result<UploadAnswer> const& answer) {
    if (answer) return "ok";
    return std::string(answer.error().code()) + " " + std::to_string(answer.error().status()) + " " + answer.error().message;
  }
  std::int64_t jobs() { return test::number(db(), "SELECT count(*) FROM bulk_jobs"); }
  Job job(std::string const& id) {
    return *db().read([&](sql::Tx& tx) { return find_job(tx, kA, {PublicId::parse(id)->number}); });
  }

  TimeMs now = system_now();
  std::string address = "192.0.2.7";
  api::Context context_;
  std::size_t read_ = 0;
};
FEALTY_ON_BOTH_ENGINES(AnonymousImports);

TEST_P(AnonymousImports, BecomeJobsOfTheCommunityThatTheyNameWhereverTheyNameIt) {
  std::vector<Result<UploadAnswer>> answers;
  answers.push_back(send_form({{"communityId", id_of(kA)}, {"log_name", "May"}, {"data", kFile}}));
  answers.push_back(send_form({{"data", kFile}, {"log_name", "May"}, {"silent", "false"}, {"communityId", " " + id_of(kA) + " "}}));
  answers.push_back(send_raw(kFile, {{"communityId", id_of(kA)}, {"log_name", "May"}, {"silent", "0"}}));
  for (auto const& a : answers) {
    ASSERT_TRUE(a) << said(a);
    EXPECT_EQ(a->message, "Queued. You can check in Api Log ( community settings )");
    EXPECT_EQ(a->rows, 2);
    EXPECT_EQ(a->duplicate_of, std::nullopt) << "a stranger is not told which files others sent";
    auto const j = job(a->id);
    EXPECT_EQ(j.actor.type + "|" + j.actor.id + "|" + j.actor.name, "anonymous||anonymous import");
    EXPECT_EQ(j.permissions.bits(), 0u);
    EXPECT_TRUE(j.creates_only);
    EXPECT_TRUE(j.facts().creates_only);
    EXPECT_TRUE(j.silent) << "a stranger makes the server write to nobody";
    EXPECT_EQ(j.log_name, "May");
    EXPECT_EQ(j.total, 2);
    EXPECT_EQ(j.file_size, static_cast<std::int64_t>(kFile.size()));
    EXPECT_EQ(j.first.row, 2);
    EXPECT_EQ(context_.community, kA) << "its row in the API log is this community's";
  }
  EXPECT_EQ(test::number(db(),
                         "SELECT count(*) FROM audit_entries WHERE action = 'bulk.upload' AND community_id = 1 AND actor_type = "
                         "'anonymous' AND actor_name = 'anonymous import' AND remote_address = '192.0.2.7'"),
            3);
  allow(kA, AnonymousImport::full);
  EXPECT_FALSE(job(import()->id).creates_only);
  program->start();
  for (auto const& a : answers) EXPECT_EQ(ended(*PublicId::parse(a->id)).updated, 2);
}

TEST_P(AnonymousImports, OfACommunityThatTakesNoneAndOfNoCommunityAreRefusedAlike) {
  auto const off = send_form({{"communityId", id_of(kB)}, {"data", kFile}});
  auto const read_of_off = read_;
  EXPECT_EQ(off.error().status(), 401);
  EXPECT_THAT(off.error().message, HasSubstr("a community API key"));
  // The number is that of a community, or nobody's; the time in the id is another one; no id at all.
  for (auto const& id : {PublicId::of(99, test::kNow).to_string(), PublicId::of(kA.value, test::kNow + 60'000).to_string(),
                         std::string("1"), std::string("x"), std::string(24, 'f'), std::string()}) {
    EXPECT_EQ(said(send_form({{"communityId", id}, {"data", kFile}})), said(off)) << id;
    EXPECT_EQ(said(send_form({{"data", kFile}, {"communityId", id}})), said(off)) << id;
    EXPECT_EQ(said(send_raw(kFile, {{"communityId", id}})), said(off)) << id;
    EXPECT_EQ(read_, 0u) << "nothing of a body is read whose community is known before";
  }
  EXPECT_EQ(said(send_form({{"communityId", PublicId::of(99, test::kNow).to_string()}, {"data", kFile}})), said(off));
  EXPECT_EQ(read_, read_of_off);
  EXPECT_EQ(said(send_form({{"data", kFile}})), said(off));
  EXPECT_EQ(said(send_raw(kFile, {})), said(off));
  EXPECT_FALSE(context_.community);
  EXPECT_EQ(jobs(), 0);
  EXPECT_THAT(stored_files(), IsEmpty());
  EXPECT_EQ(test::number(db(), "SELECT count(*) FROM sign_in_failures"), 0);
  // Where no community takes any, nothing is read, whatever comes.
  allow(kA, AnonymousImport::off);
  EXPECT_EQ(said(import()), said(off));
  EXPECT_EQ(read_, 0u);
}

TEST_P(AnonymousImports, AreNoOtherKindOfUpload) {
  FakeBody body(kFile);
  api::Request request;
  request.headers = {{"content-type", "text/csv"}};
  request.query = {{"communityId", id_of(kA)}};
  EXPECT_EQ(send(body, request, 0).error().status(), 401);
}

TEST_P(AnonymousImports, HaveLimitsOfTheirOwn) {
  limits.bulk_anonymous_rows_max = 3;
  limits.bulk_anonymous_file_bytes_max = 200;
  limits.bulk_anonymous_client_hour_max = 100;
  limits.bulk_anonymous_community_hour_max = 100;
  EXPECT_TRUE(send_raw(csv({{"ok", 3}}), {{"communityId", id_of(kA)}}));
  for (bool const named_first : {true, false}) {
    auto const sent = [&](std::string const& file) {
      std::vector<FormField> fields{{"communityId", id_of(kA)}, {"data", file}};
      if (!named_first) std::swap(fields[0], fields[1]);
      return send_form(fields);
    };
    auto const many = sent(csv({{"ok", 4}}));
    EXPECT_EQ(many.error().code(), "too_many_rows");
    EXPECT_EQ(many.error().issues.at(0).limit, 3);
    auto const large = sent(kFile + std::string(300, '\n'));
    EXPECT_EQ(large.error().code(), "file_too_large");
    EXPECT_EQ(large.error().status(), 413);
    EXPECT_EQ(large.error().issues.at(0).limit, 200);
    EXPECT_EQ(sent("Key,Wrong\na,ok\n").error().code(), "invalid_header");
    EXPECT_EQ(sent("Key,Do\n").error().code(), "no_rows");
    EXPECT_EQ(sent("").error().code(), "no_rows");
  }
  EXPECT_EQ(send_form({{"communityId", id_of(kA)}}).error().code(), "missing_file");
  FakeBody body("x");
  body.declared = 201;
  api::Request request;
  request.headers = {{"content-type", "text/csv"}};
  request.query = {{"communityId", id_of(kA)}};
  EXPECT_EQ(send(body, request).error().code(), "file_too_large");
  EXPECT_EQ(jobs(), 1);
  EXPECT_EQ(stored_files().size(), 1u);
  EXPECT_TRUE(upload(csv({{"ok", 50}}))) << "a key has its own";
}

TEST_P(AnonymousImports, AreFiveAnHourOfAClientAndTwentyOfACommunity) {
  allow(kB, AnonymousImport::full);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(said(import()), "ok") << i;
  EXPECT_EQ(send_form({{"communityId", id_of(kA)}, {"data", "Wrong\n"}}).error().code(), "invalid_header") << "this one counts as well";
  auto const sixth = import();
  EXPECT_EQ(said(sixth),
            "rate_limited 429 Without a key, a client can begin 5 imports an hour, and all clients of a community together 20. "
            "Try again later.");
  EXPECT_GT(sixth.error().retry_after_s, 3'000);
  EXPECT_LE(sixth.error().retry_after_s, 3'660);
  EXPECT_EQ(said(import(kB)), "ok") << "of another community";
  EXPECT_TRUE(upload(kFile)) << "a key is not counted";
  // One client has the whole block of an IPv6 address.
  for (int i = 0; i < 5; ++i) {
    address = "2001:db8:1:2::" + std::to_string(i);
    EXPECT_EQ(said(import()), "ok") << i;
  }
  address = "2001:db8:1:2:ffff::1";
  EXPECT_EQ(import().error().status(), 429);
  for (int i = 0; i < 10; ++i) {
    address = "198.51.100." + std::to_string(i);
    EXPECT_EQ(said(import()), "ok") << i;
  }
  address = "203.0.113.1";
  EXPECT_EQ(import().error().status(), 429) << "the twenty of the community";
  EXPECT_EQ(said(import(kB)), "ok");
  address = "192.0.2.7";
  now += 3'661'000;
  EXPECT_EQ(said(import()), "ok");
}

TEST_P(AnonymousImports, ARepeatedRequestOfAClientMakesOneJob) {
  auto const ask = [&](std::string const& key, std::string const& file) {
    return send_form({{"communityId", id_of(kA)}, {"data", file}}, {{"idempotency-key", key}});
  };
  auto const first = ask("k", kFile);
  ASSERT_TRUE(first) << said(first);
  EXPECT_EQ(ask("k", kFile)->id, first->id);
  EXPECT_EQ(ask("k", kFile + "c,ok\n").error().code(), "idempotency_key_reused");
  address = "192.0.2.8";
  EXPECT_NE(ask("k", kFile)->id, first->id) << "of another client";
  EXPECT_NE(upload(kFile, {}, kA, {{"idempotency-key", "k"}})->id, first->id) << "of a key";
  EXPECT_EQ(jobs(), 3);
}

TEST_P(AnonymousImports, HoldFewPlacesAndNotForLong) {
  limits.bulk_anonymous_uploads_node_max = 2;
  std::latch inside(2);
  Gate go;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      FakeBody body(kFile);
      bool first = true;
      body.on_read = [&](std::size_t) {
        if (std::exchange(first, false)) inside.count_down();
        EXPECT_TRUE(go.wait());
      };
      api::Request request;
      request.headers = {{"content-type", "text/csv"}};
      request.query = {{"communityId", id_of(kA)}};
      request.stream = &body;
      api::Context c;
      c.now = now;
      c.remote_address = address;
      EXPECT_TRUE(program->service->upload(c, request, *program->kinds[1]));
    });
  inside.wait();
  auto const third = import();
  EXPECT_EQ(third.error().status(), 503);
  EXPECT_GT(third.error().retry_after_s, 0);
  EXPECT_TRUE(upload(kFile)) << "whoever has a key does not wait for them";
  go.open();
  for (auto& t : threads) t.join();
  EXPECT_EQ(said(import()), "ok") << "the places are free again";

  limits.bulk_anonymous_upload_ms = 0;
  EXPECT_THROW(import(), api::BodyAborted);
  EXPECT_TRUE(upload(kFile));
  EXPECT_EQ(stored_files().size(), static_cast<std::size_t>(jobs()));
}

}  // namespace
}  // namespace fealty::jobs
