// Currencies, the append-only ledger and the balances that stand beside it.
//
// Promises: a balance equals the sum of its entries at every commit; entries are never updated or deleted; a balance goes
// below zero only where its currency allows it; a change whose source was seen before is not applied again.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/audit.h"
#include "base/decimal.h"
#include "base/error.h"
#include "base/id.h"
#include "base/number_source.h"
#include "sql/sql.h"

namespace fealty::ledger {

namespace errors {
inline constexpr ErrorDef kNegativeValue{"negative_value", 400};
inline constexpr ErrorDef kAmountOutOfRange{"amount_out_of_range", 400};
inline constexpr ErrorDef kInsufficientBalance{"insufficient_balance", 409};
inline constexpr ErrorDef kBalanceLimit{"balance_limit", 409};
inline constexpr ErrorDef kCurrencyDisabled{"currency_disabled", 409};
inline constexpr ErrorDef kCurrencyNotFound{"currency_not_found", 404};
inline constexpr ErrorDef kSourceReused{"source_reused", 409};
inline constexpr ErrorDef kUserNotFound{"user_not_found", 404};
inline constexpr ErrorDef kUserNotJoined{"user_not_joined", 409};
inline constexpr ErrorDef kEntryNotFound{"entry_not_found", 404};
inline constexpr ErrorDef kAlreadyReversed{"already_reversed", 409};
inline constexpr ErrorDef kIsReversal{"is_reversal", 409};
inline constexpr ErrorDef kUseRevert{"use_revert", 409};
inline constexpr ErrorDef kUseCancel{"use_cancel", 409};
}  // namespace errors

// Fixed numbers of the three currencies that every community has; further ones follow.
inline constexpr CurrencyNo kXp{1}, kCoins{2}, kPremium{3};

// Entries and sources are numbered by their nodes' clocks, which differ by less.
inline constexpr TimeMs kClockSlackMs = 60'000;

struct Currency {
  CurrencyNo number;
  std::string code;  // "xp", "coins", "premium"
  std::string name;
  std::string kind;  // "progress", "spendable", "counter"
  bool enabled = true;
  int decimals = Decimal::kPlacesMax;
  bool allow_negative = false;
};

enum class Operator : std::uint8_t { add, subtract, overwrite };
std::string_view to_string(Operator op);
// "add", "subtract", "overwrite", in lower case.
std::optional<Operator> parse_operator(std::string_view text);

// The numbers stand in storage: append, never reorder.
enum class EntryClass : std::uint8_t { earn = 1, spend = 2, refund = 3, correct = 4, expire = 5 };
std::string_view to_string(EntryClass c);
// Whether entries of this class count as earned (gamification.md §2).
bool counts_as_earned(EntryClass c);

// What is known of one balance: zero everywhere for a member who never had an entry.
struct Balance {
  Decimal amount;
  Decimal earned;  // plain sum of the classes that count; shown as max(0, earned)
  EntryNo newest;  // head of the chain
};

enum class Refusal : std::uint8_t {
  negative_value,
  amount_out_of_range,
  too_many_decimals,
  insufficient_balance,
  balance_limit,
  currency_disabled
};

// What one change does to a balance. An amount of zero writes no entry and is a success.
struct Effect {
  Decimal amount;
  Decimal balance_after;
  Decimal earned_after;
  EntryClass entry_class = EntryClass::earn;
};
// The rule for every change of a balance. Pure. `spendable` decides between spend and correct for a subtraction.
std::expected<Effect, Refusal> evaluate(Currency const& currency, Operator op, Decimal value, Balance const& before);

// The rule for taking an entry of this class and amount back. What counted as earned is taken back as `correct`, which counts
// too, and what did not as `refund` (or, of a refund, as `spend`): so earned becomes what it was. Pure.
std::expected<Effect, Refusal> evaluate_reversal(Currency const& currency, EntryClass entry_class, Decimal amount, Balance const& before);

// One entry to append. Entries of one balance must be given in their order.
struct Posting {
  EntryNo entry;
  MemberNo member;
  CurrencyNo currency;
  EntryClass entry_class;
  Operator op;
  Decimal amount, balance_after;
  EntryNo previous;
  std::int64_t source_row = 0;
};
// The state in which a change leaves one balance: exactly one for each (member, currency) that has postings.
struct NewBalance {
  MemberNo member;
  CurrencyNo currency;
  Balance balance;
  bool is_stored = false;  // there is a row for it, read under the locks of this transaction
};

// Why a series of changes happens (change_sources).
struct Source {
  std::string kind;         // "bulk", "api_key", "admin", "revert" …
  std::string external_id;  // job id, the caller's sourceId …
  std::string label = {};
  std::string reason = {};
  access::Actor actor;
  std::string note = {};
  // Of a single change of values: how many items of history name it. It goes when the last of them does.
  std::optional<std::int64_t> history_items = {};
};

std::vector<Currency> load_currencies(sql::Tx& tx, CommunityNo community);
// XP, Coins and Premium Currency of a new community.
void create_default_currencies(sql::Tx& tx, CommunityNo community);

struct MemberBalance {
  MemberNo member;
  CurrencyNo currency;
  Balance balance;
};
// Whether so many of the members between the first and the last are meant that going through all of them is faster than
// looking each one up. `members` is sorted.
inline bool is_dense(std::vector<MemberNo> const& members) {
  constexpr std::int64_t kSparsest = 4, kFewest = 64;
  auto const count = static_cast<std::int64_t>(members.size());
  return count >= kFewest && members.back().value - members.front().value < count * kSparsest;
}
// Whether a member who is read from such a range is one of those who are meant. Asked in the order of the members.
class MeantMembers {
 public:
  explicit MeantMembers(std::vector<MemberNo> const& members) : next_(members.begin()), end_(members.end()) {}
  bool contain(MemberNo member) {
    while (next_ != end_ && *next_ < member) ++next_;
    return next_ != end_ && *next_ == member;
  }

 private:
  std::vector<MemberNo>::const_iterator next_, end_;
};
// Locks have two grains. Who changes some members shares the ranges that they stand in, and locks the members' rows; who
// changes most members of a stretch takes its ranges whole and no rows, since locking a row costs PostgreSQL as much as
// changing it. Ranges come before rows and in the order of their numbers, so two writers never wait for each other in a ring.
// Nothing on SQLite, which has one writer. May wait for tx.settle(): only what is read behind it is protected by it.
enum class RangeLock : std::uint8_t { shared, whole };
// The grain for these members, sorted: whole where they are dense.
inline RangeLock grain_of(std::vector<MemberNo> const& members) { return is_dense(members) ? RangeLock::whole : RangeLock::shared; }
// `members` is sorted. RangeLock::whole covers everyone from the first to the last.
void lock_ranges_later(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, RangeLock how);
// Every range of the community, whole: whoever changes members has committed, and nobody begins until this transaction ends.
void lock_everybody(sql::Tx& tx, CommunityNo community);
// Balances of the given members (sorted), in the order of the members. The caller holds the members' locks if it means to change them.
void load_balances(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, std::vector<MemberBalance>& out);
struct MemberAmount {
  MemberNo member;
  CurrencyNo currency;
  Decimal amount;
};
// What is shown of them: the same members in the same order, the amounts alone.
void load_amounts(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members, std::vector<MemberAmount>& out);
// Appends entries and sets balances in the caller's transaction, which must hold the members' locks.
void post(sql::Tx& tx, CommunityNo community, SourceNo source, std::vector<Posting> const& postings,
          std::vector<NewBalance> const& balances);
// `leg` tells sources of one kind and external id apart.
SourceNo create_source(sql::Tx& tx, CommunityNo community, SourceNo number, Source const& source, TimeMs now, std::string_view leg = "");

struct Change {
  MemberNo member;       // none: nobody was found, and the change is refused as user_not_found
  std::string currency;  // code
  Operator op = Operator::add;
  Decimal value;
  Source source;
  std::string leg;
  std::string note;
  bool is_new_source = false;  // nobody can have used the source before: it is not looked up
};
struct ChangeResult {
  std::optional<PublicId> entry;  // none when nothing changed
  Decimal balance;
  bool duplicate = false;  // the source was applied before; nothing happened now

  EntryClass entry_class = EntryClass::earn;  // of the entry
  Decimal amount;
  // What the one who came first wrote down beside it, when this is a duplicate.
  struct First {
    std::string reason, note;
    access::Actor actor;
  };
  std::optional<First> first = {};
};

// An entry that took another one back.
struct Reversal {
  EntryNo entry;
  MemberNo member;
  std::string currency;  // code
  Decimal before, after;
};

// Changes that happen together or not at all: those of one request, of one event.
using ChangeSet = std::span<Change const>;
struct ChangeProblem {
  std::size_t change = 0;  // index in the set
  Error error;
};
struct SetOutcome {
  enum class State : std::uint8_t { applied, refused, busy };
  State state = State::applied;
  std::vector<ChangeResult> results = {};    // applied: one for each change
  std::vector<ChangeProblem> problems = {};  // refused: all of them
};
// What is done about members whom another transaction has locked: waiting for them, or leaving the sets that name them alone
// (busy; a set that names nobody's member is busy too, since the two look alike).
enum class Locked : std::uint8_t { wait, skip };

// Any thread.
class LedgerService {
 public:
  LedgerService(sql::Database& database, NumberSource& numbers) : database_(database), numbers_(numbers) {}

  // One change of one balance, durable when it returns. Idempotent for ever by (community, kind, external id, leg, member,
  // currency): repeated with the same operator and value it answers the first entry, with others 409 source_reused.
  Result<ChangeResult> change(CommunityNo community, Change const& change, TimeMs now);
  Result<ChangeResult> change_in(sql::Tx& tx, CommunityNo community, Change const& change, TimeMs now);
  // Many sets at the price of few statements. Each is applied whole, in the order given, as if it were alone: a refused set
  // leaves no trace, and the sets after it never see what it tried. Locks all members in the order of their numbers.
  std::vector<SetOutcome> apply_in(sql::Tx& tx, CommunityNo community, std::span<ChangeSet const> sets, TimeMs now,
                                   Locked locked = Locked::wait);
  // Takes one entry back by another one (evaluate_reversal), once for ever. Entries of jobs are taken back with their jobs alone, or
  // they would be taken back twice; those of purchases and spins by their own operations; a reversal stays.
  Result<Reversal> reverse_in(sql::Tx& tx, CommunityNo community, PublicId entry, access::Actor const& actor, std::string const& note,
                              TimeMs now);

 private:
  sql::Database& database_;
  NumberSource& numbers_;
};

// One entry as it is read back.
struct Entry {
  EntryNo number;
  MemberNo member;
  CurrencyNo currency;
  EntryClass entry_class;
  Operator op;
  Decimal amount, balance_after;
  std::int64_t source_row = 0;
  PublicId id() const { return PublicId::of(number.value, NumberSource::time_of(number.value)); }
};
// Where the entries of one row of a source lie, both ends included; others may lie there, too.
struct EntryRange {
  std::int64_t row = 0;
  EntryNo first, last;
};
// Entries of one source in these ranges, by number.
std::vector<Entry> read_entries(sql::Tx& tx, CommunityNo community, SourceNo source, std::span<EntryRange const> ranges);
// All entries of one source in these ranges, whatever their rows, by number.
std::vector<Entry> read_entries_between(sql::Tx& tx, CommunityNo community, SourceNo source,
                                        std::span<std::pair<EntryNo, EntryNo> const> ranges);
// Calls with the row of every entry of one source in [first, last]; a row may come several times.
void entry_rows(sql::Tx& tx, CommunityNo community, SourceNo source, EntryNo first, EntryNo last,
                std::function<void(std::int64_t row)> const& on_row);

// A balance that does not equal its entries.
struct Mismatch {
  CommunityNo community;
  MemberNo member;
  CurrencyNo currency;
  std::string what;
};
// Compares every balance with the sums of its entries, and walks its chain: each entry is followed by one other or is the
// newest, and begins where the one before it ended. Finds entries without a balance too. Of one community, or of all (none
// given) in the same passes over the tables. At most `most` findings, one a balance.
std::vector<Mismatch> audit_balances(sql::Tx& tx, CommunityNo community, std::size_t most);

}  // namespace fealty::ledger
