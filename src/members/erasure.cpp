#include "members/erasure.h"

#include "access/audit.h"
#include "base/log.h"
#include "members/avatars_store.h"
#include "members/moderation_store.h"

namespace fealty::members {
namespace {

constexpr std::int64_t kEveryMs = 600'000;
constexpr std::int64_t kMembersPerLook = 100;

}  // namespace

void Erasure::start() {
  background_.start([this] {
    do {
      try {
        auto const erased = erase_due();
        if (erased > 0) log::info("members.erased", {{"members", erased}});
      } catch (std::exception const& e) {
        log::error("members.erasure_failed", {{"reason", e.what()}});
      }
    } while (background_.wait(kEveryMs));
  });
}

std::int64_t Erasure::erase_due() {
  std::int64_t erased = 0;
  while (true) {
    TimeMs const now = clock_();
    auto const due = database_.read([&](sql::Tx& tx) { return erasable_members(tx, now, kMembersPerLook); });
    if (due.empty()) return erased;
    for (auto const& [community, member] : due) {
      auto const began_ms = steady_now_ms();
      std::optional<std::string> picture;
      erased += database_.write([&](sql::Tx& tx) {
        picture.reset();
        // He may have been restored, or erased by another node, since we looked.
        auto const found = lock_member(tx, community, member);
        if (!found || found->is_erased || found->facts.state != MembershipState::deleted ||
            now - found->facts.deleted_at.value_or(now) < restore_ms(tx, community))
          return 0;
        bool const is_banned = FormerStates(found->facts.former_states).top() == MembershipState::banned;
        picture = avatar_of(tx, community, member);
        erase_member(tx, community, member, is_banned, now);
        access::write_audit(tx, community, numbers_.next(),
                            {{"system", "", "Erasure"}, "user.erase", std::to_string(member.value), "{}", "", now});
        return 1;
      });
      // After the commit: what nobody names any more is also removed at the start, should this not be reached.
      if (picture) avatars_.remove(*picture);
      if (!background_.rest_after(began_ms)) return erased;
    }
  }
}

}  // namespace fealty::members
