-- Webhooks. The endpoints of 0001 get what sending needs; its deliveries, which no release has written, make way for
-- messages (one per event), deliveries (one per message and endpoint) and tries (one per request).
ALTER TABLE aurareels_webhook_endpoints ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE aurareels_webhook_endpoints ADD COLUMN platforms TEXT NOT NULL DEFAULT '[]'; -- JSON array; empty: all
ALTER TABLE aurareels_webhook_endpoints ADD COLUMN old_secret TEXT;                      -- sealed; signs as well until:
ALTER TABLE aurareels_webhook_endpoints ADD COLUMN old_secret_until INTEGER;
ALTER TABLE aurareels_webhook_endpoints ADD COLUMN events_after INTEGER NOT NULL DEFAULT 0; -- events up to here are not sent
ALTER TABLE aurareels_webhook_endpoints ADD COLUMN disabled_reason TEXT;                 -- OWNER, GONE, FAILING
ALTER TABLE aurareels_webhook_endpoints ADD COLUMN disabled_at INTEGER;
ALTER TABLE aurareels_webhook_endpoints ADD COLUMN failing_since INTEGER;                -- every try since then failed
ALTER TABLE aurareels_webhook_endpoints ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;  -- in a row
ALTER TABLE aurareels_webhook_endpoints ADD COLUMN paused_until INTEGER;                 -- it asked to be left alone (429, 503)
-- The earliest `next_attempt_at` of its deliveries, not before `paused_until`; NULL while it is off. Keeps endpoints apart:
-- what is due is looked for by endpoint, past those that have no room.
ALTER TABLE aurareels_webhook_endpoints ADD COLUMN next_delivery_at INTEGER;
ALTER TABLE aurareels_webhook_endpoints ADD COLUMN deleted_at INTEGER;                   -- its rows are being removed
CREATE INDEX aurareels_webhooks_due ON aurareels_webhook_endpoints (next_delivery_at, id) WHERE next_delivery_at IS NOT NULL;
CREATE INDEX aurareels_webhooks_active ON aurareels_webhook_endpoints (events_after) WHERE is_active = 1;
CREATE INDEX aurareels_webhooks_deleted ON aurareels_webhook_endpoints (deleted_at) WHERE deleted_at IS NOT NULL;

-- The endpoint that an event is about.
ALTER TABLE aurareels_events ADD COLUMN webhook_id INTEGER;

DROP TABLE aurareels_webhook_deliveries;

CREATE TABLE aurareels_webhook_messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook_id TEXT NOT NULL,                    -- the header of every try: random, the same for ever
  event_sequence INTEGER,                      -- NULL: a test event
  event_type TEXT NOT NULL,
  post_id INTEGER,
  account_id INTEGER,
  body TEXT NOT NULL,                          -- the JSON that is sent
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX aurareels_message_of_event ON aurareels_webhook_messages (event_sequence) WHERE event_sequence IS NOT NULL;

-- Ids rise in the order of the events.
CREATE TABLE aurareels_webhook_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  endpoint_id INTEGER NOT NULL REFERENCES aurareels_webhook_endpoints (id) ON DELETE CASCADE,
  message_id INTEGER NOT NULL REFERENCES aurareels_webhook_messages (id) ON DELETE CASCADE,
  subject TEXT NOT NULL,                       -- 'post/7': what is sent in order; empty: in no order
  status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
  next_attempt_at INTEGER,                     -- the next try, or the end of the claim; NULL: an earlier one of its subject is pending, or at rest
  tries INTEGER NOT NULL DEFAULT 0,            -- since it was made or asked for again
  tries_ever INTEGER NOT NULL DEFAULT 0,
  tried_since INTEGER,                         -- the first of `tries`
  claim_token TEXT,
  fence INTEGER NOT NULL DEFAULT 0,            -- rises with every claim
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX aurareels_delivery_once ON aurareels_webhook_deliveries (message_id, endpoint_id);
CREATE INDEX aurareels_delivery_due ON aurareels_webhook_deliveries (endpoint_id, next_attempt_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX aurareels_delivery_order ON aurareels_webhook_deliveries (endpoint_id, subject, id) WHERE status = 'pending';
CREATE INDEX aurareels_delivery_list ON aurareels_webhook_deliveries (endpoint_id, id);
CREATE INDEX aurareels_delivery_status ON aurareels_webhook_deliveries (endpoint_id, status, id);

CREATE TABLE aurareels_webhook_tries (
  delivery_id INTEGER NOT NULL REFERENCES aurareels_webhook_deliveries (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  sent_at INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  status_code INTEGER,                         -- NULL: no answer
  answer TEXT NOT NULL,                        -- the beginning of the body
  error TEXT NOT NULL,
  PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;
