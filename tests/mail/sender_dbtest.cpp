#include "mail/sender.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <latch>
#include <regex>

#include "access/one_time.h"
#include "base/error.h"
#include "mail/smtp.h"
#include "mail/smtp_server.h"
#include "sql/failing.h"
#include "support/database.h"
#include "support/ground.h"

namespace fealty::mail {
namespace {

using test::kNow;
using test::number;
using test::SmtpServer;
using test::text;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using enum SmtpServer::Behaviour;

constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;

// Keeps what is sent, and answers as it is told.
class Memory final : public Transport {
 public:
  explicit Memory(std::vector<Message>& sent, Delivery const& answer) : sent_(sent), answer_(answer) {}
  Delivery send(Message const& message) override {
    if (answer_.outcome == Delivery::Outcome::sent) sent_.push_back(message);
    return answer_;
  }

 private:
  std::vector<Message>& sent_;
  Delivery const& answer_;
};

class Mails : public test::DatabaseTest {
 protected:
  void SetUp() override {
    DatabaseTest::SetUp();
    test::add_community(db(), 1);
    test::add_member(db(), {1}, 5);
  }
  SenderSettings settings() {
    return {.from = {"Club", "club@example.org"}, .public_url = "https://club.example.org", .templates_folder = {}, .clock = [this] {
              return now_.load();
            }};
  }
  Sender memory_sender() { return Sender(db(), std::make_unique<Memory>(sent_, answer_), settings()); }
  void queue(std::string name, std::string recipient = "m5@example.org", std::string facts = "{}", std::string language = "en") {
    db().write([&](sql::Tx& tx) {
      queue_mail(tx, numbers_, {{1}, {5}, std::move(recipient), std::move(name), std::move(language), std::move(facts)}, now_);
    });
  }
  std::string state() { return text(db(), "SELECT status || ' ' || attempts || ' ' || last_error FROM mails ORDER BY mail_id LIMIT 1"); }
  static std::string first_match(std::string const& in, char const* pattern) {
    std::smatch found;
    return std::regex_search(in, found, std::regex(pattern)) ? found[1].str() : "(none)";
  }

  std::atomic<TimeMs> now_ = kNow;
  NumberSource numbers_{1, [this] { return now_.load(); }};
  std::vector<Message> sent_;
  Delivery answer_;
};
FEALTY_ON_BOTH_ENGINES(Mails);

TEST_P(Mails, LeaveWithALinkAndACodeThatWorkOnceAndStandNowhereElse) {
  queue("verify_email", "M5@Example.org", R"({"registration":"77","name":"Mia"})");
  auto sender = memory_sender();
  EXPECT_TRUE(sender.send_one());
  EXPECT_FALSE(sender.send_one());
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].to, "M5@Example.org");
  EXPECT_EQ(state(), "sent 1 ");
  auto const body = sent_[0].text.body;
  auto const code = first_match(body, "Your code: ([0-9]{6})"),
             token = first_match(body, "https://club.example.org/verify-email\\?token=(\\w+)");
  EXPECT_EQ(sent_[0].text.subject, code + " is your code for Community 1");
  EXPECT_THAT(test::tables_with(db(), token), IsEmpty());
  EXPECT_THAT(test::tables_with(db(), code), IsEmpty());
  db().write([&](sql::Tx& tx) {
    EXPECT_TRUE(access::redeem_code(tx, "verify_email", "m5@example.org", code, now_));
    auto const link = access::redeem_link(tx, "verify_email", token, now_);
    ASSERT_TRUE(link);
    EXPECT_EQ(link->account, MemberNo{5});
    EXPECT_EQ(link->community, CommunityNo{1});
    EXPECT_THAT(link->facts, HasSubstr("\"77\""));
    EXPECT_FALSE(access::redeem_link(tx, "verify_email", token, now_));
  });
}

TEST_P(Mails, EachLetterLeadsWhereItsSecretIsRedeemed) {
  struct Case {
    char const *name, *page, *purpose;
    std::int64_t lives_ms;
  };
  Case const cases[] = {{"reset_password", "reset-password", "reset_password", 30 * kMinute},
                        {"claim", "claim", "claim", 7 * kDay},
                        {"set_password", "set-password", "set_password", 7 * kDay},
                        {"sign_in_or_claim", "claim", "claim", 7 * kDay}};
  auto sender = memory_sender();
  for (auto const& c : cases) {
    queue(c.name);
    EXPECT_TRUE(sender.send_one());
    auto const token = first_match(sent_.back().text.body, ("https://club.example.org/" + std::string(c.page) + "\\?token=(\\w+)").c_str());
    db().read([&](sql::Tx& tx) {
      EXPECT_TRUE(access::look_at_link(tx, c.purpose, token, now_ + c.lives_ms - 1)) << c.name;
      EXPECT_FALSE(access::look_at_link(tx, c.purpose, token, now_ + c.lives_ms)) << c.name;
    });
    EXPECT_THAT(sent_.back().text.body, HasSubstr("user5")) << c.name;
  }
  auto const secrets = number(db(), "SELECT count(*) FROM one_time_secrets");
  test::run(db(), "UPDATE accounts SET state = 1 WHERE account_id = 5");
  for (auto const* name : {"sign_in_or_claim", "email_changed", "invitation", "second_factor_off", "community_password"}) {
    queue(name, "m5@example.org", "{}", "de-AT");
    EXPECT_TRUE(sender.send_one());
    EXPECT_THAT(sent_.back().text.body, HasSubstr("Hallo")) << name;
    EXPECT_THAT(sent_.back().text.body, Not(HasSubstr("token="))) << name;
  }
  EXPECT_EQ(number(db(), "SELECT count(*) FROM one_time_secrets"), secrets) << "who has claimed his account gets no secret by it";
}

TEST_P(Mails, AreTriedAgainWithGrowingPausesForTwoDays) {
  queue("claim");
  answer_ = {Delivery::Outcome::later, "the server answered 451"};
  auto sender = memory_sender();
  std::vector<std::int64_t> pauses;
  int attempts = 0;
  while (text(db(), "SELECT status FROM mails") == "queued") {
    ASSERT_TRUE(sender.send_one());
    ASSERT_LT(++attempts, 60);
    auto const next = number(db(), "SELECT next_attempt_at FROM mails");
    pauses.push_back((next - now_) / kMinute);
    now_ = next - 1;
    EXPECT_FALSE(sender.send_one()) << "not before its time";
    now_ = next;
  }
  ASSERT_GE(pauses.size(), 10u);
  EXPECT_THAT(std::vector(pauses.begin(), pauses.begin() + 10), ElementsAre(1, 2, 4, 8, 16, 32, 64, 128, 240, 240));
  EXPECT_LE(now_, kNow + 2 * kDay + 4 * kHour);
  EXPECT_GE(now_, kNow + 2 * kDay - 4 * kHour);
  EXPECT_THAT(state(), HasSubstr("failed "));
  EXPECT_THAT(state(), HasSubstr("the server answered 451"));
  EXPECT_FALSE(sender.send_one());
}

TEST_P(Mails, WhatCanNeverLeaveEndsAndWhatTheOperatorCanMendWaits) {
  answer_ = {Delivery::Outcome::refused, "the server answered 550"};
  queue("claim");
  auto sender = memory_sender();
  EXPECT_TRUE(sender.send_one());
  EXPECT_EQ(state(), "failed 1 the server answered 550");
  test::run(db(), "DELETE FROM mails");
  answer_ = {};
  for (auto const* recipient : {"nobody", "a@example.org\r\nBcc: b@example.org", "a@example.org>,<b@example.org"}) {
    queue("claim", recipient);
    EXPECT_TRUE(sender.send_one());
    EXPECT_THAT(state(), HasSubstr("queued 1 the mail cannot be written"));
    test::run(db(), "DELETE FROM mails");
  }
  queue("nothing");
  auto const secrets = number(db(), "SELECT count(*) FROM one_time_secrets");
  EXPECT_TRUE(sender.send_one());
  EXPECT_THAT(state(), HasSubstr("there is no template nothing"));
  EXPECT_EQ(number(db(), "SELECT count(*) FROM one_time_secrets"), secrets) << "what did not leave has no secret";
  EXPECT_THAT(sent_, IsEmpty());
}

TEST_P(Mails, NothingIsTriedForAWhileWhenTheServerIsAway) {
  answer_ = {Delivery::Outcome::unreachable, "away"};
  for (int i = 0; i < 3; ++i) queue("claim");
  auto sender = memory_sender();
  EXPECT_TRUE(sender.send_one());
  EXPECT_FALSE(sender.send_one());
  EXPECT_EQ(number(db(), "SELECT sum(attempts) FROM mails"), 1);
  answer_ = {};
  now_ += Sender::kUnreachablePauseMs;
  EXPECT_TRUE(sender.send_one());
  EXPECT_TRUE(sender.send_one());
  EXPECT_FALSE(sender.send_one()) << "the first one has a pause of its own";
  now_ += kMinute;
  EXPECT_TRUE(sender.send_one());
  EXPECT_EQ(sent_.size(), 3u);
}

TEST_P(Mails, OfADeadNodeGoOnWhenItsLeaseEndsAndItCanNoteNothingAnyMore) {
  queue("claim");
  std::function<void()> while_sending;
  class Slow final : public Transport {
   public:
    explicit Slow(std::function<void()>& f) : f_(f) {}
    Delivery send(Message const&) override {
      f_();
      return {Delivery::Outcome::refused, "late"};
    }

   private:
    std::function<void()>& f_;
  };
  Sender slow(db(), std::make_unique<Slow>(while_sending), settings());
  auto sender = memory_sender();
  while_sending = [&] {
    EXPECT_FALSE(sender.send_one()) << "it is leased";
    now_ += Sender::kLeaseMs;
    EXPECT_TRUE(sender.send_one());
  };
  EXPECT_TRUE(slow.send_one());
  EXPECT_EQ(sent_.size(), 1u);
  EXPECT_EQ(state(), "sent 2 ");
}

TEST_P(Mails, AreSentOnceByManyNodes) {
  constexpr int kMails = 40;
  for (int i = 0; i < kMails; ++i) queue("invitation", "m" + std::to_string(i) + "@example.org");
  auto const other = database().open_another();
  std::vector<Message> sent[4];
  std::latch start(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Sender sender(t % 2 ? db() : *other, std::make_unique<Memory>(sent[t], answer_), settings());
      start.arrive_and_wait();
      // Another node may hold the mail that this one looked at: it looks again as long as some wait.
      while (number(db(), "SELECT count(*) FROM mails WHERE status = 'queued' AND lease_until = 0") > 0) sender.send_one();
    });
  for (auto& t : threads) t.join();
  std::multiset<std::string> recipients;
  for (auto const& list : sent)
    for (auto const& m : list) recipients.insert(m.to);
  EXPECT_EQ(recipients.size(), static_cast<std::size_t>(kMails));
  for (int i = 0; i < kMails; ++i) EXPECT_EQ(recipients.count("m" + std::to_string(i) + "@example.org"), 1u);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM mails WHERE status = 'sent' AND attempts = 1"), kMails);
}

TEST_P(Mails, CommitWithTheirDeedOrNotAtAll) {
  auto const failed = db().write([&](sql::Tx& tx) -> Result<int> {
    queue_mail(tx, numbers_, {{1}, {5}, "m5@example.org", "claim", "en", "{}"}, now_);
    return fail(fealty::errors::kForbidden, "no");
  });
  EXPECT_FALSE(failed);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM mails"), 0);
}

TEST_P(Mails, AreRemovedAfterThirtyDays) {
  queue("claim");
  now_ += kDay;
  queue("claim");
  auto sender = memory_sender();
  now_ = kNow + 30 * kDay;
  EXPECT_EQ(sender.remove_old(), 0);
  now_ += 1;
  EXPECT_EQ(sender.remove_old(), 1);
  EXPECT_EQ(number(db(), "SELECT count(*) FROM mails"), 1);
}

TEST_P(Mails, AreWrittenIntoAFolderThatNobodyElseMayReadWhereThereIsNoServer) {
  test::TemporaryFolder place;
  auto const folder = place.file("mail");
  Sender sender(db(), folder_transport(folder), settings());
  queue("reset_password", "m5@example.org", "{}", "de");
  EXPECT_TRUE(sender.send_one());
  std::vector<std::string> files;
  for (auto const& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 1u);
  EXPECT_TRUE(files[0].ends_with(".eml"));
  struct ::stat status{};
  ASSERT_EQ(::stat(files[0].c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(folder.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  std::ifstream file(files[0]);
  std::string const mail{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(mail, HasSubstr("To: <m5@example.org>\r\n"));
  EXPECT_THAT(mail, HasSubstr("https://club.example.org/reset-password?token="));
  EXPECT_THAT(mail, HasSubstr("Wähle")) << "readable as it is";
}

TEST_P(Mails, TravelOverSmtpThroughRefusalsAndCutConnections) {
  SmtpServer server;
  Sender sender(db(), smtp_transport({.url = server.url()}), settings());
  auto const attempt = [&](SmtpServer::Behaviour behaviour) {
    server.next({behaviour});
    now_ = std::max(now_ + Sender::kUnreachablePauseMs, number(db(), "SELECT next_attempt_at FROM mails ORDER BY mail_id DESC LIMIT 1"));
    EXPECT_TRUE(sender.send_one());
    return text(db(), "SELECT status || ' ' || last_error FROM mails ORDER BY mail_id DESC LIMIT 1");
  };
  queue("reset_password", "m5@example.org", "{}", "de");
  EXPECT_EQ(attempt(refuse_for_now), "queued the server answered 451");
  EXPECT_THAT(attempt(cut_at_once), testing::StartsWith("queued "));
  EXPECT_EQ(attempt(unwelcome), "queued the server answered 554") << "that is no word about this mail";
  EXPECT_THAT(attempt(cut_after_text), testing::StartsWith("queued "));
  EXPECT_THAT(server.mails(), IsEmpty());
  EXPECT_EQ(attempt(take), "sent ");
  ASSERT_EQ(server.mails().size(), 1u);
  auto const mail = server.mails()[0];
  EXPECT_THAT(mail.from, HasSubstr("<club@example.org>"));
  EXPECT_THAT(mail.to, HasSubstr("<m5@example.org>"));
  EXPECT_THAT(mail.text, HasSubstr("Subject: =?UTF-8?B?"));
  EXPECT_THAT(mail.text, HasSubstr("neues Passwort f=C3=BCr user5"));
  EXPECT_THAT(mail.text, HasSubstr("reset-password?token=3D"));

  queue("claim");
  EXPECT_EQ(attempt(refuse_recipient), "failed the server answered 550") << "and not the server's words, which hold an address";
  queue("claim");
  EXPECT_EQ(attempt(refuse_text), "failed the server answered 554");
  int const connections = server.connections();
  for (int i = 0; i < 3; ++i) {
    queue("claim");
    EXPECT_EQ(attempt(take), "sent ");
  }
  EXPECT_LE(server.connections(), connections + 1) << "one connection carries many mails";
}

TEST_P(Mails, NoMailGoesUnencryptedToAnotherMachine) {
  SmtpServer server;
  // A name that is no other machine's, but does not say so: the server offers no STARTTLS.
  auto const port = server.url().substr(server.url().rfind(':'));
  Message const message{{"", "club@example.org"}, "m5@example.org", "1", {"s", "t"}, kNow};
  EXPECT_EQ(smtp_transport({.url = "smtp://0.0.0.0" + port, .user = "u", .password = "secret"})->send(message).outcome,
            Delivery::Outcome::unreachable);
  EXPECT_THAT(server.mails(), IsEmpty());
  EXPECT_EQ(smtp_transport({.url = "smtp://0.0.0.0" + port, .insecure = true})->send(message).outcome, Delivery::Outcome::sent);
  EXPECT_EQ(server.mails().size(), 1u);
  EXPECT_TRUE(smtp_url_problem("https://example.org"));
  EXPECT_TRUE(smtp_url_problem("smtp://"));
  EXPECT_TRUE(smtp_url_problem("smtp://user:password@example.org"));
  EXPECT_FALSE(smtp_url_problem("smtps://mail.example.org:465"));
}

TEST_P(Mails, AreSentByTheThreadWithoutBeingCalledFor) {
  SmtpServer server;
  now_ = system_now();
  auto with_clock = settings();
  with_clock.clock = system_now;
  Sender sender(db(), smtp_transport({.url = server.url()}), with_clock);
  sender.start();
  for (int i = 0; i < 3; ++i) queue("claim");
  sender.wake();
  EXPECT_TRUE(server.wait_for(3));
  queue("claim");
  EXPECT_TRUE(server.wait_for(4)) << "another node's mails are found too";
  sender.stop();
  EXPECT_EQ(number(db(), "SELECT count(*) FROM mails WHERE status = 'sent'"), 4);
}

TEST_P(Mails, OfAServerThatSaysNothingDoNotKeepTheProgramFromStopping) {
  SmtpServer server;
  server.next({silent});
  now_ = system_now();
  auto with_clock = settings();
  with_clock.clock = system_now;
  Sender sender(db(), smtp_transport({.url = server.url()}), with_clock);
  queue("claim");
  sender.start();
  ASSERT_TRUE(server.wait_for_connection());
  auto const began_ms = steady_now_ms();
  sender.stop();
  EXPECT_LT(steady_now_ms() - began_ms, 10'000) << "the server would have had a minute";
  EXPECT_EQ(state(), "queued 1 this server shuts down");
}

TEST_P(Mails, AFailureOfStorageLosesNone) {
  queue("claim");
  sql::FailingDatabase failing(db());
  for (int n = 1;; ++n) {
    Sender sender(failing, std::make_unique<Memory>(sent_, answer_), settings());
    failing.fail_at(n);
    bool threw = false;
    try {
      sender.send_one();
    } catch (sql::StorageError const&) {
      threw = true;
    }
    if (!threw) break;
    EXPECT_EQ(text(db(), "SELECT status FROM mails"), "queued") << "call " << n;
    now_ += Sender::kLeaseMs;
  }
  EXPECT_EQ(text(db(), "SELECT status FROM mails"), "sent");
}

}  // namespace
}  // namespace fealty::mail
