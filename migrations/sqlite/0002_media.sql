-- Videos that callers uploaded, and copies that were kept of videos by URL. The bytes are files of the data directory.

CREATE TABLE aurareels_media (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  wp_user_id INTEGER NOT NULL,
  media_id TEXT NOT NULL,                      -- SHA-256 of the file, hex: the same file of the same user is one row
  file_name TEXT NOT NULL DEFAULT '',          -- as the caller named it; for people only
  stored_as TEXT NOT NULL,                     -- name of the file in the data directory: random, never used twice
  size_bytes INTEGER NOT NULL,
  facts TEXT NOT NULL,                         -- JSON: what was measured
  pull_token TEXT NOT NULL,                    -- unguessable part of the address at which platforms fetch it
  uploaded_at INTEGER NOT NULL,                -- last time its bytes were sent
  look_at INTEGER                              -- when it may be due for removal; NULL: a post needs it
) STRICT;
CREATE UNIQUE INDEX aurareels_user_media_id ON aurareels_media (wp_user_id, media_id);
CREATE UNIQUE INDEX aurareels_media_file ON aurareels_media (stored_as);
CREATE UNIQUE INDEX aurareels_media_pull ON aurareels_media (pull_token);
-- Lists of a user, and the sum of his bytes.
CREATE INDEX aurareels_user_media ON aurareels_media (wp_user_id, id, size_bytes);
CREATE INDEX aurareels_media_look ON aurareels_media (look_at) WHERE look_at IS NOT NULL;

-- Which posts use an upload.
CREATE INDEX aurareels_media_posts ON aurareels_social_posts (wp_user_id, media_id, status, status_since, scheduled_at) WHERE media_id <> '';
