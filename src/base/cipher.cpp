#include "base/cipher.h"

#include <sodium.h>

#include <stdexcept>

#include "base/random.h"

namespace fealty {
namespace {

constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kCipherKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

unsigned char const* bytes(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

void check(std::string_view key) {
  if (key.size() != kCipherKeyBytes) throw std::invalid_argument("a cipher's key has 32 bytes");
  if (sodium_init() < 0) throw std::runtime_error("libsodium could not be initialised");
}

}  // namespace

std::string seal(std::string_view key, std::string_view purpose, std::string_view plain) {
  check(key);
  std::string const nonce = random_bytes(kNonceBytes);
  std::string box(plain.size() + kTagBytes, '\0');
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes(box), nullptr, bytes(plain), plain.size(), bytes(purpose), purpose.size(), nullptr,
                                             bytes(std::string_view(nonce)), bytes(key));
  return nonce + box;
}

std::optional<std::string> unseal(std::string_view key, std::string_view purpose, std::string_view sealed) {
  check(key);
  if (sealed.size() < kNonceBytes + kTagBytes) return std::nullopt;
  auto const nonce = sealed.substr(0, kNonceBytes), box = sealed.substr(kNonceBytes);
  std::string plain(box.size() - kTagBytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes(plain), nullptr, nullptr, bytes(box), box.size(), bytes(purpose), purpose.size(),
                                                 bytes(nonce), bytes(key)) != 0)
    return std::nullopt;
  return plain;
}

}  // namespace fealty
