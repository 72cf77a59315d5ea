-- Sign-in, keys of every kind, moderation, mail.

-- What a person proves who he is with. Only accounts that have such things have a row; passwords are Argon2id texts, the
-- secret of the second factor has to be readable and is enciphered with the installation's key (access/vault.h).
CREATE TABLE account_credentials (
  account_id {int} NOT NULL PRIMARY KEY,
  password_hash TEXT,
  totp_secret {blob},
  totp_confirmed_at {int},
  totp_last_step {int} NOT NULL DEFAULT 0,
  recovery_hashes {blob},
  email_verified_at {int},
  pending_email TEXT,
  language TEXT NOT NULL DEFAULT 'en',
  changed_at {int} NOT NULL DEFAULT 0,
  delete_after {int}
){strict};

-- A password that a community gave its member: it opens that community alone.
CREATE TABLE community_passwords (
  community_id {int} NOT NULL,
  member_id {int} NOT NULL,
  password_hash TEXT NOT NULL,
  created_at {int} NOT NULL,
  PRIMARY KEY (community_id, member_id)
){without_rowid};

-- Registrations that nobody has verified yet: no account before the mailbox is proved.
CREATE TABLE registrations (
  email_key TEXT NOT NULL PRIMARY KEY,
  registration_id {int} NOT NULL,
  community_id {int} NOT NULL,
  account_id {int} NOT NULL,
  email TEXT NOT NULL,
  username TEXT NOT NULL,
  username_key TEXT NOT NULL,
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  display_name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  access_level {int},
  referral TEXT NOT NULL DEFAULT '',
  by_key {int} NOT NULL DEFAULT 0,
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL
){strict};

-- scope_id: the one community that the session sees, 0 for the whole installation. as_member: it opens what an ordinary
-- member may, whoever its holder is. label: what another system knows it by.
CREATE TABLE sessions (
  session_id {int} NOT NULL PRIMARY KEY,
  account_id {int} NOT NULL,
  scope_id {int} NOT NULL,
  refresh_hash {blob} NOT NULL,
  former_hash {blob},
  rotated_at {int} NOT NULL,
  device TEXT NOT NULL,
  remote_address TEXT NOT NULL,
  label TEXT NOT NULL DEFAULT '',
  as_member {int} NOT NULL DEFAULT 0,
  created_at {int} NOT NULL,
  last_used_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  ended_at {int}
){strict};
CREATE INDEX sessions_by_account ON sessions (account_id, session_id);
CREATE UNIQUE INDEX sessions_by_refresh ON sessions (refresh_hash);
CREATE INDEX sessions_by_former ON sessions (former_hash) WHERE former_hash IS NOT NULL;
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- Links and codes that count once. `facts` is JSON without secrets.
CREATE TABLE one_time_secrets (
  secret_id {int} NOT NULL PRIMARY KEY,
  purpose TEXT NOT NULL,
  subject TEXT NOT NULL,
  secret_hash {blob} NOT NULL,
  account_id {int} NOT NULL,
  community_id {int} NOT NULL,
  facts TEXT NOT NULL,
  attempts_left {int} NOT NULL,
  created_at {int} NOT NULL,
  expires_at {int} NOT NULL,
  used_at {int}
){strict};
CREATE UNIQUE INDEX one_time_secrets_by_hash ON one_time_secrets (secret_hash);
CREATE INDEX one_time_secrets_by_subject ON one_time_secrets (purpose, subject);
CREATE INDEX one_time_secrets_by_end ON one_time_secrets (expires_at);

-- Keys that sign user tokens. The newest one signs, all that are here verify. Enciphered like other readable secrets.
CREATE TABLE signing_keys (
  key_name TEXT NOT NULL PRIMARY KEY,
  secret {blob} NOT NULL,
  created_at {int} NOT NULL,
  retired_at {int}
){strict};

-- Failed attempts to sign in, counted by account and by address in windows of time.
CREATE TABLE sign_in_failures (
  subject TEXT NOT NULL,
  window_start {int} NOT NULL,
  failures {int} NOT NULL,
  PRIMARY KEY (subject, window_start)
){without_rowid};
CREATE INDEX sign_in_failures_by_time ON sign_in_failures (window_start);

-- Mails to be sent. No secret stands here: links and codes are drawn when a mail leaves.
CREATE TABLE mails (
  mail_id {int} NOT NULL PRIMARY KEY,
  community_id {int} NOT NULL,
  account_id {int} NOT NULL,
  recipient TEXT NOT NULL,
  template TEXT NOT NULL,
  language TEXT NOT NULL,
  facts TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'queued',
  attempts {int} NOT NULL DEFAULT 0,
  last_error TEXT NOT NULL DEFAULT '',
  next_attempt_at {int} NOT NULL,
  lease_until {int} NOT NULL DEFAULT 0,
  created_at {int} NOT NULL,
  ended_at {int}
){strict};
CREATE INDEX mails_waiting ON mails (next_attempt_at, mail_id) WHERE status = 'queued';

-- Community settings of sign-in. host: the name under which the community's own pages and secureAuth answer.
ALTER TABLE communities ADD COLUMN host TEXT;
ALTER TABLE communities ADD COLUMN open_registration {int} NOT NULL DEFAULT 0;
ALTER TABLE communities ADD COLUMN secure_auth_administrators {int} NOT NULL DEFAULT 0;
ALTER TABLE communities ADD COLUMN second_factor_required {int} NOT NULL DEFAULT 0;
ALTER TABLE communities ADD COLUMN mail_include_passwords {int} NOT NULL DEFAULT 0;
ALTER TABLE communities ADD COLUMN restore_days {int} NOT NULL DEFAULT 30;
CREATE UNIQUE INDEX communities_by_host ON communities (host) WHERE host IS NOT NULL;

ALTER TABLE memberships ADD COLUMN time_zone TEXT;
ALTER TABLE memberships ADD COLUMN hidden {int} NOT NULL DEFAULT 0;
ALTER TABLE memberships ADD COLUMN avatar TEXT;
ALTER TABLE memberships ADD COLUMN left_by_self {int} NOT NULL DEFAULT 0;
-- States that the present one stands over, as octal digits of state + 1, the latest one last: what a restored or pardoned
-- member goes back to.
ALTER TABLE memberships ADD COLUMN former_states {int} NOT NULL DEFAULT 0;
-- When the personal data of a deleted member was erased; the row stays, since a balance and its ledger do.
ALTER TABLE memberships ADD COLUMN erased_at {int};
CREATE INDEX memberships_to_erase ON memberships (deleted_at, community_id, member_id) WHERE deleted_at IS NOT NULL AND erased_at IS NULL;
-- Lists in the order of joining, and a person's communities.
CREATE INDEX memberships_by_joining ON memberships (community_id, joined_at, member_id);
CREATE INDEX memberships_by_member ON memberships (member_id, community_id);
-- Whether a stored picture is anybody's.
CREATE INDEX memberships_by_avatar ON memberships (avatar) WHERE avatar IS NOT NULL;
-- Who has a role or a tag.
CREATE INDEX member_roles_by_role ON member_roles (community_id, role_id, member_id);
CREATE INDEX member_tags_by_tag ON member_tags (community_id, tag_id, member_id);

CREATE TABLE access_levels (
  community_id {int} NOT NULL,
  level {int} NOT NULL,
  name TEXT NOT NULL,
  roles TEXT NOT NULL,
  created_at {int} NOT NULL,
  PRIMARY KEY (community_id, level)
){without_rowid};

-- Warnings, suspensions, bans and kicks; who lifted one, if anybody did.
CREATE TABLE misconduct_records (
  community_id {int} NOT NULL,
  record_id {int} NOT NULL,
  member_id {int} NOT NULL,
  action TEXT NOT NULL,
  reason TEXT NOT NULL,
  until_at {int},
  actor_type TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  created_at {int} NOT NULL,
  PRIMARY KEY (community_id, record_id)
){without_rowid};
CREATE INDEX misconduct_by_member ON misconduct_records (community_id, member_id, record_id);

-- Keys: those of users (account_id), what is allowed from where, and what a rotation left behind.
ALTER TABLE api_keys ADD COLUMN account_id {int} NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN channel_ids TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN allowed_ips TEXT NOT NULL DEFAULT '';
-- expires_at is the earlier of expire_date and expire_period days after period_from; a rotation's grace ends it sooner.
ALTER TABLE api_keys ADD COLUMN expire_period {int} NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN period_from {int} NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN expire_date {int};
ALTER TABLE api_keys ADD COLUMN is_active {int} NOT NULL DEFAULT 1;
ALTER TABLE api_keys ADD COLUMN replaced_by {int};
ALTER TABLE api_keys ADD COLUMN updated_at {int} NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN last_used_at {int};
CREATE INDEX api_keys_by_account ON api_keys (account_id, key_id) WHERE account_id <> 0;

-- Requests of a key in a window of time, added up by the nodes. Windows are removed when they are over.
CREATE TABLE key_usage (
  community_id {int} NOT NULL,
  key_id {int} NOT NULL,
  window_start {int} NOT NULL,
  requests {int} NOT NULL,
  PRIMARY KEY (community_id, key_id, window_start)
){without_rowid};
