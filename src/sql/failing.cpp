#include "sql/failing.h"

#include <limits>

namespace fealty::sql {

class FailingTx final : public Tx {
 public:
  FailingTx(FailingDatabase& database, Tx& behind) : database_(database), behind_(behind) {}
  Engine engine() const override { return behind_.engine(); }
  std::int64_t run(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row) override {
    call();
    return behind_.run(statement, params, batch, on_row);
  }
  void run_later(Statement const& statement, std::span<Param const> params, Batch const* batch, OnRow const& on_row) override {
    call();
    behind_.run_later(statement, params, batch, on_row);
  }
  void settle() override {
    call();
    behind_.settle();
  }
  std::int64_t run_text(std::string_view text, std::span<Param const> params, OnRow const& on_row) override {
    call();
    return behind_.run_text(text, params, on_row);
  }
  void prepare(Statement const& statement) override {
    call();
    behind_.prepare(statement);
  }
  // As in the drivers: what hides a statement's failure cannot commit.
  void check_usable() const {
    if (failed_) throw StorageError(StorageError::Kind::unavailable, "an earlier statement of the transaction was made to fail");
  }

 private:
  void call() {
    check_usable();
    failed_ = true;
    database_.count();
    failed_ = false;
  }
  FailingDatabase& database_;
  Tx& behind_;
  bool failed_ = false;
};

void FailingDatabase::fail_at(std::int64_t n) {
  first_ = last_ = n;
  calls_ = 0;
}

void FailingDatabase::fail_from(std::int64_t n) {
  first_ = n;
  last_ = std::numeric_limits<std::int64_t>::max();
  calls_ = 0;
}

void FailingDatabase::fail_between(std::int64_t n, std::int64_t m) {
  first_ = n;
  last_ = m;
  calls_ = 0;
}

void FailingDatabase::on_call(std::function<void(std::int64_t)> hook) {
  std::lock_guard lock(mutex_);
  hook_ = std::move(hook);
}

void FailingDatabase::count() {
  auto const n = ++calls_;
  std::function<void(std::int64_t)> hook;
  {
    std::lock_guard lock(mutex_);
    hook = hook_;
  }
  if (hook) hook(n);
  if (n >= first_ && n <= last_) throw StorageError(StorageError::Kind::unavailable, "call " + std::to_string(n) + " was made to fail");
}

void FailingDatabase::run_read(std::function<void(Tx&)> const& fn) {
  count();
  behind_.run_read([&](Tx& behind) {
    FailingTx tx(*this, behind);
    fn(tx);
    tx.check_usable();
    count();
  });
}

void FailingDatabase::run_write(std::function<bool(Tx&)> const& fn, WriteOptions options) {
  count();
  bool is_lost = false;
  behind_.run_write(
      [&](Tx& behind) {
        is_lost = false;
        FailingTx tx(*this, behind);
        if (!fn(tx)) return false;
        tx.check_usable();
        try {
          count();
        } catch (StorageError const&) {
          // Thrown in front of the real commit, which then does not happen.
          if (!loses_answers_) throw;
          is_lost = true;
        }
        return true;
      },
      options);
  if (is_lost) throw StorageError(StorageError::Kind::commit_unknown, "the answer to a commit was made to be lost");
}

}  // namespace fealty::sql
