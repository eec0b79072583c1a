-- When a post may be visible, and failures in a row of what is no retry.

-- The earliest instant of the visible request, set when the post begins (by its time, by hand, or as it is created).
-- NULL: it has not begun, then scheduled_at says it; or an older core began it, then the engine concludes it as below.
ALTER TABLE aurareels_social_posts ADD COLUMN due_at INTEGER;

-- Reads in a row that failed. Any read that succeeds sets it back.
ALTER TABLE aurareels_social_posts ADD COLUMN read_failures INTEGER NOT NULL DEFAULT 0;

-- Calls in a row of the n8n webhook that failed for the post's present time.
ALTER TABLE aurareels_social_posts ADD COLUMN handover_failures INTEGER NOT NULL DEFAULT 0;

-- Posts that have begun. Older cores recorded a visible request up to 21 seconds before its time, as sent at that time;
-- a post that was published by hand began when its status did.
UPDATE aurareels_social_posts SET due_at = CASE
    WHEN scheduled_at > status_since AND (scheduled_at <= status_since + 21000000 OR EXISTS (
           SELECT 1 FROM aurareels_post_steps s WHERE s.post_id = aurareels_social_posts.id
           AND s.class = 'point_of_no_return' AND s.sent_at = aurareels_social_posts.scheduled_at))
      THEN scheduled_at
    ELSE status_since END
  WHERE status = 'publishing';

-- Calls of the webhook were counted as looks until now.
UPDATE aurareels_social_posts SET handover_failures = poll_count, poll_count = 0
  WHERE status = 'scheduled' AND scheduler = 'n8n' AND handed_over_at IS NULL;
