// Gathers the small writes that wait at the same time into rounds: one transaction, and so one wait for the disk, for all of
// them. There is no thread of its own: the first who comes runs a round of all that wait, and hands over to one of those who
// came meanwhile. So a lone request waits for nobody, and the busier the server, the larger its rounds.
#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "base/id.h"

namespace fealty::members {

// The quick lane's rounds leave members alone whom another transaction holds (a bulk chunk holds thousands); the requests
// that name them go on in the patient lane, which waits, so that one locked member does not stop everybody else.
enum class Lane : std::uint8_t { quick, patient };

// Any thread. Task has `std::size_t weight() const`.
template <class Task>
class WriteLanes {
 public:
  // Runs one round; must not throw. The tasks stay where they are until it returns.
  using Work = std::function<void(CommunityNo, std::span<Task* const>, Lane)>;
  // `weight_max`: of the tasks of one round together, unless a single one is heavier.
  WriteLanes(std::size_t weight_max, Work work) : weight_max_(weight_max), work_(std::move(work)) {}

  // Returns when a round that held the task has ended.
  void run(CommunityNo community, Task& task, Lane lane) {
    std::unique_lock lock(mutex_);
    auto const place = lines_.try_emplace({community, lane}).first;
    Line& line = place->second;
    Waiter self{.task = task};
    line.waiting.push_back(&self);
    if (line.running) {
      self.changed.wait(lock, [&] { return self.state != State::waits; });
      if (self.state == State::done) return;
    }
    line.running = true;
    auto const round = take(line);
    std::vector<Task*> tasks;
    tasks.reserve(round.size());
    for (Waiter* w : round) tasks.push_back(&w->task);
    lock.unlock();
    work_(community, tasks, lane);
    lock.lock();
    for (Waiter* w : round) {
      if (w == &self) continue;
      w->state = State::done;
      w->changed.notify_one();
    }
    if (line.waiting.empty()) {
      lines_.erase(place);
      return;
    }
    // The next round is led by one of its own.
    line.waiting.front()->state = State::leads;
    line.waiting.front()->changed.notify_one();
  }

 private:
  enum class State : std::uint8_t { waits, leads, done };
  struct Waiter {  // on the stack of its thread, which waits in run()
    Task& task;
    State state = State::waits;
    std::condition_variable changed = {};
  };
  struct Line {
    std::deque<Waiter*> waiting;
    bool running = false;  // a round runs, or its leader is being woken
  };

  std::vector<Waiter*> take(Line& line) {
    std::vector<Waiter*> round;
    std::size_t weight = 0;
    while (!line.waiting.empty()) {
      weight += line.waiting.front()->task.weight();
      if (!round.empty() && weight > weight_max_) break;
      round.push_back(line.waiting.front());
      line.waiting.pop_front();
    }
    return round;
  }

  std::size_t weight_max_;
  Work work_;
  std::mutex mutex_;
  std::map<std::pair<CommunityNo, Lane>, Line> lines_;  // those with a round or somebody who waits for one
};

}  // namespace fealty::members
