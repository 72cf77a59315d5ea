// How a segment keeps its filter: as users/filter takes it, but custom fields, roles and tags stand there by number. What they
// are called may change, and a new field with the key of a deleted one is another field. Pure.
//
//   {"tier":"gold","role":{"in":["Trader"]}}   is kept as   {"#101":"gold","role":{"in":[3]}}
#pragma once
#include "members/users_filter.h"

namespace fealty::members {

struct SegmentPart {
  // The numbers stand in storage.
  enum class Kind : std::uint8_t { field = 0, role = 1, tag = 2 };
  Kind kind = Kind::field;
  std::int64_t number = 0;
  std::string name;  // a field's column, a role's or tag's name
  bool operator==(SegmentPart const&) const = default;
};
std::string_view to_string(SegmentPart::Kind kind);

struct SegmentText {
  std::string filter = "{}";
  std::vector<std::string> columns = {};
  bool operator==(SegmentText const&) const = default;
};
struct BoundSegment {
  SegmentText text;
  std::vector<SegmentPart> parts;  // sorted by kind and number, each once
};
// Names to numbers. Notes what read_conditions and read_columns let pass: roles and tags that nobody knows, and a column named
// twice. Unknown columns are theirs to note.
BoundSegment bind_segment(SegmentText const& given, Catalogue const& catalogue, std::vector<Issue>& issues);

struct ShownSegment {
  SegmentText text;
  std::vector<SegmentPart> gone;  // under the names that they had
};
// Numbers to the present names.
ShownSegment show_segment(BoundSegment const& kept, Catalogue const& catalogue);

}  // namespace fealty::members
