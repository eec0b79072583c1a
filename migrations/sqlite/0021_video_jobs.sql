-- Video jobs: videos that workflows made or took in, and what a language model says of them. Posts copy from a job when
-- they are made, and refer to it by its name alone.
CREATE TABLE aurareels_video_jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  wp_user_id INTEGER NOT NULL,
  video_job_id TEXT NOT NULL,                  -- as its maker names it; one per user
  video_url TEXT NOT NULL DEFAULT '',          -- at most one of video_url and media_id
  media_id TEXT NOT NULL DEFAULT '',           -- an upload, which is kept as long as a job names it
  thumbnail_url TEXT,
  ai_metadata TEXT NOT NULL,                   -- JSON: titles, description, hashtags
  transcription TEXT NOT NULL DEFAULT '',      -- apart: lists are read without it
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX aurareels_video_job_once ON aurareels_video_jobs (wp_user_id, video_job_id);
CREATE INDEX aurareels_video_jobs_of_user ON aurareels_video_jobs (wp_user_id, id);
CREATE INDEX aurareels_video_jobs_of_media ON aurareels_video_jobs (wp_user_id, media_id) WHERE media_id <> '';
