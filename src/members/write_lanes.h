// Gathers the small writes that wait at the same time into rounds: one transaction, and so one wait for the disk, for all of
// them. One round of a community runs at a time in each lane; who comes meanwhile is in the next. So a lone request waits for
// nobody, and the busier the server, the larger its rounds.
#pragma once
#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
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
  using Tasks = std::vector<std::unique_ptr<Task>>;
  struct Settings {
    std::size_t weight_max = 512;     // of the tasks of one round together, unless a single one is heavier
    std::size_t waiting_max = 4'096;  // tasks of one community and lane that wait
    int threads = 4;                  // in each lane: communities whose rounds run at the same time
    // Runs one round, and what is to be done with its tasks afterwards, beside the next round. Neither may throw.
    std::function<void(CommunityNo, Tasks&, Lane)> run = {};
    std::function<void(CommunityNo, Tasks)> finish = {};
  };

  explicit WriteLanes(Settings settings) : settings_(std::move(settings)) {
    for (auto const lane : {Lane::quick, Lane::patient})
      for (int i = 0; i < settings_.threads; ++i) threads_.emplace_back([this, lane] { work(lane); });
  }
  // Does what waits.
  ~WriteLanes() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    for (auto& lane : lanes_) lane.wake.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  WriteLanes(WriteLanes const&) = delete;
  WriteLanes& operator=(WriteLanes const&) = delete;

  // False, and the task not touched, when too many wait already, or it is being destroyed.
  bool add(CommunityNo community, std::unique_ptr<Task>& task, Lane which) {
    Shared& lane = lanes_[static_cast<std::size_t>(which)];
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return false;
      auto const line = lane.lines.try_emplace(community).first;
      if (line->second.waiting.size() >= settings_.waiting_max) return false;
      line->second.waiting.push_back(std::move(task));
      // While a round runs, its end sees to the next one.
      if (line->second.running || line->second.waiting.size() > 1) return true;
      lane.ready.push_back(line);
    }
    lane.wake.notify_one();
    return true;
  }

 private:
  struct Line {
    std::deque<std::unique_ptr<Task>> waiting;
    bool running = false;
  };
  using Lines = std::map<CommunityNo, Line>;
  struct Shared {
    Lines lines;                                 // those with a round or a task that waits for one
    std::deque<typename Lines::iterator> ready;  // with waiting tasks and no round
    std::condition_variable wake;
  };

  void work(Lane which) {
    Shared& lane = lanes_[static_cast<std::size_t>(which)];
    std::unique_lock lock(mutex_);
    for (;;) {
      lane.wake.wait(lock, [&] { return stopping_ || !lane.ready.empty(); });
      if (lane.ready.empty()) return;
      auto const line = lane.ready.front();
      lane.ready.pop_front();
      line->second.running = true;
      CommunityNo const community = line->first;
      Tasks round = take(line->second);
      lock.unlock();
      settings_.run(community, round, which);
      lock.lock();
      line->second.running = false;
      if (line->second.waiting.empty()) {
        lane.lines.erase(line);
      } else {
        lane.ready.push_back(line);
        lane.wake.notify_one();
      }
      lock.unlock();
      settings_.finish(community, std::move(round));
      lock.lock();
    }
  }

  Tasks take(Line& line) {
    Tasks round;
    std::size_t weight = 0;
    while (!line.waiting.empty()) {
      weight += line.waiting.front()->weight();
      if (!round.empty() && weight > settings_.weight_max) break;
      round.push_back(std::move(line.waiting.front()));
      line.waiting.pop_front();
    }
    return round;
  }

  Settings settings_;
  std::mutex mutex_;
  std::array<Shared, 2> lanes_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fealty::members
