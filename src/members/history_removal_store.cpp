#include "members/history_removal_store.h"

#include <map>
#include <set>

namespace fealty::members {
namespace {

using sql::Batch;
using sql::Row;
using sql::Statement;
constexpr auto kInt = Batch::Type::integer;

Statement const kLockCommunity{"history.lock_community", "SELECT c.community_id FROM communities c WHERE c.community_id = $1 {lock c}"};
// Look-ups for each row, on both engines (history_store.cpp says why).
Statement const kThere{"history.there",
                       "SELECT r.k FROM {rows r: k int, n int} WHERE EXISTS (SELECT 1 FROM field_history h WHERE h.community_id = $1 "
                       "AND h.history_id = r.n)",
                       "SELECT r.k FROM {rows r: k int, n int} CROSS JOIN LATERAL (SELECT 1 FROM field_history h "
                       "WHERE h.community_id = $1 AND h.history_id = r.n OFFSET 0) l"};
Statement const kRemove{"history.remove",
                        "DELETE FROM field_history WHERE community_id = $1 AND history_id IN (SELECT r.n FROM {rows r: n int})"};
// The span that an item is in: the first that ends behind it, where spans of two writers overlap.
struct SpanStatements {
  Statement find, take, empty, recount, remove;
};
#define TAKE(table, owner, from, end)                                                                                            \
  "INSERT INTO " table " (community_id, " owner "_id, last_id, first_id, items) SELECT " from "s.community_id = $1 AND s." owner \
  "_id = r.o AND s.last_id = r.l" end " ON CONFLICT (community_id, " owner "_id, last_id) DO UPDATE SET items = excluded.items"
#define SPANS(table, owner)                                                                                                     \
  {"history_spans.find_of_" owner,                                                                                              \
   "SELECT r.k, (SELECT s.last_id FROM " table " s WHERE s.community_id = $1 AND s." owner                                      \
   "_id = r.o AND s.last_id >= r.n AND s.last_id <= r.n + CAST($2 AS {int}) AND s.first_id <= r.n ORDER BY s.last_id LIMIT 1) " \
   "FROM {rows r: k int, o int, n int}"},                                                                                       \
      {"history_spans.take_of_" owner,                                                                                          \
       TAKE(table, owner,                                                                                                       \
            "s.community_id, s." owner "_id, s.last_id, s.first_id, s.items - r.t FROM {rows r: o int, l int, t int} "          \
            "CROSS JOIN " table " s WHERE ",                                                                                    \
            ""),                                                                                                                \
       TAKE(table, owner,                                                                                                       \
            "l.* FROM {rows r: o int, l int, t int} CROSS JOIN LATERAL (SELECT s.community_id, s." owner                        \
            "_id, s.last_id, s.first_id, s.items - r.t FROM " table " s WHERE ",                                                \
            " OFFSET 0) l")},                                                                                                   \
      {"history_spans.empty_of_" owner, "SELECT r.o, r.l, (SELECT s.first_id FROM " table                                       \
                                        " s WHERE s.community_id = $1 "                                                         \
                                        "AND s." owner                                                                          \
                                        "_id = r.o AND s.last_id = r.l AND s.items = 0) FROM {rows r: o int, "                  \
                                        "l int}"},                                                                              \
      {"history_spans.recount_of_" owner,                                                                                       \
       "SELECT count(*) FROM field_history h WHERE h.community_id = $1 AND h.history_id BETWEEN $3 AND $4 "                     \
       "AND (CAST($2 AS {int}) = 0 OR h." owner "_id = $2)"},                                                                   \
      {"history_spans.remove_of_" owner, "DELETE FROM " table " WHERE community_id = $1 AND (" owner                            \
                                         "_id, last_id) IN (SELECT r.o, r.l FROM {rows r: o int, l int}) AND items = 0"}
SpanStatements const kOfFields{SPANS("history_spans_of_fields", "field")};
SpanStatements const kOfMembers{SPANS("history_spans_of_members", "member")};
#undef SPANS
#undef TAKE
Statement const kThrough{"history_totals.through", "SELECT through_id FROM history_totals WHERE community_id = $1 AND field_id = $2"};
Statement const kTakeTotal{"history_totals.take", "UPDATE history_totals SET items = items - $3 WHERE community_id = $1 AND field_id = $2"};
Statement const kTakeSources{"change_sources.take",
                             "UPDATE change_sources SET history_items = history_items - $2 WHERE community_id = $1 "
                             "AND source_id IN (SELECT r.n FROM {rows r: n int}) AND history_items IS NOT NULL"};
Statement const kRemoveSources{"change_sources.remove",
                               "DELETE FROM change_sources WHERE community_id = $1 AND source_id IN (SELECT r.n FROM {rows r: n int}) "
                               "AND history_items IS NOT NULL AND history_items <= 0"};
Statement const kThin{"change_sources.thin",
                      "UPDATE change_sources SET is_thinned = 1 WHERE community_id = $1 AND source_id IN (SELECT r.n FROM {rows r: n int}) "
                      "AND is_thinned = 0"};

Statement const kRetention{"history.retention",
                           "SELECT community_id, history_retention_days, time_zone, history_cut_at FROM communities ORDER BY community_id"};
Statement const kRetentionOf{"history.retention_of",
                             "SELECT c.history_retention_days, c.time_zone, c.history_cut_at FROM communities c "
                             "WHERE c.community_id = $1 {lock c}"};
Statement const kDays{"history.days", "SELECT history_retention_days FROM communities WHERE community_id = $1"};
Statement const kSetDays{"history.set_days", "UPDATE communities SET history_retention_days = $2 WHERE community_id = $1"};
Statement const kRaise{"history.raise_removed_below",
                       "UPDATE communities SET history_removed_below = $2 WHERE community_id = $1 AND history_removed_below < $2"};
Statement const kSetCut{"history.set_cut_at", "UPDATE communities SET history_cut_at = $2 WHERE community_id = $1"};
Statement const kAllFields{"history.all_fields", "SELECT field_id FROM fields WHERE community_id = $1 ORDER BY field_id"};
Statement const kHeads{"history.heads",
                       "SELECT r.k, (SELECT v.history_id FROM field_values v WHERE v.community_id = $1 AND v.member_id = r.m "
                       "AND v.field_id = r.f) FROM {rows r: k int, m int, f int}"};

Statement const kDeletedFields{"fields.deleted_before",
                               "SELECT community_id, field_id, created_at FROM fields WHERE deleted_at IS NOT NULL AND deleted_at <= $1 "
                               "ORDER BY deleted_at, community_id, field_id LIMIT $2"};
Statement const kLockDeleted{"fields.lock_deleted",
                             "SELECT f.field_id FROM fields f WHERE f.community_id = $1 AND f.field_id = $2 AND f.deleted_at IS NOT NULL "
                             "AND f.deleted_at <= $3 {lock f}"};
Statement const kRemoveValues{"field_values.remove",
                              "DELETE FROM field_values WHERE community_id = $1 AND field_id = $2 "
                              "AND member_id IN (SELECT r.m FROM {rows r: m int})"};
Statement const kRemoveIdentifiers{"fields.remove_identifiers", "DELETE FROM identifier_values WHERE community_id = $1 AND field_id = $2"};
Statement const kRemoveTotal{"fields.remove_total", "DELETE FROM history_totals WHERE community_id = $1 AND field_id = $2"};
Statement const kRemoveField{"fields.remove", "DELETE FROM fields WHERE community_id = $1 AND field_id = $2 AND deleted_at IS NOT NULL"};

Statement const kAddLeftovers{"history_leftovers.add",
                              "INSERT INTO history_leftovers (community_id, member_id) SELECT $1, r.m FROM {rows r: m int} WHERE true "
                              "ON CONFLICT DO NOTHING"};
Statement const kLeftovers{"history_leftovers.after",
                           "SELECT community_id, member_id FROM history_leftovers WHERE (community_id, member_id) > ($1, $2) "
                           "ORDER BY community_id, member_id LIMIT $3"};
Statement const kRemoveLeftover{"history_leftovers.remove", "DELETE FROM history_leftovers WHERE community_id = $1 AND member_id = $2"};
Statement const kRemoveTheirValues{"history_leftovers.values", "DELETE FROM field_values WHERE community_id = $1 AND member_id = $2"};

Statement const kNextSpans{
    "history_totals.next",
    "SELECT count(*), CAST(sum(t.items) AS BIGINT), max(t.last_id) FROM (SELECT s.items, s.last_id FROM history_spans_of_fields s "
    "WHERE s.community_id = $1 AND s.field_id = $2 AND s.last_id > coalesce((SELECT h.through_id FROM history_totals h "
    "WHERE h.community_id = $1 AND h.field_id = $2), 0) AND s.last_id <= $3 ORDER BY s.last_id LIMIT $4) t"};
Statement const kAddTotal{"history_totals.add",
                          "INSERT INTO history_totals (community_id, field_id, through_id, items) VALUES ($1, $2, $3, $4) "
                          "ON CONFLICT (community_id, field_id) DO UPDATE SET through_id = excluded.through_id, "
                          "items = history_totals.items + excluded.items"};

// Some milliseconds of the writer's time.
constexpr std::int64_t kSpansAtOnce = 10'000;

using TakenFromSpans = std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t>;  // (owner, end of the span): items

// What was taken from which span. Where spans of two writers overlap an item may be taken from the other one, so that each number
// alone says little and may fall below zero; their sum is right all the same, and no span goes while items lie in it.
template <class Owner>
TakenFromSpans leave_spans(sql::Tx& tx, CommunityNo community, SpanStatements const& statements, std::vector<SourcedItem> const& items,
                           Owner const& owner_of) {
  Batch places{kInt, kInt, kInt};
  places.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) places.add(static_cast<std::int64_t>(i), owner_of(items[i]), items[i].item.number);
  TakenFromSpans taken;
  tx.each_batch(
      statements.find, places,
      [&](Row const& r) {
        if (!r.is_null(1)) ++taken[{owner_of(items[static_cast<std::size_t>(r.integer(0))]), r.integer(1)}];
      },
      community, kSpanNumbersMax);
  if (taken.empty()) return taken;
  Batch take{kInt, kInt, kInt}, touched{kInt, kInt};
  for (auto const& [span, count] : taken) {
    take.add(span.first, span.second, count);
    touched.add(span.first, span.second);
  }
  tx.exec_batch(statements.take, take, community);
  struct Empty {
    std::int64_t owner, last, first;
  };
  std::vector<Empty> empty;
  tx.each_batch(
      statements.empty, touched,
      [&](Row const& r) {
        if (!r.is_null(2)) empty.push_back({r.integer(0), r.integer(1), r.integer(2)});
      },
      community);
  Batch gone{kInt, kInt};
  for (auto const& e : empty) {
    auto const left =
        e.first == e.last
            ? 0
            : tx.one(statements.recount, [](Row const& r) { return r.integer(0); }, community, e.owner, e.first, e.last).value();
    if (left == 0) gone.add(e.owner, e.last);
  }
  if (gone.rows() > 0) tx.exec_batch(statements.remove, gone, community);
  return taken;
}

// Totals are sums of spans, so they lose what their spans lost.
void leave_totals(sql::Tx& tx, CommunityNo community, TakenFromSpans const& taken) {
  for (auto at = taken.begin(); at != taken.end();) {
    auto const field = at->first.first;
    auto const through = tx.one(kThrough, [](Row const& r) { return r.integer(0); }, community, field);
    std::int64_t counted = 0;
    for (; at != taken.end() && at->first.first == field; ++at) counted += through && at->first.second <= *through ? at->second : 0;
    if (counted > 0) tx.exec(kTakeTotal, community, field, counted);
  }
}

void leave_sources(sql::Tx& tx, CommunityNo community, std::vector<SourcedItem> const& items) {
  std::map<std::int64_t, std::int64_t> single, rows;
  for (auto const& i : items) ++(i.item.source_row > 0 ? rows : single)[i.source.value];
  if (!single.empty()) {
    // Most of them lose one item: a statement for each count that occurs.
    std::map<std::int64_t, Batch> by_count;
    Batch touched{kInt};
    for (auto const& [source, count] : single) {
      by_count.try_emplace(count, Batch{kInt}).first->second.add(source);
      touched.add(source);
    }
    for (auto const& [count, sources] : by_count) tx.exec_batch(kTakeSources, sources, community, count);
    tx.exec_batch(kRemoveSources, touched, community);
  }
  if (rows.empty()) return;
  Batch jobs{kInt};
  for (auto const& [source, count] : rows) jobs.add(source);
  tx.exec_batch(kThin, jobs, community);
}

}  // namespace

std::int64_t remove_items(sql::Tx& tx, CommunityNo community, std::vector<SourcedItem> const& items) {
  tx.exec(kLockCommunity, community);
  std::vector<SourcedItem> there;
  if (!items.empty()) {
    Batch numbers{kInt, kInt};
    for (std::size_t i = 0; i < items.size(); ++i) numbers.add(static_cast<std::int64_t>(i), items[i].item.number);
    tx.each_batch(kThere, numbers, [&](Row const& r) { there.push_back(items[static_cast<std::size_t>(r.integer(0))]); }, community);
  }
  if (there.empty()) return 0;
  Batch gone{kInt};
  for (auto const& i : there) gone.add(i.item.number);
  tx.exec_batch(kRemove, gone, community);
  leave_totals(tx, community, leave_spans(tx, community, kOfFields, there, [](SourcedItem const& i) { return i.item.field.value; }));
  leave_totals(tx, community, leave_spans(tx, community, kOfFields, there, [](SourcedItem const&) { return std::int64_t{0}; }));
  leave_spans(tx, community, kOfMembers, there, [](SourcedItem const& i) { return i.item.member.value; });
  leave_sources(tx, community, there);
  return static_cast<std::int64_t>(there.size());
}

void remove_items_of_member(sql::Tx& tx, CommunityNo community, MemberNo member) {
  constexpr std::size_t kItemsAtOnce = 1'000;
  tx.exec(kLockCommunity, community);
  HistoryWalk walk(tx, {community, member}, {}, HistoryOrder::oldest_first);
  for (auto items = walk.next(kItemsAtOnce); !items.empty(); items = walk.next(kItemsAtOnce)) remove_items(tx, community, items);
}

std::vector<RetentionSettings> retention_settings(sql::Tx& tx) {
  std::vector<RetentionSettings> out;
  tx.each(kRetention, [&](Row const& r) { out.push_back({{r.integer(0)}, r.integer(1), r.string(2), r.integer(3)}); });
  return out;
}

RetentionSettings lock_retention(sql::Tx& tx, CommunityNo community) {
  return tx
      .one(
          kRetentionOf, [&](Row const& r) { return RetentionSettings{community, r.integer(0), r.string(1), r.integer(2)}; }, community)
      .value_or(RetentionSettings{});
}

std::int64_t retention_days(sql::Tx& tx, CommunityNo community) {
  return tx.one(kDays, [](Row const& r) { return r.integer(0); }, community).value_or(0);
}
void set_retention_days(sql::Tx& tx, CommunityNo community, std::int64_t days) { tx.exec(kSetDays, community, days); }
void raise_removed_below(sql::Tx& tx, CommunityNo community, std::int64_t number) { tx.exec(kRaise, community, number); }
void set_cut_at(sql::Tx& tx, CommunityNo community, TimeMs at) { tx.exec(kSetCut, community, at); }

std::vector<FieldNo> fields_with_histories(sql::Tx& tx, CommunityNo community) {
  std::vector<FieldNo> out;
  for (auto n = kFirstName.value; n <= kTag.value; ++n) out.push_back({n});
  tx.each(kAllFields, [&](Row const& r) { out.push_back({r.integer(0)}); }, community);
  return out;
}

std::vector<ItemStanding> standings_of(sql::Tx& tx, CommunityNo community, std::vector<SourcedItem> const& items) {
  std::vector<ItemStanding> out(items.size());
  if (items.empty()) return out;
  Batch values{kInt, kInt, kInt}, previous{kInt, kInt};
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto const& item = items[i].item;
    values.add(static_cast<std::int64_t>(i), item.member, item.field);
    if (item.previous) previous.add(static_cast<std::int64_t>(i), item.previous);
  }
  tx.each_batch(
      kHeads, values,
      [&](Row const& r) {
        auto const i = static_cast<std::size_t>(r.integer(0));
        out[i].is_newest = r.integer(1) == items[i].item.number.value;
      },
      community);
  if (previous.rows() > 0)
    tx.each_batch(kThere, previous, [&](Row const& r) { out[static_cast<std::size_t>(r.integer(0))].has_previous = true; }, community);
  return out;
}

std::vector<DeletedField> fields_deleted_before(sql::Tx& tx, TimeMs deleted_before, std::int64_t most) {
  std::vector<DeletedField> out;
  tx.each(kDeletedFields, [&](Row const& r) { out.push_back({{r.integer(0)}, {r.integer(1)}, r.integer(2)}); }, deleted_before, most);
  return out;
}

bool lock_deleted_field(sql::Tx& tx, CommunityNo community, FieldNo field, TimeMs deleted_before) {
  return tx.one(kLockDeleted, [](Row const&) { return true; }, community, field, deleted_before).value_or(false);
}

void remove_values(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<MemberNo> const& members) {
  if (members.empty()) return;
  Batch batch{kInt};
  for (auto const m : members) batch.add(m);
  tx.exec_batch(kRemoveValues, batch, community, field);
}

void remove_definition(sql::Tx& tx, CommunityNo community, FieldNo field) {
  for (auto const* statement : {&kRemoveIdentifiers, &kRemoveTotal, &kRemoveField}) tx.exec(*statement, community, field);
}

void add_leftovers(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members) {
  if (members.empty()) return;
  Batch batch{kInt};
  for (auto const m : members) batch.add(m);
  tx.exec_batch(kAddLeftovers, batch, community);
}

std::vector<Leftover> leftovers_after(sql::Tx& tx, Leftover const& last, std::int64_t most) {
  std::vector<Leftover> out;
  tx.each(kLeftovers, [&](Row const& r) { out.push_back({{r.integer(0)}, {r.integer(1)}}); }, last.community, last.member, most);
  return out;
}

void remove_leftover(sql::Tx& tx, Leftover const& l, bool with_values) {
  if (with_values) tx.exec(kRemoveTheirValues, l.community, l.member);
  tx.exec(kRemoveLeftover, l.community, l.member);
}

bool has_uncounted(sql::Tx& tx, CommunityNo community, FieldNo field, std::int64_t through, std::int64_t least) {
  return tx.one(kNextSpans, [](Row const& r) { return r.integer(0); }, community, field, through, least).value() >= least;
}

bool count_on(sql::Tx& tx, CommunityNo community, FieldNo field, std::int64_t through) {
  tx.exec(kLockCommunity, community);
  struct Next {
    std::int64_t spans, items, through;
  };
  auto const next = tx.one(
                          kNextSpans, [](Row const& r) { return Next{r.integer(0), r.integer(1), r.integer(2)}; }, community, field,
                          through, kSpansAtOnce)
                        .value();
  if (next.spans > 0) tx.exec(kAddTotal, community, field, next.through, next.items);
  return next.spans == kSpansAtOnce;
}

}  // namespace fealty::members
