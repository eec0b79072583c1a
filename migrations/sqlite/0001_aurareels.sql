-- The tables of AuraReels. Three keep the names and columns of the original MySQL design, without the wp_ prefix.
-- Every instant is an INTEGER: microseconds since 1970-01-01 UTC. Every JSON column is TEXT.

CREATE TABLE aurareels_social_accounts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  wp_user_id INTEGER NOT NULL,
  platform TEXT NOT NULL CHECK (platform IN ('tiktok', 'instagram', 'facebook', 'youtube')),
  account_id TEXT NOT NULL,                    -- the platform's id of the account
  account_name TEXT NOT NULL,
  account_username TEXT,
  account_email TEXT,
  profile_picture_url TEXT,
  access_token TEXT NOT NULL DEFAULT '',       -- sealed; empty once disconnected
  refresh_token TEXT,                          -- sealed
  token_expires_at INTEGER,                    -- NULL: no known end
  token_scope TEXT,                            -- granted scopes, comma separated
  is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
  last_token_refresh INTEGER,
  metadata TEXT,                               -- JSON: what the platform told and its client needs
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  -- Added to the original:
  login_flavour TEXT NOT NULL,                 -- which of the platform's logins connected it
  grant_token TEXT,                            -- sealed; the token behind the access token (Facebook user token)
  grant_id TEXT,                               -- identity of the grant: rows that share it are revoked together
  refresh_token_expires_at INTEGER,
  token_lifetime_seconds INTEGER,              -- life of the access token when it was issued
  token_version INTEGER NOT NULL DEFAULT 1,    -- rises with every stored token
  token_format TEXT NOT NULL DEFAULT 'v1' CHECK (token_format IN ('v1', 'legacy')), -- legacy: imported from the original
  health TEXT NOT NULL DEFAULT 'ok' CHECK (health IN ('ok', 'expiring', 'needs_reconnect')),
  health_reason TEXT,
  refresh_claim_token TEXT,                    -- who refreshes now
  refresh_claim_expires_at INTEGER,
  refresh_started_at INTEGER,                  -- set before a refresh is sent, cleared with its stored answer
  refresh_due_at INTEGER,                      -- when an unused login is to be refreshed so that it does not end; NULL: never
  quota_blocked_until INTEGER                  -- posts wait until then: the platform refused one for quota
) STRICT;
CREATE UNIQUE INDEX aurareels_unique_platform_account ON aurareels_social_accounts (platform, account_id, wp_user_id);
CREATE INDEX aurareels_user_platform ON aurareels_social_accounts (wp_user_id, platform, id);
CREATE INDEX aurareels_user_accounts ON aurareels_social_accounts (wp_user_id, id);
CREATE INDEX aurareels_refresh_due ON aurareels_social_accounts (refresh_due_at) WHERE refresh_due_at IS NOT NULL;
CREATE INDEX aurareels_active_accounts ON aurareels_social_accounts (is_active, platform);
CREATE INDEX aurareels_account_grant ON aurareels_social_accounts (grant_id) WHERE grant_id IS NOT NULL;

CREATE TABLE aurareels_social_posts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  wp_user_id INTEGER NOT NULL,
  video_job_id TEXT NOT NULL DEFAULT '',
  social_account_id INTEGER NOT NULL REFERENCES aurareels_social_accounts (id) ON DELETE CASCADE,
  platform TEXT NOT NULL CHECK (platform IN ('tiktok', 'instagram', 'facebook', 'youtube')),
  status TEXT NOT NULL CHECK (status IN ('draft', 'scheduled', 'publishing', 'published', 'failed', 'cancelled',
                                         'confirming', 'needs_review', 'delivered')),
  scheduled_at INTEGER,                        -- NULL: at once
  published_at INTEGER,
  platform_post_id TEXT,                       -- never a publish_id or container id
  platform_post_url TEXT,
  video_url TEXT NOT NULL DEFAULT '',
  thumbnail_url TEXT,
  caption TEXT NOT NULL DEFAULT '',
  hashtags TEXT NOT NULL DEFAULT '[]',         -- JSON array
  mentions TEXT NOT NULL DEFAULT '[]',         -- JSON array
  location TEXT,
  privacy_level TEXT NOT NULL DEFAULT '',      -- as asked for; empty: none was given
  allow_comments INTEGER CHECK (allow_comments IN (0, 1)),
  allow_duet INTEGER CHECK (allow_duet IN (0, 1)),
  allow_stitch INTEGER CHECK (allow_stitch IN (0, 1)),
  error_message TEXT,
  retry_count INTEGER NOT NULL DEFAULT 0,
  last_retry_at INTEGER,
  metadata TEXT,                               -- JSON: the caller's own
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  -- Added to the original:
  media_id TEXT NOT NULL DEFAULT '',           -- an uploaded video, instead of video_url
  full_caption TEXT NOT NULL DEFAULT '',       -- the text that is sent
  options TEXT NOT NULL DEFAULT '{}',          -- JSON: options of the platform
  all_platform_post_ids TEXT NOT NULL DEFAULT '[]',
  warnings TEXT NOT NULL DEFAULT '[]',
  media_facts TEXT,                            -- JSON: what the media check measured
  error TEXT,                                  -- JSON: class, reason, rule, message, remediation
  automatic_retries INTEGER NOT NULL DEFAULT 0,
  list_at INTEGER NOT NULL,                    -- scheduled_at, else created_at: the order of lists
  request_key TEXT,                            -- unique per account; NULL once freed
  request_key_derived INTEGER NOT NULL DEFAULT 0 CHECK (request_key_derived IN (0, 1)),
  request_fingerprint TEXT,                    -- JSON: a short hash per field of the request, to name a field that differs
  content_key TEXT,                            -- what is posted, as a hash: two posts with the same one say the same
  scheduler TEXT NOT NULL DEFAULT 'core' CHECK (scheduler IN ('core', 'n8n')),
  handed_over_at INTEGER,                      -- the n8n workflow took the post for its present time
  late_policy_seconds INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 1,          -- rises only with proof that the one before cannot act any more
  waiting_for TEXT,
  next_step_at INTEGER,                        -- wants attention then: due, poll, retry, end of a claim; NULL at rest
  poll_count INTEGER NOT NULL DEFAULT 0,
  crash_count INTEGER NOT NULL DEFAULT 0,      -- claims in a row that ended without a written result
  status_since INTEGER NOT NULL,
  claim_token TEXT,
  claim_expires_at INTEGER,
  fence INTEGER NOT NULL DEFAULT 0,            -- rises with every claim; every ledger write carries it
  revision INTEGER NOT NULL DEFAULT 1,
  CHECK (status <> 'published' OR published_at IS NOT NULL),
  CHECK (status <> 'failed' OR error IS NOT NULL),
  CHECK (status <> 'scheduled' OR scheduled_at IS NOT NULL)
) STRICT;
CREATE INDEX aurareels_user_posts ON aurareels_social_posts (wp_user_id, status, list_at, id);
CREATE INDEX aurareels_user_times ON aurareels_social_posts (wp_user_id, list_at, id);
CREATE INDEX aurareels_scheduled_posts ON aurareels_social_posts (status, scheduled_at);
CREATE INDEX aurareels_video_job ON aurareels_social_posts (video_job_id) WHERE video_job_id <> '';
CREATE INDEX aurareels_social_account ON aurareels_social_posts (social_account_id, list_at, id);
CREATE INDEX aurareels_platform_status ON aurareels_social_posts (platform, status);
-- Publishing quotas: per account, and the core's own limit per user and platform.
CREATE INDEX aurareels_account_published ON aurareels_social_posts (social_account_id, published_at) WHERE published_at IS NOT NULL;
CREATE INDEX aurareels_user_published ON aurareels_social_posts (wp_user_id, platform, published_at) WHERE published_at IS NOT NULL;
CREATE UNIQUE INDEX aurareels_request_key ON aurareels_social_posts (social_account_id, request_key) WHERE request_key IS NOT NULL;
CREATE INDEX aurareels_content_key ON aurareels_social_posts (social_account_id, content_key) WHERE content_key IS NOT NULL;
CREATE INDEX aurareels_next_step ON aurareels_social_posts (next_step_at, id) WHERE next_step_at IS NOT NULL;

CREATE INDEX aurareels_claims ON aurareels_social_posts (claim_token) WHERE claim_token IS NOT NULL;

CREATE TABLE aurareels_social_analytics (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  social_post_id INTEGER NOT NULL REFERENCES aurareels_social_posts (id) ON DELETE CASCADE,
  views INTEGER NOT NULL DEFAULT 0,
  likes INTEGER NOT NULL DEFAULT 0,
  comments INTEGER NOT NULL DEFAULT 0,
  shares INTEGER NOT NULL DEFAULT 0,
  engagement_rate REAL,
  last_synced_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX aurareels_unique_post_analytics ON aurareels_social_analytics (social_post_id);

-- The ledger: a row is committed before its request leaves, and completed once. Nothing is ever removed.
CREATE TABLE aurareels_post_steps (
  post_id INTEGER NOT NULL REFERENCES aurareels_social_posts (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  step TEXT NOT NULL,
  class TEXT NOT NULL CHECK (class IN ('read', 'repeatable', 'resumable', 'point_of_no_return')),
  handle TEXT NOT NULL,                        -- sealed JSON: ids, upload URLs, offsets
  sent_at INTEGER NOT NULL,
  deadline_at INTEGER NOT NULL,                -- until when its request may still be under way
  outcome TEXT CHECK (outcome IN ('accepted', 'no_effect', 'unknown', 'found', 'absent')), -- NULL: sending
  answered_at INTEGER,
  evidence TEXT NOT NULL DEFAULT '{}',         -- JSON, for people; no secrets
  fence INTEGER NOT NULL,
  PRIMARY KEY (post_id, number)
) STRICT, WITHOUT ROWID;

-- The outbox: each change of state has its event, written in the same transaction. Sequences rise in commit order.
CREATE TABLE aurareels_events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  wp_user_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  post_id INTEGER,
  account_id INTEGER,
  previous_status TEXT,
  status TEXT,
  reason TEXT,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX aurareels_user_events ON aurareels_events (wp_user_id, sequence);

CREATE TABLE aurareels_api_keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  key_hash TEXT NOT NULL,                      -- SHA-256 of the key, hex; the key itself is shown once and never stored
  key_prefix TEXT NOT NULL,                    -- first characters, to tell keys apart
  scopes TEXT NOT NULL,                        -- comma separated: read, publish, admin
  wp_user_id INTEGER,                          -- NULL: any user, named in x-aurareels-user-id
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX aurareels_api_key_hash ON aurareels_api_keys (key_hash);

-- OAuth states: single use, ten minutes, bound to user and platform.
CREATE TABLE aurareels_oauth_states (
  state_hash TEXT PRIMARY KEY,                 -- SHA-256 of the state, hex
  wp_user_id INTEGER NOT NULL,
  platform TEXT NOT NULL,
  login_flavour TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  reconnect_account_id INTEGER,                -- set when this account is to be connected again
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX aurareels_oauth_state_expiry ON aurareels_oauth_states (expires_at);

-- Which encryption keys the rows of this database need.
CREATE TABLE aurareels_encryption_keys (
  key_id TEXT PRIMARY KEY,                     -- a fingerprint of the key
  check_value TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Single values: the position up to which events were removed.
CREATE TABLE aurareels_settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE aurareels_webhook_endpoints (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  wp_user_id INTEGER NOT NULL,
  url TEXT NOT NULL,
  secret TEXT NOT NULL,                        -- sealed
  kinds TEXT NOT NULL DEFAULT '[]',            -- JSON array of event kinds; empty: all
  is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX aurareels_user_webhooks ON aurareels_webhook_endpoints (wp_user_id, id);

CREATE TABLE aurareels_webhook_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  endpoint_id INTEGER NOT NULL REFERENCES aurareels_webhook_endpoints (id) ON DELETE CASCADE,
  event_sequence INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
  attempt INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER,
  last_status_code INTEGER,
  last_error TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX aurareels_delivery_once ON aurareels_webhook_deliveries (endpoint_id, event_sequence);
CREATE INDEX aurareels_delivery_due ON aurareels_webhook_deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
