#include "base/background.h"

#include <algorithm>
#include <chrono>

#include "base/time.h"

namespace fealty {

void Background::start(std::function<void()> work) { thread_ = std::thread(std::move(work)); }

void Background::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Background::wait(std::int64_t time_ms) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::milliseconds(time_ms), [&] { return stopping_; });
}

bool Background::rest_after(std::int64_t began_steady_ms) {
  constexpr std::int64_t kRestMsMax = 1'000;
  return wait(std::clamp<std::int64_t>(steady_now_ms() - began_steady_ms, 1, kRestMsMax));
}

}  // namespace fealty
