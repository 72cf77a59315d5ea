#include "access/once.h"

#include <charconv>

#include "base/hash.h"
#include "base/text.h"

namespace fealty::access {
namespace {

constexpr int kAttemptsMax = 5;
constexpr std::size_t kKeyCharactersMax = 255;

// Another request with the key was committed after we looked.
struct KeyTaken {};

// An answer is kept as four lines. None of its parts has a line feed: JSON writes it as an escape.
std::string pack(api::Answer const& answer) {
  return std::to_string(answer.status) + "\n" + answer.message + "\n" + answer.extra + "\n" + answer.data;
}
api::Answer unpack(std::string_view text) {
  auto const parts = split(text, '\n');
  api::Answer answer;
  std::from_chars(parts.at(0).data(), parts.at(0).data() + parts.at(0).size(), answer.status);
  answer.message = parts.at(1);
  answer.extra = parts.at(2);
  answer.data = parts.at(3);
  return answer;
}

using Deed = std::function<Result<SecretAnswer>(sql::Tx&)>;

Result<api::Answer> run(sql::Tx& tx, CommunityNo community, OnceKey const& key, TimeMs now, Deed const& deed) {
  if (auto const kept = find_answer(tx, community, key.principal, key.key, now)) {
    if (kept->operation == key.operation && kept->fingerprint == key.fingerprint) return unpack(kept->answer);
    return fail(fealty::errors::kIdempotencyKeyReused,
                "This Idempotency-Key was used for another request; take a new key for a new request.");
  }
  auto answer = deed(tx);
  if (!answer) return std::unexpected(std::move(answer).error());
  auto const packed = pack(answer->kept);
  if (!keep_new_answers(tx, community, {{{key.principal, key.key}, key.operation, key.fingerprint, packed}}, now)) throw KeyTaken{};
  return std::move(answer->now);
}

}  // namespace

std::optional<Issue> idempotency_key_problem(std::string_view key) {
  if (!key.empty() && is_valid_utf8(key) && code_points(key) <= kKeyCharactersMax) return std::nullopt;
  return Issue{"Idempotency-Key", "too_long", "Idempotency-Key has 1 to 255 characters."};
}

std::optional<OnceKey> once_key(api::Context const& context, api::Request const& request, std::string_view operation,
                                std::vector<Issue>& issues) {
  auto const key = request.header("idempotency-key");
  if (!key) return std::nullopt;
  if (auto issue = idempotency_key_problem(*key)) {
    issues.push_back(*std::move(issue));
    return std::nullopt;
  }
  auto const& who = context.principal;
  // The same body for another thing is another request.
  std::string asked(operation);
  for (auto const& arg : request.path_args) (asked += ':') += arg;
  return OnceKey{who.account ? "account:" + std::to_string(who.account.value) : who.key_prefix, std::string(*key), std::move(asked),
                 sha256(request.body)};
}

Result<api::Answer> once(sql::Database& database, CommunityNo community, std::optional<OnceKey> const& key, TimeMs now,
                         std::function<Result<api::Answer>(sql::Tx&)> const& deed) {
  return once_secret(database, community, key, now, [&](sql::Tx& tx) -> Result<SecretAnswer> {
    auto answer = deed(tx);
    if (!answer) return std::unexpected(std::move(answer).error());
    if (!key) return SecretAnswer{*std::move(answer), {}};
    return SecretAnswer{*answer, *answer};
  });
}

Result<api::Answer> once_secret(sql::Database& database, CommunityNo community, std::optional<OnceKey> const& key, TimeMs now,
                                Deed const& deed) {
  auto const without_key = [&](sql::Tx& tx) -> Result<api::Answer> {
    auto answer = deed(tx);
    if (!answer) return std::unexpected(std::move(answer).error());
    return std::move(answer->now);
  };
  for (int attempt = 1;; ++attempt) {
    try {
      return database.write([&](sql::Tx& tx) { return key ? run(tx, community, *key, now, deed) : without_key(tx); });
    } catch (sql::StorageError const& e) {
      if (e.kind() != sql::StorageError::Kind::constraint || attempt == kAttemptsMax) throw;
    } catch (KeyTaken) {
      if (attempt == kAttemptsMax) throw sql::StorageError(sql::StorageError::Kind::busy, "an Idempotency-Key was taken again and again");
    }
  }
}

}  // namespace fealty::access
