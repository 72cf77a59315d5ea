#include "access/vault.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/cipher.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/random.h"
#include "base/text.h"

namespace fealty::access {
namespace {

std::string hex(std::string_view bytes) { return to_hex({reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size()}); }
std::string why() { return std::strerror(errno); }

struct File {
  int descriptor = -1;
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

// Complete under another name first: a program that reads meanwhile sees all of it or nothing.
void make_file(std::string const& path) {
  std::string const fresh = path + "." + random_base62(8);
  {
    File const file{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    std::string const text = hex(random_bytes(kCipherKeyBytes)) + "\n";
    if (file.descriptor < 0 || ::write(file.descriptor, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(file.descriptor) != 0) {
      auto const reason = why();
      ::unlink(fresh.c_str());
      throw VaultError("The secret file " + path + " cannot be made: " + reason + ".");
    }
  }
  // Whoever links first has made it.
  int const linked = ::link(fresh.c_str(), path.c_str());
  int const reason = errno;
  ::unlink(fresh.c_str());
  if (linked != 0 && reason != EEXIST) throw VaultError("The secret file " + path + " cannot be made: " + std::strerror(reason) + ".");
  auto const slash = path.rfind('/');
  File const folder{::open(slash == std::string::npos ? "." : path.substr(0, slash + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.descriptor >= 0) ::fsync(folder.descriptor);
}

}  // namespace

Vault::Vault(std::string key) : key_(std::move(key)), name_("fealty-" + hex(sha256("installation" + key_)).substr(0, 24)) {
  if (key_.size() != kCipherKeyBytes) throw VaultError("A vault's key has 32 bytes.");
}

Vault Vault::from_file(std::string const& path, bool make) {
  struct stat st{};
  if (make && ::stat(path.c_str(), &st) != 0 && errno == ENOENT) make_file(path);
  File const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.descriptor < 0) throw VaultError("The secret file " + path + " cannot be read: " + why() + ".");
  if (::fstat(file.descriptor, &st) != 0 || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    throw VaultError("Others may read the secret file " + path + ". Take that right away (chmod 600 " + path + ") and start again.");
  char text[256];
  auto const length = ::read(file.descriptor, text, sizeof text);
  auto key = length > 0 ? from_hex(trim_space({text, static_cast<std::size_t>(length)})) : std::nullopt;
  if (!key || key->size() != kCipherKeyBytes) throw VaultError("The secret file " + path + " does not hold 64 hex digits.");
  return Vault(*std::move(key));
}

std::string Vault::seal(std::string_view purpose, std::string_view plain) const { return fealty::seal(key_, purpose, plain); }
std::optional<std::string> Vault::open(std::string_view purpose, std::string_view sealed) const { return unseal(key_, purpose, sealed); }
std::string Vault::keyed_hash(std::string_view purpose, std::string_view text) const {
  return sha256(sha256(key_ + std::string(purpose)) + std::string(text));
}

}  // namespace fealty::access
