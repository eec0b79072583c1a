-- The tables of AuraReels on MySQL and MariaDB: the schema that migrations/sqlite makes up to 0014, and 0017. What the
-- columns are for stands there. The first three are the original's, with its names, types, indexes and cascades. What differs:
--   * DATETIME(6) instead of DATETIME: microseconds; texts of people that may be long are MEDIUMTEXT instead of TEXT;
--   * ENUMs have the new words at their end; tokens, ids and words compare by bytes (a video id differs by its case alone);
--   * no ON UPDATE CURRENT_TIMESTAMP: the core writes updated_at, and not with every claim;
--   * columns and indexes that were added stand behind those of the original.
-- Every statement can be run again after it was cut off. utf8mb4_bin is written for the collation of the server that
-- compares by bytes and counts trailing spaces: utf8mb4_nopad_bin on MariaDB, utf8mb4_0900_bin on MySQL.

CREATE TABLE IF NOT EXISTS aurareels_social_accounts (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  wp_user_id BIGINT UNSIGNED NOT NULL,
  platform ENUM('tiktok', 'instagram', 'facebook', 'youtube') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account_name VARCHAR(255) NOT NULL,
  account_username VARCHAR(255) DEFAULT NULL,
  account_email VARCHAR(255) DEFAULT NULL,
  profile_picture_url TEXT DEFAULT NULL,
  access_token TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT (''),
  refresh_token TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  token_expires_at DATETIME(6) DEFAULT NULL,
  token_scope TEXT DEFAULT NULL,
  is_active TINYINT(1) NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
  last_token_refresh DATETIME(6) DEFAULT NULL,
  metadata LONGTEXT DEFAULT NULL,
  created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  -- Added to the original:
  login_flavour VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  grant_token TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  grant_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  refresh_token_expires_at DATETIME(6) DEFAULT NULL,
  token_lifetime_seconds BIGINT DEFAULT NULL,
  token_version BIGINT NOT NULL DEFAULT 1,
  token_format VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'v1' CHECK (token_format IN ('v1', 'legacy')),
  health VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'ok' CHECK (health IN ('ok', 'expiring', 'needs_reconnect')),
  health_reason MEDIUMTEXT DEFAULT NULL,
  refresh_claim_token VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  refresh_claim_expires_at DATETIME(6) DEFAULT NULL,
  refresh_started_at DATETIME(6) DEFAULT NULL,
  refresh_due_at DATETIME(6) DEFAULT NULL,
  quota_blocked_until DATETIME(6) DEFAULT NULL,
  backlog_turn_at DATETIME(6) DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY unique_platform_account (platform, account_id, wp_user_id),
  KEY user_platform (wp_user_id, platform, id),
  KEY user_accounts (wp_user_id, id),
  KEY refresh_due (refresh_due_at),
  KEY active_accounts (is_active, platform),
  KEY account_grant (grant_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_social_posts (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  wp_user_id BIGINT UNSIGNED NOT NULL,
  video_job_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  social_account_id BIGINT UNSIGNED NOT NULL,
  platform ENUM('tiktok', 'instagram', 'facebook', 'youtube') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  status ENUM('draft', 'scheduled', 'publishing', 'published', 'failed', 'cancelled', 'confirming', 'needs_review', 'delivered') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'draft',
  scheduled_at DATETIME(6) DEFAULT NULL,
  published_at DATETIME(6) DEFAULT NULL,
  platform_post_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  platform_post_url TEXT DEFAULT NULL,
  video_url TEXT NOT NULL DEFAULT (''),
  thumbnail_url TEXT DEFAULT NULL,
  caption MEDIUMTEXT NOT NULL DEFAULT (''),
  hashtags TEXT NOT NULL DEFAULT ('[]'),
  mentions TEXT NOT NULL DEFAULT ('[]'),
  location VARCHAR(255) DEFAULT NULL,
  privacy_level VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  allow_comments TINYINT(1) DEFAULT NULL CHECK (allow_comments IN (0, 1)),
  allow_duet TINYINT(1) DEFAULT NULL CHECK (allow_duet IN (0, 1)),
  allow_stitch TINYINT(1) DEFAULT NULL CHECK (allow_stitch IN (0, 1)),
  error_message MEDIUMTEXT DEFAULT NULL,
  retry_count INT NOT NULL DEFAULT 0,
  last_retry_at DATETIME(6) DEFAULT NULL,
  metadata LONGTEXT DEFAULT NULL,
  created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  -- Added to the original:
  media_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  full_caption MEDIUMTEXT NOT NULL DEFAULT (''),
  options MEDIUMTEXT NOT NULL DEFAULT ('{}'),
  all_platform_post_ids MEDIUMTEXT NOT NULL DEFAULT ('[]'),
  warnings MEDIUMTEXT NOT NULL DEFAULT ('[]'),
  media_facts MEDIUMTEXT DEFAULT NULL,
  error MEDIUMTEXT DEFAULT NULL,
  automatic_retries INT NOT NULL DEFAULT 0,
  list_at DATETIME(6) NOT NULL,
  request_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  request_key_derived TINYINT(1) NOT NULL DEFAULT 0 CHECK (request_key_derived IN (0, 1)),
  request_fingerprint TEXT DEFAULT NULL,
  content_key VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  scheduler VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'core' CHECK (scheduler IN ('core', 'n8n')),
  handed_over_at DATETIME(6) DEFAULT NULL,
  late_policy_seconds BIGINT NOT NULL,
  attempt INT NOT NULL DEFAULT 1,
  waiting_for VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  next_step_at DATETIME(6) DEFAULT NULL,
  poll_count INT NOT NULL DEFAULT 0,
  crash_count INT NOT NULL DEFAULT 0,
  status_since DATETIME(6) NOT NULL,
  claim_token VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  claim_expires_at DATETIME(6) DEFAULT NULL,
  fence BIGINT NOT NULL DEFAULT 0,
  revision BIGINT NOT NULL DEFAULT 1,
  due_at DATETIME(6) DEFAULT NULL,
  read_failures INT NOT NULL DEFAULT 0,
  handover_failures INT NOT NULL DEFAULT 0,
  posted_key VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  url_key VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  look_since DATETIME(6) DEFAULT NULL,
  woken_at DATETIME(6) DEFAULT NULL,
  slot_at DATETIME(6) DEFAULT NULL,
  set_aside TEXT DEFAULT NULL,
  in_daily_queue TINYINT(1) NOT NULL DEFAULT 0 CHECK (in_daily_queue IN (0, 1)),
  PRIMARY KEY (id),
  KEY user_posts (wp_user_id, status, list_at, id),
  KEY user_times (wp_user_id, list_at, id),
  KEY scheduled_posts (status, scheduled_at),
  KEY video_job (video_job_id),
  KEY social_account (social_account_id, list_at, id),
  KEY platform_status (platform, status),
  KEY account_published (social_account_id, published_at),
  KEY user_published (wp_user_id, platform, published_at),
  UNIQUE KEY request_key (social_account_id, request_key),
  KEY content_key (social_account_id, content_key, posted_key),
  KEY posted_key (social_account_id, posted_key),
  KEY url_key (social_account_id, url_key),
  KEY next_step (next_step_at, id),
  KEY platform_next_step (platform, next_step_at, id, social_account_id),
  KEY claims (claim_token),
  KEY media_posts (wp_user_id, media_id, status, status_since, scheduled_at),
  KEY looked_up (social_account_id, look_since),
  KEY user_slots (wp_user_id, platform, slot_at),
  KEY daily_queue (wp_user_id, platform, waiting_for, list_at, id),
  KEY in_daily_queue (wp_user_id, platform, in_daily_queue, list_at, id),
  KEY set_aside (set_aside(16)),
  KEY open_posts (social_account_id, status),
  FOREIGN KEY (social_account_id) REFERENCES aurareels_social_accounts (id) ON DELETE CASCADE,
  CHECK (status <> 'published' OR published_at IS NOT NULL),
  CHECK (status <> 'failed' OR error IS NOT NULL),
  CHECK (status <> 'scheduled' OR scheduled_at IS NOT NULL)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_social_analytics (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  social_post_id BIGINT UNSIGNED NOT NULL,
  views BIGINT NOT NULL DEFAULT 0,
  likes BIGINT NOT NULL DEFAULT 0,
  comments BIGINT NOT NULL DEFAULT 0,
  shares BIGINT NOT NULL DEFAULT 0,
  engagement_rate DECIMAL(5,2) DEFAULT NULL,
  last_synced_at DATETIME(6) DEFAULT NULL,
  created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (id),
  UNIQUE KEY unique_post_analytics (social_post_id),
  FOREIGN KEY (social_post_id) REFERENCES aurareels_social_posts (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_post_steps (
  post_id BIGINT UNSIGNED NOT NULL,
  number INT NOT NULL,
  attempt INT NOT NULL,
  step VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  class VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (class IN ('read', 'repeatable', 'resumable', 'point_of_no_return', 'addition')),
  handle MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  sent_at DATETIME(6) NOT NULL,
  deadline_at DATETIME(6) NOT NULL,
  outcome VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (outcome IN ('accepted', 'no_effect', 'unknown', 'found', 'absent')),
  answered_at DATETIME(6) DEFAULT NULL,
  evidence MEDIUMTEXT NOT NULL DEFAULT ('{}'),
  fence BIGINT NOT NULL,
  PRIMARY KEY (post_id, number),
  FOREIGN KEY (post_id) REFERENCES aurareels_social_posts (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_events (
  sequence BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  wp_user_id BIGINT UNSIGNED NOT NULL,
  kind VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  post_id BIGINT UNSIGNED DEFAULT NULL,
  account_id BIGINT UNSIGNED DEFAULT NULL,
  previous_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  reason VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (sequence),
  KEY user_events (wp_user_id, sequence)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_api_keys (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  name VARCHAR(255) NOT NULL,
  key_hash VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  key_prefix VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  scopes VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  wp_user_id BIGINT UNSIGNED DEFAULT NULL,
  created_at DATETIME(6) NOT NULL,
  revoked_at DATETIME(6) DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY api_key_hash (key_hash),
  KEY api_key_revoked (revoked_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_oauth_states (
  state_hash VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  wp_user_id BIGINT UNSIGNED NOT NULL,
  platform VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  login_flavour VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  redirect_uri TEXT NOT NULL,
  reconnect_account_id BIGINT UNSIGNED DEFAULT NULL,
  created_at DATETIME(6) NOT NULL,
  expires_at DATETIME(6) NOT NULL,
  at_page TINYINT(1) DEFAULT NULL,
  browser_hash VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  verifier_salt VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  PRIMARY KEY (state_hash),
  KEY oauth_state_expiry (expires_at),
  KEY oauth_states_of_user (wp_user_id, expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_encryption_keys (
  key_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  check_value VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (key_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_settings (
  name VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  value MEDIUMTEXT NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_webhook_endpoints (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  wp_user_id BIGINT UNSIGNED NOT NULL,
  url TEXT NOT NULL,
  secret TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  kinds MEDIUMTEXT NOT NULL DEFAULT ('[]'),
  is_active TINYINT(1) NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
  created_at DATETIME(6) NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY user_webhooks (wp_user_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_webhook_deliveries (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  endpoint_id BIGINT UNSIGNED NOT NULL,
  event_sequence BIGINT NOT NULL,
  status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
  attempt INT NOT NULL DEFAULT 0,
  next_attempt_at DATETIME(6) DEFAULT NULL,
  last_status_code INT DEFAULT NULL,
  last_error MEDIUMTEXT DEFAULT NULL,
  created_at DATETIME(6) NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY delivery_once (endpoint_id, event_sequence),
  KEY delivery_due (next_attempt_at),
  FOREIGN KEY (endpoint_id) REFERENCES aurareels_webhook_endpoints (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_media (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  wp_user_id BIGINT UNSIGNED NOT NULL,
  media_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  file_name VARCHAR(255) NOT NULL DEFAULT '',
  stored_as VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  size_bytes BIGINT NOT NULL,
  facts MEDIUMTEXT NOT NULL,
  pull_token VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  uploaded_at DATETIME(6) NOT NULL,
  look_at DATETIME(6) DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY user_media_id (wp_user_id, media_id),
  UNIQUE KEY media_file (stored_as),
  UNIQUE KEY media_pull (pull_token),
  KEY user_media (wp_user_id, id, size_bytes),
  KEY media_look (look_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_lineages (
  number BIGINT NOT NULL,
  lineage VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  begun_at DATETIME(6) NOT NULL,
  backup_at DATETIME(6) DEFAULT NULL,
  kept_through BIGINT NOT NULL,
  events_from BIGINT NOT NULL,
  PRIMARY KEY (number),
  UNIQUE KEY lineage (lineage)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_platform_posts (
  platform VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  platform_post_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  post_id BIGINT UNSIGNED NOT NULL,
  bound_by VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (bound_by IN ('answer', 'match', 'person')),
  bound_at DATETIME(6) NOT NULL,
  PRIMARY KEY (platform, account_id, platform_post_id),
  KEY platform_posts_of (post_id),
  KEY platform_posts_bound (platform, account_id, bound_at),
  FOREIGN KEY (post_id) REFERENCES aurareels_social_posts (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_cores (
  token VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  name VARCHAR(255) NOT NULL,
  key_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  seen_at DATETIME(6) NOT NULL,
  asked_at DATETIME(6) DEFAULT NULL,
  answered_at DATETIME(6) DEFAULT NULL,
  PRIMARY KEY (token)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_app_budgets (
  platform VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  budget VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  day VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  used BIGINT NOT NULL,
  PRIMARY KEY (platform, budget, day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_wall_times (
  post_id BIGINT UNSIGNED NOT NULL,
  local_time VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  time_zone VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  scheduled_at DATETIME(6) NOT NULL,
  rules VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (post_id),
  KEY wall_times_by_rules (rules, post_id),
  FOREIGN KEY (post_id) REFERENCES aurareels_social_posts (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- The writers of all cores, each with the number of its last transaction: what says, after a COMMIT whose answer was lost,
-- whether it counted.
CREATE TABLE IF NOT EXISTS aurareels_writers (
  slot VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,           -- random, of one connection's owner
  number BIGINT NOT NULL,
  seen_at DATETIME(6) NOT NULL,
  PRIMARY KEY (slot),
  KEY writers_seen (seen_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Rows that are only locked: who writes events holds the row `events` until its commit.
CREATE TABLE IF NOT EXISTS aurareels_locks (
  name VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
INSERT IGNORE INTO aurareels_locks (name) VALUES ('events');
