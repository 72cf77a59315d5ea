// Second factors: codes of authenticator programs (TOTP, RFC 6238: SHA-1, 6 digits, 30 seconds, as all of them read it) and
// recovery codes for who has lost his.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace fealty::identity {

inline constexpr std::size_t kTotpSecretBytes = 20;  // the length of the hash (RFC 4226 section 4)
inline constexpr int kRecoveryCodes = 10;

// The code of a time step.
std::string totp_code(std::string_view secret, std::int64_t step);
// The step whose code this is: now's, or one before or after it, but none that was used before.
std::optional<std::int64_t> totp_step(std::string_view secret, std::string_view code, TimeMs now, std::int64_t last_step);
// For the QR code that authenticator programs read.
std::string totp_url(std::string_view secret, std::string_view issuer, std::string_view account);

// Clear texts, each of 50 bits, to be shown once.
std::vector<std::string> new_recovery_codes();
// Their hashes, one after another.
std::string recovery_hashes(std::vector<std::string> const& codes);
// The hashes without the one of this code; nothing when it is none of them.
std::optional<std::string> without_recovery_code(std::string_view hashes, std::string_view code);

}  // namespace fealty::identity
