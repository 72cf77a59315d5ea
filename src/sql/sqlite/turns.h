// Who has the writer next: the long pieces of work that commit alone (chunks of bulk jobs), or all others.
//
// Behind each long one the others have the writer for twice as long as it took, if they want it. So jobs take at most a third of
// the writer from them, nobody waits for two chunks, and when few others write, a job loses next to nothing.
#pragma once
#include <algorithm>
#include <chrono>

namespace fealty::sql::sqlite {

// Pure but for what it is told; one thread at a time.
class Turns {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Next : std::uint8_t { nothing, small, alone, wait };
  struct Choice {
    Next next = Next::nothing;
    Clock::time_point until = {};  // wait: for a small write, or until this time; then choose again
  };

  Choice choose(bool small_waits, bool alone_waits, Clock::time_point now) const {
    if (!alone_waits) return {small_waits ? Next::small : Next::nothing};
    // When no small write came since the last chunk began, none is expected.
    if (!small_came_ || now >= turn_ends_) return {Next::alone};
    if (small_waits) return {Next::small};
    // Between two groups of a busy server pass a few milliseconds, until its callers have their answers and send the next
    // requests. The next chunk waits for them, but in all not longer than they used the writer in this turn, and a bit: who
    // writes seldom does not hold a job up.
    auto const until = std::min(turn_ends_, turn_began_ + 2 * small_work_ + linger_);
    if (now >= until) return {Next::alone};
    return {Next::wait, until};
  }
  void small_came() { small_came_ = true; }
  void small_ended(Clock::duration spent) { small_work_ += spent; }
  void alone_begins(bool small_waits) { small_came_ = small_waits; }
  void alone_ended(Clock::duration spent, Clock::time_point now) {
    turn_began_ = now;
    turn_ends_ = now + std::min<Clock::duration>(spent * kSmallTurn, kSmallTurnMax);
    linger_ = std::min<Clock::duration>(spent / kLingerPart, kLingerMax);
    small_work_ = {};
  }

  // In the time that the chunk took. More than its equal, since a job takes processors from the others as well
  // (./dev bench api-writes).
  static constexpr int kSmallTurn = 2;
  static constexpr auto kSmallTurnMax = std::chrono::milliseconds(500);
  // What a job may lose to a server with few other writes.
  static constexpr int kLingerPart = 10;
  static constexpr auto kLingerMax = std::chrono::milliseconds(10);

 private:
  Clock::time_point turn_began_{}, turn_ends_{};
  Clock::duration linger_{};
  Clock::duration small_work_{};  // in this turn
  bool small_came_ = false;       // since the last long one began
};

}  // namespace fealty::sql::sqlite
