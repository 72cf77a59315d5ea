#include "jobs/job_watch.h"

#include "base/time.h"

namespace fealty::jobs {

std::shared_ptr<JobView const> JobWatch::look() {
  // A stream asks again kJobPollMs after its last look was over: a little less is old enough, or each would wait for two.
  auto fresh = [this] { return last_ && steady_now_ms() - read_at_ms_ < kJobPollMs * 4 / 5; };
  std::unique_lock reading(reading_, std::defer_lock);
  {
    std::lock_guard lock(mutex_);
    if (fresh()) return last_;
    if (last_ && !reading.try_lock()) return last_;
  }
  if (!reading) reading.lock();
  {
    std::lock_guard lock(mutex_);
    if (fresh()) return last_;
  }
  auto view = read_();
  std::lock_guard lock(mutex_);
  last_ = view;
  read_at_ms_ = steady_now_ms();
  return view;
}

JobWatches::Place::~Place() {
  std::lock_guard lock(owner_->mutex_);
  auto const at = owner_->places_.find(key_);
  if (--at->second == 0) owner_->places_.erase(at);
}

std::unique_ptr<JobWatches::Place> JobWatches::take_place(CommunityNo community, KeyNo key) {
  std::lock_guard lock(mutex_);
  auto& taken = places_[{community, key}];
  if (taken >= kStreamsPerKeyMax) return nullptr;
  ++taken;
  return std::make_unique<Place>(shared_from_this(), std::pair(community, key));
}

std::shared_ptr<JobWatch> JobWatches::watch(CommunityNo community, JobNo job, JobWatch::Read read) {
  std::lock_guard lock(mutex_);
  std::erase_if(watches_, [](auto const& entry) { return entry.second.expired(); });
  auto& known = watches_[{community, job}];
  if (auto watch = known.lock()) return watch;
  auto watch = std::make_shared<JobWatch>(std::move(read));
  known = watch;
  return watch;
}

}  // namespace fealty::jobs
