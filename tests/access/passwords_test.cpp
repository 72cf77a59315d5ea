#include "access/passwords.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <fstream>
#include <latch>

#include "access/throttles.h"
#include "access/vault.h"
#include "support/database.h"

namespace fealty::access {
namespace {

using testing::HasSubstr;

TEST(Passwords, FollowTheRule) {
  struct Case {
    std::string password;
    char const* problem;  // empty: good
  };
  for (auto const& c : {Case{"correct horse", ""},
                        Case{"pässwörtlich", ""},
                        Case{"a1b2c3d-", ""},
                        Case{"日本語日本語日本", ""},
                        Case{"a1b2c3-", "8 to 128"},
                        Case{std::string(127, 'x') + "-y", "8 to 128"},
                        Case{std::string(126, 'x') + "-y", ""},
                        Case{"onlyletters99", "special"},
                        Case{"Mia.Meyer", "username"},
                        Case{" Mia@Example.org", ""},
                        Case{"mia@example.org", "e-mail"},
                        Case{"tab\tinside-1", "control"},
                        Case{"broken\xff-bytes", "text"},
                        Case{"Password!", "first"},
                        Case{"p@$$w0rd!1", "first"},
                        Case{"qwertz123!", "first"},
                        Case{"2026-summer!", "first"},
                        Case{"01.02.2003", "first"},
                        Case{"--------", "first"},
                        Case{"admin_admin_1x", ""}}) {
    auto const problem = password_problem(c.password, "mia.meyer", "Mia@example.org");
    if (*c.problem == '\0') {
      EXPECT_FALSE(problem) << c.password << ": " << problem.value_or("");
    } else {
      EXPECT_THAT(problem.value_or("none"), HasSubstr(c.problem)) << c.password;
    }
  }
}

TEST(Passwords, AreHashedWithASaltOfTheirOwn) {
  PasswordHasher hasher(2);
  auto const a = *hasher.hash("correct horse-1"), b = *hasher.hash("correct horse-1");
  EXPECT_TRUE(a.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << a;
  EXPECT_NE(a, b);
  EXPECT_TRUE(*hasher.verify(a, "correct horse-1"));
  EXPECT_FALSE(*hasher.verify(a, "correct horse-2"));
  EXPECT_FALSE(*hasher.verify("", "correct horse-1"));
  EXPECT_FALSE(*hasher.verify("no hash at all", "correct horse-1"));
  // The same text in two forms of Unicode is one password.
  EXPECT_TRUE(*hasher.verify(*hasher.hash("caf\xc3\xa9-night"), "cafe\xcc\x81-night"));
}

TEST(Passwords, WhoComesWhenTooManyWaitIsToldSo) {
  PasswordHasher hasher(1, 2);
  std::atomic<int> good{0}, refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t)
    threads.emplace_back([&] {
      auto const result = hasher.hash("correct horse-1");
      if (result) {
        ++good;
      } else {
        EXPECT_EQ(result.error().code(), "overloaded");
        EXPECT_GT(result.error().retry_after_s, 0);
        ++refused;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good + refused, 12);
  EXPECT_GE(good, 1);
  EXPECT_GE(refused, 1);
}

TEST(Passwords, WorkThatWaitsForItsTurnHoldsNobody) {
  std::latch begun(1), go(1), done(3);
  int refused = 0;
  {
    PasswordHasher hasher(1, 2);
    PasswordHasher::Work first = [&] {
      begun.count_down();
      go.wait();
      EXPECT_TRUE(*hasher.verify(*hasher.hash("correct horse-1"), "correct horse-1")) << "one piece of work may hash several times";
      done.count_down();
    };
    ASSERT_TRUE(hasher.later(first));
    begun.wait();
    for (int i = 0; i < 4; ++i) {
      PasswordHasher::Work next = [&] {
        EXPECT_TRUE(hasher.hash("correct horse-1"));
        done.count_down();
      };
      auto const taken = hasher.later(next);
      if (taken) continue;
      ++refused;
      EXPECT_EQ(taken.error().code(), "overloaded");
      EXPECT_EQ(taken.error().retry_after_s, 5);
      EXPECT_TRUE(next) << "what is refused is left to its owner";
    }
    EXPECT_EQ(refused, 2);
    go.count_down();
  }  // what waits is done at the end
  EXPECT_TRUE(done.try_wait());
}

TEST(Passwords, WhatHashesNothingDoesNotWaitForWhatDoes) {
  std::latch begun(1), go(1), done(1);
  PasswordHasher hasher(1, 2);
  PasswordHasher::Work busy = [&] {
    begun.count_down();
    go.wait();
  };
  ASSERT_TRUE(hasher.later(busy));
  begun.wait();
  auto const handler = on_hasher(
      hasher, [](api::Context&, api::Request& r) -> Result<api::Answer> { return api::Answer{.message = r.body}; },
      [](api::Request const& r) { return r.body == "hashes"; });
  api::Context context;
  api::Request plain, hashing;
  plain.body = "hashes nothing";
  hashing.body = "hashes";
  std::string answers;
  handler(context, hashing, [&](Result<api::Answer> const& answer, std::exception_ptr const&) {
    answers += answer->message;
    done.count_down();
  });
  handler(context, plain, [&](Result<api::Answer> const& answer, std::exception_ptr const&) { answers += answer->message + ", "; });
  EXPECT_EQ(answers, "hashes nothing, ");
  go.count_down();
  done.wait();
  EXPECT_EQ(answers, "hashes nothing, hashes");
}

TEST(AddressBlocks, AreWhatOneClientCanChooseFrom) {
  EXPECT_EQ(address_block("192.0.2.1"), address_block("192.0.2.254"));
  EXPECT_NE(address_block("192.0.2.1"), address_block("192.0.3.1"));
  EXPECT_EQ(address_block("::ffff:192.0.2.1"), address_block("192.0.2.7"));
  EXPECT_EQ(address_block("2001:db8:1:2::1"), address_block("2001:db8:1:2:ffff::9"));
  EXPECT_NE(address_block("2001:db8:1:2::1"), address_block("2001:db8:1:3::1"));
}

TEST(Vaults, AreMadeOnceAndReadByTheirOwnerAlone) {
  test::TemporaryFolder folder;
  std::string const path = folder.path() + "/secret.key";
  EXPECT_THROW(Vault::from_file(path, false), VaultError);
  auto const made = Vault::from_file(path, true), read = Vault::from_file(path, true);
  EXPECT_EQ(made.name(), read.name());
  struct stat st{};
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
  auto const sealed = made.seal("one purpose", "secret text");
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_EQ(read.open("one purpose", sealed), "secret text");
  EXPECT_FALSE(read.open("another purpose", sealed));
  EXPECT_FALSE(Vault(std::string(32, 'o')).open("one purpose", sealed));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(read.open("one purpose", changed)) << i;
  }
  EXPECT_FALSE(read.open("one purpose", "short"));
  ::chmod(path.c_str(), 0640);
  EXPECT_THROW(Vault::from_file(path, true), VaultError);
  std::string const bad = folder.path() + "/bad.key";
  std::ofstream(bad) << "abc\n";
  ::chmod(bad.c_str(), 0600);
  EXPECT_THROW(Vault::from_file(bad, true), VaultError);
}

}  // namespace
}  // namespace fealty::access
