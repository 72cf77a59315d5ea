// Failures that are counted in storage, so that all nodes together allow no more than one would. An attempt counts as a
// failure from its beginning and is taken back when it succeeds: a hundred guesses at once are a hundred.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "sql/sql.h"

namespace fealty::access {

struct Throttle {
  std::string subject;  // no secret and nobody's name: names are hashed (throttle_subject)
  int failures_max = 0;
  std::int64_t window_ms = 0;
  bool cleared_by_success = false;  // the others lose this one attempt alone
};

// "<kind>:<hash of the rest>".
std::string throttle_subject(std::string_view kind, std::string_view rest);
// The network that one client can choose its address from: 24 bits of an IPv4 address, 64 of an IPv6 one.
std::string address_block(std::string_view address);
// One client: an address, of IPv6 its block, all of which one client has to choose from.
std::string client_of(std::string_view address);

// Those of a sign-in (identity.md): 10 failures of an account and address block in 15 minutes, 100 of an account in an hour,
// 50 of an address in 15 minutes. `account` is the same for every name of an account.
std::vector<Throttle> sign_in_throttles(std::string_view account, std::string_view address);

// 429 with the time to wait when one is full, and nothing was counted.
Result<void> begin_attempt(sql::Tx& tx, std::span<Throttle const> throttles, TimeMs now);
void attempt_succeeded(sql::Tx& tx, std::span<Throttle const> throttles, TimeMs now);
// Neither succeeded nor failed: as if it had not been made.
void attempt_undone(sql::Tx& tx, std::span<Throttle const> throttles, TimeMs now);
// Counts without taking back: for what may be done so often. False when it may not.
bool may_do_again(sql::Tx& tx, Throttle const& throttle, TimeMs now);

std::int64_t forget_failures(sql::Tx& tx, TimeMs now);

}  // namespace fealty::access
