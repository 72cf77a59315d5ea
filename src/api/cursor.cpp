#include "api/cursor.h"

#include "base/base64.h"
#include "base/hash.h"

namespace fealty::api {
namespace {

constexpr std::size_t kDigestBytes = 16, kNumberBytes = 8;

void put(std::string& out, std::int64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(static_cast<std::uint64_t>(number) >> shift & 0xff);
}

std::int64_t take(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < kNumberBytes; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(kNumberBytes);
  return static_cast<std::int64_t>(number);
}

// The length keeps question and payload apart.
std::string digest_of(std::string_view question, std::string_view payload) {
  std::string text = "cursor.1:" + std::to_string(question.size()) + ":";
  return sha256(text.append(question).append(payload)).substr(0, kDigestBytes);
}

}  // namespace

std::string write_cursor(std::string_view question, CursorPlace const& place, TimeMs now) {
  std::string payload;
  put(payload, now + kCursorLifeMs);
  for (auto const number : place.numbers) put(payload, number);
  payload += place.text;
  return to_base64url(digest_of(question, payload) + payload);
}

std::optional<CursorPlace> read_cursor(std::string_view question, std::size_t numbers, std::string_view cursor, TimeMs now) {
  auto const bytes = from_base64url(cursor);
  if (!bytes || bytes->size() < kDigestBytes + (1 + numbers) * kNumberBytes) return std::nullopt;
  auto payload = std::string_view(*bytes).substr(kDigestBytes);
  if (!equal_constant_time(std::string_view(*bytes).substr(0, kDigestBytes), digest_of(question, payload))) return std::nullopt;
  if (take(payload) <= now) return std::nullopt;
  CursorPlace place;
  for (std::size_t i = 0; i < numbers; ++i) place.numbers.push_back(take(payload));
  place.text = payload;
  return place;
}

}  // namespace fealty::api
