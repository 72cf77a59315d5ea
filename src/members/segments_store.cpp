#include "members/segments_store.h"

#include "base/text.h"

namespace fealty::members {
namespace {

using sql::Row;
using sql::Statement;

#define SEGMENT_COLUMNS "s.segment_id, s.name, s.description, s.filter, s.columns, s.created_at, s.updated_at"
#define PART_COLUMNS "p.segment_id, p.kind, p.part_id, p.name"
Statement const kList{"segments.list", "SELECT " SEGMENT_COLUMNS " FROM segments s WHERE s.community_id = $1 ORDER BY s.segment_id"};
Statement const kListParts{"segment_parts.list", "SELECT " PART_COLUMNS
                                                 " FROM segment_parts p WHERE p.community_id = $1 "
                                                 "ORDER BY p.segment_id, p.kind, p.part_id"};
Statement const kFind{"segments.find", "SELECT " SEGMENT_COLUMNS " FROM segments s WHERE s.community_id = $1 AND s.segment_id = $2"};
Statement const kLock{"segments.lock",
                      "SELECT " SEGMENT_COLUMNS " FROM segments s WHERE s.community_id = $1 AND s.segment_id = $2 {lock s}"};
Statement const kFindParts{"segment_parts.find", "SELECT " PART_COLUMNS
                                                 " FROM segment_parts p WHERE p.community_id = $1 AND p.segment_id = $2 "
                                                 "ORDER BY p.kind, p.part_id"};
Statement const kFindName{"segments.find_name", "SELECT segment_id FROM segments WHERE community_id = $1 AND name_key = $2"};
Statement const kCount{"segments.count", "SELECT count(*) FROM segments WHERE community_id = $1"};
Statement const kInsert{"segments.insert",
                        "INSERT INTO segments (community_id, segment_id, name, name_key, description, filter, columns, created_at, "
                        "updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"};
Statement const kUpdate{"segments.update",
                        "UPDATE segments SET name = $3, name_key = $4, description = $5, filter = $6, columns = $7, updated_at = $8 "
                        "WHERE community_id = $1 AND segment_id = $2"};
Statement const kDelete{"segments.delete", "DELETE FROM segments WHERE community_id = $1 AND segment_id = $2"};
Statement const kInsertParts{"segment_parts.insert",
                             "INSERT INTO segment_parts (community_id, segment_id, kind, part_id, name) "
                             "SELECT $1, $2, r.k, r.p, r.n FROM {rows r: k int, p int, n text}"};
Statement const kDeleteParts{"segment_parts.delete", "DELETE FROM segment_parts WHERE community_id = $1 AND segment_id = $2"};
Statement const kWith{"segments.with",
                      "SELECT s.segment_id, s.created_at, s.name FROM segment_parts p "
                      "JOIN segments s ON s.community_id = p.community_id AND s.segment_id = p.segment_id "
                      "WHERE p.community_id = $1 AND p.kind = $2 AND p.part_id = $3 ORDER BY s.segment_id"};

Segment read_segment(Row const& r) {
  Segment s;
  s.number = r.integer(0);
  s.name = r.string(1);
  s.description = r.string(2);
  s.kept.text.filter = r.string(3);
  if (!r.text(4).empty())
    for (auto const column : split(r.text(4), '\n')) s.kept.text.columns.emplace_back(column);
  s.created_at = r.integer(5);
  s.updated_at = r.integer(6);
  return s;
}
SegmentPart read_part(Row const& r) { return {static_cast<SegmentPart::Kind>(r.integer(1)), r.integer(2), r.string(3)}; }

std::optional<Segment> find_by(sql::Tx& tx, Statement const& statement, CommunityNo community, std::int64_t number) {
  auto segment = tx.one(statement, read_segment, community, number);
  if (segment) tx.each(kFindParts, [&](Row const& r) { segment->kept.parts.push_back(read_part(r)); }, community, number);
  return segment;
}

void insert_parts(sql::Tx& tx, CommunityNo community, Segment const& segment) {
  using enum sql::Batch::Type;
  sql::Batch batch{integer, integer, text};
  for (auto const& part : segment.kept.parts) batch.add(static_cast<std::int64_t>(part.kind), part.number, part.name);
  if (batch.rows() > 0) tx.exec_batch(kInsertParts, batch, community, segment.number);
}

}  // namespace

std::vector<Segment> list_segments(sql::Tx& tx, CommunityNo community) {
  std::vector<Segment> all;
  tx.each(kList, [&](Row const& r) { all.push_back(read_segment(r)); }, community);
  auto at = all.begin();
  tx.each(
      kListParts,
      [&](Row const& r) {
        while (at != all.end() && at->number < r.integer(0)) ++at;
        if (at != all.end() && at->number == r.integer(0)) at->kept.parts.push_back(read_part(r));
      },
      community);
  return all;
}

std::optional<Segment> find_segment(sql::Tx& tx, CommunityNo community, std::int64_t number) {
  return find_by(tx, kFind, community, number);
}
std::optional<Segment> lock_segment(sql::Tx& tx, CommunityNo community, std::int64_t number) {
  return find_by(tx, kLock, community, number);
}

std::optional<std::int64_t> find_segment_name(sql::Tx& tx, CommunityNo community, std::string_view folded) {
  return tx.one(kFindName, [](Row const& r) { return r.integer(0); }, community, folded);
}

std::int64_t count_segments(sql::Tx& tx, CommunityNo community) {
  return tx.one(kCount, [](Row const& r) { return r.integer(0); }, community).value();
}

void insert_segment(sql::Tx& tx, CommunityNo community, Segment const& s, std::string_view folded) {
  tx.exec(kInsert, community, s.number, s.name, folded, s.description, s.kept.text.filter, join(s.kept.text.columns, "\n"), s.created_at,
          s.updated_at);
  insert_parts(tx, community, s);
}

void update_segment(sql::Tx& tx, CommunityNo community, Segment const& s, std::string_view folded) {
  tx.exec(kUpdate, community, s.number, s.name, folded, s.description, s.kept.text.filter, join(s.kept.text.columns, "\n"), s.updated_at);
  tx.exec(kDeleteParts, community, s.number);
  insert_parts(tx, community, s);
}

void delete_segment(sql::Tx& tx, CommunityNo community, std::int64_t number) {
  tx.exec(kDeleteParts, community, number);
  tx.exec(kDelete, community, number);
}

std::vector<SegmentName> segments_with(sql::Tx& tx, CommunityNo community, SegmentPart::Kind kind, std::int64_t part) {
  std::vector<SegmentName> names;
  tx.each(
      kWith, [&](Row const& r) { names.push_back({PublicId::of(r.integer(0), r.integer(1)), r.string(2)}); }, community,
      static_cast<std::int64_t>(kind), part);
  return names;
}

}  // namespace fealty::members
