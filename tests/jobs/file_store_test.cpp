#include "jobs/file_store.h"

#include <filesystem>
#include <fstream>

#include "support/database.h"

namespace fealty::jobs {
namespace {

using testing::UnorderedElementsAre;

class FileStoreTest : public testing::Test {
 protected:
  void make(std::initializer_list<char const*> names) {
    for (auto const* name : names) std::ofstream(folder.file(name)) << "x";
  }
  std::vector<std::string> names() {
    std::vector<std::string> out;
    for (auto const& entry : std::filesystem::directory_iterator(folder.path())) out.push_back(entry.path().filename().string());
    return out;
  }
  int remove_orphans(std::set<std::string> const& used, std::int64_t idle_ms = 0) {
    return files.remove_orphans(idle_ms, [&](FileStore::Keys& keys) {
      asked = {keys.begin(), keys.end()};
      for (auto const& key : used) keys.erase(key);
    });
  }

  test::TemporaryFolder folder;
  FileStore files{folder.path()};
  std::vector<std::string> asked;
};

TEST_F(FileStoreTest, RemovesAFileWithItsSideFilesAndNoOther) {
  make({"upload-a", "upload-a.rows", "upload-a.order", "upload-a.run-1", "upload-a.rows.part", "upload-ab", "upload-ab.rows", "upload-"});
  files.remove("upload-a");
  EXPECT_THAT(names(), UnorderedElementsAre("upload-ab", "upload-ab.rows", "upload-"));
  files.remove("upload-a");
  files.remove("");
  EXPECT_EQ(names().size(), 3u);
}

TEST_F(FileStoreTest, RemovesSideFilesWhoseFileIsGone) {
  make({"upload-a.rows"});
  files.remove("upload-a");
  EXPECT_THAT(names(), UnorderedElementsAre());
}

TEST_F(FileStoreTest, JudgesSideFilesOfOrphansByTheirFile) {
  make({"upload-used", "upload-used.rows", "upload-used.run-12", "upload-used.rows.part", "upload-lost", "upload-lost.order",
        "upload-lost.run-1.part", "upload-gone.rows", "upload-half.part", "something-else", "something-else.part"});
  EXPECT_EQ(remove_orphans({"upload-used"}), 6);
  EXPECT_THAT(asked, UnorderedElementsAre("upload-used", "upload-lost", "upload-gone"));
  EXPECT_THAT(names(),
              UnorderedElementsAre("upload-used", "upload-used.rows", "upload-used.run-12", "something-else", "something-else.part"))
      << "what nobody wrote to its end is nobody's";
}

TEST_F(FileStoreTest, LeavesWhatWasWrittenLately) {
  make({"upload-new", "upload-new.part", "upload-old", "upload-old.rows", "upload-half.part"});
  auto const hour_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  for (auto const* old : {"upload-old", "upload-half.part"}) std::filesystem::last_write_time(folder.file(old), hour_ago);
  EXPECT_EQ(remove_orphans({}, 600'000), 2);
  EXPECT_THAT(names(), UnorderedElementsAre("upload-new", "upload-new.part", "upload-old.rows"));
}

TEST_F(FileStoreTest, OpensNothingForAJobWithoutFile) {
  EXPECT_EQ(files.open(""), nullptr);
  EXPECT_EQ(files.open("upload-missing"), nullptr);
}

}  // namespace
}  // namespace fealty::jobs
