-- Removed posts: see migrations/sqlite/0023_removed_posts.sql.
CREATE TABLE IF NOT EXISTS aurareels_removed_posts (
  post_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  wp_user_id BIGINT UNSIGNED NOT NULL,
  social_account_id BIGINT UNSIGNED NOT NULL,
  status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  request_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  removed_at DATETIME(6) NOT NULL,
  KEY removed_keys (social_account_id, request_key)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_removed_platform_posts (
  platform VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  account_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  platform_post_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  post_id BIGINT UNSIGNED NOT NULL,
  wp_user_id BIGINT UNSIGNED NOT NULL,
  bound_by VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  bound_at DATETIME(6) NOT NULL,
  PRIMARY KEY (platform, account_id, platform_post_id),
  KEY removed_bound (platform, account_id, bound_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
