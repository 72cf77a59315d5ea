#include "members/history_store.h"

namespace fealty::members {
namespace {

using sql::Batch;
using sql::Row;
using sql::Statement;
constexpr auto kInt = Batch::Type::integer;

Statement const kAppendFieldSpans{sql::Append{}, "history_spans.append_fields",
                                  "INSERT INTO history_spans_of_fields (community_id, field_id, last_id, first_id, items) "
                                  "SELECT $1, r.o, r.l, r.f, r.n FROM {rows r: o int, l int, f int, n int}"};
Statement const kAppendMemberSpans{sql::Append{}, "history_spans.append_members",
                                   "INSERT INTO history_spans_of_members (community_id, member_id, last_id, first_id, items) "
                                   "SELECT $1, r.o, r.l, r.f, r.n FROM {rows r: o int, l int, f int, n int}"};

// Spans that meet [$3, $4], by their ends. No span is wider than $5, so that those that reach over $4 end before $4 + $5.
struct SpanStatements {
  Statement newest, oldest, over;
};
#define SPANS(table, owner)                                                                                                  \
  {"history_spans.newest_of_" owner,                                                                                         \
   "SELECT last_id, first_id FROM " table " WHERE community_id = $1 AND " owner                                              \
   "_id = $2 AND last_id >= $3 "                                                                                             \
   "AND last_id <= CAST($4 AS {int}) + CAST($5 AS {int}) AND first_id <= $4 ORDER BY last_id DESC LIMIT $6"},                \
      {"history_spans.oldest_of_" owner,                                                                                     \
       "SELECT last_id, first_id FROM " table " WHERE community_id = $1 AND " owner                                          \
       "_id = $2 AND last_id >= $3 "                                                                                         \
       "AND last_id <= CAST($4 AS {int}) + CAST($5 AS {int}) AND first_id <= $4 ORDER BY last_id LIMIT $6"},                 \
      {"history_spans.over_of_" owner, "SELECT last_id, first_id FROM " table " WHERE community_id = $1 AND " owner          \
                                       "_id = $2 AND last_id > $3 AND last_id <= CAST($3 AS {int}) + CAST($4 AS {int}) AND " \
                                       "first_id <= $3 ORDER BY last_id"}
SpanStatements const kOfFields{SPANS("history_spans_of_fields", "field")};
SpanStatements const kOfMembers{SPANS("history_spans_of_members", "member")};
#undef SPANS

#define COLUMNS(h)                                                                                                            \
  h ".history_id, " h ".member_id, " h ".field_id, " h ".operator, " h ".operand, " h ".before_number, " h ".before_text, " h \
    ".after_number, " h ".after_text, " h ".source_row, " h ".previous_id, " h ".source_id"
#define IN_SCOPE "(CAST($2 AS {int}) = 0 OR h.member_id = $2) AND (CAST($3 AS {int}) = 0 OR h.field_id = $3)"
// PostgreSQL's texts of these differ, here and below: a lateral subquery that cannot be pulled up is a look-up by key for each row.
// As a join it is planned by what it guesses, and reads the whole table.
#define IN_RANGES "WHERE h.community_id = $1 AND h.history_id BETWEEN r.f AND r.l AND " IN_SCOPE
Statement const kInRanges{"history.in_ranges", "SELECT " COLUMNS("h") " FROM {rows r: f int, l int} CROSS JOIN field_history h " IN_RANGES,
                          "SELECT " COLUMNS("l") " FROM {rows r: f int, l int} CROSS JOIN LATERAL (SELECT " COLUMNS(
                              "h") " FROM field_history h " IN_RANGES " OFFSET 0) l"};
#undef IN_RANGES
Statement const kNewestBetween{"history.newest_between",
                               "SELECT " COLUMNS("h") " FROM field_history h WHERE h.community_id = $1 AND h.history_id BETWEEN $4 AND $5 "
                                                      "AND " IN_SCOPE " ORDER BY h.history_id DESC LIMIT $6"};
Statement const kOldestBetween{"history.oldest_between",
                               "SELECT " COLUMNS("h") " FROM field_history h WHERE h.community_id = $1 AND h.history_id BETWEEN $4 AND $5 "
                                                      "AND " IN_SCOPE " ORDER BY h.history_id LIMIT $6"};
#undef IN_SCOPE
Statement const kItem{"history.item", "SELECT " COLUMNS("h") " FROM field_history h WHERE h.community_id = $1 AND h.history_id = $2"};
// From an item along its chain, so many steps.
#define CHAIN(link) \
  "WITH RECURSIVE chain (history_id, member_id, field_id, operator, operand, before_number, before_text, after_number, "       \
  "after_text, source_row, previous_id, source_id, steps) AS (SELECT " COLUMNS("h") ", CAST($3 AS {int}) FROM field_history h " \
  "WHERE h.community_id = $1 AND h.history_id = $2 UNION ALL " link ") SELECT " COLUMNS("c") " FROM chain c"
Statement const kChain{
    "history.chain",
    CHAIN("SELECT " COLUMNS("h") ", c.steps - 1 FROM chain c CROSS JOIN field_history h WHERE c.steps > 1 AND h.community_id = $1 "
                                 "AND h.history_id = c.previous_id"),
    CHAIN("SELECT " COLUMNS("l") ", c.steps - 1 FROM chain c CROSS JOIN LATERAL (SELECT " COLUMNS(
        "h") " FROM field_history h "
             "WHERE h.community_id = $1 AND h.history_id = c.previous_id OFFSET 0) l WHERE c.steps > 1")};
#undef CHAIN
#undef COLUMNS
Statement const kHead{"history.head", "SELECT history_id FROM field_values WHERE community_id = $1 AND member_id = $2 AND field_id = $3"};

// What was counted before, and the spans since.
Statement const kTotal{
    "history.total",
    "SELECT coalesce((SELECT t.items FROM history_totals t WHERE t.community_id = $1 AND t.field_id = $2), 0) + "
    "coalesce((SELECT CAST(sum(s.items) AS BIGINT) FROM history_spans_of_fields s WHERE s.community_id = $1 AND s.field_id = $2 "
    "AND s.last_id > coalesce((SELECT t.through_id FROM history_totals t WHERE t.community_id = $1 AND t.field_id = $2), 0)), 0)"};
Statement const kWithin{"history.within",
                        "SELECT coalesce(CAST(sum(items) AS BIGINT), 0) FROM history_spans_of_fields WHERE community_id = $1 "
                        "AND field_id = $2 AND last_id BETWEEN $3 AND $4 AND first_id >= $3"};
// How far the spans reach that lie across a number, with it on their right side or on their left.
Statement const kReachUp{"history.reach_up",
                         "SELECT max(last_id) FROM history_spans_of_fields WHERE community_id = $1 AND field_id = $2 AND last_id >= $3 "
                         "AND last_id <= CAST($3 AS {int}) + CAST($4 AS {int}) AND first_id < $3"};
Statement const kReachDown{"history.reach_down",
                           "SELECT min(first_id) FROM history_spans_of_fields WHERE community_id = $1 AND field_id = $2 AND last_id > $3 "
                           "AND last_id <= CAST($3 AS {int}) + CAST($4 AS {int}) AND first_id <= $3"};
Statement const kCountBetween{"history.count_between",
                              "SELECT count(*) FROM field_history WHERE community_id = $1 AND history_id BETWEEN $3 AND $4 "
                              "AND (CAST($2 AS {int}) = 0 OR field_id = $2)"};
Statement const kDeletedFields{"history.deleted_fields", "SELECT field_id FROM fields WHERE community_id = $1 AND deleted_at IS NOT NULL"};
// Items of the member in a span, between two numbers, of one field or of all that are not deleted. Scalar subqueries are look-ups on
// both engines; the sign keeps SQLite from going along $3 and $4 instead of the span.
#define IN_SPAN(member)                                                                                                         \
  "(SELECT count(*) FROM field_history h WHERE h.community_id = $1 AND h.history_id BETWEEN s.first_id AND s.last_id "          \
  "AND h.member_id = " member                                                                                                   \
  " AND +h.history_id BETWEEN $3 AND $4 AND (h.field_id = $2 OR (CAST($2 AS {int}) = 0 AND NOT EXISTS (SELECT 1 FROM fields f " \
  "WHERE f.community_id = $1 AND f.field_id = h.field_id AND f.deleted_at IS NOT NULL))))"
// People whose items are not shown: those who are deleted and not erased yet, and those whose membership was taken back. The sign
// keeps SQLite from the memberships' key, by which it would go through everybody.
Statement const kHidden{
    "history.hidden",
    "SELECT coalesce(CAST(sum((SELECT coalesce(sum(" IN_SPAN("d.member_id") "), 0) FROM history_spans_of_members s "
    "WHERE s.community_id = $1 AND s.member_id = d.member_id AND s.last_id >= $3)) AS BIGINT), 0) FROM ("
    "SELECT m.member_id FROM memberships m WHERE m.deleted_at IS NOT NULL AND m.erased_at IS NULL "
    "AND m.state = 4 AND +m.community_id = $1 UNION ALL SELECT l.member_id FROM history_leftovers l WHERE l.community_id = $1 "
    "AND NOT EXISTS (SELECT 1 FROM memberships n WHERE n.community_id = $1 AND n.member_id = l.member_id)) d"};
Statement const kOfMember{"history.count_of_member",
                          "SELECT coalesce(CAST(sum(" IN_SPAN("$5") ") AS BIGINT), 0) FROM history_spans_of_members s "
                                                                    "WHERE s.community_id = $1 AND s.member_id = $5 AND s.last_id >= $3"};
#undef IN_SPAN
Statement const kOfValue{
    "history.count_of_value",
    "WITH RECURSIVE chain (item, previous) AS (SELECT h.history_id, h.previous_id FROM field_values v CROSS JOIN field_history h "
    "WHERE v.community_id = $1 AND v.member_id = $2 AND v.field_id = $3 AND h.community_id = $1 AND h.history_id = v.history_id "
    "UNION ALL SELECT c.previous, (SELECT h.previous_id FROM field_history h WHERE h.community_id = $1 AND h.history_id = c.previous) "
    "FROM chain c WHERE c.previous >= $4 AND c.previous > 0) SELECT count(*) FROM chain WHERE item BETWEEN $4 AND $5 "
    "AND previous IS NOT NULL"};
#define BY_KEY(columns, lateral, table, where)                                                                                 \
  "SELECT r.k, " columns " FROM {rows r: k int, n int} CROSS JOIN " table " WHERE " where,                                     \
      "SELECT r.k, " lateral " FROM {rows r: k int, n int} CROSS JOIN LATERAL (SELECT " columns " FROM " table " WHERE " where \
      " OFFSET 0) l"
Statement const kShown{"history.members", BY_KEY("m.state, m.display_name, m.avatar", "l.state, l.display_name, l.avatar", "memberships m",
                                                 "m.community_id = $1 AND m.member_id = r.n")};
#undef BY_KEY

SourcedItem read_sourced(Row const& r) {
  SourcedItem out;
  auto& i = out.item;
  i.number = {r.integer(0)};
  i.member = {r.integer(1)};
  i.field = {r.integer(2)};
  i.op = static_cast<ledger::Operator>(r.integer(3));
  i.operand = r.optional_integer(4);
  i.before_number = r.optional_integer(5);
  i.before_text = r.optional_string(6);
  i.after_number = r.optional_integer(7);
  i.after_text = r.optional_string(8);
  i.source_row = r.integer(9);
  i.previous = {r.integer(10)};
  out.source = {r.integer(11)};
  return out;
}

template <class Spans>
Batch batch_of(Spans const& spans) {
  Batch batch{kInt, kInt, kInt, kInt};
  batch.reserve(spans.size());
  for (auto const& s : spans) batch.add(s.owner, s.span.last, s.span.first, s.span.items);
  return batch;
}

// Spans that are looked at in one go. Most single changes are spans of one item: as many as a page has, and some.
constexpr std::int64_t kSpansAtOnce = 150;
// Ranges so narrow are read whole, many in one statement; wider ones one by one and as far as they are needed.
constexpr std::int64_t kNarrow = 64;

}  // namespace

void append_spans(sql::Tx& tx, CommunityNo community, FieldSpans const& fields, MemberSpans const& members) {
  if (!fields.empty()) tx.exec_batch_later(kAppendFieldSpans, batch_of(fields), community);
  if (!members.empty()) tx.exec_batch_later(kAppendMemberSpans, batch_of(members), community);
}

HistoryWalk::HistoryWalk(sql::Tx& tx, HistoryScope const& scope, HistoryBounds bounds, HistoryOrder order,
                         std::optional<std::int64_t> after)
    : tx_(tx), scope_(scope), low_(bounds.low), high_(bounds.high), order_(order) {
  // The sum of a number and a span's width must stay inside 64 bits.
  high_ = std::min(high_, std::numeric_limits<std::int64_t>::max() - kSpanNumbersMax);
  by_chain_ = scope.member && scope.field && is_newest_first() && bounds.high == HistoryBounds().high;
  if (by_chain_) {
    if (after) {
      auto const item = find_item(tx, scope.community, {*after});
      link_ = item ? item->item.previous.value : 0;
    } else {
      link_ = tx.one(kHead, [](Row const& r) { return r.integer(0); }, scope.community, scope.member, scope.field).value_or(0);
    }
    return;
  }
  if (after && is_newest_first()) high_ = std::min(high_, *after - 1);
  if (after && !is_newest_first()) low_ = std::max(low_, *after + 1);
}

std::vector<SourcedItem> HistoryWalk::next(std::size_t most) {
  std::vector<SourcedItem> out;
  if (by_chain_) {
    follow_chain(most, out);
    return out;
  }
  while (out.size() < most) {
    while (!waiting_.empty() && out.size() < most) {
      out.push_back(std::move(waiting_.back()));
      waiting_.pop_back();
    }
    if (out.size() == most) break;
    if (ranges_.empty()) {
      if (all_spans_) break;
      load_spans();
      continue;
    }
    if (ranges_.back().last - ranges_.back().first < kNarrow)
      read_narrow(most - out.size());
    else
      read_wide(most - out.size());
  }
  return out;
}

void HistoryWalk::follow_chain(std::size_t most, std::vector<SourcedItem>& out) {
  if (link_ == 0 || most == 0) return;
  tx_.each(kChain, [&](Row const& r) { out.push_back(read_sourced(r)); }, scope_.community, link_, static_cast<std::int64_t>(most));
  std::sort(out.begin(), out.end(), [](auto const& a, auto const& b) { return a.item.number > b.item.number; });
  link_ = out.size() < most ? 0 : out.back().item.previous.value;
  auto const below = std::find_if(out.begin(), out.end(), [&](auto const& i) { return i.item.number.value < low_; });
  if (below != out.end()) link_ = 0;
  out.erase(below, out.end());
}

// The next ranges, disjoint and in the walk's order, and what they leave uncovered.
void HistoryWalk::load_spans() {
  if (low_ > high_) {
    all_spans_ = true;
    return;
  }
  auto const& statements = scope_.member ? kOfMembers : kOfFields;
  std::int64_t const owner = scope_.member ? scope_.member.value : scope_.field.value;
  std::vector<HistorySpan> spans;
  auto const keep = [&](Row const& r) { spans.push_back({r.integer(1), r.integer(0), 0}); };
  auto const read = tx_.each(is_newest_first() ? statements.newest : statements.oldest, keep, scope_.community, owner, low_, high_,
                             kSpanNumbersMax, kSpansAtOnce);
  all_spans_ = read < kSpansAtOnce;
  // From the other end, spans that end later may begin before the last one ends.
  if (!is_newest_first() && !all_spans_) tx_.each(statements.over, keep, scope_.community, owner, spans.back().last, kSpanNumbersMax);
  std::sort(spans.begin(), spans.end(), [](auto const& a, auto const& b) { return a.first < b.first; });
  std::vector<HistorySpan> merged;
  for (auto const& s : spans) {
    auto const first = std::max(s.first, low_), last = std::min(s.last, high_);
    if (first > last) continue;
    if (!merged.empty() && first <= merged.back().last)
      merged.back().last = std::max(merged.back().last, last);
    else
      merged.push_back({first, last, 0});
  }
  if (merged.empty()) {
    all_spans_ = true;
    return;
  }
  if (is_newest_first()) {
    high_ = merged.front().first - 1;
  } else {
    low_ = merged.back().last + 1;
    std::reverse(merged.begin(), merged.end());
  }
  ranges_ = std::move(merged);
}

void HistoryWalk::read_narrow(std::size_t wanted) {
  Batch batch{kInt, kInt};
  while (!ranges_.empty() && batch.rows() < wanted && ranges_.back().last - ranges_.back().first < kNarrow) {
    batch.add(ranges_.back().first, ranges_.back().last);
    ranges_.pop_back();
  }
  tx_.each_batch(
      kInRanges, batch, [&](Row const& r) { waiting_.push_back(read_sourced(r)); }, scope_.community, scope_.member, scope_.field);
  std::sort(waiting_.begin(), waiting_.end(), [&](auto const& a, auto const& b) {
    return is_newest_first() ? a.item.number < b.item.number : b.item.number < a.item.number;
  });
}

void HistoryWalk::read_wide(std::size_t wanted) {
  auto& range = ranges_.back();
  tx_.each(
      is_newest_first() ? kNewestBetween : kOldestBetween, [&](Row const& r) { waiting_.push_back(read_sourced(r)); }, scope_.community,
      scope_.member, scope_.field, range.first, range.last, static_cast<std::int64_t>(wanted));
  if (waiting_.size() < wanted) {
    ranges_.pop_back();
  } else if (is_newest_first()) {
    range.last = waiting_.back().item.number.value - 1;
  } else {
    range.first = waiting_.back().item.number.value + 1;
  }
  if (!ranges_.empty() && ranges_.back().first > ranges_.back().last) ranges_.pop_back();
  std::reverse(waiting_.begin(), waiting_.end());
}

std::optional<SourcedItem> find_item(sql::Tx& tx, CommunityNo community, HistoryNo number) {
  return tx.one(kItem, [](Row const& r) { return read_sourced(r); }, community, number);
}

namespace {

// Of one field, or of all (0), whoever has them.
std::int64_t count_of(sql::Tx& tx, CommunityNo community, FieldNo field, HistoryBounds const& bounds) {
  auto const number = [](Row const& r) { return r.integer(0); };
  constexpr auto kHighest = std::numeric_limits<std::int64_t>::max() - kSpanNumbersMax;
  std::int64_t const high = std::min(bounds.high, kHighest);
  if (bounds.low <= 0 && high == kHighest) return tx.one(kTotal, number, community, field).value();
  auto const read = [&](std::int64_t first, std::int64_t last) {
    return first > last ? 0 : tx.one(kCountBetween, number, community, field, first, last).value();
  };
  // Between two numbers that no span lies across, the spans say it; beside them the items are counted.
  std::int64_t first = bounds.low, last = high;
  auto const reach = [&](Statement const& statement, std::int64_t from) {
    return tx.one(statement, [](Row const& r) { return r.optional_integer(0); }, community, field, from, kSpanNumbersMax).value();
  };
  while (auto const end = reach(kReachUp, first)) first = *end + 1;
  if (first > last) return read(bounds.low, high);
  while (auto const begin = reach(kReachDown, last)) last = *begin - 1;
  if (first > last) return read(bounds.low, high);
  return read(bounds.low, first - 1) + tx.one(kWithin, number, community, field, first, last).value() + read(last + 1, high);
}

}  // namespace

std::int64_t count_items(sql::Tx& tx, CommunityNo community, FieldNo field, HistoryBounds bounds) {
  std::int64_t count = count_of(tx, community, field, bounds);
  if (!field) {
    std::vector<FieldNo> deleted;
    tx.each(kDeletedFields, [&](Row const& r) { deleted.push_back({r.integer(0)}); }, community);
    for (auto const one : deleted) count -= count_of(tx, community, one, bounds);
  }
  auto const hidden = tx.one(kHidden, [](Row const& r) { return r.integer(0); }, community, field, bounds.low, bounds.high).value();
  return std::max<std::int64_t>(count - hidden, 0);
}

std::int64_t count_items_of_member(sql::Tx& tx, CommunityNo community, MemberNo member, HistoryBounds bounds) {
  return tx.one(kOfMember, [](Row const& r) { return r.integer(0); }, community, 0, bounds.low, bounds.high, member).value();
}

std::int64_t count_items_of_value(sql::Tx& tx, CommunityNo community, MemberNo member, FieldNo field, HistoryBounds bounds) {
  return tx.one(kOfValue, [](Row const& r) { return r.integer(0); }, community, member, field, bounds.low, bounds.high).value();
}

void load_shown_memberships(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members,
                            std::function<void(std::size_t, ShownMembership)> const& on_found) {
  if (members.empty()) return;
  Batch batch{kInt, kInt};
  for (std::size_t i = 0; i < members.size(); ++i) batch.add(static_cast<std::int64_t>(i), members[i]);
  tx.each_batch(
      kShown, batch,
      [&](Row const& r) {
        on_found(static_cast<std::size_t>(r.integer(0)),
                 {static_cast<MembershipState>(r.integer(1)), r.optional_string(2), r.optional_string(3)});
      },
      community);
}

}  // namespace fealty::members
