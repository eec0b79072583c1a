//! Whole courses and every crash position, over ledgers written by hand, without a network.

use super::*;
use crate::{
    domain::post::Status,
    platform::{
        instagram::stand_in::{self, Book, CAPTION, CONTAINER_ID, at, of_container, post},
        stand_in::Stage,
    },
};

fn stage(book: &Book) -> Stage {
    stand_in::stage(LoginFlavour::InstagramLogin, book)
}

fn by_upload(book: &Book) -> Stage {
    stand_in::stage(LoginFlavour::FacebookLogin, book)
}

fn kind(stage: &Stage) -> &'static str {
    match next(&stage.view()) {
        Next::Step(step) => step.kind,
        other => panic!("{other:?}"),
    }
}

fn content() -> Content {
    post().content
}

fn uploaded() -> Book {
    Book::default()
        .container(CONTAINER_ID, &content(), Transfer::Resumable)
        .ok(UPLOAD, of_container(CONTAINER_ID).with(name::UPLOAD_STATE, upload::COMPLETE))
}

#[test]
fn the_course_by_url() {
    let book = Book::default();
    let first = stage(&book).step();
    assert_eq!((first.kind, first.class, first.not_before), (CONTAINER, StepClass::Repeatable, NotBefore::Prepare));
    assert_eq!(first.handle.text(name::TRANSFER), Some("video_url"));
    assert_eq!(first.handle.text(name::CAPTION), Some(CAPTION));

    let book = book.container(CONTAINER_ID, &content(), Transfer::VideoUrl);
    let step = stage(&book).step();
    assert_eq!((step.kind, step.class), (STATUS, StepClass::Read));
    assert_eq!(step.handle.instant(name::CREATED_AT), Some(at(60)));

    let book = book.status(CONTAINER_ID, status::FINISHED);
    assert_eq!(kind(&stage(&book)), SNAPSHOT);

    let book = book.snapshot(CONTAINER_ID);
    let step = stage(&book).step();
    assert_eq!((step.kind, step.class, step.not_before), (PUBLISH, StepClass::PointOfNoReturn, NotBefore::Due));
    assert_eq!(step.handle.text(name::CONTAINER_ID), Some(CONTAINER_ID));
    assert!(step.timeout >= Duration::from_secs(120));

    let book = book.ok(PUBLISH, of_container(CONTAINER_ID).with(name::MEDIA_ID, "180"));
    let Next::Live { live, then } = next(&stage(&book).view()) else { panic!() };
    assert_eq!(live.platform_post_id.as_deref(), Some("180"));
    let then = then.unwrap();
    assert_eq!((then.kind, then.handle.text(name::MEDIA_ID)), (PERMALINK, Some("180")));

    let link = "https://www.instagram.com/reel/x/";
    let book = book.ok(PERMALINK, Handle::default().with(name::MEDIA_ID, "180").with(name::PERMALINK, link));
    let Next::Live { live, then } = next(&stage(&book).view()) else { panic!() };
    assert_eq!(live.platform_post_url.as_deref(), Some(link));
    assert_eq!(live.all_platform_post_ids, ["180"]);
    assert_eq!(then, None);
}

#[test]
fn the_course_by_upload() {
    let book = Book::default();
    assert_eq!(by_upload(&book).step().handle.text(name::TRANSFER), Some("resumable"));
    let book = book.container(CONTAINER_ID, &content(), Transfer::Resumable);
    let step = by_upload(&book).step();
    assert_eq!((step.kind, step.class, step.handle.number(name::OFFSET)), (UPLOAD, StepClass::Resumable, Some(0)));
    assert!(step.handle.text(name::URI).unwrap().starts_with("https://rupload.example/"));
    let book = book.ok(UPLOAD, of_container(CONTAINER_ID).with(name::UPLOAD_STATE, upload::COMPLETE));
    assert_eq!(kind(&by_upload(&book)), STATUS);
    let book = book.status(CONTAINER_ID, status::FINISHED);
    assert_eq!(kind(&by_upload(&book)), SNAPSHOT);
    assert_eq!(kind(&by_upload(&book.snapshot(CONTAINER_ID))), PUBLISH);
}

#[test]
fn the_transfer_follows_options_and_login() {
    let with = |stage: &mut Stage, transfer| {
        stage.post.content.options = InstagramOptions { transfer, ..InstagramOptions::default() }.alone();
    };
    let book = Book::default();
    let mut wanted = by_upload(&book);
    with(&mut wanted, InstagramTransfer::VideoUrl);
    assert_eq!(wanted.step().handle.text(name::TRANSFER), Some("video_url"));
    let mut impossible = stage(&book);
    with(&mut impossible, InstagramTransfer::Resumable);
    let Next::Rejected(failure) = next(&impossible.view()) else { panic!() };
    assert_eq!((failure.class, failure.reason), (FailureClass::InvalidRequest, Reason::Unsupported));
}

/// A worker that died at any place leaves an entry without an outcome, or with an unknown one; a new one goes on.
#[test]
fn every_crash_position_is_gone_on_from() {
    for outcome in [None, Some(StepOutcome::Unknown)] {
        let container = Book::default().add(CONTAINER, outcome, Handle::default());
        assert_eq!(kind(&stage(&container)), CONTAINER);
        let upload = Book::default().container(CONTAINER_ID, &content(), Transfer::Resumable).add(
            UPLOAD,
            outcome,
            of_container(CONTAINER_ID).with(name::OFFSET, 0),
        );
        assert_eq!(kind(&by_upload(&upload)), UPLOAD_OFFSET);
        let publish = Book::ready(&content()).publish(CONTAINER_ID, outcome);
        let step = stage(&publish).step();
        assert_eq!((step.kind, step.class), (STATUS, StepClass::Read), "only reading while a publish is open");
        let comments = Book::ready(&content()).ok(PUBLISH, of_container(CONTAINER_ID).with(name::MEDIA_ID, "180")).add(
            COMMENTS_OFF,
            outcome,
            Handle::default(),
        );
        let mut stage = stage(&comments);
        stage.post.content.allow_comments = Some(false);
        assert_eq!(stage.step().kind, COMMENTS_OFF);
    }
}

#[test]
fn while_a_publish_is_open_nothing_leads_to_another_write() {
    let open = || Book::ready(&content()).publish(CONTAINER_ID, Some(StepOutcome::Unknown));
    let ledgers = [
        open(),
        open().status(CONTAINER_ID, status::FINISHED),
        open().status(CONTAINER_ID, status::FINISHED).snapshot(CONTAINER_ID),
        open().failed(CONTAINER_ID, 2_207_026),
        open().status(CONTAINER_ID, status::EXPIRED),
        open().status(CONTAINER_ID, status::GONE),
        open().status(CONTAINER_ID, status::UNREADABLE),
    ];
    for book in ledgers {
        let mut stage = stage(&book);
        assert_eq!(stage.step().class, StepClass::Read);
        stage.now += TimeDelta::days(3);
        assert_eq!(stage.step().class, StepClass::Read);
        stage.post.content.full_caption = "edited".into();
        assert_eq!(stage.step().class, StepClass::Read);
    }
}

#[test]
fn after_a_refused_publish_the_same_container_is_read_and_sent_again() {
    for outcome in [StepOutcome::NoEffect, StepOutcome::Absent] {
        let book = Book::ready(&content()).publish(CONTAINER_ID, Some(outcome));
        assert_eq!(kind(&stage(&book)), STATUS, "the reading before the publish does not count any more");
        let book = book.status(CONTAINER_ID, status::FINISHED);
        assert_eq!(kind(&stage(&book)), SNAPSHOT);
        let step = stage(&book.snapshot(CONTAINER_ID)).step();
        assert_eq!((step.kind, step.handle.text(name::CONTAINER_ID)), (PUBLISH, Some(CONTAINER_ID)));
    }
}

#[test]
fn a_container_of_the_accounts_other_login_is_made_anew_and_never_published() {
    let made_by = |login: LoginFlavour| {
        let handle = of_container(CONTAINER_ID)
            .with(name::CONTENT, fingerprint(&content(), Transfer::VideoUrl))
            .with(name::LOGIN, login.as_str())
            .with_instant(name::CREATED_AT, at(60));
        Book::default().ok(CONTAINER, handle)
    };
    let ready = |login| made_by(login).status(CONTAINER_ID, status::FINISHED).snapshot(CONTAINER_ID);
    assert_eq!(kind(&stage(&ready(LoginFlavour::InstagramLogin))), PUBLISH);
    let unreadable = made_by(LoginFlavour::FacebookLogin).status(CONTAINER_ID, status::UNREADABLE);
    for book in [made_by(LoginFlavour::FacebookLogin), ready(LoginFlavour::FacebookLogin), unreadable] {
        let step = stage(&book).step();
        assert_eq!((step.kind, step.not_before), (CONTAINER, NotBefore::Prepare));
        assert_eq!(step.handle.text(name::LOGIN), Some("instagram_login"));
    }
    let open = ready(LoginFlavour::FacebookLogin).publish(CONTAINER_ID, Some(StepOutcome::Unknown));
    assert_eq!(stage(&open).step().class, StepClass::Read, "nothing is made beside a publish that is open");
}

#[test]
fn a_container_seen_as_published_stays_published() {
    let book = Book::ready(&content())
        .publish(CONTAINER_ID, Some(StepOutcome::Absent))
        .status(CONTAINER_ID, status::PUBLISHED)
        .status(CONTAINER_ID, status::FINISHED)
        .snapshot(CONTAINER_ID);
    let Next::Live { live, then } = next(&stage(&book).view()) else { panic!() };
    assert_eq!(Live { link: None, ..live }, Live::default(), "published, link unknown");
    assert_eq!(then.unwrap().kind, PERMALINK);
}

#[test]
fn a_match_that_shows_up_late_is_live() {
    let handle = of_container(CONTAINER_ID).with(name::MEDIA_ID, "180").with(name::PERMALINK, "https://i/reel/x/");
    let book = Book::ready(&content())
        .publish(CONTAINER_ID, Some(StepOutcome::Absent))
        .status(CONTAINER_ID, status::FINISHED)
        .ok(SNAPSHOT, handle);
    let Next::Live { live, then } = next(&stage(&book).view()) else { panic!() };
    assert_eq!((live.platform_post_id.as_deref(), then), (Some("180"), None));
}

#[test]
fn a_publish_found_without_an_id_is_live() {
    let book = Book::ready(&content()).publish(CONTAINER_ID, Some(StepOutcome::Found));
    let Next::Live { live, then } = next(&stage(&book).view()) else { panic!() };
    assert_eq!(Live { link: None, ..live }, Live::default());
    let then = then.unwrap();
    assert_eq!((then.kind, then.handle.is_empty()), (PERMALINK, true));
    let named = book.clone().ok(PERMALINK, Handle::default().with(name::MEDIA_ID, "180"));
    let Next::Live { live, then } = next(&stage(&named).view()) else { panic!() };
    assert_eq!(live.platform_post_id.as_deref(), Some("180"));
    assert_eq!(then.unwrap().kind, PERMALINK, "the id is known, the link not yet");
    let book = book.ok(PERMALINK, Handle::default().with(name::LINK, LINK_GIVEN_UP));
    assert!(matches!(next(&stage(&book).view()), Next::Live { then: None, .. }));
}

#[test]
fn a_stale_snapshot_is_taken_again() {
    let book = Book::ready(&content());
    let mut stage = stage(&book);
    stage.now = book.last().answered_at.unwrap() + SNAPSHOT_FRESH;
    assert_eq!(stage.step().kind, PUBLISH);
    stage.now += TimeDelta::seconds(1);
    assert_eq!(stage.step().kind, SNAPSHOT);
}

#[test]
fn a_scheduled_post_takes_its_snapshot_shortly_before_its_time() {
    let book =
        Book::default().container(CONTAINER_ID, &content(), Transfer::VideoUrl).status(CONTAINER_ID, status::FINISHED);
    let mut stage = stage(&book);
    stage.post.status = Status::Scheduled;
    stage.post.scheduled_at = Some(at(800));
    assert_eq!(stage.step().not_before, NotBefore::At(at(800) - SNAPSHOT_LEAD));
    assert!(SNAPSHOT_LEAD < SNAPSHOT_FRESH);
    // Begun for its time, and taken back by a stop: its time stands.
    (stage.post.status, stage.post.due_at) = (Status::Publishing, Some(at(800)));
    assert_eq!(stage.step().not_before, NotBefore::At(at(800) - SNAPSHOT_LEAD));
    stage.post.due_at = Some(stage.now);
    assert!(matches!(stage.step().not_before, NotBefore::At(from) if from <= stage.now), "published now");
}

#[test]
fn failed_containers_are_replaced_a_few_times() {
    let failed = |book: Book, id: &str, subcode| book.container(id, &content(), Transfer::VideoUrl).failed(id, subcode);
    let one = failed(Book::default(), "c1", 2_207_052);
    let step = stage(&one).step();
    let known = one.last().answered_at.unwrap();
    assert_eq!((step.kind, step.not_before), (CONTAINER, NotBefore::At(known + TimeDelta::seconds(30))));
    let two = failed(one, "c2", 2_207_052);
    assert_eq!(stage(&two).step().not_before, NotBefore::At(two.last().answered_at.unwrap() + TimeDelta::seconds(60)));
    let three = failed(two, "c3", 2_207_052);
    let Next::Rejected(failure) = next(&stage(&three).view()) else { panic!() };
    assert_eq!((failure.class, failure.reason), (FailureClass::InvalidMedia, Reason::VideoNotPublic));
    assert_eq!(failure.rule, "9004/2207052");

    let other = failed(failed(failed(Book::default(), "c1", 2_207_003), "c2", 2_207_053), "c3", 2_207_003);
    let Next::Rejected(failure) = next(&stage(&other).view()) else { panic!() };
    assert_eq!(failure.class, FailureClass::Transient);

    let for_good = failed(Book::default(), "c1", 2_207_026);
    let Next::Rejected(failure) = next(&stage(&for_good).view()) else { panic!() };
    assert_eq!((failure.class, failure.reason), (FailureClass::InvalidMedia, Reason::VideoFormatInvalid));

    let unnamed = Book::default().container("c1", &content(), Transfer::VideoUrl).status("c1", status::ERROR);
    assert_eq!(kind(&stage(&unnamed)), CONTAINER);
}

#[test]
fn an_expired_container_is_replaced_and_counts_only_if_it_never_got_ready() {
    let expire = |book: Book, id: &str| {
        book.container(id, &content(), Transfer::VideoUrl).status(id, status::FINISHED).status(id, status::EXPIRED)
    };
    let mut book = Book::default();
    for id in ["c1", "c2", "c3", "c4"] {
        book = expire(book, id);
        let step = stage(&book).step();
        assert_eq!((step.kind, step.not_before), (CONTAINER, NotBefore::Prepare));
    }
    let mut book = Book::default();
    for id in ["c1", "c2", "c3"] {
        book = book.container(id, &content(), Transfer::VideoUrl).status(id, status::EXPIRED);
    }
    assert!(matches!(next(&stage(&book).view()), Next::Rejected(_)));
}

#[test]
fn a_container_that_is_a_day_old_is_not_begun_with() {
    let book = Book::ready(&content());
    let mut stage = stage(&book);
    stage.now = at(60) + USABLE;
    let step = stage.step();
    assert_eq!((step.kind, step.not_before), (CONTAINER, NotBefore::Prepare));
}

#[test]
fn a_container_of_another_text_or_video_is_never_published() {
    let book = Book::ready(&content());
    let edits: [fn(&mut Content); 5] = [
        |content| content.full_caption = "other".into(),
        |content| content.video_url = "https://cdn.example/w.mp4".into(),
        |content| content.thumbnail_url = Some("https://cdn.example/c.jpg".into()),
        |content| content.location = Some("1".into()),
        |content| content.options = InstagramOptions { share_to_feed: Some(false), ..Default::default() }.alone(),
    ];
    for edit in edits {
        let mut stage = stage(&book);
        edit(&mut stage.post.content);
        assert_eq!(stage.step().kind, CONTAINER);
    }
}

#[test]
fn a_dead_container_that_was_sent_ends_the_attempt() {
    let book = Book::ready(&content()).publish(CONTAINER_ID, Some(StepOutcome::Absent)).failed(CONTAINER_ID, 2_207_053);
    let Next::Rejected(failure) = next(&stage(&book).view()) else { panic!() };
    assert_eq!(failure.class, FailureClass::Transient, "a new attempt may try again");
    let refused =
        Book::ready(&content()).publish(CONTAINER_ID, Some(StepOutcome::NoEffect)).failed(CONTAINER_ID, 2_207_053);
    assert_eq!(kind(&stage(&refused)), CONTAINER);
}

#[test]
fn an_upload_is_continued_where_the_container_says_or_begun_anew() {
    let broken = Book::default().container(CONTAINER_ID, &content(), Transfer::Resumable).add(
        UPLOAD,
        Some(StepOutcome::Unknown),
        of_container(CONTAINER_ID).with(name::OFFSET, 0),
    );
    let known = broken.clone().ok(UPLOAD_OFFSET, of_container(CONTAINER_ID).with(name::OFFSET, 4096));
    let step = by_upload(&known).step();
    assert_eq!((step.kind, step.handle.number(name::OFFSET)), (UPLOAD, Some(4096)));
    let again = known.add(UPLOAD, Some(StepOutcome::Unknown), of_container(CONTAINER_ID).with(name::OFFSET, 4096));
    assert_eq!(kind(&by_upload(&again)), UPLOAD_OFFSET, "an old reading says nothing about a newer upload");
    let complete =
        broken.clone().ok(UPLOAD_OFFSET, of_container(CONTAINER_ID).with(name::UPLOAD_STATE, upload::COMPLETE));
    assert_eq!(kind(&by_upload(&complete)), STATUS);
    let lost = broken.ok(UPLOAD_OFFSET, of_container(CONTAINER_ID).with(name::UPLOAD_STATE, upload::LOST));
    let step = by_upload(&lost).step();
    assert_eq!((step.kind, step.not_before), (CONTAINER, NotBefore::Prepare));
}

#[test]
fn an_upload_without_effect_is_sent_again_from_its_offset() {
    let handle = of_container(CONTAINER_ID).with(name::OFFSET, 77);
    let mut book = Book::default().container(CONTAINER_ID, &content(), Transfer::Resumable).add(
        UPLOAD,
        Some(StepOutcome::NoEffect),
        handle.clone(),
    );
    assert_eq!(by_upload(&book).step().handle.number(name::OFFSET), Some(77));
    for _ in 1..MAX_UPLOADS {
        book = book.add(UPLOAD, Some(StepOutcome::NoEffect), handle.clone());
    }
    assert_eq!(kind(&by_upload(&book)), CONTAINER, "not for ever into the same container");
}

#[test]
fn lost_answers_to_creating_a_container_have_an_end() {
    let mut book = Book::default();
    for _ in 0..MAX_LOST_CONTAINERS {
        assert_eq!(kind(&stage(&book)), CONTAINER);
        book = book.add(CONTAINER, Some(StepOutcome::Unknown), Handle::default());
    }
    let Next::Rejected(failure) = next(&stage(&book).view()) else { panic!() };
    assert_eq!(failure.class, FailureClass::Transient);
}

#[test]
fn an_unreadable_container_is_published_unread() {
    let book = uploaded().status(CONTAINER_ID, status::UNREADABLE).snapshot(CONTAINER_ID);
    assert_eq!(kind(&by_upload(&book)), PUBLISH);
}

#[test]
fn comments_are_turned_off_before_the_link_is_read() {
    let book = Book::ready(&content()).ok(PUBLISH, of_container(CONTAINER_ID).with(name::MEDIA_ID, "180"));
    let then = |book: &Book| {
        let mut stage = stage(book);
        stage.post.content.allow_comments = Some(false);
        match next(&stage.view()) {
            Next::Live { then, .. } => then,
            other => panic!("{other:?}"),
        }
    };
    let step = then(&book).unwrap();
    assert_eq!((step.kind, step.class, step.not_before), (COMMENTS_OFF, StepClass::Repeatable, NotBefore::Prepare));
    let done = book.clone().ok(COMMENTS_OFF, Handle::default());
    assert_eq!(then(&done).unwrap().kind, PERMALINK);
    let hopeless = book.clone().add(COMMENTS_OFF, Some(StepOutcome::NoEffect), Handle::default()).given_up();
    assert_eq!(then(&hopeless).unwrap().kind, PERMALINK, "what is given up keeps nothing else from its turn");
    let mut refused = book;
    for _ in 0..MAX_COMMENT_TRIES {
        assert_eq!(then(&refused).unwrap().kind, COMMENTS_OFF);
        refused = refused.add(COMMENTS_OFF, Some(StepOutcome::NoEffect), Handle::default());
    }
    assert_eq!(then(&refused).unwrap().kind, PERMALINK, "given up, and the post stays live");
}

#[test]
fn a_new_attempt_begins_anew() {
    let book = Book::ready(&content()).publish(CONTAINER_ID, Some(StepOutcome::Absent));
    let mut stage = stage(&book);
    stage.post.attempt = 2;
    assert_eq!(stage.step().kind, CONTAINER);
}

#[test]
fn the_list_before_the_first_sending_is_what_counts() {
    let book = Book::ready(&content())
        .publish(CONTAINER_ID, Some(StepOutcome::NoEffect))
        .status(CONTAINER_ID, status::FINISHED)
        .ok(SNAPSHOT, of_container(CONTAINER_ID).with(name::IDS, json!(["3"])))
        .publish(CONTAINER_ID, Some(StepOutcome::Absent))
        .status(CONTAINER_ID, status::FINISHED)
        .ok(SNAPSHOT, of_container(CONTAINER_ID).with(name::IDS, json!(["3", "180"])))
        .publish(CONTAINER_ID, Some(StepOutcome::Unknown));
    let stage = stage(&book);
    let view = stage.view();
    let sent = sendings(&view, CONTAINER_ID);
    assert_eq!(sent.len(), 2, "a refused one did not send anything");
    assert_eq!(ids_before(&view, sent[0].number).unwrap(), ["3"]);
}
