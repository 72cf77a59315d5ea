// SQL of what goes: items of histories that were kept long enough, all items of a member or of a deleted field. No rules.
#pragma once
#include "members/history_store.h"

namespace fealty::members {

// Removes these items (of those that are there), and what stands beside them: their share of spans and totals, the sources of
// single changes that nothing names any more. Jobs that wrote some of them are marked as thinned. Locks the community's row,
// so that two who remove take turns; whoever has members to lock locks them first. Gives how many there were.
std::int64_t remove_items(sql::Tx& tx, CommunityNo community, std::vector<SourcedItem> const& items);
// All items of a member.
void remove_items_of_member(sql::Tx& tx, CommunityNo community, MemberNo member);

// ---- Cutting histories

struct RetentionSettings {
  CommunityNo community;
  std::int64_t days = 0;  // 0: for ever
  std::string time_zone;
  TimeMs cut_at = 0;
};
std::vector<RetentionSettings> retention_settings(sql::Tx& tx);
std::int64_t retention_days(sql::Tx& tx, CommunityNo community);
// Locks the community's row.
RetentionSettings lock_retention(sql::Tx& tx, CommunityNo community);
void set_retention_days(sql::Tx& tx, CommunityNo community, std::int64_t days);
// From now on items below this number may be missing.
void raise_removed_below(sql::Tx& tx, CommunityNo community, std::int64_t number);
void set_cut_at(sql::Tx& tx, CommunityNo community, TimeMs at);
// Every field that may have items: default ones, custom ones, deleted ones.
std::vector<FieldNo> fields_with_histories(sql::Tx& tx, CommunityNo community);
// Whether each item is the newest of its value; whether the one before it is there.
struct ItemStanding {
  bool is_newest = false, has_previous = false;
};
std::vector<ItemStanding> standings_of(sql::Tx& tx, CommunityNo community, std::vector<SourcedItem> const& items);

// ---- Deleted fields

struct DeletedField {
  CommunityNo community;
  FieldNo field;
  TimeMs created_at = 0;
};
std::vector<DeletedField> fields_deleted_before(sql::Tx& tx, TimeMs deleted_before, std::int64_t most);
// Locks the definition; whether it was deleted before that time.
bool lock_deleted_field(sql::Tx& tx, CommunityNo community, FieldNo field, TimeMs deleted_before);
void remove_values(sql::Tx& tx, CommunityNo community, FieldNo field, std::vector<MemberNo> const& members);
void remove_definition(sql::Tx& tx, CommunityNo community, FieldNo field);

// ---- People whose membership was taken back

void add_leftovers(sql::Tx& tx, CommunityNo community, std::vector<MemberNo> const& members);
struct Leftover {
  CommunityNo community;
  MemberNo member;
};
// Behind this one, in the order of communities and members.
std::vector<Leftover> leftovers_after(sql::Tx& tx, Leftover const& last, std::int64_t most);
void remove_leftover(sql::Tx& tx, Leftover const& leftover, bool with_values);

// ---- Totals

// Adds up a bounded number of spans that are not in the totals of this field yet and end at `through` at the latest. Whether
// there are more.
bool count_on(sql::Tx& tx, CommunityNo community, FieldNo field, std::int64_t through);
// Whether so many spans wait to be counted.
bool has_uncounted(sql::Tx& tx, CommunityNo community, FieldNo field, std::int64_t through, std::int64_t least);

}  // namespace fealty::members
