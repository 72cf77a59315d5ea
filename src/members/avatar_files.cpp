#include "members/avatar_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <set>

#include "base/log.h"
#include "base/random.h"
#include "jobs/new_file.h"
#include "members/avatar_image.h"

namespace fealty::members {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kKeyCharacters = 22;  // 130 bits
constexpr std::size_t kKeysAskedMax = 1'000;

// Names that are no key reach no file: a name with a dot or a slash is none.
bool is_key(std::string_view text) {
  return text.size() == kKeyCharacters && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
         });
}

}  // namespace

AvatarFiles::AvatarFiles(std::string folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
  ::chmod(folder_.c_str(), 0700);
}

std::string AvatarFiles::add(std::string_view bytes) {
  jobs::NewFile file(folder_, random_base62(kKeyCharacters));
  file.write(bytes);
  file.keep();
  return file.key();
}

std::optional<std::string> AvatarFiles::read(std::string_view key) const {
  if (!is_key(key)) return std::nullopt;
  std::string const path = folder_ + "/" + std::string(key);
  std::FILE* const opened = std::fopen(path.c_str(), "rbe");
  if (opened == nullptr) return std::nullopt;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(opened, std::fclose);
  // A square of this side is far smaller, however it was packed.
  std::string bytes(static_cast<std::size_t>(kAvatarSide * kAvatarSide * 4), '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  return bytes;
}

void AvatarFiles::remove(std::string_view key) noexcept {
  // A file that stays is an orphan, which the next start removes.
  if (is_key(key) && ::unlink((folder_ + "/" + std::string(key)).c_str()) != 0 && errno != ENOENT)
    log::warning("avatar.not_removed", {{"key", key}});
}

int AvatarFiles::remove_orphans(std::int64_t idle_ms, Used const& used) {
  auto const now = fs::file_time_type::clock::now();
  int removed = 0;
  std::vector<std::string> keys;
  auto const drop = [&](std::string const& name) {
    std::error_code gone;
    removed += fs::remove(folder_ + "/" + name, gone) ? 1 : 0;
  };
  auto const ask = [&] {
    if (keys.empty()) return;
    auto const in_use = used(keys);
    std::set<std::string, std::less<>> const kept(in_use.begin(), in_use.end());
    for (auto const& key : keys)
      if (!kept.contains(key)) drop(key);
    keys.clear();
  };
  for (auto const& entry : fs::directory_iterator(folder_)) {
    std::error_code gone;
    if (!entry.is_regular_file(gone) || gone) continue;
    auto const written = entry.last_write_time(gone);
    if (gone || now - written < std::chrono::milliseconds(idle_ms)) continue;
    std::string name = entry.path().filename().string();
    // What is no key was being written when the program ended, or is none of ours.
    if (is_key(name))
      keys.push_back(std::move(name));
    else if (name.ends_with(".part"))
      drop(name);
    if (keys.size() == kKeysAskedMax) ask();
  }
  ask();
  return removed;
}

}  // namespace fealty::members
