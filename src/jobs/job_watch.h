// Looks at a running job for those that follow its progress: the streams of one job on one node share their reads, and a
// key has a bounded number of streams.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/id.h"

namespace fealty::jobs {

struct JobView;

inline constexpr int kJobPollMs = 500;
inline constexpr int kStreamsPerKeyMax = 10;  // on one node

// What a job was at one moment, read at most every kJobPollMs.
class JobWatch {
 public:
  using Read = std::function<std::shared_ptr<JobView const>()>;
  explicit JobWatch(Read read) : read_(std::move(read)) {}
  // Null when the job is gone. While another thread reads, what was read before is good enough; the first look waits.
  std::shared_ptr<JobView const> look();

 private:
  Read const read_;
  std::mutex reading_;
  std::mutex mutex_;
  std::shared_ptr<JobView const> last_;  // guarded by mutex_, as is the next
  std::int64_t read_at_ms_ = 0;
};

// All functions from any thread. Kept alive by the places that it gave.
class JobWatches : public std::enable_shared_from_this<JobWatches> {
 public:
  // One of a key's streams, until it is destroyed.
  class Place {
   public:
    Place(std::shared_ptr<JobWatches> owner, std::pair<CommunityNo, KeyNo> key) : owner_(std::move(owner)), key_(key) {}
    ~Place();
    Place(Place const&) = delete;
    Place& operator=(Place const&) = delete;

   private:
    std::shared_ptr<JobWatches> owner_;
    std::pair<CommunityNo, KeyNo> key_;
  };
  // Null when the key has kStreamsPerKeyMax places.
  std::unique_ptr<Place> take_place(CommunityNo community, KeyNo key);
  // The watch that others have on this job, or a new one.
  std::shared_ptr<JobWatch> watch(CommunityNo community, JobNo job, JobWatch::Read read);

 private:
  std::mutex mutex_;
  std::map<std::pair<CommunityNo, KeyNo>, int> places_;
  std::map<std::pair<CommunityNo, JobNo>, std::weak_ptr<JobWatch>> watches_;
};

}  // namespace fealty::jobs
