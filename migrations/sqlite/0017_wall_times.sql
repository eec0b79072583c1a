-- The wall times at which posts were scheduled. The rules of time zones change; posts follow them until they fire.
-- A core of an older release moves posts without knowing of these rows: one whose `scheduled_at` differs from its post's
-- says nothing any more.
CREATE TABLE aurareels_wall_times (
  post_id INTEGER PRIMARY KEY REFERENCES aurareels_social_posts (id) ON DELETE CASCADE,
  local_time TEXT NOT NULL,                    -- 2026-12-25T18:00:00
  time_zone TEXT NOT NULL,                     -- America/Vancouver
  scheduled_at INTEGER NOT NULL,               -- the instant that it is by `rules`
  rules TEXT NOT NULL                          -- version of the tzdb: 2026f
) STRICT;
CREATE INDEX aurareels_wall_times_by_rules ON aurareels_wall_times (rules, post_id);
