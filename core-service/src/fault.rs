//! Fault points: the places at which the crash suite stops, kills or upsets a core, one before and after each commit and
//! each request of the publishing path.
//!
//! Guaranteed: without `--cfg aurareels_fault`, which only the build script sets and only when
//! `AURAREELS_FAULT_BUILD=1`, [`point`] is empty and the binary holds none of this (`cargo xtask crash` looks for
//! [`MARKER`] in both builds). In a fault build nothing happens either unless the environment asks for it:
//!
//! | variable | what |
//! |---|---|
//! | `AURAREELS_FAULT` | `point[:context][#n]=kill\|stop\|panic`, several separated by `;`: at the n-th hit (1) of that point, `#*` at every one |
//! | `AURAREELS_FAULT_DICE` | `seed:life:kill:stop:panic`, chances in millionths: at every hit, by the dice ([`of_post`]) |
//! | `AURAREELS_FAULT_PATIENCE_MS` | the longest real time that an exchange may take |
//! | `AURAREELS_FAULT_TRACE` | a file that every hit is appended to, `point<TAB>context` |
//! | `AURAREELS_FAULT_CLOCK` | a file with the microseconds by which the core's clock is ahead of the system's; it is followed |
//!
//! `kill` is SIGKILL and `stop` SIGSTOP to this very process: nothing is flushed, dropped or unwound.
//!
//! A throw of the dice depends on the seed, the post, its claim's fence, the point, and how often this claim has passed
//! it: the same claim of the same post meets the same fate, in whichever process and order. What belongs to no post (the
//! renewal of claims, the inside of a transaction) throws by the process's life, which the environment numbers.

#[cfg(aurareels_fault)]
mod armed;

/// A context that costs nothing in other builds.
pub(crate) fn context(text: impl FnOnce() -> String) -> String {
    if cfg!(aurareels_fault) { text() } else { String::new() }
}

#[cfg(aurareels_fault)]
pub use armed::{follow_clock, of_post, patience, point};

/// Stands in the binary of a fault build and in no other.
#[cfg(aurareels_fault)]
pub const MARKER: &str = "aurareels-fault-points-are-armed";

/// Names of the environment that belong to fault builds, not to the settings.
pub const NAMES: &[&str] = if cfg!(aurareels_fault) {
    &[
        "AURAREELS_FAULT",
        "AURAREELS_FAULT_DICE",
        "AURAREELS_FAULT_PATIENCE_MS",
        "AURAREELS_FAULT_TRACE",
        "AURAREELS_FAULT_BUILD",
        "AURAREELS_FAULT_CLOCK",
    ]
} else {
    &[]
};

macro_rules! points {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// A place at which a core can be stopped.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FaultPoint {
            $($(#[$doc])* $variant,)*
        }

        impl FaultPoint {
            /// Every point.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in the environment and in traces.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

points! {
    /// Due posts are about to be claimed.
    ClaimBegins = "claim_begins",
    /// Some posts are claimed; no worker has them yet.
    Claimed = "claimed",
    /// A step is about to be recorded as sent. Context of this and the following: the step.
    StepRecordBegins = "step_record_begins",
    /// It is recorded; nothing has left.
    StepRecorded = "step_recorded",
    /// The exchange is about to begin. Between the ledger's commit and the socket.
    ExchangeBegins = "exchange_begins",
    /// The line of a visible request stands; its time is waited for.
    ConnectionOpened = "connection_opened",
    /// The claim was found to hold, right before the first byte.
    LeaseChecked = "lease_checked",
    /// A request is about to be handed to its connection.
    RequestLeaves = "request_leaves",
    /// The piece with a range's last byte is about to be handed to the connection.
    LastByteLeaves = "last_byte_leaves",
    /// It was handed over.
    LastByteLeft = "last_byte_left",
    /// The answer was read; nobody has judged it.
    AnswerArrived = "answer_arrived",
    /// The client has judged the exchange; nothing of it is stored.
    ExchangeEnds = "exchange_ends",
    /// What became of a step is about to be committed.
    OutcomeCommitBegins = "outcome_commit_begins",
    /// It is committed; nothing else was done.
    OutcomeCommitted = "outcome_committed",
    /// An unknown step is about to be looked for.
    ReconcileBegins = "reconcile_begins",
    /// It was looked for; the finding is not stored.
    ReconcileEnds = "reconcile_ends",
    /// A move of the status without a step is about to be committed. Context: the status before.
    MoveBegins = "move_begins",
    /// It is committed.
    Moved = "moved",
    /// Inside a transaction: the post's row is written, its event is not. Context: the status after.
    RowWritten = "row_written",
    /// Inside a transaction: the event is written, nothing is committed.
    EventWritten = "event_written",
    /// A post is about to be let go until later, or for good. Context: what it waits for.
    ReleaseBegins = "release_begins",
    /// It is let go.
    Released = "released",
    /// Something else about a post is about to be committed (what its video measures).
    NoteBegins = "note_begins",
    /// It is committed.
    Noted = "noted",
    /// The claims are about to be renewed.
    RenewBegins = "renew_begins",
    /// They are renewed.
    Renewed = "renewed",
    /// The right to refresh a token is about to be asked for.
    RefreshClaimBegins = "refresh_claim_begins",
    /// It was won.
    RefreshClaimed = "refresh_claimed",
    /// "Refresh started" is committed; nothing was sent.
    RefreshStarted = "refresh_started",
    /// The platform has answered the refresh; the new tokens are in memory alone.
    RefreshAnswered = "refresh_answered",
    /// The new tokens are committed.
    RefreshStored = "refresh_stored",
    /// The right to refresh is about to be given back without new tokens.
    RefreshReleaseBegins = "refresh_release_begins",
    /// It is given back.
    RefreshReleased = "refresh_released",
    /// The account's used-up quota is about to be noted.
    QuotaNoteBegins = "quota_note_begins",
    /// It is noted.
    QuotaNoted = "quota_noted",
    /// A post of a backlog is about to be put off.
    PostponeBegins = "postpone_begins",
    /// It was put off.
    Postponed = "postponed",
    /// Claims of workers that stopped are about to be taken away.
    AbandonBegins = "abandon_begins",
    /// They are taken away.
    Abandoned = "abandoned",
    /// Events are about to become webhook deliveries.
    WebhookFanOutBegins = "webhook_fan_out_begins",
    /// They have become some.
    WebhookFannedOut = "webhook_fanned_out",
    /// Webhook deliveries are about to be claimed.
    WebhookClaimBegins = "webhook_claim_begins",
    /// Some are claimed; nothing was sent.
    WebhookClaimed = "webhook_claimed",
    /// A webhook request is about to be made. Context of this and the following: the event's type.
    WebhookLeaves = "webhook_leaves",
    /// It was answered, or given up; nothing of that is stored.
    WebhookAnswered = "webhook_answered",
    /// What became of it is committed.
    WebhookSettled = "webhook_settled",
    /// At shutdown: all claims are about to be let go.
    ShutdownReleaseBegins = "shutdown_release_begins",
    /// They are let go.
    ShutdownReleased = "shutdown_released",
}

/// Nothing.
#[cfg(not(aurareels_fault))]
#[inline(always)]
pub fn point(_: FaultPoint, _: &str) {}

/// The time given.
#[cfg(not(aurareels_fault))]
#[inline(always)]
pub fn patience(time: std::time::Duration) -> std::time::Duration {
    time
}

/// Runs the work on a post; nothing else.
#[cfg(not(aurareels_fault))]
#[inline(always)]
pub fn of_post<F: Future>(_: &str, _: i64, work: F) -> F {
    work
}

/// Nothing.
#[cfg(not(aurareels_fault))]
#[inline(always)]
pub async fn follow_clock(_: &crate::clock::Clock) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_armed_only_in_a_fault_build() {
        let asked_for = option_env!("AURAREELS_FAULT_BUILD") == Some("1");
        assert_eq!(cfg!(aurareels_fault), asked_for);
        assert_eq!(NAMES.is_empty(), !asked_for);
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::HashSet<_> = FaultPoint::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), FaultPoint::ALL.len());
    }
}
