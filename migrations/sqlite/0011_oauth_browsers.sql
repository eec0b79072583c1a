-- A login is bound to the browser that began it.
-- 1: it begins at the core's page and ends at the core's callback page, in one browser; 0: its client ends it by CompleteConnect.
ALTER TABLE aurareels_oauth_states ADD COLUMN at_page INTEGER;
-- SHA-256 of that browser's secret, hex: from the core's cookie once its page was confirmed, or as the client gave it.
ALTER TABLE aurareels_oauth_states ADD COLUMN browser_hash TEXT;
-- Makes the PKCE verifier together with the state; neither does alone.
ALTER TABLE aurareels_oauth_states ADD COLUMN verifier_salt TEXT;
CREATE INDEX aurareels_oauth_states_of_user ON aurareels_oauth_states (wp_user_id, expires_at);
