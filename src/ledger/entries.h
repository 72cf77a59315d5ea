// Reading entries back: along the chains of one member, newest first through a community, or those of few sources.
#pragma once
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/ledger.h"

namespace fealty::ledger {

struct SourcedEntry {
  Entry entry;
  EntryNo previous;
  SourceNo source;
};
// Numbers of entries, both ends included.
struct EntryBounds {
  std::int64_t low = 0, high = std::numeric_limits<std::int64_t>::max();
};
// Where the walk along the chain of one balance goes on.
struct ChainPlace {
  CurrencyNo currency;
  EntryNo next;
};
// Where a walk goes on. Of a member: the places of his chains, none where he has no more. Of a community: all entries up to a number.
struct WalkPlace {
  std::vector<ChainPlace> chains = {};
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
};

// Entries from the newest to the oldest, some at a time, at a cost that does not depend on how many lie before them.
class EntryWalk {
 public:
  virtual ~EntryWalk() = default;
  // Up to so many further entries. Fewer, or none, do not mean that it is at_end().
  virtual std::vector<SourcedEntry> next(std::size_t most) = 0;
  virtual bool at_end() const = 0;
  // The last ones that next() gave, in their order: they come again.
  virtual void put_back(std::span<SourcedEntry const> entries) = 0;
  virtual WalkPlace place() const = 0;
  // What the walk has cost so far, in rows of the ledger.
  std::size_t looks() const { return looks_; }

 protected:
  std::size_t looks_ = 0;
};

// The heads of a member's chains, of all currencies or of one.
std::vector<ChainPlace> chain_heads(sql::Tx& tx, CommunityNo community, MemberNo member, std::optional<CurrencyNo> currency);
// From these places on, the currencies merged by number. Places that are not this member's are taken for ends.
std::unique_ptr<EntryWalk> walk_chains(sql::Tx& tx, CommunityNo community, MemberNo member, std::vector<ChainPlace> const& from,
                                       EntryBounds bounds);
std::unique_ptr<EntryWalk> walk_community(sql::Tx& tx, CommunityNo community, EntryBounds bounds);
// Of these entries, of which none has to be there.
std::unique_ptr<EntryWalk> walk_listed(sql::Tx& tx, CommunityNo community, std::vector<EntryNo> entries, EntryBounds bounds);

std::optional<SourcedEntry> find_entry(sql::Tx& tx, CommunityNo community, EntryNo number);

// ---- Why entries and items of history came to be

struct ChangeSource {
  std::string kind, external_id, leg, label, reason, note;
  access::Actor actor;
  bool is_single = false;  // of one change of one balance; otherwise of a job, or of values
};
// Calls with the index of each number whose source is there.
void load_sources(sql::Tx& tx, CommunityNo community, std::vector<SourceNo> const& numbers,
                  std::function<void(std::size_t, ChangeSource)> const& on_source);
// The same without what only people read.
void load_source_names(sql::Tx& tx, CommunityNo community, std::vector<SourceNo> const& numbers,
                       std::function<void(std::size_t, std::string_view kind, std::string_view external_id)> const& on_source);

// Kinds of sources that entries have (gamification.md §2).
inline constexpr std::string_view kEntrySourceKinds[] = {"action", "bulk",      "purchase", "refund",  "badge",       "streak",
                                                         "wheel",  "milestone", "referral", "webhook", "api_key",     "admin",
                                                         "quest",  "convert",   "revert",   "expiry",  "badge_revoke"};
struct NamedSource {
  SourceNo number;
  bool is_single = false;
  EntryNo entry;  // of a single one; none: it changed nothing
};
// The sources that have this external id, of one kind or of all kinds that entries have; no more than `most` of a kind.
std::vector<NamedSource> find_named_sources(sql::Tx& tx, CommunityNo community, std::optional<std::string> const& kind,
                                            std::string const& external_id, std::size_t most);

// For each of these entries that was taken back by itself, the entry that did it. Those of jobs are taken back with their jobs.
void load_reversals(sql::Tx& tx, CommunityNo community, std::vector<SourcedEntry> const& entries,
                    std::function<void(std::size_t, EntryNo)> const& on_reversal);

}  // namespace fealty::ledger
