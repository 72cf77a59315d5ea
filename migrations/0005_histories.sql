-- Histories: where the items of a field and of a member lie, how many there are, how long they are kept.

-- The numbers of all items of a field lie in its spans: one for each write, however many of its items stand near each other in
-- it (members/history_spans.h). Field 0 is any field. A span may hold the numbers of other items, too.
CREATE TABLE history_spans_of_fields (
  community_id {int} NOT NULL,
  field_id {int} NOT NULL,
  last_id {int} NOT NULL,
  first_id {int} NOT NULL,
  items {int} NOT NULL,
  PRIMARY KEY (community_id, field_id, last_id)
){without_rowid};
INSERT INTO history_spans_of_fields (community_id, field_id, last_id, first_id, items)
  SELECT community_id, field_id, max(history_id), min(history_id), count(*) FROM field_history
  GROUP BY community_id, field_id, source_id, history_id / 4194304 ORDER BY 1, 2, 3;
INSERT INTO history_spans_of_fields (community_id, field_id, last_id, first_id, items)
  SELECT community_id, 0, max(history_id), min(history_id), count(*) FROM field_history
  GROUP BY community_id, source_id, history_id / 4194304 ORDER BY 1, 3;

-- The same of the members.
CREATE TABLE history_spans_of_members (
  community_id {int} NOT NULL,
  member_id {int} NOT NULL,
  last_id {int} NOT NULL,
  first_id {int} NOT NULL,
  items {int} NOT NULL,
  PRIMARY KEY (community_id, member_id, last_id)
){without_rowid};
INSERT INTO history_spans_of_members (community_id, member_id, last_id, first_id, items)
  SELECT community_id, member_id, max(history_id), min(history_id), count(*) FROM field_history
  GROUP BY community_id, member_id, source_id, source_row ORDER BY 1, 2, 3;

-- Items of a field in all of its spans up to through_id, so that counting them all means adding up the latest spans.
CREATE TABLE history_totals (
  community_id {int} NOT NULL,
  field_id {int} NOT NULL,
  through_id {int} NOT NULL,
  items {int} NOT NULL,
  PRIMARY KEY (community_id, field_id)
){without_rowid};

-- People whose membership was taken back with the job that had made it, while the items of it are still there.
CREATE TABLE history_leftovers (
  community_id {int} NOT NULL,
  member_id {int} NOT NULL,
  PRIMARY KEY (community_id, member_id)
){without_rowid};
INSERT INTO history_leftovers (community_id, member_id)
  SELECT DISTINCT v.community_id, v.member_id FROM field_values v WHERE NOT EXISTS (SELECT 1 FROM memberships m
  WHERE m.community_id = v.community_id AND m.member_id = v.member_id);

-- How long items are kept (0: for ever); below which number items may have been removed; when that was last looked after.
ALTER TABLE communities ADD COLUMN history_retention_days {int} NOT NULL DEFAULT 365;
ALTER TABLE communities ADD COLUMN history_removed_below {int} NOT NULL DEFAULT 0;
ALTER TABLE communities ADD COLUMN history_cut_at {int} NOT NULL DEFAULT 0;

-- How many items name the source of a single change: it goes with the last of them. Without a number it stays for ever.
ALTER TABLE change_sources ADD COLUMN history_items {int};
UPDATE change_sources SET history_items = n.items FROM (SELECT community_id, source_id, count(*) AS items FROM field_history
  WHERE source_row = 0 GROUP BY community_id, source_id) n
  WHERE change_sources.community_id = n.community_id AND change_sources.source_id = n.source_id
  AND change_sources.kind NOT IN ('bulk', 'revert');
-- Whether items of a job were removed since: then less is there than its rows changed.
ALTER TABLE change_sources ADD COLUMN is_thinned {int} NOT NULL DEFAULT 0;

CREATE INDEX fields_deleted ON fields (deleted_at, community_id, field_id) WHERE deleted_at IS NOT NULL;
