// Requests to a server that may be restarting, busy or out of reach for a while.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "api/json_tree.h"
#include "app/api_client.h"
#include "app/bulk/arguments.h"
#include "app/bulk/interrupt.h"

namespace fealty::app::bulk {

// When to try again and when to give up: waits double from 0.2 s to 5 s, are shortened by up to a half at random so that many
// callers do not come back together, and are at least what Retry-After asks for. Pure: told the time and the chance.
class Patience {
 public:
  explicit Patience(std::int64_t timeout_ms) : timeout_ms_(timeout_ms) {}
  // The server did what was asked, or bytes came: the time begins anew with the next failure.
  void succeeded();
  // After a failed try at `now_ms`: how long to wait, or nothing when the time would be over. `chance` is from 0 to 1.
  std::optional<int> wait_ms(std::int64_t now_ms, int retry_after_s, double chance);

 private:
  std::int64_t timeout_ms_;
  std::optional<std::int64_t> failing_since_ms_;
  int step_ms_ = 0;
};

// The server would not, whatever is repeated: a status of 3xx, 4xx or 5xx that tells so.
class Refused : public CommandError {
 public:
  explicit Refused(ClientAnswer answer);
  ClientAnswer const& answer() const { return answer_; }

 private:
  ClientAnswer answer_;
};

// Whether a later try of the same request may go better: 408, 429, 502, 503, 504, and 409 while the first try with the same
// Idempotency-Key is still under way; of a read also 500.
bool is_temporary(ClientAnswer const& answer, bool is_read);

class Remote {
 public:
  // `on_trouble` is told why it waits, and for an empty text that the trouble is over.
  Remote(ClientSettings const& client, int timeout_s, Interrupt const& interrupt, std::function<void(std::string const&)> on_trouble);

  // Repeats a request, which must be safe to repeat, until the server has answered with 2xx. `attempt` makes and sends it
  // anew each time; when it returns nothing, it cannot be repeated, and the last failure stands.
  // Throws Refused, CommandError (not reached in time) and Interrupted.
  using Attempt = std::function<std::optional<ClientAnswer>(ApiClient&)>;
  ClientAnswer run(Attempt const& attempt, bool is_read, Patience& patience);
  ClientAnswer run(Attempt const& attempt, bool is_read);
  ClientAnswer get(std::string const& path);
  // With a fresh Idempotency-Key, so that repeating it does it once. `json` may be empty.
  ClientAnswer post(std::string const& path, std::string const& json);

  Patience new_patience() const { return Patience(timeout_s_ * std::int64_t{1000}); }
  Interrupt const& interrupt() const { return interrupt_; }

 private:
  ApiClient client_;
  std::string host_;
  int timeout_s_;
  Interrupt const& interrupt_;
  std::function<void(std::string const&)> on_trouble_;
};

}  // namespace fealty::app::bulk
