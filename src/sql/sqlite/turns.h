// Who has the writer next: the long pieces of work that commit alone (chunks of bulk jobs), or all others.
//
// Behind each long one the others have the writer for half as long again as it took, if they want it. So jobs take at most
// 40 % of the writer from them, nobody waits for two chunks, and when few others write, a job loses next to nothing.
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

  // `lingered`: a wait has ended and nobody came.
  Choice choose(bool small_waits, bool alone_waits, bool lingered, Clock::time_point now) const {
    if (!alone_waits) return {small_waits ? Next::small : Next::nothing};
    // When no small write came since the last chunk began, none is expected.
    bool const small_turn = small_came_ && now < small_turn_ends_;
    if (small_turn && small_waits) return {Next::small};
    if (small_turn && !lingered) return {Next::wait, std::min(small_turn_ends_, now + linger_)};
    return {Next::alone};
  }
  void small_came() { small_came_ = true; }
  void alone_begins(bool small_waits) { small_came_ = small_waits; }
  void alone_ended(Clock::duration spent, Clock::time_point now) {
    auto const turn = std::chrono::duration_cast<Clock::duration>(spent * kSmallTurn);
    small_turn_ends_ = now + std::min<Clock::duration>(turn, kSmallTurnMax);
    linger_ = std::min<Clock::duration>(spent / kLingerPart, kLingerMax);
  }

  // In the time that the chunk took. More than its equal, since a job takes processors from the others as well: with 1 they
  // did less than half of what they do without the job (./dev bench api-writes).
  static constexpr double kSmallTurn = 1.5;
  static constexpr auto kSmallTurnMax = std::chrono::milliseconds(500);
  // Between two groups of a busy server pass a few milliseconds, until its callers have their answers and send the next
  // requests: so long the next chunk waits for them.
  static constexpr int kLingerPart = 20;
  static constexpr auto kLingerMax = std::chrono::milliseconds(5);

 private:
  Clock::time_point small_turn_ends_{};
  Clock::duration linger_{};
  bool small_came_ = false;  // since the last long one began
};

}  // namespace fealty::sql::sqlite
