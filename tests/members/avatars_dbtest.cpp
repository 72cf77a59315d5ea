#include "members/avatars.h"

#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>

#include "api/envelope.h"
#include "members/avatar_image.h"
#include "members/pictures.h"
#include "sql/failing.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::members {
namespace {

using test::kNow;
using test::run;
using testing::HasSubstr;
using testing::Not;

constexpr CommunityNo kHere{1}, kElsewhere{2};

// A form in memory, given in small pieces.
class FormBody final : public api::BodySource {
 public:
  explicit FormBody(std::string text) : text_(std::move(text)) {}
  std::size_t read(std::span<char> into) override {
    auto const n = std::min<std::size_t>({into.size(), 1'000, text_.size() - at_});
    text_.copy(into.data(), n, at_);
    at_ += n;
    return n;
  }
  std::optional<std::int64_t> declared_length() const override { return declared; }
  std::optional<std::int64_t> declared;
  std::size_t given() const { return at_; }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

std::string part(std::string const& name, std::string const& value, std::string const& type = "") {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"x\"" +
         (type.empty() ? "" : "\r\nContent-Type: " + type) + "\r\n\r\n" + value + "\r\n";
}

class Avatars : public test::DatabaseTest {
 protected:
  // Members 1 to 3 here (1 administers), 3 and 4 elsewhere; 7 is invited, 8 deleted, 9 suspended here.
  void SetUp() override {
    DatabaseTest::SetUp();
    for (auto const community : {kHere, kElsewhere}) test::add_community(db(), community.value);
    for (int member = 1; member <= 3; ++member) test::add_member(db(), kHere, member);
    test::add_member(db(), kHere, 7, 1);
    test::add_member(db(), kHere, 8, 4);
    test::add_member(db(), kHere, 9, 2);
    for (int member = 3; member <= 4; ++member) test::add_member(db(), kElsewhere, member);
    run(db(), "UPDATE communities SET host = 'club.example.org' WHERE community_id = 1");
    files_ = std::make_unique<AvatarFiles>(folder());
    service_ = std::make_unique<AvatarService>(db(), numbers_, *files_);
  }
  std::string folder() { return pictures_.file("avatars"); }
  static api::Principal key() {
    api::Principal p;
    p.kind = api::PrincipalKind::community_key;
    p.community = kHere;
    return p;
  }
  static api::Principal user(std::int64_t account, api::CommunityRole role = api::CommunityRole::member) {
    api::Principal p;
    p.kind = api::PrincipalKind::user;
    p.community = kHere;
    p.account = {account};
    p.role = role;
    return p;
  }
  api::Response post(api::Principal const& who, std::string form, std::string const& type = "multipart/form-data; boundary=b",
                     AvatarService* service = nullptr, std::string const& once = "") {
    FormBody body(form + "--b--\r\n");
    api::Request request;
    if (!once.empty()) request.headers.push_back({"idempotency-key", once});
    request.headers.push_back({"content-type", type});
    return post(who, request, body, service);
  }
  api::Response post(api::Principal const& who, api::Request& request, FormBody& body, AvatarService* service = nullptr) {
    request.stream = &body;
    api::Context c;
    c.principal = who;
    c.community = kHere;
    c.now = kNow;
    auto const routes = avatar_routes(service != nullptr ? *service : *service_);
    return api::render(routes[0].family, routes[0].handler(c, request), "r");
  }
  api::Response get(std::string const& key) {
    api::Request request;
    request.path_args = {key};
    api::Context c;
    auto const routes = avatar_routes(*service_);
    return api::render(routes[1].family, routes[1].handler(c, request), "r");
  }
  std::string stored(std::int64_t member, CommunityNo community = kHere) {
    return test::text(db(), "SELECT coalesce(avatar, '') FROM memberships WHERE community_id = " + std::to_string(community.value) +
                                " AND member_id = " + std::to_string(member));
  }
  std::size_t file_count() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder()), std::filesystem::directory_iterator()));
  }

  test::TemporaryFolder pictures_;
  NumberSource numbers_{1};
  std::unique_ptr<AvatarFiles> files_;
  std::unique_ptr<AvatarService> service_;
};
FEALTY_ON_BOTH_ENGINES(Avatars);

TEST_P(Avatars, AreTakenOnceByOneIdempotencyKey) {
  auto const type = "multipart/form-data; boundary=b";
  auto const form = part("user", "m1@example.org") + part("avatar", test::png(300, 200), "image/png");
  auto const first = post(key(), form, type, nullptr, "k");
  EXPECT_EQ(first.status, 200);
  auto const kept = stored(1);
  EXPECT_EQ(post(key(), form, type, nullptr, "k").body, first.body);
  EXPECT_EQ(stored(1), kept);
  EXPECT_TRUE(files_->read(kept));
  EXPECT_EQ(file_count(), 1u) << "the second upload's file is gone again";
  auto const other = part("user", "m1@example.org") + part("avatar", test::png(301, 200), "image/png");
  EXPECT_EQ(post(key(), other, type, nullptr, "k").status, 409) << "another picture is another request";
  EXPECT_EQ(post(key(), part("user", "m2@example.org") + part("avatar", test::png(300, 200), "image/png"), type, nullptr, "k").status, 409);
  EXPECT_EQ(file_count(), 1u);
}

TEST_P(Avatars, AreKeptAsSquareWebpAndServedUnderAnAddressThatNeverChanges) {
  auto const answer = post(key(), part("user", "m1@example.org") + part("avatar", test::png(300, 200), "image/png"));
  EXPECT_EQ(answer.body, R"({"status":"success","message":"Avatar uploaded successfully","data":{"userId":"1","avatar":)"
                         R"("https://club.example.org/avatars/)" +
                             stored(1) + R"("}})");
  auto const picture = get(stored(1));
  EXPECT_EQ(picture.status, 200);
  EXPECT_EQ(picture.content_type, "image/webp");
  EXPECT_THAT(picture.headers, testing::Contains(testing::Field(&api::Header::value, "public, max-age=31536000, immutable")));
  auto const header = read_image_header(picture.body);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->kind, ImageKind::webp);
  EXPECT_EQ(header->width, 512);
  EXPECT_EQ(header->height, 512);
  EXPECT_EQ(stored(3, kElsewhere) + stored(2), "") << "nobody else has one";
  for (auto const* nothing : {"", "x", "../fealty.db", "aaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaa/."}) {
    EXPECT_EQ(get(nothing).status, 404) << nothing;
  }
}

TEST_P(Avatars, TheFormersFileGoesWhenTheNewOneIsCommitted) {
  auto const picture = part("user", "1") + part("avatar", test::png(20, 20));
  ASSERT_EQ(post(key(), picture).status, 200);
  auto const first = stored(1);
  ASSERT_EQ(post(key(), picture).status, 200);
  EXPECT_NE(stored(1), first);
  EXPECT_EQ(get(first).status, 404);
  EXPECT_EQ(get(stored(1)).status, 200);
  EXPECT_EQ(file_count(), 1u);
  // Whatever storage call fails, the former picture stays and nothing is left over.
  sql::FailingDatabase failing(db());
  AvatarService broken(failing, numbers_, *files_);
  for (int n = 1;; ++n) {
    auto const before = stored(1);
    failing.fail_at(n);
    bool done = false;
    try {
      done = post(key(), picture, "multipart/form-data; boundary=b", &broken).status == 200;
    } catch (sql::StorageError const&) {}
    auto const calls = failing.calls();
    failing.fail_at(0);
    EXPECT_EQ(get(stored(1)).status, 200) << "call " << n;
    if (!done) {
      EXPECT_EQ(stored(1), before) << "call " << n;
    }
    if (calls < n) break;
  }
  service_->remove_orphans(0);
  EXPECT_EQ(file_count(), 1u);
}

TEST_P(Avatars, OrphansGoAtTheStart) {
  ASSERT_EQ(post(key(), part("user", "1") + part("avatar", test::png(20, 20))).status, 200);
  auto const orphan = files_->add("nobody's");
  std::ofstream(folder() + "/abc.part") << "half";
  std::ofstream(folder() + "/README") << "the operator's";
  EXPECT_EQ(service_->remove_orphans(3'600'000), 0) << "another node may be about to commit it";
  EXPECT_EQ(service_->remove_orphans(0), 2);
  EXPECT_EQ(get(orphan).status, 404);
  EXPECT_EQ(get(stored(1)).status, 200);
  EXPECT_EQ(file_count(), 2u);
}

TEST_P(Avatars, OfOthersAreChangedByAdministratorsAndKeysAlone) {
  auto const picture = part("avatar", test::png(20, 20));
  auto own_key = user(2);
  own_key.kind = api::PrincipalKind::user_key;
  for (auto const& who : {user(2), own_key}) {
    EXPECT_EQ(post(who, picture).status, 200);
    EXPECT_EQ(post(who, part("user", "user2") + picture).status, 200);
    auto const refused = post(who, part("user", "1") + picture);
    EXPECT_EQ(refused.status, 403);
    for (auto const* other : {"m4@example.org", "7", "nobody", "4"})
      EXPECT_EQ(post(who, part("user", other) + picture).body, refused.body) << other;
  }
  EXPECT_EQ(stored(1), "");
  auto without_factor = user(1, api::CommunityRole::administrator);
  without_factor.lacks_second_factor = true;
  EXPECT_THAT(post(without_factor, part("user", "9") + picture).body, HasSubstr("second_factor_setup_required"));
  auto const administrator = user(1, api::CommunityRole::administrator);
  EXPECT_EQ(post(administrator, part("user", "9") + picture).status, 200) << "suspended";
  for (auto const& who : {key(), administrator}) {
    for (auto const* stranger : {"4", "8", "m4@example.org", "nobody"}) {
      auto const answer = post(who, part("user", stranger) + picture);
      EXPECT_EQ(answer.status, 404) << stranger;
      EXPECT_EQ(answer.body, post(who, part("user", "unknown") + picture).body) << stranger;
    }
    EXPECT_EQ(post(who, part("user", "7") + picture).status, 409) << "invited";
  }
  EXPECT_EQ(stored(4, kElsewhere) + stored(3, kElsewhere), "");
  EXPECT_EQ(post(key(), picture).status, 400) << "a key has no picture of its own";
}

TEST_P(Avatars, WhatIsNoPictureIsRefused) {
  auto const good = test::png(20, 20);
  struct Case {
    char const* what;
    std::string form;
    int status;
    char const* code;
  };
  auto const avatar = [](std::string const& bytes, std::string const& type = "") {
    return part("user", "1") + part("avatar", bytes, type);
  };
  Case const cases[] = {
      {"one byte", avatar("x"), 400, "invalid_image"},
      {"nothing", avatar(""), 400, "invalid_image"},
      {"a signature alone", avatar(good.substr(0, 8)), 400, "invalid_image"},
      {"cut off", avatar(good.substr(0, good.size() / 2)), 400, "invalid_image"},
      {"SVG", avatar("<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "image/svg+xml"), 400, "invalid_image"},
      {"a page", avatar("<!doctype html><script>1</script>", "image/png"), 400, "invalid_image"},
      {"mislabelled", avatar(good, "image/jpeg"), 400, "invalid_image"},
      {"a page that is a GIF", avatar("GIF89a=1;<script>alert(1)</script>", "image/gif"), 400, "invalid_image"},
      {"no file", part("user", "1"), 400, "missing_file"},
      {"two files", part("user", "1") + part("avatar", good) + part("avatar", good), 400, "duplicate_field"},
      {"too large", avatar(std::string(static_cast<std::size_t>(kAvatarBytesMax) + 1, 'x')), 413, "file_too_large"},
      {"too large a form", part("other", std::string(static_cast<std::size_t>(kAvatarBytesMax) * 2, 'x')), 413, "file_too_large"}};
  for (auto const& c : cases) {
    auto const answer = post(key(), c.form);
    EXPECT_EQ(answer.status, c.status) << c.what;
    EXPECT_THAT(answer.body, HasSubstr(std::string("\"") + c.code + "\"")) << c.what;
  }
  EXPECT_EQ(post(key(), "", "application/json").status, 415);
  EXPECT_EQ(post(key(), "", "multipart/form-data").status, 400);
  EXPECT_EQ(stored(1), "");
  EXPECT_EQ(file_count(), 0u);

  FormBody huge(part("user", "1"));
  huge.declared = kAvatarBytesMax * 3;
  api::Request request;
  request.headers.push_back({"content-type", "multipart/form-data; boundary=b"});
  EXPECT_EQ(post(key(), request, huge).status, 413);
  EXPECT_EQ(huge.given(), 0u) << "refused before it came";
}

TEST_P(Avatars, OfOneMemberSentAtOnceLeaveOneFile) {
  constexpr int kThreads = 6;
  std::latch start(kThreads);
  std::vector<std::thread> threads;
  auto const form = part("user", "1") + part("avatar", test::png(40, 40));
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      EXPECT_EQ(post(key(), form).status, 200);
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(file_count(), 1u);
  EXPECT_EQ(get(stored(1)).status, 200);
}

}  // namespace
}  // namespace fealty::members
