//! The tables of the sheet's §7, written out a second time, by hand.

use serde_json::json;

use super::*;
use crate::platform::wire::{Answer, Exchange};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn judge() -> Judge {
    Judge { now: Some(NOW), token_fits_host: true }
}

fn reply(code: i64, subcode: Option<i64>) -> GraphReply {
    let mut error = json!({"message": "m", "type": "OAuthException", "code": code, "fbtrace_id": "A1"});
    if let Some(subcode) = subcode {
        error["error_subcode"] = subcode.into();
    }
    GraphReply::read(Exchange::Answered(Answer {
        status: reqwest::StatusCode::BAD_REQUEST,
        headers: reqwest::header::HeaderMap::new(),
        body: json!({ "error": error }).to_string().into_bytes(),
    }))
}

fn class_at_create(code: i64, subcode: Option<i64>) -> FailureClass {
    match judge().on_create(&reply(code, subcode)).unwrap() {
        Outcome::NoEffect { failure, .. } => failure.class,
        other => panic!("{code}/{subcode:?}: {other:?}"),
    }
}

#[test]
fn subcodes_are_unique() {
    let mut seen = std::collections::HashSet::new();
    for row in TABLE {
        assert!(seen.insert(row.subcode), "{} twice", row.subcode);
    }
    assert_eq!(TABLE.len(), 29);
}

#[test]
fn creating_a_container_classes_every_row() {
    use FailureClass as C;
    let table = [
        (-2, 2207003, C::Transient),
        (-2, 2207020, C::Transient),
        (-1, 2207001, C::Transient),
        (-1, 2207032, C::Transient),
        (-1, 2207053, C::Transient),
        (1, 2207057, C::InvalidRequest),
        (4, 2207051, C::RateLimited { until: Some(NOW + SPAM_PAUSE) }),
        (9, 2207042, C::Quota { until: Some(NOW + QUOTA_PAUSE) }),
        (24, 2207006, C::Transient),
        (24, 2207008, C::Transient),
        (25, 2207050, C::Permanent),
        (100, 2207023, C::InvalidRequest),
        (100, 2207028, C::InvalidRequest),
        (100, 2207035, C::InvalidRequest),
        (100, 2207036, C::InvalidRequest),
        (100, 2207037, C::InvalidRequest),
        (100, 2207040, C::InvalidRequest),
        (352, 2207026, C::InvalidMedia),
        (9004, 2207052, C::Transient),
        (9007, 2207027, C::Transient),
        (36000, 2207004, C::InvalidMedia),
        (36001, 2207005, C::InvalidMedia),
        (36003, 2207009, C::InvalidMedia),
        (36004, 2207010, C::InvalidRequest),
        (-1, 2207077, C::Transient),
        (100, 2207081, C::InvalidRequest),
        (-1, 2207082, C::Transient),
        (100, 2207089, C::InvalidRequest),
        (-1, 2207073, C::InvalidRequest),
    ];
    assert_eq!(table.len(), TABLE.len());
    for (code, subcode, class) in table {
        assert_eq!(class_at_create(code, Some(subcode)), class, "{code}/{subcode}");
    }
    assert_eq!(class_at_create(1, None), C::Transient);
    assert_eq!(class_at_create(190, Some(463)), C::AuthExpired);
    assert_eq!(class_at_create(10, None), C::NeedsReconnect);
    assert_eq!(class_at_create(80002, None), C::RateLimited { until: None });
    assert_eq!(class_at_create(100, Some(33)), C::NeedsReconnect, "the account is not there any more");
    assert_eq!(class_at_create(4711, None), C::Transient);
}

/// What `media_publish` may answer without having published; everything else is unknown.
#[test]
fn publish_takes_documented_refusals_for_claims_and_nothing_for_proof() {
    let refused = [
        (9, Some(2207042)),
        (9007, Some(2207027)),
        (25, Some(2207050)),
        (100, Some(2207023)),
        (100, Some(2207028)),
        (100, Some(2207035)),
        (100, Some(2207036)),
        (100, Some(2207037)),
        (100, Some(2207040)),
        (352, Some(2207026)),
        (36000, Some(2207004)),
        (36001, Some(2207005)),
        (36003, Some(2207009)),
        (36004, Some(2207010)),
        (3, None),
        (10, None),
        (200, None),
        (100, None),
        (102, None),
        (190, None),
        (190, Some(458)),
        (190, Some(463)),
        (368, None),
        (506, None),
    ];
    let unknown = [
        (-2, Some(2207003)),
        (-2, Some(2207020)),
        (-1, None),
        (-1, Some(2207001)),
        (-1, Some(2207032)),
        (-1, Some(2207053)),
        (1, None),
        (1, Some(2207057)),
        (2, None),
        (4, None),
        (4, Some(2207051)),
        (17, None),
        (32, None),
        (341, None),
        (613, None),
        (80001, None),
        (80002, None),
        (24, Some(2207006)),
        (24, Some(2207008)),
        (100, Some(33)),
        (100, Some(2207081)),
        (9004, Some(2207052)),
        (-1, Some(2207077)),
        (-1, Some(2207082)),
        (100, Some(2207089)),
        (4711, None),
        (100, Some(12)),
        // A known subcode under a code that Meta does not list with it.
        (1, Some(2207027)),
        (2, Some(2207042)),
    ];
    for (code, subcode) in refused {
        let outcome = judge().on_publish(&reply(code, subcode), false);
        assert!(matches!(outcome, Outcome::Refused { .. }), "{code}/{subcode:?}: {outcome:?}");
    }
    for (code, subcode) in unknown {
        let outcome = judge().on_publish(&reply(code, subcode), false);
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{code}/{subcode:?}: {outcome:?}");
    }
    for reply in [
        GraphReply::Unreadable(502),
        GraphReply::Unreadable(200),
        GraphReply::NoAnswer("cut".into()),
        GraphReply::Value(json!({})),
    ] {
        assert!(matches!(judge().on_publish(&reply, false), Outcome::Unknown { .. }), "{reply:?}");
    }
    assert!(matches!(judge().on_publish(&GraphReply::NotSent("refused".into()), true), Outcome::NoEffect { .. }));
}

#[test]
fn a_duplicate_after_a_resend_may_be_our_own_post() {
    assert!(matches!(judge().on_publish(&reply(506, None), true), Outcome::Unknown { .. }));
}

#[test]
fn not_ready_says_so_and_quota_says_until_when() {
    let Outcome::Refused { failure, evidence } = judge().on_publish(&reply(9007, Some(2207027)), false) else {
        panic!()
    };
    assert_eq!((failure.class, failure.reason), (FailureClass::Transient, Reason::ContainerNotReady));
    assert_eq!(failure.rule, "9007/2207027");
    assert_eq!(evidence.0.at("subcode"), 2207027);
    assert_eq!(evidence.0.at("fbtrace_id"), "A1");
    let Outcome::Refused { failure, .. } = judge().on_publish(&reply(9, Some(2207042)), false) else { panic!() };
    assert_eq!(failure.class, FailureClass::Quota { until: Some(NOW + QUOTA_PAUSE) });
}

#[test]
fn an_unreachable_url_is_permanent_only_in_the_end() {
    let row = row_of(2207052).unwrap();
    assert!(row.allows_new_container());
    let failure = row.final_failure(NOW);
    assert_eq!((failure.class, failure.reason), (FailureClass::InvalidMedia, Reason::VideoNotPublic));
    assert_eq!(row_of(2207003).unwrap().final_failure(NOW).class, FailureClass::Transient);
    assert!(!row_of(2207026).unwrap().allows_new_container());
}
