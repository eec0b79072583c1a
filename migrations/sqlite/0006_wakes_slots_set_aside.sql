-- Three facts about a post that only the database can know, because several workers and callers meet there. A core of an
-- older release neither sets nor reads them and may run beside.

-- A wake-up for a post that is claimed at that moment: its release honours it. NULL: none since it was claimed. A mark
-- that an older core leaves behind costs one early look.
ALTER TABLE aurareels_social_posts ADD COLUMN woken_at INTEGER;

-- When the post took its place in the daily limit per user and platform: with the request that may have made it visible.
-- NULL: none, or proven absent.
ALTER TABLE aurareels_social_posts ADD COLUMN slot_at INTEGER;
CREATE INDEX aurareels_user_slots ON aurareels_social_posts (wp_user_id, platform, slot_at) WHERE slot_at IS NOT NULL;
-- Who waits for a place, in the order in which they get one.
CREATE INDEX aurareels_daily_queue ON aurareels_social_posts (wp_user_id, platform, list_at, id) WHERE waiting_for = 'daily_limit';
-- Published posts count by published_at; of the others those count that may be visible.
UPDATE aurareels_social_posts SET slot_at = (
  SELECT MAX(s.sent_at) FROM aurareels_post_steps s
  WHERE s.post_id = aurareels_social_posts.id AND s.attempt = aurareels_social_posts.attempt
    AND s.class = 'point_of_no_return' AND (s.outcome IS NULL OR s.outcome NOT IN ('no_effect', 'absent'))
) WHERE status IN ('publishing', 'confirming', 'needs_review', 'delivered');

-- Why the row cannot be read by this release (a word of a newer one, damage). Nobody claims it then, and its owner is
-- told; every start of a core tries it once more. NULL: readable.
ALTER TABLE aurareels_social_posts ADD COLUMN set_aside TEXT;
CREATE INDEX aurareels_set_aside ON aurareels_social_posts (set_aside) WHERE set_aside IS NOT NULL;
