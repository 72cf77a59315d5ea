#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace fealty {

// Base 64 for URLs (RFC 4648 section 5), without padding.
std::string to_base64url(std::string_view bytes);
// Strict: no padding, no white space, no bits left over, so that a text has one spelling.
std::optional<std::string> from_base64url(std::string_view text);

// Base 32 (RFC 4648 section 6), without padding: what authenticator programs take.
std::string to_base32(std::string_view bytes);

}  // namespace fealty
