-- Copies of videos. The column is explained in migrations/sqlite/0028_copies.sql.
ALTER TABLE aurareels_social_posts ADD COLUMN wants_copy SMALLINT NOT NULL DEFAULT 0 CHECK (wants_copy IN (0, 1));
