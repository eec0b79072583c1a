-- Webhooks: see migrations/sqlite/0020_webhooks.sql.
ALTER TABLE aurareels_webhook_endpoints
  ADD COLUMN description TEXT NOT NULL DEFAULT (''),
  ADD COLUMN platforms MEDIUMTEXT NOT NULL DEFAULT ('[]'),
  ADD COLUMN old_secret TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  ADD COLUMN old_secret_until DATETIME(6) DEFAULT NULL,
  ADD COLUMN events_after BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN disabled_reason VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  ADD COLUMN disabled_at DATETIME(6) DEFAULT NULL,
  ADD COLUMN failing_since DATETIME(6) DEFAULT NULL,
  ADD COLUMN failures INT NOT NULL DEFAULT 0,
  ADD COLUMN paused_until DATETIME(6) DEFAULT NULL,
  ADD COLUMN next_delivery_at DATETIME(6) DEFAULT NULL,
  ADD COLUMN deleted_at DATETIME(6) DEFAULT NULL,
  ADD KEY webhooks_due (next_delivery_at, id),
  ADD KEY webhooks_active (is_active, events_after),
  ADD KEY webhooks_deleted (deleted_at);

ALTER TABLE aurareels_events ADD COLUMN webhook_id BIGINT DEFAULT NULL;

CREATE TABLE IF NOT EXISTS aurareels_webhook_messages (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  webhook_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  event_sequence BIGINT DEFAULT NULL,
  event_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  post_id BIGINT DEFAULT NULL,
  account_id BIGINT DEFAULT NULL,
  body MEDIUMTEXT NOT NULL,
  created_at DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY message_of_event (event_sequence)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

DROP TABLE IF EXISTS aurareels_webhook_deliveries;

CREATE TABLE IF NOT EXISTS aurareels_webhook_deliveries (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  endpoint_id BIGINT UNSIGNED NOT NULL,
  message_id BIGINT UNSIGNED NOT NULL,
  subject VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
  next_attempt_at DATETIME(6) DEFAULT NULL,
  tries INT NOT NULL DEFAULT 0,
  tries_ever INT NOT NULL DEFAULT 0,
  tried_since DATETIME(6) DEFAULT NULL,
  claim_token VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  fence BIGINT NOT NULL DEFAULT 0,
  created_at DATETIME(6) NOT NULL,
  ended_at DATETIME(6) DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY delivery_once (message_id, endpoint_id),
  KEY delivery_due (endpoint_id, next_attempt_at, id),
  KEY delivery_order (endpoint_id, subject, id),
  KEY delivery_list (endpoint_id, id),
  KEY delivery_status (endpoint_id, status, id),
  FOREIGN KEY (endpoint_id) REFERENCES aurareels_webhook_endpoints (id) ON DELETE CASCADE,
  FOREIGN KEY (message_id) REFERENCES aurareels_webhook_messages (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE IF NOT EXISTS aurareels_webhook_tries (
  delivery_id BIGINT UNSIGNED NOT NULL,
  number INT NOT NULL,
  sent_at DATETIME(6) NOT NULL,
  duration_ms INT NOT NULL,
  status_code INT DEFAULT NULL,
  answer MEDIUMTEXT NOT NULL,
  error MEDIUMTEXT NOT NULL,
  PRIMARY KEY (delivery_id, number),
  FOREIGN KEY (delivery_id) REFERENCES aurareels_webhook_deliveries (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;
