//! The pairs that may end without exactly one visible post, because the platform makes knowing impossible. Everything
//! here stands in docs/windows.md, with what the person sees. Every other pair must end published and visible once.

use aurareels_core::domain::{
    platform::Platform,
    post::{Post, Status},
};

use crate::mode::{Mode, Upload};

/// A named window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Window {
    /// TikTok PULL_FROM_URL: the answer to the init took the publish id with it.
    LostPublishId,
    /// The platform rotated the refresh token and its answer was lost: the owner has to connect again.
    LostRotation,
}

impl Window {
    /// Its name in docs/windows.md.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LostPublishId => "lost-publish-id",
            Self::LostRotation => "lost-rotation",
        }
    }
}

/// Points between the ledger's commit of a request and the commit of its answer. Inside a transaction a point knows the
/// post's status only.
const OPEN: [&str; 10] = [
    "step_recorded",
    "exchange_begins",
    "connection_opened",
    "lease_checked",
    "request_leaves",
    "answer_arrived",
    "exchange_ends",
    "outcome_commit_begins",
    "row_written",
    "event_written",
];

/// The window that a post's ending may be explained by, if the pair belongs to one.
pub(crate) fn explains(mode: Mode, point: &str, context: &str, post: &Post, visible: usize) -> Option<Window> {
    let of_pull = mode.upload == Upload::TiktokPull
        && OPEN.contains(&point)
        && matches!(context, "tiktok.video_init_pull" | "publishing");
    if of_pull && post.status == Status::NeedsReview {
        return Some(Window::LostPublishId);
    }
    let reconnect = post.error.as_ref().is_some_and(|error| error.reason.as_str() == "ACCOUNT_NEEDS_RECONNECT");
    let after_rotation = point == "refresh_answered" || (point == "answer_arrived" && context == "refresh");
    if after_rotation && post.status == Status::Failed && reconnect && visible == 0 {
        return Some(Window::LostRotation);
    }
    None
}

/// Points that are not passed by an undisturbed post of a mode, and where they are tried instead. A point that is neither
/// passed nor named here fails the suite, and so does one that is named here and passed.
pub(crate) fn not_passed(mode: Mode, point: &str) -> Option<&'static str> {
    let refreshes = mode.scheduled && mode.upload.refresh().is_some();
    // Instagram's upload has a hand of its own.
    let hands_over = matches!(
        mode.upload,
        Upload::TiktokSingle
            | Upload::TiktokMulti
            | Upload::PageBytes
            | Upload::YoutubeTwoSteps
            | Upload::YoutubeOneStep
    );
    let link_comes_later = matches!(mode.upload.platform(), Platform::Instagram | Platform::Facebook);
    match point {
        "reconcile_begins" | "reconcile_ends" => Some("only after a loss: tried by killing the second core too"),
        "renew_begins" | "renewed" => Some("claims last longer than a fast run: tried by the renewal scenarios"),
        "refresh_claim_begins" | "refresh_claimed" | "refresh_started" | "refresh_answered" | "refresh_stored"
            if !refreshes =>
        {
            Some("the login needs no refresh before this post")
        }
        "refresh_release_begins" | "refresh_released" => {
            Some("only when a refresh brings nothing: tried by the refused-refresh scenario")
        }
        "last_byte_leaves" | "last_byte_left" if !hands_over => {
            Some("the platform fetches the video, or the upload has no last piece of its own")
        }
        // Meta's links come after the post; those of TikTok and YouTube are there with it.
        "note_begins" | "noted" if !link_comes_later => {
            Some("only when the video measures differently: tried by the changed-video scenario")
        }
        "quota_note_begins" | "quota_noted" => Some("only when a quota is used up: tried by the quota scenario"),
        "postpone_begins" | "postponed" => Some("only in a backlog: tried by the backlog scenario"),
        "abandon_begins" | "abandoned" => Some("only after a worker stopped: tried by the panic scenarios"),
        "shutdown_release_begins" | "shutdown_released" => Some("only at SIGTERM: tried by the shutdown scenarios"),
        webhook if webhook.starts_with("webhook_") => Some("nobody has an endpoint: tried by the webhook scenarios"),
        _ => None,
    }
}
