#include "base/number_source.h"
#include "members/history_check.h"

namespace fealty::members {
namespace {

// As the audit of the ledger's chains: every place is offered once and taken once, place 0 being where a history begins. Where the
// oldest items were removed the first that is left takes a place that nobody offers, below the number up to which the community
// removed items, and nobody takes place 0.
sql::Statement const kAuditHistories{
    "field_history.audit",
    "SELECT t.community_id, t.member_id, t.field_id, t.place, sum(t.offered), sum(t.taken), "
    "coalesce((SELECT c.history_removed_below FROM communities c WHERE c.community_id = t.community_id), 0) FROM ("
    "SELECT community_id, member_id, field_id, history_id AS place, 1 AS offered, 0 AS taken FROM field_history UNION ALL "
    "SELECT community_id, member_id, field_id, previous_id, 0, 1 FROM field_history UNION ALL "
    "SELECT community_id, member_id, field_id, 0, 1, 0 FROM field_values WHERE history_id <> 0 UNION ALL "
    "SELECT community_id, member_id, field_id, history_id, 0, 1 FROM field_values WHERE history_id <> 0) t "
    "GROUP BY t.community_id, t.member_id, t.field_id, t.place HAVING sum(t.offered) <> 1 OR sum(t.taken) <> 1 "
    "ORDER BY t.community_id, t.member_id, t.field_id, t.place"};

sql::Statement const kAuditFields{
    "history_spans.audit_fields",
    "SELECT t.community_id, t.field_id, sum(t.items), sum(t.in_spans), sum(t.in_totals) FROM ("
    "SELECT community_id, field_id, count(*) AS items, 0 AS in_spans, 0 AS in_totals FROM field_history GROUP BY community_id, field_id "
    "UNION ALL SELECT community_id, 0, count(*), 0, 0 FROM field_history GROUP BY community_id "
    "UNION ALL SELECT community_id, field_id, 0, CAST(sum(items) AS BIGINT), 0 FROM history_spans_of_fields "
    "GROUP BY community_id, field_id "
    "UNION ALL SELECT h.community_id, h.field_id, 0, 0, h.items + coalesce((SELECT CAST(sum(s.items) AS BIGINT) "
    "FROM history_spans_of_fields s WHERE s.community_id = h.community_id AND s.field_id = h.field_id AND s.last_id > h.through_id), 0) "
    "FROM history_totals h) t GROUP BY t.community_id, t.field_id HAVING sum(t.items) <> sum(t.in_spans) "
    "OR (sum(t.in_totals) <> 0 AND sum(t.in_totals) <> sum(t.items)) ORDER BY t.community_id, t.field_id LIMIT $1"};
sql::Statement const kAuditMembers{
    "history_spans.audit_members",
    "SELECT t.community_id, t.member_id, sum(t.items), sum(t.in_spans) FROM ("
    "SELECT community_id, member_id, 1 AS items, 0 AS in_spans FROM field_history UNION ALL "
    "SELECT community_id, member_id, 0, items FROM history_spans_of_members) t GROUP BY t.community_id, t.member_id "
    "HAVING sum(t.items) <> sum(t.in_spans) ORDER BY t.community_id, t.member_id LIMIT $1"};

// The findings of one value, as they are read.
struct Findings {
  BrokenHistory of;
  bool is_cut = false;          // nobody takes its beginning
  std::int64_t cut_places = 0;  // that its oldest item may take, because the items below were removed
  bool is_broken = false;
  // Told when nothing else is wrong, and the two do not make up for each other.
  std::string beginning;
};

}  // namespace

std::vector<BrokenHistory> audit_histories(sql::Tx& tx, std::size_t most) {
  std::vector<BrokenHistory> found;
  Findings at;
  auto const close = [&] {
    if (!at.of.community || found.size() >= most) return;
    if (!at.is_broken && at.is_cut && at.cut_places == 1) return;
    if (!at.is_broken && at.of.what.empty()) at.of.what = at.beginning;
    found.push_back(std::move(at.of));
  };
  tx.each(kAuditHistories, [&](sql::Row const& r) {
    CommunityNo const community{r.integer(0)};
    MemberNo const member{r.integer(1)};
    FieldNo const field{r.integer(2)};
    if (at.of.community != community || at.of.member != member || at.of.field != field) {
      close();
      at = {{community, member, field, ""}, false, 0, false, ""};
    }
    std::int64_t const place = r.integer(3), offered = r.integer(4), taken = r.integer(5), removed_below = r.integer(6);
    std::string const item = place == 0 ? "the beginning" : "item " + PublicId::of(place, NumberSource::time_of(place)).to_string();
    std::string what;
    if (offered == 0)
      what =
          place == 0 ? "has a history and no value that names its newest item" : item + " is named by another and is no item of this value";
    else if (taken == 0)
      what = item + " is on no chain: nothing follows it, and it is not the newest";
    else
      what = item + " is followed by " + std::to_string(taken) + " items instead of one";
    bool const is_cut = place == 0 && offered == 1 && taken == 0;
    bool const is_cut_place = place != 0 && place < removed_below && offered == 0 && taken == 1;
    at.is_cut |= is_cut;
    at.cut_places += is_cut_place ? 1 : 0;
    if (at.beginning.empty()) at.beginning = what;
    if (is_cut || is_cut_place) return;
    // One finding a value: the others follow from the first.
    if (!at.is_broken) at.of.what = at.beginning;
    at.is_broken = true;
  });
  close();
  return found;
}

std::vector<WrongSpans> audit_history_spans(sql::Tx& tx, std::size_t most) {
  std::vector<WrongSpans> found;
  auto const limit = static_cast<std::int64_t>(most);
  tx.each(
      kAuditFields,
      [&](sql::Row const& r) {
        auto const items = r.integer(2), in_spans = r.integer(3);
        found.push_back({{r.integer(0)}, {}, {r.integer(1)}, items, items == in_spans ? r.integer(4) : in_spans});
      },
      limit);
  tx.each(
      kAuditMembers, [&](sql::Row const& r) { found.push_back({{r.integer(0)}, {r.integer(1)}, {}, r.integer(2), r.integer(3)}); }, limit);
  if (found.size() > most) found.resize(most);
  return found;
}

}  // namespace fealty::members
