#include "jobs/file_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "base/random.h"

namespace fealty::jobs {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPartial = ".part";

[[noreturn]] void fail_with(char const* what) {
  int const error = errno;
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) throw StorageFull("no space is left for uploaded files");
  throw std::system_error(error, std::generic_category(), what);
}

void sync_folder(std::string const& folder) {
  int const d = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (d < 0) fail_with("opening the folder of uploaded files");
  int const failed = ::fsync(d);
  ::close(d);
  if (failed != 0) fail_with("syncing the folder of uploaded files");
}

}  // namespace

NewFile::NewFile(std::string folder, std::string key) : folder_(std::move(folder)), key_(std::move(key)) {
  std::string const path = folder_ + "/" + key_ + std::string(kPartial);
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor_ < 0) fail_with("creating a file for an upload");
}

NewFile::~NewFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!kept_) ::unlink((folder_ + "/" + key_ + std::string(kPartial)).c_str());
}

void NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t const n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      fail_with("writing an upload");
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void NewFile::keep() {
  if (::fsync(descriptor_) != 0) fail_with("syncing an upload");
  int const closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0) fail_with("closing an upload");
  std::string const path = folder_ + "/" + key_;
  if (::rename((path + std::string(kPartial)).c_str(), path.c_str()) != 0) fail_with("naming an upload");
  kept_ = true;
  sync_folder(folder_);
}

StoredFile::~StoredFile() { ::close(descriptor_); }

FileStore::FileStore(std::string folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
  fs::permissions(folder_, fs::perms::owner_all, fs::perm_options::replace);
}

std::unique_ptr<NewFile> FileStore::create() { return std::make_unique<NewFile>(folder_, "upload-" + random_base62(22)); }

std::unique_ptr<StoredFile> FileStore::open(std::string const& key) const {
  int const d = ::open((folder_ + "/" + key).c_str(), O_RDONLY | O_CLOEXEC);
  if (d < 0) {
    if (errno == ENOENT) return nullptr;
    fail_with("opening a stored upload");
  }
  return std::make_unique<StoredFile>(d);
}

void FileStore::remove(std::string const& key) {
  if (::unlink((folder_ + "/" + key).c_str()) != 0 && errno != ENOENT) fail_with("removing a stored upload");
}

std::vector<std::string> FileStore::idle_files(std::int64_t idle_ms) const {
  std::vector<std::string> keys;
  auto const now = fs::file_time_type::clock::now();
  for (auto const& entry : fs::directory_iterator(folder_)) {
    std::error_code gone;
    if (!entry.is_regular_file(gone) || gone) continue;
    auto const written = entry.last_write_time(gone);
    if (gone || now - written < std::chrono::milliseconds(idle_ms)) continue;
    std::string name = entry.path().filename().string();
    if (name.starts_with("upload-")) keys.push_back(std::move(name));
  }
  return keys;
}

int FileStore::remove_orphans(std::int64_t idle_ms, std::function<bool(std::string const&)> const& is_referred_to) {
  int removed = 0;
  for (auto const& key : idle_files(idle_ms)) {
    if (!key.ends_with(kPartial) && is_referred_to(key)) continue;
    std::error_code gone;
    if (fs::remove(folder_ + "/" + key, gone)) ++removed;
  }
  return removed;
}

}  // namespace fealty::jobs
