-- Posts of the original plugin. The columns are explained in migrations/sqlite/0026_imported_posts.sql.
CREATE TABLE IF NOT EXISTS aurareels_imported_posts (
  row_key VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  original_id BIGINT UNSIGNED NOT NULL,
  post_id BIGINT UNSIGNED NOT NULL,
  is_held TINYINT(1) NOT NULL CHECK (is_held IN (0, 1)),
  imported_at DATETIME(6) NOT NULL,
  PRIMARY KEY (row_key),
  KEY imported_posts_of_post (post_id),
  FOREIGN KEY (post_id) REFERENCES aurareels_social_posts (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
