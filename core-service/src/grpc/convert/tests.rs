//! Requests as clients send them, and what must never come back.

use aurareels_proto::v1;
use serde_json::json;

use super::{requests, *};
use crate::domain::shown_url::shown_url;
use crate::{
    app::posts::requests::{GivenTime, When},
    domain::{ids::AccountId, post::SchedulerKind},
};

fn content() -> v1::PostContent {
    v1::PostContent { video_url: "https://cdn.example/v.mp4".to_owned(), ..v1::PostContent::default() }
}

#[track_caller]
fn fields<T>(refused: Result<T>) -> Vec<&'static str> {
    match refused {
        Err(Error::Invalid { reason: Reason::InvalidField, broken }) => {
            broken.into_iter().map(|broken| broken.violation.field).collect()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("should be refused"),
    }
}

#[test]
fn everything_malformed_is_said_at_once() {
    let request = v1::SchedulePostsRequest {
        accounts: vec![1, 0, 1, -2],
        content: Some(v1::PostContent { on_long_caption: 9, ..content() }),
        scheduler: 9,
        late_policy_seconds: Some(-1),
        request_key: "x".repeat(129),
        ..v1::SchedulePostsRequest::default()
    };
    let mut wrong = fields(requests::schedule(request));
    wrong.sort_unstable();
    assert_eq!(
        wrong,
        [
            "accounts",
            "accounts",
            "accounts",
            "content.on_long_caption",
            "late_policy_seconds",
            "request_key",
            "scheduled_at",
            "scheduler"
        ]
    );
}

#[test]
fn required_parts_are_required() {
    assert_eq!(fields(requests::publish(v1::PublishPostsRequest::default())), ["accounts", "content"]);
    assert_eq!(fields(requests::complete(v1::CompleteConnectRequest::default())), ["platform", "code", "state"]);
    assert_eq!(
        fields(requests::connect(v1::ConnectAccountRequest { platform: 99, ..Default::default() })),
        ["platform"]
    );
    assert_eq!(
        fields(requests::update(v1::UpdatePostRequest { id: 1, content: Some(content()), ..Default::default() })),
        ["update_mask"]
    );
    assert_eq!(fields(requests::resolve(v1::ResolvePostRequest { id: 1, ..Default::default() })), ["resolution"]);
    assert_eq!(fields(requests::post_id(0)), ["id"]);
    assert_eq!(fields(requests::account_id(-5)), ["id"]);
    assert_eq!(
        fields(requests::list(v1::ListPostsRequest {
            page_size: 501,
            skip: -1,
            statuses: vec![77],
            ..Default::default()
        })),
        ["statuses", "skip", "page_size"]
    );
    let many =
        v1::PublishPostsRequest { accounts: (1..=101).collect(), content: Some(content()), ..Default::default() };
    assert_eq!(fields(requests::publish(many)), ["accounts"]);
}

#[test]
fn times_in_their_three_forms() {
    use v1::schedule_time::Form;
    let schedule = |form| {
        requests::schedule(v1::SchedulePostsRequest {
            accounts: vec![1],
            content: Some(content()),
            scheduled_at: Some(v1::ScheduleTime { form: Some(form) }),
            scheduler: v1::Scheduler::N8n.into(),
            ..Default::default()
        })
    };
    let at = prost_types::Timestamp { seconds: 1_795_000_000, nanos: 5 };
    let read = schedule(Form::At(at)).unwrap();
    assert_eq!(read.accounts, [AccountId(1)]);
    let When::At { time: GivenTime::At(time), scheduler, late_policy_seconds } = read.when else { panic!("{read:?}") };
    assert_eq!((timestamp(time), scheduler, late_policy_seconds), (at, Some(SchedulerKind::N8n), None));
    let wall = v1::WallTime { local: "2026-12-25 18:00".to_owned(), time_zone: "Europe/Berlin".to_owned() };
    assert!(matches!(schedule(Form::WallTime(wall)).unwrap().when, When::At { time: GivenTime::Wall { .. }, .. }));
    for bad in [
        prost_types::Timestamp { seconds: i64::MAX, nanos: 0 },
        prost_types::Timestamp { seconds: 0, nanos: -1 },
        prost_types::Timestamp { seconds: 0, nanos: 1_000_000_000 },
        prost_types::Timestamp { seconds: -1, nanos: 0 },
    ] {
        assert_eq!(fields(schedule(Form::At(bad))), ["scheduled_at"], "{bad:?}");
    }
}

#[test]
fn watchers_choose_stored_types_only() {
    let watch = |types| requests::watch(v1::WatchPostsRequest { types, ..Default::default() });
    let all: Vec<i32> = (1..=8).collect();
    assert_eq!(watch(all).unwrap().filter.kinds.len(), 8, "every stored type has its kind");
    assert_eq!(fields(watch(vec![v1::EventType::PostProgress.into()])), ["types"]);
    assert_eq!(fields(watch(vec![55])), ["types"]);
    let negative = v1::WatchPostsRequest { after_sequence: Some(-1), post_ids: vec![1; 101], ..Default::default() };
    assert_eq!(fields(requests::watch(negative)), ["after_sequence", "post_ids"]);
}

#[test]
fn metadata_keeps_its_shape() {
    let given = json!({ "a": 1, "b": 1.5, "c": [true, null, "x"], "d": { "e": -9007199254740992_i64 } });
    let wire = structure(&given).unwrap();
    assert_eq!(json(Some(wire)), given);
    assert_eq!(structure(&json!({})), None);
    assert_eq!(structure(&Value::Null), None);
    let nan = prost_types::Value { kind: Some(Kind::NumberValue(f64::NAN)) };
    assert_eq!(json_value(nan), Value::Null);
}

#[test]
fn what_grants_access_is_not_shown() {
    let cases = [
        ("https://cdn.example/v.mp4", "https://cdn.example/v.mp4"),
        ("https://cdn.example/v.mp4?X-Sig=canary&e=1", "https://cdn.example/v.mp4?X-Sig=hidden&e=hidden"),
        ("https://cdn.example/v.mp4?canary", "https://cdn.example/v.mp4?canary=hidden"),
        ("https://user:canary@cdn.example/v.mp4", "https://hidden@cdn.example/v.mp4"),
        ("https://cdn.example/v.mp4#canary", "https://cdn.example/v.mp4"),
        ("not a url?sig=canary", "not a url"),
        ("", ""),
    ];
    for (given, shown) in cases {
        assert_eq!(shown_url(given), shown);
    }
}
