-- Removed posts: see migrations/sqlite/0023_removed_posts.sql.
CREATE TABLE aurareels_removed_posts (
  post_id BIGINT PRIMARY KEY,
  wp_user_id BIGINT NOT NULL,
  social_account_id BIGINT NOT NULL,
  status TEXT COLLATE "C" NOT NULL,
  request_key TEXT COLLATE "C",
  removed_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX aurareels_removed_keys ON aurareels_removed_posts (social_account_id, request_key) WHERE request_key IS NOT NULL;

CREATE TABLE aurareels_removed_platform_posts (
  platform TEXT COLLATE "C" NOT NULL,
  account_id TEXT COLLATE "C" NOT NULL,
  platform_post_id TEXT COLLATE "C" NOT NULL,
  post_id BIGINT NOT NULL,
  wp_user_id BIGINT NOT NULL,
  bound_by TEXT COLLATE "C" NOT NULL,
  bound_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (platform, account_id, platform_post_id)
);
CREATE INDEX aurareels_removed_bound ON aurareels_removed_platform_posts (platform, account_id, bound_at);
