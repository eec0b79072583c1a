-- What is kept of posts that retention has removed, because it still protects: the platforms' ids that were theirs, and the
-- request keys that made them.
CREATE TABLE aurareels_removed_posts (
  post_id INTEGER PRIMARY KEY,
  wp_user_id INTEGER NOT NULL,
  social_account_id INTEGER NOT NULL,
  status TEXT NOT NULL,                        -- its last
  request_key TEXT,
  removed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX aurareels_removed_keys ON aurareels_removed_posts (social_account_id, request_key) WHERE request_key IS NOT NULL;

CREATE TABLE aurareels_removed_platform_posts (
  platform TEXT NOT NULL,
  account_id TEXT NOT NULL,
  platform_post_id TEXT NOT NULL,
  post_id INTEGER NOT NULL,
  wp_user_id INTEGER NOT NULL,
  bound_by TEXT NOT NULL,
  bound_at INTEGER NOT NULL,
  PRIMARY KEY (platform, account_id, platform_post_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX aurareels_removed_bound ON aurareels_removed_platform_posts (platform, account_id, bound_at);
