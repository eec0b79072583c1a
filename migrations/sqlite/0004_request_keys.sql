-- A video is what its file is, not its link. Rows of older cores have neither column: they are found by content_key, which
-- goes on being written by the older formula (URL without what seems to sign it), so that cores of both kinds find the
-- rows of each other.

ALTER TABLE aurareels_social_posts ADD COLUMN posted_key TEXT;  -- account, what the video is, caption, instant, as a hash
ALTER TABLE aurareels_social_posts ADD COLUMN url_key TEXT;     -- the same by the literal link and the time as given
CREATE INDEX aurareels_posted_key ON aurareels_social_posts (social_account_id, posted_key) WHERE posted_key IS NOT NULL;
CREATE INDEX aurareels_url_key ON aurareels_social_posts (social_account_id, url_key) WHERE url_key IS NOT NULL;

-- One content_key may stand for many videos (links that differ by their token alone); rows of older cores are looked for.
DROP INDEX aurareels_content_key;
CREATE INDEX aurareels_content_key ON aurareels_social_posts (social_account_id, content_key, posted_key) WHERE content_key IS NOT NULL;
