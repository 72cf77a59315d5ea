// SQL and row mapping of reading histories: spans, items, chains, counts. No rules about who sees what.
#pragma once
#include <limits>

#include "ledger/entries.h"
#include "members/history_spans.h"
#include "members/member_store.h"

namespace fealty::members {

using FieldSpans = std::vector<SpansOf<FieldNo>::Owned>;
using MemberSpans = std::vector<SpansOf<MemberNo>::Owned>;
// Of one write. The spans of the whole community stand under field 0.
void append_spans(sql::Tx& tx, CommunityNo community, FieldSpans const& fields, MemberSpans const& members);

// Whose items: of a member, of a field, of both, or of the whole community.
struct HistoryScope {
  CommunityNo community;
  MemberNo member = {};
  FieldNo field = {};
};
enum class HistoryOrder : std::uint8_t { newest_first, oldest_first };
// Both ends included.
struct HistoryBounds {
  std::int64_t low = 0, high = std::numeric_limits<std::int64_t>::max();
};
struct SourcedItem {
  HistoryItem item;
  SourceNo source;
};

// Reads the items of a scope in their order, some at a time, at a cost that does not depend on how many lie before them. It goes
// along the spans; who asks for the newest items of one value goes along its chain.
class HistoryWalk {
 public:
  // `after`: the item behind which it goes on, which may be gone meanwhile.
  HistoryWalk(sql::Tx& tx, HistoryScope const& scope, HistoryBounds bounds, HistoryOrder order, std::optional<std::int64_t> after = {});
  // Up to so many further items; fewer only when there are no more.
  std::vector<SourcedItem> next(std::size_t most);

 private:
  void load_spans();
  void read_narrow(std::size_t wanted);
  void read_wide(std::size_t wanted);
  void follow_chain(std::size_t most, std::vector<SourcedItem>& out);
  bool is_newest_first() const { return order_ == HistoryOrder::newest_first; }

  sql::Tx& tx_;
  HistoryScope scope_;
  std::int64_t low_, high_;  // what is not covered yet
  HistoryOrder order_;
  bool by_chain_ = false;
  std::int64_t link_ = 0;             // by chain: the next item; 0 at its end
  bool all_spans_ = false;            // there are none behind `ranges_`
  std::vector<HistorySpan> ranges_;   // disjoint; the next one is the last
  std::vector<SourcedItem> waiting_;  // read already; the next one is the last
};

std::optional<SourcedItem> find_item(sql::Tx& tx, CommunityNo community, HistoryNo number);

// ---- Counts: of living members and fields alone

// All items of the community (no field), or of one living field.
std::int64_t count_items(sql::Tx& tx, CommunityNo community, FieldNo field, HistoryBounds bounds);
std::int64_t count_items_of_member(sql::Tx& tx, CommunityNo community, MemberNo member, HistoryBounds bounds);
std::int64_t count_items_of_value(sql::Tx& tx, CommunityNo community, MemberNo member, FieldNo field, HistoryBounds bounds);

// ---- What stands beside items

using ledger::ChangeSource;
using ledger::load_sources;

struct ShownMembership {
  MembershipState state = MembershipState::active;
  std::optional<std::string> display_name, avatar;
};
void load_shown_memberships(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members,
                            std::function<void(std::size_t, ShownMembership)> const& on_found);

}  // namespace fealty::members
