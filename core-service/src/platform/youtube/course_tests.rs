use chrono::TimeDelta;

use super::*;
use crate::{
    domain::{
        ids::Fence,
        ledger::{Evidence, Ledger},
        platform::{LoginFlavour, Platform},
        post::Content,
    },
    platform::stand_in,
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn found(step: &str, handle: Handle) -> Entry {
    Entry {
        number: 1,
        attempt: 1,
        step: step.to_owned(),
        class: StepClass::Read,
        handle,
        sent_at: now(),
        deadline_at: now() + TimeDelta::seconds(60),
        outcome: Some(StepOutcome::Found),
        answered_at: Some(now()),
        evidence: Evidence::new(),
        fence: Fence(1),
    }
}

fn bound_by(handle: Handle) -> BoundBy {
    let account = stand_in::account(Platform::Youtube, LoginFlavour::Google, now());
    let post = Post { attempt: 1, ..stand_in::post(&account, Content::default(), now()) };
    let ledger = Ledger::new(vec![found(SEARCH, handle)]);
    match next(&View { post: &post, account: &account, ledger: &ledger, now: now() }) {
        Next::Live { live, then: None } => live.bound_by,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_video_that_was_found_by_its_text_is_bound_as_a_match() {
    let video = Handle::default().with(name::VIDEO_ID, "abc");
    assert_eq!(bound_by(video.clone()), BoundBy::Answer, "its file's name is ours alone");
    assert_eq!(bound_by(video.with(name::MATCH, BY_TEXT)), BoundBy::Match);
}

#[test]
fn another_comment_asks_for_no_other_upload() {
    let account = stand_in::account(Platform::Youtube, LoginFlavour::Google, now());
    let with = |options: serde_json::Value| {
        let mut content = Content::default();
        content.options.set(Platform::Youtube, options);
        made_of(&Post { content, ..stand_in::post(&account, Content::default(), now()) })
    };
    let plain = with(json!({ "title": "A" }));
    assert_eq!(with(json!({ "title": "A", "first_comment": "Hello" })), plain);
    assert_ne!(with(json!({ "title": "B" })), plain);
}
