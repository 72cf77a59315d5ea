-- Imports without a key (src/jobs/anonymous_import.h): 0 off, 1 create_only, 2 full.
ALTER TABLE communities ADD COLUMN anonymous_import {int} NOT NULL DEFAULT 0;
-- An installation where no community takes them refuses such a request before it reads anything.
CREATE INDEX communities_open_to_imports ON communities (community_id) WHERE anonymous_import > 0;

-- Whether the job's rows may touch nobody who is a member already.
ALTER TABLE bulk_jobs ADD COLUMN creates_only {int} NOT NULL DEFAULT 0;
