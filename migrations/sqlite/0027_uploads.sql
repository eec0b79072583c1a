-- Resumable uploads (`media/files.rs`): unfinished ones with their file, finished ones for a day, so that a client that lost the
-- answer finds the media. How many bytes there are, the file itself says.
CREATE TABLE aurareels_uploads (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  wp_user_id INTEGER NOT NULL,
  upload_id TEXT NOT NULL,                     -- the client's name for it
  stored_as TEXT,                              -- the incomplete file in the data directory; NULL once finished
  size_bytes INTEGER NOT NULL,                 -- as announced
  sha256 TEXT NOT NULL DEFAULT '',             -- as announced, hex; empty if it was not
  media_id TEXT NOT NULL DEFAULT '',           -- what it became; empty while it is unfinished
  expires_at INTEGER NOT NULL                  -- when it is forgotten
) STRICT;
CREATE UNIQUE INDEX aurareels_user_upload ON aurareels_uploads (wp_user_id, upload_id);
CREATE UNIQUE INDEX aurareels_upload_file ON aurareels_uploads (stored_as) WHERE stored_as IS NOT NULL;
CREATE INDEX aurareels_unfinished_uploads ON aurareels_uploads (wp_user_id, expires_at) WHERE stored_as IS NOT NULL;
CREATE INDEX aurareels_upload_expiry ON aurareels_uploads (expires_at);
