#include "app/bulk/remote.h"

#include <algorithm>
#include <utility>

#include "app/bulk/job_view.h"
#include "base/random.h"
#include "base/time.h"

namespace fealty::app::bulk {
namespace {

constexpr int kFirstWaitMs = 200, kLongestWaitMs = 5'000;
constexpr std::size_t kIdempotencyKeyCharacters = 32;  // 190 bits

double random_chance() {
  auto const bytes = random_bytes(2);
  return (static_cast<unsigned char>(bytes[0]) * 256 + static_cast<unsigned char>(bytes[1])) / 65'535.0;
}

Exit exit_of(ClientAnswer const& answer) { return answer.status >= 500 ? Exit::not_reached : Exit::refused; }

std::string without_end(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

void Patience::succeeded() {
  failing_since_ms_.reset();
  step_ms_ = 0;
}

std::optional<int> Patience::wait_ms(std::int64_t now_ms, int retry_after_s, double chance) {
  if (!failing_since_ms_) failing_since_ms_ = now_ms;
  step_ms_ = step_ms_ == 0 ? kFirstWaitMs : std::min(step_ms_ * 2, kLongestWaitMs);
  auto const shortened = static_cast<std::int64_t>(step_ms_ * (1.0 - chance / 2));
  std::int64_t const left_ms = *failing_since_ms_ + timeout_ms_ - now_ms;
  std::int64_t const asked_ms = retry_after_s * std::int64_t{1000};
  if (left_ms <= 0 || asked_ms > left_ms) return std::nullopt;
  // The last try comes at the very end of the time, not before it.
  return static_cast<int>(std::clamp(shortened, asked_ms, left_ms));
}

Refused::Refused(ClientAnswer answer) : CommandError(exit_of(answer), without_end(refusal_text(answer))), answer_(std::move(answer)) {}

bool is_temporary(ClientAnswer const& answer, bool is_read) {
  switch (answer.status) {
    case 408:
    case 429:
    case 502:
    case 503:
    case 504: return true;
    case 409: return code_of(answer) == "request_in_progress";
    case 500: return is_read;
    default: return false;
  }
}

Remote::Remote(ClientSettings const& client, int timeout_s, Interrupt const& interrupt, std::function<void(std::string const&)> on_trouble)
    : client_(client),
      host_(client.server.host_and_port),
      timeout_s_(timeout_s),
      interrupt_(interrupt),
      on_trouble_(std::move(on_trouble)) {}

ClientAnswer Remote::run(Attempt const& attempt, bool is_read) {
  Patience patience = new_patience();
  return run(attempt, is_read, patience);
}

ClientAnswer Remote::run(Attempt const& attempt, bool is_read, Patience& patience) {
  std::optional<CommandError> failure;
  std::optional<ClientAnswer> refusal;
  bool troubled = false;
  for (;;) {
    int retry_after_s = 0;
    std::string trouble;
    try {
      auto answer = attempt(client_);
      if (!answer) {
        if (refusal) throw Refused(std::move(*refusal));
        throw failure.value_or(CommandError(Exit::not_reached, "The request could not be sent."));
      }
      if (answer->status >= 200 && answer->status < 300) {
        patience.succeeded();
        if (troubled) on_trouble_("");
        return std::move(*answer);
      }
      if (!is_temporary(*answer, is_read)) throw Refused(std::move(*answer));
      retry_after_s = answer->retry_after_s;
      trouble = answer->status == 409 ? "the first try is still under way" : "the server is busy (" + std::to_string(answer->status) + ")";
      refusal = std::move(answer);
    } catch (NotReached const& e) {
      refusal.reset();
      failure = CommandError(Exit::not_reached, printable(e.what()) + ".");
      if (e.kind() == NotReached::Kind::hopeless) throw CommandError(*failure);
      trouble = e.kind() == NotReached::Kind::unsent ? host_ + " cannot be reached" : "the connection to " + host_ + " broke";
    }
    auto const wait = patience.wait_ms(steady_now_ms(), retry_after_s, random_chance());
    if (!wait) {
      std::string const advice = retry_after_s > timeout_s_
                                     ? "\nThe server asks to come back in " + std::to_string(retry_after_s) +
                                           " s; --timeout sets how long to keep trying (" + std::to_string(timeout_s_) + " s)."
                                 : timeout_s_ > 0 ? "\nGiven up after trying for " + std::to_string(timeout_s_) + " s (--timeout)."
                                                  : "";
      if (refusal) throw CommandError(exit_of(*refusal), without_end(refusal_text(*refusal)) + advice);
      throw CommandError(Exit::not_reached, failure->what() + advice);
    }
    troubled = true;
    on_trouble_(trouble);
    if (interrupt_.wait_ms(*wait)) throw Interrupted();
  }
}

ClientAnswer Remote::get(std::string const& path) {
  return run([&](ApiClient& client) { return std::optional(client.send({.path = path})); }, true);
}

ClientAnswer Remote::post(std::string const& path, std::string const& json) {
  ClientRequest const request{
      .method = "POST",
      .path = path,
      .headers = {{"Idempotency-Key", random_base62(kIdempotencyKeyCharacters)}, {"Content-Type", "application/json"}},
      .body = json};
  return run([&](ApiClient& client) { return std::optional(client.send(request)); }, false);
}

}  // namespace fealty::app::bulk
