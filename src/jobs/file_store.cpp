#include "jobs/file_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

void unlink_stored(std::string const& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail_with("removing a stored file");
}

std::int64_t size_of(int descriptor) {
  struct stat info{};
  if (::fstat(descriptor, &info) != 0) fail_with("looking at a stored file");
  return info.st_size;
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

std::unique_ptr<StoredFile> NewFile::read_back() const {
  int const d = ::open((folder_ + "/" + key_ + std::string(kPartial)).c_str(), O_RDONLY | O_CLOEXEC);
  if (d < 0) fail_with("opening an upload that is under way");
  return std::make_unique<StoredFile>(d);
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

std::int64_t StoredFile::size() const { return size_of(descriptor_); }

std::size_t StoredFile::read_some(std::int64_t offset, std::span<char> into) const {
  for (;;) {
    ssize_t const n = ::pread(descriptor_, into.data(), into.size(), offset);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) fail_with("reading a stored file");
  }
}

void StoredFile::read_at(std::int64_t offset, std::span<char> into) const {
  while (!into.empty()) {
    std::size_t const n = read_some(offset, into);
    if (n == 0) throw std::system_error(EIO, std::generic_category(), "a stored file is shorter than it was");
    into = into.subspan(n);
    offset += static_cast<std::int64_t>(n);
  }
}

NumberFile::NumberFile(int descriptor, std::size_t count, bool writable) : descriptor_(descriptor), count_(count) {
  void* const data =
      ::mmap(nullptr, count * sizeof(std::uint32_t), writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) {
    int const error = errno;
    ::close(descriptor);
    throw std::system_error(error, std::generic_category(), "mapping a stored file");
  }
  data_ = static_cast<std::uint32_t*>(data);
}

NumberFile::~NumberFile() {
  ::munmap(data_, count_ * sizeof(std::uint32_t));
  ::close(descriptor_);
}

FileStore::FileStore(std::string folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
  fs::permissions(folder_, fs::perms::owner_all, fs::perm_options::replace);
}

std::unique_ptr<NewFile> FileStore::create() { return std::make_unique<NewFile>(folder_, "upload-" + random_base62(22)); }

std::unique_ptr<StoredFile> FileStore::open(std::string const& key) const {
  if (key.empty()) return nullptr;  // of a job whose file was erased; the folder itself could be opened
  int const d = ::open((folder_ + "/" + key).c_str(), O_RDONLY | O_CLOEXEC);
  if (d < 0) {
    if (errno == ENOENT) return nullptr;
    fail_with("opening a stored upload");
  }
  return std::make_unique<StoredFile>(d);
}

std::unique_ptr<NewFile> FileStore::create_side(std::string const& key, std::string_view suffix) {
  return std::make_unique<NewFile>(folder_, key + "." + std::string(suffix));
}

std::unique_ptr<StoredFile> FileStore::open_side(std::string const& key, std::string_view suffix) const {
  return open(key + "." + std::string(suffix));
}

void FileStore::sync_side(std::string const& key, std::string_view suffix) {
  auto const file = open_side(key, suffix);
  if (file && ::fsync(file->descriptor()) != 0) fail_with("syncing a stored file");
}

std::unique_ptr<NumberFile> FileStore::write_numbers(std::string const& key, std::string_view suffix, std::size_t count) {
  std::string const path = folder_ + "/" + key + "." + std::string(suffix);
  int const d = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (d < 0) fail_with("creating a file beside an upload");
  auto const bytes = static_cast<std::int64_t>(count * sizeof(std::uint32_t));
  if (size_of(d) == bytes) return std::make_unique<NumberFile>(d, count, true);
  // All of its room is taken now: a page of a mapping that finds no room later would end the program.
  if (int const error = ::posix_fallocate(d, 0, bytes); error != 0) {
    ::close(d);
    ::unlink(path.c_str());
    errno = error;
    fail_with("making room for a file beside an upload");
  }
  sync_folder(folder_);
  return std::make_unique<NumberFile>(d, count, true);
}

std::unique_ptr<NumberFile const> FileStore::read_numbers(std::string const& key, std::string_view suffix, std::size_t count) const {
  int const d = ::open((folder_ + "/" + key + "." + std::string(suffix)).c_str(), O_RDONLY | O_CLOEXEC);
  if (d < 0) {
    if (errno == ENOENT) return nullptr;
    fail_with("opening a file beside an upload");
  }
  if (size_of(d) != static_cast<std::int64_t>(count * sizeof(std::uint32_t))) {
    ::close(d);
    return nullptr;
  }
  return std::make_unique<NumberFile const>(d, count, false);
}

void FileStore::remove_sides(std::string const& key, std::string_view suffix) {
  std::string const begin = key + "." + std::string(suffix);
  for (auto const& entry : fs::directory_iterator(folder_))
    if (std::string const name = entry.path().filename().string(); name.starts_with(begin)) unlink_stored(folder_ + "/" + name);
}

void FileStore::remove(std::string const& key) {
  if (key.empty()) return;
  remove_sides(key, "");
  unlink_stored(folder_ + "/" + key);
}

std::vector<std::string> FileStore::find_orphans(std::int64_t idle_ms, std::function<void(Keys&)> const& keep_used) const {
  auto const now = fs::file_time_type::clock::now();
  Keys keys;
  std::vector<std::pair<std::string, std::string>> idle;  // with their keys; of unfinished uploads the key is empty
  for (auto const& entry : fs::directory_iterator(folder_)) {
    std::error_code gone;
    if (!entry.is_regular_file(gone) || gone) continue;
    auto const written = entry.last_write_time(gone);
    if (gone || now - written < std::chrono::milliseconds(idle_ms)) continue;
    std::string name = entry.path().filename().string();
    if (!name.starts_with("upload-")) continue;
    std::string key = name.substr(0, name.find('.'));
    if (name.ends_with(kPartial))
      key.clear();
    else
      keys.insert(key);
    idle.emplace_back(std::move(name), std::move(key));
  }
  if (!keys.empty()) keep_used(keys);
  std::vector<std::string> orphans;
  for (auto& [name, key] : idle)
    if (key.empty() || keys.contains(key)) orphans.push_back(std::move(name));
  return orphans;
}

int FileStore::remove_orphans(std::int64_t idle_ms, std::function<void(Keys&)> const& keep_used) {
  int removed = 0;
  for (auto const& name : find_orphans(idle_ms, keep_used)) {
    std::error_code gone;
    if (fs::remove(folder_ + "/" + name, gone)) ++removed;
  }
  return removed;
}

}  // namespace fealty::jobs
