-- Analytics: see migrations/sqlite/0022_analytics.sql.
ALTER TABLE aurareels_social_analytics
  ADD COLUMN wp_user_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN social_account_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
  ADD COLUMN platform VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  ADD COLUMN published_at DATETIME(6) DEFAULT NULL,
  ADD COLUMN numbers TEXT NOT NULL DEFAULT ('{}'),
  ADD COLUMN platform_numbers MEDIUMTEXT NOT NULL DEFAULT ('{}'),
  ADD COLUMN problem MEDIUMTEXT DEFAULT NULL,
  ADD COLUMN attempted_at DATETIME(6) DEFAULT NULL,
  ADD COLUMN not_shown_since DATETIME(6) DEFAULT NULL,
  ADD COLUMN failures INT NOT NULL DEFAULT 0,
  ADD COLUMN next_sync_at DATETIME(6) DEFAULT NULL,
  ADD COLUMN claim_token VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  ADD COLUMN fence BIGINT NOT NULL DEFAULT 0,
  ADD KEY analytics_due (platform, next_sync_at, social_account_id),
  ADD KEY analytics_due_of_account (social_account_id, next_sync_at, social_post_id),
  ADD KEY analytics_of_user (wp_user_id, published_at, social_post_id),
  ADD KEY analytics_of_account (social_account_id, published_at, social_post_id);

CREATE TABLE IF NOT EXISTS aurareels_analytics_history (
  social_post_id BIGINT UNSIGNED NOT NULL,
  at DATETIME(6) NOT NULL,
  social_account_id BIGINT UNSIGNED NOT NULL,
  views BIGINT DEFAULT NULL,
  likes BIGINT DEFAULT NULL,
  comments BIGINT DEFAULT NULL,
  shares BIGINT DEFAULT NULL,
  saves BIGINT DEFAULT NULL,
  reach BIGINT DEFAULT NULL,
  views_gained BIGINT DEFAULT NULL,
  likes_gained BIGINT DEFAULT NULL,
  comments_gained BIGINT DEFAULT NULL,
  shares_gained BIGINT DEFAULT NULL,
  saves_gained BIGINT DEFAULT NULL,
  reach_gained BIGINT DEFAULT NULL,
  PRIMARY KEY (social_post_id, at),
  KEY history_of_account (social_account_id, at),
  FOREIGN KEY (social_post_id) REFERENCES aurareels_social_posts (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

INSERT INTO aurareels_social_analytics (social_post_id, wp_user_id, social_account_id, platform, published_at, next_sync_at, created_at, updated_at)
  SELECT p.id, p.wp_user_id, p.social_account_id, p.platform, p.published_at, p.published_at, p.published_at, p.published_at
  FROM aurareels_social_posts p LEFT JOIN aurareels_social_analytics a ON a.social_post_id = p.id
  WHERE p.status = 'published' AND a.id IS NULL;
