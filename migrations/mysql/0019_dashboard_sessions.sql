-- The dashboard: links that log in, sessions, and looking for posts by words. The columns are explained in
-- migrations/sqlite/0019_dashboard_sessions.sql.
CREATE TABLE IF NOT EXISTS aurareels_dashboard_links (
  secret_hash VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  wp_user_id BIGINT UNSIGNED NOT NULL,
  created_at DATETIME(6) NOT NULL,
  expires_at DATETIME(6) NOT NULL,
  PRIMARY KEY (secret_hash),
  KEY dashboard_link_expiry (expires_at),
  KEY dashboard_links_of_user (wp_user_id, created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_dashboard_sessions (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  secret_hash VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  wp_user_id BIGINT UNSIGNED NOT NULL,
  user_agent VARCHAR(255) NOT NULL DEFAULT '',
  created_at DATETIME(6) NOT NULL,
  last_used_at DATETIME(6) NOT NULL,
  idle_at DATETIME(6) NOT NULL,
  expires_at DATETIME(6) NOT NULL,
  ended_at DATETIME(6) DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY dashboard_session_secret (secret_hash),
  KEY dashboard_sessions_of_user (wp_user_id, last_used_at),
  KEY dashboard_session_idle (idle_at),
  KEY dashboard_session_ended (ended_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

ALTER TABLE aurareels_social_posts ADD COLUMN search_text MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT ('');
ALTER TABLE aurareels_social_posts ADD COLUMN is_searchable TINYINT(1) NOT NULL DEFAULT 0 CHECK (is_searchable IN (0, 1));
ALTER TABLE aurareels_social_posts ADD KEY not_searchable (is_searchable, id);
