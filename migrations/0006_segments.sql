-- Segments: filters of members that are kept under a name.

-- filter and columns name custom fields, roles and tags by their numbers (src/members/segment_rules.h), so that they mean the
-- same after a change of name. name_key: the name folded; it is unique in the community.
CREATE TABLE segments (
  community_id {int} NOT NULL,
  segment_id {int} NOT NULL,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  description TEXT NOT NULL,
  filter TEXT NOT NULL,
  columns TEXT NOT NULL,
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL,
  PRIMARY KEY (community_id, segment_id)
){without_rowid};
CREATE UNIQUE INDEX segments_by_name ON segments (community_id, name_key);

-- What each of them refers to. kind: 0 field, 1 role, 2 tag. name: what it was called when the segment was saved.
CREATE TABLE segment_parts (
  community_id {int} NOT NULL,
  segment_id {int} NOT NULL,
  kind {int} NOT NULL,
  part_id {int} NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (community_id, segment_id, kind, part_id)
){without_rowid};
CREATE INDEX segment_parts_by_part ON segment_parts (community_id, kind, part_id);
