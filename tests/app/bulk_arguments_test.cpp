#include "app/bulk/arguments.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/settings.h"

namespace fealty::app::bulk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Arguments good_upload() {
  Arguments a;
  a.file = "march.csv";
  a.kind = "premium";
  return a;
}

TEST(BulkArguments, GoodUploadsHaveNoProblem) {
  auto a = good_upload();
  EXPECT_THAT(problems_of_upload(a), IsEmpty());
  a.max_errors = 10'000'000;
  for (int i = 0; i < 200; ++i) a.log_name += "ü";
  a.idempotency_key = std::string(255, 'k');
  EXPECT_THAT(problems_of_upload(a), IsEmpty());
}

TEST(BulkArguments, EachWrongOptionOfAnUploadIsNamed) {
  struct Case {
    std::function<void(Arguments&)> spoil;
    std::string said;
  };
  for (auto const& [spoil, said] :
       std::initializer_list<Case>{{[](Arguments& a) { a.kind = "updates"; }, "--kind takes update, premium or import"},
                                   {[](Arguments& a) { a.file = ""; }, "FILE is empty"},
                                   {[](Arguments& a) { a.file = a.connection.key_file = "-"; }, "Standard input cannot be both"},
                                   {[](Arguments& a) { a.log_name = std::string(201, 'x'); }, "at most 200 characters; this has 201"},
                                   {[](Arguments& a) { a.log_name = "two\nlines"; }, "--log-name takes plain UTF-8 text"},
                                   {[](Arguments& a) { a.log_name = "\xff"; }, "--log-name takes plain UTF-8 text"},
                                   {[](Arguments& a) { a.idempotency_key = "a key"; }, "--idempotency-key"},
                                   {[](Arguments& a) { a.idempotency_key = "a\r\nx-evil: 1"; }, "--idempotency-key"},
                                   {[](Arguments& a) { a.idempotency_key = std::string(256, 'k'); }, "--idempotency-key"},
                                   {[](Arguments& a) { a.max_errors = -1; }, "0 to 10000000"},
                                   {[](Arguments& a) { a.max_errors = 10'000'001; }, "0 to 10000000"}}) {
    auto a = good_upload();
    spoil(a);
    EXPECT_THAT(problems_of_upload(a), ElementsAre(HasSubstr(said)));
  }
}

TEST(BulkArguments, AllProblemsAreSaidTogether) {
  auto a = good_upload();
  a.kind = "x";
  a.max_errors = -5;
  EXPECT_EQ(problems_of_upload(a).size(), 2u);
}

TEST(BulkArguments, OnlyTwentyFourHexDigitsAreAnId) {
  EXPECT_EQ(problem_of_id("66b0c0ffee0000000000a101"), "");
  EXPECT_EQ(problem_of_id("66B0C0FFEE0000000000A101"), "");
  for (auto const* wrong : {"", "66b0c0ffee0000000000a10", "66b0c0ffee0000000000a1011", "66b0c0ffee0000000000a10g",
                            "../../../../etc/passwd00", "66b0c0ffee0000000000a1?1"})
    EXPECT_THAT(problem_of_id(wrong), HasSubstr("24 hex digits")) << wrong;
}

TEST(BulkArguments, ARevertNeedsAReason) {
  Arguments a;
  EXPECT_THAT(problems_of_revert(a), ElementsAre(HasSubstr("--reason")));
  a.reason = "  ";
  EXPECT_THAT(problems_of_revert(a), ElementsAre(HasSubstr("--reason")));
  a.reason = std::string(501, 'x');
  EXPECT_THAT(problems_of_revert(a), ElementsAre(HasSubstr("at most 500")));
  a.reason = "wrong month";
  EXPECT_THAT(problems_of_revert(a), IsEmpty());
}

TEST(BulkArguments, OutcomesAreWordsWithCommas) {
  Arguments a;
  for (auto const* good : {"", "failed", "failed,not_processed"}) {
    a.status = good;
    EXPECT_THAT(problems_of_results(a), IsEmpty()) << good;
  }
  for (auto const* wrong : {"failed, not_processed", "failed,", ",", "Failed", "failed&limit=1"}) {
    a.status = wrong;
    EXPECT_THAT(problems_of_results(a), ElementsAre(HasSubstr("--status"))) << wrong;
  }
  a.status = "failed,queued";
  EXPECT_THAT(problems_of_list(a), ElementsAre(HasSubstr("one word")));
}

TEST(BulkConnection, AcceptsServersAndRefusesWhatIsNone) {
  EXPECT_EQ(parse_server_url("http://127.0.0.1:3333/").text, "http://127.0.0.1:3333");
  EXPECT_EQ(parse_server_url("https://club.example.org/fealty/").text, "https://club.example.org/fealty");
  EXPECT_EQ(parse_server_url("https://club.example.org:8443").host_and_port, "club.example.org:8443");
  for (auto const* wrong : {"", "club.example.org", "ftp://club.example.org", "file:///etc/passwd", "http://", "http://a b", "http://a?x=1",
                            "http://a#x", "http://a:99999", "http://a\n.example"})
    EXPECT_THROW(parse_server_url(wrong), std::invalid_argument) << wrong;
}

TEST(BulkConnection, AUserInTheUrlIsRefusedWithoutRepeatingIt) {
  try {
    parse_server_url("https://me:hunter2@club.example.org");
    FAIL() << "accepted";
  } catch (std::invalid_argument const& e) {
    EXPECT_THAT(e.what(), Not(HasSubstr("hunter2")));
  }
}

TEST(BulkConnection, KeysLeaveTheMachineEncryptedOnly) {
  auto problem = [](std::string const& url, bool plain_http = false) {
    Connection c;
    c.plain_http = plain_http;
    return problem_of_connection(c, parse_server_url(url));
  };
  for (auto const* good :
       {"https://club.example.org", "http://127.0.0.1:3333", "http://localhost:1", "http://[::1]:3333", "http://127.8.8.8"})
    EXPECT_EQ(problem(good), "") << good;
  for (auto const* wrong : {"http://club.example.org", "http://10.0.0.1", "http://127.evil.example", "http://localhost.evil.example"})
    EXPECT_THAT(problem(wrong), HasSubstr("unencrypted")) << wrong;
  EXPECT_EQ(problem("http://fealty:3333", true), "");
}

TEST(BulkConnection, FurtherCommandsReachTheSameServer) {
  Connection c;
  EXPECT_EQ(same_connection(c), "");
  c.server = "https://club.example.org";
  c.key_file = "/home/it's me/key";
  EXPECT_EQ(same_connection(c), " --server https://club.example.org --key-file '/home/it'\\''s me/key'");
}

TEST(BulkConnection, ForeignTextCannotSteerATerminal) {
  EXPECT_EQ(printable("a\033[2Jb\nc\x7f"), "a?[2Jb?c?");
  EXPECT_EQ(printable("caf\xc3\xa9 \xc2\x9b"
                      "31m"),
            "caf\xc3\xa9 ?31m");
  EXPECT_EQ(printable("\xff\xc2"), "??");
}

TEST(BulkConnection, QueriesAreEncoded) { EXPECT_EQ(encode_query("a b&c=ü"), "a%20b%26c%3D%C3%BC"); }

class BulkKey : public ::testing::Test {
 protected:
  ~BulkKey() override { std::filesystem::remove(path_); }

  std::string read(mode_t mode, std::string const& text) {
    std::ofstream(path_) << text;
    ::chmod(path_.c_str(), mode);
    Connection c;
    c.key_file = path_;
    return read_key(c, "from-environment", interrupt_);
  }
  std::string problem(mode_t mode, std::string const& text) {
    try {
      read(mode, text);
    } catch (CommandError const& e) {
      EXPECT_EQ(e.exit(), Exit::usage);
      return e.what();
    }
    return "none";
  }

  Interrupt interrupt_;
  std::string path_ = ::testing::TempDir() + "fealty_key_" + std::to_string(::getpid());
};

TEST_F(BulkKey, ComesFromTheFileBeforeTheEnvironment) {
  EXPECT_EQ(read(0600, "fk_abc123\n"), "fk_abc123");
  EXPECT_EQ(read(0400, "  fk_abc123  "), "fk_abc123");
  EXPECT_EQ(read_key(Connection(), "from-environment", interrupt_), "from-environment");
}

TEST_F(BulkKey, IsNotTakenFromFilesThatOthersCanUse) {
  for (mode_t const mode : {0644, 0640, 0620, 0604, 0601, 0660}) {
    auto const text = problem(mode, "fk_abc123");
    EXPECT_THAT(text, HasSubstr("chmod 600 " + path_)) << mode;
    EXPECT_THAT(text, Not(HasSubstr("fk_abc123")));
  }
}

TEST_F(BulkKey, ThatIsNoneIsRefusedAndNotRepeated) {
  EXPECT_THAT(problem(0600, " \n"), HasSubstr("no key in"));
  for (std::string const& text :
       {std::string("fk_abc 123"), std::string("fk_abc\r\nx-evil: 1"), std::string("fk_abc\x01"), "fk_abc" + std::string(5'000, 'a')})
    EXPECT_THAT(problem(0600, text), AllOf(Not("none"), Not(HasSubstr("fk_abc"))));
}

TEST_F(BulkKey, ThatIsNotGivenIsAskedFor) {
  for (char const* environment : {static_cast<char const*>(nullptr), "", " "}) try {
      read_key(Connection(), environment, interrupt_);
      FAIL() << "accepted";
    } catch (CommandError const& e) {
      EXPECT_THAT(e.what(), AllOf(HasSubstr("--key-file"), HasSubstr("FEALTY_API_KEY")));
    }
}

TEST_F(BulkKey, FilesThatAreNoneAreNamed) {
  Connection c;
  for (auto const& path : {std::string("/nowhere/key"), std::string("/")}) {
    c.key_file = path;
    EXPECT_THROW(read_key(c, nullptr, interrupt_), CommandError);
  }
}

TEST(BulkEnvironment, TheKeyIsAKnownVariableAndNoFlag) {
  CLI::App app;
  char const* const environment[] = {"FEALTY_API_KEY=x", "FEALTY_API_KEYS=x", nullptr};
  EXPECT_THAT(unknown_environment(app, environment), ElementsAre("FEALTY_API_KEYS"));
}

}  // namespace
}  // namespace fealty::app::bulk
