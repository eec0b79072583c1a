//! Every refusal that the sheets know for the requests that make a post visible, so that a fault rule can give it, with
//! and without having acted: a refusal is what a platform says, not what it did.
//!
//! Meta's are the rows of the sheets, whatever request Meta lists them for: what a publish may answer is not documented.
//! TikTok's are §4.2 (an init) and §4.5 (a chunk), YouTube's §2.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fault::Action;
use crate::{meta, youtube};

/// One refusal.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The platform's own word: `190/463`, `403 spam_risk_too_many_posts`, `404`.
    pub name: String,
    /// HTTP status.
    pub status: u16,
    /// The body, where the platform sends one.
    pub body: Option<Value>,
}

impl Refusal {
    /// The answer of a fault rule; with `act` the platform carries the request out and says this all the same.
    pub fn answer(&self, act: bool) -> Action {
        Action::Answer { status: self.status, headers: BTreeMap::new(), body: self.body.clone(), act }
    }
}

/// HTTP status and code of an init that TikTok refuses.
const INIT: [(u16, &str); 12] = [
    (400, "invalid_param"),
    (400, "invalid_params"),
    (401, "access_token_invalid"),
    (401, "scope_not_authorized"),
    (403, "spam_risk_too_many_posts"),
    (403, "spam_risk_user_banned_from_posting"),
    (403, "reached_active_user_cap"),
    (403, "unaudited_client_can_only_post_to_private_accounts"),
    (403, "url_ownership_unverified"),
    (403, "privacy_level_option_mismatch"),
    (429, "rate_limit_exceeded"),
    (500, "internal_error"),
];

/// HTTP statuses of a chunk that TikTok refuses; 201 with fewer bytes than the video has is [`incomplete`].
const CHUNK: [u16; 6] = [400, 403, 404, 416, 500, 502];

/// The refusals of an operation, as the journal names it: `meta.media_publish`, `meta.reel_finish`, `tiktok.video_init`,
/// `tiktok.upload_last_chunk`, `youtube.videos_update`, `youtube.upload_last_chunk`; of others none are known.
pub fn refusals(operation: &str) -> Vec<Refusal> {
    match operation {
        "meta.media_publish" | "meta.reel_finish" => meta::refusals(),
        "youtube.videos_update" | "youtube.upload_last_chunk" => youtube::error::refusals(),
        "tiktok.video_init" => INIT
            .map(|(status, code)| {
                let error = json!({"code": code, "message": "As asked for.", "log_id": "202611290000000000000000000"});
                Refusal { name: format!("{status} {code}"), status, body: Some(json!({ "error": error })) }
            })
            .to_vec(),
        "tiktok.upload_last_chunk" => {
            CHUNK.map(|status| Refusal { name: status.to_string(), status, body: None }).to_vec()
        }
        _ => Vec::new(),
    }
}

/// TikTok's "all parts are in" for a last chunk that it did not take: the header says how much there is.
pub fn incomplete(uploaded: u64, total: u64) -> Action {
    let range = format!("bytes 0-{}/{total}", uploaded.saturating_sub(1));
    let headers = BTreeMap::from([("content-range".to_owned(), range)]);
    Action::Answer { status: 201, headers, body: None, act: false }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_refusal_has_its_own_name_and_no_answer_is_a_success() {
        for (operation, at_least) in [
            ("meta.media_publish", 45),
            ("meta.reel_finish", 45),
            ("tiktok.video_init", 12),
            ("tiktok.upload_last_chunk", 6),
            ("youtube.videos_update", 40),
            ("youtube.upload_last_chunk", 40),
        ] {
            let all = refusals(operation);
            assert!(all.len() >= at_least, "{operation}: {}", all.len());
            let names: HashSet<&str> = all.iter().map(|refusal| refusal.name.as_str()).collect();
            assert_eq!(names.len(), all.len(), "{operation}");
            assert!(all.iter().all(|refusal| refusal.status >= 400), "{operation}");
        }
        assert!(refusals("tiktok.status").is_empty());
    }

    #[test]
    fn an_upload_that_is_incomplete_says_how_much_there_is() {
        let Action::Answer { status, headers, act, .. } = incomplete(5_000_000, 12_000_000) else {
            panic!("no answer")
        };
        assert_eq!((status, act), (201, false));
        assert_eq!(headers["content-range"], "bytes 0-4999999/12000000");
    }
}
