// A file that is there whole, or not at all: what every room that stores files writes them with (file_store.cpp).
#pragma once
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fealty::jobs {

class StoredFile;

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
  // What was written so far, for reading.
  std::unique_ptr<StoredFile> read_back() const;
  // Makes the content and the name durable; the file stays from now on.
  void keep();
  std::string const& key() const { return key_; }

 private:
  std::string folder_, key_;
  int descriptor_ = -1;
  bool kept_ = false;
};

}  // namespace fealty::jobs
