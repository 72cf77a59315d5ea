#include "base/signature.h"

#include <sodium.h>

#include <stdexcept>

namespace fealty {
namespace {

unsigned char const* bytes(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

SigningKey::SigningKey(std::string_view seed) : secret_(crypto_sign_SECRETKEYBYTES, '\0'), public_(crypto_sign_PUBLICKEYBYTES, '\0') {
  static_assert(kSeedBytes == crypto_sign_SEEDBYTES);
  if (seed.size() != kSeedBytes) throw std::invalid_argument("a signing key has a seed of 32 bytes");
  if (sodium_init() < 0) throw std::runtime_error("libsodium could not be initialised");
  crypto_sign_seed_keypair(bytes(public_), bytes(secret_), bytes(seed));
}

std::string SigningKey::sign(std::string_view message) const {
  std::string out(crypto_sign_BYTES, '\0');
  crypto_sign_detached(bytes(out), nullptr, bytes(message), message.size(), bytes(std::string_view(secret_)));
  return out;
}

bool SigningKey::verify(std::string_view message, std::string_view signature) const {
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(bytes(signature), bytes(message), message.size(), bytes(std::string_view(public_))) == 0;
}

}  // namespace fealty
