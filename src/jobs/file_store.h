// Uploaded files. Today a folder (of several nodes: a shared one); the seam where another kind of store would go.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "jobs/new_file.h"

namespace fealty::jobs {

// An open file for reading at any place.
class StoredFile {
 public:
  explicit StoredFile(int descriptor) : descriptor_(descriptor) {}
  ~StoredFile();
  StoredFile(StoredFile const&) = delete;
  StoredFile& operator=(StoredFile const&) = delete;
  int descriptor() const { return descriptor_; }
  std::int64_t size() const;
  // Fills `into` from this place on; less is a broken file and throws std::system_error.
  void read_at(std::int64_t offset, std::span<char> into) const;
  // Gives what is there, 0 bytes at the end.
  std::size_t read_some(std::int64_t offset, std::span<char> into) const;

 private:
  int descriptor_;
};

// A file of 32-bit numbers in memory that is shared with everyone who has it open.
class NumberFile {
 public:
  NumberFile(int descriptor, std::size_t count, bool writable);
  ~NumberFile();
  NumberFile(NumberFile const&) = delete;
  NumberFile& operator=(NumberFile const&) = delete;
  std::span<std::uint32_t> numbers() { return {data_, count_}; }
  std::span<std::uint32_t const> numbers() const { return {data_, count_}; }

 private:
  int descriptor_;
  std::uint32_t* data_ = nullptr;
  std::size_t count_;
};

// A key has no dot. A file whose name is a key, a dot and something more is a side file of that key: what a job's work made
// beside its upload (rows in another order, positions). A side file lives as long as its key's job.
class FileStore {
 public:
  // Makes the folder, readable by this user alone, when it is missing.
  explicit FileStore(std::string folder);
  std::unique_ptr<NewFile> create();
  // Null when there is no such file.
  std::unique_ptr<StoredFile> open(std::string const& key) const;
  // Removes the file, if it is there, and its side files.
  void remove(std::string const& key);

  // Files beside a stored one, named by a suffix without a dot. They go with it.
  std::unique_ptr<NewFile> create_side(std::string const& key, std::string_view suffix);
  std::unique_ptr<StoredFile> open_side(std::string const& key, std::string_view suffix) const;
  // Makes durable what was written to it, by whatever way; nothing when it is missing.
  void sync_side(std::string const& key, std::string_view suffix);
  // Removes those whose suffix begins so.
  void remove_sides(std::string const& key, std::string_view suffix);
  // Makes the file when it is missing, with zeros. Throws StorageFull when there is no room for all of it.
  std::unique_ptr<NumberFile> write_numbers(std::string const& key, std::string_view suffix, std::size_t count);
  // Null when there is no such file of this length.
  std::unique_ptr<NumberFile const> read_numbers(std::string const& key, std::string_view suffix, std::size_t count) const;
  // Names of files that nobody refers to and that have not been written to for `idle_ms`. `keep_used` takes the keys that are
  // in use out of the set; it is called once, after all files were listed, so that a file whose job is stored meanwhile is
  // seen to be in use.
  using Keys = std::set<std::string, std::less<>>;
  std::vector<std::string> find_orphans(std::int64_t idle_ms, std::function<void(Keys& keys)> const& keep_used) const;
  // Removes them. Returns how many.
  int remove_orphans(std::int64_t idle_ms, std::function<void(Keys& keys)> const& keep_used);

 private:
  std::string folder_;
};

}  // namespace fealty::jobs
