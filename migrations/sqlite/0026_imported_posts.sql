-- Which posts of the original WordPress plugin are here (`aurareels import wordpress`). A row of the original is known by what
-- it is, not by where it was read: the same rows in a copy of its database are the same posts.
CREATE TABLE aurareels_imported_posts (
  row_key TEXT PRIMARY KEY NOT NULL,           -- SHA-256 of the original's id, owner, account, job and time of creation
  original_id INTEGER NOT NULL,                -- its id there, for people
  post_id INTEGER NOT NULL REFERENCES aurareels_social_posts (id) ON DELETE CASCADE,
  is_held INTEGER NOT NULL CHECK (is_held IN (0, 1)), -- 1: the original may still publish it; the post here is cancelled until then
  imported_at INTEGER NOT NULL
) STRICT;
CREATE INDEX aurareels_imported_posts_of_post ON aurareels_imported_posts (post_id);
