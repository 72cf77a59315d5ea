#include "access/one_time.h"

#include "access/one_time_store.h"
#include "base/hash.h"
#include "base/random.h"

namespace fealty::access {
namespace {

constexpr std::size_t kLinkCharacters = 43;  // 62^43 > 2^256
constexpr std::size_t kSaltBytes = 16;

// Rare records: random numbers of 62 bits do not meet, and need no source.
std::int64_t random_number() {
  std::uint64_t number = 0;
  for (char const c : random_bytes(8)) number = number << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(number >> 2) + 1;
}

// A code is short enough to be found from a bare hash by trying all: the salt at least makes every one a search of its own,
// and what is found lives for minutes.
std::string salted(std::string_view salt, std::string_view subject, std::string_view code) {
  return std::string(salt) + sha256(std::string(salt) + std::string(subject) + '\n' + std::string(code));
}

bool is_code(OpenCode const& stored, std::string_view subject, std::string_view code) {
  return stored.hash.size() > kSaltBytes &&
         equal_constant_time(stored.hash, salted(std::string_view(stored.hash).substr(0, kSaltBytes), subject, code));
}

}  // namespace

std::string issue_link(sql::Tx& tx, std::string_view purpose, MemberNo account, CommunityNo community, std::string_view facts, TimeMs now,
                       std::int64_t ttl_ms) {
  std::string const text = random_base62(kLinkCharacters), hash = sha256(text);
  insert_secret(tx, {.number = random_number(),
                     .purpose = purpose,
                     .subject = "",
                     .hash = hash,
                     .account = account,
                     .community = community,
                     .facts = facts,
                     .created_at = now,
                     .expires_at = now + ttl_ms});
  return text;
}

std::optional<OneTime> redeem_link(sql::Tx& tx, std::string_view purpose, std::string_view text, TimeMs now) {
  return use_secret(tx, purpose, sha256(text), now);
}
std::optional<OneTime> look_at_link(sql::Tx& tx, std::string_view purpose, std::string_view text, TimeMs now) {
  return read_secret(tx, purpose, sha256(text), now, false);
}
std::optional<OneTime> look_at_used_link(sql::Tx& tx, std::string_view purpose, std::string_view text, TimeMs now) {
  return read_secret(tx, purpose, sha256(text), now, true);
}
void void_links(sql::Tx& tx, std::string_view purpose, MemberNo account, TimeMs now) { end_secrets_of_account(tx, purpose, account, now); }

std::string issue_code(sql::Tx& tx, std::string_view purpose, std::string_view subject, MemberNo account, TimeMs now, std::int64_t ttl_ms,
                       int attempts) {
  std::string code;
  for (int i = 0; i < 6; ++i) code += static_cast<char>('0' + random_number() % 10);
  end_secrets_of_subject(tx, purpose, subject);
  auto const hash = salted(random_bytes(kSaltBytes), subject, code);
  insert_secret(tx, {.number = random_number(),
                     .purpose = purpose,
                     .subject = subject,
                     .hash = hash,
                     .account = account,
                     .community = {},
                     .facts = "{}",
                     .attempts = attempts,
                     .created_at = now,
                     .expires_at = now + ttl_ms});
  return code;
}

TriedCode try_code(sql::Tx& tx, std::string_view purpose, std::string_view subject, std::string_view code, TimeMs now) {
  // Nobody's subject is empty: links have none.
  if (subject.empty()) return {};
  auto const open = spend_attempt(tx, purpose, subject, now);
  for (auto const& stored : open)
    if (is_code(stored, subject, code))
      return {use_code(tx, stored.number, now) ? CodeOutcome::right : CodeOutcome::used_before, stored.account};
  auto const used = open.empty() ? used_code(tx, purpose, subject, now) : std::nullopt;
  if (used && is_code(*used, subject, code)) return {CodeOutcome::used_before, used->account};
  return {};
}

void void_codes(sql::Tx& tx, std::string_view purpose, std::string_view subject) { end_secrets_of_subject(tx, purpose, subject); }

bool redeem_code(sql::Tx& tx, std::string_view purpose, std::string_view subject, std::string_view code, TimeMs now) {
  return try_code(tx, purpose, subject, code, now).outcome == CodeOutcome::right;
}

std::int64_t forget_one_time_secrets(sql::Tx& tx, TimeMs now) { return delete_ended_secrets(tx, now); }

}  // namespace fealty::access
