// A database whose n-th call fails: with it a test shows, for every n, that nothing is half applied.
//
//   for (int n = 1;; ++n) {
//     failing.fail_at(n);
//     … run the operation on `failing`; it may throw …
//     … check through the plain database that all or nothing of it is there …
//     if (failing.calls() < n) break;  // the operation has fewer calls than n: all of them were tried
//   }
#pragma once
#include <atomic>
#include <mutex>

#include "sql/sql.h"

namespace fealty::sql {

// Any thread. The database behind it must outlive it.
class FailingDatabase final : public Database {
 public:
  explicit FailingDatabase(Database& behind) : behind_(behind) {}

  // Counts from 1 again and makes call n throw StorageError (unavailable); 0: none fails. Every begin of a read or write,
  // every statement and every commit is a call. A commit that fails has applied nothing (but see lose_answers).
  void fail_at(std::int64_t n);
  // The same for call n and all after it: storage that stays away.
  void fail_from(std::int64_t n);
  // The same for the calls from n to m, both included.
  void fail_between(std::int64_t n, std::int64_t m);
  // From now on a commit that fails takes effect all the same: it is its answer that is lost (commit_unknown).
  void lose_answers() { loses_answers_ = true; }
  // Calls since then.
  std::int64_t calls() const { return calls_; }
  // Called at every call with its number, before it fails or goes on: a place to wait in, where a test needs an order.
  void on_call(std::function<void(std::int64_t)> hook);

  Engine engine() const override { return behind_.engine(); }
  void backup_to(std::string const& target) override { behind_.backup_to(target); }
  void checkpoint() override { behind_.checkpoint(); }
  std::string version() const override { return behind_.version(); }
  std::string session() const override { return behind_.session(); }
  void end_session(std::string const& session) override { behind_.end_session(session); }

 protected:
  void run_read(std::function<void(Tx&)> const& fn) override;
  void run_write(std::function<bool(Tx&)> const& fn, WriteOptions options) override;

 private:
  friend class FailingTx;
  void count();

  Database& behind_;
  std::mutex mutex_;
  std::function<void(std::int64_t)> hook_;
  std::atomic<std::int64_t> calls_{0}, first_{0}, last_{0};
  std::atomic<bool> loses_answers_{false};
};

}  // namespace fealty::sql
