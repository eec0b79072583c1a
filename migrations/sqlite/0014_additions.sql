-- A step may add something to a live post, a comment: the list of classes grows, and SQLite changes a CHECK by a new table.
CREATE TABLE aurareels_post_steps_new (
  post_id INTEGER NOT NULL REFERENCES aurareels_social_posts (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  step TEXT NOT NULL,
  class TEXT NOT NULL CHECK (class IN ('read', 'repeatable', 'resumable', 'point_of_no_return', 'addition')),
  handle TEXT NOT NULL,                        -- sealed JSON: ids, upload URLs, offsets
  sent_at INTEGER NOT NULL,
  deadline_at INTEGER NOT NULL,                -- until when its request may still be under way
  outcome TEXT CHECK (outcome IN ('accepted', 'no_effect', 'unknown', 'found', 'absent')), -- NULL: sending
  answered_at INTEGER,
  evidence TEXT NOT NULL DEFAULT '{}',         -- JSON, for people; no secrets
  fence INTEGER NOT NULL,
  PRIMARY KEY (post_id, number)
) STRICT, WITHOUT ROWID;
INSERT INTO aurareels_post_steps_new
SELECT post_id, number, attempt, step, class, handle, sent_at, deadline_at, outcome, answered_at, evidence, fence
FROM aurareels_post_steps;
DROP TABLE aurareels_post_steps;
ALTER TABLE aurareels_post_steps_new RENAME TO aurareels_post_steps;
