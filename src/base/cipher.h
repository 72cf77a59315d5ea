// Authenticated encryption (XChaCha20-Poly1305) of small secrets that must be readable again.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace fealty {

inline constexpr std::size_t kCipherKeyBytes = 32;

// `purpose` is no secret; what was sealed for one purpose opens for no other. The key has kCipherKeyBytes bytes.
std::string seal(std::string_view key, std::string_view purpose, std::string_view plain);
// Nothing when key or purpose are others, or a bit was changed.
std::optional<std::string> unseal(std::string_view key, std::string_view purpose, std::string_view sealed);

}  // namespace fealty
