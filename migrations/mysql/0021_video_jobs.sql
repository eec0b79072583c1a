-- Video jobs. The columns are explained in migrations/sqlite/0021_video_jobs.sql.
CREATE TABLE IF NOT EXISTS aurareels_video_jobs (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  wp_user_id BIGINT UNSIGNED NOT NULL,
  video_job_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  video_url TEXT NOT NULL,
  media_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  thumbnail_url TEXT DEFAULT NULL,
  ai_metadata MEDIUMTEXT NOT NULL,
  transcription MEDIUMTEXT NOT NULL,
  created_at DATETIME(6) NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY video_job_once (wp_user_id, video_job_id),
  KEY video_jobs_of_user (wp_user_id, id),
  KEY video_jobs_of_media (wp_user_id, media_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
