-- What is due is found per platform and past accounts that have no room, so that a platform or an account which takes long
-- holds up no other. A core of an older release goes on with the index it knows.
CREATE INDEX aurareels_platform_next_step ON aurareels_social_posts (platform, next_step_at, id, social_account_id) WHERE next_step_at IS NOT NULL;

-- When the next post of the account's backlog has its turn. NULL or past: at once.
ALTER TABLE aurareels_social_accounts ADD COLUMN backlog_turn_at INTEGER;

-- Whether a key was revoked since the last look.
CREATE INDEX aurareels_api_key_revoked ON aurareels_api_keys (revoked_at) WHERE revoked_at IS NOT NULL;
