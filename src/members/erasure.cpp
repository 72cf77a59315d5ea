#include "members/erasure.h"

#include "access/audit.h"
#include "base/log.h"
#include "members/moderation_store.h"

namespace fealty::members {
namespace {

constexpr std::int64_t kEveryMs = 600'000;
constexpr std::int64_t kMembersPerLook = 100;
// Half of the writer's time stays for others, however much there is to erase.
constexpr std::int64_t kPauseMsMax = 1'000;

}  // namespace

void Erasure::start() {
  thread_ = std::thread([this] {
    do {
      try {
        auto const erased = erase_due();
        if (erased > 0) log::info("members.erased", {{"members", erased}});
      } catch (std::exception const& e) {
        log::error("members.erasure_failed", {{"reason", e.what()}});
      }
    } while (wait(kEveryMs));
  });
}

void Erasure::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Erasure::wait(std::int64_t time_ms) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::milliseconds(time_ms), [&] { return stopping_; });
}

std::int64_t Erasure::erase_due() {
  std::int64_t erased = 0;
  while (true) {
    TimeMs const now = clock_();
    auto const due = database_.read([&](sql::Tx& tx) { return erasable_members(tx, now, kMembersPerLook); });
    if (due.empty()) return erased;
    for (auto const& [community, member] : due) {
      auto const began_ms = steady_now_ms();
      erased += database_.write([&](sql::Tx& tx) {
        // He may have been restored, or erased by another node, since we looked.
        auto const found = lock_member(tx, community, member);
        if (!found || found->is_erased || found->facts.state != MembershipState::deleted ||
            now - found->facts.deleted_at.value_or(now) < restore_ms(tx, community))
          return 0;
        bool const is_banned = FormerStates(found->facts.former_states).top() == MembershipState::banned;
        erase_member(tx, community, member, is_banned, now);
        access::write_audit(tx, community, numbers_.next(),
                            {{"system", "", "Erasure"}, "user.erase", std::to_string(member.value), "{}", "", now});
        return 1;
      });
      if (!wait(std::clamp<std::int64_t>(steady_now_ms() - began_ms, 1, kPauseMsMax))) return erased;
    }
  }
}

}  // namespace fealty::members
