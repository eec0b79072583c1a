//! Every setting there is: its name in the environment and its place in `aurareels.toml`. `aurareels.example.toml`
//! explains each of them; a test compares the two. A platform's settings stand in its description.

use crate::platform::{
    self,
    settings::{Setting, setting},
};

/// The settings that are no platform's.
const OWN: &[Setting] = &[
    setting("AURAREELS_LISTEN", "server", "listen"),
    setting("AURAREELS_PUBLIC_URL", "server", "public_url"),
    setting("AURAREELS_CORS_ORIGINS", "server", "cors_origins"),
    setting("AURAREELS_MCP", "server", "mcp"),
    setting("AURAREELS_MCP_HOSTS", "server", "mcp_hosts"),
    setting("AURAREELS_TLS_CERT", "server", "tls_cert"),
    setting("AURAREELS_TLS_KEY", "server", "tls_key"),
    setting("AURAREELS_IDLE_CONNECTION_SECONDS", "server", "idle_connection_seconds"),
    setting("AURAREELS_KEY_REQUESTS_PER_SECOND", "server", "key_requests_per_second"),
    setting("AURAREELS_KEY_UPLOADS", "server", "key_uploads"),
    setting("AURAREELS_EXTRA_CA_FILE", "server", "extra_ca_file"),
    setting("AURAREELS_LOG", "server", "log"),
    setting("AURAREELS_LOG_FORMAT", "server", "log_format"),
    setting("AURAREELS_DATA_DIR", "store", "data_dir"),
    setting("AURAREELS_DATABASE_URL", "store", "database_url"),
    setting("AURAREELS_TABLE_PREFIX", "store", "table_prefix"),
    setting("AURAREELS_SOCIAL_ENCRYPTION_KEY", "keys", "social_encryption_key"),
    setting("AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS", "keys", "social_encryption_old_keys"),
    setting("AURAREELS_JWT_SECRET", "auth", "jwt_secret"),
    setting("AURAREELS_JWT_PUBLIC_KEY", "auth", "jwt_public_key"),
    setting("AURAREELS_JWT_ISSUER", "auth", "jwt_issuer"),
    setting("AURAREELS_FRONTEND_URL", "oauth", "frontend_url"),
    setting("AURAREELS_REDIRECT_URIS", "oauth", "redirect_uris"),
    setting("AURAREELS_SCHEDULER", "scheduler", "scheduler"),
    setting("AURAREELS_LATE_POLICY_SECONDS", "scheduler", "late_policy_seconds"),
    setting("AURAREELS_N8N_GRACE_SECONDS", "scheduler", "n8n_grace_seconds"),
    setting("N8N_SCHEDULER_WEBHOOK", "scheduler", "n8n_scheduler_webhook"),
    setting("N8N_API_KEY", "scheduler", "n8n_api_key"),
    setting("AURAREELS_LEASE_SECONDS", "publishing", "lease_seconds"),
    setting("AURAREELS_MAX_RETRY_ATTEMPTS", "publishing", "max_retry_attempts"),
    setting("AURAREELS_RETRY_DELAY_SECONDS", "publishing", "retry_delay_seconds"),
    setting("AURAREELS_DAILY_POSTS_PER_USER", "publishing", "daily_posts_per_user"),
    setting("AURAREELS_PREPARE_LEAD_SECONDS", "publishing", "prepare_lead_seconds"),
    setting("AURAREELS_POLL_FIRST_SECONDS", "publishing", "poll_first_seconds"),
    setting("AURAREELS_REVIEW_AFTER_SECONDS", "publishing", "review_after_seconds"),
    setting("AURAREELS_CONCURRENCY", "publishing", "concurrency"),
    setting("AURAREELS_ANALYTICS", "analytics", "analytics"),
    setting("AURAREELS_AUDIT", "audit", "audit"),
    setting("AURAREELS_AUDIT_KEEP_DAYS", "audit", "keep_days"),
    setting("AURAREELS_KEEP_EVENTS_DAYS", "retention", "events_days"),
    setting("AURAREELS_KEEP_POSTS_DAYS", "retention", "posts_days"),
    setting("AURAREELS_KEEP_STEPS_DAYS", "retention", "steps_days"),
    setting("CLOUDFLARE_ACCOUNT_ID", "cloudflare", "account_id"),
    setting("CLOUDFLARE_API_TOKEN", "cloudflare", "api_token"),
    setting("CLOUDFLARE_STREAM_ACCESS", "cloudflare", "stream_access"),
    setting("CLOUDFLARE_API_BASE_URL", "cloudflare", "api_base_url"),
    setting("AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS", "media", "allow_private_media_hosts"),
    setting("AURAREELS_MEDIA_STORE", "media", "store"),
    setting("AWS_ENDPOINT_URL", "media", "aws_endpoint_url"),
    setting("AWS_REGION", "media", "aws_region"),
    setting("AWS_ACCESS_KEY_ID", "media", "aws_access_key_id"),
    setting("AWS_SECRET_ACCESS_KEY", "media", "aws_secret_access_key"),
    setting("AWS_SESSION_TOKEN", "media", "aws_session_token"),
    setting("AURAREELS_MEDIA_QUOTA_BYTES", "media", "quota_bytes"),
    setting("AURAREELS_MEDIA_MIN_FREE_BYTES", "media", "min_free_bytes"),
    setting("AURAREELS_MEDIA_UNUSED_SECONDS", "media", "unused_seconds"),
    setting("AURAREELS_MEDIA_DONE_SECONDS", "media", "done_seconds"),
    setting("AURAREELS_MEDIA_FAILED_SECONDS", "media", "failed_seconds"),
    setting("AURAREELS_MEDIA_IDLE_SECONDS", "media", "idle_seconds"),
];

/// Names of the environment that begin with `AURAREELS_` and belong to the command-line client, not to the core.
pub const CLIENT_NAMES: &[&str] = &["AURAREELS_ADDRESS", "AURAREELS_API_KEY", "AURAREELS_USER_ID", "AURAREELS_CONFIG"];

/// Every setting of the core: its own, and those of its platforms.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    let of_platforms = platform::ALL.iter().flat_map(|description| description.settings.iter().copied().flatten());
    // What several platforms read stands with each of them.
    let mut seen = std::collections::BTreeSet::new();
    OWN.iter().chain(of_platforms).filter(move |setting| seen.insert(setting.name))
}

/// The setting with this name in the environment.
pub fn by_name(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.name == name)
}
