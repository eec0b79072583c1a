-- Analytics: see migrations/sqlite/0022_analytics.sql.
ALTER TABLE aurareels_social_analytics ADD COLUMN wp_user_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE aurareels_social_analytics ADD COLUMN social_account_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE aurareels_social_analytics ADD COLUMN platform TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE aurareels_social_analytics ADD COLUMN published_at TIMESTAMPTZ;
ALTER TABLE aurareels_social_analytics ADD COLUMN numbers TEXT NOT NULL DEFAULT '{}';
ALTER TABLE aurareels_social_analytics ADD COLUMN platform_numbers TEXT NOT NULL DEFAULT '{}';
ALTER TABLE aurareels_social_analytics ADD COLUMN problem TEXT;
ALTER TABLE aurareels_social_analytics ADD COLUMN attempted_at TIMESTAMPTZ;
ALTER TABLE aurareels_social_analytics ADD COLUMN not_shown_since TIMESTAMPTZ;
ALTER TABLE aurareels_social_analytics ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE aurareels_social_analytics ADD COLUMN next_sync_at TIMESTAMPTZ;
ALTER TABLE aurareels_social_analytics ADD COLUMN claim_token TEXT COLLATE "C";
ALTER TABLE aurareels_social_analytics ADD COLUMN fence BIGINT NOT NULL DEFAULT 0;
CREATE INDEX aurareels_analytics_due ON aurareels_social_analytics (platform, next_sync_at, social_account_id) WHERE next_sync_at IS NOT NULL;
CREATE INDEX aurareels_analytics_due_of_account ON aurareels_social_analytics (social_account_id, next_sync_at, social_post_id) WHERE next_sync_at IS NOT NULL;
CREATE INDEX aurareels_analytics_of_user ON aurareels_social_analytics (wp_user_id, published_at, social_post_id);
CREATE INDEX aurareels_analytics_of_account ON aurareels_social_analytics (social_account_id, published_at, social_post_id);

CREATE TABLE aurareels_analytics_history (
  social_post_id BIGINT NOT NULL REFERENCES aurareels_social_posts (id) ON DELETE CASCADE,
  at TIMESTAMPTZ NOT NULL,
  social_account_id BIGINT NOT NULL,
  views BIGINT,
  likes BIGINT,
  comments BIGINT,
  shares BIGINT,
  saves BIGINT,
  reach BIGINT,
  views_gained BIGINT,
  likes_gained BIGINT,
  comments_gained BIGINT,
  shares_gained BIGINT,
  saves_gained BIGINT,
  reach_gained BIGINT,
  PRIMARY KEY (social_post_id, at)
);
CREATE INDEX aurareels_history_of_account ON aurareels_analytics_history (social_account_id, at);

INSERT INTO aurareels_social_analytics (social_post_id, wp_user_id, social_account_id, platform, published_at, next_sync_at, created_at, updated_at)
  SELECT id, wp_user_id, social_account_id, platform, published_at, published_at, published_at, published_at
  FROM aurareels_social_posts WHERE status = 'published' AND id NOT IN (SELECT social_post_id FROM aurareels_social_analytics);
