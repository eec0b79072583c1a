//! Every error of the use cases, as a caller sees it; the nine of the original's table by name.

use chrono::TimeDelta;
use tonic_types::StatusExt;

use super::*;
use crate::domain::{
    ids::{AccountId, PostId, Sequence},
    violation::Violation,
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

fn broken(rule: &'static str, account: Option<i64>) -> Broken {
    let violation = Violation {
        field: "content.caption",
        rule,
        measured: "2201 UTF-16 units".to_owned(),
        limit: "2200 UTF-16 units".to_owned(),
        remedy: "shorten it".to_owned(),
        message: "the caption is too long".to_owned(),
    };
    Broken { account: account.map(AccountId), violation }
}

fn invalid(reason: Reason, broken: Vec<Broken>) -> Error {
    Error::Invalid { reason, broken }
}

fn failed(class: FailureClass, reason: Reason) -> Error {
    Error::Platform(Failure::new(class, reason, "the platform refused").with_rule("code 1").with_remedy("do this"))
}

#[track_caller]
fn reason_of(status: &Status) -> String {
    let info = status.get_details_error_info().expect("every status carries ErrorInfo");
    assert_eq!(info.domain, "aurareels");
    info.reason
}

#[test]
fn the_originals_nine_errors() {
    let until = Some(now() + TimeDelta::seconds(90));
    let cases = [
        (failed(FailureClass::NeedsReconnect, Reason::TokenInvalid), Code::FailedPrecondition, "TOKEN_INVALID"),
        (
            failed(FailureClass::RateLimited { until }, Reason::RateLimitExceeded),
            Code::ResourceExhausted,
            "RATE_LIMIT_EXCEEDED",
        ),
        (failed(FailureClass::InvalidMedia, Reason::VideoNotPublic), Code::InvalidArgument, "VIDEO_NOT_PUBLIC"),
        (
            invalid(Reason::RuleViolation, vec![broken("VIDEO_TOO_LARGE", Some(1))]),
            Code::InvalidArgument,
            "VIDEO_TOO_LARGE",
        ),
        (
            invalid(Reason::RuleViolation, vec![broken("VIDEO_FORMAT_INVALID", None)]),
            Code::InvalidArgument,
            "VIDEO_FORMAT_INVALID",
        ),
        (
            invalid(Reason::RuleViolation, vec![broken("CAPTION_TOO_LONG", None)]),
            Code::InvalidArgument,
            "CAPTION_TOO_LONG",
        ),
        (invalid(Reason::DuplicatePost, vec![]), Code::InvalidArgument, "DUPLICATE_POST"),
        (
            Error::Precondition {
                reason: Reason::OauthStateMismatch,
                subject: "state".to_owned(),
                message: "the state is used".to_owned(),
                remedy: "connect again".to_owned(),
            },
            Code::FailedPrecondition,
            "OAUTH_STATE_MISMATCH",
        ),
        (failed(FailureClass::Transient, Reason::ContainerNotReady), Code::Unavailable, "CONTAINER_NOT_READY"),
    ];
    for (error, code, reason) in cases {
        let status = status(error, now());
        assert_eq!((status.code(), reason_of(&status).as_str()), (code, reason), "{status:?}");
    }
}

#[test]
fn a_broken_rule_says_all_of_itself() {
    let several = vec![broken("CAPTION_TOO_LONG", Some(3)), broken("HASHTAGS_TOO_MANY", Some(4))];
    let status = status(invalid(Reason::RuleViolation, several), now());
    assert_eq!(reason_of(&status), "RULE_VIOLATION", "different rules keep the general reason");
    let fields = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(fields.len(), 2);
    assert_eq!(fields[0].field, "content.caption");
    assert_eq!(fields[0].reason, "CAPTION_TOO_LONG");
    for part in
        ["too long", "rule: CAPTION_TOO_LONG", "measured: 2201", "limit: 2200", "remedy: shorten it", "account: 3"]
    {
        assert!(fields[0].description.contains(part), "{part} is missing in {}", fields[0].description);
    }
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata["measured"], "2201 UTF-16 units");
    assert_eq!(info.metadata["account_id"], "3");
}

#[test]
fn hundreds_of_broken_rules_still_fit_into_headers() {
    let many: Vec<Broken> = (1..=400).map(|account| broken("CAPTION_TOO_LONG", Some(account))).collect();
    let status = status(invalid(Reason::RuleViolation, many), now());
    let shown = status.get_details_bad_request().unwrap().field_violations.len();
    assert!(shown > 3, "{shown}");
    let omitted = &status.get_details_error_info().unwrap().metadata["omitted"];
    assert_eq!(omitted, &format!("{} more; ValidatePosts lists all", 400 - shown));
    let headers =
        status.into_http::<()>().headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
    assert!(headers < 8 * 1024, "{headers} bytes of headers");
}

#[test]
fn waits_are_told_as_spans() {
    let error = Error::Exhausted {
        reason: Reason::DailyLimitReached,
        subject: "user 1 on tiktok".to_owned(),
        message: "five posts a day".to_owned(),
        retry_at: Some(now() + TimeDelta::seconds(3600)),
    };
    let exhausted = status(error, now());
    assert_eq!(exhausted.code(), Code::ResourceExhausted);
    assert_eq!(exhausted.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(3600)));
    assert_eq!(exhausted.get_details_quota_failure().unwrap().violations[0].subject, "user 1 on tiktok");
    let away =
        Error::Unavailable { reason: Reason::PlatformUnavailable, message: "away".to_owned(), retry_after: SOON };
    assert_eq!(status(away, now()).get_details_retry_info().unwrap().retry_delay, Some(SOON));
}

#[test]
fn the_rest_of_the_table() {
    let missing = status(Error::NotFound { reason: Reason::PostNotFound, kind: "post", id: "9".to_owned() }, now());
    assert_eq!((missing.code(), reason_of(&missing).as_str()), (Code::NotFound, "POST_NOT_FOUND"));
    let resource = missing.get_details_resource_info().unwrap();
    assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), ("post", "9"));
    let conflict = status(Error::Conflict { message: "changed".to_owned() }, now());
    assert_eq!((conflict.code(), reason_of(&conflict).as_str()), (Code::Aborted, "CONCURRENT_CHANGE"));
    let old = status(Error::PositionTooOld { oldest: Sequence(77) }, now());
    assert_eq!((old.code(), reason_of(&old).as_str()), (Code::OutOfRange, "POSITION_TOO_OLD"));
    assert_eq!(old.get_details_error_info().unwrap().metadata["oldest_sequence"], "77");
    let closed = status(Error::Store(store::Error::Closed), now());
    assert_eq!((closed.code(), reason_of(&closed).as_str()), (Code::Unavailable, "STORE_UNAVAILABLE"));
    let fenced = status(Error::Store(store::Error::Fenced(PostId(1))), now());
    assert_eq!(fenced.code(), Code::Aborted);
    let sealed = crate::secret::Error::UnknownKey { key_id: "00ff".to_owned() };
    let unreadable = status(Error::Store(store::Error::Secret(sealed)), now());
    assert_eq!((unreadable.code(), reason_of(&unreadable).as_str()), (Code::FailedPrecondition, "TOKEN_UNREADABLE"));
}

#[test]
fn our_own_faults_tell_nothing_of_the_inside() {
    for error in [
        Error::Internal("canary select * from".to_owned()),
        Error::Store(store::Error::Corrupt("canary row".to_owned())),
    ] {
        let status = status(error, now());
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("canary"), "{status:?}");
    }
}

#[test]
fn every_class_of_failure_has_a_status() {
    let classes = [
        (FailureClass::Transient, Code::Unavailable),
        (FailureClass::RateLimited { until: None }, Code::ResourceExhausted),
        (FailureClass::Quota { until: None }, Code::ResourceExhausted),
        (FailureClass::AuthExpired, Code::FailedPrecondition),
        (FailureClass::NeedsReconnect, Code::FailedPrecondition),
        (FailureClass::InvalidMedia, Code::InvalidArgument),
        (FailureClass::InvalidRequest, Code::InvalidArgument),
        (FailureClass::Permanent, Code::FailedPrecondition),
    ];
    for (class, code) in classes {
        let status = status(failed(class.clone(), Reason::PlatformRefused), now());
        assert_eq!(status.code(), code, "{class:?}");
        assert_eq!(status.get_details_error_info().unwrap().metadata["rule"], "code 1");
    }
}
