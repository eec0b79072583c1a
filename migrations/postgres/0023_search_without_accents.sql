-- What posts are found by is written anew, without accents: within minutes, by the core that runs then. A post that a core of
-- the release before writes meanwhile keeps its accents there until it is edited.
UPDATE aurareels_social_posts SET is_searchable = 0 WHERE is_searchable = 1;
