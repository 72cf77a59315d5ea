#include <charconv>
#include <unordered_map>

#include "access/audit.h"
#include "access/written_once.h"
#include "api/cursor.h"
#include "api/json_writer.h"
#include "base/text.h"
#include "members/entries.h"
#include "members/history_items.h"
#include "members/member_reference.h"
#include "members/time_bounds.h"
#include "members/users_filter.h"
#include "members/users_store.h"

namespace fealty::members {
namespace {

using ledger::ChangeSource;
using ledger::EntryWalk;
using ledger::SourcedEntry;
using ledger::WalkPlace;

// Entries that one answer may look at where most of them do not fit: about 50 ms. Then the page is shorter, and its cursor goes on
// from there.
constexpr std::size_t kLooksMax = 20'000;
constexpr std::size_t kStepMax = 1'000;
// Where more sources than these have the id that is asked for, entries are told by the names of their sources instead.
constexpr std::size_t kNamedSourcesMax = 1'000;

struct Wanted {
  MemberNo member = {};  // none: the whole community
  std::optional<CurrencyNo> currency = {};
  std::optional<ledger::EntryClass> entry_class = {};
  ledger::EntryBounds bounds = {};
};

// The member whose entries are asked for; none: everybody's.
Result<MemberNo> member_of(sql::Tx& tx, api::Context const& c, std::optional<std::string> const& user) {
  auto const others = may_touch_others(c.principal);
  bool const is_administrator = c.principal.kind == api::PrincipalKind::user && c.principal.role >= api::CommunityRole::administrator;
  if (!user) {
    if (others) return MemberNo{};
    if (is_administrator) return std::unexpected(others.error());
    return c.principal.account;
  }
  auto account = find_user(tx, c.community, *user);
  // Who may see his own alone learns nothing of others, not even whether they are there.
  if (!others && (!account || account->number != c.principal.account)) return std::unexpected(others.error());
  if (!account) return std::unexpected(std::move(account).error());
  return account->number;
}

// "job:row"
struct JobRow {
  std::string job;
  std::int64_t row = 0;
};
std::optional<JobRow> read_job_row(std::string const& text) {
  auto const colon = text.find(':');
  if (colon == std::string::npos || !PublicId::parse(std::string_view(text).substr(0, colon))) return std::nullopt;
  JobRow out{text.substr(0, colon), 0};
  auto const* const end = text.data() + text.size();
  auto const [at, error] = std::from_chars(text.data() + colon + 1, end, out.row);
  return error == std::errc{} && at == end && out.row > 0 ? std::optional(out) : std::nullopt;
}

// Which entries fit what is asked of their sources.
class SourceFilter {
 public:
  SourceFilter(sql::Tx& tx, CommunityNo community, std::optional<std::string> const& kind, std::optional<std::string> const& id)
      : tx_(tx), community_(community), kind_(kind), id_(id) {
    if (!id) return;
    for (auto const& s : ledger::find_named_sources(tx, community, kind, *id, kNamedSourcesMax + 1)) add(s, std::nullopt);
    if (auto const row = read_job_row(*id))
      for (std::string const job_kind : {"bulk", "revert"})
        if (!kind || *kind == job_kind)
          for (auto const& s : ledger::find_named_sources(tx, community, job_kind, row->job, kNamedSourcesMax + 1))
            if (!s.is_single) add(s, row->row);
    by_number_ = numbers_.size() <= kNamedSourcesMax;
  }

  bool is_there() const { return kind_ || id_; }
  // There is no source that is meant.
  bool nothing_fits() const { return by_number_ && numbers_.empty(); }
  // The entries that fit, where the sources name them.
  std::optional<std::vector<EntryNo>> entries() const { return by_number_ && all_single_ ? std::optional(entries_) : std::nullopt; }
  // No entry that fits has a lower number.
  std::int64_t lowest() const {
    if (!by_number_) return 0;
    std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
    for (auto const& [number, row] : numbers_) lowest = std::min(lowest, number.value);
    return NumberSource::first_at(NumberSource::time_of(lowest) - ledger::kClockSlackMs);
  }
  std::vector<bool> fits(std::vector<SourcedEntry> const& found);

 private:
  void add(ledger::NamedSource const& s, std::optional<std::int64_t> row) {
    numbers_.emplace(s.number, row);
    all_single_ = all_single_ && s.is_single;
    entries_.push_back(s.entry);
  }

  sql::Tx& tx_;
  CommunityNo community_;
  std::optional<std::string> kind_, id_;
  bool by_number_ = false, all_single_ = true;
  std::unordered_map<SourceNo, std::optional<std::int64_t>> numbers_;  // with the row that is meant
  std::vector<EntryNo> entries_;
  std::unordered_map<SourceNo, bool> known_;  // by name
};

std::vector<bool> SourceFilter::fits(std::vector<SourcedEntry> const& found) {
  std::vector<bool> out(found.size(), true);
  if (!is_there()) return out;
  if (by_number_) {
    for (std::size_t i = 0; i < found.size(); ++i) {
      auto const known = numbers_.find(found[i].source);
      out[i] = known != numbers_.end() && known->second.value_or(found[i].entry.source_row) == found[i].entry.source_row;
    }
    return out;
  }
  std::vector<SourceNo> unknown;
  for (auto const& e : found)
    if (known_.emplace(e.source, false).second) unknown.push_back(e.source);
  ledger::load_source_names(tx_, community_, unknown, [&](std::size_t i, std::string_view kind, std::string_view id) {
    known_[unknown[i]] = (!kind_ || kind == *kind_) && (!id_ || id == *id_);
  });
  for (std::size_t i = 0; i < found.size(); ++i) out[i] = known_[found[i].source];
  return out;
}

// Reads on until the page is full; whether there is more behind it.
bool collect(EntryWalk& walk, Wanted const& wanted, SourceFilter& sources, std::size_t limit, std::vector<SourcedEntry>& page) {
  while (!walk.at_end()) {
    if (walk.looks() >= kLooksMax) return true;
    // Further each time: what was looked at so far did not fill it.
    auto const found = walk.next(std::clamp(walk.looks(), limit + 1 - page.size(), std::max(kStepMax, limit + 1)));
    auto const fits = sources.fits(found);
    for (std::size_t i = 0; i < found.size(); ++i) {
      auto const& e = found[i].entry;
      if (!fits[i] || (wanted.member && e.member != wanted.member) || (wanted.currency && e.currency != *wanted.currency) ||
          (wanted.entry_class && e.entry_class != *wanted.entry_class))
        continue;
      if (page.size() == limit) {
        walk.put_back(std::span(found).subspan(i));
        return true;
      }
      page.push_back(found[i]);
    }
  }
  return false;
}

// All that the order and the content of a list depend on.
std::string question_of(CommunityNo community, MemberNo member, EntriesQuery const& q) {
  std::string text = std::to_string(community.value) + ":entries:" + std::to_string(member.value);
  for (auto const* part : {&q.currency, &q.entry_class, &q.sourceKind, &q.sourceId, &q.startDate, &q.endDate}) {
    text += '\0';
    text += part->value_or("\1");
  }
  return text;
}

api::CursorPlace cursor_of(WalkPlace const& place) {
  api::CursorPlace out{{place.high}};
  for (auto const& [currency, next] : place.chains) out.text += std::to_string(currency.value) + ":" + std::to_string(next.value) + ",";
  return out;
}
std::optional<WalkPlace> place_of(api::CursorPlace const& cursor) {
  WalkPlace out{{}, cursor.numbers.at(0)};
  char const* at = cursor.text.data();
  char const* const end = at + cursor.text.size();
  auto const take = [&](std::int64_t& number, char behind) {
    auto const [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{} || next == end || *next != behind) return false;
    at = next + 1;
    return true;
  };
  while (at != end) {
    ledger::ChainPlace place;
    if (!take(place.currency.value, ':') || !take(place.next.value, ',')) return std::nullopt;
    out.chains.push_back(place);
  }
  return out;
}

std::optional<std::string> none_if_empty(std::string text) { return text.empty() ? std::nullopt : std::optional(std::move(text)); }

EntrySource source_of(ChangeSource const& s, std::int64_t row) {
  return {s.kind, s.is_single ? s.external_id : s.external_id + ":" + std::to_string(row), s.leg, none_if_empty(s.label)};
}

std::vector<EntryOut> show_entries(sql::Tx& tx, api::Context const& c, std::vector<ledger::Currency> const& currencies,
                                   std::vector<SourcedEntry> const& entries) {
  std::vector<EntryOut> out(entries.size());
  std::vector<SourceNo> numbers;
  std::vector<MemberNo> members;
  for (auto const& e : entries) {
    numbers.push_back(e.source);
    members.push_back(e.entry.member);
  }
  PeopleShown people(tx, c.community);
  people.look_up(std::move(members));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto const& e = entries[i].entry;
    EntryOut& shown = out[i];
    shown._id = e.id().to_string();
    shown.user.id = std::to_string(e.member.value);
    if (auto const person = people.show(e.member, {})) {
      shown.user._id = person->_id;
      if (people.is_here(e.member)) shown.user.username = person->username;
    }
    auto const currency = std::ranges::find(currencies, e.currency, &ledger::Currency::number);
    if (currency != currencies.end()) shown.currency = currency->code;
    shown.entry_class = to_string(e.entry_class);
    shown.amount = e.amount;
    shown.balanceAfter = e.balance_after;
    shown.createdAt = to_iso(NumberSource::time_of(e.number.value));
  }
  bool const own = !may_touch_others(c.principal);
  ledger::load_sources(tx, c.community, numbers, [&](std::size_t i, ChangeSource s) {
    EntryOut& shown = out[i];
    if (s.kind == "revert" && s.is_single) shown.reversalOf = s.external_id;
    shown.reason = none_if_empty(s.reason);
    if (own) {
      shown.source.kind = s.kind;
      shown.actor.type = s.actor.type;
      return;
    }
    shown.source = source_of(s, entries[i].entry.source_row);
    shown.note = none_if_empty(std::move(s.note));
    shown.actor = {s.actor.type, s.actor.id, s.actor.name};
  });
  ledger::load_reversals(tx, c.community, entries, [&](std::size_t i, EntryNo by) {
    out[i].reversedBy = PublicId::of(by.value, NumberSource::time_of(by.value)).to_string();
  });
  return out;
}

}  // namespace

Result<EntryPage> EntriesService::list(api::Context const& c, EntriesQuery const& q) {
  return database_.read([&](sql::Tx& tx) -> Result<EntryPage> {
    std::vector<Issue> issues;
    auto const bounds = read_bounds(community_zone(tx, c.community), q.startDate, q.endDate, issues);
    if (!issues.empty()) return std::unexpected(api::invalid_request(std::move(issues)));
    Wanted wanted{.bounds = {bounds.low, bounds.high}};
    auto const member = member_of(tx, c, q.user_id);
    if (!member) return std::unexpected(member.error());
    wanted.member = *member;
    auto const currencies = ledger::load_currencies(tx, c.community);
    if (q.currency) {
      auto const found = std::ranges::find(currencies, *q.currency, &ledger::Currency::code);
      if (found == currencies.end())
        return fail(ledger::errors::kCurrencyNotFound, "There is no currency \"" + *q.currency + "\" in this community.");
      wanted.currency = found->number;
    }
    if (q.entry_class)
      wanted.entry_class =
          static_cast<ledger::EntryClass>(std::ranges::find(kEntryClasses, *q.entry_class) - std::begin(kEntryClasses) + 1);
    auto const question = question_of(c.community, wanted.member, q);
    std::optional<WalkPlace> from;
    if (q.cursor) {
      auto const cursor = api::read_cursor(question, 1, *q.cursor, c.now);
      if (cursor) from = place_of(*cursor);
      if (!from)
        return fail(errors::kInvalidCursor, "This cursor is older than 24 hours, or of another list. Begin again without it.",
                    {{"cursor", "invalid_cursor", "This cursor does not go on with this list."}});
    }

    EntryPage out;
    SourceFilter sources(tx, c.community, q.sourceKind, q.sourceId);
    if (sources.nothing_fits()) return out;
    wanted.bounds.low = std::max(wanted.bounds.low, sources.lowest());
    if (from) wanted.bounds.high = std::min(wanted.bounds.high, from->high);
    std::unique_ptr<EntryWalk> walk;
    if (auto listed = sources.entries())
      walk = ledger::walk_listed(tx, c.community, *std::move(listed), wanted.bounds);
    else if (wanted.member)
      walk = ledger::walk_chains(tx, c.community, wanted.member,
                                 from ? from->chains : ledger::chain_heads(tx, c.community, wanted.member, wanted.currency), wanted.bounds);
    else
      walk = ledger::walk_community(tx, c.community, wanted.bounds);
    std::vector<SourcedEntry> page;
    if (collect(*walk, wanted, sources, static_cast<std::size_t>(q.limit), page))
      out.next_cursor = api::write_cursor(question, cursor_of(walk->place()), c.now);
    out.items = show_entries(tx, c, currencies, page);
    return out;
  });
}

Result<api::Answer> EntriesService::reverse(api::Context const& c, PublicId entry, ReverseIn const& in,
                                            std::optional<access::OnceKey> const& key) {
  if (trim_space(in.note).empty()) return std::unexpected(api::invalid_request({{"/note", "required", "note must not be blank."}}));
  return access::once_as<EntryOut>(200, "Entry reversed successfully", database_, c, key, [&](sql::Tx& tx) -> Result<EntryOut> {
    auto const actor = access::actor_of(c.principal);
    auto const reversal = ledger_.reverse_in(tx, c.community, entry, actor, in.note, c.now);
    if (!reversal) return std::unexpected(reversal.error());
    auto const made = ledger::find_entry(tx, c.community, reversal->entry).value();
    auto shown = std::move(show_entries(tx, c, ledger::load_currencies(tx, c.community), {made}).front());
    api::JsonWriter w;
    w.begin_object().key("request_id").string(c.request_id).key("reason").string(in.note).key("changes").begin_array();
    w.begin_object().key("user").string(shown.user.id).key("currency").string(reversal->currency);
    w.key("before").decimal(reversal->before).key("after").decimal(reversal->after).key("entry").string(shown._id).end_object();
    w.end_array().end_object();
    access::write_audit(tx, c.community, numbers_.next(), {actor, "entry.reverse", entry.to_string(), w.take(), c.remote_address, c.now});
    return shown;
  });
}

}  // namespace fealty::members
