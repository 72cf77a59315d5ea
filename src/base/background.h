// A thread of its own that works in rounds until it is told to stop: clean-ups, counts that are added up now and then.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace fealty {

class Background {
 public:
  Background() = default;
  // Stops.
  ~Background() { stop(); }
  Background(Background const&) = delete;
  Background& operator=(Background const&) = delete;

  // `work` goes on as long as wait() says so, and must not throw.
  void start(std::function<void()> work);
  // Ends every wait, and returns when the work has returned. Repeating the call is fine; it need not have been started.
  void stop();
  // Rests so long. False, at once, when the thread is told to stop. Any thread.
  bool wait(std::int64_t time_ms);
  // As long a rest as the work since `began_steady_ms` took, within 1 ms and a second: half of a shared writer's time stays
  // for others, however much there is to do.
  bool rest_after(std::int64_t began_steady_ms);

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fealty
