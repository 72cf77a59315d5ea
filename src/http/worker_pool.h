// Threads with a bounded queue: handlers block (storage, files), so they never run on an I/O thread.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fealty::http {

class WorkerPool {
 public:
  using Job = std::move_only_function<void()>;  // must not throw

  // `waiting_max` jobs may wait while all threads are busy; with 0 a job is taken only when a thread is free.
  WorkerPool(int threads, std::size_t waiting_max);
  ~WorkerPool();
  WorkerPool(WorkerPool const&) = delete;
  WorkerPool& operator=(WorkerPool const&) = delete;

  // False when the queue is full or the pool stops: the job is not touched then. Any thread.
  bool try_run(Job&& job);
  std::size_t waiting() const;
  // Takes no more jobs, runs those that wait, joins the threads. Idempotent; not from a job.
  void stop();

 private:
  void work();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::size_t const waiting_max_;
  std::size_t busy_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fealty::http
