-- The dashboard: links that log in, sessions, and looking for posts by words.

-- Links that log a browser in: once, for minutes. Using one removes it.
CREATE TABLE aurareels_dashboard_links (
  secret_hash TEXT PRIMARY KEY,                -- SHA-256 of the link's secret, hex; the secret itself is shown once and never stored
  wp_user_id INTEGER NOT NULL,                 -- whom it logs in
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX aurareels_dashboard_link_expiry ON aurareels_dashboard_links (expires_at);
CREATE INDEX aurareels_dashboard_links_of_user ON aurareels_dashboard_links (wp_user_id, created_at);

-- Browsers that are logged in. A row stays for a while after its session has ended, so that every core learns of it.
CREATE TABLE aurareels_dashboard_sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,        -- by which people name and end it; no secret
  secret_hash TEXT NOT NULL,                   -- SHA-256 of the cookie, hex
  wp_user_id INTEGER NOT NULL,
  user_agent TEXT NOT NULL DEFAULT '',         -- as the browser named itself, shortened: for the list of sessions
  created_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,               -- written at most once a minute
  idle_at INTEGER NOT NULL,                    -- ends then unless it is used: moves with last_used_at, never beyond expires_at
  expires_at INTEGER NOT NULL,                 -- ends then in any case
  ended_at INTEGER                             -- logged out, or revoked
) STRICT;
CREATE UNIQUE INDEX aurareels_dashboard_session_secret ON aurareels_dashboard_sessions (secret_hash);
CREATE INDEX aurareels_dashboard_sessions_of_user ON aurareels_dashboard_sessions (wp_user_id, last_used_at);
CREATE INDEX aurareels_dashboard_session_idle ON aurareels_dashboard_sessions (idle_at);
CREATE INDEX aurareels_dashboard_session_ended ON aurareels_dashboard_sessions (ended_at) WHERE ended_at IS NOT NULL;

-- What is looked through when somebody looks for words: caption, hashtags and titles, folded so that upper and lower case
-- are the same in every script.
ALTER TABLE aurareels_social_posts ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
-- 0: written by a core of an older release, without search_text; it is added within minutes.
ALTER TABLE aurareels_social_posts ADD COLUMN is_searchable INTEGER NOT NULL DEFAULT 0 CHECK (is_searchable IN (0, 1));
CREATE INDEX aurareels_not_searchable ON aurareels_social_posts (id) WHERE is_searchable = 0;
