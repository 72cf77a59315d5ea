-- Jobs are applied in the order of their members, and can be reversed.

-- Where the rows of the file begin; the cursor next_… moves away from there.
ALTER TABLE bulk_jobs ADD COLUMN first_row {int} NOT NULL DEFAULT 0;
ALTER TABLE bulk_jobs ADD COLUMN first_line {int} NOT NULL DEFAULT 0;
ALTER TABLE bulk_jobs ADD COLUMN first_offset {int} NOT NULL DEFAULT 0;
UPDATE bulk_jobs SET first_row = next_row, first_line = next_line, first_offset = next_offset;
UPDATE bulk_jobs SET
  first_row = (SELECT c.first_row FROM bulk_chunks c WHERE c.community_id = bulk_jobs.community_id AND c.job_id = bulk_jobs.job_id
    AND c.rows_before = 0),
  first_line = (SELECT c.line FROM bulk_chunks c WHERE c.community_id = bulk_jobs.community_id AND c.job_id = bulk_jobs.job_id
    AND c.rows_before = 0),
  first_offset = (SELECT c.file_offset FROM bulk_chunks c WHERE c.community_id = bulk_jobs.community_id AND c.job_id = bulk_jobs.job_id
    AND c.rows_before = 0)
  WHERE EXISTS (SELECT 1 FROM bulk_chunks c WHERE c.community_id = bulk_jobs.community_id AND c.job_id = bulk_jobs.job_id
    AND c.rows_before = 0);

-- The sorted runs of a job that is applied in the order of its members: the lease under which they were made, how many.
ALTER TABLE bulk_jobs ADD COLUMN work_epoch {int} NOT NULL DEFAULT 0;
ALTER TABLE bulk_jobs ADD COLUMN work_runs {int} NOT NULL DEFAULT 0;

-- Reversals. Rows below revert_below (an ordinal; NULL = all applied ones) have not been reversed or refused yet.
ALTER TABLE bulk_jobs ADD COLUMN revert_of {int};
ALTER TABLE bulk_jobs ADD COLUMN reverted_by {int};
ALTER TABLE bulk_jobs ADD COLUMN reverted_rows {int} NOT NULL DEFAULT 0;
ALTER TABLE bulk_jobs ADD COLUMN conflicts {int} NOT NULL DEFAULT 0;
ALTER TABLE bulk_jobs ADD COLUMN revert_below {int};
ALTER TABLE bulk_jobs ADD COLUMN former_status TEXT NOT NULL DEFAULT '';
ALTER TABLE bulk_jobs ADD COLUMN reason TEXT NOT NULL DEFAULT '';

-- Rows of a reversed job that a reversal refused and a later one may try again.
CREATE TABLE bulk_conflicts (
  community_id {int} NOT NULL,
  job_id {int} NOT NULL,
  ordinal {int} NOT NULL,
  row_number {int} NOT NULL,
  PRIMARY KEY (community_id, job_id, ordinal)
){without_rowid};

-- Whom a membership referred keeps it from being taken back.
CREATE INDEX memberships_by_referrer ON memberships (community_id, referred_by) WHERE referred_by IS NOT NULL;

-- Which of a job's rows, in the order of their application, a chunk holds, and where its numbers lie in the ledger. Its key
-- is the second guard against applying a row twice.
CREATE TABLE bulk_spans (
  community_id {int} NOT NULL,
  job_id {int} NOT NULL,
  first_ordinal {int} NOT NULL,
  row_count {int} NOT NULL,
  first_number {int} NOT NULL,
  last_number {int} NOT NULL,
  per_row {int} NOT NULL,
  PRIMARY KEY (community_id, job_id, first_ordinal)
){without_rowid};
INSERT INTO bulk_spans (community_id, job_id, first_ordinal, row_count, first_number, last_number, per_row)
  SELECT c.community_id, c.job_id, c.rows_before,
    coalesce(lead(c.rows_before) OVER (PARTITION BY c.community_id, c.job_id ORDER BY c.first_row),
             j.updated + j.unchanged + j.created + j.failed) - c.rows_before,
    c.first_number, c.last_number, 0
  FROM bulk_chunks c JOIN bulk_jobs j ON j.community_id = c.community_id AND j.job_id = c.job_id;
DROP TABLE bulk_chunks;
ALTER TABLE bulk_spans RENAME TO bulk_chunks;

-- Where a row lies is found through the index beside the file.
ALTER TABLE bulk_rows DROP COLUMN line;
ALTER TABLE bulk_rows DROP COLUMN file_offset;

-- Finished jobs whose files and rows are still kept, by the end of their time; and every file that a job has. An empty
-- file_key means that the file and the rows are gone.
CREATE INDEX bulk_jobs_with_files ON bulk_jobs (expires_at, file_key) WHERE file_key <> '';

-- Who has an e-mail is read from the index alone.
DROP INDEX accounts_by_email;
CREATE UNIQUE INDEX accounts_by_email ON accounts (email_key){include account_id};

-- Every job changes these rows in place.
{room_for_updates balances};
{room_for_updates field_values};

-- The ordinals of rows that made members, and of the kept rows of reversing jobs, which are read in that order.
ALTER TABLE bulk_rows ADD COLUMN ordinal {int} NOT NULL DEFAULT -1;
CREATE INDEX bulk_rows_by_ordinal ON bulk_rows (community_id, job_id, ordinal) WHERE ordinal >= 0 AND status <> 3;
