-- Analytics. The original's table says how a post does now, and when it is looked at next; the history says how it went.
-- What a platform does not tell is 0 in the original's columns and absent from `numbers`, which is what the core reads.
ALTER TABLE aurareels_social_analytics ADD COLUMN wp_user_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE aurareels_social_analytics ADD COLUMN social_account_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE aurareels_social_analytics ADD COLUMN platform TEXT NOT NULL DEFAULT '';
ALTER TABLE aurareels_social_analytics ADD COLUMN published_at INTEGER;
ALTER TABLE aurareels_social_analytics ADD COLUMN numbers TEXT NOT NULL DEFAULT '{}';          -- JSON, in common words
ALTER TABLE aurareels_social_analytics ADD COLUMN platform_numbers TEXT NOT NULL DEFAULT '{}'; -- JSON, as the platform names them
ALTER TABLE aurareels_social_analytics ADD COLUMN problem TEXT;                                -- JSON; why the last reading brought nothing
ALTER TABLE aurareels_social_analytics ADD COLUMN attempted_at INTEGER;                        -- the last reading, or why it was put off
ALTER TABLE aurareels_social_analytics ADD COLUMN not_shown_since INTEGER;                     -- the platform does not show the post
ALTER TABLE aurareels_social_analytics ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;         -- in a row
-- The next reading, or the end of a claim; NULL at rest.
ALTER TABLE aurareels_social_analytics ADD COLUMN next_sync_at INTEGER;
ALTER TABLE aurareels_social_analytics ADD COLUMN claim_token TEXT;
ALTER TABLE aurareels_social_analytics ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;            -- rises with every claim
CREATE INDEX aurareels_analytics_due ON aurareels_social_analytics (platform, next_sync_at, social_account_id) WHERE next_sync_at IS NOT NULL;
CREATE INDEX aurareels_analytics_due_of_account ON aurareels_social_analytics (social_account_id, next_sync_at, social_post_id) WHERE next_sync_at IS NOT NULL;
CREATE INDEX aurareels_analytics_of_user ON aurareels_social_analytics (wp_user_id, published_at, social_post_id);
CREATE INDEX aurareels_analytics_of_account ON aurareels_social_analytics (social_account_id, published_at, social_post_id);

-- A row for each reading that found other numbers than the one before. NULL: the platform does not tell.
CREATE TABLE aurareels_analytics_history (
  social_post_id INTEGER NOT NULL REFERENCES aurareels_social_posts (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  social_account_id INTEGER NOT NULL,
  views INTEGER,
  likes INTEGER,
  comments INTEGER,
  shares INTEGER,
  saves INTEGER,
  reach INTEGER,
  -- Since the reading before; NULL too on the first reading of a post that was live for long.
  views_gained INTEGER,
  likes_gained INTEGER,
  comments_gained INTEGER,
  shares_gained INTEGER,
  saves_gained INTEGER,
  reach_gained INTEGER,
  PRIMARY KEY (social_post_id, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX aurareels_history_of_account ON aurareels_analytics_history (social_account_id, at);

-- What is live already. Budgets spread it.
INSERT INTO aurareels_social_analytics (social_post_id, wp_user_id, social_account_id, platform, published_at, next_sync_at, created_at, updated_at)
  SELECT id, wp_user_id, social_account_id, platform, published_at, published_at, published_at, published_at
  FROM aurareels_social_posts WHERE status = 'published' AND id NOT IN (SELECT social_post_id FROM aurareels_social_analytics);
