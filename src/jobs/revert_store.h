// SQL of reversals: which rows of a job are left to reverse, and how far it has come.
#pragma once
#include "jobs/bulk_store.h"

namespace fealty::jobs {

// State, newest reversal, progress and conflicts of a reversed job whose row is locked.
void update_reversal(sql::Tx& tx, Job const& original);
// Whether it was applied by a program that did not keep its rows' places.
bool has_rows_without_places(sql::Tx& tx, CommunityNo community, JobNo job);
// The sources of all reversals of a job, ended or not.
std::vector<SourceNo> reversal_sources(sql::Tx& tx, CommunityNo community, JobNo job);

struct Conflict {
  std::int64_t ordinal = 0, row = 0;
};
// From the highest ordinal below `below` downwards.
std::vector<Conflict> conflicts_below(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t below, std::int64_t limit);
void add_conflicts(sql::Tx& tx, CommunityNo community, JobNo job, std::vector<Conflict> const& conflicts);
// Returns how many there were.
std::int64_t remove_conflicts(sql::Tx& tx, CommunityNo community, JobNo job, std::vector<std::int64_t> const& ordinals);

struct CreatedRow {
  std::int64_t ordinal = 0, row = 0;
  MemberNo member;
};
// Rows below a row and an ordinal that made members, from the last downwards.
std::vector<CreatedRow> created_rows_below(sql::Tx& tx, CommunityNo community, JobNo job, std::int64_t row, std::int64_t ordinal,
                                           std::int64_t limit);
// Those of the given rows that made members.
std::vector<CreatedRow> created_among(sql::Tx& tx, CommunityNo community, JobNo job, std::vector<Conflict> const& rows);

}  // namespace fealty::jobs
