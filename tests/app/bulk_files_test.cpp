#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "api/gzip.h"
#include "app/bulk/download.h"
#include "app/bulk/upload_body.h"

namespace fealty::app::bulk {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class BulkFiles : public ::testing::Test {
 protected:
  BulkFiles() { fs::create_directories(folder_); }
  ~BulkFiles() override { fs::remove_all(folder_); }

  std::string path(std::string const& name) const { return folder_ + "/" + name; }
  std::string write(std::string const& name, std::string const& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }
  static std::string text_of(std::string const& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::string read_all(UploadBody& body, std::size_t piece) {
    std::string out, into(piece, '\0');
    while (std::size_t const n = body.read(into)) out.append(into.data(), n);
    return out;
  }

  Interrupt interrupt_;
  std::string folder_ = ::testing::TempDir() + "fealty_bulk_" + std::to_string(::getpid());
};

TEST_F(BulkFiles, AnUploadIsAFormOfTheLengthThatItSays) {
  std::string const text = "Email\nana@example.org\n";
  InputFile file(write("my \"file\".csv", text), interrupt_);
  for (std::size_t const piece : {1u, 7u, 100'000u}) {
    ASSERT_TRUE(file.rewind());
    UploadBody body(file, {{"log_name", "märz"}, {"dry_run", "true"}}, false);
    std::string const boundary = body.content_type().substr(body.content_type().find('=') + 1);
    std::string const sent = read_all(body, piece);
    EXPECT_EQ(sent,
              "--" + boundary + "\r\nContent-Disposition: form-data; name=\"log_name\"\r\n\r\nmärz\r\n--" + boundary +
                  "\r\nContent-Disposition: form-data; name=\"dry_run\"\r\n\r\ntrue\r\n--" + boundary +
                  "\r\nContent-Disposition: form-data; name=\"data\"; filename=\"my %22file%22.csv\"\r\nContent-Type: text/csv\r\n\r\n" +
                  text + "\r\n--" + boundary + "--\r\n");
    EXPECT_EQ(body.bytes(), static_cast<std::int64_t>(sent.size()));
    EXPECT_EQ(file.given(), static_cast<std::int64_t>(text.size()));
  }
}

TEST_F(BulkFiles, APackedUploadUnpacksToTheSameForm) {
  InputFile file(write("a.csv", "Email\nana@example.org\n"), interrupt_);
  UploadBody body(file, {}, true);
  EXPECT_EQ(body.bytes(), std::nullopt);
  std::string const packed = read_all(body, 100);
  api::MemorySource memory(packed);
  api::GunzipSource source(memory, Limits());
  std::string into(4096, '\0');
  into.resize(source.read(into));
  EXPECT_THAT(into, AllOf(testing::StartsWith("--fealty-"), HasSubstr("\r\n\r\nEmail\nana@example.org\n\r\n--fealty-")));
}

TEST_F(BulkFiles, AFileThatGrowsOrShrinksIsNotUploadedHalf) {
  for (int const change : {0, 1}) {
    std::string const name = write("growing.csv", "Email\nana@example.org\n");
    InputFile file(name, interrupt_);
    UploadBody body(file, {}, false);
    if (change == 0)
      std::ofstream(name, std::ios::app) << "bo@example.org\n";
    else
      fs::resize_file(name, 3);
    try {
      read_all(body, 100'000);
      FAIL() << "uploaded";
    } catch (CommandError const& e) {
      EXPECT_THAT(e.what(), HasSubstr("changed while it was being uploaded"));
    }
  }
}

TEST_F(BulkFiles, APipeIsSentOnceAndAPlainFileAgain) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  std::string const text(200'000, 'x');
  std::thread writer([&] { std::ofstream(path("pipe")) << text; });
  InputFile pipe(path("pipe"), interrupt_);
  EXPECT_TRUE(pipe.rewind()) << "nothing was given out yet";
  UploadBody body(pipe, {}, false);
  EXPECT_EQ(body.bytes(), std::nullopt);
  EXPECT_THAT(read_all(body, 5'000), HasSubstr("\r\n\r\n" + text + "\r\n--"));
  EXPECT_FALSE(pipe.rewind());
  writer.join();
}

TEST_F(BulkFiles, WhatIsNoFileIsNamed) {
  for (std::string const& name : {path("none.csv"), folder_}) EXPECT_THROW(InputFile(name, interrupt_), CommandError) << name;
}

TEST_F(BulkFiles, AnOutputHasItsNameOnlyWhenItIsComplete) {
  std::string const name = write("out.csv", "old");
  {
    OutputFile out(name);
    out.write("half");
    EXPECT_EQ(text_of(name), "old");
    EXPECT_EQ(text_of(name + ".part"), "half");
    EXPECT_EQ(fs::status(name + ".part").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  }
  EXPECT_EQ(text_of(name), "old");
  EXPECT_FALSE(fs::exists(name + ".part"));
  OutputFile out(name);
  out.write("half");
  EXPECT_TRUE(out.restart());
  out.write("new");
  out.finish();
  EXPECT_EQ(text_of(name), "new");
  EXPECT_FALSE(fs::exists(name + ".part"));
}

TEST_F(BulkFiles, ALeftOverPartOfAKilledRunIsWrittenOver) {
  write("out.csv.part", "much older bytes");
  OutputFile out(path("out.csv"));
  out.write("new");
  out.finish();
  EXPECT_EQ(text_of(path("out.csv")), "new");
}

TEST_F(BulkFiles, TwoDownloadsToOneNameDoNotMix) {
  OutputFile first(path("out.csv"));
  EXPECT_THROW(OutputFile(path("out.csv")), CommandError);
  first.write("whole");
  first.finish();
  EXPECT_EQ(text_of(path("out.csv")), "whole");
}

TEST_F(BulkFiles, AnOutputThatCannotBeWrittenIsNamed) {
  for (std::string const& name : {folder_, path("none/out.csv")}) EXPECT_THROW(OutputFile{name}, CommandError) << name;
}

}  // namespace
}  // namespace fealty::app::bulk
