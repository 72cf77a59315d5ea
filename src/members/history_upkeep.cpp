#include "members/history_upkeep.h"

#include <set>

#include "access/audit.h"
#include "base/log.h"
#include "base/zone.h"
#include "jobs/clean_up.h"
#include "members/history_removal_store.h"

namespace fealty::members {
namespace {

constexpr std::int64_t kEveryMs = 600'000;
// Some milliseconds of the writer's time.
constexpr std::size_t kItemsAtOnce = 1'000;
constexpr std::int64_t kFieldsAtOnce = 100, kPeopleAtOnce = 50;
constexpr TimeMs kNightMs = 2ll * 3'600'000;  // two o'clock
// What is younger may still be on its way into storage, with a number by a clock that is behind.
constexpr TimeMs kSettledMs = 600'000;
// Fewer spans than this are added up by each list that wants a total.
constexpr std::int64_t kUncountedMax = 500;

access::Actor system_actor() { return {"system", "", "History upkeep"}; }

std::vector<MemberNo> members_of_items(std::vector<SourcedItem> const& items) {
  std::vector<MemberNo> out;
  for (auto const& i : items) out.push_back(i.item.member);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// Items that may go: from the beginnings of their chains, in the order of their numbers.
std::vector<SourcedItem> removable(sql::Tx& tx, CommunityNo community, std::vector<SourcedItem> const& items,
                                   std::set<SourceNo> const& kept) {
  auto const standings = standings_of(tx, community, items);
  std::vector<SourcedItem> out;
  std::set<HistoryNo> going;
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto const& item = items[i].item;
    bool const begins = !item.previous || !standings[i].has_previous || going.contains(item.previous);
    if (!begins || standings[i].is_newest || kept.contains(items[i].source)) continue;
    going.insert(item.number);
    out.push_back(items[i]);
  }
  return out;
}

// Of these sources.
bool has_items_of(sql::Tx& tx, Leftover const& l, std::set<SourceNo> const& sources) {
  HistoryWalk walk(tx, {l.community, l.member}, {}, HistoryOrder::newest_first);
  for (auto items = walk.next(kItemsAtOnce); !items.empty(); items = walk.next(kItemsAtOnce))
    if (std::any_of(items.begin(), items.end(), [&](SourcedItem const& i) { return sources.contains(i.source); })) return true;
  return false;
}

// Of one community.
std::int64_t remove_leftovers_in(sql::Tx& tx, std::vector<Leftover> const& people) {
  CommunityNo const community = people.front().community;
  std::vector<MemberNo> members;
  for (auto const& l : people) members.push_back(l.member);
  // Nobody becomes a member again, and goes on with his old chains, until this is done.
  ledger::lock_ranges_later(tx, community, members, ledger::RangeLock::whole);
  tx.settle();
  std::int64_t removed = 0;
  for (auto const& l : people) {
    bool const is_member = state_of(tx, community, l.member).has_value();  // then they are his
    if (!is_member) remove_items_of_member(tx, community, l.member);
    remove_leftover(tx, l, !is_member);
    removed += is_member ? 0 : 1;
  }
  return removed;
}

std::set<SourceNo> kept_sources(sql::Tx& tx, CommunityNo community) {
  auto const sources = jobs::sources_with_results(tx, community);
  return {sources.begin(), sources.end()};
}

}  // namespace

TimeMs last_night(std::string const& time_zone, TimeMs now) {
  auto const today = day_at(time_zone, now);
  auto const night = day_start(time_zone, today) + kNightMs;
  return night <= now ? night : day_start(time_zone, today - 1) + kNightMs;
}

void HistoryUpkeep::start() {
  background_.start([this] {
    do {
      try {
        if (!run()) return;
      } catch (std::exception const& e) {
        log::error("histories.upkeep_failed", {{"reason", e.what()}});
      }
    } while (background_.wait(kEveryMs));
  });
}

bool HistoryUpkeep::run() {
  if (!cut_histories() || !purge_fields() || !count_totals()) return false;
  if (clock_() < next_leftovers_at_) return true;
  next_leftovers_at_ = clock_() + kDayMs;
  return remove_leftovers();
}

bool HistoryUpkeep::cut_histories() {
  for (auto const& c : database_.read([](sql::Tx& tx) { return retention_settings(tx); })) {
    TimeMs const now = clock_();
    if (c.cut_at >= last_night(c.time_zone, now)) continue;
    if (c.days > 0) {
      std::int64_t const below = NumberSource::first_at(now - c.days * kDayMs);
      if (below > 0 && !cut_community(c.community, below)) return false;
    }
    // At the end alone: a night that was broken off goes on at the next start.
    database_.write([&](sql::Tx& tx) { set_cut_at(tx, c.community, now); });
  }
  return true;
}

bool HistoryUpkeep::cut_community(CommunityNo community, std::int64_t below) {
  auto const [fields, kept] =
      database_.read([&](sql::Tx& tx) { return std::pair(fields_with_histories(tx, community), kept_sources(tx, community)); });
  std::int64_t removed = 0;
  for (auto const field : fields) {
    std::optional<std::int64_t> after;
    while (true) {
      auto const began_ms = steady_now_ms();
      std::vector<SourcedItem> going;
      auto const looked_at = database_.read([&](sql::Tx& tx) {
        HistoryWalk walk(tx, {community, {}, field}, {0, below - 1}, HistoryOrder::oldest_first, after);
        auto const items = walk.next(kItemsAtOnce);
        // What may go now may go later, too: nothing becomes the newest again, and no item gets another one before it.
        going = removable(tx, community, items, kept);
        if (!items.empty()) after = items.back().item.number.value;
        return items.size();
      });
      if (!going.empty()) {
        bool still = true;
        removed += database_.write([&](sql::Tx& tx) -> std::int64_t {
          // It may have been made longer since.
          auto const settings = lock_retention(tx, community);
          still = settings.days > 0 && below <= NumberSource::first_at(clock_() - settings.days * kDayMs);
          if (!still) return 0;
          raise_removed_below(tx, community, below);
          return remove_items(tx, community, going);
        });
        if (!still) return true;
      }
      if (looked_at > 0 && !rest(began_ms)) return false;
      if (looked_at < kItemsAtOnce) break;
    }
  }
  if (removed > 0) log::info("histories.cut", {{"community", community.value}, {"items", removed}});
  return true;
}

bool HistoryUpkeep::purge_fields() {
  while (true) {
    TimeMs const before = clock_() - kFieldRestoreMs;
    auto const fields = database_.read([&](sql::Tx& tx) { return fields_deleted_before(tx, before, kFieldsAtOnce); });
    if (fields.empty()) return true;
    for (auto const& f : fields)
      if (!purge_field(f.community, f.field, f.created_at)) return false;
  }
}

bool HistoryUpkeep::purge_field(CommunityNo community, FieldNo field, TimeMs created_at) {
  TimeMs const before = clock_() - kFieldRestoreMs;
  std::int64_t removed = 0;
  while (true) {
    auto const began_ms = steady_now_ms();
    auto const items = database_.read(
        [&](sql::Tx& tx) { return HistoryWalk(tx, {community, {}, field}, {}, HistoryOrder::oldest_first).next(kItemsAtOnce); });
    bool const is_last = items.empty();
    bool const is_deleted = database_.write([&](sql::Tx& tx) {
      // A job that is taken back may empty the values of a field that is gone: its members are locked as for any change.
      auto const members = members_of_items(items);
      lock_memberships(tx, community, members, false, [](Membership const&) {});
      if (!lock_deleted_field(tx, community, field, before)) return false;
      if (!is_last) {
        std::vector<MemberNo> holders;
        auto const standings = standings_of(tx, community, items);
        for (std::size_t i = 0; i < items.size(); ++i)
          if (standings[i].is_newest) holders.push_back(items[i].item.member);
        remove_values(tx, community, field, holders);
        removed += remove_items(tx, community, items);
        return true;
      }
      remove_definition(tx, community, field);
      access::write_audit(tx, community, numbers_.next(),
                          {system_actor(), "field.purge", PublicId::of(field.value, created_at).to_string(), "{}", "", clock_()});
      return true;
    });
    if (!is_deleted) return true;  // restored, or purged by another node
    if (is_last) break;
    if (!rest(began_ms)) return false;
  }
  log::info("fields.purged", {{"community", community.value}, {"field", field.value}, {"items", removed}});
  return true;
}

bool HistoryUpkeep::remove_leftovers() {
  Leftover last{};
  std::int64_t removed = 0;
  while (true) {
    auto const began_ms = steady_now_ms();
    std::vector<Leftover> ready;
    bool const is_end = database_.read([&](sql::Tx& tx) {
      auto const people = leftovers_after(tx, last, kPeopleAtOnce);
      if (people.empty()) return true;
      CommunityNo const community = people.front().community;
      auto const kept = kept_sources(tx, community);
      for (auto const& l : people) {
        if (l.community != community) break;
        last = l;
        if (state_of(tx, community, l.member) || !has_items_of(tx, l, kept)) ready.push_back(l);
      }
      return false;
    });
    if (is_end) break;
    if (!ready.empty()) removed += database_.write([&](sql::Tx& tx) { return remove_leftovers_in(tx, ready); });
    if (!rest(began_ms)) return false;
  }
  if (removed > 0) log::info("histories.leftovers_removed", {{"people", removed}});
  return true;
}

bool HistoryUpkeep::count_totals() {
  std::int64_t const through = NumberSource::first_at(clock_() - kSettledMs);
  for (auto const& c : database_.read([](sql::Tx& tx) { return retention_settings(tx); })) {
    auto fields = database_.read([&](sql::Tx& tx) {
      auto all = fields_with_histories(tx, c.community);
      all.push_back({});  // of the whole community
      std::erase_if(all, [&](FieldNo f) { return !has_uncounted(tx, c.community, f, through, kUncountedMax); });
      return all;
    });
    for (auto const field : fields) {
      for (bool more = true; more;) {
        auto const began_ms = steady_now_ms();
        more = database_.write([&](sql::Tx& tx) { return count_on(tx, c.community, field, through); });
        if (!rest(began_ms)) return false;
      }
    }
  }
  return true;
}

}  // namespace fealty::members
