-- Posts of the original plugin. The columns are explained in migrations/sqlite/0026_imported_posts.sql.
CREATE TABLE aurareels_imported_posts (
  row_key TEXT COLLATE "C" PRIMARY KEY,
  original_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL REFERENCES aurareels_social_posts (id) ON DELETE CASCADE,
  is_held SMALLINT NOT NULL CHECK (is_held IN (0, 1)),
  imported_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX aurareels_imported_posts_of_post ON aurareels_imported_posts (post_id);
