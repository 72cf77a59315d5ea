#include <algorithm>
#include <utility>

#include "ledger/entries.h"

namespace fealty::ledger {
namespace {

using sql::Batch;
using sql::Row;
using sql::Statement;
constexpr auto kInt = Batch::Type::integer;
constexpr auto kText = Batch::Type::text;

#define COLUMNS(e)                                                                                                                        \
  e ".entry_id, " e ".member_id, " e ".currency_id, " e ".class, " e ".operator, " e ".amount, " e ".balance_after, " e ".source_row, " e \
    ".previous_id, " e ".source_id"
Statement const kHeads{"entries.heads",
                       "SELECT currency_id, entry_id FROM balances WHERE community_id = $1 AND member_id = $2 AND entry_id <> 0 "
                       "ORDER BY currency_id"};
// Each chain from its place, so many steps. The member is asked for at every step: a place may have been made up. PostgreSQL's texts
// of these differ, here and below: a lateral subquery that cannot be pulled up is a look-up by key for each row.
#define CHAINS(first, link)                                                                                                              \
  "WITH RECURSIVE chain (entry_id, member_id, currency_id, class, operator, amount, balance_after, source_row, previous_id, source_id, " \
  "steps) AS (" first " UNION ALL " link ") SELECT " COLUMNS("c") " FROM chain c"
#define IN_CHAIN(number, currency) "e.community_id = $1 AND e.entry_id = " number " AND e.member_id = $2 AND e.currency_id = " currency
Statement const kChains{
    "entries.chains",
    CHAINS(
        "SELECT " COLUMNS("e") ", CAST($3 AS {int}) FROM {rows r: c int, n int} CROSS JOIN ledger_entries e WHERE " IN_CHAIN("r.n", "r.c"),
        "SELECT " COLUMNS("e") ", c.steps - 1 FROM chain c CROSS JOIN ledger_entries e WHERE c.steps > 1 AND " IN_CHAIN("c.previous_id",
                                                                                                                        "c.currency_id")),
    CHAINS("SELECT " COLUMNS("l") ", CAST($3 AS {int}) FROM {rows r: c int, n int} CROSS JOIN LATERAL (SELECT " COLUMNS(
               "e") " FROM ledger_entries e WHERE " IN_CHAIN("r.n", "r.c") " OFFSET 0) l",
           "SELECT " COLUMNS("l") ", c.steps - 1 FROM chain c CROSS JOIN LATERAL (SELECT " COLUMNS(
               "e") " FROM ledger_entries e WHERE " IN_CHAIN("c.previous_id", "c.currency_id") " OFFSET 0) l WHERE c.steps > 1")};
#undef IN_CHAIN
#undef CHAINS
Statement const kNewest{"entries.newest", "SELECT " COLUMNS("e") " FROM ledger_entries e WHERE e.community_id = $1 "
                                          "AND e.entry_id BETWEEN $2 AND $3 ORDER BY e.entry_id DESC LIMIT $4"};
// Which entry is so many behind, whosever they are. Only SQLite is asked, whose table is numbered for all communities together.
Statement const kBehind{"entries.behind",
                        "SELECT entry_id FROM ledger_entries WHERE entry_id BETWEEN $1 AND $2 ORDER BY entry_id DESC LIMIT 1 OFFSET $3"};
Statement const kEntry{"entries.entry", "SELECT " COLUMNS("e") " FROM ledger_entries e WHERE e.community_id = $1 AND e.entry_id = $2"};
Statement const kListed{"entries.listed",
                        "SELECT " COLUMNS("e") " FROM {rows r: n int} CROSS JOIN ledger_entries e WHERE e.community_id = $1 "
                                               "AND e.entry_id = r.n",
                        "SELECT " COLUMNS("l") " FROM {rows r: n int} CROSS JOIN LATERAL (SELECT " COLUMNS(
                            "e") " FROM ledger_entries e WHERE e.community_id = $1 AND e.entry_id = r.n OFFSET 0) l"};
#undef COLUMNS
#define SOURCES(columns, lateral)                                                                                                    \
  "SELECT r.k, " columns " FROM {rows r: k int, n int} CROSS JOIN change_sources s WHERE s.community_id = $1 AND s.source_id = r.n", \
      "SELECT r.k, " lateral " FROM {rows r: k int, n int} CROSS JOIN LATERAL (SELECT " columns                                      \
      " FROM change_sources s WHERE s.community_id = $1 AND s.source_id = r.n OFFSET 0) l"
Statement const kSources{
    "entries.sources",
    SOURCES("s.kind, s.external_id, s.leg, s.label, s.reason, s.note, s.actor_type, s.actor_id, s.actor_name, s.member_id",
            "l.kind, l.external_id, l.leg, l.label, l.reason, l.note, l.actor_type, l.actor_id, l.actor_name, l.member_id")};
Statement const kSourceNames{"entries.source_names", SOURCES("s.kind, s.external_id", "l.kind, l.external_id")};
#undef SOURCES
// In the order of the index: without it SQLite goes through all sources of the community.
Statement const kNamed{"entries.named_sources",
                       "SELECT source_id, member_id, entry_id FROM change_sources WHERE community_id = $1 AND kind = $2 "
                       "AND external_id = $3 ORDER BY leg, member_id, currency_id LIMIT $4"};
// A look-up for each row, and no join (ledger.find_sources).
Statement const kReversals{
    "entries.reversals",
    "SELECT r.k, (SELECT s.entry_id FROM change_sources s WHERE s.community_id = $1 AND s.kind = 'revert' AND s.external_id = r.e "
    "AND s.leg = '' AND s.member_id = r.m AND s.currency_id = r.c) FROM {rows r: k int, e text, m int, c int}"};

// Steps of a chain, and entries of a community, that one statement reads where most of them are passed over.
constexpr std::size_t kStepsMax = 1'000;
// Entries of other communities that are passed over in one step on SQLite, and how many of them cost as much as one that is read.
constexpr std::int64_t kPassedMax = 50'000;
constexpr std::int64_t kPassedForOneLook = 25;

SourcedEntry read_sourced(Row const& r) {
  return {{{r.integer(0)},
           {r.integer(1)},
           {r.integer(2)},
           static_cast<EntryClass>(r.integer(3)),
           static_cast<Operator>(r.integer(4)),
           {r.integer(5)},
           {r.integer(6)},
           r.integer(7)},
          {r.integer(8)},
          {r.integer(9)}};
}

bool is_newer(SourcedEntry const& a, SourcedEntry const& b) { return a.entry.number > b.entry.number; }

class ChainWalk final : public EntryWalk {
 public:
  ChainWalk(sql::Tx& tx, CommunityNo community, MemberNo member, std::vector<ChainPlace> const& from, EntryBounds bounds)
      : tx_(tx), community_(community), member_(member), bounds_(bounds) {
    for (auto const& place : from) chains_.push_back({place.currency, from_low(place.next), {}});
  }
  std::vector<SourcedEntry> next(std::size_t most) override;
  bool at_end() const override {
    return std::all_of(chains_.begin(), chains_.end(), [](Chain const& c) { return c.read.empty() && !c.link; });
  }
  void put_back(std::span<SourcedEntry const> entries) override {
    for (auto e = entries.rbegin(); e != entries.rend(); ++e)
      std::find_if(chains_.begin(), chains_.end(), [&](Chain const& c) { return c.currency == e->entry.currency; })->read.push_back(*e);
  }
  WalkPlace place() const override {
    WalkPlace out;
    for (auto const& c : chains_)
      if (!c.read.empty() || c.link) out.chains.push_back({c.currency, c.read.empty() ? c.link : c.read.back().entry.number});
    return out;
  }

 private:
  struct Chain {
    CurrencyNo currency;
    EntryNo link;                    // behind what was read; none at its end
    std::vector<SourcedEntry> read;  // the next one is the last
  };
  // Numbers rise along a chain: below the bound there is nothing more.
  EntryNo from_low(EntryNo next) const { return next.value < bounds_.low ? EntryNo{} : next; }
  static bool is_unread(Chain const& c) { return c.read.empty() && c.link; }
  void read_on(std::size_t wanted);

  sql::Tx& tx_;
  CommunityNo community_;
  MemberNo member_;
  EntryBounds bounds_;
  std::vector<Chain> chains_;
  std::size_t steps_ = 0;
};

// Reads behind every chain of which nothing is left.
void ChainWalk::read_on(std::size_t wanted) {
  Batch batch{kInt, kInt};
  std::vector<Chain*> unread;
  for (auto& c : chains_)
    if (is_unread(c)) {
      batch.add(c.currency, c.link);
      unread.push_back(&c);
    }
  // Twice as far each time: what was read before was passed over.
  steps_ = std::min(std::max(steps_ * 2, wanted), kStepsMax);
  std::vector<SourcedEntry> rows;
  tx_.each_batch(
      kChains, batch, [&](Row const& r) { rows.push_back(read_sourced(r)); }, community_, member_, static_cast<std::int64_t>(steps_));
  looks_ += rows.size();
  std::sort(rows.begin(), rows.end(), [](auto const& a, auto const& b) { return is_newer(b, a); });
  for (auto* c : unread) {
    c->link = {};
    bool oldest = true;
    for (auto const& row : rows) {
      if (row.entry.currency != c->currency) continue;
      if (std::exchange(oldest, false)) c->link = from_low(row.previous);
      if (row.entry.number.value >= bounds_.low && row.entry.number.value <= bounds_.high) c->read.push_back(row);
    }
  }
}

std::vector<SourcedEntry> ChainWalk::next(std::size_t most) {
  std::vector<SourcedEntry> out;
  bool has_read = false;
  while (out.size() < most) {
    // The newest of all is known when something of each chain is.
    if (std::any_of(chains_.begin(), chains_.end(), is_unread)) {
      if (std::exchange(has_read, true)) break;
      read_on(most - out.size());
      continue;
    }
    Chain* newest = nullptr;
    for (auto& c : chains_)
      if (!c.read.empty() && (!newest || is_newer(c.read.back(), newest->read.back()))) newest = &c;
    if (!newest) break;
    out.push_back(newest->read.back());
    newest->read.pop_back();
  }
  return out;
}

class CommunityWalk final : public EntryWalk {
 public:
  CommunityWalk(sql::Tx& tx, CommunityNo community, EntryBounds bounds)
      : tx_(tx), community_(community), low_(bounds.low), first_(bounds.high), high_(bounds.high), told_(bounds.high) {}
  std::vector<SourcedEntry> next(std::size_t most) override;
  bool at_end() const override { return high_ < low_; }
  void put_back(std::span<SourcedEntry const> entries) override {
    if (!entries.empty()) high_ = told_ = entries.front().entry.number.value;
  }
  // Among so many of others that it would not move, it is exact.
  WalkPlace place() const override { return {{}, told_ < first_ ? told_ : high_}; }

 private:
  // Where so many entries end, whosever they are, and whether there are more behind.
  std::pair<std::int64_t, bool> floor_of(std::int64_t entries) {
    if (tx_.engine() == sql::Engine::postgres) return {low_, false};
    auto const number = tx_.one(kBehind, [](Row const& r) { return r.integer(0); }, low_, high_, entries - 1);
    return number ? std::pair(*number, true) : std::pair(low_, false);
  }

  sql::Tx& tx_;
  CommunityNo community_;
  std::int64_t low_, first_;
  std::int64_t high_;  // down from here nothing was read yet
  // The same as the caller is told: whole seconds, or what is next to his own entries. The numbers of others are not his business.
  std::int64_t told_;
  std::int64_t passing_ = 0;
};

std::vector<SourcedEntry> CommunityWalk::next(std::size_t most) {
  std::vector<SourcedEntry> out;
  if (at_end() || most == 0) return out;
  auto const wanted = static_cast<std::int64_t>(std::min(most, kStepsMax));
  passing_ = std::max(passing_, wanted);
  auto const [floor, has_more] = floor_of(passing_);
  tx_.each(kNewest, [&](Row const& r) { out.push_back(read_sourced(r)); }, community_, floor, high_, wanted);
  if (static_cast<std::int64_t>(out.size()) == wanted) {
    high_ = told_ = out.back().entry.number.value - 1;
  } else if (!has_more) {
    high_ = told_ = low_ - 1;
  } else {
    // Few of these are the community's own: further next time.
    auto const whole = NumberSource::first_at((NumberSource::time_of(floor) / 1'000 + 1) * 1'000);
    told_ = std::min(out.empty() ? told_ : out.back().entry.number.value - 1, whole - 1);
    high_ = floor - 1;
    looks_ += static_cast<std::size_t>(passing_ / kPassedForOneLook);
    passing_ = std::min(passing_ * 4, kPassedMax);
  }
  looks_ += out.size();
  return out;
}

class ListedWalk final : public EntryWalk {
 public:
  ListedWalk(sql::Tx& tx, CommunityNo community, std::vector<EntryNo> entries, EntryBounds bounds)
      : tx_(tx), community_(community), entries_(std::move(entries)) {
    std::erase_if(entries_, [&](EntryNo e) { return !e || e.value < bounds.low || e.value > bounds.high; });
    std::sort(entries_.begin(), entries_.end());  // the next one is the last
  }
  std::vector<SourcedEntry> next(std::size_t most) override {
    Batch batch{kInt};
    for (; batch.rows() < std::min(most, kStepsMax) && !entries_.empty(); entries_.pop_back()) batch.add(entries_.back());
    std::vector<SourcedEntry> out;
    if (batch.rows() > 0) tx_.each_batch(kListed, batch, [&](Row const& r) { out.push_back(read_sourced(r)); }, community_);
    std::sort(out.begin(), out.end(), is_newer);
    looks_ += batch.rows();
    return out;
  }
  bool at_end() const override { return entries_.empty(); }
  void put_back(std::span<SourcedEntry const> entries) override {
    for (auto e = entries.rbegin(); e != entries.rend(); ++e) entries_.push_back(e->entry.number);
  }
  WalkPlace place() const override { return {{}, entries_.empty() ? 0 : entries_.back().value}; }

 private:
  sql::Tx& tx_;
  CommunityNo community_;
  std::vector<EntryNo> entries_;
};

Batch numbered(std::vector<SourceNo> const& numbers) {
  Batch batch{kInt, kInt};
  batch.reserve(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) batch.add(static_cast<std::int64_t>(i), numbers[i]);
  return batch;
}

}  // namespace

std::vector<ChainPlace> chain_heads(sql::Tx& tx, CommunityNo community, MemberNo member, std::optional<CurrencyNo> currency) {
  std::vector<ChainPlace> out;
  tx.each(
      kHeads,
      [&](Row const& r) {
        if (!currency || currency->value == r.integer(0)) out.push_back({{r.integer(0)}, {r.integer(1)}});
      },
      community, member);
  return out;
}

std::unique_ptr<EntryWalk> walk_chains(sql::Tx& tx, CommunityNo community, MemberNo member, std::vector<ChainPlace> const& from,
                                       EntryBounds bounds) {
  return std::make_unique<ChainWalk>(tx, community, member, from, bounds);
}
std::unique_ptr<EntryWalk> walk_community(sql::Tx& tx, CommunityNo community, EntryBounds bounds) {
  return std::make_unique<CommunityWalk>(tx, community, bounds);
}
std::unique_ptr<EntryWalk> walk_listed(sql::Tx& tx, CommunityNo community, std::vector<EntryNo> entries, EntryBounds bounds) {
  return std::make_unique<ListedWalk>(tx, community, std::move(entries), bounds);
}

std::optional<SourcedEntry> find_entry(sql::Tx& tx, CommunityNo community, EntryNo number) {
  return tx.one(kEntry, [](Row const& r) { return read_sourced(r); }, community, number);
}

void load_sources(sql::Tx& tx, CommunityNo community, std::vector<SourceNo> const& numbers,
                  std::function<void(std::size_t, ChangeSource)> const& on_source) {
  if (numbers.empty()) return;
  tx.each_batch(
      kSources, numbered(numbers),
      [&](Row const& r) {
        on_source(static_cast<std::size_t>(r.integer(0)), {r.string(1),
                                                           r.string(2),
                                                           r.string(3),
                                                           r.string(4),
                                                           r.string(5),
                                                           r.string(6),
                                                           {r.string(7), r.string(8), r.string(9)},
                                                           r.integer(10) != 0});
      },
      community);
}

void load_source_names(sql::Tx& tx, CommunityNo community, std::vector<SourceNo> const& numbers,
                       std::function<void(std::size_t, std::string_view, std::string_view)> const& on_source) {
  if (numbers.empty()) return;
  tx.each_batch(
      kSourceNames, numbered(numbers), [&](Row const& r) { on_source(static_cast<std::size_t>(r.integer(0)), r.text(1), r.text(2)); },
      community);
}

std::vector<NamedSource> find_named_sources(sql::Tx& tx, CommunityNo community, std::optional<std::string> const& kind,
                                            std::string const& external_id, std::size_t most) {
  std::vector<NamedSource> out;
  for (auto const one : kEntrySourceKinds)
    if (!kind || *kind == one)
      tx.each_later(
          kNamed, [&](Row const& r) { out.push_back({{r.integer(0)}, r.integer(1) != 0, {r.integer(2)}}); }, community, one, external_id,
          static_cast<std::int64_t>(most));
  tx.settle();
  return out;
}

void load_reversals(sql::Tx& tx, CommunityNo community, std::vector<SourcedEntry> const& entries,
                    std::function<void(std::size_t, EntryNo)> const& on_reversal) {
  if (entries.empty()) return;
  std::vector<std::string> ids;
  ids.reserve(entries.size());
  Batch batch{kInt, kText, kInt, kInt};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto const& e = entries[i].entry;
    batch.add(static_cast<std::int64_t>(i), ids.emplace_back(e.id().to_string()), e.member, e.currency);
  }
  tx.each_batch(
      kReversals, batch,
      [&](Row const& r) {
        if (!r.is_null(1)) on_reversal(static_cast<std::size_t>(r.integer(0)), {r.integer(1)});
      },
      community);
}

}  // namespace fealty::ledger
