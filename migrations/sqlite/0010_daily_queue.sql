-- Who has waited for a place in the daily limit keeps its place in the queue while it is prepared again. A core of an older
-- release neither sets nor reads it and may run beside: its posts queue when they look again.
ALTER TABLE aurareels_social_posts ADD COLUMN in_daily_queue INTEGER NOT NULL DEFAULT 0 CHECK (in_daily_queue IN (0, 1));
UPDATE aurareels_social_posts SET in_daily_queue = 1 WHERE waiting_for = 'daily_limit';
CREATE INDEX aurareels_in_daily_queue ON aurareels_social_posts (wp_user_id, platform, list_at, id) WHERE in_daily_queue = 1;
