#include "base/number_source.h"
#include "members/history_check.h"

namespace fealty::members {
namespace {

// As the audit of the ledger's chains: every place is offered once and taken once, place 0 being where a history begins.
sql::Statement const kAuditHistories{
    "field_history.audit",
    "SELECT t.community_id, t.member_id, t.field_id, t.place, sum(t.offered), sum(t.taken) FROM ("
    "SELECT community_id, member_id, field_id, history_id AS place, 1 AS offered, 0 AS taken FROM field_history UNION ALL "
    "SELECT community_id, member_id, field_id, previous_id, 0, 1 FROM field_history UNION ALL "
    "SELECT community_id, member_id, field_id, 0, 1, 0 FROM field_values WHERE history_id <> 0 UNION ALL "
    "SELECT community_id, member_id, field_id, history_id, 0, 1 FROM field_values WHERE history_id <> 0) t "
    "GROUP BY t.community_id, t.member_id, t.field_id, t.place HAVING sum(t.offered) <> 1 OR sum(t.taken) <> 1 "
    "ORDER BY t.community_id, t.member_id, t.field_id, t.place LIMIT $1"};

}  // namespace

std::vector<BrokenHistory> audit_histories(sql::Tx& tx, std::size_t most) {
  std::vector<BrokenHistory> found;
  tx.each(
      kAuditHistories,
      [&](sql::Row const& r) {
        CommunityNo const community{r.integer(0)};
        MemberNo const member{r.integer(1)};
        FieldNo const field{r.integer(2)};
        // One finding a value: the others follow from the first.
        if (!found.empty() && found.back().community == community && found.back().member == member && found.back().field == field) return;
        std::int64_t const place = r.integer(3), offered = r.integer(4), taken = r.integer(5);
        std::string const item = place == 0 ? "the beginning" : "item " + PublicId::of(place, NumberSource::time_of(place)).to_string();
        std::string what;
        if (offered == 0)
          what = place == 0 ? "has a history and no value that names its newest item"
                            : item + " is named by another and is no item of this value";
        else if (taken == 0)
          what = item + " is on no chain: nothing follows it, and it is not the newest";
        else
          what = item + " is followed by " + std::to_string(taken) + " items instead of one";
        found.push_back({community, member, field, std::move(what)});
      },
      static_cast<std::int64_t>(most));
  return found;
}

}  // namespace fealty::members
