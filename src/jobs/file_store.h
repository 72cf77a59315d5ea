// Uploaded files. Today a folder (of several nodes: a shared one); the seam where another kind of store would go.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fealty::jobs {

class StorageFull : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A file that is being written. Unless it is kept, it is gone with this object.
class NewFile {
 public:
  NewFile(std::string folder, std::string key);
  ~NewFile();
  NewFile(NewFile const&) = delete;
  NewFile& operator=(NewFile const&) = delete;
  // Throws StorageFull when the disk is full, std::system_error for other failures.
  void write(std::string_view bytes);
  // Makes the content and the name durable; the file stays from now on.
  void keep();
  std::string const& key() const { return key_; }

 private:
  std::string folder_, key_;
  int descriptor_ = -1;
  bool kept_ = false;
};

// An open file for reading at any place.
class StoredFile {
 public:
  explicit StoredFile(int descriptor) : descriptor_(descriptor) {}
  ~StoredFile();
  StoredFile(StoredFile const&) = delete;
  StoredFile& operator=(StoredFile const&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

class FileStore {
 public:
  // Makes the folder, readable by this user alone, when it is missing.
  explicit FileStore(std::string folder);
  std::unique_ptr<NewFile> create();
  // Null when there is no such file.
  std::unique_ptr<StoredFile> open(std::string const& key) const;
  void remove(std::string const& key);
  // Keys of files that have not been written to for `idle_ms`; of unfinished uploads with their ending.
  std::vector<std::string> idle_files(std::int64_t idle_ms) const;
  // Removes files that nobody refers to and that have not been written to for `idle_ms`. Returns how many.
  int remove_orphans(std::int64_t idle_ms, std::function<bool(std::string const& key)> const& is_referred_to);

 private:
  std::string folder_;
};

}  // namespace fealty::jobs
