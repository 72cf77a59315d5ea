#include "sql/postgres/pool.h"

#include <algorithm>

namespace fealty::sql::postgres {
namespace {

constexpr auto kIdleMax = std::chrono::seconds(60);

}  // namespace

std::unique_ptr<Connection> Pool::take(Want want) {
  std::vector<Idle> closing;  // closed without the lock
  {
    std::unique_lock lock(mutex_);
    if (want == Want::fresh) {
      closing.swap(idle_);
      open_ -= static_cast<int>(closing.size());
    }
    auto const timeout = std::chrono::milliseconds(settings_.acquire_timeout_ms);
    if (!returned_.wait_for(lock, timeout, [&] { return !idle_.empty() || open_ < settings_.connections_max; })) {
      throw StorageError(StorageError::Kind::unavailable, "all " + std::to_string(settings_.connections_max) +
                                                              " connections to PostgreSQL were busy for " +
                                                              std::to_string(settings_.acquire_timeout_ms) + " ms");
    }
    if (!idle_.empty() && want == Want::any) {
      auto connection = std::move(idle_.back().connection);
      idle_.pop_back();
      return connection;
    }
    if (!idle_.empty()) {  // a place for the fresh one
      closing.push_back(std::move(idle_.back()));
      idle_.pop_back();
      --open_;
    }
    ++open_;
  }
  try {
    return std::make_unique<Connection>(settings_);
  } catch (...) {
    give_back(nullptr);
    throw;
  }
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  {
    std::lock_guard lock(mutex_);
    if (connection && connection->is_reusable()) {
      idle_.push_back({std::move(connection), std::chrono::steady_clock::now()});
    } else {
      --open_;
    }
  }
  returned_.notify_one();
}

void Pool::close_idle() {
  std::vector<Idle> closing;
  {
    std::lock_guard lock(mutex_);
    auto const limit = std::chrono::steady_clock::now() - kIdleMax;
    // The list is in the order of return: the oldest stand first.
    auto const young = std::ranges::find_if(idle_, [&](Idle const& i) { return i.since > limit; });
    closing.assign(std::make_move_iterator(idle_.begin()), std::make_move_iterator(young));
    idle_.erase(idle_.begin(), young);
    open_ -= static_cast<int>(closing.size());
  }
  returned_.notify_all();
}

}  // namespace fealty::sql::postgres
