//! The course over ledgers written by hand: whole courses, every place where a process may die, expiry, edits.

use StepClass::{PointOfNoReturn as Pnr, Read, Repeatable, Resumable};
use StepOutcome::{Absent, Accepted, Found, NoEffect, Unknown};

use super::options::TiktokTransfer;
use super::*;
use crate::{
    domain::{
        failure::{FailureClass, Reason},
        post::Content,
    },
    platform::tiktok::fixtures::{Rows, account, at, content, creator_handle, init_handle, post},
};

fn upload_content() -> Content {
    content("PUBLIC", TiktokTransfer::FileUpload)
}

fn next_at(rows: &Rows, content: &Content, now: DateTime<Utc>) -> Next {
    let (post, account, ledger) = (post(content.clone()), account(), rows.ledger());
    super::next(&View { post: &post, account: &account, ledger: &ledger, now })
}

fn step_of(next: Next) -> Step {
    match next {
        Next::Step(step) => step,
        other => panic!("no step: {other:?}"),
    }
}

fn kind(rows: &Rows) -> &'static str {
    step_of(next_at(rows, &upload_content(), at(0))).kind
}

fn creator(rows: Rows) -> Rows {
    rows.add(CREATOR_INFO, Read, Some(Accepted), creator_handle(&upload_content()))
}

const MANY: (u64, u64) = (94_000_000, 10_000_000);
const ONE: (u64, u64) = (3_000_000, 3_000_000);

fn handle(size: (u64, u64)) -> Handle {
    init_handle(&upload_content(), size.0, size.1, "https://upload.example/?t=1")
}

fn init(size: (u64, u64)) -> Rows {
    creator(Rows::default()).add(VIDEO_INIT, Repeatable, Some(Accepted), handle(size))
}

fn uploaded_all_but_last() -> Rows {
    init(MANY).add(UPLOAD, Resumable, Some(Accepted), handle(MANY).with("uploaded", 80_000_000))
}

fn sent() -> Rows {
    uploaded_all_but_last().add(UPLOAD_LAST, Pnr, Some(Accepted), handle(MANY).with("uploaded", 94_000_000))
}

fn told(rows: Rows, handle: Handle) -> Rows {
    rows.add(STATUS, Read, Some(Accepted), handle.with("publish_id", "v_pub_file~v2-1.1"))
}

#[test]
fn a_large_video_goes_the_whole_course() {
    assert_eq!(kind(&Rows::default()), CREATOR_INFO);
    let step = step_of(next_at(&creator(Rows::default()), &upload_content(), at(0)));
    assert_eq!((step.kind, step.class, step.not_before), (VIDEO_INIT, Repeatable, NotBefore::Prepare));
    assert_eq!(step.handle.text("privacy_level"), Some("PUBLIC_TO_EVERYONE"));
    let step = step_of(next_at(&init(MANY), &upload_content(), at(0)));
    assert_eq!((step.kind, step.class, step.not_before), (UPLOAD, Resumable, NotBefore::Prepare));
    assert_eq!(step.handle.0.at("resume"), false);
    assert_eq!(step.timeout, Duration::from_secs(3600));
    let step = step_of(next_at(&uploaded_all_but_last(), &upload_content(), at(0)));
    assert_eq!((step.kind, step.class, step.not_before), (UPLOAD_LAST, Pnr, NotBefore::Due));
    assert_eq!(step.handle.number("uploaded"), Some(80_000_000));
    let step = step_of(next_at(&sent(), &upload_content(), at(0)));
    assert_eq!((step.kind, step.class), (STATUS, Read));
    assert_eq!(step.handle.text("publish_id"), Some("v_pub_file~v2-1.1"));
    assert_eq!(step.handle.text("upload_url"), None, "a read needs no upload URL");

    let complete = told(sent(), Handle::default().with("status", COMPLETE));
    let Next::Live { live, then: Some(then) } = next_at(&complete, &upload_content(), at(0)) else { panic!() };
    assert_eq!(live, Live::default());
    assert_eq!((then.kind, then.class), (PUBLIC_ID, Read));
    assert!(matches!(then.not_before, NotBefore::At(_)));

    let ids = vec!["7561234567890123457".to_owned(), "7561234567890123458".to_owned()];
    let found = complete.add(PUBLIC_ID, Read, Some(Accepted), Handle::default().with("post_ids", ids.clone()));
    let Next::Live { live, then } = next_at(&found, &upload_content(), at(0)) else { panic!() };
    assert_eq!(then, None);
    assert_eq!(live.platform_post_id.as_deref(), Some("7561234567890123457"), "the first is canonical");
    assert_eq!(
        live.platform_post_url.as_deref(),
        Some("https://www.tiktok.com/@creator.one/video/7561234567890123457")
    );
    assert_eq!(live.all_platform_post_ids, ids, "all are kept");
}

#[test]
fn a_small_video_is_one_chunk_and_that_is_the_point_of_no_return() {
    let step = step_of(next_at(&init(ONE), &upload_content(), at(0)));
    assert_eq!((step.kind, step.class, step.not_before), (UPLOAD_LAST, Pnr, NotBefore::Due));
    assert_eq!(step.handle.number("uploaded"), Some(0));
}

#[test]
fn before_the_last_byte_every_death_is_repeated_or_continued() {
    for outcome in [None, Some(Unknown), Some(NoEffect)] {
        assert_eq!(kind(&Rows::default().add(CREATOR_INFO, Read, outcome, Handle::default())), CREATOR_INFO);
        let lost_init = creator(Rows::default()).add(VIDEO_INIT, Repeatable, outcome, Handle::default());
        assert_eq!(kind(&lost_init), VIDEO_INIT, "no byte was sent: {outcome:?}");
        let broken = init(MANY).add(UPLOAD, Resumable, outcome, handle(MANY));
        let step = step_of(next_at(&broken, &upload_content(), at(0)));
        assert_eq!(step.kind, UPLOAD);
        assert_eq!(step.handle.0.at("resume"), true, "asks TikTok where it stands: {outcome:?}");
    }
}

#[test]
fn a_last_byte_that_may_have_arrived_is_only_read_about() {
    for rows in [uploaded_all_but_last(), init(ONE)] {
        for outcome in [None, Some(Unknown)] {
            let lost = rows.clone().add(UPLOAD_LAST, Pnr, outcome, handle(MANY));
            for minutes in [0, 30, 70, 10_000] {
                let step = step_of(next_at(&lost, &upload_content(), at(minutes)));
                assert_eq!((step.kind, step.class), (STATUS, Read), "{outcome:?} after {minutes} min");
            }
            // Not even when the post was edited on the way.
            let edited = Content { full_caption: "other".to_owned(), ..upload_content() };
            assert_eq!(step_of(next_at(&lost, &edited, at(0))).class, Read);
        }
    }
}

#[test]
fn a_last_byte_that_did_not_arrive_is_sent_again_after_a_look() {
    for outcome in [NoEffect, Absent] {
        let tried = uploaded_all_but_last().add(UPLOAD_LAST, Pnr, Some(outcome), handle(MANY));
        let step = step_of(next_at(&tried, &upload_content(), at(0)));
        assert_eq!((step.kind, &step.handle.0.at("resume")), (UPLOAD, &true.into()));
        let looked = tried.add(UPLOAD, Resumable, Some(Accepted), handle(MANY).with("uploaded", 80_000_000));
        assert_eq!(kind(&looked), UPLOAD_LAST);
        let partly = looked.clone().with(|entry| entry.handle = handle(MANY).with("uploaded", 85_000_000));
        assert_eq!(step_of(next_at(&partly, &upload_content(), at(0))).handle.number("uploaded"), Some(85_000_000));
        // TikTok has it all: the step sends nothing any more, and the ledger says that the post may be visible.
        let all_there = looked.with(|entry| entry.handle = handle(MANY).with("uploaded", 94_000_000));
        let step = step_of(next_at(&all_there, &upload_content(), at(0)));
        assert_eq!((step.kind, step.class, step.handle.number("uploaded")), (UPLOAD_LAST, Pnr, Some(94_000_000)));
    }
}

#[test]
fn a_new_init_is_not_made_beside_a_last_byte_that_one_reading_says_is_absent() {
    let absent = uploaded_all_but_last().add(UPLOAD_LAST, Pnr, Some(Absent), handle(MANY));
    let provisional = absent.clone().with(|entry| *entry = entry.clone().absent_provisionally());
    let died = |rows: Rows| {
        let rows = rows.add(UPLOAD, Resumable, Some(NoEffect), handle(MANY));
        rows.with(|entry| entry.evidence = entry.evidence.clone().with(UPLOAD_DEAD, true))
    };
    for minutes in [0, 55, 70] {
        let next = next_at(&died(provisional.clone()), &upload_content(), at(minutes));
        assert!(matches!(next, Next::Rejected(_)), "it is proven first: {next:?}");
        let step = step_of(next_at(&died(absent.clone()), &upload_content(), at(minutes)));
        assert_eq!((step.kind, step.not_before), (CREATOR_INFO, NotBefore::At(at(65))), "proven, and then surely dead");
    }
}

#[test]
fn an_upload_that_died_begins_anew() {
    // By the clock, with a margin; creator info is asked again.
    for minutes in [55, 60, 600] {
        for rows in [init(MANY), uploaded_all_but_last(), init(ONE)] {
            assert_eq!(step_of(next_at(&rows, &upload_content(), at(minutes))).kind, CREATOR_INFO);
        }
    }
    assert_eq!(step_of(next_at(&uploaded_all_but_last(), &upload_content(), at(54))).kind, UPLOAD_LAST);
    // By TikTok's word.
    let dead = |rows: Rows| rows.with(|entry| entry.evidence = entry.evidence.clone().with(UPLOAD_DEAD, true));
    let refused = dead(init(MANY).add(UPLOAD, Resumable, Some(NoEffect), handle(MANY)));
    assert_eq!(kind(&refused), CREATOR_INFO);
    let refused_last = dead(uploaded_all_but_last().add(UPLOAD_LAST, Pnr, Some(NoEffect), handle(MANY)));
    let step = step_of(next_at(&refused_last, &upload_content(), at(0)));
    assert_eq!((step.kind, step.not_before), (CREATOR_INFO, NotBefore::Prepare));
    let again = creator(refused_last);
    assert_eq!(kind(&again), VIDEO_INIT);
    // The newer init counts alone.
    let newer = again.add(VIDEO_INIT, Repeatable, Some(Accepted), handle(ONE).with("publish_id", "second"));
    let step = step_of(next_at(&newer, &upload_content(), at(0)));
    assert_eq!((step.kind, step.handle.text("publish_id")), (UPLOAD_LAST, Some("second")));
}

#[test]
fn after_a_last_byte_was_proven_absent_a_new_upload_waits_until_the_old_url_is_dead() {
    let tried = uploaded_all_but_last().add(UPLOAD_LAST, Pnr, Some(Absent), handle(MANY));
    let step = step_of(next_at(&tried, &upload_content(), at(58)));
    assert_eq!((step.kind, step.not_before), (CREATOR_INFO, NotBefore::At(at(65))));
    let asked = creator(tried).with(|entry| entry.answered_at = Some(at(58)));
    let step = step_of(next_at(&asked, &upload_content(), at(58)));
    assert_eq!((step.kind, step.not_before), (VIDEO_INIT, NotBefore::At(at(65))));
}

#[test]
fn an_edit_after_the_preparation_prepares_anew() {
    let edited = Content { full_caption: "another caption".to_owned(), ..upload_content() };
    for rows in [creator(Rows::default()), init(MANY), uploaded_all_but_last()] {
        assert_eq!(step_of(next_at(&rows, &edited, at(0))).kind, CREATOR_INFO);
    }
}

#[test]
fn old_creator_info_is_asked_again_before_an_init() {
    assert_eq!(step_of(next_at(&creator(Rows::default()), &upload_content(), at(29))).kind, VIDEO_INIT);
    assert_eq!(step_of(next_at(&creator(Rows::default()), &upload_content(), at(30))).kind, CREATOR_INFO);
    assert_eq!(step_of(next_at(&uploaded_all_but_last(), &upload_content(), at(40))).kind, UPLOAD_LAST);
}

#[test]
fn failed_is_proof_of_absence() {
    for (reason, class) in
        [("internal", FailureClass::Transient), ("frame_rate_check_failed", FailureClass::InvalidMedia)]
    {
        let failed = Handle::default().with("status", FAILED).with("fail_reason", reason);
        for rows in [
            told(sent(), failed.clone()),
            uploaded_all_but_last().add(
                UPLOAD_LAST,
                Pnr,
                Some(Found),
                handle(MANY).with("status", FAILED).with("fail_reason", reason),
            ),
            init(MANY).add(
                UPLOAD,
                Resumable,
                Some(Accepted),
                handle(MANY).with("status", FAILED).with("fail_reason", reason),
            ),
        ] {
            let Next::Rejected(failure) = next_at(&rows, &upload_content(), at(0)) else { panic!("{reason}") };
            assert_eq!((failure.class, failure.rule.as_str()), (class.clone(), reason));
        }
    }
    let unknown = told(sent(), Handle::default().with("status", FAILED));
    let Next::Rejected(failure) = next_at(&unknown, &upload_content(), at(0)) else { panic!() };
    assert_eq!(failure.reason, Reason::PlatformRefused);
}

#[test]
fn a_new_attempt_begins_at_the_beginning() {
    let mut retried = post(upload_content());
    retried.attempt = 2;
    let (account, ledger) = (account(), told(sent(), Handle::default().with("status", FAILED)).ledger());
    let next = super::next(&View { post: &retried, account: &account, ledger: &ledger, now: at(1) });
    assert_eq!(step_of(next).kind, CREATOR_INFO);
}

#[test]
fn a_reconciled_last_byte_goes_on_with_the_status() {
    let found = uploaded_all_but_last().add(UPLOAD_LAST, Pnr, Some(Found), handle(MANY).with("uploaded", 94_000_000));
    assert_eq!(kind(&found), STATUS);
    let complete = found.with(|entry| entry.handle = entry.handle.clone().with("status", COMPLETE));
    assert!(matches!(next_at(&complete, &upload_content(), at(0)), Next::Live { then: Some(_), .. }));
}

#[test]
fn private_posts_never_get_an_id_and_the_search_for_public_ones_ends() {
    let complete = told(sent(), Handle::default().with("status", COMPLETE));
    for level in ["SELF_ONLY", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR"] {
        let mut private = complete.clone();
        for entry in &mut private.0 {
            entry.handle = entry.handle.clone().with("privacy_level", level);
        }
        assert!(matches!(next_at(&private, &upload_content(), at(0)), Next::Live { then: None, .. }), "{level}");
    }
    assert!(matches!(next_at(&complete, &upload_content(), at(24 * 60 - 1)), Next::Live { then: Some(_), .. }));
    assert!(matches!(next_at(&complete, &upload_content(), at(24 * 60)), Next::Live { then: None, .. }));
    let forgotten = complete.add(PUBLIC_ID, Read, Some(Accepted), Handle::default());
    assert!(matches!(next_at(&forgotten, &upload_content(), at(0)), Next::Live { then: None, .. }));
}

#[test]
fn a_draft_in_the_inbox_is_delivered_and_may_become_live() {
    let inbox = told(sent(), Handle::default().with("status", INBOX));
    let Next::Delivered { then: Some(then) } = next_at(&inbox, &upload_content(), at(0)) else { panic!() };
    assert_eq!((then.kind, then.handle.text("status")), (STATUS, Some(INBOX)));
    let posted = told(inbox, Handle::default().with("status", COMPLETE));
    assert!(matches!(next_at(&posted, &upload_content(), at(0)), Next::Live { .. }));
}

#[test]
fn without_a_username_there_is_no_link_rather_than_a_wrong_one() {
    assert_eq!(post_url("", "1"), None);
    assert_eq!(post_url("a/b", "1"), None);
    assert_eq!(post_url("@a_b.c", "1").as_deref(), Some("https://www.tiktok.com/@a_b.c/video/1"));
}

#[test]
fn pull_from_url_commits_with_its_init() {
    let content = content("PUBLIC", TiktokTransfer::PullFromUrl);
    let next = |rows: &Rows| next_at(rows, &content, at(0));
    assert_eq!(step_of(next(&Rows::default())).kind, CREATOR_INFO);
    let asked = Rows::default().add(CREATOR_INFO, Read, Some(Accepted), creator_handle(&content));
    let step = step_of(next(&asked));
    assert_eq!((step.kind, step.class, step.not_before), (VIDEO_INIT_PULL, Pnr, NotBefore::Due));

    let with_id = creator_handle(&content).with("publish_id", "v_pub_url~v2.1");
    let accepted = asked.clone().add(VIDEO_INIT_PULL, Pnr, Some(Accepted), with_id);
    assert_eq!(step_of(next(&accepted)).kind, STATUS);
    for outcome in [None, Some(Unknown)] {
        let lost = asked.clone().add(VIDEO_INIT_PULL, Pnr, outcome, creator_handle(&content));
        let step = step_of(next(&lost));
        assert_eq!((step.kind, step.class), (FIND, Read), "no publish id: only looking is left");
    }
    let refused = asked.clone().add(VIDEO_INIT_PULL, Pnr, Some(NoEffect), creator_handle(&content));
    assert_eq!(step_of(next(&refused)).kind, VIDEO_INIT_PULL);

    let listed = creator_handle(&content).with("status", COMPLETE).with("post_ids", vec!["756".to_owned()]);
    let found = asked.add(VIDEO_INIT_PULL, Pnr, Some(Found), listed);
    let Next::Live { live, then: None } = next(&found) else { panic!() };
    assert_eq!(live.platform_post_url.as_deref(), Some("https://www.tiktok.com/@creator.one/video/756"));
}
