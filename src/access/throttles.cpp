#include "access/throttles.h"

#include <arpa/inet.h>

#include <algorithm>

#include "access/throttle_store.h"
#include "base/hash.h"
#include "base/id.h"

namespace fealty::access {
namespace {

// Failures are counted by the minute: a limit over 15 minutes reads 15 rows.
constexpr std::int64_t kSliceMs = 60'000;
constexpr std::int64_t kKeptMs = 24 * 3'600'000;

TimeMs slice_of(TimeMs now) { return now - now % kSliceMs; }

// In one order, so that two attempts never wait for each other's rows.
std::vector<Throttle const*> in_order(std::span<Throttle const> throttles) {
  std::vector<Throttle const*> out;
  for (auto const& t : throttles) out.push_back(&t);
  std::sort(out.begin(), out.end(), [](auto const* a, auto const* b) { return a->subject < b->subject; });
  return out;
}

}  // namespace

std::string throttle_subject(std::string_view kind, std::string_view rest) {
  auto const hash = sha256(rest);
  return std::string(kind) + ":" + to_hex({reinterpret_cast<unsigned char const*>(hash.data()), 16});
}

std::string address_block(std::string_view address) {
  std::string text(address);
  unsigned char v6[16];
  unsigned char v4[4];
  if (::inet_pton(AF_INET6, text.c_str(), v6) == 1) {
    constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (!std::equal(std::begin(kMapped), std::end(kMapped), v6)) return to_hex({v6, 8}) + "/64";
    return to_hex({v6 + 12, 3}) + "/24";
  }
  if (::inet_pton(AF_INET, text.c_str(), v4) == 1) return to_hex({v4, 3}) + "/24";
  return text;
}

std::string client_of(std::string_view address) {
  auto block = address_block(address);
  return block.ends_with("/64") ? std::move(block) : std::string(address);
}

std::vector<Throttle> sign_in_throttles(std::string_view account, std::string_view address) {
  constexpr std::int64_t kQuarterMs = 15 * 60'000, kHourMs = 3'600'000;
  return {{throttle_subject("pair", std::string(account) + "\n" + address_block(address)), 10, kQuarterMs, true},
          {throttle_subject("account", account), 100, kHourMs, false},
          {throttle_subject("address", client_of(address)), 50, kQuarterMs, false}};
}

Result<void> begin_attempt(sql::Tx& tx, std::span<Throttle const> throttles, TimeMs now) {
  for (auto const* t : in_order(throttles)) {
    count_failure(tx, t->subject, slice_of(now));
    auto const found = failures_since(tx, t->subject, now - t->window_ms);
    if (found.count <= t->failures_max) continue;
    Error error{&fealty::errors::kRateLimited, "Too many attempts failed. Try again later."};
    error.retry_after_s = static_cast<int>(std::max<std::int64_t>(1, (found.oldest + t->window_ms - now + 999) / 1000));
    return std::unexpected(std::move(error));
  }
  return {};
}

void attempt_succeeded(sql::Tx& tx, std::span<Throttle const> throttles, TimeMs now) {
  for (auto const* t : in_order(throttles)) {
    if (t->cleared_by_success)
      clear_failures(tx, t->subject);
    else
      uncount_failure(tx, t->subject, slice_of(now));
  }
}

void attempt_undone(sql::Tx& tx, std::span<Throttle const> throttles, TimeMs now) {
  for (auto const* t : in_order(throttles)) uncount_failure(tx, t->subject, slice_of(now));
}

bool may_do_again(sql::Tx& tx, Throttle const& t, TimeMs now) {
  count_failure(tx, t.subject, slice_of(now));
  if (failures_since(tx, t.subject, now - t.window_ms).count <= t.failures_max) return true;
  // Who asks again and again is not kept waiting for it.
  uncount_failure(tx, t.subject, slice_of(now));
  return false;
}

std::int64_t forget_failures(sql::Tx& tx, TimeMs now) { return delete_failures(tx, now - kKeptMs); }

}  // namespace fealty::access
