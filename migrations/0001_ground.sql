-- The ground: communities, accounts, memberships, fields, the ledger, keys, bulk jobs.
-- Every tenant table's key begins with community_id; accounts are the one global table of people.
-- Times are milliseconds since 1970 UTC, amounts are millionths, ids are numbers (base/id.h derives the public form).

-- Next free number of the records that are counted (communities, accounts, fields …), drawn in blocks.
CREATE TABLE counters (
  name TEXT NOT NULL PRIMARY KEY,
  next_value {int} NOT NULL
){strict};

CREATE TABLE communities (
  community_id {int} NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  owner_id {int} NOT NULL,
  file_retention_days {int} NOT NULL DEFAULT 30,
  created_at {int} NOT NULL
){strict};

CREATE TABLE accounts (
  account_id {int} NOT NULL PRIMARY KEY,
  email TEXT NOT NULL,
  email_key TEXT NOT NULL,
  username TEXT NOT NULL,
  username_key TEXT NOT NULL,
  state {int} NOT NULL,
  created_at {int} NOT NULL
){strict};
CREATE UNIQUE INDEX accounts_by_email ON accounts (email_key);
CREATE UNIQUE INDEX accounts_by_username ON accounts (username_key);

CREATE TABLE memberships (
  community_id {int} NOT NULL,
  member_id {int} NOT NULL,
  state {int} NOT NULL,
  state_until {int},
  display_name TEXT,
  first_name TEXT,
  last_name TEXT,
  phone TEXT,
  country TEXT,
  language TEXT,
  referred_by {int},
  joined_at {int} NOT NULL,
  deleted_at {int},
  last_online_at {int},
  PRIMARY KEY (community_id, member_id)
){without_rowid};

CREATE TABLE roles (
  community_id {int} NOT NULL,
  role_id {int} NOT NULL,
  title TEXT NOT NULL,
  position {int} NOT NULL,
  server_permissions {int} NOT NULL DEFAULT 0,
  channel_permissions {int} NOT NULL DEFAULT 0,
  created_at {int} NOT NULL,
  PRIMARY KEY (community_id, role_id)
){without_rowid};
CREATE UNIQUE INDEX roles_by_title ON roles (community_id, title);

CREATE TABLE member_roles (
  community_id {int} NOT NULL,
  member_id {int} NOT NULL,
  role_id {int} NOT NULL,
  PRIMARY KEY (community_id, member_id, role_id)
){without_rowid};

CREATE TABLE tags (
  community_id {int} NOT NULL,
  tag_id {int} NOT NULL,
  name TEXT NOT NULL,
  created_at {int} NOT NULL,
  PRIMARY KEY (community_id, tag_id)
){without_rowid};
CREATE UNIQUE INDEX tags_by_name ON tags (community_id, name);

CREATE TABLE member_tags (
  community_id {int} NOT NULL,
  member_id {int} NOT NULL,
  tag_id {int} NOT NULL,
  PRIMARY KEY (community_id, member_id, tag_id)
){without_rowid};

CREATE TABLE fields (
  community_id {int} NOT NULL,
  field_id {int} NOT NULL,
  field_key TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  required {int} NOT NULL DEFAULT 0,
  default_number {int},
  default_text TEXT,
  options TEXT NOT NULL DEFAULT '',
  visibility TEXT NOT NULL DEFAULT 'admin',
  member_editable {int} NOT NULL DEFAULT 0,
  identifier {int} NOT NULL DEFAULT 0,
  data_attribute TEXT NOT NULL DEFAULT '',
  creator_id {int},
  created_at {int} NOT NULL,
  updated_at {int} NOT NULL,
  deleted_at {int},
  PRIMARY KEY (community_id, field_id)
){without_rowid};

-- Keys and names of living fields share one name space, compared without case.
CREATE TABLE field_names (
  community_id {int} NOT NULL,
  folded TEXT NOT NULL,
  field_id {int} NOT NULL,
  PRIMARY KEY (community_id, folded)
){without_rowid};

-- One value of one member, and the newest item of its history. Default fields (numbers below 100) keep their value in
-- memberships and only the pointer here.
CREATE TABLE field_values (
  community_id {int} NOT NULL,
  member_id {int} NOT NULL,
  field_id {int} NOT NULL,
  number {int},
  text TEXT,
  history_id {int} NOT NULL,
  PRIMARY KEY (community_id, member_id, field_id)
){without_rowid};

-- Values of identifier fields, unique in the community.
CREATE TABLE identifier_values (
  community_id {int} NOT NULL,
  field_id {int} NOT NULL,
  value_key TEXT NOT NULL,
  member_id {int} NOT NULL,
  PRIMARY KEY (community_id, field_id, value_key)
){without_rowid};

-- Append-only. The items of one value are a chain through previous_id, newest first from field_values.history_id.
CREATE TABLE field_history (
  community_id {int} NOT NULL,
  history_id {int} NOT NULL,
  member_id {int} NOT NULL,
  field_id {int} NOT NULL,
  operator {int} NOT NULL,
  operand {int},
  before_number {int},
  before_text TEXT,
  after_number {int},
  after_text TEXT,
  previous_id {int} NOT NULL,
  source_id {int} NOT NULL,
  source_row {int} NOT NULL,
  {entry_key community_id, history_id}
){strict};

CREATE TABLE currencies (
  community_id {int} NOT NULL,
  currency_id {int} NOT NULL,
  code TEXT NOT NULL,
  name TEXT NOT NULL,
  symbol TEXT NOT NULL DEFAULT '',
  icon TEXT NOT NULL DEFAULT '',
  kind TEXT NOT NULL,
  is_enabled {int} NOT NULL DEFAULT 1,
  decimals {int} NOT NULL DEFAULT 6,
  allow_negative {int} NOT NULL DEFAULT 0,
  position {int} NOT NULL,
  PRIMARY KEY (community_id, currency_id)
){without_rowid};
CREATE UNIQUE INDEX currencies_by_code ON currencies (community_id, code);

-- earned is the plain sum of the classes that count; readers show max(0, earned).
CREATE TABLE balances (
  community_id {int} NOT NULL,
  member_id {int} NOT NULL,
  currency_id {int} NOT NULL,
  amount {int} NOT NULL,
  earned {int} NOT NULL,
  entry_id {int} NOT NULL,
  PRIMARY KEY (community_id, member_id, currency_id)
){without_rowid};

-- Append-only, and without a secondary index: the entries of one balance are a chain through previous_id, newest first
-- from balances.entry_id, so that every insert is an append.
CREATE TABLE ledger_entries (
  community_id {int} NOT NULL,
  entry_id {int} NOT NULL,
  member_id {int} NOT NULL,
  currency_id {int} NOT NULL,
  class {int} NOT NULL,
  operator {int} NOT NULL,
  amount {int} NOT NULL,
  balance_after {int} NOT NULL,
  previous_id {int} NOT NULL,
  source_id {int} NOT NULL,
  source_row {int} NOT NULL,
  {entry_key community_id, entry_id}
){strict};

-- Why something changed: one row for a whole bulk job, one row for a single change. The unique index makes a single
-- change idempotent for ever by (community, kind, id, leg, member, currency).
CREATE TABLE change_sources (
  community_id {int} NOT NULL,
  source_id {int} NOT NULL,
  kind TEXT NOT NULL,
  external_id TEXT NOT NULL,
  leg TEXT NOT NULL DEFAULT '',
  member_id {int} NOT NULL DEFAULT 0,
  currency_id {int} NOT NULL DEFAULT 0,
  operator {int},
  operand {int},
  entry_id {int},
  label TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  actor_type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  created_at {int} NOT NULL,
  PRIMARY KEY (community_id, source_id)
){without_rowid};
CREATE UNIQUE INDEX change_sources_once ON change_sources (community_id, kind, external_id, leg, member_id, currency_id);

CREATE TABLE api_keys (
  community_id {int} NOT NULL,
  key_id {int} NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,
  secret_hash {blob} NOT NULL,
  permissions {int} NOT NULL,
  created_at {int} NOT NULL,
  expires_at {int},
  revoked_at {int},
  created_by TEXT NOT NULL,
  PRIMARY KEY (community_id, key_id)
){without_rowid};
CREATE UNIQUE INDEX api_keys_by_hash ON api_keys (secret_hash);

CREATE TABLE audit_entries (
  community_id {int} NOT NULL,
  audit_id {int} NOT NULL,
  actor_type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT NOT NULL,
  remote_address TEXT NOT NULL,
  created_at {int} NOT NULL,
  {entry_key community_id, audit_id}
){strict};

CREATE TABLE idempotency_keys (
  community_id {int} NOT NULL,
  principal TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  operation TEXT NOT NULL,
  fingerprint {blob} NOT NULL,
  answer TEXT NOT NULL,
  created_at {int} NOT NULL,
  PRIMARY KEY (community_id, principal, idempotency_key)
){without_rowid};

-- Running programs. A node's number is part of the numbers that it draws and of the leases that it holds.
CREATE TABLE nodes (
  node_id {int} NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  lease_until {int} NOT NULL
){strict};

CREATE TABLE bulk_jobs (
  community_id {int} NOT NULL,
  job_id {int} NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  log_name TEXT NOT NULL,
  dry_run {int} NOT NULL,
  silent {int} NOT NULL,
  max_errors {int},
  file_key TEXT NOT NULL,
  file_name TEXT NOT NULL,
  file_size {int} NOT NULL,
  file_sha256 {blob} NOT NULL,
  fingerprint {blob} NOT NULL,
  delimiter TEXT NOT NULL,
  encoding TEXT NOT NULL,
  columns TEXT NOT NULL,
  permissions {int} NOT NULL,
  source_id {int} NOT NULL,
  actor_type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  total {int} NOT NULL,
  updated {int} NOT NULL DEFAULT 0,
  unchanged {int} NOT NULL DEFAULT 0,
  created {int} NOT NULL DEFAULT 0,
  failed {int} NOT NULL DEFAULT 0,
  skipped {int} NOT NULL DEFAULT 0,
  next_row {int} NOT NULL,
  next_line {int} NOT NULL,
  next_offset {int} NOT NULL,
  lease_node {int},
  lease_epoch {int} NOT NULL DEFAULT 0,
  lease_until {int} NOT NULL DEFAULT 0,
  attempts {int} NOT NULL DEFAULT 0,
  cancel_requested {int} NOT NULL DEFAULT 0,
  error_code TEXT,
  error_message TEXT,
  created_at {int} NOT NULL,
  started_at {int},
  updated_at {int} NOT NULL,
  finished_at {int},
  expires_at {int},
  PRIMARY KEY (community_id, job_id)
){without_rowid};
CREATE INDEX bulk_jobs_open ON bulk_jobs (community_id, job_id) WHERE status IN ('queued', 'processing');
CREATE INDEX bulk_jobs_by_fingerprint ON bulk_jobs (community_id, fingerprint, job_id);
CREATE INDEX bulk_jobs_by_log_name ON bulk_jobs (community_id, log_name, job_id);

-- Where each applied chunk lies in the file and in the ledger. Its key is the second guard against applying a row twice.
CREATE TABLE bulk_chunks (
  community_id {int} NOT NULL,
  job_id {int} NOT NULL,
  first_row {int} NOT NULL,
  last_row {int} NOT NULL,
  line {int} NOT NULL,
  file_offset {int} NOT NULL,
  rows_before {int} NOT NULL,
  first_number {int} NOT NULL,
  last_number {int} NOT NULL,
  PRIMARY KEY (community_id, job_id, first_row)
){without_rowid};

-- Only rows whose outcome cannot be read back from the ledger and the histories: failed and created ones, and all rows of
-- a dry run.
CREATE TABLE bulk_rows (
  community_id {int} NOT NULL,
  job_id {int} NOT NULL,
  row_number {int} NOT NULL,
  line {int} NOT NULL,
  file_offset {int} NOT NULL,
  status {int} NOT NULL,
  member_id {int} NOT NULL,
  errors TEXT NOT NULL,
  changes TEXT NOT NULL,
  PRIMARY KEY (community_id, job_id, row_number)
){without_rowid};
