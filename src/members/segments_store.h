// SQL and row mapping of segments: no rules.
#pragma once
#include "members/segment_rules.h"

namespace fealty::members {

struct Segment {
  std::int64_t number = 0;
  std::string name, description;
  BoundSegment kept;
  TimeMs created_at = 0, updated_at = 0;
  PublicId id() const { return PublicId::of(number, created_at); }
};

// By number.
std::vector<Segment> list_segments(sql::Tx& tx, CommunityNo community);
std::optional<Segment> find_segment(sql::Tx& tx, CommunityNo community, std::int64_t number);
// The same, and until the transaction ends nobody else changes it.
std::optional<Segment> lock_segment(sql::Tx& tx, CommunityNo community, std::int64_t number);
// The one of this name.
std::optional<std::int64_t> find_segment_name(sql::Tx& tx, CommunityNo community, std::string_view folded);
std::int64_t count_segments(sql::Tx& tx, CommunityNo community);
// Unique names: a second one is refused by the store (StorageError::Kind::constraint).
void insert_segment(sql::Tx& tx, CommunityNo community, Segment const& segment, std::string_view folded);
void update_segment(sql::Tx& tx, CommunityNo community, Segment const& segment, std::string_view folded);
void delete_segment(sql::Tx& tx, CommunityNo community, std::int64_t number);

// Those that refer to a part.
struct SegmentName {
  PublicId id;
  std::string name;
};
std::vector<SegmentName> segments_with(sql::Tx& tx, CommunityNo community, SegmentPart::Kind kind, std::int64_t part);

}  // namespace fealty::members
