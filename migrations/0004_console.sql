-- What the console of operators needs: the first start, communities and their catalogues, the logs.

-- May make communities where that is not open to everybody: the holder of the account that set the installation up, and whom
-- the command line names.
ALTER TABLE account_credentials ADD COLUMN is_operator {int} NOT NULL DEFAULT 0;

-- version: how often the record was changed. languages: codes joined by commas.
ALTER TABLE communities ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE communities ADD COLUMN default_language TEXT NOT NULL DEFAULT 'en';
ALTER TABLE communities ADD COLUMN languages TEXT NOT NULL DEFAULT 'en';
ALTER TABLE communities ADD COLUMN is_public {int} NOT NULL DEFAULT 0;
ALTER TABLE communities ADD COLUMN updated_at {int} NOT NULL DEFAULT 0;
ALTER TABLE communities ADD COLUMN version {int} NOT NULL DEFAULT 0;
-- How long the API log is kept, and whether reads that succeed stand in it.
ALTER TABLE communities ADD COLUMN api_log_days {int} NOT NULL DEFAULT 30;
ALTER TABLE communities ADD COLUMN log_reads {int} NOT NULL DEFAULT 0;
CREATE INDEX communities_by_owner ON communities (owner_id, community_id);

-- title_translations: JSON object of titles by language.
ALTER TABLE roles ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE roles ADD COLUMN class TEXT NOT NULL DEFAULT '';
ALTER TABLE roles ADD COLUMN billable {int} NOT NULL DEFAULT 0;
ALTER TABLE roles ADD COLUMN title_translations TEXT NOT NULL DEFAULT '{}';
ALTER TABLE roles ADD COLUMN updated_at {int} NOT NULL DEFAULT 0;
ALTER TABLE roles ADD COLUMN version {int} NOT NULL DEFAULT 0;
-- Defaults of @all: allow_dm; view_message_history, post_messages, share_links.
UPDATE roles SET server_permissions = 1, channel_permissions = 265 WHERE title = '@all' AND server_permissions = 0
  AND channel_permissions = 0;

ALTER TABLE tags ADD COLUMN updated_at {int} NOT NULL DEFAULT 0;
ALTER TABLE currencies ADD COLUMN updated_at {int} NOT NULL DEFAULT 0;

-- Who asked the API for what. Rows are numbered by time; never bodies, credentials or values of free parameters.
CREATE TABLE api_logs (
  community_id {int} NOT NULL,
  log_id {int} NOT NULL,
  request_id TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  operation TEXT NOT NULL,
  status {int} NOT NULL,
  code TEXT NOT NULL,
  duration_us {int} NOT NULL,
  request_bytes {int} NOT NULL,
  response_bytes {int} NOT NULL,
  caller_kind TEXT NOT NULL,
  caller_prefix TEXT NOT NULL,
  caller_name TEXT NOT NULL,
  member_id {int} NOT NULL,
  remote_address TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  errors TEXT NOT NULL,
  PRIMARY KEY (community_id, log_id)
){without_rowid};

-- The trail of one community, the newest first.
CREATE INDEX audit_entries_by_community ON audit_entries (community_id, audit_id);
