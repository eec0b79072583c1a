-- Copies of videos (`keep_copy`) are made while their posts wait.
ALTER TABLE aurareels_social_posts ADD COLUMN wants_copy INTEGER NOT NULL DEFAULT 0 CHECK (wants_copy IN (0, 1)); -- 1: a copy is to be made first
