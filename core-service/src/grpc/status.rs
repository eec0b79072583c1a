//! The only place where errors become gRPC statuses.
//!
//! Guaranteed: every status carries `ErrorInfo` (domain [`DOMAIN`], a reason of [`Reason`], which is API), and the
//! further details of the table below; nothing of a database, a platform's body or a secret is in it. What is
//! our own fault is logged here, once, and answered plainly.
//!
//! | situation | code | further details |
//! |---|---|---|
//! | malformed field, broken rule, reused request key, request over 1 MiB | `INVALID_ARGUMENT` | `BadRequest` |
//! | no such resource | `NOT_FOUND` | `ResourceInfo` |
//! | state forbids it, account must be reconnected | `FAILED_PRECONDITION` | `PreconditionFailure` |
//! | a concurrent change won | `ABORTED` | |
//! | our limit or the platform's | `RESOURCE_EXHAUSTED` | `QuotaFailure`, `RetryInfo` |
//! | database or platform away for a while | `UNAVAILABLE` | `RetryInfo` |
//! | events that are no longer kept | `OUT_OF_RANGE` | |
//! | the caller's key is bad, or not good for this | `UNAUTHENTICATED`, `PERMISSION_DENIED` | |
//! | no such RPC in this release | `UNIMPLEMENTED` | |
//! | our bug | `INTERNAL` | |

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};
use tracing::error;

use super::auth::{Denied, limits::OverLimit};
use crate::{
    app::{Broken, Error},
    clock::Clock,
    domain::failure::{Failure, FailureClass, Reason},
    store,
};

/// `ErrorInfo.domain` of every status.
pub(crate) const DOMAIN: &str = "aurareels";

/// When to come back after a passing trouble for which nobody named a time.
const SOON: Duration = Duration::from_secs(5);

/// Bytes that broken rules may take in a status. Details travel in one header, and common clients take 8 KiB of headers
/// in all; a request for many accounts can break hundreds of rules.
const ROOM: usize = 3000;

/// Longest message of a status, in bytes.
const MESSAGE: usize = 600;

/// For `map_err` in handlers.
pub(super) fn from_app(clock: &Clock) -> impl Fn(Error) -> Status + '_ {
    |error| status(error, clock.now())
}

/// The status of a failed use case.
pub(crate) fn status(error: Error, now: DateTime<Utc>) -> Status {
    let message = error.to_string();
    match error {
        Error::Invalid { reason, broken } => invalid(reason, &broken, message),
        Error::NotFound { reason, kind, id } => not_found(reason, kind, &id, message),
        Error::Precondition { reason, subject, message, remedy } => {
            precondition(reason, &subject, message, &remedy, [])
        }
        Error::Conflict { message } => build(Code::Aborted, message, info(Reason::ConcurrentChange, [])),
        Error::Exhausted { reason, subject, message, retry_at } => {
            exhausted(reason, &subject, message, retry_at, now, [])
        }
        Error::Unavailable { reason, message, retry_after } => unavailable(reason, message, retry_after, []),
        Error::PositionTooOld { oldest } => {
            let details = info(Reason::PositionTooOld, [("oldest_sequence", oldest.to_string())]);
            build(Code::OutOfRange, message, details)
        }
        // `oldest_sequence` is what clients go on from; those that begin one before it see an event twice, none too few.
        Error::PositionOfLostEvents { kept_through } => {
            let details = info(Reason::PositionOfLostEvents, [("oldest_sequence", kept_through.to_string())]);
            build(Code::OutOfRange, message, details)
        }
        Error::Platform(failure) => of_failure(failure, now),
        Error::Store(error) => of_store(error),
        Error::Internal(detail) => internal(&detail),
    }
}

fn invalid(reason: Reason, broken: &[Broken], message: String) -> Status {
    let reason = precise(reason, broken);
    let mut shown: Vec<FieldViolation> = Vec::new();
    let mut room = ROOM;
    for violation in broken.iter().map(field_violation) {
        room = room.saturating_sub(violation.field.len() + violation.description.len() + violation.reason.len() + 16);
        if room == 0 && !shown.is_empty() {
            break;
        }
        shown.push(violation);
    }
    let omitted = broken.len() - shown.len();
    let mut named = Vec::new();
    if let Some(Broken { account, violation }) = broken.first() {
        named.push(("rule", violation.rule.to_owned()));
        named.push(("field", violation.field.to_owned()));
        named.push(("measured", violation.measured.clone()));
        named.push(("limit", violation.limit.clone()));
        named.push(("remedy", violation.remedy.clone()));
        named.push(("account_id", account.map(|id| id.to_string()).unwrap_or_default()));
    }
    if omitted > 0 {
        named.push(("omitted", format!("{omitted} more; ValidatePosts lists all")));
    }
    let mut details = info(reason, named);
    details.set_bad_request(shown);
    build(Code::InvalidArgument, message, details)
}

/// The rule's own name as the reason where all broken rules are the same and it is one: `CAPTION_TOO_LONG` says more
/// than `RULE_VIOLATION`.
fn precise(reason: Reason, broken: &[Broken]) -> Reason {
    let Some(first) = broken.first().filter(|_| reason == Reason::RuleViolation) else { return reason };
    let all_same = broken.iter().all(|broken| broken.violation.rule == first.violation.rule);
    first.violation.rule.parse().ok().filter(|_| all_same).unwrap_or(reason)
}

fn field_violation(broken: &Broken) -> FieldViolation {
    let Broken { account, violation } = broken;
    let mut parts = vec![("rule", violation.rule.to_owned())];
    parts.push(("measured", shorten(violation.measured.clone(), 200)));
    parts.push(("limit", shorten(violation.limit.clone(), 300)));
    parts.push(("remedy", shorten(violation.remedy.clone(), 300)));
    parts.push(("account", account.map(|id| id.to_string()).unwrap_or_default()));
    let parts = parts.iter().filter(|(_, value)| !value.is_empty());
    let listed = parts.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ");
    let mut field =
        FieldViolation::new(violation.field, format!("{} ({listed})", shorten(violation.message.clone(), 500)));
    field.reason = violation.rule.to_owned();
    field
}

fn of_failure(failure: Failure, now: DateTime<Utc>) -> Status {
    let Failure { class, reason, rule, message, remediation } = failure;
    let named = [("rule", rule.clone()), ("remedy", remediation.clone())];
    match class {
        FailureClass::Transient => unavailable(reason, message, SOON, named),
        FailureClass::RateLimited { until } | FailureClass::Quota { until } => {
            exhausted(reason, "platform", message, until, now, named)
        }
        FailureClass::AuthExpired | FailureClass::NeedsReconnect | FailureClass::Permanent => {
            precondition(reason, "platform", message, &remediation, named)
        }
        FailureClass::InvalidMedia | FailureClass::InvalidRequest => {
            let mut details = info(reason, named);
            let field = if class == FailureClass::InvalidMedia { "content.video_url" } else { "" };
            let parts = [rule.as_str(), remediation.as_str()].into_iter().filter(|part| !part.is_empty());
            let mut violation = FieldViolation::new(field, join(&message, &parts.collect::<Vec<_>>().join("; ")));
            violation.reason = reason.as_str().to_owned();
            details.set_bad_request(vec![violation]);
            build(Code::InvalidArgument, message, details)
        }
    }
}

fn of_store(error: store::Error) -> Status {
    match error {
        store::Error::Unavailable(_) | store::Error::Closed => {
            error!(error = &error as &dyn std::error::Error, "the store is not available");
            unavailable(Reason::StoreUnavailable, "the database is not available for now".to_owned(), SOON, [])
        }
        // Health tells the log, once.
        store::Error::Sick(ailment) => {
            let remedy = ailment.remedy();
            unavailable(
                Reason::StoreUnavailable,
                join(&ailment.to_string(), remedy),
                SOON,
                [("remedy", remedy.to_owned())],
            )
        }
        store::Error::Fenced(post) => {
            let message = format!("post {post} was taken over by another worker; read it again");
            build(Code::Aborted, message, info(Reason::ConcurrentChange, []))
        }
        store::Error::NoMedia(ref id) => not_found(Reason::MediaNotFound, "media", id, error.to_string()),
        store::Error::Secret(secret) => {
            error!(error = &secret as &dyn std::error::Error, "a stored token cannot be read");
            let remedy = "give this core the encryption key that sealed it, among AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS";
            precondition(
                Reason::TokenUnreadable,
                "account",
                "a stored token cannot be read with this core's keys".to_owned(),
                remedy,
                [],
            )
        }
        store::Error::Unreadable { ref what, .. } => {
            error!(error = &error as &dyn std::error::Error, "a row cannot be read");
            let remedy = "use a core of the release that wrote it, or have the operator mend the row";
            precondition(Reason::RowUnreadable, what, error.to_string(), remedy, [])
        }
        store::Error::Behind(message) => {
            let remedy =
                "the operator tells the core when the copy was made: `aurareels restored --backup-time <time>`";
            precondition(Reason::DatabaseBehind, "database", message, remedy, [])
        }
        store::Error::BoundElsewhere { .. }
        | store::Error::Served
        | store::Error::OnServer
        | store::Error::OriginalTables
        | store::Error::OtherKey(_)
        | store::Error::BeingReplaced
        | store::Error::Corrupt(_)
        | store::Error::Migrate(_) => internal(&with_sources(&error)),
    }
}

/// The status of a refused caller.
pub(crate) fn denied(denied: Denied, now: DateTime<Utc>) -> Status {
    match denied {
        Denied::Unauthenticated { message, remedy } => {
            let details = info(Reason::Unauthenticated, [("remedy", remedy.to_owned())]);
            let mut status = build(Code::Unauthenticated, join(&message, remedy), details);
            status.metadata_mut().insert("www-authenticate", tonic::metadata::MetadataValue::from_static("Bearer"));
            status
        }
        Denied::Forbidden { message, remedy } => {
            let details = info(Reason::PermissionDenied, [("remedy", remedy.to_owned())]);
            build(Code::PermissionDenied, join(&message, remedy), details)
        }
        Denied::Header { message, remedy } => {
            let mut details = info(Reason::InvalidField, [("remedy", remedy.to_owned())]);
            details.add_bad_request_violation(super::auth::USER_HEADER, join(&message, remedy));
            build(Code::InvalidArgument, message, details)
        }
        Denied::App(error) => status(error, now),
    }
}

/// The status of a caller who asks for more than one may.
pub(super) fn over_limit(over: OverLimit) -> Status {
    let (what, limit, setting, wait) = match over {
        OverLimit::Requests { limit, wait } => {
            (format!("more than {limit} requests a second"), limit as usize, "AURAREELS_KEY_REQUESTS_PER_SECOND", wait)
        }
        OverLimit::Uploads { limit, wait } => {
            (format!("more than {limit} uploads at once"), limit, "AURAREELS_KEY_UPLOADS", wait)
        }
    };
    let message = format!("this key, token or session asks for {what}; nothing was done");
    let remedy = format!("call again after the time that is named; the operator sets the limit by {setting}");
    let named = [("limit", limit.to_string()), ("remedy", remedy)];
    let mut details = info(Reason::TooManyRequests, named);
    details.add_quota_failure_violation("caller", message.clone());
    details.set_retry_info(Some(wait));
    build(Code::ResourceExhausted, message, details)
}

/// A handler was reached without passing the gate.
pub(super) fn no_caller() -> Status {
    internal("a handler was reached without a caller")
}

/// The status in place of one with which tonic refuses what it cannot read, before any handler sees it: with details.
/// Everything else has its details already.
pub(super) fn completed(bare: &Status) -> Option<Status> {
    (bare.code() != Code::Ok && bare.details().is_empty()).then(|| unread(bare.clone()))
}

/// The status of a request that was not read.
fn unread(bare: Status) -> Status {
    let (code, reason, remedy) = match bare.code() {
        // Larger than the limit as it is, or once unpacked.
        Code::OutOfRange | Code::ResourceExhausted => {
            (Code::InvalidArgument, Reason::RequestTooLarge, "send less: shorter texts, less metadata, fewer accounts")
        }
        Code::Internal => {
            let remedy = "build the client from this release's proto files and send exactly one message";
            (Code::InvalidArgument, Reason::RequestUnreadable, remedy)
        }
        Code::Unimplemented => (Code::Unimplemented, Reason::Unsupported, "compress with gzip or not at all"),
        // The client went away while it was sending.
        _ => return bare,
    };
    let message = format!("the request was not read: {}", bare.message());
    let mut details = info(reason, [("remedy", remedy.to_owned())]);
    if code == Code::InvalidArgument {
        let mut violation = FieldViolation::new("", join(&message, remedy));
        violation.reason = reason.as_str().to_owned();
        details.set_bad_request(vec![violation]);
    }
    let mut status = build(code, message, details);
    *status.metadata_mut() = bare.metadata().clone();
    status
}

/// Nothing came of a request for too long.
pub(super) fn stalled(after: Duration) -> Status {
    let message = format!("the rest of the request did not come within {} s", after.as_secs());
    let remedy = "send the request again, whole; request keys make one post of both";
    build(Code::DeadlineExceeded, message, info(Reason::RequestUnreadable, [("remedy", remedy.to_owned())]))
}

/// This release has no such RPC.
pub(super) fn no_such_rpc(path: &str) -> Status {
    let name = path.trim_start_matches('/');
    let remedy = "check the name; a client may be newer than this core";
    let message = format!("this core has no RPC {name}");
    build(Code::Unimplemented, join(&message, remedy), info(Reason::Unsupported, [("remedy", remedy.to_owned())]))
}

/// A call without gRPC that cannot be read: at which field, if at one, why, and what to do.
fn unreadable(field: &str, message: String, remedy: &str) -> Status {
    let mut details = info(Reason::RequestUnreadable, [("remedy", remedy.to_owned())]);
    let mut violation = FieldViolation::new(field, join(&message, remedy));
    violation.reason = Reason::RequestUnreadable.as_str().to_owned();
    details.set_bad_request(vec![violation]);
    build(Code::InvalidArgument, join(&message, remedy), details)
}

/// A body that is no JSON of the message, because of this field if it is not empty.
pub(super) fn not_this_json(message: &str, field: &str, why: &str) -> Status {
    let at = if field.is_empty() { String::new() } else { format!("{field}: ") };
    unreadable(
        field,
        format!("the body is no JSON of {message}: {at}{why}"),
        "use the fields of the proto file, by their names there",
    )
}

/// A content type that is not understood.
pub(super) fn not_json(content_type: &str, path: &str) -> Status {
    let remedy = "send the header `Content-Type: application/json` with a JSON body, or call it by gRPC or gRPC-web";
    unreadable("", format!("{path} takes no request of the content type \"{content_type}\""), remedy)
}

/// A body that breaks off or is too large.
pub(super) fn not_read(why: &str, most: usize) -> Status {
    unreadable("", format!("the request was not read: {why}"), &format!("send it whole, at most {most} bytes of JSON"))
}

/// A compressed body.
pub(super) fn compressed() -> Status {
    let message = "a compressed request is not read here".to_owned();
    let remedy = "send it as it is, or call by gRPC, which takes gzip";
    build(Code::Unimplemented, join(&message, remedy), info(Reason::Unsupported, [("remedy", remedy.to_owned())]))
}

/// A header that is no number.
pub(super) fn bad_header(name: &str) -> Status {
    unreadable(
        "",
        format!("the header {name} is no number of at most ten digits"),
        "leave it out, or send milliseconds",
    )
}

/// An RPC that cannot be called by one request and one answer.
pub(super) fn streams(name: &str) -> Status {
    let message = format!("{name} is a stream");
    let remedy = "call it by gRPC or gRPC-web; ListEvents and GetPost answer the same questions one at a time";
    build(Code::Unimplemented, join(&message, remedy), info(Reason::Unsupported, [("remedy", remedy.to_owned())]))
}

/// The caller's own limit has passed.
pub(super) fn too_late(after: Duration) -> Status {
    let message = format!("no answer within the {} ms that the caller waits", after.as_millis());
    let remedy = "ask again with the same request key: what was done is not done twice";
    build(Code::DeadlineExceeded, join(&message, remedy), info(Reason::Unsupported, [("remedy", remedy.to_owned())]))
}

/// An answer of a handler that cannot be turned into another form.
pub(super) fn broke_off(why: &str) -> Status {
    internal(&format!("an answer could not be handed on: {why}"))
}

/// The core stops; a stream that was open ends with it.
pub(super) fn shutting_down() -> Status {
    unavailable(
        Reason::StoreUnavailable,
        "this core is shutting down; connect again".to_owned(),
        Duration::from_secs(1),
        [],
    )
}

fn not_found(reason: Reason, kind: &str, id: &str, message: String) -> Status {
    let mut details = info(reason, [("kind", kind.to_owned()), ("id", id.to_owned())]);
    details.set_resource_info(kind, id, "", message.clone());
    build(Code::NotFound, message, details)
}

fn precondition<const N: usize>(
    reason: Reason,
    subject: &str,
    message: String,
    remedy: &str,
    named: [(&'static str, String); N],
) -> Status {
    let mut details = info(reason, named.into_iter().chain([("remedy", remedy.to_owned())]));
    details.add_precondition_failure_violation(reason.as_str(), subject, join(&message, remedy));
    build(Code::FailedPrecondition, message, details)
}

fn exhausted<const N: usize>(
    reason: Reason,
    subject: &str,
    message: String,
    retry_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    named: [(&'static str, String); N],
) -> Status {
    let mut details = info(reason, named);
    details.add_quota_failure_violation(subject, message.clone());
    let wait = retry_at.map_or(Duration::from_secs(60), |at| (at - now).to_std().unwrap_or(Duration::from_secs(1)));
    details.set_retry_info(Some(wait));
    build(Code::ResourceExhausted, message, details)
}

fn unavailable<const N: usize>(
    reason: Reason,
    message: String,
    retry_after: Duration,
    named: [(&'static str, String); N],
) -> Status {
    let mut details = info(reason, named);
    details.set_retry_info(Some(retry_after));
    build(Code::Unavailable, message, details)
}

fn internal(detail: &str) -> Status {
    error!(detail, "internal error");
    let message = "this is a bug of AuraReels; the core's log has the rest".to_owned();
    build(Code::Internal, message, info(Reason::Internal, []))
}

fn info(reason: Reason, named: impl IntoIterator<Item = (&'static str, String)>) -> ErrorDetails {
    let named = named.into_iter().filter(|(_, value)| !value.is_empty());
    let metadata: HashMap<String, String> = named.map(|(name, value)| (name.to_owned(), shorten(value, 300))).collect();
    ErrorDetails::with_error_info(reason.as_str(), DOMAIN, metadata)
}

fn build(code: Code, message: String, details: ErrorDetails) -> Status {
    Status::with_error_details(code, shorten(message, MESSAGE), details)
}

/// The text, cut at a letter when it is longer than so many bytes.
fn shorten(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most - 3));
        text.push_str("...");
    }
    text
}

/// "what is wrong; what to do"
fn join(message: &str, remedy: &str) -> String {
    if remedy.is_empty() { message.to_owned() } else { format!("{message}; {remedy}") }
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A handler panicked; the panic itself is on standard error.
pub(super) fn panicked() -> Status {
    internal("a handler panicked")
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
