// Ed25519 (RFC 8032).
#pragma once
#include <string>
#include <string_view>

namespace fealty {

class SigningKey {
 public:
  static constexpr std::size_t kSeedBytes = 32;
  // From 32 random bytes; throws std::invalid_argument for another length.
  explicit SigningKey(std::string_view seed);

  // 64 raw bytes.
  std::string sign(std::string_view message) const;
  bool verify(std::string_view message, std::string_view signature) const;

 private:
  std::string secret_, public_;
};

}  // namespace fealty
