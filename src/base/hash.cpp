#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <stdexcept>

namespace fealty {

namespace {

// Looked up once: EVP_sha256() is looked up among OpenSSL's providers with each use, which takes longer than a short hash.
EVP_MD const* sha256_algorithm() {
  static EVP_MD const* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return found;
}

// A hash that may be begun again and again.
class Sha256Context {
 public:
  void begin() {
    if (!context_ || EVP_DigestInit_ex(context_.get(), sha256_algorithm(), nullptr) != 1)
      throw std::runtime_error("SHA-256 cannot be started");
  }
  void update(std::string_view data) {
    if (EVP_DigestUpdate(context_.get(), data.data(), data.size()) != 1) throw std::runtime_error("SHA-256 failed");
  }
  std::string finish() {
    std::string out(32, '\0');
    if (EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr) != 1)
      throw std::runtime_error("SHA-256 failed");
    return out;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_{EVP_MD_CTX_new()};
};

}  // namespace

// OpenSSL uses the processor's SHA instructions where it has them: a whole upload is hashed on its way in.
struct Sha256::State : Sha256Context {};

Sha256::Sha256() : state_(std::make_unique<State>()) { state_->begin(); }
Sha256::~Sha256() = default;

void Sha256::update(std::string_view data) { state_->update(data); }

std::string Sha256::finish() { return state_->finish(); }

std::string sha256(std::string_view data) {
  thread_local Sha256Context context;
  context.begin();
  context.update(data);
  return context.finish();
}

// HMAC (RFC 2104) over blocks of 64 bytes.
std::string hmac_sha1(std::string_view key, std::string_view data) {
  auto digest = [](std::string const& text) {
    std::string out(20, '\0');
    unsigned int length = 0;
    if (EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), &length, EVP_sha1(), nullptr) != 1 ||
        length != out.size())
      throw std::runtime_error("SHA-1 failed");
    return out;
  };
  constexpr std::size_t kBlockBytes = 64;
  std::string block = key.size() > kBlockBytes ? digest(std::string(key)) : std::string(key);
  block.resize(kBlockBytes, '\0');
  std::string inner = block, outer = block;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  return digest(outer + digest(inner + std::string(data)));
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace fealty
