#include "identity/totp.h"

#include "base/base64.h"
#include "base/hash.h"
#include "base/random.h"
#include "base/text.h"

namespace fealty::identity {
namespace {

constexpr std::int64_t kStepMs = 30'000;
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kRecoveryBytes = 7;  // 56 bits: 10 characters of base 32 are shown

std::string url_encoded(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char const c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      auto const byte = static_cast<unsigned char>(c);
      (out += '%', out += kHex[byte >> 4]) += kHex[byte & 15];
    }
  }
  return out;
}

// As people type it: in any case, with or without hyphen and spaces.
std::string plain(std::string_view code) {
  std::string out;
  for (char c : code) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c != '-' && c != ' ') out += c;
  }
  return out;
}

}  // namespace

std::string totp_code(std::string_view secret, std::int64_t step) {
  std::string counter(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) counter[7 - i] = static_cast<char>(step >> (8 * i) & 0xff);
  auto const digest = hmac_sha1(secret, counter);
  // Dynamic truncation (RFC 4226 section 5.3).
  auto const byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(digest[i])); };
  std::size_t const offset = byte(19) & 15;
  std::uint32_t const number = ((byte(offset) & 127) << 24 | byte(offset + 1) << 16 | byte(offset + 2) << 8 | byte(offset + 3)) % 1'000'000;
  std::string const digits = std::to_string(number);
  return std::string(6 - digits.size(), '0') + digits;
}

std::optional<std::int64_t> totp_step(std::string_view secret, std::string_view code, TimeMs now, std::int64_t last_step) {
  auto const text = plain(code);
  for (std::int64_t step = now / kStepMs - 1; step <= now / kStepMs + 1; ++step)
    if (step > last_step && equal_constant_time(totp_code(secret, step), text)) return step;
  return std::nullopt;
}

std::string totp_url(std::string_view secret, std::string_view issuer, std::string_view account) {
  return "otpauth://totp/" + url_encoded(issuer) + ":" + url_encoded(account) + "?secret=" + to_base32(secret) +
         "&issuer=" + url_encoded(issuer);
}

std::vector<std::string> new_recovery_codes() {
  std::vector<std::string> codes;
  for (int i = 0; i < kRecoveryCodes; ++i) {
    auto const text = to_base32(random_bytes(kRecoveryBytes));
    codes.push_back(text.substr(0, 5) + "-" + text.substr(5, 5));
  }
  return codes;
}

std::string recovery_hashes(std::vector<std::string> const& codes) {
  std::string out;
  for (auto const& code : codes) out += sha256("recovery code " + plain(code));
  return out;
}

std::optional<std::string> without_recovery_code(std::string_view hashes, std::string_view code) {
  auto const hash = sha256("recovery code " + plain(code));
  for (std::size_t at = 0; at + kHashBytes <= hashes.size(); at += kHashBytes)
    if (equal_constant_time(hashes.substr(at, kHashBytes), hash))
      return std::string(hashes.substr(0, at)) + std::string(hashes.substr(at + kHashBytes));
  return std::nullopt;
}

}  // namespace fealty::identity
