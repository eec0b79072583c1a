-- Which post of ours each post of a platform is. Every id is entered once, for all users' rows of the platform account.
CREATE TABLE aurareels_platform_posts (
  platform TEXT NOT NULL,
  account_id TEXT NOT NULL,                    -- the platform's id of the account
  platform_post_id TEXT NOT NULL,
  post_id INTEGER NOT NULL REFERENCES aurareels_social_posts (id) ON DELETE CASCADE,
  bound_by TEXT NOT NULL CHECK (bound_by IN ('answer', 'match', 'person')), -- answer: for our own handle; match: found in a list
  bound_at INTEGER NOT NULL,
  PRIMARY KEY (platform, account_id, platform_post_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX aurareels_platform_posts_of ON aurareels_platform_posts (post_id);
CREATE INDEX aurareels_platform_posts_bound ON aurareels_platform_posts (platform, account_id, bound_at);

-- Posts whose fate is open: a list may show any of them.
CREATE INDEX aurareels_open_posts ON aurareels_social_posts (social_account_id) WHERE status IN ('publishing', 'confirming', 'needs_review');

-- What the rows hold so far. `rank` 0: the platform's own answer told the id, 1: somebody said it, 2: a match in a list.
CREATE TABLE aurareels_claimed_ids AS
SELECT a.platform AS platform, a.account_id AS account_id, ids.value AS platform_post_id, p.id AS post_id,
       p.status AS status, COALESCE(p.published_at, p.updated_at) AS bound_at,
       CASE WHEN EXISTS (SELECT 1 FROM aurareels_post_steps s WHERE s.post_id = p.id AND s.attempt = p.attempt
                         AND s.class = 'point_of_no_return' AND s.outcome = 'accepted') THEN 0
            WHEN EXISTS (SELECT 1 FROM aurareels_post_steps s WHERE s.post_id = p.id
                         AND s.class = 'point_of_no_return' AND s.evidence LIKE '%"resolved_by_hand"%') THEN 1
            ELSE 2 END AS rank
FROM aurareels_social_posts p
JOIN aurareels_social_accounts a ON a.id = p.social_account_id
JOIN (SELECT id AS of_post, platform_post_id AS value FROM aurareels_social_posts WHERE platform_post_id IS NOT NULL
      UNION
      SELECT o.id, CAST(e.value AS TEXT) FROM aurareels_social_posts o, json_each(o.all_platform_post_ids) e
      WHERE o.all_platform_post_ids <> '[]') ids ON ids.of_post = p.id;
CREATE INDEX aurareels_claimed_ids_by_id ON aurareels_claimed_ids (platform, account_id, platform_post_id);

-- One platform post bound to several rows: it belongs to the one that the platform itself told it, if that is one alone.
CREATE TABLE aurareels_bound_twice AS
SELECT DISTINCT c.post_id AS post_id
FROM aurareels_claimed_ids c
JOIN (SELECT platform, account_id, platform_post_id FROM aurareels_claimed_ids
      GROUP BY platform, account_id, platform_post_id
      HAVING COUNT(DISTINCT post_id) > 1) twice
  ON twice.platform = c.platform AND twice.account_id = c.account_id AND twice.platform_post_id = c.platform_post_id
WHERE NOT (c.rank = 0 AND 1 = (SELECT COUNT(DISTINCT told.post_id) FROM aurareels_claimed_ids told
                               WHERE told.platform = c.platform AND told.account_id = c.account_id
                               AND told.platform_post_id = c.platform_post_id AND told.rank = 0));

INSERT INTO aurareels_platform_posts (platform, account_id, platform_post_id, post_id, bound_by, bound_at)
SELECT platform, account_id, platform_post_id, MIN(post_id),
       CASE MIN(rank) WHEN 0 THEN 'answer' WHEN 1 THEN 'person' ELSE 'match' END, MIN(bound_at)
FROM aurareels_claimed_ids WHERE post_id NOT IN (SELECT post_id FROM aurareels_bound_twice)
GROUP BY platform, account_id, platform_post_id;

-- Nobody can tell what became of the others: a person decides. First the ledger: what a match had settled is open again.
UPDATE aurareels_post_steps SET outcome = 'no_effect'
WHERE class = 'read' AND step IN ('instagram.snapshot', 'instagram.permalink') AND outcome = 'accepted'
  AND post_id IN (SELECT p.id FROM aurareels_social_posts p WHERE p.id IN (SELECT post_id FROM aurareels_bound_twice)
                  AND p.attempt = aurareels_post_steps.attempt)
  AND number > (SELECT MAX(s.number) FROM aurareels_post_steps s WHERE s.post_id = aurareels_post_steps.post_id
                AND s.attempt = aurareels_post_steps.attempt AND s.class = 'point_of_no_return');
UPDATE aurareels_post_steps SET outcome = 'unknown', evidence = json_set(evidence, '$.bound_twice', json('true'))
WHERE class = 'point_of_no_return' AND outcome IN ('found', 'absent')
  AND post_id IN (SELECT p.id FROM aurareels_social_posts p WHERE p.id IN (SELECT post_id FROM aurareels_bound_twice)
                  AND p.attempt = aurareels_post_steps.attempt)
  AND number = (SELECT MAX(s.number) FROM aurareels_post_steps s WHERE s.post_id = aurareels_post_steps.post_id
                AND s.attempt = aurareels_post_steps.attempt AND s.class = 'point_of_no_return'
                AND COALESCE(s.outcome, '') <> 'no_effect');

INSERT INTO aurareels_events (wp_user_id, kind, post_id, account_id, previous_status, status, reason, created_at)
SELECT wp_user_id, 'post.status_changed', id, social_account_id, status, 'needs_review', 'OUTCOME_UNKNOWN',
       CAST(strftime('%s', 'now') AS INTEGER) * 1000000
FROM aurareels_social_posts WHERE status = 'published' AND id IN (SELECT post_id FROM aurareels_bound_twice) ORDER BY id;
UPDATE aurareels_social_posts SET
  error_message = 'the platform post ' || COALESCE(platform_post_id, '') || ' was bound to another post of this core too',
  error = json_object('class', json_object('class', 'permanent'), 'reason', 'OUTCOME_UNKNOWN', 'rule', '', 'message',
    'the platform post ' || COALESCE(platform_post_id, '') || ' was bound to another post of this core too', 'remediation',
    'look at the account, then say by ResolvePost whether the post is there; RetryPost works after that'),
  platform_post_id = NULL, platform_post_url = NULL, all_platform_post_ids = '[]',
  published_at = CASE WHEN status = 'published' THEN NULL ELSE published_at END,
  status_since = CASE WHEN status = 'published' THEN CAST(strftime('%s', 'now') AS INTEGER) * 1000000 ELSE status_since END,
  waiting_for = CASE WHEN status = 'published' THEN NULL ELSE waiting_for END,
  next_step_at = CASE WHEN status = 'published' THEN NULL ELSE next_step_at END,
  claim_token = CASE WHEN status = 'published' THEN NULL ELSE claim_token END,
  claim_expires_at = CASE WHEN status = 'published' THEN NULL ELSE claim_expires_at END,
  fence = fence + CASE WHEN status = 'published' THEN 1 ELSE 0 END,
  status = CASE WHEN status = 'published' THEN 'needs_review' ELSE status END,
  revision = revision + 1
WHERE id IN (SELECT post_id FROM aurareels_bound_twice);

DROP TABLE aurareels_bound_twice;
DROP TABLE aurareels_claimed_ids;
