// The files of avatars: one folder (of several nodes: a shared one), each file named by a random key that nobody can guess
// and whose content never changes.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fealty::members {

class AvatarFiles {
 public:
  // Makes the folder, readable by this user alone, when it is missing.
  explicit AvatarFiles(std::string folder);
  // Stores the bytes durably and gives the key. Throws jobs::StorageFull when there is no room.
  std::string add(std::string_view bytes);
  // Nothing for what is no key, or no file.
  std::optional<std::string> read(std::string_view key) const;
  void remove(std::string_view key) noexcept;
  // Removes files that nobody refers to and that were not written to for `idle_ms`. `used` is given keys and gives those of
  // them that are in use, asked after the file was seen. Returns how many were removed.
  using Used = std::function<std::vector<std::string>(std::vector<std::string> const& keys)>;
  int remove_orphans(std::int64_t idle_ms, Used const& used);

 private:
  std::string folder_;
};

}  // namespace fealty::members
