#include "access/keys.h"

#include <latch>
#include <thread>

#include "base/hash.h"
#include "sql/failing.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::access {
namespace {

using test::kNow;
using test::number;
using test::run;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr CommunityNo kHere{1}, kElsewhere{2};
constexpr TimeMs kDay = 86'400'000;
Actor const kActor{"operator", "shell", "Operator"};

api::PermissionSet bulk() {
  api::PermissionSet set;
  set.add(api::Permission::bulk_update_user);
  return set;
}
api::Request request(std::string header, std::string value) {
  api::Request r;
  r.headers.push_back({std::move(header), std::move(value)});
  return r;
}
api::Request bearer(std::string const& key) { return request("authorization", "Bearer " + key); }

class Keys : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    test::add_community(db(), kHere.value);
    test::add_community(db(), kElsewhere.value);
    service_.emplace(db(), numbers_);
  }
  KeyService& service() { return *service_; }
  Result<IssuedKey> create(std::string name, KeyKind kind = KeyKind::community, std::int64_t days = 0, CommunityNo community = kHere) {
    return service().create(community, {kind, std::move(name), bulk(), days}, kActor, kNow);
  }
  std::string message(api::Request const& r, TimeMs now = kNow) {
    auto const who = service().check(r, now);
    if (who) return who->kind == api::PrincipalKind::guest ? "guest" : "good";
    EXPECT_EQ(who.error().status(), 401);
    EXPECT_EQ(who.error().code(), "unauthorized");
    return who.error().message;
  }
  static constexpr char kWrong[] = "This key is not valid: check that it is complete, or make a new one.";

  NumberSource numbers_{1};
  std::optional<KeyService> service_;
};
FEALTY_ON_BOTH_ENGINES(Keys);

TEST_P(Keys, HaveAPublicPrefixASecretAndAChecksum) {
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) {
    auto const key = create("key " + std::to_string(i), i % 2 ? KeyKind::system : KeyKind::community);
    ASSERT_TRUE(key);
    EXPECT_THAT(key->key, testing::MatchesRegex(i % 2 ? "fs_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}" : "fk_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}"));
    EXPECT_TRUE(key->key.starts_with(key->prefix + "_"));
    EXPECT_TRUE(seen.insert(key->prefix).second);
    EXPECT_FALSE(is_mistyped_key(key->key));
  }
}

TEST_P(Keys, AMistypedKeyIsRefusedWithoutAReadOfStorage) {
  auto const key = create("crm")->key;
  sql::FailingDatabase counting(db());
  counting.fail_at(0);
  KeyService service(counting, numbers_);
  auto refused = [&](std::string const& text) {
    EXPECT_TRUE(is_mistyped_key(text)) << text;
    EXPECT_FALSE(service.check(bearer(text), kNow)) << text;
  };
  // Every character counts: each is changed once, and left out once.
  for (std::size_t i = 3; i < key.size(); ++i) {
    std::string other = key, shorter = key;
    other[i] = other[i] == 'x' ? 'y' : 'x';
    refused(other);
    shorter.erase(i, 1);
    refused(shorter);
  }
  for (std::string const& text : {key + "x", key + key, std::string("fk_"), std::string("fu_short"), "fs" + key.substr(2)}) refused(text);
  EXPECT_EQ(counting.calls(), 0);
  // What has not our form may be a foreign key: it is looked up.
  for (auto const* text : {"", "fk", "x", "0123456789abcdef0123456789abcdef01234567", "FK_abcdefgh_"})
    EXPECT_FALSE(is_mistyped_key(text)) << text;
}

TEST_P(Keys, OpenTheDoorOfTheirCommunityWithTheirPermissions) {
  auto const key = *create("crm");
  for (auto const& good :
       {bearer(key.key), request("authorization", "bearer   " + key.key), request("authorization", "BEARER " + key.key + " "),
        request("authorization", key.key), request("authorization", " " + key.key + "\t")}) {
    auto const who = service().check(good, kNow);
    ASSERT_TRUE(who) << good.headers[0].value;
    EXPECT_EQ(who->kind, api::PrincipalKind::community_key);
    EXPECT_EQ(who->community, kHere);
    EXPECT_EQ(who->community_id, PublicId::of(1, kNow));
    EXPECT_EQ(who->key_id, key.id);
    EXPECT_EQ(who->key_prefix, key.prefix);
    EXPECT_EQ(who->name, "crm");
    EXPECT_THAT(who->permissions.identifiers(), ElementsAre("bulkUpdateUser"));
  }
  auto const system = *create("system", KeyKind::system, 0, kElsewhere);
  auto const who = service().check(request("x-api-key", " " + system.key), kNow);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->kind, api::PrincipalKind::system_key);
  EXPECT_EQ(who->community, kElsewhere);
}

TEST_P(Keys, WhatIsWrongIsRefusedWithTheSameWordsWhateverItIs) {
  auto const key = *create("crm"), system = *create("system", KeyKind::system);
  struct Case {
    char const* what;
    api::Request request;
    std::string expected;
  };
  std::string const unknown = "fk_" + std::string(8, 'a');
  Case const cases[] = {
      {"no credential", {}, "guest"},
      {"empty headers", request("authorization", "  "), "guest"},
      {"an empty system header", request("x-api-key", ""), "guest"},
      {"a community key as system key", request("x-api-key", key.key), kWrong},
      {"a system key as community key", bearer(system.key), kWrong},
      {"its prefix alone", bearer(key.prefix), kWrong},
      {"an unknown foreign key", bearer("0123456789abcdef0123456789abcdef01234567"), kWrong},
      {"the word alone", request("authorization", "Bearer"), kWrong},
      {"another scheme", request("authorization", "Basic " + key.key), kWrong},
      {"two keys", bearer(key.key + " " + key.key), kWrong},
      {"too long", bearer(std::string(100'000, 'k')), kWrong},
      {"not UTF-8", bearer("\xff\xfe\x01"), kWrong},
      {"the hash that is stored", bearer(to_hex({reinterpret_cast<unsigned char const*>(sha256(key.key).data()), 32})), kWrong},
      {"the right key", bearer(key.key), "good"},
  };
  for (auto const& c : cases) EXPECT_EQ(message(c.request), c.expected) << c.what;
  api::Request both = bearer(key.key);
  both.headers.push_back({"x-api-key", "wrong"});
  EXPECT_EQ(message(both), kWrong) << "a wrong key is not forgiven for another right one";
}

TEST_P(Keys, AForeignKeyIsCheckedByItsHashAsOwnOnesAre) {
  std::string const foreign = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  auto const hash = sha256(foreign);
  auto const literal = to_hex({reinterpret_cast<unsigned char const*>(hash.data()), hash.size()});
  run(db(),
      "INSERT INTO api_keys (community_id, key_id, kind, name, prefix, secret_hash, permissions, created_at, created_by) VALUES (1, 77, "
      "'community', 'moved', '01234567', " +
          (engine() == sql::Engine::sqlite ? "x'" + literal + "'" : "'\\x" + literal + "'::bytea") + ", 16, 1, 'operator')");
  EXPECT_EQ(message(bearer(foreign)), "good");
  EXPECT_EQ(message(request("authorization", foreign)), "good");
  EXPECT_EQ(message(bearer(foreign.substr(1))), kWrong);
}

TEST_P(Keys, OfAnotherSystemAreRegisteredOnceAndStoredAsAHash) {
  std::string const foreign = "00112233445566778899aabbccddeeff00112233";
  NewKey key{KeyKind::community, "moved", bulk(), 0};
  key.foreign = foreign;
  auto const made = service().create(kHere, key, kActor, kNow);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->key, foreign);
  EXPECT_EQ(made->prefix, "00112233");
  EXPECT_EQ(message(bearer(foreign)), "good");
  EXPECT_THAT(test::tables_with(db(), foreign.substr(8)), IsEmpty());
  key.name = "again";
  EXPECT_EQ(service().create(kElsewhere, key, kActor, kNow).error().status(), 409);
  for (auto const& text : {foreign + "0", foreign.substr(2), std::string(40, 'g'), std::string("fk_abcdefgh")}) {
    key.foreign = text;
    auto const refused = service().create(kHere, key, kActor, kNow);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().issues.at(0).field, "foreignKey");
  }
}

TEST_P(Keys, RevokedAndExpiredKeysStopAtOnce) {
  auto const key = *create("crm"), month = *create("month", KeyKind::community, 30),
             most = *create("most", KeyKind::community, kKeyExpiryDaysMax);
  EXPECT_EQ(message(bearer(month.key), kNow + 30 * kDay - 1), "good");
  EXPECT_EQ(message(bearer(month.key), kNow + 30 * kDay), "This key expired on 2026-05-07; make a new one.");
  EXPECT_EQ(message(bearer(key.key), kNow + 100'000 * kDay), "good");
  EXPECT_EQ(message(bearer(most.key), kNow + 3'650 * kDay - 1), "good");

  auto const revoked = service().revoke(kHere, key.id, kActor, kNow + 5);
  ASSERT_TRUE(revoked);
  EXPECT_EQ(revoked->revoked_at, kNow + 5);
  EXPECT_EQ(message(bearer(key.key)), "This key was revoked; make a new one.");
  auto const other_node = database().open_another();
  EXPECT_FALSE(KeyService(*other_node, numbers_).check(bearer(key.key), kNow));
  EXPECT_EQ(service().revoke(kHere, key.id, kActor, kNow + 9)->revoked_at, kNow + 5) << "the first time counts";
  EXPECT_EQ(message(bearer(month.key)), "good");

  auto const unknown = {service().revoke(kElsewhere, month.id, kActor, kNow),
                        service().revoke(kHere, {month.id.seconds + 1, month.id.number}, kActor, kNow),
                        service().revoke(kHere, {month.id.seconds, 999}, kActor, kNow)};
  for (auto const& result : unknown) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), "api_key_not_found");
  }
  EXPECT_EQ(message(bearer(month.key)), "good");
}

TEST_P(Keys, AreListedWithoutTheirSecrets) {
  auto const crm = *create("crm"), system = *create("system", KeyKind::system, 10);
  ASSERT_TRUE(create("elsewhere", KeyKind::community, 0, kElsewhere));
  ASSERT_TRUE(service().revoke(kHere, crm.id, kActor, kNow + 1));
  auto const list = service().list(kHere);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].id, crm.id);
  EXPECT_EQ(list[0].prefix, crm.prefix);
  EXPECT_EQ(list[0].revoked_at, kNow + 1);
  EXPECT_FALSE(list[0].expires_at);
  EXPECT_EQ(list[1].kind, KeyKind::system);
  EXPECT_EQ(list[1].expires_at, kNow + 10 * kDay);
}

TEST_P(Keys, NoSecretIsStoredAnywhere) {
  auto const key = *create("crm");
  ASSERT_TRUE(service().check(bearer(key.key), kNow));
  ASSERT_TRUE(service().revoke(kHere, key.id, kActor, kNow));
  EXPECT_THAT(test::tables_with(db(), key.prefix), ElementsAre("api_keys")) << "the prefix is public: the search works";
  EXPECT_THAT(test::tables_with(db(), key.key), IsEmpty());
  // Nor any part of it that would help to guess the rest.
  for (std::size_t i = key.prefix.size() + 1; i + 8 <= key.key.size(); ++i)
    EXPECT_THAT(test::tables_with(db(), key.key.substr(i, 8)), IsEmpty());
}

TEST_P(Keys, EveryChangeIsAuditedOnceWithItsActor) {
  auto const key = *create("crm");
  ASSERT_FALSE(create("crm"));
  ASSERT_TRUE(service().revoke(kHere, key.id, kActor, kNow + 5));
  ASSERT_TRUE(service().revoke(kHere, key.id, kActor, kNow + 6));
  std::vector<std::string> rows;
  db().read([&](sql::Tx& tx) {
    tx.run_text("SELECT action, actor_type, actor_id, target, created_at FROM audit_entries WHERE community_id = 1 ORDER BY audit_id", {},
                [&](sql::Row const& r) {
                  rows.push_back(r.string(0) + " " + r.string(1) + " " + r.string(2) + " " + r.string(3) + " " +
                                 std::to_string(r.integer(4) - kNow));
                });
  });
  EXPECT_THAT(rows, ElementsAre("api_key.create operator shell " + key.id.to_string() + " 0",
                                "api_key.revoke operator shell " + key.id.to_string() + " 5"));
}

TEST_P(Keys, WhatCannotBeMadeIsToldAllAtOnce) {
  struct Case {
    char const* what;
    NewKey key;
    std::vector<std::string> fields;
  };
  Case const cases[] = {
      {"no name", {KeyKind::community, "", bulk(), 0}, {"name"}},
      {"a long name", {KeyKind::community, std::string(101, 'n'), bulk(), 0}, {"name"}},
      {"a line break", {KeyKind::community, "a\nb", bulk(), 0}, {"name"}},
      {"not UTF-8", {KeyKind::community, "a\xff", bulk(), 0}, {"name"}},
      {"no permission", {KeyKind::community, "n", {}, 0}, {"permissions"}},
      {"a past end", {KeyKind::community, "n", bulk(), -1}, {"expirePeriod"}},
      {"a late end", {KeyKind::community, "n", bulk(), 3'651}, {"expirePeriod"}},
      {"all of it", {KeyKind::community, "", {}, 9'999}, {"name", "permissions", "expirePeriod"}},
  };
  auto const before = test::dump(db());
  for (auto const& c : cases) {
    auto const result = service().create(kHere, c.key, kActor, kNow);
    ASSERT_FALSE(result) << c.what;
    EXPECT_EQ(result.error().code(), "invalid_request") << c.what;
    std::vector<std::string> fields;
    for (auto const& issue : result.error().issues) fields.push_back(issue.field);
    EXPECT_EQ(fields, c.fields) << c.what;
  }
  EXPECT_EQ(test::dump(db()), before);
  EXPECT_TRUE(create(std::string(99, 'n') + "é")) << "characters count, not bytes";
}

TEST_P(Keys, NamesAreUniqueAmongLivingKeysAndTheirNumberHasALimit) {
  auto const key = *create("crm");
  EXPECT_EQ(create("crm").error().code(), "api_key_name_taken");
  EXPECT_TRUE(create("crm", KeyKind::system));
  EXPECT_TRUE(create("crm", KeyKind::community, 0, kElsewhere));
  ASSERT_TRUE(service().revoke(kHere, key.id, kActor, kNow));
  EXPECT_TRUE(create("crm")) << "a revoked key's name is free";
  for (int i = 2; i < kKeysPerCommunityMax; ++i) ASSERT_TRUE(create("k" + std::to_string(i))) << i;
  auto const over = create("one more");
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code(), "too_many_keys");
  EXPECT_EQ(over.error().status(), 409);
}

TEST_P(Keys, OfOneNameMadeAtOnceOnlyOneIsMade) {
  std::atomic<int> made{0};
  std::latch start(8);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      // Every thread has its connection before the race begins.
      EXPECT_THAT(service().list(kHere), IsEmpty());
      start.arrive_and_wait();
      if (create("crm")) ++made;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM api_keys"), 1);
}

TEST_P(Keys, AFailureOfAnyStorageCallMakesAllOrNothing) {
  sql::FailingDatabase failing(db());
  KeyService service(failing, numbers_);
  for (int n = 1;; ++n) {
    auto const before = test::dump(db());
    failing.fail_at(n);
    bool made = false;
    try {
      made = service.create(kHere, {KeyKind::community, "k" + std::to_string(n), bulk(), 0}, kActor, kNow).has_value();
    } catch (sql::StorageError const&) {}
    if (!made) {
      EXPECT_EQ(test::dump(db()), before) << "call " << n;
    }
    if (failing.calls() < n) {
      EXPECT_TRUE(made);
      break;
    }
  }
}

TEST_P(Keys, CommunitiesAreFoundByTheirWholeId) {
  db().read([&](sql::Tx& tx) {
    EXPECT_EQ(*find_community(tx, PublicId::of(1, kNow)), kHere);
    for (auto const id : {PublicId::of(3, kNow), PublicId::of(1, kNow + 1'000), PublicId{0, 0}, PublicId::of(-1, kNow)}) {
      auto const none = find_community(tx, id);
      ASSERT_FALSE(none);
      EXPECT_EQ(none.error().code(), "community_not_found");
    }
  });
}

}  // namespace
}  // namespace fealty::access
