use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::{
    domain::{
        account::Account,
        ids::Fence,
        ledger::Ledger,
        platform::{LoginFlavour, Platform},
        post::{Content, Post},
    },
    platform::stand_in,
};

const STEPS: FirstComment = FirstComment { find: "x.find_comment", write: "x.comment" };

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

/// A live post whose comment is tried, step by step, by a clock that runs on.
struct Story {
    post: Post,
    account: Account,
    entries: Vec<Entry>,
    now: DateTime<Utc>,
}

impl Story {
    fn new() -> Self {
        let account = stand_in::account(Platform::Facebook, LoginFlavour::FacebookLogin, at(0));
        let post = stand_in::post(&account, Content::default(), at(0));
        Self { post, account, entries: Vec::new(), now: at(0) }
    }

    fn next(&self) -> Option<Step> {
        let ledger = Ledger::new(self.entries.clone());
        let view = View { post: &self.post, account: &self.account, ledger: &ledger, now: self.now };
        STEPS.next(&view, Some("First"), Some("77"))
    }

    /// Runs what comes next, when its time has come.
    fn run(&mut self, outcome: StepOutcome, state: Option<&str>) -> &'static str {
        let step = self.next().expect("a step");
        if let NotBefore::At(at) = step.not_before {
            self.now = self.now.max(at);
        }
        let handle = state.map_or(step.handle.clone(), |state| step.handle.clone().with(name::STATE, state));
        self.entries.push(Entry {
            number: i32::try_from(self.entries.len()).unwrap() + 1,
            attempt: 1,
            step: step.kind.to_owned(),
            class: step.class,
            handle,
            sent_at: self.now,
            deadline_at: self.now + TimeDelta::seconds(65),
            outcome: Some(outcome),
            answered_at: Some(self.now),
            evidence: Evidence::new(),
            fence: Fence(1),
        });
        step.kind
    }

    fn reads(&mut self, state: &str) {
        assert_eq!(self.run(StepOutcome::Accepted, Some(state)), STEPS.find);
    }

    fn writes(&mut self, outcome: StepOutcome) {
        assert_eq!(self.run(outcome, None), STEPS.write);
    }
}

#[test]
fn it_is_looked_for_before_it_is_written() {
    let mut story = Story::new();
    story.reads(ABSENT);
    story.writes(StepOutcome::Accepted);
    assert_eq!(story.next(), None);
    let mut found = Story::new();
    found.reads(FOUND);
    assert_eq!(found.next(), None, "somebody wrote it before");
}

#[test]
fn an_old_reading_is_not_written_on() {
    let mut story = Story::new();
    story.reads(ABSENT);
    story.now += TimeDelta::minutes(3);
    story.reads(ABSENT);
    story.writes(StepOutcome::NoEffect);
    story.reads(ABSENT);
    story.writes(StepOutcome::Accepted);
}

#[test]
fn a_lost_answer_is_looked_for_until_three_readings_after_its_end_prove_it_absent() {
    let mut story = Story::new();
    story.reads(ABSENT);
    story.writes(StepOutcome::Unknown);
    let (sent, deadline) = (story.now, story.entries[1].deadline_at);
    story.reads(ABSENT);
    assert!(story.now < deadline && story.now > sent, "at once, for it may be there");
    for _ in 0..CONFIRMATIONS {
        story.reads(ABSENT);
        assert!(story.now >= deadline + SETTLE, "a reading before proves nothing");
    }
    assert!(story.now - (deadline + SETTLE) >= GAP * 2);
    story.writes(StepOutcome::Unknown);
    story.reads(FOUND);
    assert_eq!(story.next(), None);
}

#[test]
fn after_several_lost_answers_it_is_left_at_that() {
    let mut story = Story::new();
    story.reads(ABSENT);
    for _ in 0..MAX_LOST {
        story.writes(StepOutcome::Unknown);
        for _ in 0..=CONFIRMATIONS {
            story.reads(ABSENT);
        }
    }
    let last = story.next().unwrap();
    assert_eq!(last.kind, STEPS.find);
    let judged = judge(&last, &[], true);
    assert!(matches!(judged, Outcome::NoEffect { failure, .. } if !failure.class.is_retryable()));
}

#[test]
fn without_a_text_or_a_post_there_is_nothing_to_do() {
    let story = Story::new();
    let ledger = Ledger::default();
    let view = View { post: &story.post, account: &story.account, ledger: &ledger, now: story.now };
    for (text, target) in [(None, Some("77")), (Some(" \n"), Some("77")), (Some("First"), None)] {
        assert_eq!(STEPS.next(&view, text, target), None);
    }
}

#[test]
fn only_the_accounts_own_comment_counts_and_only_a_whole_list_proves_absence() {
    let mut story = Story::new();
    let step = story.next().unwrap();
    let listed = |text: &str, is_own| Listed { id: "1".to_owned(), text: text.to_owned(), is_own };
    let state = |outcome: Outcome| match outcome {
        Outcome::Accepted { handle, .. } => handle.text(name::STATE).unwrap().to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(state(judge(&step, &[listed("First", false), listed("Second", true)], true)), ABSENT);
    assert_eq!(state(judge(&step, &[listed("First ", true)], false)), FOUND);
    let unsure = judge(&step, &[], false);
    assert!(matches!(unsure, Outcome::NoEffect { failure, .. } if failure.class == FailureClass::Permanent));
    story.reads(ABSENT);
}
